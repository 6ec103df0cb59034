#include "base/clock.h"

#include <gtest/gtest.h>
#include <time.h>

namespace rmem {
namespace {

TEST(ClockTest, MonotonicTimeFollowsASleep) {
  const std::uint64_t before = MonotonicNs();
  const timespec tenMs{0, 10'000'000};
  nanosleep(&tenMs, nullptr);
  EXPECT_GE(MonotonicNs() - before, 10'000'000u);
}

TEST(ClockTest, CpuTimeDoesNotGrowWhileSleeping) {
  const std::uint64_t before = ProcessCpuNs();
  const timespec fiftyMs{0, 50'000'000};
  nanosleep(&fiftyMs, nullptr);
  EXPECT_LT(ProcessCpuNs() - before, 25'000'000u);
}

TEST(ClockTest, OperationClockMeasuresInNanoseconds) {
  const OperationClock clock = OperationClock::Calibrate();
  const std::uint64_t startNs = MonotonicNs();
  const std::uint64_t before = clock.Before();
  while (MonotonicNs() - startNs < 20'000'000) {
  }
  const double ns = static_cast<double>(clock.After() - before) * clock.nsPerTick();
  const double exact = static_cast<double>(MonotonicNs() - startNs);
  EXPECT_NEAR(ns, exact, exact * 0.01);
}

TEST(ClockTest, OperationClockKnowsItsCost) {
  const OperationClock clock = OperationClock::Calibrate();
  EXPECT_GT(clock.costNs(), 0);
  EXPECT_LT(clock.costNs(), 10'000);
}

}  // namespace
}  // namespace rmem
