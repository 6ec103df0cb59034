#include <cstring>
#include <numeric>

#include "trace/canonical_block.h"
#include "trace/normaliser.h"
#include "trace/rmt_format.h"
#include "trace/trace_testing.h"

namespace rmem::testing {
namespace {

/** A small file with everything in it. */
Bytes SmallFile(std::vector<Event>* events = nullptr) {
  TraceInfo info;
  info.header["program"] = "a \"test\"\n";
  const auto trace = RandomTrace(5, 120, info, true);
  if (events != nullptr) *events = trace;
  return WriteRmt(info, trace);
}

struct Block {
  std::size_t offset;
  RmtBlockHeader header;
};

std::vector<Block> BlocksOf(const Bytes& file) {
  std::vector<Block> blocks;
  RmtFileHeader start;
  std::memcpy(&start, file.data(), sizeof(start));
  std::size_t at = sizeof(start) + start.jsonBytes;
  for (;;) {
    Block block{at, {}};
    std::uint32_t sync;
    std::memcpy(&sync, file.data() + at, sizeof(sync));
    if (sync != kBlockSync) return blocks;
    std::memcpy(&block.header, file.data() + at, sizeof(block.header));
    blocks.push_back(block);
    at += sizeof(block.header) + block.header.payloadBytes;
  }
}

/** Puts `header` and its right checksum where it was read. */
void PutHeader(Bytes& file, Block block) {
  block.header.headerCrc = HeaderCrc(block.header);
  std::memcpy(file.data() + block.offset, &block.header, sizeof(block.header));
}

TEST(Rmt, ComesBackAsItWas) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    TraceInfo info;
    info.header = {{"program", "x\"y\\z\x01\xc3\xa4"}, {"host", ""}};
    const auto events = RandomTrace(seed, seed * 100, info, seed % 2 == 0);
    const Bytes file = WriteRmt(info, events);
    TraceInfo read;
    EXPECT_EQ(ReadRmt(file, read, {.strict = true}), events);
    EXPECT_EQ(read.header, info.header);
    EXPECT_EQ(read.names.kinds.size(), info.names.kinds.size());
    EXPECT_EQ(read.names.marks[3], info.names.marks[3]);
    EXPECT_EQ(read.report.events, events.size());
    EXPECT_TRUE(read.report.warnings.empty());
  }
}

TEST(Rmt, TellsPositionsAsEventNumbers) {
  std::vector<Event> events;
  TraceInfo read;
  events = ReadRmt(SmallFile(), read);
  for (std::size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i].position, i + 1);
}

