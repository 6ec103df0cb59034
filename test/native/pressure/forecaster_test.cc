#include "pressure/forecaster.h"

#include <gtest/gtest.h>

#include <cmath>

#include "pressure/series_of.h"

namespace rmem {
namespace {

constexpr ModelKind kAllModels[] = {ModelKind::kAdaptive, ModelKind::kPersistence, ModelKind::kLinear,
                                    ModelKind::kHolt, ModelKind::kTheilSen};

void Play(Forecaster* forecaster, const MadeSeries& series) {
  for (std::size_t at = 0; at < series.timeS.size(); ++at) forecaster->Observe(series.View().At(at));
}

TEST(Forecaster, ModelsHaveTheNamesOfTheOption) {
  for (const char* name : {"adaptive", "persistence", "linear", "holt", "theil-sen"})
    EXPECT_TRUE(ModelByName(name).has_value()) << name;
  EXPECT_FALSE(ModelByName("arima").has_value());
}

TEST(Forecaster, AConstantStaysConstant) {
  for (const ModelKind kind : kAllModels) {
    Forecaster forecaster(kind);
    Play(&forecaster, SeriesOf(600, 1, [](double) { return 512 * kMib; }));
    ASSERT_TRUE(forecaster.ready());
    for (int horizon = 0; horizon < kHorizons; ++horizon) {
      const HorizonForecast forecast = forecaster.At(horizon);
      EXPECT_NEAR(forecast.used, 512 * kMib, 1);
      EXPECT_LE(forecast.high - forecast.low, 2 * kMib);
    }
    EXPECT_EQ(forecaster.Trend(1024 * kMib), UsageTrend::kStable);
    EXPECT_FALSE(forecaster.TimeTo(1000 * kMib).heading);
    EXPECT_LT(forecaster.ChanceOfReaching(1000 * kMib, 1), 0.01);
    EXPECT_GT(forecaster.ChanceWithin(kMib, 1), 0.99);
  }
}

TEST(Forecaster, ALineIsLearned) {
  const double slope = 2 * kMib;
  const MadeSeries line = SeriesOf(1200, 1, [&](double second) { return 100 * kMib + slope * second; });
  for (const ModelKind kind : {ModelKind::kAdaptive, ModelKind::kLinear, ModelKind::kTheilSen}) {
    Forecaster forecaster(kind);
    Play(&forecaster, line);
    const double now = line.usedBytes.back();
    for (int horizon = 0; horizon < kHorizons; ++horizon) {
      const double then = now + slope * kHorizonS[horizon];
      EXPECT_NEAR(forecaster.At(horizon).used, then, 0.05 * slope * kHorizonS[horizon]);
    }
    EXPECT_NEAR(forecaster.SlopeBytesPerS(), slope, 1);
    EXPECT_GT(forecaster.Skill(1), 0.5);
    // A hundred seconds away.
    const TimeToReach time = forecaster.TimeTo(now + 100 * slope);
    ASSERT_TRUE(time.heading);
    EXPECT_LE(time.earliestS, 101);
    EXPECT_NEAR(time.latestS, 100, 5);
    EXPECT_GT(forecaster.ChanceOfReaching(now + 20 * slope, 1), 0.9);
  }
}

TEST(Forecaster, PersistenceSaysWhatIsThere) {
  Forecaster forecaster(ModelKind::kPersistence);
  const MadeSeries walk = RandomWalk(2000, 1, kMib, 5);
  Play(&forecaster, walk);
  EXPECT_EQ(forecaster.At(1).used, walk.usedBytes.back());
  EXPECT_EQ(forecaster.Skill(1), 0);
}

TEST(Forecaster, IntervalsOfARandomWalkHoldWhatTheyPromise) {
  const MadeSeries walk = RandomWalk(40'000, 5, 10 * kMib, 17);
  Forecaster forecaster(ModelKind::kAdaptive);
  int scored = 0;
  int covered[kHorizons] = {};
  int below[kHorizons] = {};
  for (std::size_t at = 0; at + 24 < walk.timeS.size(); ++at) {
    forecaster.Observe(walk.View().At(at));
    if (at < 500) continue;
    ++scored;
    for (int horizon = 0; horizon < kHorizons; ++horizon) {
      const auto ticks = static_cast<std::size_t>(kHorizonS[horizon] / 5);
      const HorizonForecast forecast = forecaster.At(horizon);
      const double then = walk.usedBytes[at + ticks];
      covered[horizon] += then >= forecast.low && then <= forecast.high;
      double highest = 0;
      for (std::size_t on = 1; on <= ticks; ++on) highest = std::max(highest, walk.usedBytes[at + on]);
      below[horizon] += highest <= forecast.highest;
    }
  }
  for (int horizon = 0; horizon < kHorizons; ++horizon) {
    EXPECT_NEAR(static_cast<double>(covered[horizon]) / scored, 0.9, 0.03);
    EXPECT_GE(static_cast<double>(below[horizon]) / scored, 0.93);
  }
  // And of a walk nothing can be known.
  EXPECT_LT(std::fabs(forecaster.Skill(1)), 0.05);
}

TEST(Forecaster, NothingAtTheStartLeavesNoMark) {
  Forecaster forecaster(ModelKind::kAdaptive);
  Play(&forecaster, SeriesOf(1800, 1, [](double second) { return second < 1200 ? 0 : 100 * kMib; }));
  EXPECT_LT(forecaster.At(1).high, 101 * kMib);
  EXPECT_GT(forecaster.ChanceWithin(kMib, 1), 0.9);
}

TEST(Forecaster, OneStepIsNoLine) {
  // A sample a minute: noise, and then one step.
  std::mt19937_64 random(8);
  std::normal_distribution<double> noise(0, kMib);
  Forecaster forecaster(ModelKind::kPersistence);
  double minute = 0;
  for (; minute < 300; ++minute) forecaster.Observe({60 * minute, 500 * kMib + noise(random)});
  forecaster.Observe({60 * minute, 600 * kMib});
  EXPECT_LT(forecaster.ChanceOfReaching(650 * kMib, 1), 0.1);
}

TEST(Forecaster, GapsBeginWindowsAnew) {
  Forecaster forecaster(ModelKind::kLinear);
  Play(&forecaster, SeriesOf(300, 1, [](double second) { return 100 * kMib + kMib * second; }));
  PressureSample sample;
  sample.timeS = 1000;
  sample.usedBytes = 200 * kMib;
  EXPECT_EQ(forecaster.Observe(sample), SeriesEvent::kGap);
  EXPECT_FALSE(forecaster.ready());
  for (int second = 1; second <= 30; ++second) {
    sample.timeS = 1000 + second;
    EXPECT_EQ(forecaster.Observe(sample), SeriesEvent::kNone);
  }
  ASSERT_TRUE(forecaster.ready());
  EXPECT_NEAR(forecaster.At(1).used, 200 * kMib, 1);
}

TEST(Forecaster, AClockThatStandsOrGoesBackIsSurvived) {
  Forecaster forecaster(ModelKind::kAdaptive);
  Play(&forecaster, SeriesOf(300, 1, [](double second) { return 100 * kMib + kMib * second; }));
  PressureSample sample;
  sample.usedBytes = 400 * kMib;
  for (const double timeS : {299.0, 299.0, 5.0, -100.0}) {
    sample.timeS = timeS;
    EXPECT_EQ(forecaster.Observe(sample), SeriesEvent::kClock);
  }
  for (int second = -99; second < 100; ++second) {
    sample.timeS = second;
    EXPECT_EQ(forecaster.Observe(sample), SeriesEvent::kNone);
  }
  EXPECT_NEAR(forecaster.At(0).used, 400 * kMib, kMib);
}

TEST(Forecaster, SaysThatTheTotalChanged) {
  Forecaster forecaster(ModelKind::kAdaptive);
  EXPECT_EQ(forecaster.Observe({0, 100 * kMib, 1024 * kMib}), SeriesEvent::kNone);
  EXPECT_EQ(forecaster.Observe({1, 100 * kMib, 1024 * kMib}), SeriesEvent::kNone);
  EXPECT_EQ(forecaster.Observe({2, 100 * kMib, 512 * kMib}), SeriesEvent::kTotal);
}

TEST(Forecaster, FindsAChange) {
  Forecaster forecaster(ModelKind::kAdaptive);
  int changes = 0;
  std::mt19937_64 random(2);
  std::normal_distribution<double> noise(0, 0.2 * kMib);
  double used = 500 * kMib;
  int changedAt = 0;
  for (int second = 0; second < 2400; ++second) {
    used += (second > 1200 ? 2 * kMib : 0);
    const bool changed =
        forecaster.Observe({static_cast<double>(second), used + noise(random)}) == SeriesEvent::kChange;
    if (changed && changes++ == 0) changedAt = second;
  }
  EXPECT_GE(changes, 1);
  EXPECT_GT(changedAt, 1200);
  EXPECT_LT(changedAt, 1260);
}

TEST(Forecaster, IrregularSamplesOfTheSameLineGiveTheSameForecast) {
  std::mt19937_64 random(9);
  std::uniform_real_distribution<double> step(0.1, 4);
  Forecaster forecaster(ModelKind::kAdaptive);
  double second = 0;
  for (int at = 0; at < 1500; ++at) {
    forecaster.Observe({second, 100 * kMib + kMib * second});
    second += step(random);
  }
  EXPECT_NEAR(forecaster.SlopeBytesPerS(), kMib, 1e-3 * kMib);
  EXPECT_GT(forecaster.Skill(1), 0.5);
}

TEST(Forecaster, NetAllocationsHelpWhereTheyLead) {
  // What is allocated now is touched, and so resident, half a minute later.
  std::mt19937_64 random(4);
  std::normal_distribution<double> rate(0, 3 * kMib);
  std::vector<double> rates;
  Forecaster told(ModelKind::kAdaptive);
  Forecaster untold(ModelKind::kAdaptive);
  double used = 2048 * kMib;
  double allocated = 0;
  double freed = 0;
  for (int at = 0; at < 6000; ++at) {
    if (at % 6 == 0 || rates.empty())
      rates.push_back(rate(random));
    else
      rates.push_back(rates.back());
    const double now = rates.back();
    (now > 0 ? allocated : freed) += 5 * std::fabs(now);
    if (at >= 6) used = std::max(0.0, used + 5 * rates[static_cast<std::size_t>(at - 6)]);
    PressureSample sample{5.0 * at, used};
    untold.Observe(sample);
    sample.allocatedBytes = allocated;
    sample.freedBytes = freed;
    told.Observe(sample);
  }
  EXPECT_GT(told.Skill(0), untold.Skill(0) + 0.1);
}

TEST(Forecaster, ForecastsAreNeverBelowNothing) {
  for (const ModelKind kind : kAllModels) {
    Forecaster forecaster(kind);
    Play(&forecaster, SeriesOf(200, 1, [](double second) { return std::max(0.0, (200 - second) * kMib); }));
    for (int horizon = 0; horizon < kHorizons; ++horizon) {
      const HorizonForecast forecast = forecaster.At(horizon);
      EXPECT_GE(forecast.used, 0);
      EXPECT_GE(forecast.low, 0);
      EXPECT_LE(forecast.low, forecast.used);
      EXPECT_LE(forecast.used, forecast.high);
      EXPECT_LE(forecast.high, forecast.highest);
    }
  }
}

}  // namespace
}  // namespace rmem
