#include "recording/ring.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "recording/patience.h"
#include "recording/ring_encoder.h"
#include "trace/raw_file.h"
#include "trace/raw_rows.h"

namespace rmem::record {
namespace {

constexpr std::uint64_t kStart = 1'000'000;

std::uint64_t First(EventType type, std::uint64_t ticks, unsigned flags = 0) {
  return FirstWord(static_cast<unsigned>(type) | flags, ticks);
}

/** A ring in the memory of the test, its reader, and the file that it fills. */
class Rig {
 public:
  explicit Rig(std::size_t words)
      : words_(words), encoder_(ring_, words_.data(), words, kStart, out_, counts_) {
    ring_.words = words_.data();
    ring_.mask = words - 1;
    std::string name = "/tmp/ring_test_XXXXXX";
    close(mkstemp(name.data()));
    path_ = name;
    EXPECT_TRUE(out_.Open(path_.c_str(), R"({"ticksPerSecond":"1000000000","startTicks":"1000000"})"));
  }
  ~Rig() { unlink(path_.c_str()); }

  RingHeader& ring() { return ring_; }
  RingEncoder& encoder() { return encoder_; }
  const DrainCounts& counts() const { return counts_; }

  template <class... Words>
  bool Put(Words... words) {
    return PutWords(ring_, LookForRoom, std::uint64_t{words}...);
  }

  /** Of what Rows() returned: blocks, and the number of the block of a row. */
  std::size_t blocks() const { return payloads_.size(); }
  std::size_t BlockOf(std::size_t row) const { return blockOf_[row]; }

  /** Finishes the file and reads every row of it, thread after thread. */
  std::vector<std::pair<std::uint64_t, RawRow>> Rows() {
    while (encoder_.Drain() > 0) {
    }
    encoder_.Finish();
    out_.Close();
    const int fd = open(path_.c_str(), O_RDONLY);
    ImportReport report;
    const RawFile file(fd, {.strict = true}, report);
    std::vector<std::pair<std::uint64_t, RawRow>> rows;
    for (const RawThread& thread : file.threads()) {
      for (const RawBlockPlace& place : thread.blocks) {
        payloads_.emplace_back();
        file.Read(place, payloads_.back());
        for (RawRows in(payloads_.back(), place.firstTicks); !in.AtEnd();) {
          rows.emplace_back(thread.number, RawRow{});
          in.Next(&rows.back().second);
          blockOf_.push_back(payloads_.size());
        }
      }
    }
    close(fd);
    return rows;
  }

