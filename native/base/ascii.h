#pragma once

namespace rmem {

/** Whether `c` is one of 0 to 9, whatever the locale. */
constexpr bool IsDigit(char c) noexcept {
  return c >= '0' && c <= '9';
}

}  // namespace rmem
