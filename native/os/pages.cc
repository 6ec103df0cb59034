#include "os/pages.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>

#include "base/checks.h"

// An address sanitizer's own threads leave shadow behind that it does not clear when the addresses become
// ours.
#if defined(__SANITIZE_ADDRESS__)
#define RMEM_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RMEM_ADDRESS_SANITIZER
#endif
#endif
#if defined(RMEM_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_UNPOISON_MEMORY_REGION(start, bytes) static_cast<void>(0)
#endif

namespace rmem {
namespace {

constexpr int kMremapDontUnmap = 4;  // MREMAP_DONTUNMAP, which older C libraries do not name

std::atomic<PageFailureHook> failureHook{nullptr};

bool MustFail(PageCall call) noexcept {
  const PageFailureHook hook = failureHook.load(std::memory_order_relaxed);
  return hook != nullptr && hook(call);
}

// The first number of /proc/self/statm is the size of the address space in pages.
std::size_t AddressSpaceBytes() noexcept {
  const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[64];
  const ssize_t length = ::read(file, text, sizeof text);
  ::close(file);
  std::size_t pages = 0;
  for (ssize_t i = 0; i < length && text[i] >= '0' && text[i] <= '9'; ++i) {
    pages = pages * 10 + static_cast<std::size_t>(text[i] - '0');
  }
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

void* ReservePages(std::size_t bytes, std::size_t alignment) noexcept {
  if (MustFail(PageCall::kReserve)) return nullptr;
  // Everything above counts pages of kPageBytes; a system with larger ones would round behind its back.
  if (static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) != kPageBytes) return nullptr;
  const std::size_t slack = alignment > kPageBytes ? alignment : 0;
  if (bytes == 0 || bytes + slack < bytes) return nullptr;
  void* mapped =
      ::mmap(nullptr, bytes + slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  if (slack == 0) return mapped;
  const auto start = reinterpret_cast<std::uintptr_t>(mapped);
  const std::uintptr_t aligned = (start + alignment - 1) & ~(std::uintptr_t{alignment} - 1);
  const std::size_t before = aligned - start;
  if (before != 0) ::munmap(mapped, before);
  if (before != slack) ::munmap(reinterpret_cast<void*>(aligned + bytes), slack - before);
  return reinterpret_cast<void*>(aligned);
}

bool CommitPages(void* start, std::size_t bytes) noexcept {
  if (MustFail(PageCall::kCommit)) return false;
  if (::mprotect(start, bytes, PROT_READ | PROT_WRITE) != 0) return false;
  ASAN_UNPOISON_MEMORY_REGION(start, bytes);
  return true;
}

bool ForbidPages(void* start, std::size_t bytes) noexcept {
  if (MustFail(PageCall::kForbid)) return false;
  return ::mprotect(start, bytes, PROT_NONE) == 0;
}

bool PurgePages(void* start, std::size_t bytes) noexcept {
  if (MustFail(PageCall::kPurge)) return false;
  return ::madvise(start, bytes, MADV_DONTNEED) == 0;
}

std::size_t ResidentBytes(const void* start, std::size_t bytes) noexcept {
  std::size_t pages = 0;
  unsigned char resident[1024];
  auto* at = static_cast<char*>(const_cast<void*>(start));
  for (std::size_t left = bytes; left != 0;) {
    const std::size_t part = left < sizeof resident * kPageBytes ? left : sizeof resident * kPageBytes;
    if (::mincore(at, part, resident) != 0) return 0;
    for (std::size_t i = 0; i < part / kPageBytes; ++i) pages += resident[i] & 1;
    at += part;
    left -= part;
  }
  return pages * kPageBytes;
}

void ReleasePages(void* start, std::size_t bytes) noexcept {
  RMEM_CHECK((::munmap(start, bytes) == 0) && "a range that is given back was never mapped");
}

bool AdviseHugePages(void* start, std::size_t bytes, bool wanted) noexcept {
  if (MustFail(PageCall::kAdvise)) return false;
  return ::madvise(start, bytes, wanted ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) == 0;
}

bool MovePages(void* from, void* to, std::size_t bytes) noexcept {
  if (MustFail(PageCall::kMove)) return false;
  // DONTUNMAP (Linux 5.7) leaves no hole in `from` that another thread's mmap could take. Without it: no
  // move.
  return ::mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED | kMremapDontUnmap, to) != MAP_FAILED;
}

std::size_t ReservableBytes(std::size_t wanted) noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return wanted;
  const std::size_t used = AddressSpaceBytes();
  if (used >= limit.rlim_cur) return 0;
  const std::size_t allowed = (limit.rlim_cur - used) / 2 / kPageBytes * kPageBytes;
  return allowed < wanted ? allowed : wanted;
}

void SetPageFailureHook(PageFailureHook hook) noexcept {
  failureHook.store(hook, std::memory_order_relaxed);
}

}  // namespace rmem