 private:
  std::vector<std::uint64_t> words_;
  RingHeader ring_{};
  RawOutput out_;
  DrainCounts counts_;
  RingEncoder encoder_;
  std::string path_;
  std::vector<std::vector<std::byte>> payloads_;
  std::vector<std::size_t> blockOf_;
};

TEST(Ring, CarriesEveryRecordToTheFile) {
  Rig rig(1024);
  rig.Put(First(EventType::kThreadStart, kStart), 42u);
  rig.Put(First(EventType::kAlloc, kStart + 10), 0x1000u, 100u);
  rig.Put(First(EventType::kAlloc, kStart + 20, kRawAligned | kRawZeroed), 0x2000u,
          std::uint64_t{200} | std::uint64_t{12} << kAlignmentShift);
  rig.Put(First(EventType::kRealloc, kStart + 30), kStart + 35, 0x1000u, 0x3000u, 300u);
  rig.Put(First(EventType::kFree, kStart + 40), 0x3000u);
  rig.Put(First(EventType::kFree, kStart + 50, kRawSizeTold), 0x2000u, 200u);
  rig.Put(First(EventType::kCommit, kStart + 60, kRawInherit), 7u);
  rig.Put(First(EventType::kAbort, kStart + 70), 8u);
  rig.Put(FirstWord(static_cast<unsigned>(RawOp::kScope), kStart + 80), 9u);
  rig.Put(FirstWord(static_cast<unsigned>(RawOp::kStack), kStart + 85), 2u, 0x111u, 0x222u);
  rig.Put(First(EventType::kAlloc, kStart + 85), 0x4000u, 100u);
  std::array<std::uint64_t, 6 + kMaxPathWords + kMaxBuildIdWords> module = {
      FirstWord(static_cast<unsigned>(RawOp::kModule), kStart + 86), 0x400000, 0x1000, 0x2000};
  const std::size_t path = TextWords("/lib/a.so", &module[4], RawBlockWriter::kMaxRawPathBytes);
  const std::size_t id = TextWords("\x01\x02", &module[4 + path], RawBlockWriter::kMaxRawBuildIdBytes);
  EXPECT_TRUE(PutSpan(rig.ring(), LookForRoom, std::span(module).first(4 + path + id)));
  std::array<std::uint64_t, 4 + kMaxTextWords> words = {First(EventType::kBegin, kStart + 90), 5, 4};
  EXPECT_TRUE(
      PutSpan(rig.ring(), LookForRoom, std::span(words).first(3 + TextWords("a new order", &words[3]))));
  words[0] = First(EventType::kMark, kStart + 95);
  EXPECT_TRUE(PutSpan(rig.ring(), LookForRoom, std::span(words).first(1 + TextWords("start", &words[1]))));

  const auto rows = rig.Rows();
  ASSERT_EQ(rows.size(), 13u);
  for (const auto& [thread, row] : rows) EXPECT_EQ(thread, 42u);
  EXPECT_EQ(rows[0].second.ticks, kStart + 10);
  EXPECT_EQ(rows[0].second.size, 100u);
  EXPECT_EQ(rows[1].second.alignment, 4096u);
  EXPECT_EQ(rows[1].second.size, 200u);
  EXPECT_EQ(rows[1].second.flags, kRawAligned | kRawZeroed);
  EXPECT_EQ(rows[2].second.ticksAfter, kStart + 35);
  EXPECT_EQ(rows[2].second.newAddress, 0x3000u);
  EXPECT_EQ(rows[3].second.address, 0x3000u);
  EXPECT_EQ(rows[4].second.size, 200u);
  EXPECT_EQ(rows[5].second.flags, kRawInherit);
  EXPECT_EQ(rows[6].second.address, 8u);
  EXPECT_EQ(rows[7].second.type, static_cast<unsigned>(RawOp::kScope));
  EXPECT_EQ(rows[8].second.type, static_cast<unsigned>(RawOp::kStack));
  EXPECT_EQ(rows[9].second.address, 0x4000u);
  EXPECT_EQ(rows[10].second.type, static_cast<unsigned>(RawOp::kModule));
  EXPECT_EQ(rows[10].second.address, 0x400000u);
  EXPECT_EQ(rows[11].second.text, "a new order");
  EXPECT_EQ(rows[11].second.newAddress, 4u);
  EXPECT_EQ(rows[12].second.text, "start");
  // A scope, a stack and a module are no events of their own.
  EXPECT_EQ(rig.counts().events, 10u);
}

TEST(Ring, AStackIsInTheBlockOfItsAllocation) {
  Rig rig(1024);
  rig.Put(First(EventType::kThreadStart, kStart), 42u);
  constexpr std::uint64_t kAllocations = 20'000;
  std::array<std::uint64_t, 2 + kMaxStackFrames> stack = {};
  for (std::uint64_t i = 1; i <= kAllocations; ++i) {
    const std::uint64_t frames = i % (kMaxStackFrames + 1);
    stack[0] = FirstWord(static_cast<unsigned>(RawOp::kStack), kStart + i);
    stack[1] = frames;
    for (std::uint64_t at = 0; at < frames; ++at) stack[2 + at] = i * 0x9e3779b97f4a7c15 >> (at % 32);
    ASSERT_TRUE(PutSpan(rig.ring(), LookForRoom, std::span(stack).first(2 + frames)));
    // The ring may be emptied, and the block written, between the two.
    if (i % 50 == 0) {
      rig.encoder().Drain();
      rig.encoder().Flush();
    }
    ASSERT_TRUE(rig.Put(First(EventType::kAlloc, kStart + i), i * 0x1000, i));
    rig.encoder().Drain();
  }
  const auto rows = rig.Rows();
  ASSERT_GT(rig.blocks(), kAllocations / 50);
  ASSERT_EQ(rows.size(), 2 * kAllocations);
  for (std::size_t i = 0; i < rows.size(); i += 2) {
    ASSERT_EQ(rows[i].second.type, static_cast<unsigned>(RawOp::kStack)) << i;
    ASSERT_EQ(rows[i + 1].second.size, i / 2 + 1);
    ASSERT_EQ(rig.BlockOf(i), rig.BlockOf(i + 1)) << "row " << i;
  }
}

TEST(Ring, TextsOfAnyLengthKeepTheirBytes) {
  for (const std::size_t length : {0, 1, 7, 8, 9, 126, 127, 128, 500}) {
    Rig rig(1024);
    rig.Put(First(EventType::kThreadStart, kStart), 1u);
    const std::string text(length, 'x');
    std::array<std::uint64_t, 2 + kMaxTextWords> words = {First(EventType::kMark, kStart)};
    PutSpan(rig.ring(), LookForRoom, std::span(words).first(1 + TextWords(text, &words[1])));
    const auto rows = rig.Rows();
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].second.text, text.substr(0, RawBlockWriter::kMaxRawTextBytes));
  }
}