TEST(Rmt, OfManyBlocksComesBackInPiecesOfAnySize) {
  TraceInfo info;
  const auto events = RandomTrace(3, 60'000, info, true);
  const Bytes file = WriteRmt(info, events);
  std::size_t eventBlocks = 0;
  for (const Block& block : BlocksOf(file)) {
    EXPECT_LE(block.header.payloadBytes, kMaxPayloadBytes);
    eventBlocks += block.header.type == static_cast<std::uint8_t>(RmtBlockType::kEvents) ? 1 : 0;
  }
  EXPECT_GT(eventBlocks, 4u);
  for (std::size_t piece : {1, 7, 71, 4096, 1'000'003}) {
    TraceInfo read;
    EXPECT_EQ(ReadRmt(file, read, {.strict = true}, piece), events) << piece;
  }
}

TEST(Rmt, OfTheSameEventsHasTheSameBytes) {
  EXPECT_EQ(SmallFile(), SmallFile());
}

TEST(Rmt, WithoutEventsIsAFile) {
  TraceInfo info;
  const Bytes file = WriteRmt(info, {});
  TraceInfo read;
  EXPECT_TRUE(ReadRmt(file, read, {.strict = true}).empty());
}

TEST(Rmt, CanLeaveOutTimesOrRoundThem) {
  TraceInfo info;
  const auto events = RandomTrace(9, 3000, info, true);
  TraceInfo read;
  for (const Event& event : ReadRmt(WriteRmt(info, events, {.times = false}), read))
    EXPECT_EQ(event.timeNs, kNoTime);
  const auto rounded = ReadRmt(WriteRmt(info, events, {.timeUnitNs = 16}), read);
  ASSERT_EQ(rounded.size(), events.size());
  for (std::size_t i = 0; i < events.size(); ++i) EXPECT_EQ(rounded[i].timeNs, events[i].timeNs / 16 * 16);
  EXPECT_FALSE(read.header.contains("timeUnitNs"));
}

TEST(Rmt, KeepsTimesThatGoBackAndEventsWithoutTimesAmongOthers) {
  std::vector<Event> events = {ThreadStart(0, 4),        Alloc(1, {.timeNs = 1000}),
                               Alloc(2, {.timeNs = 10}), Alloc(3),
                               Alloc(4, {.timeNs = 0}),  Free(2, {.timeNs = kNoTime - 1})};
  TraceInfo info;
  TraceInfo read;
  EXPECT_EQ(ReadRmt(WriteRmt(info, events), read), events);
}

TEST(Rmt, KeepsTheLargestNumbersThereAre) {
  const std::uint64_t most = ~std::uint64_t{0};
  std::vector<Event> events = {ThreadStart(0, most),
                               Alloc(1, {.size = kMaxBlockBytes, .alignment = 1u << 31}),
                               Free(1, {.size = most, .flags = kFlagSizeTold}),
                               Sample(most, most, kAbsent, kAbsent), Sample(0, 0, 0, 0)};
  TraceInfo info;
  TraceInfo read;
  EXPECT_EQ(ReadRmt(WriteRmt(info, events), read), events);
}

TEST(Rmt, DefinesNamesThatFillManyBlocks) {
  TraceInfo info;
  for (int i = 0; i < 300; ++i) info.names.marks.Intern(std::string(1000, 'x') + std::to_string(i));
  std::vector<Event> events = {Mark(300), Mark(1)};
  TraceInfo read;
  EXPECT_EQ(ReadRmt(WriteRmt(info, events), read), events);
  EXPECT_EQ(read.names.marks[300], info.names.marks[300]);
}

TEST(Rmt, DefinesNamesThatAppearWhileItIsWritten) {
  TraceInfo info;
  Bytes file;
  CanonicalWriter writer(info, {}, [&](std::span<const std::byte> piece) {
    file.insert(file.end(), piece.begin(), piece.end());
  });
  std::vector<Event> all;
  for (std::uint64_t i = 1; i <= 40'000; ++i) {
    const auto kind = info.names.kinds.Intern("kind " + std::to_string(i / 1000));
    all.push_back(Alloc(i, {.size = i % 50, .name = kind}));
    writer.Consume(std::span(&all.back(), 1));
  }
  writer.Finish();
  TraceInfo read;
  EXPECT_EQ(ReadRmt(file, read, {.strict = true}), all);
}

TEST(Rmt, SplitsBlocksOfUnusuallyLongEvents) {
  Random random(1);
  std::vector<Event> events;
  for (int i = 0; i < 20'000; ++i)
    events.push_back(Sample(random.Next(), random.Next(), random.Next(), random.Next()));
  TraceInfo info;
  TraceInfo read;
  EXPECT_EQ(ReadRmt(WriteRmt(info, events), read, {.strict = true}), events);
}

TEST(Rmt, RefusesToWriteWhatIsNotCanonical) {
  const std::vector<std::vector<Event>> wrong = {
      {Alloc(2)},
      {Alloc(1), Alloc(1)},
      {Free(1)},
      {Alloc(1), Free(0)},
      {Begin(2)},
      {Begin(1, {.scope = 1})},
      {Commit(1)},
      {Alloc(1, {.scope = 1})},
      {Alloc(1), Realloc(1, 3)},
      {Alloc(1, {.thread = 1})},
  };
  for (const auto& events : wrong) {
    TraceInfo info;
    EXPECT_EQ(ErrorOf([&] { WriteRmt(info, events); }).code(), "not-canonical");
  }
}

TEST(Rmt, CarriesWhatItsImportReported) {
  TraceInfo info;
  info.report.linesRead = 12;
  info.report.Count("free-of-unknown-block", true, 7);
  info.report.Count("block-born-twice", false, 9);
  info.report.warnings = {"a \"warning\""};
  TraceInfo read;
  ReadRmt(WriteRmt(info, {}), read);
  EXPECT_EQ(read.origin.linesRead, 12u);
  EXPECT_EQ(read.origin.Dropped(), 1u);
  EXPECT_EQ(read.origin.Repaired(), 1u);
  EXPECT_EQ(read.origin.repairs["block-born-twice"].firstPositions, std::vector<std::uint64_t>{9});
  EXPECT_EQ(read.origin.warnings, info.report.warnings);
  EXPECT_EQ(read.report.Dropped(), 0u);

  // And hands it on to the file made from it.
  TraceInfo third;
  ReadRmt(WriteRmt(read, {}), third);
  EXPECT_EQ(third.origin.Dropped(), 1u);
  EXPECT_EQ(third.origin.linesRead, 12u);
}

TEST(Rmt, CutAtAnyByteIsReadUpToItsLastWholeBlock) {
  std::vector<Event> events;
  const Bytes file = SmallFile(&events);
  const auto blocks = BlocksOf(file);
  ASSERT_EQ(blocks.front().header.events, events.size());
  const std::size_t eventsEnd =
      blocks.front().offset + sizeof(RmtBlockHeader) + blocks.front().header.payloadBytes;
  for (std::size_t cut = 0; cut < file.size(); ++cut) {
    const auto part = std::span<const std::byte>(file).first(cut);
    TraceInfo info;
    if (cut < blocks.front().offset) {
      EXPECT_EQ(ErrorOf([&] { ReadRmt(part, info); }).code(), cut == 0 ? "empty" : "truncated") << cut;
      continue;
    }
    EXPECT_EQ(ReadRmt(part, info), cut < eventsEnd ? std::vector<Event>() : events) << cut;
    EXPECT_EQ(info.report.warnings.size(), 1u) << cut;
    const TraceError error = ErrorOf([&] {
      TraceInfo strict;
      ReadRmt(part, strict, {.strict = true});
    });
    EXPECT_EQ(error.code(), "truncated") << cut;
    EXPECT_TRUE(error.hasByte());
  }
}

TEST(Rmt, WithAnyBitOfAnyByteChangedIsAnError) {
  const Bytes file = SmallFile();
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes changed = file;
      changed[at] ^= std::byte{1} << bit;
      TraceInfo info;
      const TraceError error = ErrorOf([&] { ReadRmt(changed, info); });
      EXPECT_NE(error.code(), "none") << "byte " << at << " bit " << bit;
      EXPECT_TRUE(error.hasByte()) << error.what();
    }
  }
}

