#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

// glibc's malloc made slower by a known amount, to see whether a comparison finds it: every call first takes
// SLOW_SPINS dependent steps of one cycle each; of a half, as in 4.5, the allocations take one more than the
// frees. SLOW_SPINS=0 is the same library without the steps, which makes it the one to compare with: both
// have the same extra call.

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
}

namespace {

std::uint32_t allocationSpins = 0;
std::uint32_t freeSpins = 0;

// Before main, and before anything is measured; calls that come earlier are not slowed.
[[gnu::constructor]] void ReadSpins() {
  const char* text = std::getenv("SLOW_SPINS");
  if (text == nullptr) return;
  const auto halves = static_cast<std::uint32_t>(std::strtod(text, nullptr) * 2);
  allocationSpins = (halves + 1) / 2;
  freeSpins = halves / 2;
}

inline void Spin(std::uint32_t spins) {
  std::uint64_t step = 0;
  for (std::uint32_t left = spins; left != 0; --left) {
    ++step;
    asm volatile("" : "+r"(step));  // each step needs the one before, on every CPU
  }
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) {
  Spin(allocationSpins);
  return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) {
  Spin(allocationSpins);
  return __libc_calloc(count, size);
}

void* realloc(void* block, std::size_t size) {
  Spin(allocationSpins);
  return __libc_realloc(block, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  Spin(allocationSpins);
  return __libc_memalign(alignment, size);
}

void* memalign(std::size_t alignment, std::size_t size) {
  Spin(allocationSpins);
  return __libc_memalign(alignment, size);
}

int posix_memalign(void** block, std::size_t alignment, std::size_t size) {
  Spin(allocationSpins);
  *block = __libc_memalign(alignment, size);
  return *block == nullptr ? ENOMEM : 0;
}

void free(void* block) {
  Spin(freeSpins);
  __libc_free(block);
}

}  // extern "C"
