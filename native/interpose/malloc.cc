#include <errno.h>
#include <pthread.h>
#include <stddef.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>

#include "alloc/heap.h"
#include "base/checks.h"
#include "interpose/malloc_config.h"
#include "interpose/malloc_faults.h"
#include "interpose/malloc_sizes.h"
#include "interpose/malloc_stats.h"
#include "os/lock.h"

/**
 * The drop-in malloc: the whole family on one heap of the preset `rustydb`, for a program that preloads or
 * links this library. Sizes are found by address, and there are no transactions.
 *
 * The C++ library's operator new and delete come through malloc and free. Nothing here depends on anything
 * that allocates: the heap is made at the first call, which is the loader's. Nothing here calls the family by
 * its exported names, which another preloaded library, the recorder, may have in front of ours.
 */

namespace rmem {
namespace {

using MallocHeap = Heap<Preset::kRustydb>;

/** Both lie where the code knows without asking, and are looked at before they are made: then nothing is
 * found. */
constinit MallocHeap gHeap;
constinit SizeClassTable gClasses;
constinit std::atomic<bool> gMade{false};
constinit bool gBackgroundDecay = false;
constinit Lock gMaking;

/** False where there is no address space for it now. */
[[gnu::noinline, gnu::cold]] bool MakeHeap() noexcept {
  const LockGuard guard(gMaking);
  if (gMade.load(std::memory_order_relaxed)) return true;
  gClasses = SizeClassTable::Default();
  HeapConfig config;
  ReadHeapConfig(&config, &gClasses);
  gClasses.Coarsen();
  config.sizeClasses = config.refinable = &gClasses;
  if (!MallocHeap::CreateAt(&gHeap, config)) return false;
  gBackgroundDecay = config.backgroundDecay;
  mallocChecksSizes = config.hardened.enabled;
  if (config.hardened.enabled) ReportFaults([](const void* address) { gHeap.ExplainFault(address); });
  gMade.store(true, std::memory_order_release);
  return true;
}

inline bool HasHeap() noexcept {
  return gMade.load(std::memory_order_acquire) || MakeHeap();
}

/** For calls with a block, or that tell of the heap: there is one, or the program can't go on. */
inline MallocHeap& TheHeap() noexcept {
  RMEM_CHECK(HasHeap() && "no address space for the heap");
  return gHeap;
}

[[gnu::noinline, gnu::cold]] void* OutOfMemory() noexcept {
  errno = ENOMEM;
  return nullptr;
}

[[gnu::noinline]] void* Allocate(std::size_t size, std::size_t alignment = 0, bool zeroed = false) noexcept {
  // Beyond it differences of pointers overflow.
  if (size > PTRDIFF_MAX || !HasHeap()) [[unlikely]]
    return OutOfMemory();
  void* p = gHeap.Allocate(size, alignment, zeroed);
  return p != nullptr ? p : OutOfMemory();
}

[[gnu::noinline]] void FreeSlow(void* p) noexcept {
  if (p != nullptr) TheHeap().FreeUntold(p);
}

/** Into the calling thread's magazine, or not at all. */
inline bool TryFree(void* p) noexcept {
  const std::uint32_t tag = gHeap.TagOf(p);
  return MallocHeap::IsSlabTag(tag) && SlabAllocator::TryPush(p, SlabAllocator::ClassOfTag(tag));
}

inline void Free(void* p) noexcept {
  if (!TryFree(p)) [[unlikely]]
    FreeSlow(p);
}

[[gnu::noinline]] void FreeToldSlow(void* p, std::size_t size) noexcept {
  if (p != nullptr) TheHeap().FreeTold(p, size);
}

inline void FreeTold(void* p, std::size_t size) noexcept {
  if (!TryFree(p)) [[unlikely]]
    FreeToldSlow(p, size);
}

void* AllocateAligned(std::size_t alignment, std::size_t size) noexcept {
  // As glibc: an alignment that is no power of two is rounded up to one.
  if (alignment > SIZE_MAX / 2 + 1) {
    errno = EINVAL;
    return nullptr;
  }
  return Allocate(size, std::bit_ceil(alignment));
}

void* Reallocate(void* p, std::size_t size) noexcept {
  if (p == nullptr) return Allocate(size);
  if (size == 0) {
    Free(p);
    return nullptr;
  }
  if (size > PTRDIFF_MAX) return OutOfMemory();
  void* moved = TheHeap().ReallocateUntold(p, size);
  return moved != nullptr ? moved : OutOfMemory();
}

void BeforeFork() noexcept {
  gMaking.Acquire();
  if (gMade.load(std::memory_order_relaxed)) gHeap.LockAll();
}

void AfterFork() noexcept {
  if (gMade.load(std::memory_order_relaxed)) gHeap.UnlockAll();
  gMaking.Release();
}

// The first to prepare is the last to lock: other handlers may still allocate.
__attribute__((constructor(101))) void PrepareForks() noexcept {
  pthread_atfork(BeforeFork, AfterFork, AfterFork);
  // Not where the heap is made: a thread takes memory.
  if (gBackgroundDecay) static_cast<void>(gHeap.StartBackgroundDecay());
}

// What was freed last has not been looked at.
__attribute__((destructor(101))) void CheckAtExit() noexcept {
  if (gMade.load(std::memory_order_acquire)) gHeap.CheckQuarantine();
}

}  // namespace

constinit bool mallocChecksSizes = false;

HeapStats MallocHeapStats() noexcept {
  return TheHeap().Stats();
}

}  // namespace rmem

