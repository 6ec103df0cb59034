#include "alloc/page_heap.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "alloc/block_model.h"
#include "alloc/byte_units.h"

namespace rmem {
namespace {

std::uint64_t gNowMs = 0;
std::uint64_t TestNowMs() {
  return gNowMs;
}

class PageHeapTest : public testing::Test {
 protected:
  void Start(PageHeapConfig config = {}) {
    if (config.reserveBytes == 0) config.reserveBytes = 256 * kMiB;
    ASSERT_TRUE(heap_.Init(config));
  }
  ~PageHeapTest() override { heap_.Destroy(); }

  char* Allocate(std::uint32_t pages, std::size_t alignment = kPageBytes) {
    return static_cast<char*>(heap_.Allocate(pages, alignment));
  }

  bool StartDecayThread() {
    return heap_.StartBackgroundDecay([](void* heap) noexcept { static_cast<PageHeap*>(heap)->Decay(); },
                                      &heap_);
  }

  PageHeap heap_;
};

TEST_F(PageHeapTest, FreedNeighboursServeALargerRun) {
  Start();
  char* a = Allocate(4);
  char* b = Allocate(4);
  char* c = Allocate(4);
  char* guard = Allocate(1);
  heap_.Free(a, 4);
  heap_.Free(c, 4);
  heap_.Free(b, 4);
  const PageHeapStats stats = heap_.Stats();
  EXPECT_EQ(stats.freeRegions, 1u);
  EXPECT_EQ(stats.largestFreeBytes, 12 * kPageBytes);
  EXPECT_EQ(stats.coalesces, 1u);
  EXPECT_EQ(Allocate(12), a);
  EXPECT_EQ(heap_.Stats().freeListHits, 1u);
  heap_.Free(a, 12);
  heap_.Free(guard, 1);
  EXPECT_EQ(heap_.Stats().liveBytes, 0u);
  EXPECT_EQ(heap_.Stats().freeRegions, 0u) << "all of it joined the top";
  EXPECT_TRUE(heap_.IsConsistent());
}

TEST_F(PageHeapTest, TheSameLengthIsServedByWhatWasFreedLast) {
  Start();
  char* a = Allocate(20);
  char* b = Allocate(30);
  char* guard = Allocate(1);
  heap_.Free(a, 20);
  heap_.Free(b, 30);
  EXPECT_EQ(Allocate(20), a);
  EXPECT_EQ(Allocate(30), b);
  EXPECT_EQ(heap_.Stats().freeListHits, 2u);
  EXPECT_EQ(heap_.Stats().coalesces, 0u);
  heap_.Free(a, 20);
  heap_.Free(b, 30);
  EXPECT_EQ(Allocate(50), a) << "joined before fresh pages are touched";
  heap_.Free(a, 50);
  heap_.Free(guard, 1);
  EXPECT_TRUE(heap_.IsConsistent());
}

TEST_F(PageHeapTest, FreshPagesAreTouchedOnlyWhenNothingFreeServes) {
  Start();
  std::vector<char*> runs;
  for (int i = 0; i < 64; ++i) runs.push_back(Allocate(16));
  const std::uint64_t top = heap_.Stats().cleanBytes + heap_.Stats().liveBytes;
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 64; ++i) heap_.Free(runs[static_cast<std::size_t>(i)], 16);
    runs.clear();
    // As many pages in other lengths, which fit exactly into what neighbours leave.
    for (int i = 0; i < 32; ++i) runs.push_back(Allocate(32));
    for (int i = 0; i < 32; ++i) heap_.Free(runs[static_cast<std::size_t>(i)], 32);
    runs.clear();
    for (int i = 0; i < 64; ++i) runs.push_back(Allocate(16));
    const PageHeapStats stats = heap_.Stats();
    ASSERT_LE(stats.liveBytes + stats.dirtyBytes + stats.cleanBytes, top + 16 * kPageBytes * 8);
  }
  EXPECT_TRUE(heap_.IsConsistent());
}

