#include "pressure/backtest.h"

#include <gtest/gtest.h>

#include <cmath>

#include "pressure/closed_loop.h"
#include "pressure/series_of.h"

namespace rmem {
namespace {

/** Half an hour of calm, then a climb of `bytesPerS` to 2 GiB. */
MadeSeries CalmThenClimb(double bytesPerS) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> noise(0, 0.3 * kMib);
  MadeSeries series;
  double used = 600 * kMib;
  for (int second = 0; used < 2048 * kMib; ++second) {
    if (second > 1800) used += bytesPerS;
    series.Add(second, used + noise(random));
  }
  return series;
}

SeriesScore Score(const MadeSeries& series, ModelKind kind, std::vector<double> limits = {}) {
  const StopFlag stop{false};
  return Backtest(series.View(), {kind, {}, std::move(limits)}, stop);
}

TEST(Backtest, PersistenceHasTheErrorOfPersistence) {
  const SeriesScore score = Score(RandomWalk(5000, 1, kMib, 3), ModelKind::kPersistence);
  for (const HorizonScore& horizon : score.horizons) {
    EXPECT_GT(horizon.samples, 4000U);
    EXPECT_DOUBLE_EQ(horizon.error, horizon.persistenceError);
    double error = 0;
    for (const auto& block : horizon.blocks) error += block[0];
    EXPECT_NEAR(error, horizon.error, 1e-6 * error);
  }
}

TEST(Backtest, ErrorsAreWhatTheyAre) {
  // By hand: a line, forecast as "no change", is off by its slope times the horizon.
  const MadeSeries line = SeriesOf(1000, 1, [](double second) { return kMib * second; });
  const SeriesScore score = Score(line, ModelKind::kPersistence);
  for (std::size_t at = 0; at < kHorizons; ++at) {
    const HorizonScore& horizon = score.horizons[at];
    EXPECT_NEAR(horizon.error / static_cast<double>(horizon.samples), kMib * kHorizonS[at], 1);
  }
  EXPECT_EQ(score.spanS, 999);
  EXPECT_EQ(score.typicalStepS, 1);
  EXPECT_NEAR(score.meanMoveShare, 60.0 / 999, 1e-3);
}

TEST(Backtest, NothingBehindALimitCounts) {
  const MadeSeries series = CalmThenClimb(2 * kMib);
  const SeriesScore score = Score(series, ModelKind::kAdaptive, {1500 * kMib, 4096 * kMib});
  ASSERT_EQ(score.limits.size(), 2U);
  const LimitScore& out = score.limits[0];
  EXPECT_NEAR(out.outS, 1800 + 450, 3);
  EXPECT_TRUE(out.warnable);
  for (const Alarm& alarm : out.alarms[0].alarms) EXPECT_LE(alarm.endS, out.outS);
  EXPECT_TRUE(std::isnan(score.limits[1].outS));
  EXPECT_FALSE(score.limits[1].warnable);
}

TEST(Backtest, NoChangeIsNotKeptFromKnowingLargeErrors) {
  // Anywhere between nothing and the peak, for ever: quantiles of the past are as good as those of hindsight.
  std::mt19937_64 random(6);
  std::uniform_real_distribution<double> anywhere(0, 1024 * kMib);
  const MadeSeries series = SeriesOf(6000, 5, [&](double) { return anywhere(random); });
  const HorizonScore horizon = Score(series, ModelKind::kPersistence).horizons[1];
  EXPECT_NEAR(horizon.persistencePinball / horizon.hindsightPinball, 1, 0.05);
}

TEST(Backtest, AClimbIsSeenAheadOfAStaticAlarm) {
  const MadeSeries series = CalmThenClimb(8 * kMib);
  const LimitScore limit = Score(series, ModelKind::kAdaptive, {1800 * kMib}).limits[0];
  const AlarmScore& own = limit.alarms[0];
  const AlarmScore& static90 = limit.alarms[2];
  ASSERT_TRUE(own.caught);
  // The last tenth takes 22 s, which is too late to help.
  EXPECT_FALSE(static90.caught);
  EXPECT_GE(own.leadS, 30);
  EXPECT_EQ(own.falseAlarms, 0U);
}

TEST(Backtest, AStaticAlarmIsJudgedByTheRule) {
  // A climb that passes 90 % forty seconds before the limit, and one alarm that came to nothing.
  MadeSeries series;
  for (int second = 0; second < 3000; ++second) {
    double used = 500;
    if (second >= 500 && second < 520) used = 920;
    if (second >= 2500) used = std::min(1000.0, 899.0 + (second - 2500) * 2.5);
    series.Add(second, used * kMib);
  }
  const LimitScore limit = Score(series, ModelKind::kPersistence, {1000 * kMib}).limits[0];
  const AlarmScore& static90 = limit.alarms[2];
  ASSERT_EQ(static90.alarms.size(), 2U);
  EXPECT_FALSE(static90.alarms[0].isTrue);
  EXPECT_EQ(static90.alarms[0].beginS, 500);
  EXPECT_EQ(static90.alarms[0].endS, 519);
  EXPECT_TRUE(static90.alarms[1].isTrue);
  EXPECT_EQ(static90.trueAlarms, 1U);
  EXPECT_EQ(static90.falseAlarms, 1U);
  EXPECT_NEAR(static90.leadS, 40, 1);
}

TEST(Backtest, ATotalThatChangesMovesTheLimit) {
  const MadeSeries series = SeriesOf(4000, 1, [](double) { return 500 * kMib; });
  std::vector<double> totals(4000, 1000 * kMib);
  for (std::size_t at = 3000; at < 4000; ++at) totals[at] = 400 * kMib;
  SeriesView view = series.View();
  view.totalBytes = totals;
  const StopFlag stop{false};
  const SeriesScore score = Backtest(view, {ModelKind::kAdaptive, {}, {kUnknown}}, stop);
  EXPECT_EQ(score.limits[0].outS, 3000);
}

TEST(Backtest, AnAlarmStandsBetweenSamplesThatAreFarApart) {
  // Every ninety seconds, over 90 % from 450 s before the limit.
  MadeSeries series;
  for (int at = 0; at < 40; ++at) series.Add(90.0 * at, (at < 34 ? 500.0 : at < 39 ? 930.0 : 1000.0) * kMib);
  const AlarmScore static90 = Score(series, ModelKind::kAdaptive, {1000 * kMib}).limits[0].alarms[2];
  EXPECT_EQ(static90.alarms.size(), 1U);
  EXPECT_TRUE(static90.caught);
  EXPECT_EQ(static90.leadS, 450);
  EXPECT_EQ(static90.falseAlarms, 0U);
}

TEST(Backtest, BenignTimeIsObservedTime) {
  MadeSeries series = SeriesOf(1000, 1, [](double) { return 100 * kMib; });
  for (int second = 90'000; second < 92'000; ++second)
    series.Add(second, (second < 91'500 ? 100 : 400) * kMib);
  const SeriesScore score = Score(series, ModelKind::kAdaptive, {300 * kMib, 500 * kMib});
  EXPECT_EQ(score.limits[0].benignS, 999 + 1500 - 600);
  EXPECT_EQ(score.limits[1].benignS, 999 + 1999);
}

TEST(Backtest, TheMinuteBeforeASeriesEndsAtItsLimitIsJudged) {
  const MadeSeries series = CalmThenClimb(4 * kMib);
  const double last = series.usedBytes.back();
  const LimitScore limit = Score(series, ModelKind::kAdaptive, {last}).limits[0];
  ASSERT_EQ(limit.outS, series.timeS.back());
  std::uint64_t cameTrue = 0;
  for (const ReliabilityBin& bin : limit.reliability) cameTrue += bin.cameTrue;
  EXPECT_EQ(cameTrue, 60U);
  EXPECT_GT(limit.brierSamples, 60U);
}

TEST(Backtest, GapsAreNotForecastAcross) {
  MadeSeries series = SeriesOf(500, 1, [](double) { return 100 * kMib; });
  for (int second = 5000; second < 5500; ++second) series.Add(second, 900 * kMib);
  const SeriesScore score = Score(series, ModelKind::kAdaptive);
  EXPECT_EQ(score.gaps, 1U);
  for (const HorizonScore& horizon : score.horizons) EXPECT_EQ(horizon.persistenceError, 0);
}

TEST(Backtest, NothingUsedGivesNoChanceThatIsNoNumber) {
  const SeriesScore score = Score(SeriesOf(2000, 1, [](double) { return 0; }), ModelKind::kAdaptive, {kMib});
  for (const ReliabilityBin& bin : score.confidence) EXPECT_FALSE(std::isnan(bin.chance));
  for (const ReliabilityBin& bin : score.limits[0].reliability) EXPECT_FALSE(std::isnan(bin.chance));
  EXPECT_EQ(score.limits[0].alarms[0].alarms.size(), 0U);
}

TEST(Backtest, ShortAndEmptySeriesAreNothingSpecial) {
  EXPECT_EQ(Score({}, ModelKind::kAdaptive, {kMib}).samples, 0U);
  const SeriesScore one =
      Score(SeriesOf(1, 1, [](double) { return kMib; }), ModelKind::kAdaptive, {2 * kMib});
  EXPECT_EQ(one.samples, 1U);
  EXPECT_EQ(one.horizons[0].samples, 0U);
  EXPECT_TRUE(std::isnan(one.limits[0].outS));
}

TEST(ClosedLoop, EvictingPreventsWhatTheCacheIsLargeEnoughFor) {
  const MadeSeries series = CalmThenClimb(kMib);
  const StopFlag stop{false};
  ClosedLoopOptions options;
  options.limits = {1800 * kMib};
  options.evictable = {0.05, 0.3};
  const auto results = ClosedLoop(series.View(), options, stop);
  ASSERT_EQ(results.size(), 2U * kEvictionPolicies);
  for (const ClosedLoopResult& result : results) {
    EXPECT_FALSE(std::isnan(result.outWithoutS));
    EXPECT_GE(result.evictedBytes, result.needlessBytes);
    const bool prevented = std::isnan(result.outS);
    // The last 248 MiB are needed: a twentieth of usage is too little, three tenths are enough.
    EXPECT_EQ(prevented, result.evictable > 0.2) << static_cast<int>(result.policy);
    if (!prevented) {
      EXPECT_GE(result.outS, result.outWithoutS);
    }
  }
}

TEST(ClosedLoop, ATotalThatIsNotKnownAtOncePreventsNothing) {
  const MadeSeries series = CalmThenClimb(kMib);
  std::vector<double> totals(series.timeS.size(), 1800 * kMib);
  totals[0] = kUnknown;
  totals[100] = 0;
  SeriesView view = series.View();
  view.totalBytes = totals;
  const StopFlag stop{false};
  ClosedLoopOptions options;
  options.limits = {kUnknown};
  options.evictable = {0.01};
  for (const ClosedLoopResult& result : ClosedLoop(view, options, stop)) {
    EXPECT_FALSE(std::isnan(result.outWithoutS));
    EXPECT_GE(result.outS, result.outWithoutS);
  }
}

TEST(ClosedLoop, TheOracleEvictsNothingWithoutNeed) {
  const MadeSeries calm =
      SeriesOf(4000, 1, [](double second) { return (900 + 80 * std::sin(second / 300)) * kMib; });
  const StopFlag stop{false};
  ClosedLoopOptions options;
  options.limits = {1050 * kMib};
  options.evictable = {0.3};
  for (const ClosedLoopResult& result : ClosedLoop(calm.View(), options, stop)) {
    EXPECT_TRUE(std::isnan(result.outWithoutS));
    EXPECT_EQ(result.evictedBytes, result.needlessBytes);
    if (result.policy == EvictionPolicy::kOracle) {
      EXPECT_EQ(result.evictedBytes, 0);
    } else if (result.policy == EvictionPolicy::kStatic80) {
      EXPECT_GT(result.evictedBytes, 0);
    }
  }
}

}  // namespace
}  // namespace rmem
