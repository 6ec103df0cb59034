#include <dlfcn.h>
#include <stdlib.h>

#include <cstddef>
#include <initializer_list>
#include <new>

#include "base/checks.h"
#include "interpose/malloc_sizes.h"

/**
 * operator new and delete of the drop-in malloc. As the standard has it, only the plain forms allocate and
 * free; the others call these, and by name, so that a program that replaces some of them has the rest follow.
 * The plain ones call the exported malloc and free, for another preloaded library, the recorder, may have its
 * own in front.
 *
 * The size that a delete is told is of no use here: the class of a block is one load away, and a size that is
 * wrong (of a base class without a virtual destructor) would ruin the heap. Hardened mode finds such a size.
 *
 * What a new throws the program must be able to catch. So nothing of a C++ runtime is linked in: all that is
 * needed of it is weak, and bound to the runtime that the program was started with.
 */

asm(".weak __gxx_personality_v0\n.weak __cxa_begin_catch\n.weak __cxa_end_catch\n.weak _Unwind_Resume");

namespace {

// std::__throw_bad_alloc() and std::get_new_handler(), which libstdc++ and libc++ both have.
extern "C" [[gnu::weak]] void ThrowBadAlloc() asm("_ZSt17__throw_bad_allocv");
extern "C" [[gnu::weak]] void Personality() asm("__gxx_personality_v0");
extern "C" [[gnu::weak]] std::new_handler GetNewHandler() asm("_ZSt15get_new_handlerv");

/** `bound`, or the function of this name in a runtime that came later, with a library that was opened. */
template <class F>
F* FindInRuntime(F* bound, const char* name) {
  if (bound != nullptr) return bound;
  for (const char* runtime : {"libstdc++.so.6", "libc++.so.1"}) {
    void* library = dlopen(runtime, RTLD_LAZY | RTLD_NOLOAD);
    if (library == nullptr) continue;
    if (void* found = dlsym(library, name)) return reinterpret_cast<F*>(found);
  }
  return nullptr;
}

inline void* TryAllocate(std::size_t size, std::size_t alignment) {
  return alignment == 0 ? malloc(size) : aligned_alloc(alignment, size);
}

/** The program's new-handler, or null. */
std::new_handler NewHandler() {
  auto* const get = FindInRuntime(GetNewHandler, "_ZSt15get_new_handlerv");
  return get != nullptr ? get() : nullptr;
}

/** Memory has run out: calls the new-handler until there is some, and throws where there is no handler. */
[[gnu::noinline, gnu::cold]] void* AllocateOrThrow(std::size_t size, std::size_t alignment) {
  while (const std::new_handler handler = NewHandler()) {
    handler();
    if (void* p = TryAllocate(size, alignment)) return p;
  }
  auto* const throwBadAlloc = FindInRuntime(ThrowBadAlloc, "_ZSt17__throw_bad_allocv");
  if (throwBadAlloc != nullptr) throwBadAlloc();
  RMEM_CHECK(false && "operator new found no memory, and no C++ library to throw std::bad_alloc with");
}

/**
 * Whether a catch of ours catches: not where the program was started without a C++ runtime. Nor does it have
 * an operator new of its own then, or a library of it one that would be ours to call.
 */
bool CanCatch() {
  return Personality != nullptr;
}

[[gnu::noinline, gnu::cold]] void* AllocateOrNull(std::size_t size, std::size_t alignment) {
  for (;;) {
    if (void* p = TryAllocate(size, alignment)) return p;
    const std::new_handler handler = NewHandler();
    if (handler == nullptr) return nullptr;
    handler();
  }
}

extern "C" void free_sized(void* p, std::size_t size);

// These operators, whatever stands in front of them.
extern "C" [[gnu::alias("_Znwm"), gnu::visibility("hidden"), gnu::malloc, gnu::alloc_size(1)]] void* OurNew(
    std::size_t size);
extern "C" [[gnu::alias("_ZdlPv"), gnu::visibility("hidden")]] void OurDelete(void* p) noexcept;

/** Where sizes are checked. False where the program has an operator of its own that a sized delete would
 * call. */
[[gnu::noinline, gnu::cold]] bool DeleteChecked(void* p, std::size_t size) noexcept {
  if (static_cast<void* (*)(std::size_t)>(&::operator new) != &OurNew ||
      static_cast<void (*)(void*) noexcept>(&::operator delete) != &OurDelete)
    return false;
  free_sized(p, size);
  return true;
}

}  // namespace

