#include "replay/plan_check.h"

#include <algorithm>
#include <vector>

#include "replay/plan_walk.h"
#include "replay/shared_array.h"

namespace rmem {
namespace {

struct Slot {
  std::uint64_t size;
  std::uint8_t alignmentLog2;
  bool alive;
  bool arena;
};

struct Scope {
  std::uint32_t parent;  // scope slot + 1, or 0
  std::uint32_t openChildren;
  bool open;
};

struct StreamState {
  std::uint64_t executed = 0;
  std::uint32_t window = kNoWindow;
};

class PlanChecker {
 public:
  explicit PlanChecker(const PlanFile& plan)
      : plan_(plan),
        header_(plan.header()),
        slots_(header_.slotCount, "checking the plan"),
        scopes_(header_.scopeSlotCount, "checking the plan"),
        windows_(header_.windowCount, "checking the plan"),
        streams_(header_.streamCount) {}

  void Run();

 private:
  void CheckRuns() const;
  void Step(const WalkedStep& step);
  void BlockStep(const Instruction& at);
  void ScopeStep(const Instruction& at);
  void WindowStep(const Instruction& at, StreamState& stream);
  void CheckEnd();
  void Require(bool condition, const char* what) const {
    if (!condition) [[unlikely]]
      Fail(what);
  }
  [[noreturn]] void Fail(const char* what) const;

