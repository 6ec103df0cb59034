#pragma once

#include <mutex>
#include <vector>

#include "replay/routes.h"

namespace rmem {

/** malloc, for rounds that are broken off: what they leave behind stays reachable, and so is no leak. */
class KeptMallocRoute : public MallocRoute {
 public:
  static KeptMallocRoute* Create(const HeapConfig&) {
    static KeptMallocRoute route;
    return &route;
  }
  void* Allocate(std::size_t size, std::size_t alignment, bool zeroed) {
    return Keep(MallocRoute::Allocate(size, alignment, zeroed));
  }
  void* Reallocate(void* block, std::size_t oldSize, std::size_t newSize, std::size_t alignment) {
    return Keep(MallocRoute::Reallocate(block, oldSize, newSize, alignment));
  }

 protected:
  static void* Keep(void* block) {
    static std::mutex mutex;
    static auto* const kept =
        new std::vector<void*>;  // never destroyed: leaks are looked for at the very end
    const std::lock_guard lock(mutex);
    kept->push_back(block);
    return block;
  }
};

}  // namespace rmem
