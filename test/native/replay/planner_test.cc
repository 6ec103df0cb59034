#include "replay/planner.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "replay/block_operation.h"
#include "replay/plan.h"
#include "replay/plan_check.h"
#include "replay/plan_file.h"
#include "replay/random_trace.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "planner-test-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TraceNames Names() {
  TraceNames names;
  names.marks.Intern("start");
  names.marks.Intern("stop");
  return names;
}

/** A plan in memory, with the views a replay has of it. */
struct Plan {
  std::string bytes;
  PlanSummary summary;

  const PlanHeader& header() const { return *reinterpret_cast<const PlanHeader*>(bytes.data()); }
  template <class T>
  const T* At(std::uint64_t offset) const {
    return reinterpret_cast<const T*>(bytes.data() + offset);
  }
  const PlanStream& stream(std::uint32_t i) const { return At<PlanStream>(header().streamsOffset)[i]; }
  const Instruction* instructions(std::uint32_t i) const { return At<Instruction>(stream(i).offset); }
};

Plan MakePlan(const std::vector<Event>& events, std::uint32_t threads = 0, bool withTimes = false) {
  const Folder folder;
  const TraceNames names = Names();
  PlanOptions options{folder.path() + "/plan", folder.path(), threads, withTimes};
  Planner planner(options, names);
  planner.Consume(events);
  planner.Finish();
  std::ifstream file(options.planPath, std::ios::binary);
  Plan plan{std::string(std::istreambuf_iterator<char>(file), {}), planner.summary()};
  EXPECT_EQ(plan.header().fileBytes, plan.bytes.size());
  return plan;
}

/** What an instruction asks for, wide or not. */
struct Decoded {
  Op op;
  std::uint64_t size, oldSize;
  std::uint32_t slot, scope;
  bool arena;
};

Decoded Decode(const Plan& plan, const Instruction& in) {
  Decoded out{in.op, in.size, in.aux, in.slot, in.scope, (in.flags & kPlanArena) != 0};
  if (in.op >= Op::kWideAlloc && in.op <= Op::kWideRealloc) {
    const WideOperands& wide = plan.At<WideOperands>(plan.header().wideOffset)[in.size];
    static constexpr Op kNarrow[] = {Op::kAlloc, Op::kFree, Op::kFreeImplied, Op::kRealloc};
    out = {kNarrow[static_cast<int>(in.op) - static_cast<int>(Op::kWideAlloc)],
           wide.size,
           wide.oldSize,
           in.slot,
           out.arena ? wide.scope : 0,
           out.arena};
  }
  if (out.op == Op::kAllocZeroed || out.op == Op::kAllocAligned) out.op = Op::kAlloc;
  return out;
}

/**
 * Executes a plan on paper, streams taking turns in any order that the waits allow, and checks what a replay
 * would trip over: a slot used twice, a free before its alloc, an arena block used outside its transaction.
 */
class PaperReplay {
 public:
  explicit PaperReplay(const Plan& plan)
      : plan_(plan), slots_(plan.header().slotCount), scopes_(plan.header().scopeSlotCount) {
    const PlanHeader& header = plan.header();
    const auto* windows = plan.At<std::uint32_t>(header.windowsOffset);
    inWindow_.assign(windows, windows + header.windowCount);
    position_.assign(header.streamCount, 0);
    window_.assign(header.streamCount, kNoWindow);
    left_.assign(header.streamCount, false);
    SkipEmptyWindows();
  }

  void RunFree(std::mt19937_64& random) {
    for (int section = 0; section < kSections; ++section) {
      std::vector<std::uint64_t> end(position_.size());
      for (std::uint32_t i = 0; i < end.size(); ++i) end[i] = position_[i] + plan_.stream(i).count[section];
      std::set<std::uint32_t> running;
      for (std::uint32_t i = 0; i < end.size(); ++i) running.insert(i);
      std::set<std::uint32_t> blocked;
      while (!running.empty()) {
        ASSERT_LT(blocked.size(), running.size()) << "deadlock";
        std::uint32_t pick = static_cast<std::uint32_t>(random() % end.size());
        while (!running.contains(pick) || blocked.contains(pick)) pick = (pick + 1) % end.size();
        // Often as far as it gets: the largest skew that the plan allows.
        std::uint64_t steps = random() % 3 == 0 ? 1 + random() % 4 : ~std::uint64_t{0};
        const bool stoodOutside = left_[pick];
        bool moved = false;
        for (; steps > 0 && position_[pick] < end[pick]; --steps) {
          if (!Step(pick)) break;
          moved = true;
          if (testing::Test::HasFatalFailure()) return;
        }
        // Who only left its window has let others go on too.
        moved |= left_[pick] && !stoodOutside;
        if (moved) blocked.clear();
        if (position_[pick] == end[pick]) {
          Leave(pick);
          left_[pick] = false;
          window_[pick] = kNoWindow;
          running.erase(pick);
          blocked.clear();
        } else if (!moved) {
          blocked.insert(pick);
        }
      }
    }
    CheckEnd();
  }

