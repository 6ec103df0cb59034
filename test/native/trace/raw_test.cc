#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "trace/raw_block.h"
#include "trace/raw_resolver.h"
#include "trace/trace_testing.h"
#include "trace/validator.h"

namespace rmem::testing {
namespace {

using Events = std::vector<Event>;

constexpr std::string_view kJson = R"({"program":"db","ticksPerSecond":"2000000000","startTicks":"1000"})";

/** A raw file in memory, written by one writer a thread. */
class Recording {
 public:
  explicit Recording(std::string_view json = kJson) {
    bytes.resize(RawFileHeaderBytes(json.size()));
    EXPECT_EQ(WriteRawFileHeader(json, bytes), bytes.size());
  }

  /** Runs `row` on the writer of `thread`, with a new block where it does not fit. */
  template <class Row>
  void Add(std::uint64_t thread, std::uint64_t ticks, Row&& row) {
    auto& [writer, buffer] = threads_[thread];
    if (buffer.empty()) {
      buffer.resize(blockBytes);
      writer.Start(buffer, thread, ticks);
    }
    if (row(writer)) return;
    Flush(thread);
    writer.Start(buffer, thread, ticks);
    ASSERT_TRUE(row(writer));
  }

  void Alloc(std::uint64_t thread, std::uint64_t ticks, std::uint64_t address, std::uint64_t size,
             std::uint64_t alignment = 0, bool zeroed = false) {
    Add(thread, ticks, [&](RawBlockWriter& w) { return w.Alloc(ticks, address, size, alignment, zeroed); });
  }
  void Free(std::uint64_t thread, std::uint64_t ticks, std::uint64_t address) {
    Add(thread, ticks, [&](RawBlockWriter& w) { return w.Free(ticks, address); });
  }

  void Flush(std::uint64_t thread) {
    auto& [writer, buffer] = threads_[thread];
    const std::size_t length = writer.Finish();
    if (length > 0) offsets.push_back(bytes.size());
    bytes.insert(bytes.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(length));
  }

  Bytes& Whole() {
    for (auto& [thread, written] : threads_) Flush(thread);
    threads_.clear();
    return bytes;
  }

  Bytes bytes;
  std::vector<std::size_t> offsets;  // of the blocks
  std::size_t blockBytes = kRawBlockBytes;

