#include "trace/call_sites.h"

#include <cmath>
#include <cstring>

#include "trace/call_site_analyser.h"
#include "trace/filters.h"
#include "trace/json_text.h"
#include "trace/kind_rules.h"
#include "trace/rmt_format.h"
#include "trace/symboliser.h"
#include "trace/trace_testing.h"

namespace rmem::testing {
namespace {

Event WithSite(Event event, std::uint32_t site) {
  event.site = site;
  return event;
}

/** Two stacks that share their caller, and a trace of three blocks from them, one without a stack. */
struct Example {
  TraceInfo info;
  std::uint32_t rows = 0, pages = 0;
  std::vector<Event> events;

  explicit Example(const char* stackBytes = "0") {
    info.header[kStackBytesField] = stackBytes;
    CallSites& sites = info.callSites;
    const auto module = sites.Module("/usr/bin/db", "0a1b");
    const auto main = sites.Frame(module, 16, "main");
    rows = sites.Stack(std::vector{sites.Frame(module, 32, "make_row(int)"), main});
    pages = sites.Stack(std::vector{sites.Frame(module, 48, ""), main});
    events = {WithSite(Alloc(1, {.size = 100}), rows), Alloc(2, {.size = 50}), Free(1),
              WithSite(Realloc(2, 3, {.size = 70}), pages), WithSite(Alloc(4, {.size = 8}), rows)};
  }
};

std::uint16_t VersionOf(const Bytes& file) {
  RmtFileHeader header;
  std::memcpy(&header, file.data(), sizeof(header));
  return header.version;
}

TEST(CallSites, ShareWhatTheirStacksHaveInCommon) {
  const Example example;
  const CallSites& sites = example.info.callSites;
  EXPECT_NE(example.rows, example.pages);
  EXPECT_EQ(sites.nodes().size(), 4u);
  EXPECT_EQ(sites.nodes()[example.rows].parent, sites.nodes()[example.pages].parent);
  CallSites again = sites;
  EXPECT_EQ(again.Stack(std::vector<std::uint32_t>{1, 0}), example.rows);
  EXPECT_EQ(again.nodes().size(), 4u);
}

TEST(CallSites, ComeBackFromAFileOfTheirOwnVersion) {
  const Example example;
  const Bytes file = WriteRmt(example.info, example.events);
  EXPECT_EQ(VersionOf(file), kRmtVersionWithSites);
  TraceInfo read;
  EXPECT_EQ(ReadRmt(file, read, {.strict = true}), example.events);
  EXPECT_EQ(read.callSites.ToJson(), example.info.callSites.ToJson());
  EXPECT_EQ(read.header, example.info.header);
  TraceInfo again;
  EXPECT_EQ(ReadRmt(WriteRmt(read, example.events), again, {.strict = true}), example.events);
  EXPECT_EQ(again.callSites.ToJson(), read.callSites.ToJson());
}

TEST(CallSites, CostNothingWhereThereAreNone) {
  TraceInfo info;
  const std::vector<Event> events{Alloc(1, {.size = 3}), Free(1)};
  const Bytes file = WriteRmt(info, events);
  EXPECT_EQ(VersionOf(file), kRmtVersion);
  const std::string text(reinterpret_cast<const char*>(file.data()), file.size());
  EXPECT_EQ(text.find("callSites"), std::string::npos);
}

TEST(CallSites, AreRefusedInAFileThatDoesNotSayItHasThem) {
  Example example;
  example.info.header.clear();
  EXPECT_EQ(ErrorOf([&] { WriteRmt(example.info, example.events); }).code(), "not-canonical");
}

TEST(CallSites, OfACutFileAreStandIns) {
  const Example example;
  Bytes file = WriteRmt(example.info, example.events);
  file.resize(file.size() - sizeof(RmtFooter) - 200);  // inside the trailer
  TraceInfo read;
  EXPECT_EQ(ReadRmt(file, read), example.events);
  EXPECT_EQ(read.report.warnings.size(), 2u);
  ASSERT_GT(read.callSites.nodes().size(), example.pages);
  EXPECT_EQ(read.callSites.frames()[read.callSites.nodes()[example.rows].frame].symbol, "lost-call-site");
  EXPECT_EQ(ReadRmt(WriteRmt(read, example.events), read, {.strict = true}), example.events);
}

TEST(CallSites, NoChangedByteGoesUnseen) {
  const Example example;
  const Bytes file = WriteRmt(example.info, example.events);
  for (std::size_t at = 0; at < file.size(); ++at) {
    Bytes changed = file;
    changed[at] ^= std::byte{0x20};
    EXPECT_THROW(
        {
          TraceInfo read;
          ReadRmt(changed, read, {.strict = true});
        },
        TraceError)
        << at;
  }
}

TEST(CallSites, OfTablesThatMakeNoSenseAreDamage) {
  for (const char* json : {R"({"frames":[1,2,"x"]})", R"({"frames":[0,2,"x"],"nodes":[1,0]})",
                           R"({"nodes":[0,0]})", R"({"frames":[0,2]})", R"({"modules":["only a path"]})",
                           R"({"frames":[0,2,"x"],"nodes":[0]})", "[]"}) {
    EXPECT_EQ(ErrorOf([&] {
                JsonReader in(json);
                CallSites().ReadJson(in);
              }).code(),
              "damaged-block")
        << json;
  }
}

TEST(CallSites, AreNamelessAndStillApartWhereATraceIsAnonymised) {
  const Example example;
  const CallSites anonymous = example.info.callSites.Anonymous();
  EXPECT_EQ(anonymous.ToJson().find("row"), std::string::npos);
  EXPECT_EQ(anonymous.ToJson().find("usr"), std::string::npos);
  EXPECT_EQ(anonymous.ToJson().find("0a1b"), std::string::npos);
  EXPECT_EQ(anonymous.nodes().size(), example.info.callSites.nodes().size());
  EXPECT_NE(anonymous.frames()[1].symbol, anonymous.frames()[2].symbol);
}

TEST(CallSites, AddUpWhatTheyAllocate) {
  const Example example;
  CallSiteAnalyser analyser(example.info);
  analyser.Consume(example.events);
  analyser.Finish();
  const CallSiteAnalysis& found = analyser.analysis();
  EXPECT_EQ(found.samples, 3u);
  EXPECT_EQ(found.blocks, 4u);
  EXPECT_EQ(found.bytes, 228u);
  EXPECT_EQ(found.peakBytes, 150u);
  EXPECT_EQ(found.sites[example.rows].bytes, 108);
  EXPECT_EQ(found.sites[example.rows].blocks, 2);
  EXPECT_EQ(found.sites[example.rows].peakBytes, 100);  // before it was freed
  EXPECT_EQ(found.sites[example.rows].endBytes, 8);
  EXPECT_EQ(found.sites[example.pages].bytes, 70);
  EXPECT_EQ(found.sites[example.pages].peakBytes, 0);
}

TEST(CallSites, WeighASampleByTheInverseOfItsChance) {
  EXPECT_EQ(StackWeight(5, 0), 1);
  EXPECT_NEAR(StackWeight(1 << 30, 1 << 16), 1, 1e-9);
  const double small = StackWeight(99, 1 << 16);
  EXPECT_NEAR(small * (1 - std::exp(-100.0 / 65536)), 1, 1e-9);
}

TEST(CallSites, GetTheKindsOfRules) {
  Example example;
  SiteKinds rules{{"", "row"}, std::vector<std::uint16_t>(example.pages + 1)};
  rules.ofSite[example.rows] = 1;
  Collector sink;
  const auto filter = MakeKindFilter(rules, example.info, sink);
  filter->Consume(example.events);
  filter->Finish();
  EXPECT_EQ(example.info.names.kinds[sink.events[0].name], "row");
  EXPECT_EQ(sink.events[1].name, 0);
  EXPECT_EQ(sink.events[3].name, 0);
  EXPECT_EQ(sink.events[0].site, example.rows);
}

TEST(CallSites, StayWithTheBlocksThatAFilterKeeps) {
  const Example example;
  Collector sink;
  const auto filter = MakeSizeFilter(60, 200, sink);
  filter->Consume(example.events);
  filter->Finish();
  ASSERT_EQ(sink.events.size(), 3u);
  EXPECT_EQ(sink.events[0].site, example.rows);
  EXPECT_EQ(sink.events[1].site, 0u);  // the free
  EXPECT_EQ(sink.events[2].site, example.pages);
}

TEST(CallSites, HaveNamesAsPeopleWriteThem) {
  EXPECT_EQ(Demangled("malloc@@GLIBC_2.2.5"), "malloc");
  EXPECT_EQ(Demangled("_ZN2db3rowEi"), "db::row(int)");
  EXPECT_EQ(Demangled("_ZN4core3fmt5write17h0123456789abcdefE"), "core::fmt::write");
  EXPECT_EQ(Demangled("_RNvCs15kBYyAo9fc_7mycrate3foo"), "mycrate::foo");
  EXPECT_EQ(Demangled("_Znonsense"), "_Znonsense");
  EXPECT_EQ(Demangled("plain"), "plain");
}

}  // namespace
}  // namespace rmem::testing
