#include "replay/malloc_library.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>

#include <climits>
#include <cstdlib>

namespace rmem {
namespace {

template <class Function>
Function* Find(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

std::string RealPath(const char* path) {
  char resolved[PATH_MAX];
  return realpath(path, resolved) == nullptr ? path : resolved;
}

std::string ObjectOf(void* symbol) {
  Dl_info info;
  if (symbol == nullptr || dladdr(symbol, &info) == 0 || info.dli_fname == nullptr) return "";
  return RealPath(info.dli_fname);
}

std::string JemallocVersion() {
  const auto mallctl = Find<int(const char*, void*, std::size_t*, void*, std::size_t)>("mallctl");
  const char* version = nullptr;
  std::size_t size = sizeof(version);
  if (mallctl == nullptr || mallctl("version", &version, &size, nullptr, 0) != 0) return "";
  return version;
}

std::string MimallocVersion() {
  const auto version = Find<int()>("mi_version");
  if (version == nullptr) return "";
  // 2.0.9 is 209, and since 3.2.x the parts have two digits each.
  const int number = version();
  const int unit = number >= 10000 ? 100 : 10;
  return std::to_string(number / unit / unit) + "." + std::to_string(number / unit % unit) + "." +
         std::to_string(number % unit);
}

std::string TcmallocVersion() {
  const auto version = Find<const char*(int*, int*, const char**)>("tc_version");
  int major, minor;
  const char* patch;
  return version == nullptr ? "" : version(&major, &minor, &patch);
}

std::string TbbVersion() {
  const auto version = Find<const char*()>("TBB_runtime_version");
  return version == nullptr ? "" : version();
}

}  // namespace

MallocLibrary IdentifyMalloc() {
  MallocLibrary library;
  library.path = ObjectOf(dlsym(RTLD_DEFAULT, "malloc"));
  if (library.path == ObjectOf(reinterpret_cast<void*>(&gnu_get_libc_version))) {
    library.version = gnu_get_libc_version();
    return library;
  }
  for (const auto version : {JemallocVersion, MimallocVersion, TcmallocVersion, TbbVersion}) {
    library.version = version();
    if (!library.version.empty()) break;
  }
  return library;
}

}  // namespace rmem