 private:
  std::map<std::uint64_t, std::pair<RawBlockWriter, Bytes>> threads_;
};

class TemporaryFile {
 public:
  explicit TemporaryFile(const Bytes& bytes) {
    char name[] = "/tmp/rmem-raw-test-XXXXXX";
    fd = mkstemp(name);
    unlink(name);
    EXPECT_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  ~TemporaryFile() { close(fd); }
  int fd;
};

Events Resolve(const Bytes& bytes, TraceInfo& info, const ResolveOptions& options = {}) {
  TemporaryFile file(bytes);
  Collector sink;
  Validator validator(sink);
  ResolveRaw(file.fd, options, info, validator);
  EXPECT_EQ(sink.finished, 1);
  return sink.events;
}

Events Resolve(const Bytes& bytes) {
  TraceInfo info;
  return Resolve(bytes, info);
}

TraceError ErrorIn(const Bytes& bytes, const ResolveOptions& options = {}) {
  return ErrorOf([&] {
    TraceInfo info;
    Resolve(bytes, info, options);
  });
}

Event Started(std::uint32_t thread, std::uint64_t number, std::uint64_t timeNs) {
  Event event = ThreadStart(thread, number);
  event.timeNs = timeNs;
  return event;
}

TEST(Raw, IsMergedByTimeIntoOneOrder) {
  Recording recording;
  recording.Alloc(70, 1100, 0x1000, 64);
  recording.Alloc(70, 1300, 0x2000, 65, 32, true);
  recording.Alloc(71, 1200, 0x3000, 66);
  recording.Free(71, 1400, 0x1000);
  recording.Free(70, 1500, 0x3000);
  TraceInfo info;
  EXPECT_EQ(Resolve(recording.Whole(), info),
            (Events{Started(0, 70, 50), Alloc(1, {.size = 64, .timeNs = 50}), Started(1, 71, 100),
                    Alloc(2, {.thread = 1, .size = 66, .timeNs = 100}),
                    Alloc(3, {.size = 65, .flags = kFlagZeroed, .alignment = 32, .timeNs = 150}),
                    Free(1, {.thread = 1, .timeNs = 200}), Free(2, {.timeNs = 250})}));
  EXPECT_EQ(info.header["program"], "db");
  EXPECT_FALSE(info.header.contains("startTicks"));
  EXPECT_EQ(info.report.linesRead, 5u);
  EXPECT_TRUE(info.report.repairs.empty());
}

TEST(Raw, AtOneMomentFreesComeFirst) {
  Recording recording;
  recording.Alloc(1, 1002, 0x1000, 8);
  recording.Alloc(1, 1004, 0x1000, 9);  // the address that thread 2 gives back at the same moment
  recording.Free(2, 1004, 0x1000);
  TraceInfo info;
  const auto events = Resolve(recording.Whole(), info);
  EXPECT_TRUE(info.report.repairs.empty());
  EXPECT_EQ(events[3].type, EventType::kFree);
}

TEST(Raw, TellsAReallocOnBothSides) {
  // Thread 2 gets the old address, and thread 1 the new one that thread 2 gave back, while realloc runs.
  Recording recording;
  recording.Alloc(1, 1002, 0x1000, 8);
  recording.Alloc(2, 1004, 0x2000, 9);
  recording.Add(1, 1010, [](RawBlockWriter& w) { return w.Realloc(1010, 1020, 0x1000, 0x2000, 16); });
  recording.Alloc(2, 1012, 0x1000, 10);
  recording.Free(2, 1014, 0x2000);
  recording.Free(1, 1030, 0x2000);
  recording.Free(2, 1040, 0x1000);
  TraceInfo info;
  const auto events = Resolve(recording.Whole(), info);
  EXPECT_TRUE(info.report.repairs.empty());
  EXPECT_EQ(events, (Events{Started(0, 1, 1), Alloc(1, {.size = 8, .timeNs = 1}), Started(1, 2, 2),
                            Alloc(2, {.thread = 1, .size = 9, .timeNs = 2}),
                            Alloc(3, {.thread = 1, .size = 10, .timeNs = 6}),
                            Free(2, {.thread = 1, .timeNs = 7}), Realloc(1, 4, {.size = 16, .timeNs = 10}),
                            Free(4, {.timeNs = 15}), Free(3, {.thread = 1, .timeNs = 20})}));
}

TEST(Raw, PutsBlocksIntoTheTransactionTheirThreadWorksFor) {
  Recording recording;
  const auto add = [&](std::uint64_t ticks, auto&& row) { recording.Add(1, ticks, row); };
  add(1002, [](RawBlockWriter& w) { return w.Begin(1002, 0xaa, 0, "payment"); });
  recording.Alloc(1, 1004, 0x1000, 1);
  add(1006, [](RawBlockWriter& w) { return w.Begin(1006, 0xbb, 0xaa, "savepoint"); });
  recording.Alloc(1, 1008, 0x2000, 2);
  add(1010, [](RawBlockWriter& w) { return w.Commit(1010, 0xbb, true); });
  recording.Alloc(1, 1012, 0x3000, 3);
  add(1014, [](RawBlockWriter& w) { return w.Scope(1014, 0); });
  recording.Alloc(1, 1016, 0x4000, 4);
  add(1018, [](RawBlockWriter& w) { return w.Scope(1018, 0xaa); });
  recording.Alloc(1, 1020, 0x5000, 5);
  recording.Add(2, 1022, [](RawBlockWriter& w) { return w.Scope(1022, 0xaa); });
  recording.Alloc(2, 1024, 0x6000, 6);
  add(1026, [](RawBlockWriter& w) { return w.Abort(1026, 0xaa); });
  recording.Alloc(1, 1028, 0x7000, 7);
  recording.Alloc(2, 1030, 0x8000, 8);
  TraceInfo info;
  const auto events = Resolve(recording.Whole(), info);
  std::vector<std::uint64_t> scopes;
  for (const Event& event : events) {
    if (event.type == EventType::kAlloc) scopes.push_back(event.scope);
  }
  EXPECT_EQ(scopes, (std::vector<std::uint64_t>{1, 2, 1, 0, 1, 1, 0, 0}));
  EXPECT_EQ(info.names.transactionTypes[events[1].name], "payment");
  EXPECT_TRUE(info.report.repairs.empty());
}

TEST(Raw, KeepsMarksSamplesAndEndsOfThreads) {
  Recording recording;
  recording.Add(9, 1000, [](RawBlockWriter& w) { return w.Mark(1000, "start"); });
  recording.Add(9, 1002, [](RawBlockWriter& w) { return w.Sample(1002, 5, 6, kAbsent); });
  recording.Add(9, 1004, [](RawBlockWriter& w) { return w.SizedFree(1004, 0x10, 7); });
  recording.Add(9, 1004, [](RawBlockWriter& w) { return w.ThreadEnd(1004); });
  recording.Alloc(9, 1006, 0x10, 3);  // the system used the number again
  TraceInfo info;
  const auto events = Resolve(recording.Whole(), info);
  ASSERT_EQ(events.size(), 6u);
  EXPECT_EQ(info.names.marks[events[1].name], "start");
  EXPECT_EQ(events[2].size, 5u);
  EXPECT_EQ(events[2].newId, kAbsent);
  EXPECT_EQ(events[3].type, EventType::kThreadEnd);
  EXPECT_EQ(events[4], Started(1, 9, 3));
  EXPECT_EQ(events[5].thread, 1u);
  EXPECT_EQ(info.report.repairs["free-of-unknown-block"].count, 1u);
}

/** Threads that hand blocks to each other, in many blocks of the file. */
Recording Long(std::size_t blockBytes = 4096) {
  Recording recording;
  recording.blockBytes = blockBytes;
  Random random(3);
  std::uint64_t ticks = 1000;
  std::vector<std::uint64_t> live;
  for (std::uint64_t i = 1; i <= 20'000; ++i) {
    ticks += random.Below(50);
    const std::uint64_t thread = 1 + random.Below(5);
    if (random.Percent(55) || live.empty()) {
      const std::uint64_t address = 0x10000 + i * 16;
      recording.Alloc(thread, ticks, address, i % 500);
      live.push_back(address);
    } else {
      std::swap(live[random.Below(static_cast<std::uint32_t>(live.size()))], live.back());
      recording.Free(thread, ticks, live.back());
      live.pop_back();
    }
  }
  return recording;
}

TEST(Raw, OfManyBlocksIsResolvedWithoutRepair) {
  Recording recording = Long();
  TraceInfo info;
  const auto events = Resolve(recording.Whole(), info);
  EXPECT_GT(recording.offsets.size(), 20u);
  EXPECT_EQ(events.size(), 20'005u);
  EXPECT_TRUE(info.report.repairs.empty());
  for (std::size_t i = 1; i < events.size(); ++i) EXPECT_LE(events[i - 1].timeNs, events[i].timeNs);
}

TEST(Raw, WithAnyBitOfAnyByteChangedIsAnErrorWithItsPlace) {
  Recording recording;
  for (std::uint64_t i = 0; i < 20; ++i) recording.Alloc(1 + i % 2, 1000 + i, 16 * (i + 1), i);
  const Bytes& file = recording.Whole();
  for (std::size_t at = 0; at < file.size(); ++at) {
    Bytes changed = file;
    changed[at] ^= std::byte{1} << (at % 8);
    const TraceError error = ErrorIn(changed);
    EXPECT_NE(error.code(), "none") << at;
    EXPECT_TRUE(error.hasByte()) << error.what();
  }
}

TEST(Raw, CutAtAnyByteIsReadUpToItsLastWholeBlock) {
  Recording recording;
  recording.blockBytes = 1024;
  for (std::uint64_t i = 0; i < 200; ++i) recording.Alloc(1, 1000 + i, 16 * (i + 1), i);
  const Bytes& file = recording.Whole();
  ASSERT_GE(recording.offsets.size(), 2u);
  for (std::size_t cut = 0; cut < file.size(); ++cut) {
    const Bytes part(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(cut));
    if (cut < recording.offsets[0]) {
      EXPECT_EQ(ErrorIn(part).code(), cut == 0 ? "empty" : "truncated");
      continue;
    }
    TraceInfo info;
    Resolve(part, info);
    const bool between =
        std::find(recording.offsets.begin(), recording.offsets.end(), cut) != recording.offsets.end();
    EXPECT_EQ(info.report.warnings.size(), between ? 0u : 1u) << cut;
    if (!between) {
      EXPECT_EQ(ErrorIn(part, {.strict = true}).code(), "truncated");
    }
  }
}

TEST(Raw, SkipsDamagedBlocksAndCountsWhatWasLost) {
  Recording recording = Long();
  const Bytes& file = recording.Whole();
  for (std::size_t lost = 0; lost < recording.offsets.size(); lost += 5) {
    for (const std::size_t at : {std::size_t{12}, sizeof(RmtBlockHeader) + 30}) {
      Bytes damaged = file;
      damaged[recording.offsets[lost] + at] ^= std::byte{16};
      EXPECT_EQ(ErrorIn(damaged).byte(), recording.offsets[lost]);
      TraceInfo info;
      const auto events = Resolve(damaged, info, {.skipDamaged = true});
      EXPECT_LT(events.size(), 20'005u);
      EXPECT_GT(events.size(), 10'000u);
      // A header tells what its block has, unless it is what was damaged.
      EXPECT_TRUE(info.report.repairs.contains("event-in-damaged-block") || !info.report.warnings.empty());
    }
  }
}

TEST(Raw, RefusesRowsThatPassTheirChecksumButAreNone) {
  Random random(11);
  int refused = 0;
  for (int round = 0; round < 300; ++round) {
    Recording recording;
    for (std::uint64_t i = 0; i < 20; ++i) recording.Alloc(1, 1000 + i, 16 * (i + 1), i);
    Bytes file = recording.Whole();
    RmtBlockHeader header;
    std::byte* block = file.data() + recording.offsets[0];
    std::memcpy(&header, block, sizeof(header));
    block[sizeof(header) + random.Below(header.payloadBytes)] = static_cast<std::byte>(random.Next());
    header.payloadCrc = Crc32c(std::span(block + sizeof(header), header.payloadBytes));
    header.headerCrc = HeaderCrc(header);
    std::memcpy(block, &header, sizeof(header));
    try {
      Resolve(file);
    } catch (const TraceError& error) {
      EXPECT_TRUE(error.code() == "damaged-block" || error.code() == "bad-size") << error.code();
      ++refused;
    }
  }
  EXPECT_GT(refused, 0);
}

TEST(Raw, NeedsItsClock) {
  for (const char* json : {"{}", R"({"ticksPerSecond":"0","startTicks":"1"})",
                           R"({"ticksPerSecond":"x","startTicks":"1"})", R"({"ticksPerSecond":"5"})"}) {
    Recording recording(json);
    EXPECT_EQ(ErrorIn(recording.Whole()).code(), "damaged-block") << json;
  }
}

TEST(Raw, OfAnotherSortIsRefused) {
  EXPECT_EQ(ErrorIn(WriteRmt({}, {})).code(), "not-raw");
  const auto text = AsBytes("This is a letter, and no recording at all.");
  EXPECT_EQ(ErrorIn(Bytes(text.begin(), text.end())).code(), "not-a-trace");
  TraceInfo info;
  Collector sink;
  const int folder = open("/tmp", O_RDONLY);
  EXPECT_EQ(ErrorOf([&] { ResolveRaw(folder, {}, info, sink); }).code(), "io");
  close(folder);
}

TEST(Raw, StopsWhenItIsTold) {
  std::atomic<bool> stop{true};
  EXPECT_EQ(ErrorIn(Long().Whole(), {.stop = &stop}).code(), "stopped");
}

TEST(Raw, WriterRefusesWhatDoesNotFitAndLosesNothing) {
  Bytes buffer(1024);
  RawBlockWriter writer;
  writer.Start(buffer, 1, 0);
  EXPECT_EQ(writer.Finish(), 0u);
  std::uint32_t rows = 0;
  while (writer.Mark(rows, std::string(500, 'x'))) ++rows;
  EXPECT_EQ(writer.events(), rows);
  EXPECT_GT(rows, 0u);
  EXPECT_LE(writer.Finish(), buffer.size());
}

constexpr std::string_view kJsonWithStacks =
    R"({"program":"db","ticksPerSecond":"2000000000","startTicks":"1000","stackBytes":"65536"})";

TEST(Raw, StacksBelongToTheNextBirthOfTheirThread) {
  Recording recording(kJsonWithStacks);
  const std::vector<std::uint64_t> stack{0x401001, 0x402001, 0x9001};
  recording.Add(1, 1100, [](RawBlockWriter& w) {
    return w.Module(1100, 0x401000, 0x2000, 0x1000, "/usr/bin/db", "\x0a\xff");
  });
  recording.Add(1, 1100, [&](RawBlockWriter& w) { return w.Stack(1100, stack); });
  recording.Alloc(2, 1150, 0x1000, 8);
  recording.Alloc(1, 1200, 0x2000, 16);
  recording.Alloc(1, 1300, 0x3000, 24);
  TraceInfo info;
  const Events events = Resolve(recording.Whole(), info);
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(events[1].site, 0u);
  EXPECT_NE(events[3].site, 0u);
  EXPECT_EQ(events[4].site, 0u);
  const CallSites& sites = info.callSites;
  EXPECT_EQ(sites.modules()[1].path, "/usr/bin/db");
  EXPECT_EQ(sites.modules()[1].buildId, "0aff");
  const CallNode inner = sites.nodes()[events[3].site];
  EXPECT_EQ(sites.frames()[inner.frame], (CallFrame{1, 0x1000, ""}));
  const CallNode outer = sites.nodes()[sites.nodes()[inner.parent].parent];
  EXPECT_EQ(sites.frames()[outer.frame], (CallFrame{0, 0x9000, ""}));  // in no module
  EXPECT_EQ(outer.parent, 0u);
}

TEST(Raw, StacksOfUnknownWeightAreDroppedAndCounted) {
  Recording recording;
  const std::vector<std::uint64_t> stack{0x401001};
  recording.Add(1, 1100, [&](RawBlockWriter& w) { return w.Stack(1100, stack); });
  recording.Alloc(1, 1200, 0x2000, 16);
  TraceInfo info;
  const Events events = Resolve(recording.Whole(), info);
  EXPECT_EQ(events.back().site, 0u);
  EXPECT_EQ(info.report.repairs["stack-of-unknown-weight"].count, 1u);
}

TEST(Raw, TheLongestStacksAndModulesFitIntoTheSmallestBlocks) {
  Recording recording(kJsonWithStacks);
  recording.blockBytes = 1024;
  std::vector<std::uint64_t> stack;
  for (std::uint64_t i = 0; i < 100; ++i) stack.push_back(i % 2 == 0 ? ~i : i + 1);
  for (int i = 0; i < 10; ++i) {
    recording.Add(1, 1100, [&](RawBlockWriter& w) { return w.Stack(1100, stack); });
    recording.Add(1, 1100, [&](RawBlockWriter& w) {
      return w.Module(1100, 1 + i, ~0ull - 1000, ~0ull, std::string(5000, 'x'), std::string(64, 'y'));
    });
    recording.Alloc(1, 1200, 0x2000 + i * 16, 16);
  }
  TraceInfo info;
  const Events events = Resolve(recording.Whole(), info);
  EXPECT_EQ(events.size(), 11u);
  EXPECT_NE(events.back().site, 0u);
  EXPECT_EQ(info.callSites.modules()[1].path.size(), RawBlockWriter::kMaxRawPathBytes);
}

}  // namespace
}  // namespace rmem::testing