  /** In the recorded order; returns (event number, decoded op) of everything that is an event. */
  std::vector<std::pair<std::uint64_t, Decoded>> RunRecorded() {
    std::vector<std::pair<std::uint64_t, Decoded>> seen;
    const PlanHeader& header = plan_.header();
    const auto* run = plan_.At<PlanRun>(header.runsOffset);
    for (std::uint64_t i = 0; i < header.runCount[0] + header.runCount[1] + header.runCount[2]; ++i, ++run) {
      std::uint64_t number = run->firstEvent;
      for (std::uint32_t n = 0; n < run->count; ++n) {
        const Instruction& in = plan_.instructions(run->stream)[position_[run->stream]++];
        const Decoded decoded = Decode(plan_, in);
        Execute(decoded, in);
        if (testing::Test::HasFatalFailure()) return seen;
        if (decoded.op == Op::kWait || decoded.op == Op::kWindow || decoded.op == Op::kSleepUntil) continue;
        seen.emplace_back(number, decoded);
        if (decoded.op != Op::kFreeImplied) ++number;
      }
    }
    CheckEnd();
    return seen;
  }

  std::uint64_t peakLive() const { return peakLive_; }

 private:
  struct Slot {
    bool live = false;
    std::uint64_t size = 0;
    std::uint32_t arena = 0;  // scope slot + 1
  };
  struct Scope {
    bool open = false;
    std::uint32_t parent = 0;
  };

  bool Step(std::uint32_t stream) {
    const Instruction& in = plan_.instructions(stream)[position_[stream]];
    if (in.op == Op::kWait) {
      EXPECT_NE(in.slot, stream);
      if (position_[in.slot] < in.Long()) return false;
    } else if (in.op == Op::kWindow) {
      // Left at once, entered when allowed: a blocked stream takes the instruction up again.
      if (!left_[stream]) {
        EXPECT_EQ(window_[stream], in.slot) << "leaves a window it is not in";
        Leave(stream);
      }
      if (in.size >= 1 && completed_ < in.size - 1) return false;
      left_[stream] = false;
      window_[stream] = in.size;
    } else {
      Execute(Decode(plan_, in), in);
    }
    ++position_[stream];
    return true;
  }

  void Leave(std::uint32_t stream) {
    if (!left_[stream] && window_[stream] != kNoWindow) {
      --inWindow_[window_[stream]];
      SkipEmptyWindows();
    }
    left_[stream] = true;
  }

  void SkipEmptyWindows() {
    while (completed_ < inWindow_.size() && inWindow_[completed_] == 0) ++completed_;
  }

