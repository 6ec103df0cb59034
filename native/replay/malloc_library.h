#pragma once

#include <string>

namespace rmem {

/** Which malloc this process runs on. */
struct MallocLibrary {
  std::string path;     // real path of the object that defines malloc
  std::string version;  // as the library tells it; empty where it has no such call
};

MallocLibrary IdentifyMalloc();

}  // namespace rmem
