#include "trace/generator.h"

#include <algorithm>
#include <map>
#include <set>

#include "trace/trace_testing.h"
#include "trace/validator.h"

namespace rmem::testing {
namespace {

// Two phases, two threads and a job: transactions with savepoints, and a member of every sort of population.
// Distributions: 0: 1, 1: sizes 8…64, 2: choice of the only transaction, 3: ages of 20 µs, 4: sizes 800…864.
constexpr const char* kProgram = R"({
  "name": "test", "hash": "abc", "events": 20000, "seed": 7, "threads": 2, "paceNs": 100,
  "liveBytes": 65536, "openingEvents": 5000,
  "kinds": ["row", "page"], "types": ["order", "savepoint", "sweep"], "marks": ["start", "stop", "later"],
  "distributions": [[1, 1,1,4294967295,0], [8, 1,8,4294967295,0], [1, 0,1,4294967295,0],
                    [1, 20000,1,4294967295,0], [8, 100,9,4294967295,0]],
  "code": [
    [0,0,0,1,0,0,0,0], [0,1,0,1,0,1,0,64], [2,0,0,4,0,0,0,0],
    [4,0,1,250000,7,0,0,0], [0,0,0,1,0,0,0,0], [0,0,0,1,0,2,1,0], [11,0,0,0,0,0,0,0],
    [0,0,1,1,0,2,0,0], [0,0,1,1,0,2,1,0], [0,0,1,1,0,2,2,0], [0,0,1,1,0,2,3,0],
    [1,0,0,0,0,0,0,0],
    [12,0,0,0,0,0,0,0],
    [0,0,0,1,0,1,0,0], [12,0,0,0,0,0,0,0],
    [0,0,1,1,0,2,0,0], [12,0,0,0,0,0,0,0]],
  "transactions": [[0, 0, 100000]],
  "populations": [[0,0,0,1,0,1,15], [2,0,0,16,0,0,0], [3,0,0,1,0,0,0], [4,3,0,1,0,0,0]],
  "jobs": [[2, 13, 3, 0, 0]],
  "phases": [
    {"mark": 0, "endEvents": 10000, "mix": 2, "targets": [32768, 0, 0, 0], "sizes": [0,1,2,3,4]},
    {"mark": 2, "endEvents": 20000, "mix": 2, "targets": [8192, 0, 0, 0], "sizes": [0,4,2,3,4]}]
})";

std::vector<Event> Generate(const WorkloadProgram& program, TraceInfo& info, std::size_t step = 1000) {
  Collector sink;
  Validator validator(sink);
  WorkloadGenerator generator(program, info, validator);
  while (generator.Step(step)) {
  }
  EXPECT_EQ(sink.finished, 1);
  return sink.events;
}

WorkloadProgram With(std::uint64_t seed) {
  WorkloadProgram program = ParseWorkloadProgram(kProgram);
  program.seed = seed;
  return program;
}

TEST(WorkloadGenerator, IsTheSameForTheSameSeed) {
  TraceInfo info;
  const auto once = Generate(With(4), info, 1000);
  EXPECT_EQ(Generate(With(4), info, 77), once);
  EXPECT_NE(Generate(With(5), info), once);
}

