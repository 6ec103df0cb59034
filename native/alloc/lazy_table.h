#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "os/pages.h"

namespace rmem {

/**
 * An array of zeroes in address space of its own: reserved for `maxCount` elements, committed in steps,
 * resident where touched. Elements never move. Growing is serialised by the owner; reading committed elements
 * is not.
 */
template <class T>
class LazyTable {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  /** Reserves; false when the system refuses. */
  bool Reserve(std::size_t maxCount) noexcept {
    const std::size_t bytes = RoundUp(maxCount * sizeof(T));
    elements_ = static_cast<T*>(ReservePages(bytes));
    if (elements_ == nullptr) return false;
    reservedBytes_ = bytes;
    committedBytes_ = 0;
    maxCount_ = maxCount;
    return true;
  }

  void Release() noexcept {
    if (elements_ != nullptr) ReleasePages(elements_, reservedBytes_);
    elements_ = nullptr;
    reservedBytes_ = committedBytes_ = maxCount_ = 0;
  }

  /** Makes elements [0, count) usable. */
  bool Grow(std::size_t count) noexcept {
    if (count > maxCount_) return false;
    const std::size_t needed = RoundUp(count * sizeof(T));
    if (needed <= committedBytes_) return true;
    // Steps grow with the table, so that their number stays small; they are only address space.
    const std::size_t step = std::clamp(committedBytes_, kMinStepBytes, kMaxStepBytes);
    const std::size_t wanted = std::min(std::max(needed, committedBytes_ + step), reservedBytes_);
    for (const std::size_t target : {wanted, needed}) {
      if (CommitPages(reinterpret_cast<char*>(elements_) + committedBytes_, target - committedBytes_)) {
        committedBytes_ = target;
        return true;
      }
    }
    return false;
  }

  /** Elements from `count` on may be forgotten: whole pages of them become zeroes that take no memory.
   * Returns the bytes that were resident. */
  std::size_t PurgeFrom(std::size_t count) noexcept {
    const std::size_t start = RoundUp(count * sizeof(T));
    if (start >= committedBytes_) return 0;
    char* const first = reinterpret_cast<char*>(elements_) + start;
    const std::size_t resident = ResidentBytes(first, committedBytes_ - start);
    return resident != 0 && PurgePages(first, committedBytes_ - start) ? resident : 0;
  }

  T& operator[](std::size_t index) noexcept { return elements_[index]; }
  const T& operator[](std::size_t index) const noexcept { return elements_[index]; }
  T* data() noexcept { return elements_; }
  std::size_t maxCount() const noexcept { return maxCount_; }
  std::size_t committedBytes() const noexcept { return committedBytes_; }

 private:
  static constexpr std::size_t kMinStepBytes = std::size_t{64} << 10;
  static constexpr std::size_t kMaxStepBytes = std::size_t{16} << 20;

  static constexpr std::size_t RoundUp(std::size_t bytes) noexcept {
    return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  }

  T* elements_ = nullptr;
  std::size_t reservedBytes_ = 0;
  std::size_t committedBytes_ = 0;
  std::size_t maxCount_ = 0;
};

}  // namespace rmem