TEST_F(PageHeapTest, OneCallPurgesOnlySoManyRegions) {
  PageHeapConfig config;
  config.dirtyCapBytes = kMiB;
  config.dirtyCapMaxBytes = kMiB;
  Start(config);
  std::vector<char*> runs;
  for (int i = 0; i < 1000; ++i) runs.push_back(Allocate(1));
  for (std::size_t i = 0; i < 1000; i += 2) heap_.Free(runs[i], 1);
  std::uint64_t most = 0, before = heap_.Stats().purgedBytes;
  EXPECT_GT(before, 0u);
  for (std::size_t i = 1; i < 1000; i += 2) {
    heap_.Free(runs[i], 1);
    const PageHeapStats stats = heap_.Stats();
    most = std::max(most, stats.dirtyBytes);
    before = stats.purgedBytes;
  }
  EXPECT_LE(most, kMiB + 16 * kPageBytes) << "and yet keeps the cap";
  EXPECT_TRUE(heap_.IsConsistent());
}

TEST_F(PageHeapTest, AlignedRunsLoseNothingAroundThem) {
  Start();
  char* first = Allocate(1);
  for (const std::size_t alignment : {8 * kPageBytes, kHugePageBytes, 4 * kHugePageBytes}) {
    char* p = Allocate(3, alignment);
    ASSERT_NE(p, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % alignment, 0u);
    p[3 * kPageBytes - 1] = 1;
    heap_.Free(p, 3);
    ASSERT_TRUE(heap_.IsConsistent());
  }
  heap_.Free(first, 1);
  EXPECT_EQ(heap_.Stats().liveBytes, 0u);
  EXPECT_TRUE(heap_.IsConsistent());
}

TEST_F(PageHeapTest, GrowsAndShrinksInPlace) {
  Start();
  char* p = Allocate(4);
  EXPECT_TRUE(heap_.Extend(p, 4, 10)) << "nothing lies behind it";
  char* behind = Allocate(2);
  EXPECT_FALSE(heap_.Extend(p, 10, 11));
  heap_.Shrink(p, 10, 6);
  EXPECT_TRUE(heap_.Extend(p, 6, 9));
  EXPECT_FALSE(heap_.Extend(p, 9, 11));
  p[9 * kPageBytes - 1] = 1;
  EXPECT_EQ(heap_.Stats().liveBytes, 11 * kPageBytes);
  heap_.Free(p, 9);
  heap_.Free(behind, 2);
  EXPECT_TRUE(heap_.IsConsistent());
}

TEST_F(PageHeapTest, DirtyMemoryIsKeptUpToACap) {
  PageHeapConfig config;
  config.dirtyCapBytes = kMiB;
  config.dirtyCapMaxBytes = 4 * kMiB;
  Start(config);
  std::vector<char*> runs;
  for (int i = 0; i < 32; ++i) runs.push_back(Allocate(64));  // 256 KiB each
  for (char* run : runs) run[0] = 1;
  for (int i = 0; i < 4; ++i) heap_.Free(runs[static_cast<std::size_t>(i)], 64);
  EXPECT_EQ(heap_.Stats().purges, 0u);
  EXPECT_EQ(heap_.Stats().dirtyBytes, kMiB);
  heap_.Free(runs[4], 64);
  PageHeapStats stats = heap_.Stats();
  EXPECT_EQ(stats.purges, 1u);
  EXPECT_LE(stats.dirtyBytes, kMiB / 2);
  for (int i = 5; i < 32; ++i) heap_.Free(runs[static_cast<std::size_t>(i)], 64);
  stats = heap_.Stats();
  EXPECT_EQ(stats.dirtyCapBytes, kMiB) << "nothing was allocated that could tell";
  EXPECT_EQ(stats.dirtyBytes + stats.cleanBytes, 8 * kMiB);
  heap_.Purge();
  EXPECT_EQ(heap_.Stats().dirtyBytes, 0u);
  EXPECT_TRUE(heap_.IsConsistent());
}

TEST_F(PageHeapTest, AFullRegionOfDirtyPagesGoesBeforeATighterCleanOne) {
  Start();
  char* clean = Allocate(64);
  char* guard = Allocate(1);
  char* dirty = Allocate(80);
  char* behind = Allocate(1);
  heap_.Free(clean, 64);
  heap_.Purge();
  heap_.Free(dirty, 80);
  EXPECT_EQ(heap_.Stats().freeRegions, 2u);
  EXPECT_EQ(Allocate(60), dirty);
  EXPECT_EQ(Allocate(60), clean) << "of the other one too little is left";
  heap_.Free(guard, 1);
  heap_.Free(behind, 1);
  EXPECT_TRUE(heap_.IsConsistent());
}

