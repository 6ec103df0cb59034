#include "base/toml_reader.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace rmem {
namespace {

/** A text read to its end, as one line a statement: what a person would say is in it. */
class Reading {
 public:
  explicit Reading(std::string_view text) : reader_(text, &mistake_) {
    for (;;) {
      switch (reader_.Next()) {
        case TomlReader::Statement::kEnd:
          return;
        case TomlReader::Statement::kMistake:
          failed_ = true;
          return;
        case TomlReader::Statement::kTable:
          Say({"[", reader_.key(), "]\n"});
          break;
        case TomlReader::Statement::kArrayOfTables:
          Say({"[[", reader_.key(), "]]\n"});
          break;
        case TomlReader::Statement::kKey:
          Say({reader_.key(), "="});
          if (!Value()) return;
          said_ += "\n";
          break;
      }
    }
  }

  std::string said() const { return failed_ ? "wrong: " + mistake() : said_; }
  std::string mistake() const {
    return std::to_string(mistake_.line) + ":" + std::to_string(mistake_.column) + ": " +
           std::string(mistake_.what.view());
  }

 private:
  void Say(std::initializer_list<std::string_view> parts) {
    for (const std::string_view part : parts) said_.append(part);
  }

  bool Fail() {
    failed_ = true;
    return false;
  }

  bool Value() {
    TomlValue value;
    if (!reader_.ReadValue(&value)) return Fail();
    bool first = true;
    bool more = true;
    switch (value.type) {
      case TomlValue::Type::kInteger:
        said_ += std::to_string(value.integer);
        return true;
      case TomlValue::Type::kBoolean:
        said_ += value.boolean ? "true" : "false";
        return true;
      case TomlValue::Type::kFloat:
        Say({"float ", value.text});
        return true;
      case TomlValue::Type::kDate:
        Say({"date ", value.text});
        return true;
      case TomlValue::Type::kString:
        Say({"'", value.text, "'"});
        return true;
      case TomlValue::Type::kArray:
        said_ += "(";
        for (;;) {
          if (!reader_.NextElement(&first, &more)) return Fail();
          if (!more) break;
          if (!Value()) return false;
          said_ += ";";
        }
        said_ += ")";
        return true;
      case TomlValue::Type::kTable:
        said_ += "{";
        for (;;) {
          if (!reader_.NextMember(&first, &more)) return Fail();
          if (!more) break;
          Say({reader_.key(), "="});
          if (!Value()) return false;
          said_ += ";";
        }
        said_ += "}";
        return true;
    }
    return Fail();
  }

