#include "trace/malloc_lab_decoder.h"

#include "trace/importing.h"

namespace rmem::testing {
namespace {

constexpr TraceFormat kFormat = TraceFormat::kMallocLab;

constexpr std::string_view kCalls =
    "a 0 512\n"
    "a 1 128\n"
    "r 0 640\n"
    "f 1\n"
    "f -1\n"
    "f 0\n";

std::vector<Event> Expected() {
  return {ThreadStart(0, 1),
          Alloc(1, {.size = 512}),
          Alloc(2, {.size = 128}),
          Realloc(1, 3, {.size = 640}),
          Free(2),
          Free(3)};
}

TEST(MallocLabDecoder, TakesBothHeaders) {
  for (const char* header : {"20000\n2\n6\n1\n", "1\n2\n6\n0\n", "20000 2\n6 1\n", "1 2 6 1\r\n\r\n"}) {
    const Imported imported = Import(kFormat, std::string(header).append(kCalls));
    EXPECT_EQ(imported.events, Expected()) << header;
    EXPECT_EQ(imported.info.report.repairs.at("free-of-null").count, 1u);
    EXPECT_EQ(imported.info.report.Dropped(), 0u);
    EXPECT_TRUE(imported.info.report.warnings.empty());
  }
}

TEST(MallocLabDecoder, TakesCrLfAndALastLineWithoutEnd) {
  EXPECT_EQ(Import(kFormat, "1\r\n1\r\n2\r\n1\r\na 0 8\r\nf 0").events,
            (std::vector<Event>{ThreadStart(0, 1), Alloc(1, {.size = 8}), Free(1)}));
}

TEST(MallocLabDecoder, DoesNotCareWhereItIsCut) {
  const std::string text = std::string("1\n2\n6\n1\n").append(kCalls);
  ExpectPiecesDontMatter(kFormat, text);
  ExpectCutsAreTaken(kFormat, text);
}

TEST(MallocLabDecoder, CountsWhatIsOutOfOrder) {
  const Imported imported = Import(kFormat, "1\n1\n6\n1\na 0 8\na 0 16\nf 0\nf 0\nr 5 8\nf 7\n");
  const auto& repairs = imported.info.report.repairs;
  EXPECT_EQ(repairs.at("block-born-twice").firstPositions, std::vector<std::uint64_t>{6});
  EXPECT_EQ(repairs.at("free-of-unknown-block").firstPositions, (std::vector<std::uint64_t>{8, 10}));
  EXPECT_EQ(repairs.at("realloc-of-unknown-block").firstPositions, std::vector<std::uint64_t>{9});
  EXPECT_EQ(repairs.at("id-beyond-header").count, 2u);
}

TEST(MallocLabDecoder, SaysWhereCallsAreMissing) {
  const Imported imported = Import(kFormat, "1\n1\n9\n1\na 0 8\n");
  ASSERT_EQ(imported.info.report.warnings.size(), 1u);
  EXPECT_NE(imported.info.report.warnings[0].find("announces 9 calls, and there are 1"), std::string::npos);
  EXPECT_EQ(ImportError(kFormat, "1\n1\n9\n1\na 0 8\n", {.strict = true}).code(), "truncated");
  EXPECT_EQ(ImportError(kFormat, "1\n1\n9\n").code(), "truncated");
}

TEST(MallocLabDecoder, NamesTheLineThatIsWrong) {
  for (const char* bad : {"a", "a 0", "a x 8", "a 0 8 9", "a -1 8", "f -2", "f", "f 0 1", "r 0", "x 0 8",
                          "a 0 8x", "af 1", "a 99999999999999999999 8"}) {
    const TraceError error = ImportError(kFormat, std::string("1\n1\n9\n1\n") + bad + "\n");
    EXPECT_EQ(error.code(), "bad-line") << bad;
    EXPECT_EQ(error.line(), 5u) << bad;
  }
  EXPECT_EQ(ImportError(kFormat, "1\n1\n9\n1\na 0 140737488355329\n").code(), "bad-size");
  EXPECT_EQ(ImportError(kFormat, "1\n1\n9\n1\na 0 99999999999999999999999\n").code(), "bad-size");
  EXPECT_EQ(ImportError(kFormat, "Dear reader\n").code(), "not-a-trace");
  EXPECT_EQ(ImportError(kFormat, "").code(), "empty");
}

}  // namespace
}  // namespace rmem::testing