TEST_F(PageHeapTest, ACommitLeavesThePurgeToTheNextCall) {
  PageHeapConfig config;
  config.dirtyCapBytes = kMiB;
  Start(config);
  char* p = Allocate(1024);
  heap_.Free(p, 1024, PageHeap::PurgeNow::kNo);
  EXPECT_EQ(heap_.Stats().purges, 0u);
  EXPECT_EQ(heap_.Stats().dirtyBytes, 4 * kMiB);
  p = Allocate(1);
  EXPECT_EQ(heap_.Stats().purges, 1u);
  heap_.Free(p, 1);
}

TEST_F(PageHeapTest, ZeroCleansWhatWasUsedAndPurgedMemoryNeedsNothing) {
  Start();
  char* p = Allocate(200);
  std::memset(p, 9, 200 * kPageBytes);
  heap_.Free(p, 200);
  // Half of it comes back dirty, the other half lies behind a purge.
  char* q = Allocate(100);
  ASSERT_EQ(q, p);
  heap_.Purge();
  heap_.Free(q, 100);
  char* r = Allocate(200);
  ASSERT_EQ(r, p);
  heap_.Zero(r, 200 * kPageBytes);
  EXPECT_TRUE(std::all_of(r, r + 200 * kPageBytes, [](char c) { return c == 0; }));
  heap_.Free(r, 200);
}

TEST_F(PageHeapTest, AFullRangeGivesNullAndServesAgainAfterAFree) {
  PageHeapConfig config;
  config.reserveBytes = 4 * kMiB;
  Start(config);
  char* p = Allocate(1000);
  ASSERT_NE(p, nullptr);
  EXPECT_EQ(Allocate(100), nullptr);
  EXPECT_EQ(heap_.Stats().failures, 1u);
  heap_.Free(p, 1000);
  p = Allocate(1024);
  EXPECT_NE(p, nullptr);
  EXPECT_EQ(Allocate(1), nullptr);
  heap_.Free(p, 1024);
  EXPECT_TRUE(heap_.IsConsistent());
}

TEST_F(PageHeapTest, RefusedMemoryGivesNullAndLosesNothing) {
  Start();
  char* p = Allocate(10);
  {
    const FailingPages failing([](PageCall call) noexcept { return call == PageCall::kCommit; });
    EXPECT_EQ(Allocate(10000), nullptr);
    EXPECT_FALSE(heap_.Extend(p, 10, 10000));
  }
  EXPECT_TRUE(heap_.IsConsistent());
  EXPECT_TRUE(heap_.Extend(p, 10, 10000));
  heap_.Free(p, 10000);
  EXPECT_EQ(heap_.Stats().liveBytes, 0u);
}

TEST_F(PageHeapTest, ARefusedPurgeKeepsTheMemoryDirty) {
  Start();
  char* p = Allocate(10);
  heap_.Free(p, 10);
  {
    const FailingPages failing([](PageCall) noexcept { return true; });
    heap_.Purge();
  }
  EXPECT_EQ(heap_.Stats().dirtyBytes, 10 * kPageBytes);
  EXPECT_TRUE(heap_.IsConsistent());
  heap_.Purge();
  EXPECT_EQ(heap_.Stats().dirtyBytes, 0u);
}

TEST_F(PageHeapTest, HugePagesAreAdvisedWithinARunAndUnadvisedWhenPurged) {
  Start();
  char* p = Allocate(2048, kHugePageBytes);
  heap_.AdviseHuge(p, 2048);
  heap_.AdviseHuge(p, 2048);
  const std::uint64_t advised = heap_.Stats().hugeAdvisedBytes;
  EXPECT_TRUE(advised == 8 * kMiB || advised == 0) << "0: a kernel without them";
  heap_.Free(p, 2048);
  heap_.Purge();
  EXPECT_EQ(heap_.Stats().hugeAdvisedBytes, 0u);
}

