#pragma once

namespace rmem {

/**
 * Writes where and what to standard error and aborts. Takes no lock and no memory, so that it works inside an
 * allocator and in a signal handler.
 */
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition) noexcept;

}  // namespace rmem

/** Stops the program when an invariant is broken, in every build. */
#define RMEM_CHECK(condition)                              \
  do {                                                     \
    if (!(condition)) [[unlikely]]                         \
      ::rmem::CheckFailed(__FILE__, __LINE__, #condition); \
  } while (false)
