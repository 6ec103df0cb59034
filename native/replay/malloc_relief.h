#pragma once

#include <cstdint>

namespace rmem {

/** How much an allocator is asked to do to give memory back to the system. */
enum class Relief : std::uint8_t {
  kPurge,    // what is free and cached
  kCompact,  // and whatever else it knows; what comes next pays for it
};

/** How the malloc of this process gives memory back: glibc's malloc_trim, or a call of the library that was
 * preloaded. */
class MallocRelief {
 public:
  /** Looks for the calls, once; that may allocate. */
  static const MallocRelief& OfThisProcess();

  /** The call; null: it has none that is known here. */
  const char* name() const { return name_; }
  void Relieve() const {
    if (call_ != nullptr) call_();
  }

 private:
  const char* name_ = nullptr;
  void (*call_)() = nullptr;
};

}  // namespace rmem
