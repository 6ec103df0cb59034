#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace rmem {

/** How much of a fresh block the replay writes to, as the program would have. kNone is for benches of the
 * loop. */
enum class TouchKind : std::uint8_t { kFirst, kPage, kAll, kNone };

/**
 * Writes to what is new in a block: its first byte, and with kPage one byte in each further page it reaches
 * into, or with kAll everything. The bytes in further pages lie on another cache line each time: with a
 * stride of exactly a page all touches of a block would compete for one set of the L1 cache.
 */
class Touch {
 public:
  explicit Touch(TouchKind kind)
      : kind_(kind),
        enabled_(kind == TouchKind::kNone ? 0 : ~std::size_t{0}),
        span_(kind == TouchKind::kAll    ? 0
              : kind == TouchKind::kPage ? kPage - 1
                                         : ~std::uintptr_t{0}),
        zeroed_(kind == TouchKind::kAll ? ~std::size_t{0} : 1) {}

  /** `bytes` may be 0: nothing is new then. */
  void New(void* start, std::size_t bytes) const {
    // One comparison for "no bytes" and "no touch".
    if (bytes - 1 >= enabled_) [[unlikely]]
      return;
    unsigned char* const first = static_cast<unsigned char*>(start);
    *first = kByte;
    const std::uintptr_t last = reinterpret_cast<std::uintptr_t>(first) + (bytes - 1);
    if ((reinterpret_cast<std::uintptr_t>(first) ^ last) > span_) [[unlikely]]
      Rest(first, bytes);
  }

  /** A block that came zeroed: the program need not write to it before it reads. */
  void NewZeroed(void* start, std::size_t bytes) const { New(start, bytes < zeroed_ ? bytes : zeroed_); }

 private:
  static constexpr std::uintptr_t kPage = 4096;
  static constexpr std::uintptr_t kLine = 64;
  static constexpr unsigned char kByte = 1;

  [[gnu::noinline]] void Rest(unsigned char* first, std::size_t bytes) const {
    if (kind_ == TouchKind::kAll) {
      std::memset(first, kByte, bytes);
      return;
    }
    const std::uintptr_t start = reinterpret_cast<std::uintptr_t>(first);
    const std::uintptr_t last = start + (bytes - 1);
    for (std::uintptr_t page = (start | (kPage - 1)) + 1; page <= last; page += kPage) {
      const std::uintptr_t line = page + (page / kPage) % (kPage / kLine) * kLine;
      *reinterpret_cast<volatile unsigned char*>(line < last ? line : last) = kByte;
    }
  }

  TouchKind kind_;
  std::size_t enabled_;
  std::uintptr_t span_;  // a block touches further when its ends differ above these bits
  std::size_t zeroed_;
};

}  // namespace rmem
