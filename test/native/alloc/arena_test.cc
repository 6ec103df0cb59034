#include "alloc/arena.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "alloc/block_model.h"
#include "alloc/byte_units.h"
#include "os/process_memory.h"

namespace rmem {
namespace {

class ArenaTest : public testing::Test {
 protected:
  void Start(const ArenaConfig& config = {}) {
    PageHeapConfig pagesConfig;
    pagesConfig.reserveBytes = std::size_t{1} << 30;
    ASSERT_TRUE(pages_.Init(pagesConfig) && pool_.Init(16 * kMiB) && arenas_.Init(&pages_, &pool_, config));
  }
  ~ArenaTest() override {
    arenas_.Destroy();
    pool_.Destroy();
    pages_.Destroy();
  }

  char* Allocate(Transaction* transaction, std::size_t size, std::size_t alignment = 0) {
    return static_cast<char*>(arenas_.Allocate(transaction, size, alignment, false));
  }
  /** Nothing is held but what caches hold, and after a purge nothing at all. */
  void ExpectAllGivenBack() {
    arenas_.Purge();
    EXPECT_EQ(pages_.Stats().liveBytes, 0u);
    EXPECT_TRUE(pages_.IsConsistent());
  }

  PageHeap pages_;
  MetadataPool pool_;
  ArenaAllocator arenas_;
};

TEST_F(ArenaTest, BlocksFollowOneAnother) {
  Start();
  Transaction* transaction = arenas_.Begin(nullptr, 1);
  char* a = Allocate(transaction, 16);
  EXPECT_EQ(Allocate(transaction, 32), a + 16);
  EXPECT_EQ(Allocate(transaction, 5), a + 48);
  EXPECT_EQ(Allocate(transaction, 8), a + 56);
  EXPECT_EQ(Allocate(transaction, 16), a + 64);
  arenas_.Commit(transaction, false);
  ExpectAllGivenBack();
}

TEST_F(ArenaTest, TheLastBlockIsTakenBackAndGrowsInPlace) {
  Start();
  Transaction* transaction = arenas_.Begin(nullptr, 1);
  char* a = Allocate(transaction, 100);
  arenas_.Free(transaction, a, 100);
  EXPECT_EQ(Allocate(transaction, 200), a);
  EXPECT_EQ(arenas_.Reallocate(transaction, a, 200, 400, 0), a);
  char* b = Allocate(transaction, 16);
  EXPECT_EQ(b, a + 400);
  EXPECT_NE(arenas_.Reallocate(transaction, a, 400, 500, 0), a);
  EXPECT_EQ(arenas_.Reallocate(transaction, b, 16, 8, 0), b);
  arenas_.Free(transaction, b, 8);
  arenas_.Abort(transaction);
  EXPECT_EQ(arenas_.Stats().wasteBytes, 400u + 8u + 8u);
  ExpectAllGivenBack();
}

TEST_F(ArenaTest, ChunksGoOnGrowingWhereATransactionMayPassItsLimit) {
  Start();
  Transaction* transaction = arenas_.Begin(nullptr, 1);
  for (std::size_t bytes = 0; bytes < 128 * kMiB; bytes += 64 * kKiB) Allocate(transaction, 64 * kKiB);
  EXPECT_LT(arenas_.Stats().chunks, 40u);
  arenas_.Commit(transaction, false);
  ExpectAllGivenBack();
}

TEST_F(ArenaTest, RegionsSayNothingOfTheFirstChunk) {
  Start();
  for (int i = 0; i < 5; ++i) {
    Transaction* transaction = arenas_.Begin(nullptr, 1);
    Allocate(transaction, 20 * kMiB);
    Allocate(transaction, 1000);
    arenas_.Commit(transaction, false);
  }
  EXPECT_LT(arenas_.UsageOf(1).estimateBytes(), 10 * kKiB);
  ExpectAllGivenBack();
}

TEST_F(ArenaTest, ZerosOfALargeBlockComeWithoutTouchingIt) {
  Start();
  Transaction* transaction = arenas_.Begin(nullptr, 1);
  const std::uint64_t before = MinorFaults();
  auto* block = static_cast<char*>(arenas_.Allocate(transaction, 16 * kMiB, 0, true));
  EXPECT_LT(MinorFaults() - before, 100u);
  std::memset(block, 1, 16 * kMiB);
  arenas_.Free(transaction, block, 16 * kMiB);
  block = static_cast<char*>(arenas_.Allocate(transaction, 16 * kMiB, 0, true));
  for (std::size_t i = 0; i < 16 * kMiB; i += 512) ASSERT_EQ(block[i], 0);
  arenas_.Commit(transaction, false);
}

TEST_F(ArenaTest, AnEmptyTransactionTakesNoMemory) {
  Start();
  Transaction* transaction = arenas_.Begin(nullptr, 1);
  EXPECT_EQ(pages_.Stats().liveBytes, 0u);
  arenas_.Commit(transaction, false);
  EXPECT_EQ(arenas_.Stats().chunks, 0u);
}

TEST_F(ArenaTest, TheNextTransactionGetsTheChunksOfTheLast) {
  Start();
  for (int i = 0; i < 100; ++i) {
    Transaction* transaction = arenas_.Begin(nullptr, 1);
    for (int j = 0; j < 100; ++j) Allocate(transaction, 100);
    arenas_.Commit(transaction, false);
  }
  EXPECT_LE(pages_.Stats().allocations, 10u);
  EXPECT_GT(arenas_.Stats().cachedChunks, 90u);
}

TEST_F(ArenaTest, AChildThatIsInheritedLivesInItsParent) {
  Start();
  Transaction* parent = arenas_.Begin(nullptr, 1);
  std::vector<TestBlock> blocks;
  const auto add = [&](Transaction* transaction, std::size_t size) {
    TestBlock block{reinterpret_cast<unsigned char*>(Allocate(transaction, size)), size, 0, blocks.size()};
    ASSERT_NE(block.p, nullptr);
    Fill(block);
    blocks.push_back(block);
  };
  for (int round = 0; round < 20; ++round) {
    add(parent, 100);
    Transaction* child = arenas_.Begin(parent, 2);
    for (int i = 0; i < round * 10; ++i) add(child, 50 + static_cast<std::size_t>(i));
    if (round % 3 == 0) add(child, 200 * kKiB);
    arenas_.Commit(child, true);
  }
  for (const TestBlock& block : blocks) ASSERT_TRUE(Holds(block));
  EXPECT_EQ(arenas_.Stats().inherited, 20u);
  // Large ones of the children go back through the parent.
  const std::uint64_t live = pages_.Stats().liveBytes;
  for (const TestBlock& block : blocks) {
    if (block.size == 200 * kKiB) arenas_.Free(parent, block.p, block.size);
  }
  EXPECT_EQ(live - pages_.Stats().liveBytes, 7 * 51 * kPageBytes);
  arenas_.Commit(parent, false);
  ExpectAllGivenBack();
}

TEST_F(ArenaTest, AnAbortedChildLeavesItsParentAlone) {
  Start();
  Transaction* parent = arenas_.Begin(nullptr, 1);
  TestBlock block{reinterpret_cast<unsigned char*>(Allocate(parent, 1000)), 1000, 0, 1};
  Fill(block);
  const std::uint64_t live = pages_.Stats().liveBytes;
  Transaction* child = arenas_.Begin(parent, 2);
  for (int i = 0; i < 1000; ++i) std::memset(Allocate(child, 1000), 0xee, 1000);
  arenas_.Abort(child);
  arenas_.Purge();
  EXPECT_EQ(pages_.Stats().liveBytes, live);
  EXPECT_TRUE(Holds(block));
  EXPECT_EQ(Allocate(parent, 16), reinterpret_cast<char*>(block.p) + 1008) << "it goes on where it was";
  arenas_.Commit(parent, false);
  ExpectAllGivenBack();
}

TEST_F(ArenaTest, OpenChildrenEndWithTheirParentHoweverDeep) {
  Start();
  for (const bool commit : {true, false}) {
    Transaction* parent = arenas_.Begin(nullptr, 1);
    Transaction* inner = parent;
    for (int depth = 0; depth < 20000; ++depth) {
      if (depth % 100 == 0) Allocate(inner, 100);
      Transaction* sibling = arenas_.Begin(inner, 3);
      inner = arenas_.Begin(inner, 2);
      if (depth % 2 == 0) arenas_.Abort(sibling);
    }
    if (commit) {
      arenas_.Commit(parent, false);
    } else {
      arenas_.Abort(parent);
    }
    ExpectAllGivenBack();
  }
  EXPECT_EQ(arenas_.Stats().committed, 1u);
  EXPECT_EQ(arenas_.Stats().aborted, 4 * 20000u + 1);
}

TEST_F(ArenaTest, TheProfileIsLearnedPerType) {
  Start();
  EXPECT_FALSE(arenas_.UsageOf(7).known());
  for (int i = 0; i < 30; ++i) {
    for (const std::uint32_t type : {7u, 8u}) {
      Transaction* transaction = arenas_.Begin(nullptr, type);
      for (int j = 0; j < (type == 7 ? 10 : 3000); ++j) Allocate(transaction, 96);
      arenas_.Commit(transaction, false);
    }
  }
  EXPECT_NEAR(static_cast<double>(arenas_.UsageOf(7).meanBytes), 960, 100);
  EXPECT_NEAR(static_cast<double>(arenas_.UsageOf(8).meanBytes), 288000, 30000);
  // Known sizes take one chunk or two, and a small transaction a small one.
  const std::uint64_t chunks = arenas_.Stats().chunks;
  const std::uint64_t held = arenas_.Stats().heldBytes;
  Transaction* small = arenas_.Begin(nullptr, 7);
  Allocate(small, 960);
  arenas_.Commit(small, false);
  EXPECT_EQ(arenas_.Stats().heldBytes - held, kPageBytes);
  Transaction* medium = arenas_.Begin(nullptr, 8);
  for (int j = 0; j < 3000; ++j) Allocate(medium, 96);
  arenas_.Commit(medium, false);
  EXPECT_LE(arenas_.Stats().chunks - chunks, 3u);
  EXPECT_EQ(ArenaProfileFor(ArenaConfig(), arenas_.UsageOf(7).estimateBytes()), 0u);
  EXPECT_EQ(ArenaProfileFor(ArenaConfig(), arenas_.UsageOf(8).estimateBytes()), 2u);
}

TEST_F(ArenaTest, ProfilesAreTheDocumentedOnes) {
  const ArenaConfig config;
  const std::size_t usual[] = {10 * kKiB, 100 * kKiB, kMiB, 10 * kMiB};
  const std::size_t initial[] = {4 * kKiB, 32 * kKiB, 256 * kKiB, 2 * kMiB, 16 * kMiB};
  const std::size_t limit[] = {64 * kKiB, 512 * kKiB, 4 * kMiB, 32 * kMiB, 256 * kMiB};
  for (unsigned i = 0; i < kArenaProfiles; ++i) {
    EXPECT_EQ(config.profiles[i].initialBytes, initial[i]);
    EXPECT_EQ(config.profiles[i].limitBytes, limit[i]);
    if (i < 4) {
      EXPECT_EQ(ArenaProfileFor(config, usual[i] - 1), i);
      EXPECT_EQ(ArenaProfileFor(config, usual[i]), i + 1);
    }
  }
}

TEST_F(ArenaTest, ALimitRefusesOrGrowsAsThePolicySays) {
  ArenaConfig config;
  config.growth = ArenaGrowth::kRefuse;
  Start(config);
  Transaction* transaction = arenas_.Begin(nullptr, 1);
  std::size_t bytes = 0;
  while (Allocate(transaction, 1000) != nullptr) bytes += 1000;
  EXPECT_GT(bytes, 50 * kKiB);
  EXPECT_LE(bytes, 64 * kKiB);
  EXPECT_EQ(Allocate(transaction, 300 * kKiB), nullptr);
  EXPECT_GE(arenas_.Stats().refused, 2u);
  arenas_.Abort(transaction);
  transaction = arenas_.Begin(nullptr, 2, 20 * kMiB);
  EXPECT_NE(Allocate(transaction, 200 * kMiB), nullptr) << "an estimate chooses the profile";
  arenas_.Abort(transaction);
  ExpectAllGivenBack();
}

TEST_F(ArenaTest, GrowthGoesThroughTheProfilesAndIsCounted) {
  ArenaConfig config;
  config.growth = ArenaGrowth::kGrow;
  Start(config);
  Transaction* transaction = arenas_.Begin(nullptr, 1);
  std::size_t bytes = 0;
  while (Allocate(transaction, 100 * kKiB) != nullptr) bytes += 100 * kKiB;
  EXPECT_GT(bytes, 190 * kMiB);
  EXPECT_LE(bytes, 256 * kMiB);
  EXPECT_EQ(arenas_.Stats().growths, 4u);
  EXPECT_EQ(arenas_.Stats().refused, 1u);
  arenas_.Abort(transaction);
  ExpectAllGivenBack();
}

TEST_F(ArenaTest, ByDefaultATransactionMayOutgrowTheLastProfile) {
  Start();
  Transaction* transaction = arenas_.Begin(nullptr, 1);
  ASSERT_NE(Allocate(transaction, 300 * kMiB), nullptr);
  EXPECT_EQ(arenas_.Stats().pastLimit, 1u);
  arenas_.Commit(transaction, false);
  ExpectAllGivenBack();
}

TEST_F(ArenaTest, OversizedRequestsGoBackWhenFreedAndResizeInPlace) {
  Start();
  Transaction* transaction = arenas_.Begin(nullptr, 1);
  char* a = Allocate(transaction, 500 * kKiB);
  char* b = Allocate(transaction, 500 * kKiB, kHugePageBytes);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b) % kHugePageBytes, 0u);
  char* c = Allocate(transaction, 500 * kKiB);
  std::memset(b, 1, 500 * kKiB);
  arenas_.Free(transaction, b, 500 * kKiB);
  const std::uint64_t live = pages_.Stats().liveBytes;
  EXPECT_EQ(arenas_.Reallocate(transaction, a, 500 * kKiB, 200 * kKiB, 0), a);
  EXPECT_LT(pages_.Stats().liveBytes, live);
  EXPECT_EQ(arenas_.Reallocate(transaction, a, 200 * kKiB, 400 * kKiB, 0), a);
  TestBlock block{reinterpret_cast<unsigned char*>(c), 500 * kKiB, 0, 4};
  Fill(block);
  block.p = static_cast<unsigned char*>(arenas_.Reallocate(transaction, c, 500 * kKiB, 100 * kKiB, 0));
  EXPECT_TRUE(Holds(block, 100 * kKiB)) << "from a region of its own into a chunk";
  block.p = static_cast<unsigned char*>(arenas_.Reallocate(transaction, block.p, 100 * kKiB, kMiB, 0));
  EXPECT_TRUE(Holds(block, 100 * kKiB)) << "and back";
  arenas_.Abort(transaction);
  ExpectAllGivenBack();
}

