#include "os/biased_lock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "os/process_fence.h"

namespace rmem {
namespace {

TEST(BiasedLock, IsASpinLockWithoutABias) {
  BiasedLock lock;
  EXPECT_FALSE(lock.Enter());
  EXPECT_FALSE(lock.Acquire());
  lock.Release(false);
  EXPECT_FALSE(lock.Revoked());
}

TEST(BiasedLock, LetsItsOwnerInUntilAnotherAsks) {
  ASSERT_TRUE(RegisterFences());
  BiasedLock lock;
  lock.Bias();
  EXPECT_TRUE(lock.Acquire());
  lock.Release(true);
  std::thread([&] {
    EXPECT_FALSE(lock.Enter());
    const LockGuard guard(lock);
  }).join();
  EXPECT_TRUE(lock.Revoked());
  EXPECT_FALSE(lock.Enter());
  // As its own it is biased again from the next time on.
  EXPECT_FALSE(lock.AcquireOwn());
  lock.Release(false);
  EXPECT_TRUE(lock.AcquireOwn());
  lock.Release(true);
}

TEST(BiasedLock, KeepsAnotherOutWhileItsOwnerIsInside) {
  ASSERT_TRUE(RegisterFences());
  BiasedLock lock;
  lock.Bias();
  int seen = 0;
  ASSERT_TRUE(lock.Acquire());
  std::thread other([&] {
    const LockGuard guard(lock);
    seen = 1;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(seen, 0);  // read under the lock
  lock.Release(true);
  other.join();
  EXPECT_EQ(seen, 1);
}

/** An owner that takes its bias back each time, against others that take it away each time. */
TEST(BiasedLock, ExcludesOwnersAndOthers) {
  ASSERT_TRUE(RegisterFences());
  constexpr int kOthers = 3;
  constexpr int kOtherRounds = 300;
  BiasedLock lock;
  lock.Bias();
  long count = 0;  // not atomic: the lock is what makes the sum right
  long own = 0;
  std::atomic<int> ended{0};
  std::vector<std::thread> others;
  for (int i = 0; i < kOthers; ++i) {
    others.emplace_back([&] {
      for (int round = 0; round < kOtherRounds; ++round) {
        {
          const LockGuard guard(lock);
          ++count;
        }
        std::this_thread::yield();
      }
      ++ended;
    });
  }
  while (ended.load() < kOthers) {
    const OwnLockGuard guard(lock);
    ++count;
    ++own;
  }
  for (std::thread& other : others) other.join();
  EXPECT_EQ(count, own + kOthers * kOtherRounds);
}

/** As long as nobody takes it back, the bias goes once. */
TEST(BiasedLock, ExcludesManyThreadsOnceItIsShared) {
  ASSERT_TRUE(RegisterFences());
  for (int turn = 0; turn < 50; ++turn) {
    BiasedLock lock;
    lock.Bias();
    long count = 0;
    std::vector<std::thread> others;
    for (int i = 0; i < 2; ++i) {
      others.emplace_back([&] {
        for (int round = 0; round < 200; ++round) {
          const LockGuard guard(lock);
          ++count;
        }
      });
    }
    for (int round = 0; round < 200; ++round) {
      const LockGuard guard(lock);
      ++count;
    }
    for (std::thread& other : others) other.join();
    EXPECT_EQ(count, 600);
  }
}

}  // namespace
}  // namespace rmem
