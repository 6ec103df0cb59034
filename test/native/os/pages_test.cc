#include "os/pages.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

namespace rmem {
namespace {

constexpr std::size_t kRange = 64 * kPageBytes;

TEST(Pages, ReservationIsAlignedAsAsked) {
  for (const std::size_t alignment : {kPageBytes, std::size_t{64} << 10, kHugePageBytes}) {
    void* range = ReservePages(kRange, alignment);
    ASSERT_NE(range, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(range) % alignment, 0u);
    ReleasePages(range, kRange);
  }
}

TEST(Pages, CommittedPagesAreZeroAndPurgedOnesAreZeroAgain) {
  auto* range = static_cast<char*>(ReservePages(kRange));
  ASSERT_NE(range, nullptr);
  ASSERT_TRUE(CommitPages(range, kRange));
  EXPECT_EQ(range[0], 0);
  std::memset(range, 7, kRange);
  ASSERT_TRUE(PurgePages(range + kPageBytes, kPageBytes));
  EXPECT_EQ(range[kPageBytes - 1], 7);
  EXPECT_EQ(range[kPageBytes], 0);
  EXPECT_EQ(range[2 * kPageBytes], 7);
  ReleasePages(range, kRange);
}

TEST(Pages, MovedPagesKeepTheirContentsAndLeaveZeroes) {
  auto* range = static_cast<char*>(ReservePages(kRange));
  ASSERT_NE(range, nullptr);
  ASSERT_TRUE(CommitPages(range, kRange));
  std::memset(range, 3, 4 * kPageBytes);
  std::memset(range + 32 * kPageBytes, 5, 4 * kPageBytes);
  if (!MovePages(range, range + 32 * kPageBytes, 4 * kPageBytes)) {
    ReleasePages(range, kRange);
    GTEST_SKIP() << "this kernel has no MREMAP_DONTUNMAP";
  }
  EXPECT_EQ(range[32 * kPageBytes], 3);
  EXPECT_EQ(range[36 * kPageBytes - 1], 3);
  EXPECT_EQ(range[36 * kPageBytes], 0);
  EXPECT_EQ(range[0], 0);
  range[0] = 1;  // still committed
  ReleasePages(range, kRange);
}

TEST(Pages, ImpossibleRequestsAreRefused) {
  EXPECT_EQ(ReservePages(0), nullptr);
  EXPECT_EQ(ReservePages(~std::size_t{0} - 4095), nullptr);
  EXPECT_EQ(ReservePages(std::size_t{1} << 62), nullptr);
  EXPECT_FALSE(CommitPages(reinterpret_cast<void*>(std::uintptr_t{1} << 60), kPageBytes));
}

TEST(Pages, TheHookFailsEachCall) {
  auto* range = static_cast<char*>(ReservePages(kRange));
  ASSERT_NE(range, nullptr);
  SetPageFailureHook([](PageCall) noexcept { return true; });
  EXPECT_EQ(ReservePages(kRange), nullptr);
  EXPECT_FALSE(CommitPages(range, kRange));
  EXPECT_FALSE(PurgePages(range, kRange));
  EXPECT_FALSE(AdviseHugePages(range, kRange, true));
  EXPECT_FALSE(MovePages(range, range + 2 * kPageBytes, kPageBytes));
  SetPageFailureHook(nullptr);
  EXPECT_TRUE(CommitPages(range, kRange));
  ReleasePages(range, kRange);
}

TEST(Pages, ReservableIsHalfOfWhatAnAddressSpaceLimitLeaves) {
  EXPECT_EQ(ReservableBytes(std::size_t{1} << 30), std::size_t{1} << 30) << "without a limit: what is wanted";
  // In a child: the limit cannot be raised again.
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    rlimit limit{};
    ::getrlimit(RLIMIT_AS, &limit);
    std::size_t used = 0;
    if (FILE* statm = std::fopen("/proc/self/statm", "r")) {
      if (std::fscanf(statm, "%zu", &used) != 1) ::_exit(2);
      std::fclose(statm);
    }
    const std::size_t left = std::size_t{1} << 30;
    limit.rlim_cur = used * kPageBytes + left;
    if (::setrlimit(RLIMIT_AS, &limit) != 0) ::_exit(3);
    const std::size_t reservable = ReservableBytes(std::size_t{1} << 40);
    ::_exit(reservable > left / 4 && reservable <= left / 2 + (1 << 20) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace rmem