TEST_F(ArenaTest, AlignmentsZeroesAndSizeZero) {
  Start();
  Transaction* transaction = arenas_.Begin(nullptr, 1);
  std::vector<TestBlock> blocks;
  for (std::size_t alignment = 1; alignment <= kHugePageBytes; alignment *= 2) {
    for (const std::size_t size : {0ul, 1ul, 100ul, 5000ul, 200 * kKiB}) {
      const bool zeroed = alignment % 3 == 1;
      TestBlock block{static_cast<unsigned char*>(arenas_.Allocate(transaction, size, alignment, zeroed)),
                      size, alignment, blocks.size()};
      ASSERT_NE(block.p, nullptr);
      ASSERT_TRUE(IsAligned(block));
      ASSERT_TRUE(!zeroed || IsZero(block));
      Fill(block);
      blocks.push_back(block);
    }
  }
  for (const TestBlock& block : blocks) ASSERT_TRUE(Holds(block));
  EXPECT_NE(Allocate(transaction, 0), Allocate(transaction, 0));
  EXPECT_EQ(Allocate(transaction, ~std::size_t{0}), nullptr);
  EXPECT_EQ(Allocate(transaction, ~std::size_t{0} - 100), nullptr);
  EXPECT_EQ(Allocate(transaction, 100, std::size_t{1} << 63), nullptr);
  EXPECT_EQ(Allocate(transaction, 200 * kKiB, std::size_t{1} << 63), nullptr);
  arenas_.Commit(transaction, false);
  ExpectAllGivenBack();
}

