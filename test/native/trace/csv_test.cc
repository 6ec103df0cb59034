#include <algorithm>

#include "trace/csv_records.h"
#include "trace/csv_writer.h"
#include "trace/normaliser.h"
#include "trace/trace_testing.h"

namespace rmem::testing {
namespace {

/** What csv-parse makes of CSV text, as MakeDecoder takes it. */
std::string Split(std::string_view csv) {
  std::string records;
  bool quoted = false;
  for (std::size_t i = 0; i < csv.size(); ++i) {
    const char c = csv[i];
    if (c == '"') {
      if (quoted && i + 1 < csv.size() && csv[i + 1] == '"') {
        records += csv[++i];
      } else {
        quoted = !quoted;
      }
    } else if (!quoted && c == ',') {
      records += '\x1f';
    } else if (!quoted && c == '\n') {
      records += '\x1e';
    } else {
      records += c;
    }
  }
  return records;
}

std::vector<Event> Read(std::string_view csv, TraceInfo& info, std::size_t piece = 1000) {
  Collector sink;
  Normaliser normaliser(info, sink);
  PushAll(*MakeDecoder(TraceFormat::kCsv, {}, info, normaliser), AsBytes(Split(csv)), piece);
  return sink.events;
}

std::vector<Event> Read(std::string_view csv) {
  TraceInfo info;
  return Read(csv, info);
}

TraceError ErrorIn(std::string_view csv) {
  return ErrorOf([&] { Read(csv); });
}

std::string Write(const TraceInfo& info, std::span<const Event> events) {
  std::string text;
  CsvWriter writer(info, [&](std::span<const std::byte> piece) {
    text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  });
  writer.Consume(events);
  writer.Finish();
  return text;
}

TEST(Csv, HasTheColumnsThatAreDocumented) {
  EXPECT_EQ(Write({}, {}),
            "time_ns,thread,event,id,new_id,size,align,zeroed,scope,dies_with_scope,parent,inherit,kind,text,"
            "used,total,swap,psi\n");
}

TEST(Csv, IsWrittenForPeople) {
  TraceInfo info;
  info.names.kinds.Intern("row, small");
  info.names.transactionTypes.Intern("new-order");
  info.names.marks.Intern("say \"go\"");
  const std::vector<Event> events = {
      ThreadStart(0, 41),
      Begin(1, {.name = 1, .timeNs = 5}),
      Alloc(1, {.size = 64, .scope = 1, .flags = kFlagDiesWithScope, .name = 1, .timeNs = 7}),
      Alloc(2, {.size = 8, .flags = kFlagZeroed, .alignment = 32}),
      Realloc(2, 3, {.size = 9}),
      Free(3, {.size = 9, .flags = kFlagSizeTold}),
      Commit(1),
      Mark(1),
      Sample(10, 20, kAbsent, kAbsent),
      Sample(10, 20, 5, 1500),
      ThreadEnd(0)};
  EXPECT_EQ(Write(info, events).substr(Write(info, {}).size()),
            ",41,thread_start,,,,,,,,,,,,,,,\n"
            "5,41,begin,1,,,,,,,,,new-order,,,,,\n"
            "7,41,alloc,1,,64,,0,1,1,,,\"row, small\",,,,,\n"
            ",41,alloc,2,,8,32,1,,,,,,,,,,\n"
            ",41,realloc,2,3,9,,,,,,,,,,,,\n"
            ",41,free,3,,9,,,,,,,,,,,,\n"
            ",41,commit,1,,,,,,,,0,,,,,,\n"
            ",41,mark,,,,,,,,,,,\"say \"\"go\"\"\",,,,\n"
            ",41,sample,,,,,,,,,,,,10,20,,\n"
            ",41,sample,,,,,,,,,,,,10,20,5,1500\n"
            ",41,thread_end,,,,,,,,,,,,,,,\n");
}

TEST(Csv, ComesBackAsItWas) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    TraceInfo info;
    const auto events = RandomTrace(seed, 3000, info, seed % 2 == 0);
    TraceInfo read;
    auto result = Read(Write(info, events), read, 1 + seed * 13);
    ASSERT_EQ(result.size(), events.size());
    for (std::size_t i = 0; i < events.size(); ++i) {
      // Names are numbered anew in the order of their appearance.
      const auto text = [](const TraceNames& names, const Event& e) -> const std::string& {
        return e.type == EventType::kMark    ? names.marks[e.name]
               : e.type == EventType::kBegin ? names.transactionTypes[e.name]
                                             : names.kinds[e.name];
      };
      EXPECT_EQ(text(read.names, result[i]), text(info.names, events[i]));
      result[i].name = events[i].name;
    }
    EXPECT_EQ(result, events);
    EXPECT_TRUE(read.report.repairs.empty());
  }
}

TEST(Csv, TakesColumnsInAnyOrderAndLeavesOutOthers) {
  EXPECT_EQ(Read("size,remark,id,event\n16,first,0xff,alloc\n,,255,free\n"),
            (std::vector<Event>{ThreadStart(0, 1), Alloc(1, {.size = 16}), Free(1)}));
}

TEST(Csv, MendsAndCountsFreesOfUnknownIds) {
  TraceInfo info;
  EXPECT_EQ(Read("event,id,size\nalloc,-3,16\nfree,4,\nfree,-3,\nfree,-3,\n", info).size(), 3u);
  EXPECT_EQ(info.report.repairs["free-of-unknown-block"].firstPositions, (std::vector<std::uint64_t>{3, 5}));
  EXPECT_EQ(info.report.linesRead, 5u);
}

TEST(Csv, NamesTheRowAndColumnThatIsWrong) {
  const std::string header = "event,id,size,zeroed,thread,time_ns,text\n";
  for (const char* bad : {"alloc,x,1,,,,", "alloc,1,1.5,,,,", "alloc,1,-1,,,,", "alloc,1,1,maybe,,,",
                          "alloc,1,1,,-7,,", "alloc,1,1,,,x,", "allocate,1,1,,,,", ",1,1,,,,",
                          "alloc,1,1,,,,,", "alloc,99999999999999999999,1,,,,", "alloc,0x,1,,,,"}) {
    const TraceError error = ErrorIn(header + "alloc,5,1,1,7,3,\n" + bad + "\n");
    EXPECT_EQ(error.code(), "bad-row") << bad;
    EXPECT_EQ(error.line(), 3u) << bad;
  }
  EXPECT_EQ(ErrorIn(header + "mark,,,,,," + std::string(2000, 'x') + "\n").code(), "bad-row");
  EXPECT_EQ(ErrorIn(header + "mark,,,,,," + std::string(70'000, 'x') + "\n").code(), "bad-row");
  EXPECT_EQ(ErrorIn(header + "alloc,1,9223372036854775808,,,,\n").code(), "bad-size");
  EXPECT_EQ(ErrorIn(header + "alloc,1,99999999999999999999999,,,,\n").code(), "bad-size");
}

TEST(Csv, RefusesWhatIsNoTraceOrEmpty) {
  EXPECT_EQ(ErrorIn("a,b,c\n1,2,3\n").code(), "not-a-trace");
  EXPECT_EQ(ErrorIn("event\nalloc\n").code(), "not-a-trace");
  EXPECT_EQ(ErrorIn("").code(), "empty");
  EXPECT_TRUE(Read("event,id\n").empty());
}

}  // namespace
}  // namespace rmem::testing
