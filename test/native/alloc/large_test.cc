#include "alloc/large.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

#include "alloc/block_model.h"
#include "alloc/byte_units.h"

namespace rmem {
namespace {

class LargeTest : public testing::Test {
 protected:
  LargeTest() {
    PageHeapConfig config;
    config.reserveBytes = 512 * kMiB;
    EXPECT_TRUE(pages_.Init(config));
    large_.Init(&pages_);
  }
  ~LargeTest() override { pages_.Destroy(); }

  TestBlock Allocate(std::size_t size, std::size_t alignment = 0, bool zeroed = false) {
    TestBlock block{static_cast<unsigned char*>(large_.Allocate(size, alignment, zeroed)), size, alignment,
                    size};
    return block;
  }
  void Free(const TestBlock& block) { large_.Free(block.p, block.size, block.alignment); }

  PageHeap pages_;
  LargeObjects large_;
};

TEST_F(LargeTest, ObjectsTakeWholePagesAndNoMore) {
  const TestBlock block = Allocate(300'001);
  EXPECT_EQ(large_.Stats().liveBytes, 74 * kPageBytes);
  EXPECT_EQ(pages_.Stats().liveBytes, 74 * kPageBytes);
  Free(block);
  EXPECT_EQ(large_.Stats().liveBytes, 0u);
}

TEST_F(LargeTest, EveryAlignmentUpToHugePagesAndBeyond) {
  std::vector<TestBlock> blocks;
  for (std::size_t alignment = 1; alignment <= 8 * kMiB; alignment *= 2) {
    const TestBlock block = Allocate(300'000 + alignment % 1000, alignment);
    ASSERT_NE(block.p, nullptr) << alignment;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.p) % std::max<std::size_t>(alignment, 64), 0u);
    Fill(block);
    blocks.push_back(block);
  }
  for (const TestBlock& block : blocks) {
    EXPECT_TRUE(Holds(block));
    Free(block);
  }
  EXPECT_EQ(pages_.Stats().liveBytes, 0u);
}

TEST_F(LargeTest, StartsSpreadOverCacheLines) {
  std::size_t different = 0;
  std::uintptr_t previous = 1;
  for (int i = 0; i < 32; ++i) {
    const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(Allocate(300'001).p) % kPageBytes;
    different += offset != previous ? 1 : 0;
    previous = offset;
  }
  EXPECT_GT(different, 16u);
}

TEST_F(LargeTest, ZeroedObjectsAreZeroWhateverLayThere) {
  TestBlock block = Allocate(3 * kMiB);
  std::memset(block.p, 0xff, block.size);
  Free(block);
  block = Allocate(5 * kMiB - 100, 0, true);
  EXPECT_TRUE(IsZero(block));
  for (std::size_t i = 0; i < block.size; ++i) ASSERT_EQ(block.p[i], 0) << i;
  Free(block);
}

TEST_F(LargeTest, ZeroedObjectsAreZeroWhenTheSameLengthWasFreedJustNow) {
  const TestBlock guard = Allocate(100'000);
  for (int round = 0; round < 3; ++round) {
    TestBlock block = Allocate(300'000, 0, round > 0);
    for (std::size_t i = 0; round > 0 && i < block.size; ++i) ASSERT_EQ(block.p[i], 0) << i;
    std::memset(block.p, 0xff, block.size);
    // Longer than it was reused as: the new part never held anything.
    block.p = static_cast<unsigned char*>(large_.Reallocate(block.p, 300'000, 350'000, 0));
    block.p = static_cast<unsigned char*>(large_.Reallocate(block.p, 350'000, 300'000, 0));
    Free(block);
  }
  Free(guard);
  EXPECT_EQ(large_.Stats().allocations, 4u);
  EXPECT_EQ(large_.Stats().frees, 4u);
  EXPECT_TRUE(pages_.IsConsistent());
}

TEST_F(LargeTest, GrowsInPlaceWhereThereIsRoomAndMovesWhereNot) {
  for (const std::size_t size : {300'000ul, 3 * kMiB}) {
    TestBlock block = Allocate(size);
    Fill(block);
    EXPECT_EQ(large_.Reallocate(block.p, size, size * 2, 0), block.p) << "nothing lies behind it";
    EXPECT_TRUE(Holds(block));
    EXPECT_EQ(large_.Reallocate(block.p, size * 2, size, 0), block.p);
    const TestBlock behind = Allocate(size);
    Fill(behind);
    auto* moved = static_cast<unsigned char*>(large_.Reallocate(block.p, size, size * 3, 0));
    ASSERT_NE(moved, block.p);
    block.p = moved;
    EXPECT_TRUE(Holds(block));
    EXPECT_TRUE(Holds(behind));
    Free(behind);
    block.size = size * 3;
    Free(block);
    EXPECT_EQ(pages_.Stats().liveBytes, 0u);
    EXPECT_EQ(large_.Stats().liveBytes, 0u);
    EXPECT_TRUE(pages_.IsConsistent());
  }
  EXPECT_EQ(large_.Stats().grownInPlace, 2u);
  EXPECT_EQ(large_.Stats().moved + large_.Stats().copied, 2u);
}

TEST_F(LargeTest, WhatWasMovedAwayReadsAsZeroAndIsReused) {
  TestBlock block = Allocate(4 * kMiB);
  const TestBlock behind = Allocate(kMiB);
  std::memset(block.p, 0xff, block.size);
  unsigned char* const old = block.p;
  block.p = static_cast<unsigned char*>(large_.Reallocate(block.p, block.size, 8 * kMiB, 0));
  ASSERT_NE(block.p, nullptr);
  block.size = 8 * kMiB;
  const TestBlock reused = Allocate(4 * kMiB, 0, true);
  EXPECT_EQ(reused.p, old);
  EXPECT_TRUE(IsZero(reused));
  Free(block);
  Free(behind);
  Free(reused);
  EXPECT_TRUE(pages_.IsConsistent());
}

TEST_F(LargeTest, AFailedReallocationLeavesTheObject) {
  TestBlock block = Allocate(2 * kMiB);
  Fill(block);
  EXPECT_EQ(large_.Reallocate(block.p, block.size, std::size_t{1} << 40, 0), nullptr);
  EXPECT_EQ(large_.Reallocate(block.p, block.size, ~std::size_t{0}, 0), nullptr);
  const TestBlock behind = Allocate(2 * kMiB);
  {
    const FailingPages failing([](PageCall call) noexcept { return call == PageCall::kCommit; });
    EXPECT_EQ(large_.Reallocate(block.p, block.size, 400 * kMiB, 0), nullptr);
  }
  EXPECT_TRUE(Holds(block));
  {
    const FailingPages failing([](PageCall call) noexcept { return call == PageCall::kMove; });
    block.p = static_cast<unsigned char*>(large_.Reallocate(block.p, block.size, 8 * kMiB, 0));
  }
  ASSERT_NE(block.p, nullptr) << "without moving pages it is copied";
  EXPECT_TRUE(Holds(block));
  block.size = 8 * kMiB;
  Free(block);
  Free(behind);
}

TEST_F(LargeTest, ImpossibleSizesAreRefused) {
  EXPECT_EQ(large_.Allocate(~std::size_t{0}, 0, false), nullptr);
  EXPECT_EQ(large_.Allocate(std::size_t{1} << 63, 0, false), nullptr);
  EXPECT_EQ(large_.Allocate(std::size_t{1} << 47, 0, true), nullptr);
  EXPECT_EQ(large_.Allocate(kMiB, std::size_t{1} << 63, false), nullptr);
  EXPECT_EQ(large_.Allocate(513 * kMiB, 0, false), nullptr);
  EXPECT_TRUE(pages_.IsConsistent());
}

TEST_F(LargeTest, ManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937_64 random(seed);
      std::vector<TestBlock> blocks(8);
      for (int step = 0; step < 2000; ++step) {
        TestBlock& block = blocks[random() % blocks.size()];
        if (block.p != nullptr) {
          ASSERT_TRUE(Holds(block));
          Free(block);
        }
        const bool zeroed = random() % 4 == 0;
        block = Allocate(1 + random() % 600'000, std::size_t{1} << random() % 14, zeroed);
        block.seed = random();
        ASSERT_NE(block.p, nullptr);
        ASSERT_TRUE(!zeroed || IsZero(block));
        Fill(block);
      }
      for (const TestBlock& block : blocks) {
        if (block.p != nullptr) Free(block);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(pages_.Stats().liveBytes, 0u);
  EXPECT_TRUE(pages_.IsConsistent());
}

TEST_F(LargeTest, BrokenFreesStopTheProgram) {
  const TestBlock block = Allocate(kMiB);
  EXPECT_DEATH(large_.Free(block.p, 2 * kMiB, 0), "another size than it has");
  EXPECT_DEATH(large_.Free(block.p + 2 * kPageBytes, kMiB, 0), "pointer into one");
  int local = 0;
  EXPECT_DEATH(large_.Free(&local, kMiB, 0), "not of this heap");
  Free(block);
  EXPECT_DEATH(Free(block), "freed a large object twice");
}

}  // namespace
}  // namespace rmem
