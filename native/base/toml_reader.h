#pragma once

#include <cstdint>
#include <string_view>

#include "base/fixed_text.h"

namespace rmem {

/** What is wrong in a text that somebody wrote. */
struct TextMistake {
  std::uint32_t line = 0;    // from 1; 0: nowhere in particular
  std::uint32_t column = 0;  // from 1, in characters
  FixedText<128> key;        // that it is about, dotted; may be empty
  FixedText<256> what;       // a clause without a full stop
  FixedText<256> remedy;     // a sentence; may be empty
};

struct TomlValue {
  enum class Type : std::uint8_t { kInteger, kFloat, kBoolean, kString, kDate, kArray, kTable };

  Type type = Type::kInteger;
  bool boolean = false;
  std::int64_t integer = 0;
  std::string_view text;     // of a string what it says, else as it stands; until the next is read
  const char* at = nullptr;  // where it starts
};

/** `an integer`, `a table`… */
const char* TomlTypeName(TomlValue::Type type) noexcept;

/**
 * Reads TOML 1.0 (https://toml.io/en/v1.0.0), one statement at a time, out of a text in memory; it allocates
 * nothing and recurses nowhere. Whoever pulls says what may come where: an unknown key is not read over, and
 * that no key and no table comes twice is his to watch. Of a date only that it is one is told. Keys and
 * strings are shorter than kMaxKeyBytes and kMaxStringBytes.
 *
 * Every function that can fail gives false (or kMistake) and has then filled the mistake; the reader is of no
 * further use.
 */
class TomlReader {
 public:
  static constexpr std::size_t kMaxKeyBytes = 256;
  static constexpr std::size_t kMaxStringBytes = 1024;

  TomlReader(std::string_view text, TextMistake* mistake) noexcept;

  enum class Statement : std::uint8_t { kEnd, kTable, kArrayOfTables, kKey, kMistake };
  /** After kKey its value has to be read, with all that is in it. */
  Statement Next() noexcept;

  /** The last key or header, its parts joined by dots; a part that is no bare word keeps quotes. */
  std::string_view key() const noexcept { return key_.view(); }
  const char* keyAt() const noexcept { return keyAt_; }

  /** After kArray comes NextElement, after kTable (an inline table) NextMember. */
  bool ReadValue(TomlValue* value) noexcept;
  /** Moves to the next element, which is to be read, or past the end of the array. `*first` starts as true.
   */
  bool NextElement(bool* first, bool* more) noexcept;
  /** The same for a member: its key is read, its value is next. */
  bool NextMember(bool* first, bool* more) noexcept;

  /** Fills in the place, and clears the rest of the mistake. */
  TextMistake& MistakeAt(const char* at) noexcept;
  std::uint32_t LineOf(const char* at) const noexcept;

 private:
  bool AtEnd() const noexcept { return at_ == end_; }
  bool Starts(std::string_view with) const noexcept;
  bool AtNewline() const noexcept;
  void SkipBlanks() noexcept;
  bool SkipComment() noexcept;
  bool SkipLines() noexcept;
  bool EndLine() noexcept;
  bool Expected(const char* what) noexcept;

  bool ReadKey() noexcept;
  bool ReadKeyPart() noexcept;
  bool ReadString(TomlValue* value) noexcept;
  bool ReadBasic(bool multiline) noexcept;
  bool ReadLiteral(bool multiline) noexcept;
  bool ReadEscape(bool multiline) noexcept;
  bool ReadBare(TomlValue* value) noexcept;
  bool ReadInteger(std::string_view token, TomlValue* value) noexcept;

  const char* start_;
  const char* at_;
  const char* end_;
  TextMistake* mistake_;
  bool midLine_ = false;  // a statement was read, and the rest of its line is still to come
  const char* keyAt_ = nullptr;
  FixedText<kMaxKeyBytes> key_;
  FixedText<kMaxStringBytes> string_;
};

}  // namespace rmem
