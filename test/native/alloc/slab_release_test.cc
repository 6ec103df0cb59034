#include <gtest/gtest.h>

#include <vector>

#include "alloc/block_model.h"
#include "alloc/byte_units.h"
#include "alloc/slab.h"
#include "alloc/slab_fixture.h"
#include "base/random.h"

namespace rmem {
namespace {

class SlabReleaseTest : public SlabFixture {
 protected:
  void Fill(std::size_t bytes, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      TestBlock block{static_cast<unsigned char*>(slabs_.Allocate(bytes, 0, false)), bytes, 0, next_++};
      ASSERT_NE(block.p, nullptr);
      rmem::Fill(block);
      blocks_.push_back(block);
    }
  }

  /** Frees all but one in so many. */
  void Thin(std::size_t keepOneIn) {
    std::vector<TestBlock> kept;
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      if (i % keepOneIn == 0) {
        kept.push_back(blocks_[i]);
      } else {
        slabs_.Free(blocks_[i].p, blocks_[i].size, 0);
      }
    }
    blocks_ = kept;
    slabs_.FlushThisThread();
  }

  void ExpectAllHold() {
    for (const TestBlock& block : blocks_) ASSERT_TRUE(Holds(block));
    EXPECT_TRUE(slabs_.IsConsistent(blocks_.size()));
  }

  /** Of the slabs, in memory. */
  std::size_t Resident() { return ResidentBytes(pages_.AddressOf(0), 64 * kMiB); }

  std::vector<TestBlock> blocks_;
  std::uint64_t next_ = 0;
};

TEST_F(SlabReleaseTest, PagesWithoutALiveBlockAreGivenBackAndComeAgain) {
  Fill(4096, 4000);
  Thin(8);
  const std::size_t before = Resident();
  const std::uint64_t released = slabs_.Purge();
  EXPECT_EQ(released, slabs_.Stats().releasedBytes);
  EXPECT_EQ(released, slabs_.Stats().depotFreeBytes) << "each block is a page";
  EXPECT_GE(released, 12 * kMiB);
  EXPECT_LE(Resident() + released, before);
  EXPECT_EQ(slabs_.Purge(), 0u) << "they are given back once";
  ExpectAllHold();
  Fill(4096, 3500);
  EXPECT_LE(slabs_.Stats().releasedBytes, 16 * 4096u) << "what is left of the slabs that there were";
  ExpectAllHold();
  Thin(blocks_.size());
  slabs_.Free(blocks_[0].p, 4096, 0);
  slabs_.FlushThisThread();
  EXPECT_EQ(slabs_.Stats().releasedBytes, 0u);
  EXPECT_EQ(pages_.Stats().liveBytes, 0u);
}

TEST_F(SlabReleaseTest, OfAnySizeOnlyWholePagesGo) {
  for (const std::size_t bytes : {48, 192, 1008, 1024, 2048, 3072, 5056, 9216, 20480, 65536}) {
    Fill(bytes, 600);
    Thin(50);
    slabs_.Purge();
    ExpectAllHold();
    Fill(bytes, 300);
    ExpectAllHold();
    Thin(3);
    slabs_.Purge();
    ExpectAllHold();
  }
}

TEST_F(SlabReleaseTest, ResidentBlocksAreHandedOutFirst) {
  Fill(1024, 64);
  Thin(8);
  ASSERT_GE(slabs_.Purge(), 4096u);
  const std::uint64_t released = slabs_.Stats().releasedBytes;
  // A block is kept in every second page; three more of that page are free, and in memory.
  Fill(1024, 4);
  EXPECT_GE(slabs_.Stats().releasedBytes + 4096, released);
  ExpectAllHold();
}

TEST_F(SlabReleaseTest, OnlyWhatWasIdleForTwoLooksDecays) {
  Fill(4096, 4000);
  slabs_.Decay();
  Thin(4);
  slabs_.Decay();
  EXPECT_EQ(slabs_.Stats().releasedBytes, 0u) << "it was in use not long ago";
  slabs_.Decay();
  EXPECT_EQ(slabs_.Stats().releasedBytes, 0u);
  // Half of it is used again and again.
  Fill(4096, 1500);
  Thin(2);
  slabs_.Decay();
  const std::uint64_t free = slabs_.Stats().depotFreeBytes;
  EXPECT_GT(slabs_.Stats().releasedBytes, 0u);
  EXPECT_LE(slabs_.Stats().releasedBytes, free - 1000 * 4096u);
  ExpectAllHold();
}

TEST_F(SlabReleaseTest, AnAllocatorInUseLooksByItself) {
  Fill(4096, 4000);
  Thin(8);
  // Others of the class come and go, and go to the depot each time.
  for (int i = 0; i < 10'000; ++i) {
    Fill(4096, 1);
    slabs_.Free(blocks_.back().p, 4096, 0);
    blocks_.pop_back();
    slabs_.FlushThisThread();
  }
  EXPECT_GE(slabs_.Stats().releasedBytes, 12 * kMiB);
  ExpectAllHold();
}

TEST_F(SlabReleaseTest, RandomUseKeepsContents) {
  Random random(3);
  const std::size_t sizes[] = {64, 700, 1024, 2048, 4096, 6000, 30000};
  for (int step = 0; step < 40'000; ++step) {
    const std::uint64_t choice = random.Below(100);
    if (choice < 1) {
      slabs_.FlushThisThread();
      slabs_.Purge();
    } else if (choice < 2) {
      slabs_.Decay();
    } else if (blocks_.empty() || random.Below(2048) > blocks_.size()) {
      Fill(sizes[random.Below(std::size(sizes))], 1);
    } else {
      const std::size_t at = random.Below(blocks_.size());
      ASSERT_TRUE(Holds(blocks_[at]));
      slabs_.Free(blocks_[at].p, blocks_[at].size, 0);
      blocks_[at] = blocks_.back();
      blocks_.pop_back();
    }
  }
  ExpectAllHold();
}

TEST_F(SlabReleaseTest, WhatTheSystemRefusesToTakeStaysInUse) {
  Fill(4096, 400);
  Thin(8);
  SetPageFailureHook([](PageCall call) noexcept { return call == PageCall::kPurge; });
  EXPECT_EQ(slabs_.Purge(), 0u);
  SetPageFailureHook(nullptr);
  ExpectAllHold();
  EXPECT_GT(slabs_.Purge(), 0u);
}

}  // namespace
}  // namespace rmem
