#include "trace/json_text.h"

#include "trace/trace_testing.h"

namespace rmem::testing {
namespace {

TEST(JsonText, ComesBack) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  const std::map<std::string, std::string> texts = {{"", ""}, {"a \"key\"", all}, {"z", "\\u0041"}};
  EXPECT_EQ(ParseJsonTexts(WriteJsonTexts(texts)), texts);
  EXPECT_EQ(ParseJsonTexts("{}"), (std::map<std::string, std::string>()));
}

TEST(JsonText, UnderstandsTheEscapesOfOthers) {
  EXPECT_EQ(ParseJsonTexts(" { \"k\" :\t\"\\n\\t\\/\\u0041\\u00e4\\u20ac\" }\n"),
            (std::map<std::string, std::string>{{"k", "\n\t/A\xc3\xa4\xe2\x82\xac"}}));
}

TEST(JsonText, RefusesWhatIsNoFlatObjectOfTexts) {
  for (const char* json : {"", "[]", "{", "{\"a\"}", "{\"a\":1}", "{\"a\":\"b\"", "{\"a\":\"b\",}",
                           "{\"a\":\"b\"} x", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"\n\"}",
                           "{\"a\":{}}", "{,}", "{\"a\":\"b\" \"c\":\"d\"}"}) {
    EXPECT_EQ(ErrorOf([&] { ParseJsonTexts(json); }).code(), "damaged-block") << json;
  }
}

TEST(JsonReader, SkipsWhatItDoesNotKnow) {
  JsonReader in(
      R"({"x":[1,{"y":"]}"},[]],"n":18446744073709551615,"z":null,"w":-1.5e3,"b":false,"v":{},"t":"end"})");
  std::string key;
  std::uint64_t number = 0;
  bool flag = true;
  std::string text;
  for (in.Enter('{'); in.More(&key);) {
    if (key == "n") {
      number = in.Number();
    } else if (key == "b") {
      flag = in.Bool();
    } else if (key == "t") {
      text = in.Text();
    } else {
      in.Skip();
    }
  }
  in.End();
  EXPECT_EQ(number, ~std::uint64_t{0});
  EXPECT_FALSE(flag);
  EXPECT_EQ(text, "end");
}

TEST(JsonReader, NeitherRecursesNorOverflows) {
  const std::string brackets(1'000'000, '[');
  JsonReader deep(brackets);
  EXPECT_EQ(ErrorOf([&] { deep.Skip(); }).code(), "damaged-block");
  JsonReader large("18446744073709551616");
  EXPECT_EQ(ErrorOf([&] { large.Number(); }).code(), "damaged-block");
}

}  // namespace
}  // namespace rmem::testing
