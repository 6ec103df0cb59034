#include <gtest/gtest.h>

#include <cstdio>
#include <thread>
#include <vector>

#include "alloc/block_model.h"
#include "alloc/heap.h"

// Each call to the kernel that a run makes is refused once in a run of its own, and in another one with all
// that follow it.

namespace rmem {
namespace {

constexpr std::size_t kReserveBytes = std::size_t{64} << 20;

std::size_t AddressSpacePages() {
  std::size_t pages = 0;
  FILE* statm = std::fopen("/proc/self/statm", "r");
  EXPECT_NE(statm, nullptr);
  EXPECT_EQ(std::fscanf(statm, "%zu", &pages), 1);
  std::fclose(statm);
  return pages;
}

/** Refuses the call of number `at`, or every call from there on. */
class Refusal {
 public:
  Refusal(int at, bool forGood) {
    at_ = at;
    forGood_ = forGood;
    calls_ = 0;
    SetPageFailureHook([](PageCall) noexcept {
      ++calls_;
      return forGood_ ? calls_ >= at_ : calls_ == at_;
    });
  }
  ~Refusal() { SetPageFailureHook(nullptr); }
  Refusal(const Refusal&) = delete;
  Refusal& operator=(const Refusal&) = delete;

  static bool reached() { return calls_ >= at_; }

 private:
  static inline int at_ = 0, calls_ = 0;
  static inline bool forGood_ = false;
};

/** Operations of every kind in a fixed order, which go on where one is refused. Until `reached` says that a
 * call was refused, none may be. */
class Run {
 public:
  using Reached = bool (*)();
  Run(Heap<Preset::kRustydb>& heap, Reached reached) : heap_(heap), reached_(reached) {}