TEST(Rmt, WithAnyByteMissingOrTwiceIsAnError) {
  const Bytes file = SmallFile();
  for (std::size_t at = 0; at < file.size(); ++at) {
    Bytes shorter = file;
    shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(at));
    TraceInfo info;
    EXPECT_NE(ErrorOf([&] { ReadRmt(shorter, info, {.strict = true}); }).code(), "none") << at;
    Bytes longer = file;
    longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(at), file[at]);
    EXPECT_NE(ErrorOf([&] { ReadRmt(longer, info, {.strict = true}); }).code(), "none") << at;
  }
}

TEST(Rmt, ThatGoesOnAfterItsEndIsAnError) {
  Bytes file = SmallFile();
  file.push_back(std::byte{0});
  TraceInfo info;
  const TraceError error = ErrorOf([&] { ReadRmt(file, info); });
  EXPECT_EQ(error.code(), "damaged-block");
  EXPECT_EQ(error.byte(), file.size() - 1);
}

TEST(Rmt, WithABlockLeftOutOrTwiceIsAnError) {
  TraceInfo info;
  const Bytes file = WriteRmt(info, RandomTrace(3, 60'000, info, true));
  const auto blocks = BlocksOf(file);
  const auto begin = static_cast<std::ptrdiff_t>(blocks[1].offset);
  const auto end = static_cast<std::ptrdiff_t>(blocks[2].offset);
  Bytes without = file;
  without.erase(without.begin() + begin, without.begin() + end);
  TraceInfo read;
  EXPECT_EQ(ErrorOf([&] { ReadRmt(without, read); }).byte(), blocks[1].offset);
  Bytes twice = file;
  twice.insert(twice.begin() + begin, file.begin() + begin, file.begin() + end);
  EXPECT_EQ(ErrorOf([&] { ReadRmt(twice, read); }).byte(), blocks[2].offset);
}

TEST(Rmt, ThatPromisesMoreThanItHasIsAnErrorAndTakesNoMemory) {
  const Bytes file = SmallFile();
  for (int field = 0; field < 6; ++field) {
    Bytes lying = file;
    Block block = BlocksOf(file).front();
    const std::uint64_t promise = std::uint64_t{1} << 60;
    if (field == 0) block.header.events = 0xffffffff;
    if (field == 1) block.header.firstEvent = promise;
    if (field == 2) block.header.births = promise;
    if (field == 3) block.header.begins = promise;
    if (field == 4) block.header.threads = 0xffffffff;
    if (field == 5) block.header.payloadBytes = 0xffffffff;
    PutHeader(lying, block);
    TraceInfo info;
    EXPECT_EQ(ErrorOf([&] { ReadRmt(lying, info); }).code(), "damaged-block") << field;
  }
}

TEST(Rmt, SkipsDamagedBlocksAndCountsWhatWasLost) {
  TraceInfo info;
  const auto events = RandomTrace(3, 30'000, info, true);
  const Bytes file = WriteRmt(info, events);
  const auto blocks = BlocksOf(file);
  std::size_t eventBlocks = 0;
  for (const Block& block : blocks) eventBlocks += block.header.events > 0 ? 1 : 0;
  for (std::size_t lost = 0; lost < eventBlocks; ++lost) {
    for (const bool header : {false, true}) {
      Bytes damaged = file;
      damaged[blocks[lost].offset + (header ? 9 : sizeof(RmtBlockHeader) + 5)] ^= std::byte{4};
      TraceInfo read;
      EXPECT_EQ(ErrorOf([&] { ReadRmt(damaged, read); }).byte(), blocks[lost].offset);

      TraceInfo skipped;
      const auto rest = ReadRmt(damaged, skipped, {.skipDamaged = true});
      EXPECT_EQ(rest.size() + blocks[lost].header.events, events.size());
      EXPECT_EQ(skipped.report.repairs["event-in-damaged-block"].count, blocks[lost].header.events);
      EXPECT_EQ(rest.back(), events[lost + 1 == eventBlocks ? rest.size() - 1 : events.size() - 1]);
      EXPECT_FALSE(skipped.report.warnings.empty());

      // What a damaged file leaves is a trace again behind a normaliser.
      TraceInfo mended;
      Collector sink;
      Normaliser normaliser(mended, sink, Normaliser::Positions::kEvents);
      PushAll(*MakeDecoder(TraceFormat::kRmt, {.skipDamaged = true}, mended, normaliser), damaged);
      TraceInfo again;
      EXPECT_EQ(ReadRmt(WriteRmt(mended, sink.events), again).size(), sink.events.size());
    }
  }
}

TEST(Rmt, WithWrongCountsInItsTrailerIsAnError) {
  // The trailer is text inside a checksum: rewrite both.
  Bytes file = SmallFile();
  for (Block block : BlocksOf(file)) {
    if (block.header.type != static_cast<std::uint8_t>(RmtBlockType::kTrailer)) continue;
    std::byte* json = file.data() + block.offset + sizeof(block.header);
    ASSERT_EQ(std::memcmp(json, "{\"events\":", 10), 0);
    json[10] = std::byte{'9'};
    block.header.payloadCrc = Crc32c(std::span(json, block.header.payloadBytes));
    PutHeader(file, block);
  }
  TraceInfo info;
  EXPECT_EQ(ErrorOf([&] { ReadRmt(file, info); }).code(), "damaged-block");
}

TEST(Rmt, OfAnotherVersionOrSortIsRefusedInWords) {
  Bytes file = SmallFile();
  file[8] = std::byte{3};
  TraceInfo info;
  EXPECT_EQ(ErrorOf([&] { ReadRmt(file, info); }).code(), "unsupported-version");
  const std::string text = "This is a letter, and no trace at all. It is long enough for a header.";
  EXPECT_EQ(ErrorOf([&] { ReadRmt(AsBytes(text), info); }).code(), "not-a-trace");
  EXPECT_EQ(ErrorOf([&] { ReadRmt(AsBytes("short text"), info); }).code(), "not-a-trace");
  EXPECT_EQ(ErrorOf([&] { ReadRmt({}, info); }).code(), "empty");
}

TEST(Rmt, IsSmall) {
  TraceInfo info;
  std::vector<Event> events;
  for (std::uint64_t i = 1; i <= 50'000; ++i) {
    events.push_back(Alloc(i, {.size = 16 * (i % 10), .timeNs = i * 50}));
    if (i > 5) events.push_back(Free(i - 5, {.timeNs = i * 50 + 20}));
  }
  EXPECT_LE(WriteRmt(info, events).size(), events.size() * 3);
}

}  // namespace
}  // namespace rmem::testing