TEST_F(ArenaTest, StaleChunksGoBackByAge) {
  Start();
  Transaction* transaction = arenas_.Begin(nullptr, 1);
  for (int i = 0; i < 1000; ++i) Allocate(transaction, 100);
  arenas_.Commit(transaction, false);
  EXPECT_GT(pages_.Stats().liveBytes, 0u);
  arenas_.ReclaimStale(60'000);
  EXPECT_GT(pages_.Stats().liveBytes, 0u) << "young ones stay";
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  arenas_.ReclaimStale(10);
  EXPECT_EQ(pages_.Stats().liveBytes, 0u);
  EXPECT_GT(arenas_.Stats().reclaimedBytes, 100'000u);
}

TEST_F(ArenaTest, SeveralThreadsShareOneTransaction) {
  Start();
  for (int round = 0; round < 5; ++round) {
    Transaction* transaction = arenas_.Begin(nullptr, 1);
    std::vector<std::vector<TestBlock>> blocks(4);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < blocks.size(); ++t) {
      threads.emplace_back([&, t] {
        std::mt19937_64 random(t);
        Transaction* child = arenas_.Begin(transaction, 2);
        for (int i = 0; i < 3000; ++i) {
          TestBlock block{nullptr, random() % 300, 0, random()};
          Transaction* where = i % 3 == 0 ? child : transaction;
          block.p = static_cast<unsigned char*>(arenas_.Allocate(where, block.size, 0, false));
          ASSERT_NE(block.p, nullptr);
          Fill(block);
          if (random() % 4 == 0) {
            arenas_.Free(where, block.p, block.size);
          } else if (where == transaction || t % 2 == 0) {
            blocks[t].push_back(block);
          }
        }
        if (t % 2 == 0) {
          arenas_.Commit(child, true);
        } else {
          arenas_.Abort(child);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const std::vector<TestBlock>& mine : blocks) {
      for (const TestBlock& block : mine) ASSERT_TRUE(Holds(block));
    }
    arenas_.Commit(transaction, false);
  }
  ExpectAllGivenBack();
}

TEST_F(ArenaTest, ThreadsThatExitLeaveNothingBehind) {
  Start();
  for (int i = 0; i < 20; ++i) {
    std::thread([&] {
      for (int j = 0; j < 100; ++j) {
        Transaction* transaction = arenas_.Begin(nullptr, 1);
        Allocate(transaction, 1000);
        arenas_.Commit(transaction, false);
      }
    }).join();
  }
  EXPECT_EQ(pages_.Stats().liveBytes, 0u);
  EXPECT_EQ(pool_.usedBytes(), 0u);
}

TEST_F(ArenaTest, RefusedMemoryIsNullAndTheTransactionGoesOn) {
  Start();
  Transaction* transaction = arenas_.Begin(nullptr, 1);
  TestBlock block{reinterpret_cast<unsigned char*>(Allocate(transaction, 100)), 100, 0, 3};
  Fill(block);
  {
    const FailingPages failing([](PageCall) noexcept { return true; });
    while (Allocate(transaction, 100) != nullptr) {
    }
    EXPECT_EQ(Allocate(transaction, 10 * kMiB), nullptr);
    EXPECT_EQ(arenas_.Reallocate(transaction, block.p, 100, 10 * kMiB, 0), nullptr);
  }
  EXPECT_TRUE(Holds(block));
  EXPECT_NE(Allocate(transaction, 10 * kMiB), nullptr);
  arenas_.Commit(transaction, false);
  ExpectAllGivenBack();
}

}  // namespace
}  // namespace rmem
