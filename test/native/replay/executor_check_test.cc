#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "kept_malloc_route.h"
#include "played_round.h"

namespace rmem {
namespace {

// Routes that are broken, each in one way, at blocks of 1000 bytes or more.

constexpr std::size_t kBroken = 1000;

template <class Derived>
struct BrokenRoute : KeptMallocRoute {
  static Derived* Create(const HeapConfig&) {
    static Derived route;
    return &route;
  }
};

/** Gives a block that another one has already. */
struct Overlapping : BrokenRoute<Overlapping> {
  void* Allocate(std::size_t size, std::size_t alignment, bool zeroed) {
    if (size < kBroken) return KeptMallocRoute::Allocate(size, alignment, zeroed);
    static char arena[2 * kBroken + 64];
    given_ = (given_ + 1) % 2;
    return arena + (given_ == 0 ? 0 : kBroken - 40) / 16 * 16;
  }
  void Free(void* block, std::size_t size, std::size_t alignment) {
    if (size < kBroken) KeptMallocRoute::Free(block, size, alignment);
  }
  int given_ = 1;
};

/** Keeps a note of its own in the block it gave. */
struct Scribbling : BrokenRoute<Scribbling> {
  void Free(void* block, std::size_t size, std::size_t alignment) {
    if (last_ != nullptr) static_cast<char*>(last_)[size / 2] ^= 1;
    KeptMallocRoute::Free(block, size, alignment);
  }
  void* Allocate(std::size_t size, std::size_t alignment, bool zeroed) {
    void* block = KeptMallocRoute::Allocate(size, alignment, zeroed);
    if (size >= kBroken) last_ = block;
    return block;
  }
  void* last_ = nullptr;
};

struct Misaligning : BrokenRoute<Misaligning> {
  void* Allocate(std::size_t size, std::size_t alignment, bool zeroed) {
    char* block = static_cast<char*>(KeptMallocRoute::Allocate(size + 64, alignment, zeroed));
    return size < kBroken ? block : block + 8;
  }
  void Free(void* block, std::size_t size, std::size_t) {
    std::free(size < kBroken ? block : static_cast<char*>(block) - 8);
  }
};

struct Unzeroing : BrokenRoute<Unzeroing> {
  void* Allocate(std::size_t size, std::size_t alignment, bool zeroed) {
    char* block = static_cast<char*>(KeptMallocRoute::Allocate(size, alignment, zeroed));
    if (zeroed && size >= kBroken) block[size - 1] = 1;
    return block;
  }
};

struct Exhausted : BrokenRoute<Exhausted> {
  void* Allocate(std::size_t size, std::size_t alignment, bool zeroed) {
    return size < kBroken ? KeptMallocRoute::Allocate(size, alignment, zeroed) : nullptr;
  }
};

struct Forgetful : BrokenRoute<Forgetful> {
  void* Reallocate(void* block, std::size_t oldSize, std::size_t newSize, std::size_t) {
    if (newSize < kBroken) return KeptMallocRoute::Reallocate(block, oldSize, newSize, 0);
    char* grown = static_cast<char*>(KeptMallocRoute::Allocate(newSize, 0, true));
    std::memcpy(grown, block, oldSize - 1);
    std::free(block);
    return grown;
  }
};

/** An arena that hands the same memory to every transaction. */
struct SharedArena : BrokenRoute<SharedArena> {
  static constexpr bool kTransactions = true;
  using KeptMallocRoute::Allocate;
  using KeptMallocRoute::Free;
  using KeptMallocRoute::Reallocate;
  Transaction* Begin(Transaction*, std::uint32_t) { return reinterpret_cast<Transaction*>(this); }
  void* Allocate(Transaction*, std::size_t, std::size_t, bool) { return memory_; }
  void Free(Transaction*, void*, std::size_t) {}
  void* Reallocate(Transaction*, void* block, std::size_t, std::size_t, std::size_t) { return block; }
  void Commit(Transaction*, bool) {}
  void Abort(Transaction*) {}
  alignas(16) char memory_[4096];
};

template <class Route>
PlayedRound Check(PlanBuilder plan, ReplayOrder order = ReplayOrder::kRecorded) {
  return RoundPlayer(plan).On<Route>().In(ReplayMode::kCheck, order).Play();
}

void ExpectFailure(const PlayedRound& round, const std::string& code, int event) {
  EXPECT_EQ(round.exitCode, 1);
  const std::string failure = round.Only("failure");
  EXPECT_NE(failure.find("\"code\":\"" + code + "\""), std::string::npos) << failure;
  EXPECT_EQ(PlayedRound::Number(failure, "event"), event) << failure;
  EXPECT_TRUE(round.Named("result").empty());
}

/** Events 1–3 are small and fine; 4 and 5 are born, 6 and 7 die. */
PlanBuilder TwoBigBlocks() {
  PlanBuilder plan;
  plan.Alloc(0, 8).AllocZeroed(1, 16).Free(0, 8);
  plan.Alloc(2, 1000).AllocZeroed(3, 1000).Free(2, 1000).Free(3, 1000).Free(1, 16);
  return plan;
}

TEST(CheckRoundTest, PassesAHealthyAllocator) {
  PlanBuilder plan = TwoBigBlocks();
  plan.AllocAligned(0, 3, 12)
      .Free(0, 3, 0, 12)
      .Alloc(0, 3)
      .Realloc(0, 3, 5000)
      .Realloc(0, 5000, 70)
      .Leftover(0, 70);
  for (const ReplayOrder order : {ReplayOrder::kRecorded, ReplayOrder::kFree}) {
    const PlayedRound round = Check<KeptMallocRoute>(plan, order);
    EXPECT_EQ(round.exitCode, 0);
    EXPECT_EQ(round.Named("result").size(), 1u);
  }
}

TEST(CheckRoundTest, PassesTheEmptySizesOfAHealthyAllocator) {
  PlanBuilder plan;
  plan.Alloc(0, 0).Realloc(0, 0, 10).Realloc(0, 10, 0).Free(0, 0).AllocZeroed(0, 0).Free(0, 0);
  EXPECT_EQ(Check<KeptMallocRoute>(plan).exitCode, 0);
}

TEST(CheckRoundTest, FindsAnOverlap) {
  PlanBuilder plan;
  plan.Alloc(0, 1000).Alloc(1, 1000).Free(0, 1000).Free(1, 1000);
  ExpectFailure(Check<Overlapping>(plan), "corrupted-block", 3);
}

TEST(CheckRoundTest, FindsCorruption) {
  PlanBuilder plan;
  plan.Alloc(0, 1000).Alloc(1, 500).Free(1, 500).Free(0, 1000);
  ExpectFailure(Check<Scribbling>(plan), "corrupted-block", 4);
}

TEST(CheckRoundTest, FindsCorruptionOfWhatIsAliveAtTheEnd) {
  PlanBuilder plan;
  plan.Alloc(1, 500).Alloc(0, 1000).Free(1, 500).Leftover(0, 1000);
  ExpectFailure(Check<Scribbling>(plan), "corrupted-block", 2);
}

TEST(CheckRoundTest, FindsMisalignment) {
  ExpectFailure(Check<Misaligning>(TwoBigBlocks()), "misaligned-block", 4);
}

TEST(CheckRoundTest, FindsAnAlignmentThatWasToldAndNotKept) {
  struct IgnoresAlignment : BrokenRoute<IgnoresAlignment> {
    void* Allocate(std::size_t size, std::size_t, bool zeroed) {
      char* block = static_cast<char*>(KeptMallocRoute::Allocate(size + 4096, 4096, zeroed));
      return block + 16;
    }
    void Free(void* block, std::size_t, std::size_t) { std::free(static_cast<char*>(block) - 16); }
  };
  PlanBuilder plan;
  plan.Alloc(0, 10).AllocAligned(1, 100, 6).Free(0, 10).Free(1, 100, 0, 6);
  ExpectFailure(Check<IgnoresAlignment>(plan), "misaligned-block", 2);
}

TEST(CheckRoundTest, FindsCallocThatDoesNotZero) {
  ExpectFailure(Check<Unzeroing>(TwoBigBlocks()), "not-zeroed", 5);
}

TEST(CheckRoundTest, FindsAMissingBlock) {
  ExpectFailure(Check<Exhausted>(TwoBigBlocks()), "out-of-memory", 4);
}

TEST(CheckRoundTest, FindsAReallocThatLosesBytes) {
  PlanBuilder plan;
  plan.Alloc(0, 100).Realloc(0, 100, 200).Realloc(0, 200, 2000).Free(0, 2000);
  ExpectFailure(Check<Forgetful>(plan), "corrupted-block", 3);
}

TEST(CheckRoundTest, FindsAnOverlapInAnArenaBeforeItEnds) {
  PlanBuilder plan;
  plan.Begin(0).Alloc(0, 100, 1).Alloc(1, 100, 1).FreeImplied(0, 100, 1).FreeImplied(1, 100, 1).Commit(0);
  ExpectFailure(Check<SharedArena>(plan), "corrupted-block", 4);
}

TEST(CheckRoundTest, NamesTheEventOfAnotherStream) {
  PlanBuilder plan(3);
  plan.On(0).Alloc(0, 10).On(1).Alloc(1, 11).On(2).Alloc(2, 12).On(1).Free(1, 11).AllocZeroed(1, 1000);
  plan.On(0).Free(0, 10).On(2).Free(2, 12).On(1).Free(1, 1000);
  for (const ReplayOrder order : {ReplayOrder::kRecorded, ReplayOrder::kFree}) {
    ExpectFailure(Check<Unzeroing>(plan, order), "not-zeroed", 5);
  }
}

TEST(TimedRoundTest, SaysAtWhichEventMemoryRanOut) {
  for (const ReplayMode mode : {ReplayMode::kTimed, ReplayMode::kMemory, ReplayMode::kLatency}) {
    PlanBuilder plan = TwoBigBlocks();
    const PlayedRound round = RoundPlayer(plan).On<Exhausted>().In(mode, ReplayOrder::kRecorded).Play();
    ExpectFailure(round, "out-of-memory", 4);
    EXPECT_NE(round.Only("failure").find("1000 bytes"), std::string::npos);
  }
}

TEST(TimedRoundTest, AFailureOnOneThreadEndsTheOthers) {
  PlanBuilder plan(3);
  plan.On(0).Alloc(0, 1000).On(1).WaitFor(0).Free(0, 1000).On(2).WaitFor(1).Alloc(0, 1).Free(0, 1);
  ExpectFailure(RoundPlayer(plan).On<Exhausted>().In(ReplayMode::kTimed, ReplayOrder::kFree).Play(),
                "out-of-memory", 1);
}

}  // namespace
}  // namespace rmem
