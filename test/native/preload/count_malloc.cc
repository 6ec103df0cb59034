#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

/**
 * Counts what a program asks of the malloc family, without knowing of the recorder: to be preloaded in front
 * of it. The counts lie in the file $COUNT_MALLOC.PID as six 64-bit numbers from the first call to the last,
 * whatever ends the process.
 */

namespace {

struct Counts {
  std::atomic<std::uint64_t> allocs, allocBytes, frees, reallocs, reallocBytes, failed;
};

Counts gUncounted;
std::atomic<Counts*> gCounts{nullptr};
pid_t gOwner = 0;

void MapCounts() {
  const char* path = getenv("COUNT_MALLOC");
  Counts* counts = &gUncounted;
  if (path != nullptr) {
    char own[512];
    snprintf(own, sizeof(own), "%s.%d", path, static_cast<int>(getpid()));
    const int file = open(own, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file >= 0 && ftruncate(file, sizeof(Counts)) == 0) {
      void* memory = mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
      if (memory != MAP_FAILED) counts = static_cast<Counts*>(memory);
    }
    if (file >= 0) close(file);
  }
  gOwner = getpid();
  if (gCounts.load() != nullptr && gCounts.load() != counts) {
    // Before main, when the environment could not be read yet.
    counts->allocs += gUncounted.allocs;
    counts->allocBytes += gUncounted.allocBytes;
    counts->frees += gUncounted.frees;
    counts->reallocs += gUncounted.reallocs;
    counts->reallocBytes += gUncounted.reallocBytes;
  }
  gCounts = counts;
}

__attribute__((constructor)) void Start() {
  MapCounts();
}

Counts& Now() {
  Counts* counts = gCounts.load(std::memory_order_relaxed);
  if (counts == nullptr) gCounts = counts = &gUncounted;
  return *counts;
}

template <class Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

void* Born(void* block, std::size_t size) {
  if (block == nullptr) {
    ++Now().failed;
  } else {
    ++Now().allocs;
    Now().allocBytes += size;
  }
  return block;
}

}  // namespace

// A child counts apart.
extern "C" pid_t fork() {
  static const auto next = Next<pid_t (*)()>("fork");
  const pid_t child = next();
  if (child == 0) {
    gCounts = nullptr;
    for (auto* count : {&gUncounted.allocs, &gUncounted.allocBytes, &gUncounted.frees, &gUncounted.reallocs,
                        &gUncounted.reallocBytes, &gUncounted.failed})
      *count = 0;
    MapCounts();
  }
  return child;
}

extern "C" void* malloc(size_t size) {
  static const auto next = Next<void* (*)(size_t)>("malloc");
  return Born(next(size), size);
}

extern "C" void* calloc(size_t count, size_t size) {
  static const auto next = Next<void* (*)(size_t, size_t)>("calloc");
  return Born(next(count, size), count * size);
}

extern "C" void free(void* block) {
  static const auto next = Next<void (*)(void*)>("free");
  if (block != nullptr) ++Now().frees;
  next(block);
}

extern "C" void* realloc(void* old, size_t size) {
  static const auto next = Next<void* (*)(void*, size_t)>("realloc");
  void* block = next(old, size);
  if (old == nullptr) return Born(block, size);
  if (block == nullptr && size == 0) {
    ++Now().frees;
  } else if (block != nullptr) {
    ++Now().reallocs;
    Now().reallocBytes += size;
  }
  return block;
}

extern "C" void* reallocarray(void* old, size_t count, size_t size) {
  return realloc(old, count * size);
}

extern "C" int posix_memalign(void** block, size_t alignment, size_t size) {
  static const auto next = Next<int (*)(void**, size_t, size_t)>("posix_memalign");
  const int error = next(block, alignment, size);
  if (error == 0) Born(*block, size);
  return error;
}

extern "C" void* aligned_alloc(size_t alignment, size_t size) {
  static const auto next = Next<void* (*)(size_t, size_t)>("aligned_alloc");
  return Born(next(alignment, size), size);
}

extern "C" void* memalign(size_t alignment, size_t size) {
  static const auto next = Next<void* (*)(size_t, size_t)>("memalign");
  return Born(next(alignment, size), size);
}

extern "C" void* valloc(size_t size) {
  static const auto next = Next<void* (*)(size_t)>("valloc");
  return Born(next(size), size);
}

extern "C" void* pvalloc(size_t size) {
  static const auto next = Next<void* (*)(size_t)>("pvalloc");
  return Born(next(size), (size + 4095) / 4096 * 4096);
}
