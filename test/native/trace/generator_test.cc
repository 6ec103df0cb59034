#include "trace/generator.h"

#include <map>
#include <set>

#include "trace/trace_testing.h"
#include "trace/validator.h"

namespace rmem::testing {
namespace {

std::vector<Event> Generate(const OltpOptions& options, TraceInfo& info, std::size_t step = 1000) {
  Collector sink;
  Validator validator(sink);
  OltpGenerator generator(options, info, validator);
  while (generator.Step(step)) {
  }
  EXPECT_EQ(sink.finished, 1);
  return sink.events;
}

TEST(OltpGenerator, IsTheSameForTheSameSeed) {
  TraceInfo info;
  const auto once = Generate({.events = 20'000, .seed = 4}, info, 1000);
  EXPECT_EQ(Generate({.events = 20'000, .seed = 4}, info, 77), once);
  EXPECT_NE(Generate({.events = 20'000, .seed = 5}, info), once);
}

TEST(OltpGenerator, MakesAboutAsManyEventsAsAskedForOnAllThreads) {
  for (std::uint32_t threads : {1u, 2u, 4u, 64u}) {
    TraceInfo info;
    const auto events = Generate({.events = 50'000, .threads = threads, .liveBytes = 1 << 20}, info);
    EXPECT_GE(events.size(), 50'000u);
    EXPECT_LE(events.size(), 50'000u + threads * 400);
    std::set<std::uint32_t> seen;
    std::map<EventType, std::uint64_t> ends;
    for (std::size_t i = 0; i < events.size(); ++i) {
      seen.insert(events[i].thread);
      ++ends[events[i].type];
      if (i > 0) {
        EXPECT_LE(events[i - 1].timeNs, events[i].timeNs);
      }
    }
    EXPECT_EQ(seen.size(), threads);
    EXPECT_EQ(ends[EventType::kBegin], ends[EventType::kCommit] + ends[EventType::kAbort]);
    EXPECT_EQ(ends[EventType::kThreadEnd], threads);
    EXPECT_EQ(ends[EventType::kMark], 2u);
  }
}

TEST(OltpGenerator, LooksLikeADatabase) {
  TraceInfo info;
  const auto events = Generate({.events = 500'000, .liveBytes = 2 << 20}, info);
  std::map<std::uint64_t, std::pair<std::uint32_t, std::uint64_t>> live;  // id → thread, size
  std::map<std::string, std::uint64_t> kinds;
  std::map<std::string, std::uint64_t> types;
  std::map<std::uint64_t, std::string> open;
  std::uint64_t savepoints = 0, rolledBack = 0, transactions = 0, aborted = 0, foreign = 0, frees = 0;
  for (const Event& event : events) {
    if (event.type == EventType::kAlloc) {
      ++kinds[info.names.kinds[event.name]];
      if ((event.flags & kFlagDiesWithScope) == 0) live[event.id] = {event.thread, event.size};
    } else if (event.type == EventType::kFree) {
      ++frees;
      foreign += live[event.id].first != event.thread ? 1 : 0;
      live.erase(event.id);
    } else if (event.type == EventType::kRealloc) {
      live.erase(event.id);
      live[event.newId] = {event.thread, event.size};
    } else if (event.type == EventType::kBegin) {
      open[event.id] = info.names.transactionTypes[event.name];
      ++types[open[event.id]];
    } else if (event.type == EventType::kCommit || event.type == EventType::kAbort) {
      const bool savepoint = open[event.id] == "savepoint";
      ++(savepoint ? savepoints : transactions);
      if (event.type == EventType::kAbort) ++(savepoint ? rolledBack : aborted);
    }
  }
  EXPECT_EQ(kinds.size(), 11u);
  EXPECT_EQ(types.size(), 6u);
  EXPECT_NEAR(static_cast<double>(types["new-order"]) / static_cast<double>(transactions), 0.45, 0.03);
  EXPECT_NEAR(static_cast<double>(rolledBack) / static_cast<double>(savepoints), 0.08, 0.015);
  EXPECT_NEAR(static_cast<double>(aborted) / static_cast<double>(transactions), 0.03, 0.01);
  EXPECT_GT(foreign * 20, frees);
  std::uint64_t liveBytes = 0;
  for (const auto& [id, block] : live) liveBytes += block.second;
  EXPECT_NEAR(static_cast<double>(liveBytes), 2 << 20, (2 << 20) * 0.15);
}

TEST(OltpGenerator, RefusesOptionsOutOfRange) {
  TraceInfo info;
  Collector sink;
  EXPECT_THROW(OltpGenerator({.threads = 0}, info, sink), std::invalid_argument);
  EXPECT_THROW(OltpGenerator({.threads = 1025}, info, sink), std::invalid_argument);
  EXPECT_THROW(OltpGenerator({.events = 0}, info, sink), std::invalid_argument);
}

}  // namespace
}  // namespace rmem::testing
