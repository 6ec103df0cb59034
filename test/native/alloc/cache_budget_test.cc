#include "alloc/cache_budget.h"

#include <gtest/gtest.h>

#include <vector>

#include "alloc/byte_units.h"
#include "alloc/heap.h"

namespace rmem {
namespace {

using TestHeap = Heap<Preset::kRustydb>;

class CacheBudgetTest : public testing::Test {
 protected:
  void Start(std::size_t bytes) {
    HeapConfig config;
    config.reserveBytes = 256 * kMiB;
    config.cacheBudgetBytes = bytes;
    heap_ = TestHeap::Create(config);
    ASSERT_NE(heap_, nullptr);
  }
  ~CacheBudgetTest() override { TestHeap::Destroy(heap_); }

  /** What no one uses and is yet resident or kept. */
  std::uint64_t Kept() {
    const HeapStats stats = heap_->Stats();
    return stats.pages.dirtyBytes + stats.pages.liveBytes;
  }
  void Transact(std::size_t bytes) {
    Transaction* transaction = heap_->Begin(nullptr, 1);
    for (std::size_t done = 0; done < bytes; done += 32 * kKiB) {
      ASSERT_NE(heap_->Allocate(transaction, 32 * kKiB, 0, false), nullptr);
    }
    heap_->Commit(transaction, false);
  }
  /** Pages come and go, so that the page heap looks at the budget. */
  void Tick() {
    for (int i = 0; i < 300; ++i) {
      void* p = heap_->Allocate(kMiB / 2);
      heap_->Free(p, kMiB / 2);
    }
  }

  TestHeap* heap_ = nullptr;
};

TEST_F(CacheBudgetTest, ArenasKeepNoMoreThanIsLeft) {
  Start(256 * kKiB);
  for (int i = 0; i < 20; ++i) Transact(4 * kMiB);
  Tick();
  EXPECT_LE(Kept(), kMiB + 256 * kKiB);
  EXPECT_TRUE(heap_->IsConsistent(0));
}

TEST_F(CacheBudgetTest, DirtyPagesGiveWayToChunks) {
  Start(8 * kMiB);
  std::vector<void*> blocks;
  for (int i = 0; i < 16; ++i) blocks.push_back(heap_->Allocate(kMiB / 2));
  for (void* p : blocks) heap_->Free(p, kMiB / 2);
  EXPECT_GE(heap_->Stats().pages.dirtyBytes, 6 * kMiB);
  for (int i = 0; i < 4; ++i) Transact(4 * kMiB);
  Tick();
  EXPECT_LE(Kept(), 8 * kMiB + kMiB / 2);
}

TEST_F(CacheBudgetTest, WithoutOneNothingIsKeptAndAllWorks) {
  Start(0);
  for (int i = 0; i < 5; ++i) Transact(kMiB);
  std::vector<void*> blocks;
  for (int i = 0; i < 5000; ++i) blocks.push_back(heap_->Allocate(64));
  for (void* p : blocks) heap_->Free(p, 64);
  Tick();
  EXPECT_LE(Kept(), 2 * kMiB);
  heap_->Purge();
  EXPECT_TRUE(heap_->IsConsistent(0));
}

TEST(CacheBudget, CountsWhatIsTakenAlsoBeyondItsEnd) {
  CacheBudget budget;
  budget.Init(100);
  EXPECT_TRUE(budget.TryTake(60));
  EXPECT_FALSE(budget.TryTake(41));
  budget.Take(70);
  EXPECT_EQ(budget.left(), 0u);
  budget.GiveBack(60);
  EXPECT_EQ(budget.left(), 30u);
  EXPECT_EQ(budget.taken(), 70u);
}

}  // namespace
}  // namespace rmem