  void Execute(const Decoded& in, const Instruction& raw) {
    switch (in.op) {
      case Op::kAlloc: {
        Slot& slot = slots_[in.slot];
        ASSERT_FALSE(slot.live) << "slot taken twice";
        if (in.arena) {
          ASSERT_NE(in.scope, 0u);
          ASSERT_TRUE(scopes_[in.scope - 1].open);
        }
        slot = {true, in.size, in.arena ? in.scope : 0};
        Count(in.size, 0);
        break;
      }
      case Op::kRealloc: {
        Slot& slot = slots_[in.slot];
        ASSERT_TRUE(slot.live);
        ASSERT_EQ(slot.size, in.oldSize);
        CheckArena(slot, in);
        Count(in.size, slot.size);
        slot.size = in.size;
        break;
      }
      case Op::kFree:
      case Op::kFreeImplied: {
        Slot& slot = slots_[in.slot];
        ASSERT_TRUE(slot.live);
        ASSERT_EQ(slot.size, in.size);
        CheckArena(slot, in);
        slot.live = false;
        Count(0, slot.size);
        break;
      }
      case Op::kBegin: {
        Scope& scope = scopes_[in.slot];
        ASSERT_FALSE(scope.open);
        scope = {true, raw.aux};
        if (raw.aux != 0) {
          ASSERT_TRUE(scopes_[raw.aux - 1].open);
        }
        break;
      }
      case Op::kCommit:
      case Op::kAbort: {
        Scope& scope = scopes_[in.slot];
        ASSERT_TRUE(scope.open);
        for (const Scope& other : scopes_) ASSERT_FALSE(other.open && other.parent == in.slot + 1);
        const bool inherit = in.op == Op::kCommit && (raw.flags & kPlanInherit) != 0;
        for (Slot& slot : slots_) {
          if (!slot.live || slot.arena != in.slot + 1) continue;
          ASSERT_TRUE(inherit) << "an arena block outlives its transaction";
          slot.arena = scope.parent;
        }
        scope.open = false;
        break;
      }
      default:
        break;
    }
  }

  void CheckArena(Slot& slot, const Decoded& in) {
    ASSERT_EQ(slot.arena != 0, in.arena) << "half in an arena";
    if (in.arena) {
      ASSERT_EQ(slot.arena, in.scope) << "in another transaction's arena";
      ASSERT_TRUE(scopes_[in.scope - 1].open);
    }
  }

  void Count(std::uint64_t plus, std::uint64_t minus) {
    live_ += plus;
    live_ -= minus;
    peakLive_ = std::max(peakLive_, live_);
  }

  void CheckEnd() {
    const PlanHeader& header = plan_.header();
    const auto* left = plan_.At<PlanLeftover>(header.leftoverOffset);
    std::size_t live = 0;
    for (const Slot& slot : slots_) live += slot.live;
    ASSERT_EQ(live, header.leftoverCount);
    for (std::uint64_t i = 0; i < header.leftoverCount; ++i) {
      ASSERT_TRUE(slots_[left[i].slot].live);
      ASSERT_EQ(slots_[left[i].slot].size, left[i].size);
      ASSERT_EQ(slots_[left[i].slot].arena != 0, (left[i].flags & kPlanArena) != 0);
    }
    const auto* open = plan_.At<std::uint32_t>(header.openScopesOffset);
    std::set<std::uint32_t> named(open, open + header.openScopesCount);
    for (std::uint32_t i = 0; i < scopes_.size(); ++i) ASSERT_EQ(scopes_[i].open, named.contains(i));
  }

  const Plan& plan_;
  std::vector<Slot> slots_;
  std::vector<Scope> scopes_;
  std::vector<std::uint32_t> inWindow_;
  std::vector<std::uint64_t> position_;
  std::vector<std::uint32_t> window_;
  std::vector<bool> left_;  // out of one window, not yet in the next
  std::uint32_t completed_ = 0;
  std::uint64_t live_ = 0, peakLive_ = 0;
};

void ExpectSameAsTrace(const std::vector<Event>& events,
                       const std::vector<std::pair<std::uint64_t, Decoded>>& seen) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Event& event = events[i];
    if (event.type >= EventType::kThreadStart) continue;
    while (at < seen.size() && seen[at].second.op == Op::kFreeImplied) ++at;
    ASSERT_LT(at, seen.size());
    ASSERT_EQ(seen[at].first, i + 1);
    static constexpr Op kOps[] = {Op::kAlloc, Op::kFree, Op::kRealloc, Op::kBegin, Op::kCommit, Op::kAbort};
    ASSERT_EQ(seen[at].second.op, kOps[static_cast<int>(event.type)]);
    if (event.type == EventType::kAlloc || event.type == EventType::kRealloc) {
      ASSERT_EQ(seen[at].second.size, event.size);
    }
    ++at;
  }
}

