#include "os/lock.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <thread>
#include <vector>

namespace rmem {
namespace {

template <class L>
class LockTest : public testing::Test {};
using Locks = testing::Types<Lock, SpinLock>;
TYPED_TEST_SUITE(LockTest, Locks);

TYPED_TEST(LockTest, ExcludesManyThreads) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 20000;
  TypeParam lock;
  int count = 0;  // not atomic: the lock is what makes the sum right
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        const LockGuard guard(lock);
        ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, kThreads * kRounds);
}

TYPED_TEST(LockTest, WaitsForALongHolderAndLeavesErrnoAlone) {
  TypeParam lock;
  lock.Acquire();
  int seen = 0;
  int savedErrno = -1;
  std::thread waiter([&] {
    errno = 0;
    const LockGuard guard(lock);
    seen = 1;
    savedErrno = errno;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(seen, 0);  // read under the lock
  lock.Release();
  waiter.join();
  EXPECT_EQ(seen, 1);
  EXPECT_EQ(savedErrno, 0);
}

}  // namespace
}  // namespace rmem
