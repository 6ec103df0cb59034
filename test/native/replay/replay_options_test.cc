#include "replay/replay_options.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <initializer_list>
#include <string>
#include <vector>

#include "trace/trace_error.h"

namespace rmem {
namespace {

ReplayOptions Parse(std::initializer_list<const char*> options) {
  std::vector<char*> arguments{const_cast<char*>("rustydb-mem-replay")};
  for (const char* option : options) arguments.push_back(const_cast<char*>(option));
  return ParseReplayOptions(static_cast<int>(arguments.size()), arguments.data());
}

std::string Refusal(std::initializer_list<const char*> options) {
  try {
    Parse(options);
  } catch (const TraceError& error) {
    EXPECT_EQ(error.code(), "usage");
    return error.what();
  }
  return "";
}

TEST(ReplayOptionsTest, ConfiguresTheHeapByAFile) {
  const std::string path = testing::TempDir() + "replay-options.toml";
  std::ofstream(path) << "pages.fit = 'worst'\nslab.classes = [{ bytes = 64, magazine = 3 }]\n";
  const ReplayOptions options =
      Parse({"--plan", "f", "--route", "rustydb", "--mode", "timed", "--config", path.c_str()});
  EXPECT_EQ(options.round.heap.fit, Fit::kWorst);
  ASSERT_EQ(options.round.heap.sizeClasses->count(), 1u);
  EXPECT_EQ((*options.round.heap.sizeClasses)[0].magazine, 3);
  std::ofstream(path) << "pages.fit = 'wurst'\n";
  try {
    Parse({"--plan", "f", "--route", "rustydb", "--mode", "timed", "--config", path.c_str()});
    ADD_FAILURE() << "a wrong configuration was taken";
  } catch (const TraceError& error) {
    EXPECT_EQ(error.code(), "bad-config");
    EXPECT_EQ(error.what(), path + ":1:13: pages.fit: there is no fit \"wurst\". Did you mean \"worst\"?");
  }
  std::remove(path.c_str());
}

TEST(ReplayOptionsTest, TakesAllOptions) {
  const ReplayOptions options =
      Parse({"--plan", "f", "--route", "arena", "--mode", "timed", "--order", "recorded", "--warm", "7",
             "--touch", "all", "--speed", "1x", "--parent-death"});
  EXPECT_EQ(options.plan, "f");
  EXPECT_EQ(options.routeName, "arena");
  EXPECT_EQ(options.round.route, FindRoute("arena"));
  EXPECT_EQ(options.round.order, ReplayOrder::kRecorded);
  EXPECT_EQ(options.round.touch, TouchKind::kAll);
  EXPECT_EQ(options.warmPasses, 7u);
  EXPECT_TRUE(options.round.paced);
  EXPECT_TRUE(options.parentDeath);
  EXPECT_EQ(Parse({"--plan", "f", "--route", "none", "--mode", "memory", "--idle", "30"}).idleMs, 30u);
}

TEST(ReplayOptionsTest, MemoryAndCheckRoundsAreInRecordedOrderUnlessAsked) {
  const auto order = [](const char* mode) {
    return Parse({"--plan", "f", "--route", "malloc", "--mode", mode}).round.order;
  };
  EXPECT_EQ(order("timed"), ReplayOrder::kFree);
  EXPECT_EQ(order("latency"), ReplayOrder::kFree);
  EXPECT_EQ(order("memory"), ReplayOrder::kRecorded);
  EXPECT_EQ(order("check"), ReplayOrder::kRecorded);
  EXPECT_EQ(Parse({"--plan", "f", "--route", "malloc", "--mode", "check", "--order", "free"}).round.order,
            ReplayOrder::kFree);
}

TEST(ReplayOptionsTest, KnowsEveryRoute) {
  for (const char* name : {"none", "malloc", "slab", "arena", "large", "rustydb"}) {
    EXPECT_NE(FindRoute(name), nullptr) << name;
  }
  EXPECT_EQ(FindRoute("jemalloc"), nullptr);
}

TEST(ReplayOptionsTest, RefusesWhatMakesNoSense) {
  EXPECT_NE(Refusal({}).find("--plan is missing"), std::string::npos);
  EXPECT_NE(Refusal({"--plan", "f"}).find("--route is missing"), std::string::npos);
  EXPECT_NE(Refusal({"--plan", "f", "--route", "malloc"}).find("--mode is missing"), std::string::npos);
  EXPECT_NE(Refusal({"--plan", "f", "--route", "nowhere"}).find("no route \"nowhere\""), std::string::npos);
  EXPECT_NE(Refusal({"--mode", "quick"}).find("--mode does not take \"quick\""), std::string::npos);
  EXPECT_NE(Refusal({"--warm", "-1"}).find("--warm takes a number"), std::string::npos);
  EXPECT_NE(Refusal({"--warm", "3x"}).find("--warm takes a number"), std::string::npos);
  EXPECT_NE(Refusal({"--plan"}).find("lacks its value"), std::string::npos);
  EXPECT_NE(Refusal({"--frobnicate", "1"}).find("unknown option --frobnicate"), std::string::npos);
  EXPECT_NE(
      Refusal({"--plan", "f", "--route", "none", "--mode", "check"}).find("no memory that could be checked"),
      std::string::npos);
  EXPECT_NE(Refusal({"--plan", "f", "--route", "none", "--mode", "memory", "--warm", "1"}).find("one pass"),
            std::string::npos);
  EXPECT_NE(Refusal({"--plan", "f", "--route", "none", "--mode", "memory", "--order", "free"})
                .find("recorded order"),
            std::string::npos);
  EXPECT_NE(
      Refusal({"--plan", "f", "--route", "none", "--mode", "timed", "--idle", "1"}).find("memory rounds"),
      std::string::npos);
}

TEST(ReplayOptionsTest, LooksAtTimesAndRelievesInMemoryRoundsOnly) {
  const ReplayOptions options = Parse({"--plan", "f", "--route", "malloc", "--mode", "memory", "--relieve",
                                       "1000", "--bare", "10", "--idle", "5"});
  EXPECT_TRUE(options.times);
  EXPECT_EQ(options.relief.limitBytes, 1000);
  EXPECT_EQ(options.relief.bareBytes, 10);
  EXPECT_TRUE(Parse({"--plan", "f", "--route", "malloc", "--mode", "memory", "--times"}).times);
  EXPECT_NE(Refusal({"--plan", "f", "--route", "malloc", "--mode", "timed", "--times"}).find("memory rounds"),
            std::string::npos);
}

}  // namespace
}  // namespace rmem
