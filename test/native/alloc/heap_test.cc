#include "alloc/heap.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "alloc/block_model.h"

// The malloc of a sanitizer stops the program where every other one returns null.
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1";
}
extern "C" const char* __tsan_default_options() {
  return "allocator_may_return_null=1";
}

namespace rmem {
namespace {

HeapConfig SmallConfig() {
  HeapConfig config;
  config.reserveBytes = std::size_t{2} << 30;
  return config;
}

std::map<std::string, std::uint64_t> Counts(const HeapStats& stats) {
  std::map<std::string, std::uint64_t> counts;
  stats.ForEach(
      [](void* context, const char* key, std::uint64_t value) {
        (*static_cast<std::map<std::string, std::uint64_t>*>(context))[key] = value;
      },
      &counts);
  return counts;
}

// How many live blocks lie in slabs, as far as the test can tell from what it asked for.
template <Preset P>
bool GoesToSlabs(const HeapConfig& config, std::size_t size, std::size_t alignment) {
  if (!Heap<P>::kHasSlabs) return false;
  const std::size_t most = P == Preset::kSlab ? config.slabMaxBytes : config.sizeClasses->maxBytes();
  return size <= most && config.sizeClasses->ClassFor(size, alignment) != SizeClassTable::kNoClass;
}

template <class PresetConstant>
class HeapTest : public testing::Test {
 protected:
  static constexpr Preset kPreset = PresetConstant::value;
  using H = Heap<kPreset>;

  HeapTest() : heap_(H::Create(config_)) { EXPECT_NE(heap_, nullptr); }
  ~HeapTest() override { H::Destroy(heap_); }

  std::uint64_t InSlabs(const std::vector<TestBlock>& blocks) {
    std::uint64_t count = 0;
    for (const TestBlock& block : blocks) {
      count += block.p != nullptr && GoesToSlabs<kPreset>(config_, block.size, block.alignment) ? 1 : 0;
    }
    return count;
  }
  void ExpectEmpty() {
    EXPECT_TRUE(heap_->IsConsistent(0));
    heap_->Purge();
    const HeapStats stats = heap_->Stats();
    EXPECT_EQ(stats.pages.liveBytes, 0u);
    EXPECT_EQ(stats.pages.dirtyBytes, 0u);
    EXPECT_EQ(stats.slabs.slabs, 0u);
  }

  // One random operation on one of the blocks, with the contents checked whenever a block ends or moves.
  void Step(std::mt19937_64& random, TestBlock& block) {
    if (block.p == nullptr) {
      const bool zeroed = random() % 8 == 0;
      block = {nullptr, RandomSize(random), RandomAlignment(random), random()};
      block.p = static_cast<unsigned char*>(heap_->Allocate(block.size, block.alignment, zeroed));
      ASSERT_NE(block.p, nullptr) << block.size << " at " << block.alignment;
      ASSERT_TRUE(IsAligned(block)) << block.size << " at " << block.alignment;
      ASSERT_TRUE(!zeroed || IsZero(block));
      Fill(block);
    } else if (random() % 3 == 0) {
      TestBlock moved{nullptr, RandomSize(random), block.alignment, block.seed};
      ASSERT_TRUE(Holds(block));
      // Small parts are compared whole, since a pattern is checked at places that depend on the size.
      std::vector<unsigned char> kept(block.p,
                                      block.p + std::min({block.size, moved.size, std::size_t{3000}}));
      moved.p =
          static_cast<unsigned char*>(heap_->Reallocate(block.p, block.size, moved.size, block.alignment));
      ASSERT_NE(moved.p, nullptr);
      ASSERT_TRUE(IsAligned(moved));
      ASSERT_TRUE(std::equal(kept.begin(), kept.end(), moved.p));
      block = moved;
      Fill(block);
    } else {
      ASSERT_TRUE(Holds(block)) << block.size;
      heap_->Free(block.p, block.size, block.alignment);
      block = {};
    }
  }

  void FreeAll(std::vector<TestBlock>& blocks) {
    for (TestBlock& block : blocks) {
      if (block.p == nullptr) continue;
      ASSERT_TRUE(Holds(block));
      heap_->Free(block.p, block.size, block.alignment);
      block = {};
    }
  }

