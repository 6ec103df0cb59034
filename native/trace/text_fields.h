#pragma once

#include <cstdint>
#include <string_view>

namespace rmem {

/** What a number that does not fit into 64 bits comes out as: no block has this size. */
inline constexpr std::uint64_t kBeyond64Bits = ~std::uint64_t{0};

/**
 * The fields of one line, from left to right. Relies on the CR or LF behind the line, which is no part of a
 * number, to end the last one. A function that reads a number moves on only where there is one.
 */
class TextFields {
 public:
  TextFields(const char* begin, const char* end) : at_(begin), end_(end) { Spaces(); }

  bool AtEnd() const { return at_ >= end_; }
  /** The next character; CR or LF at the end. */
  char Peek() const { return *at_; }
  std::string_view Rest() const { return {at_, static_cast<std::size_t>(end_ - at_)}; }
  void SkipTo(const char* at) { at_ = at; }

  bool Take(char c) {
    if (AtEnd() || *at_ != c) return false;
    ++at_;
    return true;
  }

  void Spaces() {
    while (at_ < end_ && IsSpace(*at_)) ++at_;
  }

  /** White space, or the end of the line. */
  bool Separator() {
    if (!AtEnd() && !IsSpace(*at_)) return false;
    Spaces();
    return true;
  }

  /** A number, up to a separator. */
  bool DecimalField(std::uint64_t* value) { return Decimal(value) && Separator(); }
  /** A number without 0x, up to a separator. */
  bool HexField(std::uint64_t* value) { return Hex(value) && Separator(); }

  bool Decimal(std::uint64_t* value) {
    const char* begin = at_;
    std::uint64_t sum = 0;
    bool fits = true;
    for (; *at_ >= '0' && *at_ <= '9'; ++at_) {
      const auto digit = static_cast<std::uint64_t>(*at_ - '0');
      if (sum > (UINT64_MAX - digit) / 10) fits = false;
      sum = sum * 10 + digit;
    }
    *value = fits ? sum : kBeyond64Bits;
    return at_ != begin;
  }

  bool Hex(std::uint64_t* value) {
    const char* begin = at_;
    std::uint64_t sum = 0;
    std::uint64_t lost = 0;
    for (;; ++at_) {
      const char c = *at_;
      unsigned digit;
      if (c >= '0' && c <= '9') {
        digit = static_cast<unsigned>(c - '0');
      } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
        digit = static_cast<unsigned>((c | 0x20) - 'a' + 10);
      } else {
        break;
      }
      lost |= sum >> 60;
      sum = sum << 4 | digit;
    }
    *value = lost == 0 ? sum : kBeyond64Bits;
    return at_ != begin;
  }

  /** What printf makes of %p and %#lx: hexadecimal with 0x, `(nil)`, or a bare 0. */
  bool Prefixed(std::uint64_t* value) {
    if (Rest().starts_with("(nil)")) {
      at_ += 5;
      *value = 0;
      return true;
    }
    if (!Take('0')) return false;
    if ((*at_ | 0x20) != 'x') {
      *value = 0;
      return true;
    }
    ++at_;
    return Hex(value);
  }

 private:
  static bool IsSpace(char c) { return c == ' ' || c == '\t'; }

  const char* at_;
  const char* end_;
};

}  // namespace rmem