  const PlanFile& plan_;
  const PlanHeader& header_;
  SharedArray<Slot> slots_;
  SharedArray<Scope> scopes_;
  SharedArray<std::uint32_t> windows_;
  std::vector<StreamState> streams_;
  PlanSection section_ = kOpening;
  std::uint32_t window_ = 0;  // the latest that any stream entered
  std::uint64_t event_ = 0;
  std::uint64_t liveBytes_ = 0, peakBytes_ = 0, liveBlocks_ = 0, peakBlocks_ = 0, openScopes_ = 0;
  std::uint64_t events_[kSections] = {}, impliedFrees_[kSections] = {};
};

void PlanChecker::Fail(const char* what) const {
  throw BadPlan(std::string(what) + " (at event " + std::to_string(event_) + " of the trace)");
}

/** The walk relies on this. */
void PlanChecker::CheckRuns() const {
  std::vector<std::uint64_t> left(header_.streamCount);
  for (const PlanSection section : {kOpening, kMeasured, kClosing}) {
    for (std::uint32_t i = 0; i < left.size(); ++i) left[i] = plan_.streams()[i].count[section];
    for (const PlanRun& run : plan_.runs(section)) {
      if (run.stream >= left.size() || run.count > left[run.stream])
        throw BadPlan("has runs that do not fit its streams");
      left[run.stream] -= run.count;
    }
    if (std::any_of(left.begin(), left.end(), [](std::uint64_t rest) { return rest != 0; })) {
      throw BadPlan("has instructions that no run reaches");
    }
  }
}

void PlanChecker::Run() {
  CheckRuns();
  WalkPlan(plan_, [this](const WalkedStep& step) { Step(step); });
  CheckEnd();
}

void PlanChecker::Step(const WalkedStep& step) {
  const Instruction& at = *step.instruction;
  StreamState& stream = streams_[step.stream];
  event_ = step.event;
  if (step.section != section_) {
    section_ = step.section;
    for (StreamState& each : streams_) each.window = kNoWindow;
  }
  switch (at.op) {
    case Op::kAlloc:
    case Op::kAllocZeroed:
    case Op::kAllocAligned:
    case Op::kFree:
    case Op::kFreeImplied:
    case Op::kRealloc:
    case Op::kWideAlloc:
    case Op::kWideFree:
    case Op::kWideFreeImplied:
    case Op::kWideRealloc:
      BlockStep(at);
      break;
    case Op::kBegin:
    case Op::kCommit:
    case Op::kAbort:
      ScopeStep(at);
      break;
    case Op::kThreadStart:
    case Op::kThreadEnd:
    case Op::kSleepUntil:
      break;
    case Op::kWait:
      Require(at.slot < streams_.size(), "waits for a stream that it does not have");
      Require(at.Long() <= streams_[at.slot].executed, "waits for something that comes later");
      break;
    case Op::kWindow:
      WindowStep(at, stream);
      break;
    default:
      Fail("has an unknown instruction");
  }
  ++stream.executed;
  if (at.op == Op::kFreeImplied || at.op == Op::kWideFreeImplied) {
    ++impliedFrees_[section_];
  } else if (at.op < Op::kThreadStart) {
    ++events_[section_];
  }
}

void PlanChecker::BlockStep(const Instruction& at) {
  Require(at.slot < header_.slotCount, "uses a slot that it does not have");
  Slot& slot = slots_[at.slot];
  std::uint64_t size = at.size, oldSize = at.aux;
  std::uint32_t scope = at.scope;
  if (at.op >= Op::kWideAlloc && at.op <= Op::kWideRealloc) {
    Require(at.size < header_.wideCount, "uses operands that it does not have");
    const WideOperands& wide = plan_.wide()[at.size];
    size = wide.size;
    oldSize = wide.oldSize;
    scope = (at.flags & kPlanArena) != 0 ? wide.scope : 0;
  }
  const bool arena = (at.flags & kPlanArena) != 0;
  Require(arena == (scope != 0), "has a block that is half in a transaction");
  Require(scope == 0 || (scope <= header_.scopeSlotCount && scopes_[scope - 1].open),
          "uses a transaction that is not open");
  const auto alignmentLog2 = static_cast<std::uint8_t>(at.flags >> kPlanAlignShift);

  switch (at.op) {
    case Op::kAlloc:
    case Op::kAllocZeroed:
    case Op::kAllocAligned:
    case Op::kWideAlloc:
      Require(!slot.alive, "allocates into a slot that is full");
      Require(alignmentLog2 < 48, "asks for an alignment out of range");
      slot = {size, alignmentLog2, true, arena};
      liveBytes_ += size;
      peakBlocks_ = std::max(peakBlocks_, ++liveBlocks_);
      break;
    case Op::kRealloc:
    case Op::kWideRealloc:
      Require(
          slot.alive && slot.size == oldSize && slot.arena == arena && slot.alignmentLog2 == alignmentLog2,
          "resizes a block that is not what it says");
      slot.size = size;
      liveBytes_ += size - oldSize;
      break;
    default:
      Require(slot.alive && slot.size == size && slot.arena == arena && slot.alignmentLog2 == alignmentLog2,
              "frees a block that is not what it says");
      slot.alive = false;
      liveBytes_ -= size;
      --liveBlocks_;
  }
  peakBytes_ = std::max(peakBytes_, liveBytes_);
}

void PlanChecker::ScopeStep(const Instruction& at) {
  Require(at.slot < header_.scopeSlotCount, "uses a transaction slot that it does not have");
  Scope& scope = scopes_[at.slot];
  if (at.op == Op::kBegin) {
    Require(!scope.open, "begins a transaction in a slot that is taken");
    Require(at.aux == 0 ||
                (at.aux <= header_.scopeSlotCount && at.aux - 1 != at.slot && scopes_[at.aux - 1].open),
            "begins inside a transaction that is not open");
    scope = {at.aux, 0, true};
    if (at.aux != 0) ++scopes_[at.aux - 1].openChildren;
    ++openScopes_;
    return;
  }
  Require(scope.open && scope.openChildren == 0, "ends a transaction that can't end");
  Require((at.flags & kPlanInherit) == 0 || scope.parent != 0, "hands blocks to a parent that is not there");
  if (scope.parent != 0) --scopes_[scope.parent - 1].openChildren;
  scope.open = false;
  --openScopes_;
}

void PlanChecker::WindowStep(const Instruction& at, StreamState& stream) {
  Require(at.size < header_.windowCount, "enters a window that it does not have");
  Require(stream.window == kNoWindow || stream.window < at.size, "goes back to an earlier window");
  Require(at.size >= window_, "enters a window that is over");
  stream.window = window_ = at.size;
  ++windows_[at.size];
}

void PlanChecker::CheckEnd() {
  for (const PlanLeftover& left : plan_.leftovers()) {
    Require(left.slot < header_.slotCount, "has a leftover in a slot that it does not have");
    Slot& slot = slots_[left.slot];
    Require(slot.alive && slot.size == left.size && slot.arena == ((left.flags & kPlanArena) != 0),
            "has a leftover that is not alive");
    slot.alive = false;
  }
  Require(plan_.leftovers().size() == liveBlocks_, "leaves blocks behind that it does not list");
  for (const std::uint32_t open : plan_.openScopes()) {
    Require(open < header_.scopeSlotCount && scopes_[open].open, "lists a transaction as open that is not");
    Require(scopes_[open].openChildren == 0, "lists a transaction before the savepoints inside it");
    if (scopes_[open].parent != 0) --scopes_[scopes_[open].parent - 1].openChildren;
    scopes_[open].open = false;
  }
  Require(plan_.openScopes().size() == openScopes_, "leaves transactions open that it does not list");
  Require(std::equal(windows_.begin(), windows_.end(), plan_.windows().begin()), "counts its windows wrong");
  Require(peakBytes_ == header_.peakLiveBytes && peakBlocks_ == header_.peakLiveBlocks,
          "has another peak than it says");
  const auto behind = [](const PlanTime& a, const PlanTime& b) {
    return b.event <= a.event || b.timeNs <= a.timeNs;
  };
  const std::span<const PlanTime> times = plan_.times();
  Require(std::adjacent_find(times.begin(), times.end(), behind) == times.end(),
          "has times that do not increase");
  Require(std::all_of(times.begin(), times.end(), [](const PlanTime& at) { return at.sinceNs <= at.timeNs; }),
          "has a time before what it follows");
  for (int i = 0; i < kSections; ++i) {
    Require(events_[i] == header_.events[i] && impliedFrees_[i] == header_.impliedFrees[i],
            "has another number of events than it says");
  }
}

}  // namespace

TraceError BadPlan(const std::string& what) {
  return TraceError("bad-plan", "the plan " + what + ": delete it and let it be made again");
}

void CheckPlan(const PlanFile& plan) {
  PlanChecker(plan).Run();
}

}  // namespace rmem
