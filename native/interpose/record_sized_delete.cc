#include "interpose/record_sized_delete.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>

#include <atomic>
#include <cstdint>
#include <new>

#include "interpose/record_family.h"
#include "interpose/record_log.h"

/**
 * The forms of operator delete that are told the size. Those of libstdc++ forget it: they call the forms
 * without, which call free. A program's own stand in front of ours; where it has only forms without a size,
 * those have to be called, for nobody else knows where its operator new has the block from.
 */

namespace rmem::record {

constinit thread_local ToldSize tTold{};

namespace {

struct Form {
  const char* name;
  // kUnknown, kStraight, or the function that stands behind ours.
  std::atomic<std::uintptr_t> next{0};
};
constexpr std::uintptr_t kUnknown = 0, kStraight = 1;

constinit Form gDelete{"_ZdlPvm"};
constinit Form gDeleteArray{"_ZdaPvm"};
constinit Form gDeleteAligned{"_ZdlPvmSt11align_val_t"};
constinit Form gDeleteAlignedArray{"_ZdaPvmSt11align_val_t"};

/** Where the module of `address` starts; null where there is none. `path` may be null. */
const void* ModuleOf(const void* address, const char** path = nullptr) {
  Dl_info info;
  if (address == nullptr || dladdr(address, &info) == 0) return nullptr;
  if (path != nullptr) *path = info.dli_fname;
  return info.dli_fbase;
}

bool IsOurs(const void* address) {
  return ModuleOf(address) == ModuleOf(&gDelete);
}

bool IsStandardLibrary(const char* path) {
  const char* name = strrchr(path, '/');
  return strncmp(name != nullptr ? name + 1 : path, "libstdc++.so", 12) == 0;
}

/** Does all that `next` does come down to free, which is ours? */
bool ComesDownToFree(const void* next) {
  const char* path = "";
  const void* library = ModuleOf(next, &path);
  if (library == nullptr || !IsStandardLibrary(path)) return false;
  for (const char* name : {"_ZdlPv", "_ZdaPv", "_ZdlPvSt11align_val_t", "_ZdaPvSt11align_val_t"}) {
    if (ModuleOf(dlsym(RTLD_DEFAULT, name)) != library) return false;
  }
  return IsOurs(dlsym(RTLD_DEFAULT, "free"));
}

/**
 * What stands behind ours where no library that the program started with has it: libstdc++ came with a
 * library that was opened later, or is linked into it, and is looked for from where the call came.
 */
void* FindLater(const char* name, const void* caller) {
  void* found = nullptr;
  if (void* library = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD); library != nullptr) {
    found = dlsym(library, name);
    dlclose(library);
  }
  Dl_info info;
  link_map* module = nullptr;
  if (found == nullptr && dladdr1(caller, &info, reinterpret_cast<void**>(&module), RTLD_DL_LINKMAP) != 0 &&
      module != nullptr)
    found = dlsym(module, name);
  // What failed on the way is no error of the program's.
  dlerror();
  return found == nullptr || IsOurs(found) ? nullptr : found;
}

std::uintptr_t FindNext(Form& form, const void* caller) {
  void* next = dlsym(RTLD_NEXT, form.name);
  // Not kept where it may go again.
  if (next == nullptr) {
    next = FindLater(form.name, caller);
    return next == nullptr ? kStraight : reinterpret_cast<std::uintptr_t>(next);
  }
  const std::uintptr_t found = ComesDownToFree(next) ? kStraight : reinterpret_cast<std::uintptr_t>(next);
  form.next.store(found, std::memory_order_relaxed);
  return found;
}

/** As long as it lives the size is told to the free of this block by this thread. */
class Telling {
 public:
  Telling(const void* block, std::size_t bytes) {
    if (block == nullptr || !Recording()) return;
    RingHeader* ring = tRing != nullptr ? tRing : TakeRing();
    if (ring == nullptr) return;
    tTold = {ring, block, bytes};
    tRing = nullptr;
  }
  ~Telling() {
    if (tTold.ring == nullptr) return;
    tRing = tTold.ring;
    tTold = {};
  }
  Telling(const Telling&) = delete;
  Telling& operator=(const Telling&) = delete;
};

template <class... Alignment>
inline void Delete(Form& form, void* block, std::size_t bytes, const void* caller, Alignment... alignment) {
  std::uintptr_t next = form.next.load(std::memory_order_relaxed);
  if (next == kUnknown) [[unlikely]]
    next = FindNext(form, caller);
  if (next == kStraight) [[likely]]
    return FreeSized(block, bytes);
  const Telling telling(block, bytes);
  reinterpret_cast<void (*)(void*, std::size_t, Alignment...)>(next)(block, bytes, alignment...);
}

}  // namespace
}  // namespace rmem::record

using namespace rmem::record;  // NOLINT(google-build-using-namespace): operators are global by nature

#define RMEM_EXPORT __attribute__((visibility("default")))

// The forms without a size are whoever's they were.
#pragma GCC diagnostic ignored "-Wsized-deallocation"

RMEM_EXPORT void operator delete(void* block, std::size_t bytes) noexcept {
  Delete(gDelete, block, bytes, __builtin_return_address(0));
}

RMEM_EXPORT void operator delete[](void* block, std::size_t bytes) noexcept {
  Delete(gDeleteArray, block, bytes, __builtin_return_address(0));
}

RMEM_EXPORT void operator delete(void* block, std::size_t bytes, std::align_val_t alignment) noexcept {
  Delete(gDeleteAligned, block, bytes, __builtin_return_address(0), alignment);
}

RMEM_EXPORT void operator delete[](void* block, std::size_t bytes, std::align_val_t alignment) noexcept {
  Delete(gDeleteAlignedArray, block, bytes, __builtin_return_address(0), alignment);
}
