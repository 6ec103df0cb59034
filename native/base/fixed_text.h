#pragma once

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace rmem {

/** What somebody else wrote, to be quoted within one line: clipped, and without control characters. */
struct Quoted {
  std::string_view text;
};

/** A text of at most `N` - 1 bytes that needs no memory but its own; what does not fit is cut off and told.
 */
template <std::size_t N>
class FixedText {
 public:
  FixedText() { Clear(); }

  void Clear() noexcept {
    length_ = 0;
    cut_ = false;
    bytes_[0] = '\0';
  }

  template <class... Parts>
  FixedText& Add(const Parts&... parts) noexcept {
    (Put(parts), ...);
    return *this;
  }
  template <class... Parts>
  FixedText& Set(const Parts&... parts) noexcept {
    Clear();
    return Add(parts...);
  }
  /** As it came, but for control characters, which would break the line. */
  FixedText& AddLine(std::string_view text) noexcept {
    for (const char c : text) Put(IsControl(c) ? '?' : c);
    return *this;
  }

  std::string_view view() const noexcept { return {bytes_, length_}; }
  const char* c_str() const noexcept { return bytes_; }
  bool empty() const noexcept { return length_ == 0; }
  /** Whether something did not fit. */
  bool cut() const noexcept { return cut_; }

 private:
  static constexpr std::size_t kQuotedBytes = 48;

  static bool IsControl(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

  // Not inlined: g++ 12 then believes, wrongly, that bytes behind the text are read.
  [[gnu::noinline]] void Put(std::string_view text) noexcept {
    const std::size_t taken = std::min(text.size(), N - 1 - length_);
    if (taken != 0) std::memcpy(bytes_ + length_, text.data(), taken);
    length_ += taken;
    bytes_[length_] = '\0';
    cut_ |= taken != text.size();
  }
  void Put(const char* text) noexcept { Put(std::string_view(text)); }
  void Put(char c) noexcept { Put(std::string_view(&c, 1)); }
  void Put(Quoted quoted) noexcept {
    std::string_view text = quoted.text;
    const bool clipped = text.size() > kQuotedBytes;
    if (clipped) {
      text.remove_suffix(text.size() - kQuotedBytes);
      // Not in the middle of a character.
      while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80) text.remove_suffix(1);
      if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xc0) text.remove_suffix(1);
    }
    Put('"');
    AddLine(text);
    if (clipped) Put("…");
    Put('"');
  }
  template <std::integral T>
  requires(!std::same_as<T, char> && !std::same_as<T, bool>) void Put(T number) noexcept {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
    Put(std::string_view(digits, static_cast<std::size_t>(end - digits)));
  }
  template <std::size_t M>
  void Put(const FixedText<M>& text) noexcept {
    Put(text.view());
  }

  std::size_t length_ = 0;
  bool cut_ = false;
  char bytes_[N];
};

}  // namespace rmem