TEST(Planner, RandomTracesKeepTheirOrderAndNeverDeadlock) {
  for (std::uint64_t seed = 1; seed <= 600; ++seed) {
    SCOPED_TRACE(seed);
    RandomTraceOptions options;
    options.threads = 1 + seed % 7;
    options.events = 20 + seed % 500;
    options.marks = seed % 3 == 0;
    options.hugeSizes = seed % 5 == 0;
    const std::vector<Event> events = RandomTrace(seed, options);
    const std::uint32_t threads = seed % 4 == 3 ? 2 : 0;
    const Plan plan = MakePlan(events, threads, seed % 6 == 0);
    ExpectSameAsTrace(events, PaperReplay(plan).RunRecorded());
    std::mt19937_64 random(seed * 77);
    for (int i = 0; i < 3; ++i) PaperReplay(plan).RunFree(random);
    if (HasFailure()) return;
  }
}

TEST(Planner, OneThreadNeedsNoWaitsAndNoWindows) {
  const std::vector<Event> events = RandomTrace(5, {.threads = 6, .events = 2000});
  const Plan plan = MakePlan(events, 1);
  EXPECT_EQ(plan.header().streamCount, 1u);
  EXPECT_EQ(plan.summary.waits, 0u);
  EXPECT_EQ(plan.header().windowCount, 0u);
  EXPECT_EQ(plan.header().slotCount, plan.summary.peakLiveBlocks);
}

TEST(Planner, SamePlanBitForBit) {
  const std::vector<Event> events = RandomTrace(9, {.threads = 5, .events = 3000, .threadEnds = true});
  EXPECT_EQ(MakePlan(events).bytes, MakePlan(events).bytes);
}

TEST(Planner, LiveBytesStayNearTheRecordedPeakInFreeOrder) {
  RandomTraceOptions options{.threads = 8, .events = 60000, .maxSize = 4000};
  const std::vector<Event> events = RandomTrace(21, options);
  const Plan plan = MakePlan(events);
  ASSERT_GT(plan.summary.windows, 100u);
  std::mt19937_64 random(3);
  PaperReplay replay(plan);
  replay.RunFree(random);
  const double ratio =
      static_cast<double>(replay.peakLive()) / static_cast<double>(plan.summary.peakLiveBytes);
  EXPECT_NEAR(ratio, 1.0, 0.01);
}

TEST(Planner, EligibleIsWhatNeverOutlivesItsScope) {
  std::vector<Event> events;
  events.push_back({.type = EventType::kBegin, .id = 1});
  events.push_back({.type = EventType::kAlloc, .id = 1, .size = 10, .scope = 1});  // freed inside
  events.push_back({.type = EventType::kAlloc, .id = 2, .size = 20, .scope = 1});  // survives
  events.push_back({.type = EventType::kAlloc, .flags = kFlagDiesWithScope, .id = 3, .size = 30, .scope = 1});
  events.push_back({.type = EventType::kRealloc, .id = 1, .newId = 4, .size = 40});
  events.push_back({.type = EventType::kFree, .id = 4});
  events.push_back({.type = EventType::kCommit, .id = 1});
  events.push_back({.type = EventType::kFree, .id = 2});
  const Plan plan = MakePlan(events);
  EXPECT_EQ(plan.summary.eligibleBlocks, 2u);
  EXPECT_EQ(plan.summary.impliedFrees, 1u);
  const Instruction* in = plan.instructions(0);
  EXPECT_TRUE(in[1].flags & kPlanArena);
  EXPECT_FALSE(in[2].flags & kPlanArena);
  EXPECT_EQ(in[2].scope, 0);
  EXPECT_TRUE(in[3].flags & kPlanArena);
  EXPECT_TRUE(in[4].flags & kPlanArena);
  EXPECT_EQ(in[6].op, Op::kFreeImplied);
  EXPECT_EQ(in[7].op, Op::kCommit);
}

TEST(Planner, AHugeBlockThatOutlivesItsTransactionIsInNoArena) {
  std::vector<Event> events;
  events.push_back({.type = EventType::kBegin, .id = 1});
  events.push_back({.type = EventType::kAlloc, .id = 1, .size = std::uint64_t{5} << 30, .scope = 1});
  events.push_back({.type = EventType::kCommit, .id = 1});
  events.push_back({.type = EventType::kFree, .id = 1});
  const Folder folder;
  const TraceNames names = Names();
  const PlanOptions options{folder.path() + "/plan", folder.path(), 0, false};
  Planner planner(options, names);
  planner.Consume(events);
  planner.Finish();
  const PlanFile plan = PlanFile::Open(options.planPath);
  EXPECT_NO_THROW(CheckPlan(plan));
  EXPECT_EQ(Decode(plan.instructions(0)[1], plan.wide()).scope, 0u);
}

