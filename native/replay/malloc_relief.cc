#include "replay/malloc_relief.h"

#include <dlfcn.h>

#include <cstddef>

namespace rmem {
namespace {

int (*mallctlCall)(const char*, void*, std::size_t*, void*, std::size_t);
void (*collectCall)(bool);
void (*releaseCall)();
int (*commandCall)(int, void*);
int (*trimCall)(std::size_t);

template <class Function>
bool FindCall(const char* name, Function** call) {
  *call = reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
  return *call != nullptr;
}

/** Whether a function comes with the malloc that answers here: glibc's malloc_trim is there whatever is
 * preloaded. */
bool IsOfMalloc(void* function) {
  Dl_info malloc, other;
  if (dladdr(dlsym(RTLD_DEFAULT, "malloc"), &malloc) == 0 || dladdr(function, &other) == 0) return false;
  return malloc.dli_fbase == other.dli_fbase;
}

void RelieveJemalloc() {
  mallctlCall("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
  mallctlCall("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // MALLCTL_ARENAS_ALL
}
void RelieveMimalloc() {
  collectCall(true);
}
void RelieveTcmalloc() {
  releaseCall();
}
void RelieveTbb() {
  commandCall(0, nullptr);
}  // TBBMALLOC_CLEAN_ALL_BUFFERS
void Trim() {
  trimCall(0);
}

}  // namespace

const MallocRelief& MallocRelief::OfThisProcess() {
  static const MallocRelief relief = [] {
    MallocRelief found;
    const auto take = [&found](const char* name, void (*call)()) {
      found.name_ = name;
      found.call_ = call;
    };
    if (FindCall("mallctl", &mallctlCall)) {
      take("mallctl arena.purge", RelieveJemalloc);
    } else if (FindCall("mi_collect", &collectCall)) {
      take("mi_collect", RelieveMimalloc);
    } else if (FindCall("MallocExtension_ReleaseFreeMemory", &releaseCall)) {
      take("MallocExtension_ReleaseFreeMemory", RelieveTcmalloc);
    } else if (FindCall("scalable_allocation_command", &commandCall)) {
      take("scalable_allocation_command", RelieveTbb);
    } else if (FindCall("malloc_trim", &trimCall) && IsOfMalloc(reinterpret_cast<void*>(trimCall))) {
      take("malloc_trim", Trim);
    }
    return found;
  }();
  return relief;
}

}  // namespace rmem
