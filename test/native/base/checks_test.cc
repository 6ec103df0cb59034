#include "base/checks.h"

#include <gtest/gtest.h>

namespace rmem {
namespace {

TEST(ChecksTest, StopsTheProgramAndSaysWhere) {
  const int live = 3;
  EXPECT_DEATH(RMEM_CHECK(live == 4), "checks_test.cc:1[0-9]: broken invariant: live == 4");
}

TEST(ChecksTest, LetsWhatHoldsPass) {
  int evaluated = 0;
  RMEM_CHECK(++evaluated == 1);
  EXPECT_EQ(evaluated, 1);
}

}  // namespace
}  // namespace rmem
