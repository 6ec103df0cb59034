#include "trace/heaptrack_decoder.h"

#include "trace/importing.h"

namespace rmem::testing {
namespace {

constexpr TraceFormat kFormat = TraceFormat::kHeaptrack;

constexpr std::string_view kRaw =
    "v 10400 3\n"
    "x 16 /tmp/bin/p\n"
    "X ./p --fast\n"
    "I 1000 100\n"
    "m 1 -\n"
    "t 7f81b234cb9f 0\n"
    "+ a 1 55ccc51da530\n"
    "- 55ccc51da530\n"
    "c f\n"
    "R 20\n"
    "+ 186a0 1 55ccc51da530\n"
    "- 55ccc5204ac0\n";

constexpr std::string_view kInterpreted =
    "v 10400 3\n"
    "X ./p\n"
    "I 1000 100\n"
    "s 4 main\n"
    "i 7fc304b68b9f 8 0 b 0\n"
    "t 1 0\n"
    "a 20 1\n"
    "+ 0\n"
    "+ 0\n"
    "a ff 1\n"
    "+ 1\n"
    "- 0\n"
    "- 0\n"
    "- 0\n"
    "+ 0\n"
    "- 7\n"
    "\n"
    "# strings: 20\n";

TEST(HeaptrackDecoder, ReadsRecordings) {
  const Imported imported = Import(kFormat, kRaw);
  Event sample = Sample(0x20 * 4096, 0x100 * 4096, kAbsent, kAbsent);
  sample.timeNs = 15'000'000;
  Event start = ThreadStart(0, 1);
  start.timeNs = 0;
  EXPECT_EQ(imported.events,
            (std::vector<Event>{start, Alloc(1, {.size = 10, .timeNs = 0}), Free(1, {.timeNs = 0}), sample,
                                Alloc(2, {.size = 100000, .timeNs = 15'000'000})}));
  EXPECT_EQ(imported.info.header.at("program"), "./p --fast");
  EXPECT_EQ(imported.info.report.repairs.at("free-of-unknown-block").firstPositions,
            std::vector<std::uint64_t>{12});
}

TEST(HeaptrackDecoder, FreesTheMostRecentBlockOfAnInterpretedAllocation) {
  const Imported imported = Import(kFormat, kInterpreted);
  std::vector<std::pair<EventType, std::uint64_t>> seen;
  for (const Event& event : imported.events) seen.emplace_back(event.type, event.id);
  using enum EventType;
  EXPECT_EQ(
      seen,
      (std::vector<std::pair<EventType, std::uint64_t>>{
          {kThreadStart, 1}, {kAlloc, 1}, {kAlloc, 2}, {kAlloc, 3}, {kFree, 2}, {kFree, 1}, {kAlloc, 4}}));
  EXPECT_EQ(imported.events[3].size, 255u);
  EXPECT_EQ(imported.info.report.repairs.at("free-of-unknown-block").firstPositions,
            (std::vector<std::uint64_t>{14, 16}));
}

TEST(HeaptrackDecoder, DoesNotCareWhereItIsCut) {
  for (const std::string_view text : {kRaw, kInterpreted}) {
    ExpectPiecesDontMatter(kFormat, text);
    ExpectCutsAreTaken(kFormat, text);
  }
}

TEST(HeaptrackDecoder, TakesLongNamesAndCountsUnknownLines) {
  const Imported imported =
      Import(kFormat, "v 10400 3\ns 186a0 " + std::string(100'000, 'x') + "\n? 1 2\n+ 8 0 10\n");
  EXPECT_EQ(imported.events.size(), 2u);
  EXPECT_EQ(imported.info.report.repairs.at("unknown-line").firstPositions, std::vector<std::uint64_t>{3});
}

TEST(HeaptrackDecoder, NamesTheLineThatIsWrong) {
  for (const char* bad :
       {"+", "+ x", "+ 8 1", "+ 8 1 10 5", "+ 0", "- ", "- 10 10", "a 8", "a 8 1 1", "c", "c x", "R",
        "c ffffffffffffffff", "I 0 1", "t 1", "hello", "+8 1 10", "- 11112222333344445", "v 1 2 3"}) {
    const TraceError error = ImportError(kFormat, std::string("v 10400 3\n") + bad + "\n");
    EXPECT_EQ(error.code(), "bad-line") << bad;
    EXPECT_EQ(error.line(), 2u) << bad;
  }
  EXPECT_EQ(ImportError(kFormat, "v 1 3\na 8 1\n+ 8 1 10\n").line(), 3u);
  EXPECT_EQ(ImportError(kFormat, "v 1 3\n+ 4000000000000000 1 10\n").code(), "bad-size");
  EXPECT_EQ(ImportError(kFormat, "v 10700 4\n").code(), "new-version");
  EXPECT_EQ(ImportError(kFormat, "Dear reader\n").code(), "not-a-trace");
}

}  // namespace
}  // namespace rmem::testing
