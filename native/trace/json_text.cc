#include "trace/json_text.h"

#include "trace/trace_error.h"

namespace rmem {
namespace {

[[noreturn]] void DamagedText() {
  throw TraceError("damaged-block", "the description inside the trace is damaged");
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  DamagedText();
}

void AppendUtf8(std::string& to, unsigned code) {
  if (code < 0x80) {
    to += static_cast<char>(code);
  } else if (code < 0x800) {
    to += static_cast<char>(0xc0 | (code >> 6));
    to += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    to += static_cast<char>(0xe0 | (code >> 12));
    to += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    to += static_cast<char>(0x80 | (code & 0x3f));
  }
}

}  // namespace

std::string JsonString(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string json = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      json += "\\u00";
      json += kHex[byte >> 4];
      json += kHex[byte & 15];
    } else {
      json += c;
    }
  }
  return json += '"';
}

char JsonReader::Peek() {
  while (at_ < text_.size() &&
         (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
    ++at_;
  }
  return at_ < text_.size() ? text_[at_] : '\0';
}

void JsonReader::Take(char expected) {
  if (!TakeIf(expected)) DamagedText();
}

bool JsonReader::TakeIf(char c) {
  if (Peek() != c || at_ == text_.size()) return false;
  ++at_;
  return true;
}

void JsonReader::Enter(char bracket) {
  Take(bracket);
  first_ = true;
}

bool JsonReader::Next(char closing) {
  if (TakeIf(closing)) {
    first_ = false;
    return false;
  }
  if (!first_) Take(',');
  first_ = false;
  return true;
}

bool JsonReader::More(std::string* key) {
  if (!Next('}')) return false;
  *key = Text();
  Take(':');
  return true;
}

bool JsonReader::More() {
  return Next(']');
}

std::string JsonReader::Text() {
  Take('"');
  std::string text;
  for (;;) {
    if (at_ == text_.size()) DamagedText();
    const char c = text_[at_++];
    if (c == '"') return text;
    if (static_cast<unsigned char>(c) < 0x20) DamagedText();
    if (c != '\\') {
      text += c;
      continue;
    }
    if (at_ == text_.size()) DamagedText();
    switch (const char escaped = text_[at_++]) {
      case 'b':
        text += '\b';
        break;
      case 'f':
        text += '\f';
        break;
      case 'n':
        text += '\n';
        break;
      case 'r':
        text += '\r';
        break;
      case 't':
        text += '\t';
        break;
      case 'u': {
        if (text_.size() - at_ < 4) DamagedText();
        unsigned code = 0;
        for (int digit = 0; digit < 4; ++digit) code = code * 16 + HexDigit(text_[at_++]);
        AppendUtf8(text, code);
        break;
      }
      case '"':
      case '\\':
      case '/':
        text += escaped;
        break;
      default:
        DamagedText();
    }
  }
}

std::uint64_t JsonReader::Number() {
  const char first = Peek();
  if (first < '0' || first > '9') DamagedText();
  std::uint64_t value = 0;
  for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
    const auto digit = static_cast<std::uint64_t>(text_[at_] - '0');
    if (value > (UINT64_MAX - digit) / 10) DamagedText();
    value = value * 10 + digit;
  }
  return value;
}

bool JsonReader::Bool() {
  Peek();
  for (const auto& [word, value] :
       {std::pair{std::string_view("true"), true}, {std::string_view("false"), false}}) {
    if (text_.substr(at_, word.size()) == word) {
      at_ += word.size();
      return value;
    }
  }
  DamagedText();
}

void JsonReader::Skip() {
  // Brackets are counted, not matched: what is skipped is of no interest, and input decides how deep it
  // nests.
  std::size_t depth = 0;
  do {
    const char c = Peek();
    if (at_ == text_.size()) DamagedText();
    if (c == '"') {
      Text();
    } else {
      ++at_;
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') {
        if (depth == 0) DamagedText();
        --depth;
      }
      // A number or word goes on to the next character of structure.
      if (depth == 0 && c != '}' && c != ']') {
        while (at_ < text_.size() &&
               std::string_view(",]} \t\r\n").find(text_[at_]) == std::string_view::npos)
          ++at_;
      }
    }
  } while (depth > 0);
  first_ = false;
}

void JsonReader::End() {
  Peek();
  if (at_ != text_.size()) DamagedText();
}

std::map<std::string, std::string> ParseJsonTexts(std::string_view json) {
  std::map<std::string, std::string> texts;
  JsonReader in(json);
  std::string key;
  for (in.Enter('{'); in.More(&key);) texts[key] = in.Text();
  in.End();
  return texts;
}

std::string WriteJsonTexts(const std::map<std::string, std::string>& texts) {
  std::string json = "{";
  for (const auto& [key, text] : texts) {
    if (json.size() > 1) json += ',';
    json += JsonString(key) + ':' + JsonString(text);
  }
  return json += '}';
}

}  // namespace rmem
