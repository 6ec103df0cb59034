#include "trace/mtrace_decoder.h"

#include "trace/importing.h"

namespace rmem::testing {
namespace {

constexpr TraceFormat kFormat = TraceFormat::kMtrace;

// As glibc 2.36 writes it.
constexpr std::string_view kEverything =
    "= Start\n"
    "@ ./p:[0x11a0] + 0x559bc78072a0 0xa\n"
    "@ ./p:(main+0x1c)[0x11b5] < 0x559bc78072a0\n"
    "@ ./p:(main+0x1c)[0x11b5] > 0x559bc78074a0 0x186a0\n"
    "@ ./with ] + 0x1 in it:[0x11c8] + 0x559bc78072a0 0\n"
    "- 0x559bc78074a0\n"
    "@ [0x124d] ! 0x559bc78072a0 0x4000000000000000\n"
    "@ ./p:[0x125f] + (nil) 0x4000000000000000\n"
    "= End\n";

TEST(MtraceDecoder, ReadsEveryLine) {
  const Imported imported = Import(kFormat, kEverything);
  EXPECT_EQ(imported.events, (std::vector<Event>{ThreadStart(0, 1), Alloc(1, {.size = 10}),
                                                 Realloc(1, 2, {.size = 100000}), Alloc(3), Free(2)}));
  const auto& repairs = imported.info.report.repairs;
  EXPECT_EQ(repairs.at("failed-reallocation").firstPositions, std::vector<std::uint64_t>{7});
  EXPECT_EQ(repairs.at("failed-allocation").firstPositions, std::vector<std::uint64_t>{8});
  EXPECT_EQ(imported.info.report.linesRead, 9u);
}

TEST(MtraceDecoder, DoesNotCareWhereItIsCut) {
  ExpectPiecesDontMatter(kFormat, kEverything);
  ExpectCutsAreTaken(kFormat, kEverything);
}

TEST(MtraceDecoder, TakesCrLfAndNoStart) {
  EXPECT_EQ(Import(kFormat, "+ 0x10 0x8\r\n\r\n- 0x10").events,
            (std::vector<Event>{ThreadStart(0, 1), Alloc(1, {.size = 8}), Free(1)}));
}

TEST(MtraceDecoder, MatchesReallocsThatAreInterleaved) {
  const Imported imported = Import(kFormat,
                                   "+ 0x10 0x8\n"
                                   "+ 0x20 0x8\n"
                                   "< 0x10\n"
                                   "< 0x20\n"
                                   "+ 0x10 0x7\n"  // of a thread that got what the realloc gave back
                                   "> 0x30 0x9\n"
                                   "> 0x20 0xa\n"
                                   "- 0x10\n");
  EXPECT_EQ(imported.events,
            (std::vector<Event>{ThreadStart(0, 1), Alloc(1, {.size = 8}), Alloc(2, {.size = 8}),
                                Alloc(3, {.size = 7}), Realloc(1, 4, {.size = 9}),
                                Realloc(2, 5, {.size = 10}), Free(3)}));
  EXPECT_TRUE(imported.info.report.repairs.empty());
}

TEST(MtraceDecoder, CountsReallocsThatAreNotWhole) {
  const Imported imported = Import(kFormat, "> 0x10 0x8\n< 0x10\n+ 0x20 0x8\n");
  const auto& repairs = imported.info.report.repairs;
  EXPECT_EQ(imported.events.size(), 3u);
  EXPECT_EQ(repairs.at("realloc-result-alone").firstPositions, std::vector<std::uint64_t>{1});
  EXPECT_EQ(repairs.at("realloc-without-result").firstPositions, std::vector<std::uint64_t>{2});
  EXPECT_TRUE(repairs.at("realloc-without-result").dropped);

  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "< 0x10\n";
  EXPECT_EQ(Import(kFormat, many).info.report.repairs.at("realloc-without-result").count, 10'000u);
}

TEST(MtraceDecoder, CountsFreesOfUnknownBlocks) {
  const auto repairs = Import(kFormat, "- 0x10\n+ 0x10 0x1\n- 0x10\n- 0x10\n").info.report.repairs;
  EXPECT_EQ(repairs.at("free-of-unknown-block").firstPositions, (std::vector<std::uint64_t>{1, 4}));
}

TEST(MtraceDecoder, NamesTheLineThatIsWrong) {
  for (const char* bad :
       {"+", "+ 0x10", "+ 10 0x8", "+ 0x10 8", "+ 0x10 0x8 1", "- ", "- 0x10 0x8", "* 0x10", "@ ./p:[0x10",
        "@ ./p:[0x10]", "= Middle", "hello", "+0x10 0x8", "+ 0x11112222333344445 0x1"}) {
    const TraceError error = ImportError(kFormat, std::string("= Start\n") + bad + "\n");
    EXPECT_EQ(error.code(), "bad-line") << bad;
    EXPECT_EQ(error.line(), 2u) << bad;
  }
  EXPECT_EQ(ImportError(kFormat, "+ 0x10 0x4000000000000000\n").code(), "bad-size");
  EXPECT_EQ(ImportError(kFormat, "+ 0x10 0x11112222333344445\n").code(), "bad-size");
  EXPECT_EQ(ImportError(kFormat, "Dear reader\n").code(), "not-a-trace");
}

}  // namespace
}  // namespace rmem::testing
