#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "journal_route.h"
#include "played_round.h"
#include "replay/routes.h"

namespace rmem {
namespace {

/** The percentiles of one kind of operation in a result. */
std::string Part(const std::string& result, const std::string& kind) {
  const std::size_t at = result.find("\"" + kind + "\":{");
  return at == std::string::npos ? "" : result.substr(at, result.find('}', at) - at);
}

/** The points of the curve in such a part. */
std::vector<double> Curve(const std::string& part) {
  const std::string key = "\"curveNs\":[";
  const std::size_t at = part.find(key);
  if (at == std::string::npos) return {};
  std::istringstream text(part.substr(at + key.size()));
  std::vector<double> points;
  char separator = ',';
  for (double value; separator == ',' && text >> value; text >> separator) points.push_back(value);
  return points;
}

TEST(LatencyRoundTest, CountsEachKindOfOperationOnce) {
  for (const std::uint32_t streams : {1u, 4u}) {
    PlanBuilder plan(streams);
    for (std::uint32_t i = 0; i < 100; ++i) {
      plan.On(i % streams).Begin(i % streams).Alloc(i, 10).AllocZeroed(100 + i, 20).Realloc(i, 10, 30);
      plan.Alloc(200 + i, 40, static_cast<std::uint16_t>(i % streams + 1));
      plan.FreeImplied(200 + i, 40, static_cast<std::uint16_t>(i % streams + 1))
          .Commit(i % streams)
          .Free(i, 30);
      plan.Leftover(100 + i, 20);
    }
    RoundPlayer player(plan);
    const std::string result =
        player.On<MallocRoute>().In(ReplayMode::kLatency, ReplayOrder::kFree).Warm(1).Play().Only("result");
    EXPECT_EQ(PlayedRound::Number(Part(result, "alloc"), "count"), 600);
    EXPECT_EQ(PlayedRound::Number(Part(result, "free"), "count"), 400);
    EXPECT_EQ(PlayedRound::Number(Part(result, "realloc"), "count"), 200);
    EXPECT_EQ(PlayedRound::Number(Part(result, "transaction"), "count"), 200);
    EXPECT_GT(PlayedRound::Number(Part(result, "alloc"), "p50"), 0);
    EXPECT_GE(PlayedRound::Number(Part(result, "alloc"), "max"),
              PlayedRound::Number(Part(result, "alloc"), "p9999"));
  }
}

TEST(LatencyRoundTest, CountsOnlyWhatLiesBetweenTheMarks) {
  PlanBuilder plan;
  plan.Section(kOpening).Begin(0);
  for (std::uint32_t i = 0; i < 50; ++i) plan.Alloc(i, 10);
  plan.Section(kMeasured).Alloc(60, 10).Free(60, 10).Commit(0).Begin(0).Commit(0);
  plan.Section(kClosing);
  for (std::uint32_t i = 0; i < 50; ++i) plan.Free(i, 10);
  RoundPlayer player(plan);
  const std::string result =
      player.On<MallocRoute>().In(ReplayMode::kLatency, ReplayOrder::kFree).Play().Only("result");
  EXPECT_EQ(PlayedRound::Number(Part(result, "alloc"), "count"), 1);
  EXPECT_EQ(PlayedRound::Number(Part(result, "free"), "count"), 1);
  // The first began before the mark.
  EXPECT_EQ(PlayedRound::Number(Part(result, "transaction"), "count"), 1);
}

TEST(LatencyRoundTest, TellsASlowOperationFromTheRest) {
  Journal::Get().Clear();
  PlanBuilder plan;
  for (std::uint32_t i = 0; i < 200; ++i) plan.Alloc(0, i == 100 ? 999 : 10).Free(0, i == 100 ? 999 : 10);
  Journal::Get().onEntry = [](const std::string& what) {
    if (what == "alloc 999") usleep(5'000);
  };
  RoundPlayer player(plan);
  const std::string result =
      player.On<JournalRoute>().In(ReplayMode::kLatency, ReplayOrder::kRecorded).Play().Only("result");
  EXPECT_GE(PlayedRound::Number(Part(result, "alloc"), "max"), 5e6);
  EXPECT_LT(PlayedRound::Number(Part(result, "alloc"), "p90"), 2e6);
  EXPECT_LT(PlayedRound::Number(Part(result, "free"), "p90"), 2e6);
  const std::vector<double> curve = Curve(Part(result, "alloc"));
  ASSERT_EQ(curve.size(), 33u);
  EXPECT_TRUE(std::is_sorted(curve.begin(), curve.end()));
  EXPECT_EQ(curve[8], PlayedRound::Number(Part(result, "alloc"), "p90"));
  EXPECT_EQ(curve[32], PlayedRound::Number(Part(result, "alloc"), "p9999"));
  // One of the 200 is slow: that is beyond p99, and at the end of the curve.
  EXPECT_LT(curve[16], 2e6);
  EXPECT_GE(curve[32], 4.9e6);
}

// How near the two are is a bar of npm run bench:pipeline.
TEST(LatencyRoundTest, TellsWhatReadingTheClockCosts) {
  PlanBuilder plan;
  for (std::uint32_t i = 0; i < 100; ++i) plan.Alloc(0, 10).Free(0, 10);
  RoundPlayer player(plan);
  const PlayedRound round = player.On<NoneRoute>().In(ReplayMode::kLatency, ReplayOrder::kRecorded).Play();
  EXPECT_GT(*PlayedRound::Number(round.Only("hello"), "clockNs"), 0);
  EXPECT_GT(*PlayedRound::Number(Part(round.Only("result"), "alloc"), "p50"), 0);
}

}  // namespace
}  // namespace rmem
