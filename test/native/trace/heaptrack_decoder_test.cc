#include "trace/heaptrack_decoder.h"

#include <sstream>

#include "trace/importing.h"

namespace rmem::testing {
namespace {

constexpr TraceFormat kFormat = TraceFormat::kHeaptrack;

constexpr std::string_view kRaw =
    "v 10400 3\n"
    "x a /tmp/bin/p\n"
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

using Names = std::vector<std::string>;

/** What the call site of an event calls, innermost first: its symbol, else its file and its offset in it. */
Names FramesOf(const TraceInfo& info, const Event& event) {
  const CallSites& sites = info.callSites;
  Names names;
  for (std::uint32_t node = event.site; node != 0; node = sites.nodes()[node].parent) {
    const CallFrame& frame = sites.frames()[sites.nodes()[node].frame];
    std::ostringstream text;
    text << sites.modules()[frame.module].path << '+' << std::hex << frame.offset;
    names.push_back(frame.symbol.empty() ? text.str() : frame.symbol);
  }
  return names;
}

/** The events without their call sites. */
std::vector<Event> Siteless(std::vector<Event> events) {
  for (Event& event : events) event.site = 0;
  return events;
}

TEST(HeaptrackDecoder, ReadsRecordings) {
  const Imported imported = Import(kFormat, kRaw);
  Event sample = Sample(0x20 * 4096, 0x100 * 4096, kAbsent, kAbsent);
  sample.timeNs = 15'000'000;
  Event start = ThreadStart(0, 1);
  start.timeNs = 0;
  EXPECT_EQ(Siteless(imported.events),
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

TEST(HeaptrackDecoder, PlacesTheStacksOfARecordingInTheModulesThatAreLoaded) {
  const Imported imported = Import(kFormat,
                                   "v 10400 3\n"
                                   "x c /bin/my prog\n"
                                   "m 1 x 400000 0 1000 2000 800\n"
                                   "m 9 /lib/a.so 7f0000 1000 2000\n"
                                   "t 402011 0\n"  // 1: the second segment of the program
                                   "t 7f1011 1\n"  // 2
                                   "t 403000 1\n"  // 3: in no module
                                   "+ 8 2 10\n"
                                   "+ 8 3 20\n"
                                   "+ 8 0 30\n"
                                   "m 1 -\n"
                                   "m 9 /lib/b.so 7f0000 1000 2000\n"
                                   "t 7f1011 1\n"  // 4: another file at the same address
                                   "t 402011 1\n"  // 5: nothing is loaded there any more
                                   "+ 8 4 40\n"
                                   "+ 8 5 50\n");
  const std::vector<Event>& events = imported.events;
  ASSERT_EQ(events.size(), 6u);
  EXPECT_EQ(FramesOf(imported.info, events[1]), (Names{"/lib/a.so+1010", "/bin/my prog+2010"}));
  EXPECT_EQ(FramesOf(imported.info, events[2]), (Names{"+402fff", "/bin/my prog+2010"}));
  EXPECT_EQ(events[3].site, 0u);
  EXPECT_EQ(FramesOf(imported.info, events[4]), (Names{"/lib/b.so+1010", "/bin/my prog+2010"}));
  EXPECT_EQ(FramesOf(imported.info, events[5]), (Names{"+402010", "/bin/my prog+2010"}));
  EXPECT_EQ(imported.info.callSites.modules()[1].layout, "0 1000 2000 800");
  EXPECT_EQ(imported.info.header.at(kStackBytesField), "0");
  EXPECT_TRUE(imported.info.report.repairs.empty());
}

TEST(HeaptrackDecoder, NamesTheStacksOfAnInterpretedFile) {
  const Imported imported = Import(kFormat,
                                   "v 10400 3\n"
                                   "s 8 /bin/a b\n"            // 1
                                   "s 4 main\n"                // 2
                                   "s b row(int, x)\n"         // 3
                                   "s 4 file\n"                // 4
                                   "s 6 inner \n"              // 5, which ends with a space
                                   "i 401000 1 2 4 7\n"        // 1
                                   "i 402000 1 5 4 1 3 4 2\n"  // 2: inner, inlined into row
                                   "i 403000 1\n"              // 3: a function nobody knows
                                   "i 404000 0\n"              // 4: nor its file
                                   "i 405000 1 3\n"            // 5: its place in the source is not known
                                   "t 1 0\n"
                                   "t 2 1\n"
                                   "t 3 1\n"
                                   "t 4 1\n"
                                   "t 5 1\n"
                                   "a 8 2\na 8 3\na 8 4\na 8 5\na 8 0\n"
                                   "+ 0\n+ 1\n+ 2\n+ 3\n+ 4\n+ 0\n- 0\n");
  const std::vector<Event>& events = imported.events;
  ASSERT_EQ(events.size(), 8u);
  EXPECT_EQ(FramesOf(imported.info, events[1]), (Names{"inner ", "row(int, x)", "main"}));
  EXPECT_EQ(FramesOf(imported.info, events[2]), (Names{"[a b]", "main"}));
  EXPECT_EQ(FramesOf(imported.info, events[3]), (Names{"+403fff", "main"}));
  EXPECT_EQ(FramesOf(imported.info, events[4]), (Names{"row(int, x)", "main"}));
  EXPECT_EQ(events[5].site, 0u);
  EXPECT_EQ(events[6].site, events[1].site);
  EXPECT_EQ(events[7].site, 0u);
  EXPECT_TRUE(imported.info.report.repairs.empty());
}

TEST(HeaptrackDecoder, ReadsTextsWithoutALengthBeforeVersion3) {
  const Imported interpreted = Import(kFormat, "v 10200 2\ns row(int, x)\ni 401000 0 1\nt 1 0\na 8 1\n+ 0\n");
  EXPECT_EQ(FramesOf(interpreted.info, interpreted.events[1]), Names{"row(int, x)"});
  const Imported raw = Import(kFormat, "v 10200 2\nx /bin/p\nm x 400000 0 1000\nt 400011 0\n+ 8 1 10\n");
  EXPECT_EQ(FramesOf(raw.info, raw.events[1]), Names{"/bin/p+10"});
}

TEST(HeaptrackDecoder, CountsStacksAndNamesThatWereNotDefined) {
  const Imported imported = Import(kFormat,
                                   "v 10400 3\n"
                                   "s 4 main\n"
                                   "i 401000 0 1\n"
                                   "i 402000 0 9\n"  // 4: no such text
                                   "t 1 0\n"
                                   "t 3 1\n"  // 6: no such instruction
                                   "t 1 9\n"  // 7: no such stack
                                   "t 2 0\n"
                                   "a 8 1\na 8 2\na 8 3\na 8 4\na 8 9\n"  // 13: no such stack
                                   "+ 0\n+ 1\n+ 2\n+ 3\n+ 4\n");
  EXPECT_EQ(imported.info.report.repairs.at("unknown-stack").firstPositions,
            (std::vector<std::uint64_t>{6, 7, 13}));
  EXPECT_EQ(imported.info.report.repairs.at("unknown-name").firstPositions, std::vector<std::uint64_t>{4});
  EXPECT_EQ(imported.info.report.Dropped(), 0u);
  ASSERT_EQ(imported.events.size(), 6u);
  for (const std::size_t at : {1, 2, 3})
    EXPECT_EQ(FramesOf(imported.info, imported.events[at]), Names{"main"});
  EXPECT_EQ(FramesOf(imported.info, imported.events[4]), Names{"+401fff"});
  EXPECT_EQ(imported.events[5].site, 0u);
}

TEST(HeaptrackDecoder, KeepsWhatFindsRoomAndCountsTheRest) {
  std::ostringstream deep;
  deep << "v 10400 3\n" << std::hex;
  for (std::size_t stack = 0; stack < kMaxCallNodes + 2; ++stack) deep << "t 1000 " << stack << '\n';
  deep << "+ 8 " << kMaxCallNodes - 1 << " 10\n+ 8 " << kMaxCallNodes + 1 << " 20\n";
  const Imported imported = Import(kFormat, deep.str(), 100'000);
  EXPECT_EQ(imported.info.callSites.nodes().size(), kMaxCallNodes);
  ASSERT_EQ(imported.events.size(), 3u);
  EXPECT_EQ(imported.events[1].site, kMaxCallNodes - 1);
  EXPECT_EQ(imported.events[2].site, 0u);
  EXPECT_EQ(imported.info.report.repairs.at("stack-without-room").count, 1u);

  std::string wide = "v 10400 3\ns 1 f\ni 10 0";
  for (std::size_t call = 0; call < HeaptrackStacks::kMaxInlined + 10; ++call) wide += " 1 0 0";
  const Imported cut = Import(kFormat, wide + "\nt 1 0\na 8 1\n+ 0\n");
  EXPECT_EQ(FramesOf(cut.info, cut.events[1]).size(), HeaptrackStacks::kMaxInlined);
  EXPECT_EQ(cut.info.report.repairs.at("inlined-calls-cut").count, 1u);

  std::ostringstream segments;
  segments << "v 10400 3\nm 1 y 0" << std::hex;
  for (std::size_t segment = 0; segment < HeaptrackStacks::kMaxSegments + 3; ++segment)
    segments << ' ' << segment * 16 << " 10";
  segments << "\n+ 8 0 10\n";
  EXPECT_EQ(Import(kFormat, segments.str()).info.report.repairs.at("module-without-room").count, 3u);
}

TEST(HeaptrackDecoder, DoesNotCareWhereItIsCut) {
  for (const std::string_view text : {kRaw, kInterpreted}) {
    ExpectPiecesDontMatter(kFormat, text);
    ExpectCutsAreTaken(kFormat, text);
  }
}

TEST(HeaptrackDecoder, TakesLongNamesAndCountsUnknownLines) {
  const Imported imported =
      Import(kFormat, "v 10400 3\ns 186a0 " + std::string(100'000, 'x') + "\n? 1 2\na 8 0\n+ 0\n");
  EXPECT_EQ(imported.events.size(), 2u);
  EXPECT_EQ(imported.info.report.repairs.at("unknown-line").firstPositions, std::vector<std::uint64_t>{3});
}

TEST(HeaptrackDecoder, NamesTheLineThatIsWrong) {
  for (const char* bad : {"+",
                          "+ x",
                          "+ 8 1",
                          "+ 8 1 10 5",
                          "+ 0",
                          "- ",
                          "- 10 10",
                          "a 8",
                          "a 8 1 1",
                          "c",
                          "c x",
                          "R",
                          "c ffffffffffffffff",
                          "I 0 1",
                          "t 1",
                          "hello",
                          "s main",
                          "s 5 main",
                          "s 3 main",
                          "s 9f",
                          "i 1",
                          "i 1 0 1 2",
                          "t 1 0 0",
                          "x 2 /",
                          "m 9 /lib/a.so",
                          "m 9 /lib/a.so 10 0",
                          "m 9 /lib/a.so ffffffffffffffff 1 1",
                          "m 9 /lib/a.so 1 ffffffffffffff00 ff",
                          "+8 1 10",
                          "- 11112222333344445",
                          "v 1 2 3"}) {
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