TEST(WorkloadGenerator, MakesAboutAsManyEventsAsAskedForOnAllThreads) {
  for (std::uint32_t threads : {1u, 2u, 64u}) {
    WorkloadProgram program = ParseWorkloadProgram(kProgram);
    program.threads = threads;
    TraceInfo info;
    const auto events = Generate(program, info);
    EXPECT_GE(events.size(), 20'000u);
    EXPECT_LE(events.size(), 20'000u + threads * 40 + 100);
    std::set<std::uint32_t> seen;
    std::map<EventType, std::uint64_t> count;
    for (std::size_t i = 0; i < events.size(); ++i) {
      seen.insert(events[i].thread);
      ++count[events[i].type];
      if (i > 0) {
        ASSERT_LE(events[i - 1].timeNs, events[i].timeNs);
      }
    }
    EXPECT_EQ(seen.size(), threads + 1);
    EXPECT_EQ(count[EventType::kBegin], count[EventType::kCommit] + count[EventType::kAbort]);
    EXPECT_EQ(count[EventType::kThreadEnd], threads + 1);
    EXPECT_EQ(count[EventType::kMark], 3u);
  }
}

TEST(WorkloadGenerator, NamesTheWorkloadInTheHeader) {
  TraceInfo info;
  Generate(With(9), info);
  EXPECT_EQ(info.header["workload"], "test");
  EXPECT_EQ(info.header["workloadHash"], "abc");
  EXPECT_EQ(info.header["seed"], "9");
}

/** What is alive at each event, and who made it. */
struct Alive {
  std::uint64_t size;
  std::uint16_t kind;
  std::uint32_t thread;
  std::uint64_t bornNs;
};

TEST(WorkloadGenerator, FillsTheOpeningPopulationAndShrinksItWithItsPhase) {
  TraceInfo info;
  WorkloadProgram program = With(1);
  for (Step& step : program.code) {
    if (step.code == StepCode::kAlloc && step.c == 2 && step.d != 0) step.c = 0;
  }
  const auto events = Generate(program, info);
  std::map<std::uint64_t, Alive> live;
  std::uint64_t liveBytes = 0, atStart = 0, atLater = 0;
  for (const Event& event : events) {
    if (event.type == EventType::kAlloc && (event.flags & kFlagDiesWithScope) == 0) {
      live[event.id] = {event.size, event.name, event.thread, event.timeNs};
      liveBytes += event.size;
    } else if (event.type == EventType::kFree) {
      liveBytes -= live.at(event.id).size;
      live.erase(event.id);
    } else if (event.type == EventType::kRealloc) {
      liveBytes += event.size - live.at(event.id).size;
      live[event.newId] = {event.size, event.name, event.thread, event.timeNs};
      live.erase(event.id);
    } else if (event.type == EventType::kMark) {
      const std::string& text = info.names.marks[event.name];
      if (text == "start") atStart = liveBytes;
      if (text == "later") atLater = liveBytes;
    }
  }
  EXPECT_NEAR(static_cast<double>(atStart), 32768, 64);
  EXPECT_NEAR(static_cast<double>(atLater), 32768, 4000);
  EXPECT_NEAR(static_cast<double>(liveBytes), 8192, 1000);
}

TEST(WorkloadGenerator, ChangesSizesWithThePhase) {
  TraceInfo info;
  bool later = false;
  std::uint64_t wrong = 0;
  for (const Event& event : Generate(With(1), info)) {
    later |= event.type == EventType::kMark && info.names.marks[event.name] == "later";
    if (event.type != EventType::kAlloc) continue;
    wrong += later ? (event.size < 800 || event.size > 864) : (event.size < 8 || event.size > 64);
    wrong += event.size % 8 != 0;
  }
  EXPECT_TRUE(later);
  EXPECT_EQ(wrong, 0u);
}

TEST(WorkloadGenerator, FreesOnAnotherThreadWhatIsQueued) {
  TraceInfo info;
  WorkloadProgram program = With(3);
  for (Step& step : program.code) {
    if (step.code == StepCode::kAlloc && step.c == 2 && step.d != 2 && step.d != 0) step.d = 2;
  }
  std::map<std::uint64_t, Alive> live;
  std::map<std::uint64_t, std::uint64_t> committed;
  std::uint64_t foreign = 0, own = 0;
  for (const Event& event : Generate(program, info)) {
    if (event.type == EventType::kAlloc) live[event.id] = {event.size, event.name, event.thread, 0};
    if (event.type == EventType::kRealloc) live[event.newId] = live[event.id];
    if (event.type != EventType::kFree || info.names.kinds[live[event.id].kind] != "page") continue;
    ++(live[event.id].thread == event.thread ? own : foreign);
  }
  EXPECT_GT(foreign, own);
}

TEST(WorkloadGenerator, CollectsVersionsOnlyBehindEveryOpenTransaction) {
  TraceInfo info;
  std::map<std::uint64_t, std::uint64_t> open;     // transaction → begins before it
  std::map<std::uint64_t, std::uint64_t> scopeOf;  // block of the epoch population → its transaction
  std::map<std::uint64_t, std::uint64_t> ended;    // transaction → begins at its end
  std::map<std::uint64_t, std::uint64_t> parent;
  WorkloadProgram program = With(5);
  // Only versions survive, so that every later free of a page is the collector's.
  for (Step& step : program.code) {
    if (step.code == StepCode::kAlloc && step.c == 2 && step.d != 1) step.c = 0;
  }
  program.populations[0].opening = false;
  std::uint64_t begins = 0, collected = 0;
  for (const Event& event : Generate(program, info)) {
    if (event.type == EventType::kBegin) {
      ++begins;
      parent[event.id] = event.scope;
      if (event.scope == 0) open[event.id] = begins;
    } else if (event.type == EventType::kCommit || event.type == EventType::kAbort) {
      if (parent[event.id] == 0) {
        open.erase(event.id);
        ended[event.id] = begins;
      }
    } else if (event.type == EventType::kAlloc && (event.flags & kFlagDiesWithScope) == 0 &&
               event.scope != 0) {
      scopeOf[event.id] = parent[event.scope] == 0 ? event.scope : parent[event.scope];
    } else if (event.type == EventType::kFree && ended.contains(scopeOf[event.id])) {
      ++collected;
      for (const auto& [id, since] : open) ASSERT_GT(since, ended[scopeOf[event.id]]);
    }
  }
  EXPECT_GT(collected, 1000u);
}

TEST(WorkloadGenerator, FreesWhatAgesNotBeforeItsAge) {
  TraceInfo info;
  WorkloadProgram program = With(6);
  for (Step& step : program.code) {
    if (step.code == StepCode::kAlloc && step.c == 2 && step.d != 3) step.c = 0;
  }
  program.populations[0].opening = false;
  program.jobs.clear();
  std::map<std::uint64_t, std::uint64_t> bornNs;
  std::uint64_t aged = 0, youngest = ~std::uint64_t{0}, oldest = 0;
  bool stopped = false;
  for (const Event& event : Generate(program, info)) {
    if (event.type == EventType::kAlloc && info.names.kinds[event.name] == "page" &&
        (event.flags & kFlagDiesWithScope) == 0) {
      bornNs[event.id] = event.timeNs;
    }
    stopped |= event.type == EventType::kMark && info.names.marks[event.name] == "stop";
    if (event.type != EventType::kFree || !bornNs.contains(event.id) || stopped) continue;
    const std::uint64_t age = event.timeNs - bornNs[event.id];
    if (age < 5000) continue;  // an abort's
    ++aged;
    youngest = std::min(youngest, age);
    oldest = std::max(oldest, age);
  }
  EXPECT_GT(aged, 500u);
  EXPECT_GE(youngest, 20'000u);
  EXPECT_LT(oldest, 30'000u);
}

TEST(WorkloadGenerator, ReadsMemoryOnTimeAndStopsAtTheLimit) {
  WorkloadProgram program = With(2);
  program.samples = {10'000, 200'000, 50'000, true};
  program.populations[0].death = Death::kNever;
  program.populations[0].opening = false;
  TraceInfo info;
  std::uint64_t samples = 0, lastUsed = 0, lastNs = 0;
  const auto events = Generate(program, info);
  for (const Event& event : events) {
    if (event.type != EventType::kSample) continue;
    ++samples;
    EXPECT_EQ(event.id, 200'000u);
    if (lastNs != 0) {
      EXPECT_NEAR(static_cast<double>(event.timeNs - lastNs), 10'000, 4'000);
    }
    lastNs = event.timeNs;
    lastUsed = event.size;
  }
  EXPECT_GT(samples, 10u);
  EXPECT_EQ(lastUsed, 200'000u);
  EXPECT_LT(events.size(), 19'000u);
}

/** Live bytes at the highest, of what transactions allocate into population `d` of kProgram and nothing else.
 */
std::uint64_t PeakBytes(WorkloadProgram program, std::uint32_t d) {
  for (Step& step : program.code) {
    if (step.code == StepCode::kAlloc && step.c == 2) step.d = d;
  }
  TraceInfo info;
  std::map<std::uint64_t, std::uint64_t> sizes;
  std::uint64_t live = 0, peak = 0;
  for (const Event& event : Generate(program, info)) {
    if (event.type == EventType::kAlloc && (event.flags & kFlagDiesWithScope) == 0) {
      live += sizes[event.id] = event.size;
    } else if (event.type == EventType::kFree) {
      live -= sizes.at(event.id);
    } else if (event.type == EventType::kRealloc) {
      live += (sizes[event.newId] = event.size) - sizes.at(event.id);
    }
    peak = std::max(peak, live);
  }
  return peak;
}

TEST(WorkloadGenerator, CollectsEpochsWithOneThreadBesideAJobThatNeverDoes) {
  WorkloadProgram program = With(1);
  program.threads = 1;
  program.populations[0].opening = false;
  EXPECT_LT(PeakBytes(program, 1), 40'000u);
}

TEST(WorkloadGenerator, AJobThatSleptFreesAllThatItWasSent) {
  WorkloadProgram program = With(1);
  program.populations[0].opening = false;
  program.populations[2].job = 1;
  // The job sleeps 20 µs: some 400 events of two threads, more than 32 of them sent to it.
  EXPECT_LT(PeakBytes(program, 2), 200'000u);
  // Any other thread is one that works, where there are several.
  program.populations[2].job = 0;
  program.distributions[3] = Distribution(1, {{1'000'000'000'000, 1, 4294967295, 0}});
  EXPECT_LT(PeakBytes(program, 2), 200'000u);
}

TEST(WorkloadGenerator, ComesBackToItsCallerFromCodeThatMakesNoEvents) {
  WorkloadProgram program = With(1);
  program.distributions.push_back(Distribution(1, {{std::uint64_t{1} << 40, 1, 4294967295, 0}}));
  for (PhaseProgram& phase : program.phases) phase.sizes.push_back(5);
  const auto entry = static_cast<std::uint32_t>(program.code.size());
  program.code.push_back({StepCode::kRepeat, 0, 0, 5, entry + 2, 0, 0, 0});
  program.code.push_back({StepCode::kClose, 0, 0, 0, 0, 0, 0, 0});
  program.code.push_back({StepCode::kEnd, 0, 0, 0, 0, 0, 0, 0});
  program.transactions[0].entry = entry;
  TraceInfo info;
  Collector sink;
  WorkloadGenerator generator(program, info, sink);
  std::size_t most = 0;
  for (int i = 0; i < 40; ++i) {
    EXPECT_TRUE(generator.Step(1000));
    most = std::max(most, sink.events.size());
  }
  EXPECT_LT(most, 20'000u);
}

TEST(WorkloadGenerator, AJobWithoutPauseAndEventsLetsTimeGoOn) {
  WorkloadProgram program = With(1);
  program.distributions.push_back(Distribution(1, {{0, 1, 4294967295, 0}}));
  program.distributions.push_back(Distribution(1, {{50'000, 1, 4294967295, 0}}));
  for (PhaseProgram& phase : program.phases) {
    phase.sizes.push_back(5);
    phase.sizes.push_back(6);
  }
  program.jobs[0].every = 5;
  program.code[13] = {StepCode::kThink, 0, 0, 5, 0, 0, 0, 0};  // of the job: nothing
  program.code[11] = {StepCode::kThink, 0, 0, 6, 0, 0, 0, 0};  // of the transactions
  TraceInfo info;
  Collector sink;
  WorkloadGenerator generator(program, info, sink);
  bool more = true;
  for (int i = 0; more && i < 20'000; ++i) more = generator.Step(1000);
  EXPECT_FALSE(more);
}

TEST(WorkloadGenerator, ReadsMemoryNoMoreOftenThanItMayMakeEvents) {
  WorkloadProgram program = With(2);
  program.samples = {1, 200'000, 0, false};
  TraceInfo info;
  EXPECT_LT(Generate(program, info).size(), 20'500u);
}

TEST(WorkloadGenerator, ReadsMemoryOnTimeWhileItOpens) {
  WorkloadProgram program = With(2);
  program.samples = {1'000, 200'000, 0, false};
  TraceInfo info;
  std::set<std::uint64_t> times;
  std::uint64_t samples = 0;
  for (const Event& event : Generate(program, info)) {
    if (event.type == EventType::kMark) break;
    if (event.type != EventType::kSample) continue;
    ++samples;
    times.insert(event.timeNs / 1'000);
  }
  EXPECT_GT(samples, 10u);
  EXPECT_GT(times.size(), samples / 2);
}

TEST(WorkloadProgram, TakesTheLargestBlockAndNoLarger) {
  const auto with = [](const std::string& low) {
    std::string text = kProgram;
    return text.replace(text.find("[1, 1,1,"), 8, "[1, " + low + ",1,");
  };
  EXPECT_NO_THROW(ParseWorkloadProgram(with("140737488355328")));
  EXPECT_THROW(ParseWorkloadProgram(with("140737488355329")), std::invalid_argument);
}

TEST(WorkloadProgram, RefusesIndicesThatLeadNowhere) {
  const auto refuses = [](const std::string& from, const std::string& to) {
    std::string text = kProgram;
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    EXPECT_THROW(ParseWorkloadProgram(text.replace(at, from.size(), to)), std::invalid_argument) << to;
  };
  EXPECT_NO_THROW(ParseWorkloadProgram(kProgram));
  refuses("\"threads\": 2", "\"threads\": 0");
  refuses("\"threads\": 2", "\"threads\": 1024");
  refuses("\"events\": 20000", "\"events\": 0");
  refuses("[[0, 0, 100000]]", "[[9, 0, 100000]]");
  refuses("[[0, 0, 100000]]", "[[0, 99, 100000]]");
  refuses("[[0, 0, 100000]]", "[]");
  refuses("[0,0,0,1,0,0,0,0]", "[0,0,7,1,0,0,0,0]");
  refuses("[0,0,0,1,0,0,0,0]", "[0,0,0,77,0,0,0,0]");
  refuses("[0,0,0,1,0,0,0,0]", "[0,0,0,1,0,2,9,0]");
  refuses("[0,0,0,1,0,0,0,0]", "[0,0,0,1,0,0,0,3]");
  refuses("[0,0,0,1,0,0,0,0]", "[44,0,0,1,0,0,0,0]");
  refuses("\"mix\": 2", "\"mix\": 1");
  // What a phase puts in the place of the mix.
  refuses("\"sizes\": [0,1,2,3,4]", "\"sizes\": [0,1,4,3,4]");
  refuses("\"sizes\": [0,1,2,3,4]", "\"sizes\": [0,1,2]");
  refuses("[1, 1,1,4294967295,0]", "[1, 1,0,4294967295,0]");
  refuses("[1, 1,1,4294967295,0]", "[1, 1,1,4294967295,1]");
  refuses("[1, 1,1,4294967295,0]", "[1, 1,999999999999999,4294967295,0]");
  refuses("\"name\": \"test\"", "\"game\": \"test\"");
  refuses("\"kinds\":", "\"kinds\" ");
}

}  // namespace
}  // namespace rmem::testing
