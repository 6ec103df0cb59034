#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

#include "alloc/block_model.h"
#include "alloc/heap.h"

// Many threads on one heap, every content checked. STRESS_SECONDS=N makes it run so long (default 1),
// STRESS_SEED chooses other operations.

namespace rmem {
namespace {

using H = Heap<Preset::kRustydb>;

std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

class StressTest : public testing::Test {
 protected:
  StressTest() {
    HeapConfig config;
    config.reserveBytes = std::size_t{4} << 30;
    config.dirtyCapBytes = std::size_t{1} << 20;
    heap_ = H::Create(config);
    EXPECT_NE(heap_, nullptr);
  }
  ~StressTest() override { H::Destroy(heap_); }

  TestBlock Take(std::mt19937_64& random) {
    TestBlock block{nullptr, RandomSize(random), RandomAlignment(random), random()};
    const bool zeroed = random() % 8 == 0;
    block.p = static_cast<unsigned char*>(heap_->Allocate(block.size, block.alignment, zeroed));
    Check(block.p != nullptr && IsAligned(block) && (!zeroed || IsZero(block)));
    if (block.p != nullptr) Fill(block);
    return block;
  }

  void Resize(TestBlock& block, std::mt19937_64& random) {
    Check(Holds(block));
    const std::size_t size = RandomSize(random);
    void* moved = heap_->Reallocate(block.p, block.size, size, block.alignment);
    Check(moved != nullptr);
    if (moved == nullptr) return;
    block.p = static_cast<unsigned char*>(moved);
    Check(Holds(block, std::min(block.size, size)));
    block.size = size;
    Fill(block);
  }

  void GiveBack(const TestBlock& block) {
    Check(Holds(block));
    heap_->Free(block.p, block.size, block.alignment);
  }

  // Assertions of GoogleTest take a lock; this one does only where it fails.
  void Check(bool good) {
    if (!good && wrong_.fetch_add(1) == 0) ADD_FAILURE() << "a block is not what it has to be";
  }

  void ExpectEmpty() {
    EXPECT_EQ(wrong_, 0u);
    EXPECT_TRUE(heap_->IsConsistent(0));
    heap_->Purge();
    const HeapStats stats = heap_->Stats();
    EXPECT_EQ(stats.pages.liveBytes, 0u);
    EXPECT_EQ(stats.pages.dirtyBytes, 0u);
    EXPECT_EQ(stats.slabs.slabs, 0u);
    EXPECT_EQ(stats.large.liveBytes, 0u);
  }

  H* heap_;
  std::atomic<std::uint64_t> wrong_{0};
};

/** Blocks on their way from one thread to another. */
class Shelf {
 public:
  /** Puts `block` where another one may lie, which the caller gets. */
  void Swap(std::mt19937_64& random, TestBlock& block) {
    Place& place = places_[random() % places_.size()];
    const std::lock_guard guard(place.mutex);
    std::swap(place.block, block);
  }
  template <class Visit>
  void ForEach(Visit visit) {
    for (Place& place : places_) visit(place.block);
  }

 private:
  struct Place {
    std::mutex mutex;
    TestBlock block;
  };
  std::array<Place, 512> places_;
};

TEST_F(StressTest, ThreadsOfAllKindsAtOnce) {
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::seconds(FromEnvironment("STRESS_SECONDS", 1));
  const std::uint64_t seed = FromEnvironment("STRESS_SEED", 1);
  const auto goesOn = [&] { return std::chrono::steady_clock::now() < end && wrong_ == 0; };
  Shelf shelf;
  std::vector<std::thread> threads;
  const auto start = [&](auto work) {
    threads.emplace_back([work, &goesOn, random = std::mt19937_64(seed * 1000 + threads.size())]() mutable {
      do work(random);
      while (goesOn());
    });
  };
  // Producers only allocate, consumers only free, and the others do both.
  const auto produce = [&](std::mt19937_64& random) {
    for (int i = 0; i < 100; ++i) {
      TestBlock block = Take(random);
      shelf.Swap(random, block);
      if (block.p != nullptr) GiveBack(block);
    }
  };
  const auto consume = [&](std::mt19937_64& random) {
    for (int i = 0; i < 100; ++i) {
      TestBlock block;
      shelf.Swap(random, block);
      if (block.p == nullptr) continue;
      if (i % 3 == 0) Resize(block, random);
      GiveBack(block);
    }
  };
  start(produce);
  start(produce);
  start(consume);
  // Threads that end with blocks alive, which others free, and with full caches.
  start([&](std::mt19937_64& random) {
    std::thread([&] {
      produce(random);
      consume(random);
    }).join();
  });
  start([&](std::mt19937_64& random) {
    Transaction* transaction = heap_->Begin(nullptr, static_cast<std::uint32_t>(random() % 4));
    Check(transaction != nullptr);
    if (transaction == nullptr) return;
    std::vector<TestBlock> blocks;
    for (int i = 0; i < 60; ++i) {
      TestBlock block{nullptr, RandomSize(random), 0, random()};
      block.p = static_cast<unsigned char*>(heap_->Allocate(transaction, block.size, 0, false));
      Check(block.p != nullptr);
      if (block.p == nullptr) continue;
      Fill(block);
      blocks.push_back(block);
    }
    for (const TestBlock& block : blocks) Check(Holds(block));
    if (random() % 2 == 0) {
      heap_->Commit(transaction, false);
    } else {
      heap_->Abort(transaction);
    }
  });
  start([&](std::mt19937_64&) {
    heap_->Purge();
    heap_->Stats();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  });
  for (std::thread& thread : threads) thread.join();
  shelf.ForEach([&](TestBlock& block) {
    if (block.p != nullptr) GiveBack(block);
  });
  ExpectEmpty();
}

std::size_t ResidentBytes() {
  std::size_t size = 0, resident = 0;
  FILE* statm = std::fopen("/proc/self/statm", "r");
  EXPECT_NE(statm, nullptr);
  EXPECT_EQ(std::fscanf(statm, "%zu %zu", &size, &resident), 2);
  std::fclose(statm);
  return resident * kPageBytes;
}

TEST_F(StressTest, AThousandThreadsComeAndGoAndLeaveNothing) {
  Shelf shelf;
  std::uint64_t seed = FromEnvironment("STRESS_SEED", 1);
  const auto come = [&](int count) {
    for (int done = 0; done < count; done += 8) {
      std::vector<std::thread> threads;
      for (int t = 0; t < 8; ++t) {
        threads.emplace_back([&, random = std::mt19937_64(++seed)]() mutable {
          for (int i = 0; i < 60; ++i) {
            TestBlock block = Take(random);
            shelf.Swap(random, block);
            if (block.p != nullptr) GiveBack(block);
          }
        });
      }
      for (std::thread& thread : threads) thread.join();
    }
    // None of their blocks is left, so that what is resident is the heap's own.
    shelf.ForEach([&](TestBlock& block) {
      if (block.p != nullptr) GiveBack(block);
      block = {};
    });
    heap_->Purge();
  };
  come(80);
  const HeapStats before = heap_->Stats();
  [[maybe_unused]] const std::size_t residentBefore = ResidentBytes();
  come(1000);
  const HeapStats after = heap_->Stats();
  EXPECT_EQ(after.metadataBytes, before.metadataBytes);
  EXPECT_EQ(after.pages.liveBytes, before.pages.liveBytes);
  EXPECT_EQ(after.slabs.slabs, before.slabs.slabs);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(ResidentBytes(), residentBefore + (std::size_t{1} << 20));
#endif
  ExpectEmpty();
}

}  // namespace
}  // namespace rmem
