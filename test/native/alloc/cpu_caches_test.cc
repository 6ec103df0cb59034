#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <thread>
#include <vector>

#include "alloc/block_model.h"
#include "alloc/byte_units.h"
#include "alloc/slab.h"
#include "alloc/slab_fixture.h"
#include "base/random.h"

namespace rmem {
namespace {

/** Slabs where only the first thread has magazines of its own. */
class CpuCachesTest : public SlabFixture {
 protected:
  CpuCachesTest() : SlabFixture(64 * kMiB, 1) { slabs_.Free(slabs_.Allocate(64, 0, false), 64, 0); }
  void SetUp() override {
    if (!HasCpuStacks()) GTEST_SKIP() << "no restartable sequences here";
  }
  void ExpectAllBack() {
    slabs_.FlushThisThread();
    EXPECT_TRUE(slabs_.IsConsistent(0));
    slabs_.FlushCpus();
    EXPECT_TRUE(slabs_.IsConsistent(0));
    EXPECT_EQ(slabs_.Stats().slabs, 0u);
    EXPECT_EQ(pages_.Stats().liveBytes, 0u);
  }
};

TEST_F(CpuCachesTest, AFreedBlockIsTheNextOneAndStaysOffTheDepot) {
  std::thread([&] {
    slabs_.Free(slabs_.Allocate(100, 0, false), 100, 0);
    const std::uint64_t refills = slabs_.Stats().refills;
    int same = 0;
    for (int i = 0; i < 1000; ++i) {
      void* p = slabs_.Allocate(100, 0, false);
      slabs_.Free(p, 100, 0);
      void* q = slabs_.Allocate(97, 0, false);
      same += q == p ? 1 : 0;
      slabs_.Free(q, 97, 0);
    }
    EXPECT_GE(same, 900) << "but for when it came to another CPU in between";
    EXPECT_LE(slabs_.Stats().refills, refills + 100);
    EXPECT_GE(slabs_.cpusWithMagazines(), 1u);
  }).join();
  ExpectAllBack();
}

TEST_F(CpuCachesTest, RandomUseByManyThreadsKeepsContents) {
  constexpr int kThreads = 12;
  std::vector<std::thread> threads;
  std::atomic<std::uint64_t> seeds{0};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Random random(static_cast<std::uint64_t>(t));
      std::vector<TestBlock> blocks;
      for (int step = 0; step < 6'000; ++step) {
        if (blocks.empty() || random.Below(200) > blocks.size()) {
          TestBlock block{nullptr, 1 + random.Below(random.Percent(5) ? 60'000 : 700), 0, ++seeds};
          block.p = static_cast<unsigned char*>(slabs_.Allocate(block.size, 0, false));
          ASSERT_NE(block.p, nullptr);
          Fill(block);
          blocks.push_back(block);
        } else {
          const std::size_t at = random.Below(static_cast<std::uint32_t>(blocks.size()));
          ASSERT_TRUE(Holds(blocks[at]));
          slabs_.Free(blocks[at].p, blocks[at].size, 0);
          blocks[at] = blocks.back();
          blocks.pop_back();
        }
      }
      for (const TestBlock& block : blocks) {
        ASSERT_TRUE(Holds(block));
        slabs_.Free(block.p, block.size, 0);
      }
    });
  }
  // Meanwhile what the CPUs hold is taken from them, again and again.
  for (int i = 0; i < 200; ++i) {
    slabs_.FlushCpus();
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(slabs_.cpusWithMagazines(), 1u);
  ExpectAllBack();
}

TEST_F(CpuCachesTest, HoldNoMoreForManyThreadsThanForFew) {
  constexpr int kThreads = 64;
  std::barrier all(kThreads);
  std::vector<std::thread> threads;
  std::atomic<std::uint64_t> metadata{0};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (std::size_t size = 16; size <= 4096; size += 64) {
        std::vector<void*> blocks;
        for (int i = 0; i < 40; ++i) blocks.push_back(slabs_.Allocate(size, 0, false));
        for (void* p : blocks) slabs_.Free(p, size, 0);
      }
      all.arrive_and_wait();  // they are all there
      metadata = pool_.usedBytes();
      all.arrive_and_wait();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(metadata.load(), (slabs_.cpusWithMagazines() + 1) * 160 * kKiB + 64 * kKiB);
  std::size_t cached = 0;
  for (unsigned i = 0; i < slabs_.table().count(); ++i)
    cached += slabs_.CachedBlocks(i) * slabs_.table()[i].bytes;
  EXPECT_LE(cached, (slabs_.cpusWithMagazines() + 1) * 3 * kMiB);
  ExpectAllBack();
}

TEST_F(CpuCachesTest, AThreadGetsItsOwnWhereAnotherHasGone) {
  ASSERT_EQ(slabs_.cpusWithMagazines(), 0u);
  // A fresh allocator, whose first thread ends.
  SlabAllocator other;
  ASSERT_TRUE(other.Init(&pages_, &pool_, &SizeClassTable::Default(), kMiB, 1));
  for (int i = 0; i < 3; ++i) {
    std::thread([&] { other.Free(other.Allocate(64, 0, false), 64, 0); }).join();
  }
  EXPECT_EQ(other.cpusWithMagazines(), 0u);
  EXPECT_EQ(other.Stats().slabs, 0u);
  other.Destroy();
}

}  // namespace
}  // namespace rmem
