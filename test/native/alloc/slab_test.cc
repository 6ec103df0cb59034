#include "alloc/slab.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <thread>
#include <vector>

#include "alloc/block_model.h"
#include "alloc/slab_fixture.h"

namespace rmem {
namespace {

using SlabTest = SlabFixture;

TEST_F(SlabTest, BlocksOfEveryClassAreApartAlignedAndWritable) {
  const SizeClassTable& table = slabs_.table();
  std::vector<TestBlock> blocks;
  for (unsigned index = 0; index < table.count(); ++index) {
    for (unsigned i = 0; i < 2u * table[index].blocks; ++i) {
      TestBlock block{nullptr, table[index].bytes, 0, blocks.size()};
      block.p = static_cast<unsigned char*>(slabs_.AllocateClass(index));
      ASSERT_NE(block.p, nullptr);
      ASSERT_TRUE(IsAligned(block));
      Fill(block);
      blocks.push_back(block);
    }
  }
  EXPECT_TRUE(slabs_.IsConsistent(blocks.size()));
  for (const TestBlock& block : blocks) {
    ASSERT_TRUE(Holds(block));
    slabs_.Free(block.p, block.size, 0);
  }
  EXPECT_TRUE(slabs_.IsConsistent(0));
  slabs_.FlushThisThread();
  EXPECT_TRUE(slabs_.IsConsistent(0));
  EXPECT_EQ(slabs_.Stats().slabs, 0u) << "every slab is empty and has gone back";
  EXPECT_EQ(pages_.Stats().liveBytes, 0u);
}

TEST_F(SlabTest, AFreshThreadGetsBlocksInAscendingOrder) {
  char* previous = nullptr;
  std::uint64_t breaks = 0;
  std::set<std::uintptr_t> offsets;
  for (int i = 0; i < 3000; ++i) {
    char* p = static_cast<char*>(slabs_.Allocate(192, 0, false));
    if (previous == nullptr || p != previous + 192) {
      ++breaks;
      offsets.insert(reinterpret_cast<std::uintptr_t>(p) % kPageBytes);
    }
    previous = p;
  }
  EXPECT_LE(breaks, 2 * slabs_.Stats().slabs) << "where a slab begins, and where it goes round";
  EXPECT_GE(offsets.size(), slabs_.Stats().slabs / 2) << "slabs begin at places of their own";
}

TEST_F(SlabTest, AFreedBlockIsTheNextOne) {
  void* p = slabs_.Allocate(100, 0, false);
  slabs_.Free(p, 100, 0);
  EXPECT_EQ(slabs_.Allocate(97, 0, false), p);
}

TEST_F(SlabTest, AllocationAndFreeInTurnsStayOffTheDepot) {
  std::vector<void*> held(64);
  const auto round = [&] {
    for (void*& p : held) p = slabs_.Allocate(256, 0, false);
    for (void* p : held) slabs_.Free(p, 256, 0);
  };
  for (int i = 0; i < 20; ++i) round();
  const std::uint64_t refills = slabs_.Stats().refills;
  for (int i = 0; i < 1000; ++i) round();
  EXPECT_EQ(slabs_.Stats().refills, refills);
}

TEST_F(SlabTest, RefillsTakeTheFullestSlabs) {
  const unsigned index = slabs_.table().ClassFor(4096);
  const std::size_t perSlab = slabs_.table()[index].blocks;
  std::vector<char*> all;
  for (std::size_t i = 0; i < 10 * perSlab; ++i)
    all.push_back(static_cast<char*>(slabs_.AllocateClass(index)));
  std::sort(all.begin(), all.end());
  slabs_.FlushThisThread();
  // Two full slabs: a hole in one, and a block only in the other.
  std::map<std::uint32_t, std::vector<char*>> slabs;
  for (char* p : all) slabs[pages_.Tag(pages_.PageOf(p))].push_back(p);
  std::erase_if(slabs, [&](const auto& slab) { return slab.second.size() < perSlab; });
  ASSERT_GE(slabs.size(), 2u);
  char* const hole = slabs.begin()->second[3];
  slabs_.FreeClass(hole, index);
  const std::vector<char*>& emptier = std::next(slabs.begin())->second;
  for (std::size_t i = 1; i < emptier.size(); ++i) slabs_.FreeClass(emptier[i], index);
  slabs_.FlushThisThread();
  EXPECT_EQ(slabs_.AllocateClass(index), hole);
}

TEST_F(SlabTest, SlabsGrowWithTheirClass) {
  const unsigned index = slabs_.table().ClassFor(64);
  void* only = slabs_.AllocateClass(index);
  EXPECT_EQ(pages_.Stats().liveBytes, kPageBytes);
  std::vector<void*> blocks;
  for (int i = 0; i < 100'000; ++i) blocks.push_back(slabs_.AllocateClass(index));
  const SlabStats grown = slabs_.Stats();
  EXPECT_LT(grown.slabs, 150u);
  for (void* p : blocks) slabs_.FreeClass(p, index);
  slabs_.FreeClass(only, index);
  slabs_.FlushThisThread();
  EXPECT_EQ(pages_.Stats().liveBytes, 0u);
}

TEST_F(SlabTest, WhatAThreadNoLongerNeedsGoesBack) {
  // Many blocks of one class lie in its magazine; then it works with another only.
  const unsigned idle = slabs_.table().ClassFor(256);
  std::vector<void*> blocks(64);
  for (int round = 0; round < 20; ++round) {
    for (void*& p : blocks) p = slabs_.AllocateClass(idle);
    for (void* p : blocks) slabs_.FreeClass(p, idle);
  }
  const auto cached = [&] { return slabs_.Stats().slabBytes - slabs_.Stats().depotFreeBytes; };
  EXPECT_GE(cached(), 64u * 256);
  const unsigned busy = slabs_.table().ClassFor(1024);
  std::vector<void*> others(400);
  for (int round = 0; round < 200; ++round) {
    for (void*& p : others) p = slabs_.AllocateClass(busy);
    for (void* p : others) slabs_.FreeClass(p, busy);
  }
  for (void* p : others) ASSERT_NE(p, nullptr);
  std::uint64_t left = 0;
  slabs_.FreeClass(slabs_.AllocateClass(idle), idle);
  EXPECT_TRUE(slabs_.IsConsistent(0));
  left = slabs_.CachedBlocks(idle);
  EXPECT_LE(left, 16u);
}

TEST_F(SlabTest, MagazinesOfAllThreadsStayBelowTheCap) {
  // The cap of this fixture is 1 MiB; each thread could hold more alone.
  std::vector<std::thread> threads;
  std::atomic<int> done{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      std::vector<void*> held(300);
      for (const std::size_t size : {64u, 256u, 1024u, 4096u, 16384u}) {
        for (int round = 0; round < 20; ++round) {
          for (void*& p : held) p = slabs_.Allocate(size, 0, false);
          for (void* p : held) slabs_.Free(p, size, 0);
        }
      }
      done.fetch_add(1);
      while (done.load() != 8) std::this_thread::yield();
      EXPECT_LE(slabs_.cacheBytes(), (std::size_t{1} << 20) + 8 * 5 * 2 * std::size_t{16448});
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(slabs_.cacheBytes(), 0u);
  EXPECT_TRUE(slabs_.IsConsistent(0));
}

TEST_F(SlabTest, ZeroedBlocksAreZeroAfterUse) {
  void* p = slabs_.Allocate(500, 0, false);
  std::memset(p, 0xff, 500);
  slabs_.Free(p, 500, 0);
  TestBlock block{static_cast<unsigned char*>(slabs_.Allocate(500, 0, true)), 500, 0, 0};
  EXPECT_EQ(block.p, p);
  EXPECT_TRUE(IsZero(block));
}

TEST_F(SlabTest, ReallocationKeepsTheContentsAndStaysWithinAClass) {
  TestBlock block{static_cast<unsigned char*>(slabs_.Allocate(100, 0, false)), 100, 0, 5};
  Fill(block);
  EXPECT_EQ(slabs_.Reallocate(block.p, 100, 110, 0), block.p);
  block.p = static_cast<unsigned char*>(slabs_.Reallocate(block.p, 110, 5000, 0));
  EXPECT_TRUE(Holds(block));
  block.p = static_cast<unsigned char*>(slabs_.Reallocate(block.p, 5000, 100, 0));
  EXPECT_TRUE(Holds(block));
  EXPECT_TRUE(slabs_.IsConsistent(1));
}

TEST_F(SlabTest, BlocksFreedByAnotherThreadComeBackFromIt) {
  constexpr int kBlocks = 5000;
  std::vector<void*> blocks;
  for (int i = 0; i < kBlocks; ++i) blocks.push_back(slabs_.Allocate(256, 0, false));
  const std::uint64_t slabsBefore = slabs_.Stats().slabs;
  std::thread other([&] {
    for (void* p : blocks) slabs_.Free(p, 256, 0);
    // What it freed last is in its magazines, and comes first.
    EXPECT_EQ(slabs_.Allocate(256, 0, false), blocks.back());
    slabs_.Free(blocks.back(), 256, 0);
  });
  other.join();
  EXPECT_TRUE(slabs_.IsConsistent(0));
  const std::set<void*> before(blocks.begin(), blocks.end());
  std::set<void*> after;
  for (int i = 0; i < kBlocks; ++i) after.insert(slabs_.Allocate(256, 0, false));
  EXPECT_EQ(after.size(), before.size());
  EXPECT_LE(slabs_.Stats().slabs, slabsBefore);
}

TEST_F(SlabTest, AnExitingThreadLeavesNothingBehind) {
  slabs_.FlushThisThread();
  const std::size_t metadata = pool_.usedBytes();
  for (int round = 0; round < 50; ++round) {
    std::thread([&] {
      std::vector<void*> blocks;
      for (std::size_t size = 1; size < 3000; size += 13) blocks.push_back(slabs_.Allocate(size, 0, false));
      std::size_t size = 1;
      for (void* p : blocks) {
        slabs_.Free(p, size, 0);
        size += 13;
      }
    }).join();
  }
  EXPECT_EQ(pool_.usedBytes(), metadata);
  EXPECT_EQ(slabs_.Stats().slabs, 0u);
  EXPECT_EQ(pages_.Stats().liveBytes, 0u);
}

TEST_F(SlabTest, AThreadThatOutlivesItsAllocatorUsesTheNextOne) {
  void* first = nullptr;
  void* second = nullptr;
  std::thread([&] {
    PageHeap pages;
    ASSERT_TRUE(pages.Init({}));
    MetadataPool pool;
    ASSERT_TRUE(pool.Init(std::size_t{1} << 20));
    SlabAllocator slabs;
    ASSERT_TRUE(slabs.Init(&pages, &pool, &SizeClassTable::Default(), std::size_t{1} << 20));
    first = slabs.Allocate(64, 0, false);
    second = slabs_.Allocate(64, 0, false);  // two at a time take turns in the thread's slot
    EXPECT_TRUE(pages.Contains(first));
    EXPECT_TRUE(pages_.Contains(second));
    slabs.Free(first, 64, 0);
    EXPECT_EQ(slabs.Allocate(64, 0, false), first);
    slabs.Destroy();
    pool.Destroy();
    pages.Destroy();
    slabs_.Free(second, 64, 0);
  }).join();
  EXPECT_TRUE(slabs_.IsConsistent(0));
}

TEST_F(SlabTest, AFirstMagazineIsSmall) {
  slabs_.Allocate(2048, 0, false);
  EXPECT_EQ(slabs_.Stats().refilledBlocks, 1u);
  slabs_.Allocate(64, 0, false);
  EXPECT_LE(slabs_.Stats().refilledBlocks, 33u);
}

TEST_F(SlabTest, OutOfMemoryIsNullAndLosesNothing) {
  std::vector<TestBlock> blocks;
  std::mt19937_64 random(3);
  static std::mt19937 chance;
  chance.seed(9);
  std::uint64_t failures = 0;
  {
    const FailingPages failing([](PageCall) noexcept { return chance() % 2 == 0; });
    for (int i = 0; i < 20000; ++i) {
      TestBlock block{nullptr, 1 + random() % 30000, 0, random()};
      block.p = static_cast<unsigned char*>(slabs_.Allocate(block.size, 0, false));
      if (block.p == nullptr) {
        ++failures;
        continue;
      }
      Fill(block);
      blocks.push_back(block);
    }
  }
  EXPECT_GT(failures, 0u);
  EXPECT_GT(blocks.size(), 1000u);
  ASSERT_TRUE(slabs_.IsConsistent(blocks.size()));
  for (const TestBlock& block : blocks) {
    ASSERT_TRUE(Holds(block));
    slabs_.Free(block.p, block.size, 0);
  }
  slabs_.FlushThisThread();
  EXPECT_TRUE(slabs_.IsConsistent(0));
  EXPECT_EQ(pages_.Stats().liveBytes, 0u);
}

using SlabDeathTest = SlabTest;

TEST_F(SlabDeathTest, BrokenFreesStopTheProgramAtTheDepot) {
  char* p = static_cast<char*>(slabs_.Allocate(256, 0, false));
  const auto freeAndFlush = [&](void* block, std::size_t size) {
    slabs_.Free(block, size, 0);
    slabs_.FlushThisThread();
  };
  EXPECT_DEATH(freeAndFlush(p, 512), "size of another class");
  EXPECT_DEATH(freeAndFlush(p + 16, 256), "pointer into a block");
  int local = 0;
  EXPECT_DEATH(freeAndFlush(&local, 256), "not of this heap");
  EXPECT_DEATH(
      {
        freeAndFlush(p, 256);
        slabs_.Allocate(256, 0, false);  // keeps the slab
        void* q = slabs_.Allocate(256, 0, false);
        slabs_.Free(q, 256, 0);
        slabs_.Free(q, 256, 0);
        slabs_.FlushThisThread();
      },
      "freed a block twice");
}

}  // namespace
}  // namespace rmem
