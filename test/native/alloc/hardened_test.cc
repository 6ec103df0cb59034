#include "alloc/hardened.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "alloc/byte_units.h"
#include "alloc/heap.h"

namespace rmem {
namespace {

using TheHeap = Heap<Preset::kRustydb>;

class Hardened : public testing::Test {
 protected:
  explicit Hardened(std::uint32_t guardEvery = 0) {
    config_.hardened.enabled = true;
    config_.hardened.guardEvery = guardEvery;
    heap_ = TheHeap::Create(config_);
  }
  ~Hardened() override { TheHeap::Destroy(heap_); }

  char* Allocate(std::size_t size, std::size_t alignment = 0) {
    char* p = static_cast<char*>(heap_->Allocate(size, alignment));
    if (p != nullptr) std::memset(p, 'a', size);
    return p;
  }

  HeapConfig config_;
  TheHeap* heap_;
};

class Guarded : public Hardened {
 protected:
  Guarded() : Hardened(1) {}
};

TEST_F(Hardened, FindsABlockThatIsFreedTwice) {
  char* p = Allocate(40);
  heap_->FreeUntold(p);
  EXPECT_DEATH(heap_->FreeUntold(p),
               "hardened: freed again 0x[0-9a-f]+, a block of 40 bytes \\(size class 48");
  EXPECT_DEATH(heap_->Free(p, 40), "freed again");
  EXPECT_DEATH(heap_->ReallocateUntold(p, 50), "reallocated again");
  heap_->Purge();
  EXPECT_DEATH(heap_->FreeUntold(p), "freed");
}

TEST_F(Hardened, FindsThatOfTwoThreadsBothFreeABlock) {
  EXPECT_DEATH(
      for (;;) {
        char* p = Allocate(40);
        std::thread other([&] { heap_->FreeUntold(p); });
        heap_->FreeUntold(p);
        other.join();
      },
      "freed again");
}

TEST_F(Hardened, FindsPointersThatAreNone) {
  char* p = Allocate(100);
  char* large = Allocate(200'000);
  char* tail = Allocate(100);
  EXPECT_DEATH(heap_->FreeUntold(p + 16), "a pointer 16 bytes into the block of 100 bytes");
  EXPECT_DEATH(heap_->FreeUntold(p + 1), "a pointer 1 byte into the block of 100 bytes");
  EXPECT_DEATH(heap_->FreeUntold(large + 16), "a pointer 16 bytes into the block of 200000 bytes");
  EXPECT_DEATH(heap_->FreeUntold(large + 100'000), "a pointer 100000 bytes into the block of 200000 bytes");
  EXPECT_DEATH(heap_->FreeUntold(&p), "no block of this heap");
  EXPECT_DEATH(heap_->UsableBytes(p + 8), "asked for the size of 0x[0-9a-f]+, a pointer 8 bytes into");
  // Of the same slab, but never handed out.
  const std::size_t step = heap_->Stats().slabs.slabBytes == 0 ? 0 : static_cast<std::size_t>(tail - p);
  EXPECT_DEATH(heap_->FreeUntold(tail + step), "no block of this heap");
}

TEST_F(Hardened, FindsSizesThatWereNotAskedFor) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{40}, std::size_t{5000}, std::size_t{300'000}}) {
    char* p = Allocate(size);
    EXPECT_DEATH(heap_->Free(p, size + 1), "freed 0x[0-9a-f]+ with a size of") << size;
    EXPECT_DEATH(heap_->FreeTold(p, size + 1), "freed 0x[0-9a-f]+ with a size of") << size;
    EXPECT_DEATH(heap_->Reallocate(p, size + 1, 9), "reallocated 0x[0-9a-f]+ with a size of") << size;
    heap_->FreeTold(p, size);
  }
}

TEST_F(Hardened, FindsEveryByteBehindABlock) {
  for (const std::size_t size : {0, 1, 7, 8, 15, 16, 40, 64, 4090, 60'000, 100'001}) {
    for (const std::size_t behind : {1, 4, 8}) {
      // A guard catches what lies behind the last bytes of the page.
      if (size == 100'001 && behind > 4) continue;
      char* p = Allocate(size);
      EXPECT_EQ(heap_->UsableBytes(p), size);
      EXPECT_DEATH(
          {
            p[size + behind - 1] = 0;
            heap_->FreeUntold(p);
          },
          "written at 0x[0-9a-f]+, " + std::to_string(behind) + " bytes? behind the end of the block of " +
              std::to_string(size) + " byte")
          << size;
      heap_->FreeUntold(p);
    }
  }
}

TEST_F(Hardened, FindsWhatIsWrittenAfterTheFree) {
  for (const std::size_t at : {0, 39, 47}) {
    EXPECT_DEATH(
        {
          char* p = Allocate(40);
          heap_->FreeUntold(p);
          p[at] = 1;
          for (int i = 0; i < 40'000; ++i) heap_->FreeUntold(Allocate(100));
        },
        "written after free at 0x[0-9a-f]+, " + std::to_string(at) +
            " bytes into the freed block of 40 bytes");
  }
  EXPECT_DEATH(
      {
        char* p = Allocate(40);
        heap_->FreeUntold(p);
        p[3] = 1;
        heap_->CheckQuarantine();
      },
      "written after free");
}

TEST_F(Hardened, KeepsFreedBlocksWithinBounds) {
  char* first = Allocate(3000);
  heap_->FreeUntold(first);
  for (int i = 0; i < 300; ++i) {
    char* p = Allocate(3000);
    EXPECT_NE(p, first);
    heap_->FreeUntold(p);
  }
  for (int i = 0; i < 10'000; ++i) heap_->FreeUntold(Allocate(3000));
  EXPECT_LE(heap_->Stats().hardened.quarantinedBytes, kMiB);
  EXPECT_GE(heap_->Stats().hardened.quarantinedBytes, kMiB - 4000);
  for (int i = 0; i < 30'000; ++i) heap_->FreeUntold(Allocate(8));
  EXPECT_EQ(heap_->Stats().hardened.quarantinedBlocks, 8192U);
  heap_->Purge();
  EXPECT_EQ(heap_->Stats().hardened.quarantinedBlocks, 0U);
  EXPECT_TRUE(heap_->IsConsistent(0));
}

TEST_F(Guarded, StopsAtTheGuard) {
  for (const std::size_t size : {16, 4096, 100'000}) {
    char* p = Allocate(size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p + size) % kPageBytes, 0U);
    EXPECT_DEATH(static_cast<volatile char*>(p)[size] = 0, "");
    EXPECT_TRUE(heap_->ExplainFault(p + size));
    EXPECT_FALSE(heap_->ExplainFault(p));
    heap_->FreeUntold(p);
  }
  EXPECT_EQ(heap_->Stats().hardened.guardedAllocations, 3U);
  EXPECT_EQ(heap_->Stats().hardened.quarantinedRuns, 3U);
}

TEST_F(Guarded, KeepsFreedPagesInaccessibleForAWhile) {
  char* p = Allocate(100);
  heap_->FreeUntold(p);
  EXPECT_DEATH(static_cast<void>(*static_cast<volatile char*>(p)), "");
  EXPECT_TRUE(heap_->ExplainFault(p));
  EXPECT_DEATH(heap_->FreeUntold(p), "freed again");
  for (int i = 0; i < 1000; ++i) heap_->FreeUntold(Allocate(100));
  EXPECT_EQ(heap_->Stats().hardened.quarantinedRuns, 256U);
  heap_->Purge();
  EXPECT_EQ(heap_->Stats().pages.liveBytes, 0U);
  EXPECT_TRUE(heap_->IsConsistent(0));
}

TEST_F(Hardened, ServesBlocksOfMemoryWhereTheSystemRefusesGuards) {
  SetPageFailureHook([](PageCall call) noexcept { return call == PageCall::kForbid; });
  char* p = Allocate(100'000);
  heap_->Free(p, 100'000);
  SetPageFailureHook(nullptr);
  EXPECT_EQ(heap_->Stats().hardened.guardsRefused, 1U);
  heap_->Purge();
  EXPECT_EQ(heap_->Stats().pages.liveBytes, 0U);
}

TEST_F(Hardened, KeepsRunsThatTheSystemDoesNotGiveBackUntilItDoes) {
  char* p = Allocate(100'000);
  heap_->Free(p, 100'000);
  SetPageFailureHook([](PageCall call) noexcept { return call == PageCall::kCommit; });
  heap_->Purge();
  SetPageFailureHook(nullptr);
  EXPECT_EQ(heap_->Stats().hardened.quarantinedRuns, 1U);
  heap_->Purge();
  EXPECT_EQ(heap_->Stats().pages.liveBytes, 0U);
}

/** Threads that allocate, look at, resize and free blocks of their own and of one another. */
void Exercise(TheHeap* heap, std::uint64_t seed, int steps) {
  struct Block {
    unsigned char* p;
    std::size_t size, alignment;
    unsigned char mark;
  };
  std::mt19937_64 random(seed);
  std::vector<Block> blocks;
  const auto holds = [](const Block& block, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      if (block.p[i] != block.mark) return false;
    }
    return true;
  };
  for (int i = 0; i < steps; ++i) {
    const unsigned kind = random() % 8;
    if (blocks.size() < 20 || (kind < 4 && blocks.size() < 500)) {
      const std::size_t size = random() % (random() % 16 == 0 ? 200'000 : random() % 4 == 0 ? 5000 : 200);
      const std::size_t alignment = random() % 4 == 0 ? std::size_t{1} << random() % 14 : 0;
      const bool zeroed = random() % 4 == 0;
      Block block{static_cast<unsigned char*>(heap->Allocate(size, alignment, zeroed)), size, alignment, 0};
      ASSERT_NE(block.p, nullptr);
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block.p) % std::max<std::size_t>(alignment, 16), 0U);
      ASSERT_TRUE(!zeroed || holds(block, size));
      block.mark = static_cast<unsigned char>(random());
      std::memset(block.p, block.mark, size);
      blocks.push_back(block);
      continue;
    }
    Block& block = blocks[random() % blocks.size()];
    ASSERT_TRUE(holds(block, block.size));
    ASSERT_EQ(heap->UsableBytes(block.p), block.size);
    if (kind == 4) {
      const std::size_t size = 1 + random() % 10'000;
      const bool isTold = random() % 2 == 0;
      void* moved = isTold ? heap->Reallocate(block.p, block.size, size, block.alignment)
                           : heap->ReallocateUntold(block.p, size);
      ASSERT_NE(moved, nullptr);
      block.p = static_cast<unsigned char*>(moved);
      ASSERT_TRUE(holds(block, std::min(block.size, size)));
      block.size = size;
      std::memset(block.p, block.mark, size);
      continue;
    }
    if (kind % 2 == 0) {
      heap->FreeUntold(block.p);
    } else {
      heap->Free(block.p, block.size, block.alignment);
    }
    block = blocks.back();
    blocks.pop_back();
  }
  for (const Block& block : blocks) heap->FreeTold(block.p, block.size);
}

TEST(HardenedHeap, KeepsContentsInManyThreads) {
  for (const std::uint32_t guardEvery : {0, 1, 10, 1024}) {
    HeapConfig config;
    config.hardened = {true, std::size_t{256} << 10, guardEvery};
    TheHeap* heap = TheHeap::Create(config);
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i < 4; ++i) threads.emplace_back(Exercise, heap, i + guardEvery, 4000);
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(heap->IsConsistent(0));
    heap->Purge();
    EXPECT_EQ(heap->Stats().pages.liveBytes, 0U);
    EXPECT_EQ(heap->Stats().slabs.slabs, 0U);
    TheHeap::Destroy(heap);
  }
}

TEST(HardenedHeap, ReallocatesBetweenSlabsAndMalloc) {
  HeapConfig config;
  config.hardened.enabled = true;
  auto* heap = Heap<Preset::kSlab>::Create(config);
  char* p = static_cast<char*>(heap->Allocate(100));
  std::memset(p, 'x', 100);
  p = static_cast<char*>(heap->Reallocate(p, 100, 100'000));
  EXPECT_EQ(p[99], 'x');
  p = static_cast<char*>(heap->Reallocate(p, 100'000, 200));
  EXPECT_EQ(p[99], 'x');
  heap->Free(p, 200);
  EXPECT_EQ(heap->Stats().hardened.checkedFrees, 2U);
  EXPECT_DEATH(heap->Free(p, 200), "freed again");
  Heap<Preset::kSlab>::Destroy(heap);
}

TEST_F(Hardened, WorksInTheChildrenOfAForkAmongThreads) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < 2; ++i) {
    threads.emplace_back([&, i] {
      for (std::uint64_t round = 0; !stop; ++round) Exercise(heap_, round * 2 + i, 200);
    });
  }
  for (int i = 0; i < 20; ++i) {
    heap_->LockAll();
    const pid_t child = fork();
    heap_->UnlockAll();
    if (child == 0) {
      for (int n = 0; n < 10'000; ++n) heap_->FreeUntold(Allocate(static_cast<std::size_t>(n % 100)));
      heap_->FreeUntold(Allocate(100'000));
      heap_->Purge();
      _exit(0);
    }
    int status = 1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

TEST_F(Hardened, LeavesTransactionsAlone) {
  Transaction* transaction = heap_->Begin(nullptr, 1);
  void* p = heap_->Allocate(transaction, 100, 0, false);
  heap_->Free(transaction, p, 100);
  p = heap_->Allocate(transaction, 100, 0, false);
  EXPECT_DEATH(heap_->FreeUntold(p), "no block of this heap");
  heap_->Abort(transaction);
}

}  // namespace
}  // namespace rmem