class PageHeapDecayTest : public PageHeapTest {
 protected:
  void StartDecay(std::uint64_t decayMs, std::uint64_t decayCalls = 0) {
    gNowMs = 1000;
    PageHeapConfig config;
    config.decayMs = decayMs;
    config.decayCalls = decayCalls;
    config.nowMs = &TestNowMs;
    Start(config);
    guard_ = Allocate(1);
  }
  /** Calls of the heap that need no dirty page for long, while time passes. */
  void PassMs(std::uint64_t ms) {
    for (std::uint64_t i = 0; i < ms; i += 10) {
      gNowMs += 10;
      for (int j = 0; j < 80; ++j) heap_.Free(Allocate(1), 1);
    }
  }

  char* guard_ = nullptr;
};

TEST_F(PageHeapDecayTest, CallsCountAsTime) {
  StartDecay(1000, 1000);
  heap_.Free(Allocate(300), 300);
  const auto call = [&](int times) {
    for (int i = 0; i < times; ++i) heap_.Free(Allocate(1), 1);
  };
  call(200);  // two calls each
  EXPECT_EQ(heap_.Stats().decayedBytes, 0u);
  call(1000);
  EXPECT_GE(heap_.Stats().decayedBytes, 290 * kPageBytes) << "though the clock stands still";
}

TEST_F(PageHeapDecayTest, IdleMemoryIsPurgedAfterItsTimeAndNotBefore) {
  StartDecay(1000);
  char* p = Allocate(100);
  heap_.Free(Allocate(1), 1);
  PassMs(300);
  heap_.Free(p, 100);
  PassMs(900);
  EXPECT_GE(heap_.Stats().dirtyBytes, 100 * kPageBytes);
  EXPECT_EQ(heap_.Stats().decayedBytes, 0u);
  PassMs(500);
  EXPECT_LE(heap_.Stats().dirtyBytes, 2 * kPageBytes);
  EXPECT_GE(heap_.Stats().decayedBytes, 98 * kPageBytes);
  EXPECT_TRUE(heap_.IsConsistent());
}

TEST_F(PageHeapDecayTest, MemoryThatIsUsedAgainAndAgainStays) {
  StartDecay(1000);
  for (int i = 0; i < 100; ++i) {
    char* p = Allocate(100);
    PassMs(20);
    heap_.Free(p, 100);
    PassMs(80);
  }
  EXPECT_GE(heap_.Stats().dirtyBytes, 100 * kPageBytes);
  EXPECT_LE(heap_.Stats().decayedBytes, 2 * kPageBytes);
}

TEST_F(PageHeapDecayTest, OnlyWhatIsIdleIsTakenOfALargeRegion) {
  StartDecay(1000);
  char* p = Allocate(1000);
  heap_.Free(p, 1000);
  for (int i = 0; i < 30; ++i) {
    p = Allocate(400);
    PassMs(50);
    heap_.Free(p, 400);
    PassMs(50);
  }
  const PageHeapStats stats = heap_.Stats();
  EXPECT_GE(stats.dirtyBytes, 400 * kPageBytes);
  EXPECT_LE(stats.dirtyBytes, 410 * kPageBytes);
  EXPECT_TRUE(heap_.IsConsistent());
}

