#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rmem {

/**
 * Writes frames, one JSON object a line, from a static buffer: nothing is allocated, so that a frame can be
 * written while an allocator is being measured. One thread at a time.
 *
 * A closed reader raises Halt::kStopped, and so does a signal while the reader is not reading; the frame is
 * lost then.
 */
class FrameWriter {
 public:
  explicit FrameWriter(int file) : file_(file) {}

  /** {"frame":"<name>"… up to End(). */
  void Begin(std::string_view name);
  void End();

  void Text(std::string_view key, std::string_view value);
  void TextOrNull(std::string_view key, const char* value);
  void Number(std::string_view key, std::uint64_t value);
  /** With one digit after the point. Not negative. */
  void Decimal(std::string_view key, double value);
  void Bool(std::string_view key, bool value);
  void OpenObject(std::string_view key);
  void CloseObject();
  /** A list of numbers, up to CloseArray: nothing but Element goes into it. */
  void OpenArray(std::string_view key);
  /** With one digit after the point. Not negative. */
  void Element(double value);
  void CloseArray();

  /** Raises Halt::kStopped when nobody reads any more. */
  void CheckReader() const;

 private:
  void Key(std::string_view key);
  void Put(char c);
  void Put(std::string_view text);
  void PutQuoted(std::string_view text);
  void PutNumber(std::uint64_t value);
  void PutDecimal(double value);
  void Flush();

  static constexpr std::size_t kCapacity = 16384;
  const int file_;
  bool first_ = true;  // no key in this object yet
  std::size_t size_ = 0;
  char buffer_[kCapacity];
};

}  // namespace rmem
