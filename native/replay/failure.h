#pragma once

#include <atomic>
#include <cstdint>

#include "replay/halt.h"

namespace rmem {

/** Why a replay could not go on, for the failure frame. */
struct Failure {
  const char* code = "";  // a literal: `out-of-memory`, `corrupted-block`, `no-thread`, …
  char message[512] = {};
  bool hasPlace = false;  // whether stream and position tell the instruction
  std::uint32_t stream = 0;
  std::uint64_t position = 0;
};

/** Takes the first failure of any thread, and halts the others. Takes no memory. */
class FailureRecord {
 public:
  [[gnu::format(printf, 3, 4)]] void Set(const char* code, const char* format, ...);
  [[gnu::format(printf, 5, 6)]] void SetAt(std::uint32_t stream, std::uint64_t position, const char* code,
                                           const char* format, ...);

  /** Complete once all threads have come to rest. */
  const Failure& failure() const { return failure_; }

 private:
  void Take(const char* code, const char* format, __builtin_va_list arguments, const Failure& place);

  std::atomic<bool> taken_{false};
  Failure failure_;
};

}  // namespace rmem