TEST_F(PageHeapDecayTest, ZeroMeansNever) {
  StartDecay(0);
  heap_.Free(Allocate(100), 100);
  PassMs(100'000);
  EXPECT_GE(heap_.Stats().dirtyBytes, 100 * kPageBytes);
  EXPECT_FALSE(StartDecayThread());
}

TEST_F(PageHeapDecayTest, OfAdvisedHugePagesOnlyWholeOnesDecay) {
  StartDecay(1000);
  char* p = Allocate(1024, kHugePageBytes);
  heap_.AdviseHuge(p, 1024);
  if (heap_.Stats().hugeAdvisedBytes == 0) GTEST_SKIP() << "a kernel without them";
  char* keep = Allocate(1);
  heap_.Shrink(p, 1024, 200);
  PassMs(2000);
  PageHeapStats stats = heap_.Stats();
  EXPECT_EQ(stats.hugeAdvisedBytes, kHugePageBytes) << "the first is in use, in part";
  EXPECT_GE(stats.dirtyBytes, 300 * kPageBytes);
  heap_.Free(p, 200);
  PassMs(2000);
  EXPECT_EQ(heap_.Stats().hugeAdvisedBytes, 0u);
  heap_.Free(keep, 1);
  EXPECT_TRUE(heap_.IsConsistent());
}

TEST_F(PageHeapTest, HugePagesAreReportedAsTheSystemCountsThem) {
  Start();
  char* p = Allocate(2048, kHugePageBytes);
  heap_.AdviseHuge(p, 2048);
  EXPECT_EQ(heap_.HugeResidentBytes(), 0u) << "advised, but not touched";
  for (std::size_t at = 0; at < 8 * kMiB; at += kPageBytes) p[at] = 1;
  const std::uint64_t huge = heap_.HugeResidentBytes();
  EXPECT_LE(huge, 8 * kMiB);
  EXPECT_EQ(huge % kHugePageBytes, 0u);
  heap_.Free(p, 2048);
  heap_.Purge();
  EXPECT_EQ(heap_.HugeResidentBytes(), 0u);
  if (huge == 0) GTEST_SKIP() << "a system that gives no huge pages on advice";
}

TEST_F(PageHeapTest, AThreadOnRequestPurgesWhenNobodyCalls) {
  PageHeapConfig config;
  config.decayMs = 40;
  Start(config);
  EXPECT_FALSE(heap_.hasBackgroundDecay());
  ASSERT_TRUE(StartDecayThread());
  ASSERT_TRUE(StartDecayThread()) << "it runs already";
  char* keep = Allocate(1);
  std::memset(Allocate(1), 1, 1);
  heap_.Free(Allocate(500), 500);
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (int step = 0; step < 2000; ++step) {
        void* p = heap_.Allocate(5, kPageBytes);
        static_cast<char*>(p)[0] = 1;
        heap_.Free(p, 5);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 500 && heap_.Stats().dirtyBytes != 0; ++i) ::usleep(10'000);
  EXPECT_EQ(heap_.Stats().dirtyBytes, 0u);
  EXPECT_GE(heap_.Stats().decayedBytes, 490 * kPageBytes);
  heap_.Free(keep, 1);
  heap_.StopBackgroundDecay();
  EXPECT_FALSE(heap_.hasBackgroundDecay());
  EXPECT_TRUE(heap_.IsConsistent());
}

#if !defined(__SANITIZE_THREAD__)  // which knows no threads in a child
TEST_F(PageHeapTest, AChildHasNoThreadUntilItAsks) {
  PageHeapConfig config;
  config.decayMs = 40;
  Start(config);
  ASSERT_TRUE(StartDecayThread());
  heap_.LockAll();
  const pid_t child = ::fork();
  heap_.UnlockAll();
  if (child == 0) {
    if (heap_.hasBackgroundDecay()) ::_exit(1);
    char* keep = Allocate(1);
    heap_.Free(Allocate(100), 100);
    char* behind = Allocate(1);
    ::usleep(100'000);
    if (heap_.Stats().dirtyBytes == 0) ::_exit(2);
    if (!StartDecayThread()) ::_exit(3);
    for (int i = 0; i < 500 && heap_.Stats().dirtyBytes != 0; ++i) ::usleep(10'000);
    if (heap_.Stats().dirtyBytes != 0) ::_exit(4);
    heap_.StopBackgroundDecay();
    heap_.Free(keep, 1);
    heap_.Free(behind, 1);
    ::_exit(heap_.IsConsistent() ? 0 : 5);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE(heap_.hasBackgroundDecay());
}
#endif

TEST_F(PageHeapTest, CompactGivesBackDirtyPagesAndTables) {
  Start();
  std::vector<char*> runs;
  for (int i = 0; i < 20000; ++i) runs.push_back(Allocate(1));
  for (char* run : runs) *run = 1;
  for (std::size_t i = 0; i < runs.size(); i += 2) heap_.Free(runs[i], 1);
  for (std::size_t i = 1; i < runs.size(); i += 2) heap_.Free(runs[i], 1);
  char* last = Allocate(3);
  const std::uint64_t dirty = heap_.Stats().dirtyBytes;
  const std::uint64_t bytes = heap_.Compact();
  // Beside the dirty pages: 20,000 tags of 4 bytes, 10,000 descriptors of 28.
  EXPECT_GE(bytes, dirty + 300'000) << "of memory that was resident";
  EXPECT_EQ(heap_.Stats().dirtyBytes, 0u);
  EXPECT_LE(heap_.Compact(), 4 * kPageBytes) << "there is nothing left";
  EXPECT_TRUE(heap_.IsConsistent());
  runs.clear();
  for (int i = 0; i < 1000; ++i) runs.push_back(Allocate(1));
  for (std::size_t i = 0; i < runs.size(); i += 2) heap_.Free(runs[i], 1);
  EXPECT_TRUE(heap_.IsConsistent());
  heap_.Free(last, 3);
}

TEST_F(PageHeapTest, PagesFreedTwiceStopTheProgram) {
  Start();
  char* p = Allocate(4);
  Allocate(1);
  heap_.Free(p, 4);
  EXPECT_DEATH(heap_.Free(p, 4), "pages freed twice");
  EXPECT_DEATH(heap_.Free(p + 100 * kPageBytes, 1), "outside the heap");
}

class PageHeapFitTest : public PageHeapTest, public testing::WithParamInterface<Fit> {};

TEST_P(PageHeapFitTest, RandomRunsNeverOverlapAndAllComeBack) {
  PageHeapConfig config;
  config.fit = GetParam();
  config.dirtyCapBytes = kMiB;
  config.decayMs = 40;
  config.nowMs = &TestNowMs;
  Start(config);
  struct Run {
    char* p;
    std::uint32_t pages;
    char mark;
  };
  std::vector<Run> runs;
  std::mt19937 random(7);
  const auto mark = [](const Run& run) {
    for (std::uint32_t page = 0; page < run.pages; ++page) run.p[page * kPageBytes] = run.mark;
  };
  const auto intact = [](const Run& run) {
    for (std::uint32_t page = 0; page < run.pages; ++page) {
      if (run.p[page * kPageBytes] != run.mark) return false;
    }
    return true;
  };
  for (int step = 0; step < 6000; ++step) {
    const std::uint32_t pages = 1 + random() % (random() % 8 == 0 ? 600 : 40);
    switch (random() % 8) {
      case 0:
      case 1:
      case 2:
      case 3: {
        if (runs.size() > 200) break;
        const std::size_t alignment = kPageBytes << (random() % 4 == 0 ? random() % 10 : 0);
        char* p = Allocate(pages, alignment);
        ASSERT_NE(p, nullptr);
        ASSERT_EQ(reinterpret_cast<std::uintptr_t>(p) % alignment, 0u);
        runs.push_back({p, pages, static_cast<char>(1 + step % 100)});
        mark(runs.back());
        break;
      }
      case 4:
        if (!runs.empty()) {
          Run& run = runs[random() % runs.size()];
          const std::uint32_t kept = 1 + random() % run.pages;
          if (kept != run.pages) heap_.Shrink(run.p, run.pages, kept);
          run.pages = kept;
        }
        break;
      case 5:
        if (!runs.empty()) {
          Run& run = runs[random() % runs.size()];
          if (heap_.Extend(run.p, run.pages, run.pages + pages)) run.pages += pages;
          mark(run);
        }
        break;
      default:
        if (!runs.empty()) {
          const std::size_t at = random() % runs.size();
          ASSERT_TRUE(intact(runs[at]));
          heap_.Free(runs[at].p, runs[at].pages);
          runs[at] = runs.back();
          runs.pop_back();
        }
    }
    if (step % 64 == 0) {
      ASSERT_TRUE(heap_.IsConsistent());
    }
    if (step % 1000 == 999) heap_.Compact();
    if (step % 100 == 99) gNowMs += 7;
  }
  for (const Run& run : runs) {
    EXPECT_TRUE(intact(run));
    heap_.Free(run.p, run.pages);
  }
  EXPECT_EQ(heap_.Stats().liveBytes, 0u);
  EXPECT_EQ(heap_.Stats().freeRegions, 0u);
  EXPECT_TRUE(heap_.IsConsistent());
}

INSTANTIATE_TEST_SUITE_P(AllFits, PageHeapFitTest, testing::Values(Fit::kBest, Fit::kFirst, Fit::kWorst));

}  // namespace
}  // namespace rmem