// Not inlined into one another: the program's own may stand in front of any.
#define RMEM_EXPORT __attribute__((visibility("default"), noinline))

RMEM_EXPORT void* operator new(std::size_t size) {
  void* p = malloc(size);
  return p != nullptr ? p : AllocateOrThrow(size, 0);
}

RMEM_EXPORT void* operator new(std::size_t size, std::align_val_t alignment) {
  void* p = aligned_alloc(static_cast<std::size_t>(alignment), size);
  return p != nullptr ? p : AllocateOrThrow(size, static_cast<std::size_t>(alignment));
}

RMEM_EXPORT void* operator new[](std::size_t size) {
  return ::operator new(size);
}

RMEM_EXPORT void* operator new[](std::size_t size, std::align_val_t alignment) {
  return ::operator new(size, alignment);
}

RMEM_EXPORT void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  if (!CanCatch()) return AllocateOrNull(size, 0);
  try {
    return ::operator new(size);
  } catch (...) {
    return nullptr;
  }
}

RMEM_EXPORT void* operator new(std::size_t size, std::align_val_t alignment,
                               const std::nothrow_t& /*tag*/) noexcept {
  if (!CanCatch()) return AllocateOrNull(size, static_cast<std::size_t>(alignment));
  try {
    return ::operator new(size, alignment);
  } catch (...) {
    return nullptr;
  }
}

RMEM_EXPORT void* operator new[](std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  if (!CanCatch()) return AllocateOrNull(size, 0);
  try {
    return ::operator new[](size);
  } catch (...) {
    return nullptr;
  }
}

RMEM_EXPORT void* operator new[](std::size_t size, std::align_val_t alignment,
                                 const std::nothrow_t& /*tag*/) noexcept {
  if (!CanCatch()) return AllocateOrNull(size, static_cast<std::size_t>(alignment));
  try {
    return ::operator new[](size, alignment);
  } catch (...) {
    return nullptr;
  }
}

RMEM_EXPORT void operator delete(void* p) noexcept {
  free(p);
}

RMEM_EXPORT void operator delete(void* p, std::align_val_t /*alignment*/) noexcept {
  free(p);
}

RMEM_EXPORT void operator delete[](void* p) noexcept {
  ::operator delete(p);
}

RMEM_EXPORT void operator delete[](void* p, std::align_val_t alignment) noexcept {
  ::operator delete(p, alignment);
}

RMEM_EXPORT void operator delete(void* p, std::size_t size) noexcept {
  if (rmem::mallocChecksSizes && DeleteChecked(p, size)) [[unlikely]]
    return;
  ::operator delete(p);
}

RMEM_EXPORT void operator delete(void* p, std::size_t /*size*/, std::align_val_t alignment) noexcept {
  ::operator delete(p, alignment);
}

RMEM_EXPORT void operator delete[](void* p, std::size_t size) noexcept {
  if (rmem::mallocChecksSizes && DeleteChecked(p, size)) [[unlikely]]
    return;
  ::operator delete[](p);
}

RMEM_EXPORT void operator delete[](void* p, std::size_t /*size*/, std::align_val_t alignment) noexcept {
  ::operator delete[](p, alignment);
}

RMEM_EXPORT void operator delete(void* p, const std::nothrow_t& /*tag*/) noexcept {
  ::operator delete(p);
}

RMEM_EXPORT void operator delete(void* p, std::align_val_t alignment,
                                 const std::nothrow_t& /*tag*/) noexcept {
  ::operator delete(p, alignment);
}

RMEM_EXPORT void operator delete[](void* p, const std::nothrow_t& /*tag*/) noexcept {
  ::operator delete[](p);
}

RMEM_EXPORT void operator delete[](void* p, std::align_val_t alignment,
                                   const std::nothrow_t& /*tag*/) noexcept {
  ::operator delete[](p, alignment);
}