  void All() {
    for (std::size_t size = 1; size < 400'000; size += size / 2 + 1) Allocate(size, 0, size % 2 == 0);
    for (std::size_t alignment = 32; alignment <= kHugePageBytes; alignment *= 8)
      Allocate(1000, alignment, false);
    for (int i = 0; i < 250; ++i) Allocate(100, 0, false);
    Allocate(std::size_t{5} << 20, 0, true);
    for (std::size_t i = 0; i < blocks_.size(); i += 3) Reallocate(i, blocks_[i].size * 2 + 1000);
    for (std::size_t i = 1; i < blocks_.size(); i += 5) Reallocate(i, blocks_[i].size / 3);
    ASSERT_NO_FATAL_FAILURE(Transactions());
    std::thread([&] {
      for (int i = 0; i < 50; ++i) Allocate(3000, 0, false);
      FreeEvery(2);
    }).join();
    heap_.Purge();
    for (int i = 0; i < 4; ++i) Allocate(700'000, 0, true);
    FreeEvery(3);
    Allocate(std::size_t{3} << 20, 0, true);
    for (const TestBlock& block : blocks_) ASSERT_TRUE(Holds(block));
  }

  void FreeEvery(std::size_t every) {
    for (std::size_t i = blocks_.size(); i-- > 0;) {
      if (i % every != 0) continue;
      ASSERT_TRUE(Holds(blocks_[i]));
      heap_.Free(blocks_[i].p, blocks_[i].size, blocks_[i].alignment);
      blocks_[i] = blocks_.back();
      blocks_.pop_back();
    }
  }

 private:
  void Expect(const void* p) { ASSERT_TRUE(p != nullptr || reached_()) << "refused before the kernel did"; }

  void Allocate(std::size_t size, std::size_t alignment, bool zeroed) {
    TestBlock block{nullptr, size, alignment, blocks_.size() + 1};
    block.p = static_cast<unsigned char*>(heap_.Allocate(size, alignment, zeroed));
    Expect(block.p);
    if (block.p == nullptr) return;
    ASSERT_TRUE(IsAligned(block));
    ASSERT_TRUE(!zeroed || IsZero(block));
    Fill(block);
    blocks_.push_back(block);
  }

  void Reallocate(std::size_t at, std::size_t size) {
    TestBlock& block = blocks_[at];
    const std::size_t kept = std::min(block.size, size);
    void* moved = heap_.Reallocate(block.p, block.size, size, block.alignment);
    Expect(moved);
    if (moved != nullptr) block.p = static_cast<unsigned char*>(moved);
    ASSERT_TRUE(Holds(block, moved != nullptr ? kept : block.size));
    if (moved == nullptr) return;
    block.size = size;
    Fill(block);
  }

  void Transactions() {
    Transaction* parent = heap_.Begin(nullptr, 1);
    Expect(parent);
    if (parent == nullptr) return;
    std::vector<TestBlock> held;
    const auto allocate = [&](Transaction* transaction, std::size_t size) {
      TestBlock block{nullptr, size, 0, size};
      block.p = static_cast<unsigned char*>(heap_.Allocate(transaction, size, 0, false));
      Expect(block.p);
      if (block.p == nullptr) return;
      Fill(block);
      held.push_back(block);
    };
    for (std::size_t size = 1; size < 300'000; size += size / 2 + 7) allocate(parent, size);
    if (Transaction* child = heap_.Begin(parent, 2)) {
      for (std::size_t size = 2; size < 300'000; size += size / 2 + 7) allocate(child, size);
      heap_.Commit(child, true);
    } else {
      Expect(nullptr);
    }
    if (Transaction* savepoint = heap_.Begin(parent, 3)) {
      for (int i = 0; i < 100; ++i) Expect(heap_.Allocate(savepoint, 1000, 0, false));
      heap_.Abort(savepoint);
    } else {
      Expect(nullptr);
    }
    for (TestBlock& block : held) {
      ASSERT_TRUE(Holds(block));
      void* moved = heap_.Reallocate(parent, block.p, block.size, block.size + 5000, 0);
      Expect(moved);
      if (moved != nullptr) block.p = static_cast<unsigned char*>(moved);
      ASSERT_TRUE(Holds(block));
    }
    heap_.Commit(parent, false);
  }

  Heap<Preset::kRustydb>& heap_;
  Reached reached_;
  std::vector<TestBlock> blocks_;
};

/** One run with a refusal; whether it was reached. */
bool RunRefused(int at, bool forGood, Fit fit) {
  using H = Heap<Preset::kRustydb>;
  HeapConfig config;
  config.reserveBytes = kReserveBytes;
  config.dirtyCapBytes = std::size_t{256} << 10;
  config.fit = fit;
  H* heap = nullptr;
  bool reached = false;
  {
    Refusal refusal(at, forGood);
    heap = H::Create(config);
    if (heap == nullptr) {
      EXPECT_TRUE(Refusal::reached());
      return true;
    }
    Run run(*heap, Refusal::reached);
    run.All();
    run.FreeEvery(1);
    reached = Refusal::reached();
  }
  EXPECT_TRUE(heap->IsConsistent(0));
  // With memory there again nothing is missing.
  Run again(*heap, [] { return false; });
  again.All();
  again.FreeEvery(1);
  EXPECT_TRUE(heap->IsConsistent(0));
  heap->Purge();
  const HeapStats stats = heap->Stats();
  EXPECT_EQ(stats.pages.liveBytes, 0u);
  EXPECT_EQ(stats.pages.dirtyBytes, 0u);
  EXPECT_EQ(stats.slabs.slabs, 0u);
  EXPECT_EQ(stats.large.liveBytes, 0u);
  H::Destroy(heap);
  return reached;
}

class RefusedCallTest : public testing::TestWithParam<bool> {};

TEST_P(RefusedCallTest, EachIsSurvivedAndLeavesNothingBehind) {
  RunRefused(1 << 30, false, Fit::kBest);
  const std::size_t before = AddressSpacePages();
  int at = 0;
  // The fits take turns; none of them makes that many calls any more.
  for (int unreached = 0; unreached < 3 && !HasFailure(); ++at) {
    if (!RunRefused(at + 1, GetParam(), static_cast<Fit>(at % 3))) ++unreached;
  }
  EXPECT_FALSE(HasFailure()) << "at call " << at;
  EXPECT_GT(at, 40) << "a run makes hardly any call";
  EXPECT_LT(AddressSpacePages(), before + kReserveBytes / kPageBytes) << "a reservation was lost";
}

INSTANTIATE_TEST_SUITE_P(OnceAndForGood, RefusedCallTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "ForGood" : "Once"; });

}  // namespace
}  // namespace rmem