#define RMEM_EXPORT extern "C" __attribute__((visibility("default")))

RMEM_EXPORT void* malloc(size_t size) {
  if (void* p = rmem::SlabAllocator::TryPop(rmem::gClasses.ClassFor(size))) [[likely]]
    return p;
  return rmem::Allocate(size);
}

RMEM_EXPORT void free(void* p) {
  rmem::Free(p);
}

RMEM_EXPORT void* calloc(size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return rmem::OutOfMemory();
  return rmem::Allocate(bytes, 0, true);
}

RMEM_EXPORT void* realloc(void* p, size_t size) {
  return rmem::Reallocate(p, size);
}

RMEM_EXPORT void* reallocarray(void* p, size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return rmem::OutOfMemory();
  return rmem::Reallocate(p, bytes);
}

RMEM_EXPORT int posix_memalign(void** p, size_t alignment, size_t size) {
  if (!std::has_single_bit(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
  const int before = errno;
  void* block = rmem::Allocate(size, alignment);
  errno = before;
  if (block == nullptr) return ENOMEM;
  *p = block;
  return 0;
}

RMEM_EXPORT void* memalign(size_t alignment, size_t size) {
  return rmem::AllocateAligned(alignment, size);
}

RMEM_EXPORT void* aligned_alloc(size_t alignment, size_t size) {
  return rmem::AllocateAligned(alignment, size);
}

RMEM_EXPORT void* valloc(size_t size) {
  return rmem::Allocate(size, rmem::kPageBytes);
}

RMEM_EXPORT void* pvalloc(size_t size) {
  const size_t pages = size / rmem::kPageBytes + (size % rmem::kPageBytes != 0 ? 1 : 0);
  return rmem::Allocate(std::max<size_t>(pages, 1) * rmem::kPageBytes, rmem::kPageBytes);
}

RMEM_EXPORT void free_sized(void* p, size_t size) {
  rmem::FreeTold(p, size);
}

RMEM_EXPORT void free_aligned_sized(void* p, size_t /*alignment*/, size_t size) {
  rmem::FreeTold(p, size);
}

RMEM_EXPORT void cfree(void* p) {
  rmem::Free(p);
}

RMEM_EXPORT size_t malloc_usable_size(void* p) {
  return p == nullptr ? 0 : rmem::TheHeap().UsableBytes(p);
}

/** Gives back what is free, whatever `pad` says; 1 where that was anything. */
RMEM_EXPORT int malloc_trim(size_t /*pad*/) {
  return rmem::TheHeap().Purge() != 0 ? 1 : 0;
}