TEST(Planner, AReallocSaysAnewWhetherABlockDiesWithItsTransaction) {
  std::vector<Event> events;
  events.push_back({.type = EventType::kAlloc, .id = 1, .size = 10});
  events.push_back({.type = EventType::kBegin, .id = 1});
  events.push_back({.type = EventType::kAlloc, .flags = kFlagDiesWithScope, .id = 2, .size = 20, .scope = 1});
  events.push_back({.type = EventType::kAlloc, .id = 3, .size = 30, .scope = 1});
  // The first now dies with the transaction, the second no longer does, the third does.
  events.push_back({.type = EventType::kRealloc,
                    .flags = kFlagDiesWithScope,
                    .id = 1,
                    .newId = 4,
                    .size = 11,
                    .scope = 1});
  events.push_back({.type = EventType::kRealloc, .id = 2, .newId = 5, .size = 21, .scope = 1});
  events.push_back({.type = EventType::kRealloc,
                    .flags = kFlagDiesWithScope,
                    .id = 3,
                    .newId = 6,
                    .size = 31,
                    .scope = 1});
  events.push_back({.type = EventType::kCommit, .id = 1});
  events.push_back({.type = EventType::kFree, .id = 5});
  const Plan plan = MakePlan(events);
  EXPECT_EQ(plan.summary.impliedFrees, 2u);
  EXPECT_EQ(plan.header().leftoverCount, 0u);
  EXPECT_EQ(plan.summary.eligibleBlocks, 1u);  // the first was born outside, the second outlives it
  ExpectSameAsTrace(events, PaperReplay(plan).RunRecorded());
}

TEST(Planner, NamesTheEventOfADoubleFree) {
  std::vector<Event> events;
  events.push_back({.type = EventType::kAlloc, .id = 1, .size = 10});
  events.push_back({.type = EventType::kFree, .id = 1});
  events.push_back({.type = EventType::kFree, .id = 1});
  const Folder folder;
  const TraceNames names = Names();
  Planner planner({folder.path() + "/plan", folder.path(), 0, false}, names);
  try {
    planner.Consume(events);
    FAIL() << "taken";
  } catch (const TraceError& error) {
    EXPECT_EQ(error.code(), "double-free");
    EXPECT_EQ(error.event(), 3u);
  }
}

TEST(Planner, AnUnwritableDirectoryIsNamed) {
  const TraceNames names = Names();
  try {
    Planner planner({"/nonexistent/plan", "/nonexistent", 0, false}, names);
    FAIL() << "taken";
  } catch (const TraceError& error) {
    EXPECT_NE(std::string(error.what()).find("/nonexistent"), std::string::npos);
  }
}

TEST(Planner, NamesTimesFromTheMarkStartOn) {
  std::vector<Event> events;
  const auto add = [&events](EventType type, std::uint64_t timeNs, std::uint64_t id) {
    Event event;
    event.type = type;
    event.timeNs = timeNs;
    event.id = id;
    event.size = 100;
    events.push_back(event);
  };
  add(EventType::kAlloc, 1'000'000, 1);
  add(EventType::kMark, 2'000'000, 0);
  events.back().name = 1;  // start
  add(EventType::kAlloc, 50'000'000, 2);
  add(EventType::kSample, 60'000'000, 4096);
  add(EventType::kAlloc, 70'000'000, 3);
  const Plan plan = MakePlan(events);
  ASSERT_EQ(plan.header().timesCount, 2u);
  const PlanTime* times = plan.At<PlanTime>(plan.header().timesOffset);
  EXPECT_EQ(times[0].event, 3u);
  EXPECT_EQ(times[1].event, 5u);
  EXPECT_EQ(times[1].timeNs, 70'000'000u);
  EXPECT_EQ(times[1].sinceNs, 50'000'000u);
  EXPECT_EQ(plan.summary.spanNs, 20'000'000u);
  EXPECT_EQ(plan.summary.sampledTotalBytes, 4096u);
}

}  // namespace
}  // namespace rmem