  TextMistake mistake_;
  TomlReader reader_;
  std::string said_;
  bool failed_ = false;
};

std::string Read(std::string_view text) {
  return Reading(text).said();
}

TEST(TomlReader, ReadsStatementsCommentsAndBlankLines) {
  EXPECT_EQ(Read(""), "");
  EXPECT_EQ(Read("\xef\xbb\xbf# only\n\n \t # comments"), "");
  EXPECT_EQ(Read("a = 1 # one\r\n[ b . c ]\r\n'd' = true\n[[ e ]]# x\n f=false"),
            "a=1\n[b.c]\nd=true\n[[e]]\nf=false\n");
}

TEST(TomlReader, ReadsKeys) {
  EXPECT_EQ(Read("a.b-c . \"d\".1_2 = 1"), "a.b-c.d.1_2=1\n");
  EXPECT_EQ(Read("\"a.b\".'c d' = 1"), "\"a.b\".\"c d\"=1\n");
  EXPECT_EQ(Read("\"\" = 1"), "\"\"=1\n");
}

TEST(TomlReader, ReadsIntegers) {
  EXPECT_EQ(Read("a = +1_000"), "a=1000\n");
  EXPECT_EQ(Read("a = -9223372036854775808"), "a=-9223372036854775808\n");
  EXPECT_EQ(Read("a = 9223372036854775807"), "a=9223372036854775807\n");
  EXPECT_EQ(Read("a = 0xDEAD_beef"), "a=3735928559\n");
  EXPECT_EQ(Read("a = 0o755"), "a=493\n");
  EXPECT_EQ(Read("a = 0b1010"), "a=10\n");
  EXPECT_EQ(Read("a = -0"), "a=0\n");
}

TEST(TomlReader, KnowsFloatsAndDates) {
  for (const char* text : {"1.5", "-1e9", "6.02E+2_3", "1_0.0_1", "inf", "-nan"}) {
    EXPECT_EQ(Read("a = " + std::string(text)), "a=float " + std::string(text) + "\n");
  }
  EXPECT_EQ(Read("a = 1979-05-27T07:32:00Z"), "a=date 1979-05-27T07:32:00Z\n");
  EXPECT_EQ(Read("a = 07:32:00"), "a=date 07:32:00\n");
}

TEST(TomlReader, ReadsStrings) {
  EXPECT_EQ(Read(R"(a = "tab\tquote\" \\ \u00e9 \U0001F600")"), "a='tab\tquote\" \\ é 😀'\n");
  EXPECT_EQ(Read(R"(a = 'C:\x "y"')"), "a='C:\\x \"y\"'\n");
  EXPECT_EQ(Read("a = \"\"\"\nx\n\"y\"\\\n   \n  z\"\"\"\""), "a='x\n\"y\"z\"'\n");
  EXPECT_EQ(Read("a = '''x\\\n''y'''"), "a='x\\\n''y'\n");
  EXPECT_EQ(Read("a = \"\""), "a=''\n");
}

TEST(TomlReader, ReadsArraysAndInlineTables) {
  EXPECT_EQ(Read("a = []"), "a=()\n");
  EXPECT_EQ(Read("a = [ 1, # one\n\n 2 ,\n]"), "a=(1;2;)\n");
  EXPECT_EQ(Read("a = [[1], ['x', []]]"), "a=((1;);('x';(););)\n");
  EXPECT_EQ(Read("a = { b = 1, c.d = { e = 'f' } }\ng = {}"), "a={b=1;c.d={e='f';};}\ng={}\n");
}

TEST(TomlReader, TellsThePlaceOfWhatItDoesNotUnderstand) {
  const auto wrong = [](std::string_view text) {
    const Reading reading(text);
    EXPECT_EQ(reading.said().rfind("wrong: ", 0), 0u) << text << reading.said();
    return reading.mistake();
  };
  EXPECT_EQ(wrong("a = 1\nb 2"), "2:3: \"2\" stands where = is expected");
  EXPECT_EQ(wrong("a"), "1:2: the file ends where = is expected");
  EXPECT_EQ(wrong("a ="), "1:4: the file ends where a value is expected");
  EXPECT_EQ(wrong("a =\nb = 1"), "1:4: the line ends where a value is expected");
  EXPECT_EQ(wrong("= 1"), "1:1: \"=\" stands where a key is expected");
  EXPECT_EQ(wrong("a..b = 1"), "1:3: \".\" stands where a key is expected");
  EXPECT_EQ(wrong("é = 1"), "1:1: \"é\" stands where a key is expected");
  EXPECT_EQ(wrong("\"é\" ü"), "1:5: \"ü\" stands where = is expected");
  EXPECT_EQ(wrong("a = 1 b = 2"), "1:7: \"b\" stands where the end of the line is expected");
  EXPECT_EQ(wrong("[a"), "1:3: the file ends where ] is expected");
  EXPECT_EQ(wrong("[[a]"), "1:4: \"]\" stands where ]] is expected");
  EXPECT_EQ(wrong("[a] b = 1"), "1:5: \"b\" stands where the end of the line is expected");
  EXPECT_EQ(wrong("a = [1 2]"), "1:8: \"2\" stands where , or ] is expected");
  EXPECT_EQ(wrong("a = [,]"), "1:6: \",\" stands where a value is expected");
  EXPECT_EQ(wrong("a = [1,"), "1:8: the file ends where a value is expected");
  EXPECT_EQ(wrong("a = { b = 1, }"), "1:14: \"}\" stands where a key is expected");
  EXPECT_EQ(wrong("a = { b = 1\n}"), "1:12: the line ends where , or } is expected");
  EXPECT_EQ(wrong("a = \"x\nb"), "1:7: the line ends where the closing quote of a string is expected");
  EXPECT_EQ(wrong("a = 'x"), "1:7: the file ends where the closing quote of a string is expected");
  EXPECT_EQ(wrong("a = \"x\\q\""), "1:7: this is no escape");
  EXPECT_EQ(wrong("a = \"\\ud800\""), "1:6: this is no escape");
  EXPECT_EQ(wrong("a = \"\\\n\""), "1:6: this is no escape");
  EXPECT_EQ(wrong("a = best"), "1:5: \"best\" is no value");
  EXPECT_EQ(wrong("a = 64KiB"), "1:5: \"64KiB\" is no value");
  EXPECT_EQ(wrong("a = 1__0"), "1:5: \"1__0\" is no value");
  EXPECT_EQ(wrong("a = 1_"), "1:5: \"1_\" is no value");
  EXPECT_EQ(wrong("a = 1."), "1:5: \"1.\" is no value");
  EXPECT_EQ(wrong("a = +0x1"), "1:5: \"+0x1\" is no value");
  EXPECT_EQ(wrong("a = 012"), "1:5: a number may not start with a zero");
  EXPECT_EQ(wrong("a = 9223372036854775808"), "1:5: \"9223372036854775808\" does not fit into 64 bits");
  EXPECT_EQ(wrong("a = 1\rb = 2"), "1:6: \"?\" stands where the end of the line is expected");
  EXPECT_EQ(wrong("# \x01"), "1:3: a comment holds what is no text (a control character, or no UTF-8)");
  EXPECT_EQ(wrong("# \xc0\x80"), "1:3: a comment holds what is no text (a control character, or no UTF-8)");
  EXPECT_EQ(wrong("a = '\xed\xa0\x80'"),
            "1:6: \"\xed\" stands where a character of a string, as UTF-8 is expected");
  EXPECT_EQ(wrong("a = '" + std::string(1024, 'x') + "'"), "1:5: this string is longer than 1023 bytes");
  EXPECT_EQ(wrong(std::string(256, 'x') + " = 1"), "1:1: this key is longer than 255 bytes");
}

}  // namespace
}  // namespace rmem