  HeapConfig config_ = SmallConfig();
  H* heap_;
};

template <Preset P>
using Constant = std::integral_constant<Preset, P>;
using Presets = testing::Types<Constant<Preset::kSlab>, Constant<Preset::kArena>, Constant<Preset::kLarge>,
                               Constant<Preset::kRustydb>>;
TYPED_TEST_SUITE(HeapTest, Presets);

TYPED_TEST(HeapTest, RandomOperationsKeepContentsAndConserveBlocks) {
  std::mt19937_64 random(11);
  std::vector<TestBlock> blocks(600);
  for (int step = 0; step < 40000; ++step) {
    ASSERT_NO_FATAL_FAILURE(this->Step(random, blocks[random() % blocks.size()]));
    if (step % 1000 == 0) {
      ASSERT_TRUE(this->heap_->IsConsistent(this->InSlabs(blocks)));
    }
  }
  this->FreeAll(blocks);
  this->ExpectEmpty();
}

TYPED_TEST(HeapTest, ThreadsPassBlocksToOneAnother) {
  constexpr int kThreads = 4;
  // Blocks wait on a shared table: whoever takes one may be another than who put it there.
  struct Shelf {
    std::mutex mutex;
    TestBlock block;
  };
  std::vector<Shelf> shelves(256);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(static_cast<std::uint64_t>(100 + t));
      for (int step = 0; step < 8000; ++step) {
        Shelf& shelf = shelves[random() % shelves.size()];
        TestBlock block;
        {
          const std::lock_guard guard(shelf.mutex);
          std::swap(block, shelf.block);
        }
        ASSERT_NO_FATAL_FAILURE(this->Step(random, block));
        {
          const std::lock_guard guard(shelf.mutex);
          std::swap(block, shelf.block);
        }
        if (block.p != nullptr) {
          ASSERT_TRUE(Holds(block));
          this->heap_->Free(block.p, block.size, block.alignment);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<TestBlock> left;
  for (Shelf& shelf : shelves) left.push_back(shelf.block);
  EXPECT_TRUE(this->heap_->IsConsistent(this->InSlabs(left)));
  this->FreeAll(left);
  this->ExpectEmpty();
}

TYPED_TEST(HeapTest, ThreadsComeAndGo) {
  std::vector<TestBlock> inherited;
  std::mutex mutex;
  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&, round, t] {
        std::mt19937_64 random(static_cast<std::uint64_t>(round * 8 + t));
        std::vector<TestBlock> own(40);
        {
          const std::lock_guard guard(mutex);  // some blocks of threads that are gone
          for (std::size_t i = 0; i < 10 && !inherited.empty(); ++i) {
            own[i] = inherited.back();
            inherited.pop_back();
          }
        }
        for (int step = 0; step < 300; ++step) {
          ASSERT_NO_FATAL_FAILURE(this->Step(random, own[random() % own.size()]));
        }
        const std::lock_guard guard(mutex);
        for (const TestBlock& block : own) {
          if (block.p != nullptr) inherited.push_back(block);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_TRUE(this->heap_->IsConsistent(this->InSlabs(inherited)));
  this->FreeAll(inherited);
  this->ExpectEmpty();
}

TYPED_TEST(HeapTest, ImpossibleRequestsAreNull) {
  for (const std::size_t size : {~std::size_t{0}, ~std::size_t{0} - 4096, std::size_t{1} << 62}) {
    EXPECT_EQ(this->heap_->Allocate(size, 0, false), nullptr);
    EXPECT_EQ(this->heap_->Allocate(size, 64, true), nullptr);
    void* p = this->heap_->Allocate(100, 0, false);
    EXPECT_EQ(this->heap_->Reallocate(p, 100, size, 0), nullptr);
    this->heap_->Free(p, 100, 0);
  }
  this->ExpectEmpty();
}

TYPED_TEST(HeapTest, SizeZeroIsABlockOfItsOwn) {
  void* a = this->heap_->Allocate(0, 0, false);
  void* b = this->heap_->Allocate(0, 0, true);
  ASSERT_NE(a, nullptr);
  ASSERT_NE(b, nullptr);
  EXPECT_NE(a, b);
  a = this->heap_->Reallocate(a, 0, 100, 0);
  a = this->heap_->Reallocate(a, 100, 0, 0);
  ASSERT_NE(a, nullptr);
  this->heap_->Free(a, 0, 0);
  this->heap_->Free(b, 0, 0);
  this->ExpectEmpty();
}

TYPED_TEST(HeapTest, RefusedMemoryLosesNothing) {
  static std::atomic<std::uint32_t> calls;
  calls = 0;
  std::vector<TestBlock> blocks(3000);
  std::mt19937_64 random(5);
  std::uint64_t failures = 0;
  for (int round = 0; round < 3; ++round) {
    {
      const FailingPages failing([](PageCall) noexcept { return calls.fetch_add(1) % 64 != 0; });
      for (TestBlock& block : blocks) {
        if (block.p != nullptr) continue;
        TestBlock wanted{nullptr, RandomSize(random), RandomAlignment(random), random()};
        wanted.p = static_cast<unsigned char*>(this->heap_->Allocate(wanted.size, wanted.alignment, false));
        if (wanted.p == nullptr) {
          ++failures;
          continue;
        }
        Fill(wanted);
        block = wanted;
      }
    }
    ASSERT_TRUE(this->heap_->IsConsistent(this->InSlabs(blocks)));
    for (std::size_t i = 0; i < blocks.size(); i += 2) {
      if (blocks[i].p == nullptr) continue;
      ASSERT_TRUE(Holds(blocks[i]));
      this->heap_->Free(blocks[i].p, blocks[i].size, blocks[i].alignment);
      blocks[i] = {};
    }
  }
  if (TestFixture::kPreset == Preset::kRustydb) {
    EXPECT_GT(failures, 0u);
  }
  this->FreeAll(blocks);
  this->ExpectEmpty();
}

TYPED_TEST(HeapTest, ThereIsNoHeapWithoutAddressSpace) {
  {
    const FailingPages failing([](PageCall) noexcept { return true; });
    EXPECT_EQ(TestFixture::H::Create(), nullptr);
  }
  // Whichever of the reservations fails, the others are given back.
  static std::atomic<int> left;
  for (int granted = 0; granted < 8; ++granted) {
    left = granted;
    const FailingPages failing([](PageCall) noexcept { return left.fetch_sub(1) <= 0; });
    EXPECT_EQ(TestFixture::H::Create(), nullptr) << granted;
  }
}

TEST(Heap, EachPresetServesItsOwnAndLeavesTheRestToMalloc) {
  Heap<Preset::kSlab>* slab = Heap<Preset::kSlab>::Create(SmallConfig());
  Heap<Preset::kLarge>* large = Heap<Preset::kLarge>::Create(SmallConfig());
  Heap<Preset::kArena>* arena = Heap<Preset::kArena>::Create(SmallConfig());
  const auto live = [](auto* heap) { return heap->Stats().pages.liveBytes; };
  void* p = slab->Allocate(4097, 0, false);
  EXPECT_EQ(live(slab), 0u);
  void* q = slab->Allocate(4096, 0, false);
  EXPECT_GT(live(slab), 0u);
  q = slab->Reallocate(q, 4096, 10000, 0);
  slab->Free(q, 10000, 0);
  slab->Free(p, 4097, 0);
  p = large->Allocate(std::size_t{256} << 10, 0, false);
  EXPECT_EQ(live(large), 0u);
  p = large->Reallocate(p, std::size_t{256} << 10, (std::size_t{256} << 10) + 1, 0);
  EXPECT_EQ(live(large), std::size_t{260} << 10);
  large->Free(p, (std::size_t{256} << 10) + 1, 0);
  p = arena->Allocate(100, 0, false);
  EXPECT_EQ(live(arena), 0u);
  Transaction* transaction = arena->Begin(nullptr, 0);
  arena->Allocate(transaction, 100, 0, false);
  EXPECT_GT(live(arena), 0u);
  arena->Abort(transaction);
  arena->Free(p, 100, 0);
  Heap<Preset::kSlab>::Destroy(slab);
  Heap<Preset::kLarge>::Destroy(large);
  Heap<Preset::kArena>::Destroy(arena);
}

TEST(Heap, StatsShowWhatThePresetHas) {
  auto* slab = Heap<Preset::kSlab>::Create(SmallConfig());
  auto* rustydb = Heap<Preset::kRustydb>::Create(SmallConfig());
  void* p = rustydb->Allocate(100, 0, false);
  void* q = rustydb->Allocate(300'000, 0, false);
  const auto all = Counts(rustydb->Stats());
  EXPECT_EQ(all.at("magazineRefills"), 1u);
  EXPECT_EQ(all.at("slabs"), 1u);
  EXPECT_EQ(all.at("largeLiveBytes"), 74 * kPageBytes);
  EXPECT_EQ(all.at("liveBytes"), (74 + 1) * kPageBytes);
  EXPECT_TRUE(all.contains("arenaCommitted"));
  const auto some = Counts(slab->Stats());
  EXPECT_TRUE(some.contains("slabs"));
  EXPECT_FALSE(some.contains("arenaCommitted"));
  EXPECT_FALSE(some.contains("largeLiveBytes"));
  rustydb->Free(p, 100, 0);
  rustydb->Free(q, 300'000, 0);
  Heap<Preset::kSlab>::Destroy(slab);
  Heap<Preset::kRustydb>::Destroy(rustydb);
}

// A tree of open transactions and their blocks, replayed at random against the heap.
TEST(Heap, RandomTransactionsKeepContentsAndGiveAllBack) {
  using H = Heap<Preset::kRustydb>;
  H* heap = H::Create(SmallConfig());
  struct Open {
    Transaction* transaction;
    std::size_t parent;  // index + 1
    std::vector<TestBlock> blocks;
  };
  std::mt19937_64 random(77);
  std::vector<Open> open;  // a stack: children above parents
  std::vector<TestBlock> outside(100);
  for (int step = 0; step < 60000; ++step) {
    const std::uint64_t choice = random() % 32;
    if (open.empty() || (choice == 0 && open.size() < 12)) {
      const std::size_t parent = open.empty() || random() % 4 == 0 ? 0 : 1 + random() % open.size();
      Transaction* above = parent == 0 ? nullptr : open[parent - 1].transaction;
      open.push_back({heap->Begin(above, static_cast<std::uint32_t>(random() % 5)), parent, {}});
      ASSERT_NE(open.back().transaction, nullptr);
    } else if (choice == 1) {
      Open ended = std::move(open.back());
      open.pop_back();
      for (const TestBlock& block : ended.blocks) ASSERT_TRUE(Holds(block));
      const std::uint64_t ending = random() % 3;
      if (ending == 0) {
        heap->Abort(ended.transaction);
      } else {
        heap->Commit(ended.transaction, ending == 1);
      }
      if (ending == 1 && ended.parent != 0) {
        std::vector<TestBlock>& above = open[ended.parent - 1].blocks;
        above.insert(above.end(), ended.blocks.begin(), ended.blocks.end());
      }
    } else if (choice < 6) {
      TestBlock& block = outside[random() % outside.size()];
      if (block.p != nullptr) {
        ASSERT_TRUE(Holds(block));
        heap->Free(block.p, block.size, 0);
      }
      block = {nullptr, RandomSize(random), 0, random()};
      block.p = static_cast<unsigned char*>(heap->Allocate(block.size, 0, false));
      ASSERT_NE(block.p, nullptr);
      Fill(block);
    } else {
      Open& where = open[random() % open.size()];
      std::vector<TestBlock>& blocks = where.blocks;
      if (choice < 20 || blocks.empty()) {
        const bool zeroed = random() % 8 == 0;
        TestBlock block{nullptr, RandomSize(random), RandomAlignment(random), random()};
        block.p = static_cast<unsigned char*>(
            heap->Allocate(where.transaction, block.size, block.alignment, zeroed));
        ASSERT_NE(block.p, nullptr);
        ASSERT_TRUE(IsAligned(block));
        ASSERT_TRUE(!zeroed || IsZero(block));
        Fill(block);
        blocks.push_back(block);
        continue;
      }
      const std::size_t at = random() % 2 == 0 ? blocks.size() - 1 : random() % blocks.size();
      TestBlock& block = blocks[at];
      ASSERT_TRUE(Holds(block));
      if (choice < 26) {
        heap->Free(where.transaction, block.p, block.size);
        block = blocks.back();
        blocks.pop_back();
      } else {
        TestBlock moved{nullptr, RandomSize(random), block.alignment, random()};
        std::vector<unsigned char> kept(block.p,
                                        block.p + std::min({block.size, moved.size, std::size_t{3000}}));
        moved.p = static_cast<unsigned char*>(
            heap->Reallocate(where.transaction, block.p, block.size, moved.size, block.alignment));
        ASSERT_NE(moved.p, nullptr);
        ASSERT_TRUE(IsAligned(moved));
        ASSERT_TRUE(std::equal(kept.begin(), kept.end(), moved.p));
        Fill(moved);
        block = moved;
      }
    }
  }
  while (!open.empty()) {
    heap->Abort(open.back().transaction);
    open.pop_back();
  }
  for (const TestBlock& block : outside) {
    if (block.p == nullptr) continue;
    ASSERT_TRUE(Holds(block));
    heap->Free(block.p, block.size, 0);
  }
  EXPECT_TRUE(heap->IsConsistent(0));
  heap->Purge();
  EXPECT_EQ(heap->Stats().pages.liveBytes, 0u);
  H::Destroy(heap);
}

TEST(Heap, TransactionsOfManyThreadsShareThePages) {
  using H = Heap<Preset::kRustydb>;
  H* heap = H::Create(SmallConfig());
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(t);
      for (int i = 0; i < 400; ++i) {
        Transaction* transaction = heap->Begin(nullptr, t);
        std::vector<TestBlock> blocks;
        const std::uint64_t count = random() % (random() % 16 == 0 ? 2000 : 100);
        for (std::uint64_t j = 0; j < count; ++j) {
          TestBlock block{nullptr, random() % 400, 0, random()};
          block.p =
              static_cast<unsigned char*>(j % 3 == 0 ? heap->Allocate(block.size, 0, false)
                                                     : heap->Allocate(transaction, block.size, 0, false));
          ASSERT_NE(block.p, nullptr);
          Fill(block);
          blocks.push_back(block);
        }
        for (std::size_t j = 0; j < blocks.size(); ++j) {
          ASSERT_TRUE(Holds(blocks[j]));
          if (j % 3 == 0) heap->Free(blocks[j].p, blocks[j].size, 0);
        }
        if (i % 2 == 0) {
          heap->Commit(transaction, false);
        } else {
          heap->Abort(transaction);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(heap->IsConsistent(0));
  heap->Purge();
  EXPECT_EQ(heap->Stats().pages.liveBytes, 0u);
  EXPECT_EQ(heap->Stats().arenas.committed + heap->Stats().arenas.aborted, 1600u);
  H::Destroy(heap);
}

// In pages, from /proc/self/statm: the whole address space, what is resident, what of it is shared.
struct MemoryPages {
  std::size_t size = 0, resident = 0, shared = 0;
};

MemoryPages ReadMemoryPages() {
  MemoryPages pages;
  FILE* statm = std::fopen("/proc/self/statm", "r");
  EXPECT_NE(statm, nullptr);
  EXPECT_EQ(std::fscanf(statm, "%zu %zu %zu", &pages.size, &pages.resident, &pages.shared), 3);
  std::fclose(statm);
  return pages;
}

TEST(Heap, FindsSizesByAddressForAMalloc) {
  using H = Heap<Preset::kRustydb>;
  H* heap = H::Create(SmallConfig());
  ASSERT_NE(heap, nullptr);
  const SizeClassTable& table = SizeClassTable::Default();
  std::mt19937_64 random(3);
  std::vector<TestBlock> blocks;
  std::uint64_t inSlabs = 0;
  const auto isInSlab = [&](const TestBlock& block) {
    return heap->UsableBytes(block.p) <= table.maxBytes() && heap->IsSlabTag(heap->TagOf(block.p));
  };
  for (int i = 0; i < 20'000; ++i) {
    const unsigned what = random() % 8;
    if (what < 4 || blocks.empty()) {
      TestBlock block{};
      block.size = random() % (std::size_t{1} << (random() % 20));
      const std::size_t alignment = random() % 4 == 0 ? std::size_t{8} << (random() % 12) : 0;
      block.p = static_cast<unsigned char*>(heap->Allocate(block.size, alignment));
      ASSERT_NE(block.p, nullptr);
      if (alignment != 0) {
        ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block.p) % alignment, 0u);
      }
      ASSERT_GE(heap->UsableBytes(block.p), block.size);
      // All that is usable is the caller's.
      block.size = heap->UsableBytes(block.p);
      block.seed = i;
      Fill(block);
      inSlabs += isInSlab(block) ? 1 : 0;
      blocks.push_back(block);
      continue;
    }
    TestBlock& block = blocks[random() % blocks.size()];
    ASSERT_TRUE(Holds(block, block.size));
    inSlabs -= isInSlab(block) ? 1 : 0;
    if (what < 6) {
      const std::size_t size = 1 + random() % (std::size_t{1} << (random() % 20));
      const std::size_t kept = std::min(block.size, size);
      block.p = static_cast<unsigned char*>(heap->ReallocateUntold(block.p, size));
      ASSERT_NE(block.p, nullptr);
      ASSERT_TRUE(Holds(block, kept));
      block.size = heap->UsableBytes(block.p);
      ASSERT_GE(block.size, size);
      Fill(block);
      inSlabs += isInSlab(block) ? 1 : 0;
    } else {
      heap->FreeUntold(block.p);
      block = blocks.back();
      blocks.pop_back();
    }
  }
  EXPECT_TRUE(heap->IsConsistent(inSlabs));
  for (const TestBlock& block : blocks) heap->FreeUntold(block.p);
  EXPECT_TRUE(heap->IsConsistent(0));
  EXPECT_EQ(heap->Stats().large.liveBytes, 0u);
  H::Destroy(heap);
}

TEST(Heap, StopsAtTheFreeOfWhatIsNoBlock) {
  using H = Heap<Preset::kRustydb>;
  H* heap = H::Create(SmallConfig());
  void* large = heap->Allocate(300'000);
  EXPECT_DEATH(heap->FreeUntold(&heap), "not a block of this heap");
  EXPECT_DEATH(heap->FreeUntold(static_cast<char*>(large) + 2 * kPageBytes), "not a block of this heap");
  heap->FreeUntold(large);
  EXPECT_DEATH(heap->FreeUntold(large), "not a block of this heap");
  H::Destroy(heap);
}

TEST(Heap, ASmallHeapIsSmall) {
  using H = Heap<Preset::kRustydb>;
  const auto residentBytes = [] {
    const MemoryPages pages = ReadMemoryPages();
    return (pages.resident - pages.shared) * kPageBytes;
  };
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "shadow memory is resident too";
#endif
  constexpr std::size_t kBlocks = 5000;
  static TestBlock blocks[kBlocks];
  for (TestBlock& block : blocks) block.seed = 1;  // resident before we look
  residentBytes();
  const std::size_t before = residentBytes();
  H* heap = H::Create();
  std::mt19937_64 random(1);
  std::size_t live = 0;
  for (TestBlock& block : blocks) {
    block.size = 16 + random() % 500;
    block.p = static_cast<unsigned char*>(heap->Allocate(block.size, 0, false));
    std::memset(block.p, 1, block.size);
    live += block.size;
  }
  const std::size_t after = residentBytes();
  EXPECT_LT(after - before, live + live / 4) << "for " << live << " bytes alive";
  for (const TestBlock& block : blocks) heap->Free(block.p, block.size, 0);
  H::Destroy(heap);
}

TEST(Heap, LivesUnderAnAddressSpaceLimit) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's own address space is beyond any limit";
#endif
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const std::size_t most = ReadMemoryPages().size * kPageBytes + (std::size_t{1} << 30);
    const rlimit limit{most, most};
    if (::setrlimit(RLIMIT_AS, &limit) != 0) ::_exit(2);
    using H = Heap<Preset::kRustydb>;
    H* heap = H::Create();
    if (heap == nullptr) ::_exit(3);
    std::size_t count = 0;
    while (void* p = heap->Allocate(1 << 20, 0, false)) {
      std::memset(p, 1, 4096);
      ++count;
    }
    void* ours = std::malloc(1 << 20);  // others still get memory
    ::_exit(count >= 256 && ours != nullptr ? 0 : 4);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace rmem
