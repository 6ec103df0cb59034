#include "os/cpu_stacks.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <thread>
#include <vector>

namespace rmem {
namespace {

constexpr unsigned kStacks = 3;
constexpr unsigned kCapacity = 8;

class CpuStacksTest : public testing::Test {
 protected:
  CpuStacksTest() : memory_(kMaxCpus), stacks_(kMaxCpus) {
    for (unsigned cpu = 0; cpu < kMaxCpus; ++cpu) {
      Cpu& own = memory_[cpu];
      for (unsigned index = 0; index < kStacks; ++index) {
        void** const first = own.slots[index].data() + 1;
        own.stacks[index] = {first, first + kCapacity};
      }
      stacks_[cpu] = own.stacks.data();
    }
  }
  void SetUp() override {
    if (!HasCpuStacks()) GTEST_SKIP() << "no restartable sequences here";
  }

  struct Cpu {
    std::array<std::array<void*, kCapacity + 1>, kStacks> slots{};
    std::array<PointerStack, kStacks> stacks{};
  };
  std::vector<Cpu> memory_;
  std::vector<PointerStack*> stacks_;
};

void PinToCpu(unsigned cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  ASSERT_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
}

TEST_F(CpuStacksTest, OfOneCpuAreStacks) {
  std::thread([&] {
    const unsigned cpu = CurrentCpu();
    ASSERT_LT(cpu, kMaxCpus);
    PinToCpu(cpu);
    EXPECT_EQ(PopOnCpu(stacks_.data(), 1), nullptr);
    std::array<int, kCapacity + 1> values{};
    for (unsigned i = 0; i < kCapacity; ++i) EXPECT_TRUE(PushOnCpu(stacks_.data(), 1, &values[i]));
    EXPECT_FALSE(PushOnCpu(stacks_.data(), 1, &values[kCapacity])) << "it is full";
    EXPECT_EQ(PopOnCpu(stacks_.data(), 0), nullptr) << "another stack";
    EXPECT_EQ(PopOnCpu(stacks_.data(), 2), nullptr);
    EXPECT_EQ(memory_[cpu].stacks[1].top, memory_[cpu].stacks[1].end);
    for (unsigned i = kCapacity; i-- != 0;) EXPECT_EQ(PopOnCpu(stacks_.data(), 1), &values[i]);
    EXPECT_EQ(PopOnCpu(stacks_.data(), 1), nullptr);
  }).join();
}

// Pointers are neither lost nor doubled, whatever interrupts whom.
TEST_F(CpuStacksTest, ThreadsThatTakeTurnsLoseNothing) {
  constexpr int kThreads = 16;
  constexpr int kEach = 4;
  constexpr int kRounds = 60'000;
  std::vector<std::array<int, kEach>> values(kThreads);
  std::vector<std::vector<void*>> held(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::vector<void*>& mine = held[static_cast<std::size_t>(t)];
      for (int& value : values[static_cast<std::size_t>(t)]) mine.push_back(&value);
      for (int round = 0; round < kRounds; ++round) {
        const auto index = static_cast<unsigned>(round) % kStacks;
        if (!mine.empty() && PushOnCpu(stacks_.data(), index, mine.back())) mine.pop_back();
        if (round % 1000 == 0) std::this_thread::yield();
        if (void* got = PopOnCpu(stacks_.data(), index)) mine.push_back(got);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<void*> all;
  for (const std::vector<void*>& mine : held) all.insert(all.end(), mine.begin(), mine.end());
  for (Cpu& cpu : memory_) {
    for (unsigned index = 0; index < kStacks; ++index) {
      EXPECT_EQ(cpu.slots[index][0], nullptr);
      all.insert(all.end(), cpu.slots[index].data() + 1, cpu.stacks[index].top);
    }
  }
  std::vector<void*> expected;
  for (auto& of : values) {
    for (int& value : of) expected.push_back(&value);
  }
  std::sort(all.begin(), all.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(all, expected);
}

TEST_F(CpuStacksTest, AfterTheBarrierNobodyUsesWhatWasTakenAway) {
  if (!WaitForCpuSequences()) GTEST_SKIP() << "a kernel without the barrier";
  std::array<void*, 2> none{};
  std::array<PointerStack, kStacks> empty;
  empty.fill({none.data() + 1, none.data() + 1});
  std::atomic<bool> stop{false};
  std::atomic<int> pushed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      int value = 0;
      while (!stop.load()) {
        if (PushOnCpu(stacks_.data(), 0, &value)) ++pushed;
        PopOnCpu(stacks_.data(), 0);
      }
    });
  }
  while (pushed.load() < 1000) std::this_thread::yield();
  for (int round = 0; round < 300; ++round) {
    for (unsigned cpu = 0; cpu < kMaxCpus; ++cpu)
      std::atomic_ref<PointerStack*>(stacks_[cpu]).store(empty.data());
    ASSERT_TRUE(WaitForCpuSequences());
    std::vector<void**> tops;
    for (const Cpu& cpu : memory_) tops.push_back(cpu.stacks[0].top);
    for (int i = 0; i < 100; ++i) std::atomic_signal_fence(std::memory_order_seq_cst);
    for (unsigned cpu = 0; cpu < kMaxCpus; ++cpu) EXPECT_EQ(memory_[cpu].stacks[0].top, tops[cpu]);
    for (unsigned cpu = 0; cpu < kMaxCpus; ++cpu)
      std::atomic_ref<PointerStack*>(stacks_[cpu]).store(memory_[cpu].stacks.data());
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace rmem