TEST(Ring, ThatIsFullTakesNothingUntilItIsRead) {
  Rig rig(64);
  rig.Put(First(EventType::kThreadStart, kStart), 1u);
  std::size_t taken = 0;
  while (rig.Put(First(EventType::kAlloc, kStart), 0x1000u + taken, 8u)) ++taken;
  EXPECT_EQ(taken, (64u - 2) / 3);
  EXPECT_GT(rig.encoder().Drain(), 0u);
  EXPECT_TRUE(rig.Put(First(EventType::kFree, kStart + 1), 0x1000u));
  EXPECT_EQ(rig.Rows().size(), taken + 1);
}

TEST(Ring, RefusesASignalHandlerInsideOfARecord) {
  Rig rig(64);
  rig.Put(First(EventType::kThreadStart, kStart), 1u);
  bool inside = true;
  while (PutWords(
      rig.ring(),
      [&](RingHeader&, std::size_t) {
        inside = rig.Put(First(EventType::kFree, kStart), 0x5000u);
        return false;
      },
      First(EventType::kAlloc, kStart), std::uint64_t{0x1000}, std::uint64_t{8})) {
  }
  EXPECT_FALSE(inside);
  for (const auto& [thread, row] : rig.Rows()) EXPECT_EQ(row.address, 0x1000u);
}

TEST(Ring, EndsAThreadWhenItPassesOnAndKeepsWhatCameLate) {
  Rig rig(1024);
  rig.Put(First(EventType::kThreadStart, kStart), 1u);
  rig.Put(First(EventType::kThreadEnd, kStart + 5));
  rig.Put(First(EventType::kFree, kStart + 9), 0x1000u);
  rig.Put(First(EventType::kThreadStart, kStart + 20), 2u);
  rig.Put(First(EventType::kFree, kStart + 30), 0x2000u);
  const auto rows = rig.Rows();
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].second.type, static_cast<unsigned>(EventType::kFree));
  EXPECT_EQ(rows[1].first, 1u);
  EXPECT_EQ(rows[1].second.type, static_cast<unsigned>(EventType::kThreadEnd));
  EXPECT_EQ(rows[1].second.ticks, kStart + 9);
  EXPECT_EQ(rows[2].first, 2u);
  EXPECT_EQ(rig.counts().threads, 2u);
}

TEST(Ring, MendsTheUpperBitsOfTicks) {
  const std::uint64_t late = (std::uint64_t{3} << 56) - 100;
  EXPECT_EQ(TicksOf(FirstWord(0, late), late), late);
  EXPECT_EQ(TicksOf(FirstWord(0, late + 1000), late), late + 1000);
  // Another CPU's clock, a little behind.
  EXPECT_EQ(TicksOf(FirstWord(0, late - 5), late), late);
}

