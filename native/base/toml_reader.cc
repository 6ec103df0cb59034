#include "base/toml_reader.h"

#include "base/ascii.h"

namespace rmem {
namespace {

bool IsBareKey(char c) noexcept {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

/** All but a tab; a line's end is asked for before. */
bool IsControl(char c) noexcept {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

/** -1: no digit in any base. */
int DigitValue(char c) noexcept {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsContinuation(char c) noexcept {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

/** The length of the UTF-8 character at `at`; 0 where it is none. */
std::size_t CharacterBytes(const char* at, const char* end) noexcept {
  const auto lead = static_cast<unsigned char>(*at);
  if (lead < 0x80) return 1;
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || static_cast<std::size_t>(end - at) < bytes) return 0;
  std::uint32_t code = lead & (0xffU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if (!IsContinuation(at[i])) return 0;
    code = code << 6 | (static_cast<unsigned char>(at[i]) & 0x3f);
  }
  const bool overlong = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  return overlong || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff ? 0 : bytes;
}

template <std::size_t N>
void AddCharacter(std::uint32_t code, FixedText<N>* text) noexcept {
  const auto tail = [&](int shift) { text->Add(static_cast<char>(0x80 | ((code >> shift) & 0x3f))); };
  if (code < 0x80) {
    text->Add(static_cast<char>(code));
  } else if (code < 0x800) {
    text->Add(static_cast<char>(0xc0 | code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    text->Add(static_cast<char>(0xe0 | code >> 12));
    tail(6);
    tail(0);
  } else {
    text->Add(static_cast<char>(0xf0 | code >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

/** Digits with single underscores between them. */
bool AreDigits(std::string_view text, int base) noexcept {
  bool afterDigit = false;
  for (const char c : text) {
    if (c == '_') {
      if (!afterDigit) return false;
      afterDigit = false;
    } else {
      const int value = DigitValue(c);
      if (value < 0 || value >= base) return false;
      afterDigit = true;
    }
  }
  return afterDigit;
}

std::string_view Between(std::string_view text, std::size_t from, std::size_t to) noexcept {
  return {text.data() + from, to - from};
}

/** 1.5, 1e9, -0.1E-3, inf, nan. */
bool IsFloat(std::string_view text) noexcept {
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
  if (text == "inf" || text == "nan") return true;
  std::size_t whole = 0;
  while (whole < text.size() && (IsDigit(text[whole]) || text[whole] == '_')) ++whole;
  if (!AreDigits(Between(text, 0, whole), 10) || whole == text.size()) return false;
  std::size_t at = whole;
  if (text[at] == '.') {
    const std::size_t from = ++at;
    while (at < text.size() && (IsDigit(text[at]) || text[at] == '_')) ++at;
    if (!AreDigits(Between(text, from, at), 10)) return false;
  }
  if (at == text.size()) return true;
  if (text[at] != 'e' && text[at] != 'E') return false;
  ++at;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
  return AreDigits(Between(text, at, text.size()), 10);
}

/** 1979-05-27…, 07:32:00…; not whether there is such a day. */
bool IsDate(std::string_view text) noexcept {
  const auto digits = [&](std::size_t from, std::size_t count) {
    for (std::size_t i = from; i < from + count; ++i) {
      if (!IsDigit(text[i])) return false;
    }
    return true;
  };
  if (text.size() >= 10 && digits(0, 4) && text[4] == '-' && digits(5, 2) && text[7] == '-' && digits(8, 2))
    return true;
  return text.size() >= 8 && digits(0, 2) && text[2] == ':' && digits(3, 2) && text[5] == ':' && digits(6, 2);
}

}  // namespace

const char* TomlTypeName(TomlValue::Type type) noexcept {
  switch (type) {
    case TomlValue::Type::kInteger:
      return "an integer";
    case TomlValue::Type::kFloat:
      return "a float";
    case TomlValue::Type::kBoolean:
      return "a boolean";
    case TomlValue::Type::kString:
      return "a string";
    case TomlValue::Type::kDate:
      return "a date";
    case TomlValue::Type::kArray:
      return "an array";
    case TomlValue::Type::kTable:
      return "a table";
  }
  return "";
}

TomlReader::TomlReader(std::string_view text, TextMistake* mistake) noexcept
    : start_(text.data()), at_(text.data()), end_(text.data() + text.size()), mistake_(mistake) {
  if (Starts("\xef\xbb\xbf")) at_ += 3;
}

std::uint32_t TomlReader::LineOf(const char* at) const noexcept {
  std::uint32_t line = 1;
  for (const char* c = start_; c < at; ++c) line += *c == '\n' ? 1 : 0;
  return line;
}

TextMistake& TomlReader::MistakeAt(const char* at) noexcept {
  mistake_->line = LineOf(at);
  const char* from = at;
  while (from > start_ && from[-1] != '\n') --from;
  mistake_->column = 1;
  for (const char* c = from; c < at; ++c) mistake_->column += IsContinuation(*c) ? 0 : 1;
  mistake_->key.Clear();
  mistake_->what.Clear();
  mistake_->remedy.Clear();
  return *mistake_;
}

bool TomlReader::Starts(std::string_view with) const noexcept {
  return static_cast<std::size_t>(end_ - at_) >= with.size() && std::string_view(at_, with.size()) == with;
}

bool TomlReader::AtNewline() const noexcept {
  return Starts("\n") || Starts("\r\n");
}

void TomlReader::SkipBlanks() noexcept {
  while (!AtEnd() && (*at_ == ' ' || *at_ == '\t')) ++at_;
}

bool TomlReader::SkipComment() noexcept {
  if (AtEnd() || *at_ != '#') return true;
  while (!AtEnd() && !AtNewline()) {
    const std::size_t bytes = CharacterBytes(at_, end_);
    if (bytes == 0 || IsControl(*at_)) {
      TextMistake& mistake = MistakeAt(at_);
      mistake.what.Set("a comment holds what is no text (a control character, or no UTF-8)");
      mistake.remedy.Set("Save the file as plain UTF-8 text.");
      return false;
    }
    at_ += bytes;
  }
  return true;
}

bool TomlReader::SkipLines() noexcept {
  for (;;) {
    SkipBlanks();
    if (!SkipComment()) return false;
    if (!AtNewline()) return true;
    at_ += *at_ == '\r' ? 2 : 1;
  }
}

bool TomlReader::Expected(const char* what) noexcept {
  TextMistake& mistake = MistakeAt(at_);
  if (AtEnd()) {
    mistake.what.Set("the file ends where ", what, " is expected");
  } else if (AtNewline()) {
    mistake.what.Set("the line ends where ", what, " is expected");
  } else {
    const std::size_t bytes = CharacterBytes(at_, end_);
    mistake.what.Set(Quoted{{at_, bytes == 0 ? 1 : bytes}}, " stands where ", what, " is expected");
  }
  return false;
}

bool TomlReader::EndLine() noexcept {
  SkipBlanks();
  if (!SkipComment()) return false;
  if (!AtEnd() && !AtNewline()) return Expected("the end of the line");
  return true;
}

TomlReader::Statement TomlReader::Next() noexcept {
  if (midLine_ && !EndLine()) return Statement::kMistake;
  midLine_ = true;
  if (!SkipLines()) return Statement::kMistake;
  if (AtEnd()) return Statement::kEnd;
  if (*at_ != '[') {
    if (!ReadKey()) return Statement::kMistake;
    if (!Starts("=")) {
      Expected("=");
      return Statement::kMistake;
    }
    ++at_;
    return Statement::kKey;
  }
  const bool ofArray = Starts("[[");
  at_ += ofArray ? 2 : 1;
  if (!ReadKey()) return Statement::kMistake;
  const std::string_view close = ofArray ? "]]" : "]";
  if (!Starts(close)) {
    Expected(ofArray ? "]]" : "]");
    return Statement::kMistake;
  }
  at_ += close.size();
  return ofArray ? Statement::kArrayOfTables : Statement::kTable;
}

// Up to what follows it, blanks included.
bool TomlReader::ReadKey() noexcept {
  SkipBlanks();
  keyAt_ = at_;
  key_.Clear();
  for (;;) {
    if (!ReadKeyPart()) return false;
    SkipBlanks();
    if (AtEnd() || *at_ != '.') break;
    ++at_;
    key_.Add('.');
    SkipBlanks();
  }
  if (!key_.cut()) return true;
  MistakeAt(keyAt_).what.Set("this key is longer than ", kMaxKeyBytes - 1, " bytes");
  return false;
}

bool TomlReader::ReadKeyPart() noexcept {
  if (!AtEnd() && (*at_ == '"' || *at_ == '\'')) {
    TomlValue part;
    if (Starts("\"\"\"") || Starts("'''")) return Expected("a key");
    if (!ReadString(&part)) return false;
    bool bare = !part.text.empty();
    for (const char c : part.text) bare = bare && IsBareKey(c);
    if (bare) {
      key_.Add(part.text);
    } else {
      key_.Add('"').AddLine(part.text).Add('"');
    }
    return true;
  }
  const char* from = at_;
  while (!AtEnd() && IsBareKey(*at_)) ++at_;
  if (from == at_) return Expected("a key");
  key_.Add(std::string_view(from, static_cast<std::size_t>(at_ - from)));
  return true;
}

bool TomlReader::ReadValue(TomlValue* value) noexcept {
  SkipBlanks();
  *value = TomlValue();
  value->at = at_;
  if (AtEnd()) return Expected("a value");
  switch (*at_) {
    case '[':
      value->type = TomlValue::Type::kArray;
      ++at_;
      return true;
    case '{':
      value->type = TomlValue::Type::kTable;
      ++at_;
      return true;
    case '"':
    case '\'':
      return ReadString(value);
    default:
      return ReadBare(value);
  }
}

bool TomlReader::NextElement(bool* first, bool* more) noexcept {
  if (!SkipLines()) return false;
  if (!*first && !Starts("]")) {
    if (!Starts(",")) return Expected(", or ]");
    ++at_;
    if (!SkipLines()) return false;
  }
  *first = false;
  *more = !Starts("]");
  if (!*more) ++at_;
  return true;
}

bool TomlReader::NextMember(bool* first, bool* more) noexcept {
  SkipBlanks();
  *more = false;
  if (Starts("}")) {
    ++at_;
    return true;
  }
  if (!*first) {
    if (!Starts(",")) return Expected(", or }");
    ++at_;
  }
  *first = false;
  *more = true;
  if (!ReadKey()) return false;
  if (!Starts("=")) return Expected("=");
  ++at_;
  return true;
}

bool TomlReader::ReadString(TomlValue* value) noexcept {
  value->type = TomlValue::Type::kString;
  value->at = at_;
  string_.Clear();
  const bool basic = *at_ == '"';
  const bool multiline = Starts(basic ? "\"\"\"" : "'''");
  at_ += multiline ? 3 : 1;
  // A line's end right behind the quotes is not part of it.
  if (multiline && AtNewline()) at_ += *at_ == '\r' ? 2 : 1;
  if (!(basic ? ReadBasic(multiline) : ReadLiteral(multiline))) return false;
  value->text = string_.view();
  if (!string_.cut()) return true;
  TextMistake& mistake = MistakeAt(value->at);
  mistake.what.Set("this string is longer than ", kMaxStringBytes - 1, " bytes");
  mistake.remedy.Set("No value here is so long.");
  return false;
}

bool TomlReader::ReadBasic(bool multiline) noexcept {
  for (;;) {
    if (Starts(multiline ? "\"\"\"" : "\"")) {
      at_ += multiline ? 3 : 1;
      // Up to two quotes may stand before the closing ones.
      for (int i = 0; multiline && i < 2 && Starts("\""); ++i, ++at_) string_.Add('"');
      return true;
    }
    if (AtEnd() || (!multiline && AtNewline())) return Expected("the closing quote of a string");
    if (*at_ == '\\') {
      if (!ReadEscape(multiline)) return false;
      continue;
    }
    if (multiline && AtNewline()) {
      at_ += *at_ == '\r' ? 2 : 1;
      string_.Add('\n');
      continue;
    }
    const std::size_t bytes = CharacterBytes(at_, end_);
    if (bytes == 0 || IsControl(*at_)) return Expected("a character of a string, as UTF-8");
    string_.Add(std::string_view(at_, bytes));
    at_ += bytes;
  }
}

bool TomlReader::ReadLiteral(bool multiline) noexcept {
  for (;;) {
    if (Starts(multiline ? "'''" : "'")) {
      at_ += multiline ? 3 : 1;
      for (int i = 0; multiline && i < 2 && Starts("'"); ++i, ++at_) string_.Add('\'');
      return true;
    }
    if (AtEnd() || (!multiline && AtNewline())) return Expected("the closing quote of a string");
    if (multiline && AtNewline()) {
      at_ += *at_ == '\r' ? 2 : 1;
      string_.Add('\n');
      continue;
    }
    const std::size_t bytes = CharacterBytes(at_, end_);
    if (bytes == 0 || IsControl(*at_)) return Expected("a character of a string, as UTF-8");
    string_.Add(std::string_view(at_, bytes));
    at_ += bytes;
  }
}

bool TomlReader::ReadEscape(bool multiline) noexcept {
  const char* from = at_++;
  const auto refuse = [&] {
    TextMistake& mistake = MistakeAt(from);
    mistake.what.Set("this is no escape");
    mistake.remedy.Set("Write a backslash as \\\\, or the string in single quotes.");
    return false;
  };
  if (AtEnd()) return Expected("the rest of an escape");
  if (multiline) {
    // At the end of a line it takes the blanks and lines that follow away.
    const char* behind = at_;
    SkipBlanks();
    if (AtNewline()) {
      while (!AtEnd() && (AtNewline() || *at_ == ' ' || *at_ == '\t')) at_ += *at_ == '\r' ? 2 : 1;
      return true;
    }
    at_ = behind;
    if (AtEnd()) return Expected("the rest of an escape");
  }
  const char c = *at_++;
  constexpr std::string_view kLetters = "btnfr\"\\";
  constexpr std::string_view kMeanings = "\b\t\n\f\r\"\\";
  for (std::size_t i = 0; i < kLetters.size(); ++i) {
    if (c != kLetters[i]) continue;
    string_.Add(kMeanings[i]);
    return true;
  }
  if (c != 'u' && c != 'U') return refuse();
  std::uint32_t code = 0;
  for (int left = c == 'u' ? 4 : 8; left > 0; --left, ++at_) {
    const int digit = AtEnd() ? -1 : DigitValue(*at_);
    if (digit < 0) return refuse();
    code = code << 4 | static_cast<std::uint32_t>(digit);
  }
  if ((code >= 0xd800 && code < 0xe000) || code > 0x10ffff) return refuse();
  AddCharacter(code, &string_);
  return true;
}

bool TomlReader::ReadBare(TomlValue* value) noexcept {
  const char* from = at_;
  while (!AtEnd() && (IsBareKey(*at_) || *at_ == '.' || *at_ == ':' || *at_ == '+')) ++at_;
  const std::string_view token(from, static_cast<std::size_t>(at_ - from));
  if (token.empty()) return Expected("a value");
  value->text = token;
  if (token == "true" || token == "false") {
    value->type = TomlValue::Type::kBoolean;
    value->boolean = token == "true";
    return true;
  }
  if (IsDate(token)) {
    value->type = TomlValue::Type::kDate;
    return true;
  }
  if (IsFloat(token)) {
    value->type = TomlValue::Type::kFloat;
    return true;
  }
  return ReadInteger(token, value);
}

bool TomlReader::ReadInteger(std::string_view token, TomlValue* value) noexcept {
  std::string_view digits = token;
  const bool isSigned = digits.front() == '+' || digits.front() == '-';
  const bool negative = digits.front() == '-';
  if (isSigned) digits.remove_prefix(1);
  int base = 10;
  if (digits.size() > 2 && digits[0] == '0' && !isSigned) {
    base = digits[1] == 'x' ? 16 : digits[1] == 'o' ? 8 : digits[1] == 'b' ? 2 : 10;
    if (base != 10) digits.remove_prefix(2);
  }
  if (!AreDigits(digits, base)) {
    TextMistake& mistake = MistakeAt(value->at);
    mistake.what.Set(Quoted{token}, " is no value");
    mistake.remedy.Set("A string needs quotes, sizes and times with a unit too.");
    return false;
  }
  if (base == 10 && digits.size() > 1 && digits.front() == '0') {
    MistakeAt(value->at).what.Set("a number may not start with a zero");
    return false;
  }
  std::uint64_t number = 0;
  const std::uint64_t most = (std::uint64_t{1} << 63) - (negative ? 0 : 1);
  for (const char c : digits) {
    if (c == '_') continue;
    const auto digit = static_cast<std::uint64_t>(DigitValue(c));
    if (number > (most - digit) / static_cast<std::uint64_t>(base)) {
      MistakeAt(value->at).what.Set(Quoted{token}, " does not fit into 64 bits");
      return false;
    }
    number = number * static_cast<std::uint64_t>(base) + digit;
  }
  value->type = TomlValue::Type::kInteger;
  value->integer = static_cast<std::int64_t>(negative ? ~number + 1 : number);
  return true;
}

}  // namespace rmem
