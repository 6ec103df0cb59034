#include "alloc/dirty_cap.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace rmem {
namespace {

class DirtyCapTest : public testing::Test {
 protected:
  DirtyCapTest() { cap_.Init(1024, 4096); }

  /** Purges half of the cap, and allocates `missed` of it again, in so many allocations. */
  void Round(std::uint64_t missed, std::uint64_t allocations = 1000) {
    cap_.Purging(cap_.pages() / 2, allocations_);
    cap_.Missed(missed, allocations_ + std::min<std::uint64_t>(allocations, 10));
    allocations_ += allocations;
  }
  void RoundAllMissed(std::uint64_t allocations = 1000) { Round(cap_.pages() / 2, allocations); }

  DirtyCap cap_;
  std::uint64_t allocations_ = 1;
};

TEST_F(DirtyCapTest, DoublesUpToTheMostWhereWhatWasGivenBackIsMissed) {
  RoundAllMissed();
  EXPECT_EQ(cap_.pages(), 1024u) << "the first purge has nothing to judge by";
  RoundAllMissed();
  EXPECT_EQ(cap_.pages(), 2048u);
  for (int i = 0; i < 5; ++i) RoundAllMissed();
  EXPECT_EQ(cap_.pages(), 4096u);
}

TEST_F(DirtyCapTest, HalvesDownToAQuarterWhereNothingIs) {
  Round(0);
  Round(0);
  EXPECT_EQ(cap_.pages(), 512u);
  for (int i = 0; i < 5; ++i) Round(0);
  EXPECT_EQ(cap_.pages(), 256u);
}

TEST_F(DirtyCapTest, StaysWhereAPartOfItIs) {
  for (int i = 0; i < 20; ++i) Round(cap_.pages() / 2 / 4);
  EXPECT_EQ(cap_.pages(), 1024u);
}

TEST_F(DirtyCapTest, HasMorePatienceTheOftenerItWasWrong) {
  for (int i = 0; i < 4; ++i) RoundAllMissed();
  EXPECT_EQ(cap_.pages(), 4096u);
  // Each round judges the one before.
  for (int i = 0; i < 16; ++i) Round(0);
  EXPECT_EQ(cap_.pages(), 4096u) << "four times it was missed: fifteen quiet rounds are too few";
  Round(0);
  EXPECT_EQ(cap_.pages(), 2048u);
}

TEST_F(DirtyCapTest, PurgesInARowAreOne) {
  for (int i = 0; i < 50; ++i) Round(0, 1);
  EXPECT_EQ(cap_.pages(), 1024u) << "a program that frees all it has, at its end or before it begins again";
  cap_.Missed(25 * 512, allocations_);
  allocations_ += 1000;
  Round(0);
  EXPECT_EQ(cap_.pages(), 4096u) << "as large as what was missed, but for the most";
}

TEST_F(DirtyCapTest, IsDoubledAtOnceWhereOneObjectComesAndGoes) {
  for (int i = 0; i < 3; ++i) RoundAllMissed(1);
  EXPECT_EQ(cap_.pages(), 4096u);
}

TEST_F(DirtyCapTest, WhatIsNeededLongAfterwardsIsNotMissed) {
  for (int i = 0; i < 3; ++i) {
    cap_.Purging(512, allocations_);
    cap_.Missed(512, allocations_ + 100'000);
    allocations_ += 100'000;
  }
  EXPECT_LT(cap_.pages(), 1024u);
}

TEST(DirtyCap, OfNothingStaysNothing) {
  DirtyCap cap;
  cap.Init(0, 0);
  for (std::uint64_t i = 0; i < 10; ++i) {
    cap.Purging(10, i * 1000);
    cap.Missed(10, i * 1000 + 1);
  }
  EXPECT_EQ(cap.pages(), 0u);
}

}  // namespace
}  // namespace rmem