TEST(Ring, ThatHoldsRubbishIsGivenUpAndCounted) {
  Rig rig(1024);
  rig.Put(First(EventType::kThreadStart, kStart), 1u);
  rig.Put(First(EventType::kFree, kStart + 1), 0x1000u);
  rig.Put(FirstWord(15, kStart + 2), 0x1000u);
  rig.Put(First(EventType::kFree, kStart + 3), 0x2000u);
  EXPECT_EQ(rig.Rows().size(), 1u);
  EXPECT_EQ(rig.counts().damaged, 1u);
  rig.ring().tail.store(~std::uint64_t{0});
  EXPECT_EQ(rig.encoder().Drain(), 0u);
  EXPECT_EQ(rig.counts().damaged, 1u);
}

/** What the sanitizer for threads looks at: one writes, one reads, and the ring goes round many times. */
TEST(Ring, LosesNothingBetweenTwoThreads) {
  Rig rig(256);
  constexpr std::uint64_t kRecords = 100'000;
  std::thread writer([&rig] {
    const auto wait = [](RingHeader& ring, std::size_t words) {
      while (!LookForRoom(ring, words)) std::this_thread::yield();
      return true;
    };
    PutWords(rig.ring(), wait, First(EventType::kThreadStart, kStart), std::uint64_t{1});
    for (std::uint64_t i = 0; i < kRecords; ++i) {
      if (i % 3 == 0) {
        PutWords(rig.ring(), wait, First(EventType::kFree, kStart + i), i + 1);
      } else {
        PutWords(rig.ring(), wait, First(EventType::kAlloc, kStart + i), i + 1, i % 1000);
      }
    }
  });
  while (rig.counts().events < kRecords) {
    if (rig.encoder().Drain(100) == 0) std::this_thread::yield();
  }
  writer.join();
  const auto rows = rig.Rows();
  ASSERT_EQ(rows.size(), kRecords);
  for (std::uint64_t i = 0; i < kRecords; ++i) {
    ASSERT_EQ(rows[i].second.address, i + 1);
    ASSERT_EQ(rows[i].second.ticks, kStart + i);
    ASSERT_EQ(rows[i].second.size, i % 3 == 0 ? 0 : i % 1000);
  }
}

TEST(RawOutput, CutsTheFileBackToItsLastWholeBlock) {
  RawOutput full;
  EXPECT_FALSE(full.Open("/dev/full", "{}"));
  EXPECT_EQ(full.error(), ENOSPC);
  EXPECT_STREQ(OutputErrorText(full.error()), "no space left on the device");
  RawOutput nowhere;
  EXPECT_FALSE(nowhere.Open("/nosuch/folder/x.rmt", "{}"));
  EXPECT_EQ(nowhere.error(), ENOENT);
}

TEST(Patience, EndsWhenTheHeartStandsStill) {
  Patience patience(7, 0);
  std::uint64_t now = 0;
  for (; now <= Patience::kNs; now += 50'000'000) EXPECT_FALSE(patience.IsOver(7, now));
  EXPECT_TRUE(patience.IsOver(7, now));
}

TEST(Patience, BeginsAnewWithEveryBeat) {
  Patience patience(7, 0);
  std::uint64_t beat = 7;
  for (std::uint64_t now = 0; now <= 5 * Patience::kNs; now += 50'000'000)
    EXPECT_FALSE(patience.IsOver(now % 1'000'000'000 == 0 ? ++beat : beat, now));
}

TEST(Patience, OutlastsAStopOfBoth) {
  Patience patience(7, 0);
  EXPECT_FALSE(patience.IsOver(7, 1'000'000));
  EXPECT_FALSE(patience.IsOver(7, 3'600'000'000'000));
  EXPECT_FALSE(patience.IsOver(7, 3'600'001'000'000));
}

}  // namespace
}  // namespace rmem::record
