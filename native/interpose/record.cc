#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/checks.h"
#include "interpose/record_births.h"
#include "interpose/record_family.h"
#include "interpose/record_log.h"
#include "interpose/record_symbols.h"

/**
 * The recorder, a library to preload: tells every call of the malloc family to the session (record_session.h)
 * and passes it on to the allocator below. Without a session it only passes on.
 *
 * operator new and delete are libstdc++'s (or the program's own), which go through malloc, aligned_alloc and
 * free: each is recorded once, where it arrives here. Only the forms of delete that are told a size are ours
 * too: record_sized_delete.cc.
 */

namespace rmem::record {
namespace {

struct Below {
  void* (*malloc)(size_t);
  void* (*calloc)(size_t, size_t);
  void* (*realloc)(void*, size_t);
  void (*free)(void*);
  int (*posix_memalign)(void**, size_t, size_t);
  void* (*aligned_alloc)(size_t, size_t);
  void* (*memalign)(size_t, size_t);
  void* (*valloc)(size_t);
  void* (*pvalloc)(size_t);
};

constinit Below gBelow{};
constinit bool gReady = false;
constinit bool gLooking = false;

// dlsym may allocate before there is anyone to ask. Such blocks live here; they are never given back.
alignas(16) constinit std::byte gEarly[16 << 10]{};
constinit std::size_t gEarlyUsed = 0;

bool IsEarly(const void* block) {
  return block >= gEarly && block < gEarly + sizeof(gEarly);
}

void* AllocateEarly(std::size_t size) {
  const std::size_t bytes = (size + 15) / 16 * 16;
  RMEM_CHECK(bytes <= sizeof(gEarly) - gEarlyUsed);
  void* block = gEarly + gEarlyUsed;
  gEarlyUsed += bytes;
  return block;
}

template <class Function>
void Find(Function& function, const char* name) {
  function = reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

/** Before the first thread is started: the loader itself allocates long before. False while dlsym is at it.
 */
bool LookBelow() {
  if (gLooking) return false;
  gLooking = true;
  Find(gBelow.calloc, "calloc");
  Find(gBelow.malloc, "malloc");
  Find(gBelow.realloc, "realloc");
  Find(gBelow.free, "free");
  Find(gBelow.posix_memalign, "posix_memalign");
  Find(gBelow.aligned_alloc, "aligned_alloc");
  Find(gBelow.memalign, "memalign");
  Find(gBelow.valloc, "valloc");
  Find(gBelow.pvalloc, "pvalloc");
  const auto* single = static_cast<const char*>(dlsym(RTLD_DEFAULT, "__libc_single_threaded"));
  if (single != nullptr) gSingleThreaded = single;
  RMEM_CHECK(gBelow.malloc && gBelow.calloc && gBelow.realloc && gBelow.free);
  gReady = true;
  return true;
}

inline bool Ready() {
  return gReady ? true : LookBelow();
}

/** Records what an aligned allocation returned. */
void* Aligned(void* block, std::size_t alignment, std::size_t size) {
  if (block != nullptr && Recording()) RecordBirth(block, size, alignment, false);
  return block;
}

// Not by way of malloc and free themselves, which another preloaded library may have in front of ours.

void* Malloc(std::size_t size) {
  void* block = gBelow.malloc(size);
  if (block != nullptr && Recording()) RecordBirth(block, size, 0, false);
  return block;
}

void* ReallocateEarly(const void* old, std::size_t size) {
  // Its size is not known; what lies behind it up to the end of the early blocks is readable.
  void* block = Malloc(size);
  const auto readable =
      static_cast<std::size_t>(gEarly + sizeof(gEarly) - static_cast<const std::byte*>(old));
  if (block != nullptr) std::memcpy(block, old, size < readable ? size : readable);
  return block;
}

void* Reallocate(void* old, std::size_t size) {
  if (!Ready()) return old == nullptr ? AllocateEarly(size) : nullptr;
  if (old == nullptr) return Malloc(size);
  if (IsEarly(old)) return ReallocateEarly(old, size);
  if (!Recording()) return gBelow.realloc(old, size);
  const std::uint64_t before = Clock().Now();
  void* block = gBelow.realloc(old, size);
  // A null for a size of 0 is a free; for any other the old block lives on.
  if (block != nullptr || size == 0) RecordRealloc(before, old, block, size);
  return block;
}

std::size_t PageBytes() {
  return static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

__attribute__((constructor)) void Prepare() {
  Recording();  // begins the session of a program that has not allocated yet
  PrepareStacks();
  PrepareForChildren();
  RecordPrefixedSymbols();
}

__attribute__((destructor)) void StopAtExit() {
  StopSession();
}

}  // namespace

void FreeSized(void* block, std::size_t size) {
  if (block == nullptr || IsEarly(block) || !Ready()) return;
  if (Recording()) SizedFree(Clock().Now(), block, size);
  gBelow.free(block);
}

}  // namespace rmem::record

using namespace rmem::record;  // NOLINT(google-build-using-namespace): the family below is global by nature

#define RMEM_EXPORT extern "C" __attribute__((visibility("default")))

RMEM_EXPORT void* malloc(size_t size) {
  return Ready() ? Malloc(size) : AllocateEarly(size);
}

RMEM_EXPORT void* calloc(size_t count, size_t size) {
  if (!Ready()) return AllocateEarly(count * size);
  void* block = gBelow.calloc(count, size);
  if (block != nullptr && Recording()) RecordBirth(block, count * size, 0, true);
  return block;
}

RMEM_EXPORT void free(void* block) {
  if (block == nullptr || IsEarly(block) || !Ready()) return;
  if (Recording()) Free(Clock().Now(), block);
  gBelow.free(block);
}

// C23; where the library below does not have them, they are free.
RMEM_EXPORT void free_sized(void* block, size_t size) {
  FreeSized(block, size);
}

RMEM_EXPORT void free_aligned_sized(void* block, size_t /*alignment*/, size_t size) {
  FreeSized(block, size);
}

RMEM_EXPORT void* realloc(void* old, size_t size) {
  return Reallocate(old, size);
}

RMEM_EXPORT void* reallocarray(void* old, size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return Reallocate(old, bytes);
}

RMEM_EXPORT int posix_memalign(void** block, size_t alignment, size_t size) {
  if (!Ready() || gBelow.posix_memalign == nullptr) return ENOMEM;
  const int error = gBelow.posix_memalign(block, alignment, size);
  if (error == 0) Aligned(*block, alignment, size);
  return error;
}

RMEM_EXPORT void* aligned_alloc(size_t alignment, size_t size) {
  return Ready() && gBelow.aligned_alloc != nullptr
             ? Aligned(gBelow.aligned_alloc(alignment, size), alignment, size)
             : nullptr;
}

RMEM_EXPORT void* memalign(size_t alignment, size_t size) {
  // glibc rounds an alignment that is no power of two up to one.
  return Ready() && gBelow.memalign != nullptr
             ? Aligned(gBelow.memalign(alignment, size), std::bit_ceil(alignment), size)
             : nullptr;
}

RMEM_EXPORT void* valloc(size_t size) {
  return Ready() && gBelow.valloc != nullptr ? Aligned(gBelow.valloc(size), PageBytes(), size) : nullptr;
}

RMEM_EXPORT void* pvalloc(size_t size) {
  const size_t page = PageBytes();
  const size_t whole = (size + page - 1) / page * page;
  return Ready() && gBelow.pvalloc != nullptr ? Aligned(gBelow.pvalloc(size), page, whole) : nullptr;
}
