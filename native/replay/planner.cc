#include "replay/planner.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "replay/plan.h"
#include "replay/plan_scopes.h"
#include "replay/plan_slots.h"
#include "replay/plan_spool.h"
#include "replay/plan_streams.h"
#include "replay/plan_times.h"
#include "trace/live_blocks.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

// Closer together than this, times are not worth an instruction: a sleep overshoots by more.
constexpr std::uint64_t kSleepStepNs = 20'000;

TraceError At(std::uint64_t number, const char* code, const std::string& message) {
  TraceError error(code, "event " + std::to_string(number) + " " + message);
  error.AtEvent(number);
  return error;
}

/** log2 of an alignment that malloc does not give by itself, else 0. */
std::uint8_t AlignLog2(const Event& event) {
  if (event.alignment <= 8 || (event.alignment == 16 && event.size >= 16)) return 0;
  return static_cast<std::uint8_t>(std::countr_zero(event.alignment));
}

}  // namespace

class Planner::Impl {
 public:
  Impl(const PlanOptions& options, const TraceNames& names)
      : options_(options), names_(names), streams_(options.spoolDirectory), wide_(options.spoolDirectory) {}

  void Take(const Event& event);
  void Finish();

  PlanSummary summary;

 private:
  /** A live block, by slot. */
  struct Block {
    std::uint64_t size = 0;
    PlanStep last;             // its alloc or latest realloc
    std::uint32_t scoped = 0;  // number in scopes_, or 0
    std::uint32_t thread = 0;  // of the trace, that did `last`
    std::uint8_t alignLog2 = 0;
    bool live = false;
  };

  struct Operands {
    std::uint64_t size = 0, oldSize = 0;
    std::uint32_t slot = 0;
    std::uint32_t scope = 0;  // scope slot + 1
    std::uint8_t flags = 0;
  };

  std::uint32_t StreamOf(std::uint32_t thread);
  std::uint32_t Start(const Event& event, std::int64_t liveDelta);
  std::uint32_t SlotOf(std::uint64_t id);
  PlanStep EmitBlockOp(std::uint32_t stream, Op op, Op wideOp, const Operands& operands);
  void Grow(std::uint64_t bytes);
  void AddCandidate(std::uint32_t stream, std::uint32_t scoped);
  void KeepBirths(std::uint32_t scoped);
  void CountForeign(const Event& event, const Block& block);
  bool InArena(const Block& block) const { return block.scoped != 0 && scopes_.block(block.scoped).arena; }
  void ChangeEnd(const Event& event, std::uint32_t stream, std::uint32_t slot);

  void Alloc(const Event& event);
  void Free(const Event& event);
  void Realloc(const Event& event);
  void Begin(const Event& event);
  void End(const Event& event);
  void FreeImplied(std::uint32_t stream, std::uint32_t scoped);
  void Mark(const Event& event);
  void EndSection(PlanSection section);
  void WriteLeftovers(PlanFileWriter& file, PlanHeader& header);

  const PlanOptions options_;
  const TraceNames& names_;
  PlanStreams streams_;
  SpoolFile wide_;
  PlanTimes times_;
  std::uint64_t wideCount_ = 0;
  PlanScopes scopes_;
  SlotPool slots_, scopeSlots_;
  LiveBlocks<std::uint32_t> live_;
  std::vector<Block> blocks_;
  std::vector<std::uint64_t> sleptUntil_;  // per stream
  std::uint64_t number_ = 0;               // of the event at hand
  std::uint64_t births_ = 0;               // highest id seen
  std::uint64_t liveBytes_ = 0;
  std::uint64_t sectionStartNs_ = kNoTime, firstTimeNs_ = kNoTime, lastTimeNs_ = kNoTime;
  std::uint64_t sectionEvents_[kSections] = {}, sectionImplied_[kSections] = {};
  PlanSection section_ = kMeasured;
  bool started_ = false, stopped_ = false;
};

std::uint32_t Planner::Impl::StreamOf(std::uint32_t thread) {
  summary.threads = std::max(summary.threads, thread + 1);
  const std::uint32_t stream = options_.threads == 0 ? thread : thread % options_.threads;
  if (stream >= streams_.count()) {
    const std::uint32_t before = streams_.count();
    streams_.Require(stream);
    for (std::uint32_t i = before; i <= stream; ++i) streams_.NameStream(i, i);
    sleptUntil_.resize(stream + 1, 0);
  }
  return stream;
}

/** What every event with an instruction begins with. */
std::uint32_t Planner::Impl::Start(const Event& event, std::int64_t liveDelta) {
  const std::uint32_t stream = StreamOf(event.thread);
  streams_.BeginEvent(stream, number_, liveDelta, summary.peakLiveBytes);
  times_.Take(number_, event.timeNs);
  if (options_.withTimes && event.timeNs != kNoTime && event.timeNs > sectionStartNs_) {
    const std::uint64_t at = event.timeNs - sectionStartNs_;
    if (at >= sleptUntil_[stream] + kSleepStepNs) {
      sleptUntil_[stream] = at;
      streams_.Emit(stream, {Op::kSleepUntil, 0, 0, 0, static_cast<std::uint32_t>(at),
                             static_cast<std::uint32_t>(at >> 32)});
    }
  }
  return stream;
}

std::uint32_t Planner::Impl::SlotOf(std::uint64_t id) {
  const std::uint32_t* slot = live_.Find(id);
  if (slot != nullptr) return *slot;
  const std::string block = "block " + std::to_string(id);
  if (id != 0 && id <= births_)
    throw At(number_, "double-free", "uses " + block + ", which was freed before");
  throw At(number_, "unknown-block", "uses " + block + ", which was never allocated");
}

PlanStep Planner::Impl::EmitBlockOp(std::uint32_t stream, Op op, Op wideOp, const Operands& operands) {
  const bool wide =
      operands.size > UINT32_MAX || operands.oldSize > UINT32_MAX || operands.scope > UINT16_MAX;
  if (!wide) {
    return streams_.Emit(
        stream, {op, operands.flags, static_cast<std::uint16_t>(operands.scope), operands.slot,
                 static_cast<std::uint32_t>(operands.size), static_cast<std::uint32_t>(operands.oldSize)});
  }
  if (wideCount_ > UINT32_MAX) {
    throw At(number_, "too-large", "is past the 4 billion operations on huge blocks that a plan can hold");
  }
  const WideOperands entry{operands.size, operands.oldSize, operands.scope, 0};
  wide_.Append(&entry, sizeof(entry));
  return streams_.Emit(
      stream, {wideOp, operands.flags, 0, operands.slot, static_cast<std::uint32_t>(wideCount_++), 0});
}

void Planner::Impl::Grow(std::uint64_t bytes) {
  liveBytes_ += bytes;
  summary.peakLiveBytes = std::max(summary.peakLiveBytes, liveBytes_);
}

void Planner::Impl::AddCandidate(std::uint32_t stream, std::uint32_t scoped) {
  scopes_.AddBirth(scoped, stream, streams_.NewCandidate(stream));
}

void Planner::Impl::KeepBirths(std::uint32_t scoped) {
  for (std::uint32_t birth = scopes_.block(scoped).births; birth != 0;) {
    const PlanScopes::Birth& kept = scopes_.birth(birth);
    streams_.KeepCandidate(kept.stream, kept.candidate);
    birth = kept.next;
  }
  ++summary.eligibleBlocks;
}

void Planner::Impl::CountForeign(const Event& event, const Block& block) {
  ++summary.frees;
  if (block.thread != event.thread) ++summary.crossThreadFrees;
}

void Planner::Impl::Alloc(const Event& event) {
  const std::uint32_t stream = Start(event, static_cast<std::int64_t>(event.size));
  const std::uint32_t slot = slots_.Take(stream, streams_.window());
  if (slot >= blocks_.size()) blocks_.resize(slot + 1);
  if (!live_.Insert(event.id, slot)) {
    throw At(number_, "bad-block", "allocates block " + std::to_string(event.id) + ", which is alive");
  }
  births_ = std::max(births_, event.id);

  Operands operands{event.size, 0, slot, 0, 0};
  std::uint32_t scoped = 0;
  if (event.scope != 0) {
    const std::uint32_t scope = scopes_.Find(event.scope);
    if (scope == 0) {
      throw At(number_, "bad-transaction",
               "allocates in transaction " + std::to_string(event.scope) + ", which is not open");
    }
    streams_.WaitFor(stream, scopes_[scope].begin);
    scoped = scopes_.AddBlock(scope, event.id, slot, (event.flags & kFlagDiesWithScope) != 0, true);
    AddCandidate(stream, scoped);
    operands.scope = scopes_[scope].slot + 1;
    operands.flags |= kPlanArena;
    ++summary.scopedBlocks;
  }
  const std::uint8_t alignLog2 = AlignLog2(event);
  const bool zeroed = (event.flags & kFlagZeroed) != 0;
  operands.flags |= static_cast<std::uint8_t>(alignLog2 << kPlanAlignShift);
  if (zeroed) operands.flags |= kPlanZeroed;
  const Op op = alignLog2 != 0 ? Op::kAllocAligned : zeroed ? Op::kAllocZeroed : Op::kAlloc;
  const PlanStep step = EmitBlockOp(stream, op, Op::kWideAlloc, operands);
  blocks_[slot] = {event.size, step, scoped, event.thread, alignLog2, true};
  if (scoped != 0) scopes_.Note(scopes_.ScopeOf(scoped), step);
  Grow(event.size);
  summary.peakLiveBlocks = std::max<std::uint64_t>(summary.peakLiveBlocks, live_.size());
}

void Planner::Impl::Free(const Event& event) {
  const std::uint32_t slot = SlotOf(event.id);
  Block& block = blocks_[slot];
  const std::uint32_t stream = Start(event, -static_cast<std::int64_t>(block.size));
  streams_.WaitFor(stream, block.last);
  CountForeign(event, block);

  Operands operands{block.size, 0, slot, 0, static_cast<std::uint8_t>(block.alignLog2 << kPlanAlignShift)};
  if (block.scoped != 0) {
    const std::uint32_t scope = scopes_.ScopeOf(block.scoped);
    streams_.WaitFor(stream, scopes_[scope].lastInherit);
    if (InArena(block)) {
      operands.scope = scopes_[scope].slot + 1;
      operands.flags |= kPlanArena;
      KeepBirths(block.scoped);
    }
    const PlanStep step = EmitBlockOp(stream, Op::kFree, Op::kWideFree, operands);
    scopes_.Note(scope, step);
    scopes_.RemoveBlock(block.scoped);
  } else {
    EmitBlockOp(stream, Op::kFree, Op::kWideFree, operands);
  }
  block.live = false;
  liveBytes_ -= block.size;
  live_.Erase(event.id);
  slots_.Give(stream, streams_.window(), slot, streams_.many());
}

/** A realloc says anew whether the block dies with a scope, and with which. */
void Planner::Impl::ChangeEnd(const Event& event, std::uint32_t stream, std::uint32_t slot) {
  Block& block = blocks_[slot];
  const bool dies = event.scope != 0 && (event.flags & kFlagDiesWithScope) != 0;
  std::uint32_t scope = 0;
  if (event.scope != 0) {
    scope = scopes_.Find(event.scope);
    if (scope == 0) {
      throw At(number_, "bad-transaction",
               "reallocates in transaction " + std::to_string(event.scope) + ", which is not open");
    }
  }
  if (block.scoped != 0 && (!dies || scopes_.ScopeOf(block.scoped) == scope)) {
    scopes_.SetDies(block.scoped, dies);
    return;
  }
  if (!dies) return;
  // Born elsewhere: no arena can hold it, but its end is this scope's.
  if (block.scoped != 0) scopes_.RemoveBlock(block.scoped);
  streams_.WaitFor(stream, scopes_[scope].begin);
  block.scoped = scopes_.AddBlock(scope, event.newId, slot, true, false);
}

void Planner::Impl::Realloc(const Event& event) {
  const std::uint32_t slot = SlotOf(event.id);
  const std::uint64_t oldSize = blocks_[slot].size;
  const std::uint32_t stream = Start(event, static_cast<std::int64_t>(event.size - oldSize));
  Block& block = blocks_[slot];
  streams_.WaitFor(stream, block.last);
  CountForeign(event, block);
  live_.Erase(event.id);
  if (!live_.Insert(event.newId, slot)) {
    throw At(number_, "bad-block", "makes block " + std::to_string(event.newId) + ", which is alive");
  }
  births_ = std::max(births_, event.newId);

  Operands operands{event.size, oldSize, slot, 0,
                    static_cast<std::uint8_t>(block.alignLog2 << kPlanAlignShift)};
  ChangeEnd(event, stream, slot);
  std::uint32_t scope = 0;
  if (block.scoped != 0) {
    scope = scopes_.ScopeOf(block.scoped);
    streams_.WaitFor(stream, scopes_[scope].lastInherit);
    scopes_.RenameBlock(block.scoped, event.newId);
    if (InArena(block)) {
      AddCandidate(stream, block.scoped);
      operands.scope = scopes_[scope].slot + 1;
      operands.flags |= kPlanArena;
    }
  }
  block.last = EmitBlockOp(stream, Op::kRealloc, Op::kWideRealloc, operands);
  if (scope != 0) scopes_.Note(scope, block.last);
  block.size = event.size;
  block.thread = event.thread;
  liveBytes_ -= oldSize;
  Grow(event.size);
}

void Planner::Impl::Begin(const Event& event) {
  const std::uint32_t stream = Start(event, 0);
  std::uint32_t parent = 0;
  if (event.scope != 0) {
    parent = scopes_.Find(event.scope);
    if (parent == 0) {
      throw At(number_, "bad-transaction",
               "begins inside transaction " + std::to_string(event.scope) + ", which is not open");
    }
    streams_.WaitFor(stream, scopes_[parent].begin);
  } else {
    ++summary.transactions;
  }
  if (event.id == 0 || scopes_.Find(event.id) != 0) {
    throw At(number_, "bad-transaction", "begins transaction " + std::to_string(event.id) + " a second time");
  }
  const std::uint32_t slot = scopeSlots_.Take(stream, streams_.window());
  const std::uint32_t scope = scopes_.Open(event.id, parent, slot);
  const PlanStep step =
      streams_.Emit(stream, {Op::kBegin, 0, 0, slot, event.name, parent == 0 ? 0 : scopes_[parent].slot + 1});
  scopes_[scope].begin = scopes_[scope].own = step;
  if (parent != 0) scopes_.Note(parent, step);
}

void Planner::Impl::FreeImplied(std::uint32_t stream, std::uint32_t scoped) {
  const PlanScopes::Block ending = scopes_.block(scoped);
  Block& block = blocks_[ending.slot];
  Operands operands{block.size, 0, ending.slot, 0,
                    static_cast<std::uint8_t>(block.alignLog2 << kPlanAlignShift)};
  if (ending.arena) {
    KeepBirths(scoped);
    operands.scope = scopes_[scopes_.ScopeOf(scoped)].slot + 1;
    operands.flags |= kPlanArena;
  }
  EmitBlockOp(stream, Op::kFreeImplied, Op::kWideFreeImplied, operands);
  block.live = false;
  liveBytes_ -= block.size;
  live_.Erase(ending.id);
  slots_.Give(stream, streams_.window(), ending.slot, streams_.many());
  ++sectionImplied_[section_];
}

void Planner::Impl::End(const Event& event) {
  const std::uint32_t scope = scopes_.Find(event.id);
  if (scope == 0) {
    throw At(number_, "bad-transaction",
             "ends transaction " + std::to_string(event.id) + ", which is not open");
  }
  if (scopes_[scope].openChildren != 0) {
    throw At(number_, "bad-transaction",
             "ends transaction " + std::to_string(event.id) + " before the savepoints inside it");
  }
  const std::uint32_t parent = scopes_[scope].parent;
  const bool commit = event.type == EventType::kCommit;
  const bool inherit = commit && (event.flags & kFlagInherit) != 0 && parent != 0;

  std::uint64_t bytes = 0;
  if (!inherit && streams_.many()) {
    for (std::uint32_t at = scopes_[scope].head; at != 0; at = scopes_.block(at).next) {
      if (scopes_.block(at).dies) bytes += blocks_[scopes_.block(at).slot].size;
    }
  }
  const std::uint32_t stream = Start(event, -static_cast<std::int64_t>(bytes));
  for (const PlanStep& step : scopes_.Needs(scope)) streams_.WaitFor(stream, step);
  // One after the other, so that the latest is proof of all.
  if (inherit) streams_.WaitFor(stream, scopes_[parent].lastInherit);

  if (!inherit) {
    while (scopes_[scope].head != 0) {
      const std::uint32_t scoped = scopes_[scope].head;
      const std::uint32_t slot = scopes_.block(scoped).slot;
      if (scopes_.block(scoped).dies) FreeImplied(stream, scoped);
      blocks_[slot].scoped = 0;
      scopes_.RemoveBlock(scoped);
    }
  }
  const std::uint32_t slot = scopes_[scope].slot;
  const PlanStep step = streams_.Emit(
      stream, {commit ? Op::kCommit : Op::kAbort, inherit ? kPlanInherit : std::uint8_t{0}, 0, slot, 0, 0});
  if (parent != 0) scopes_.Note(parent, step);
  if (inherit) {
    scopes_[parent].lastInherit = step;
    scopes_.CloseInto(scope, parent);
  } else {
    scopes_.Close(scope);
  }
  scopeSlots_.Give(stream, streams_.window(), slot, streams_.many());
}

void Planner::Impl::EndSection(PlanSection section) {
  streams_.EndSection(section);
  sleptUntil_.assign(sleptUntil_.size(), 0);
  sectionStartNs_ = lastTimeNs_;
}

void Planner::Impl::Mark(const Event& event) {
  const std::string& text = names_.marks[event.name];
  if (text == "start" && !started_ && !stopped_) {
    started_ = true;
    // Until now this was taken for the measured part.
    std::swap(sectionEvents_[kOpening], sectionEvents_[kMeasured]);
    std::swap(sectionImplied_[kOpening], sectionImplied_[kMeasured]);
    summary.openingBlocks = live_.size();
    times_.Begin();
    EndSection(kOpening);
  } else if (text == "stop" && !stopped_) {
    stopped_ = true;
    EndSection(kMeasured);
    section_ = kClosing;
  }
}

void Planner::Impl::Take(const Event& event) {
  ++number_;
  if (event.timeNs != kNoTime) {
    if (firstTimeNs_ == kNoTime) firstTimeNs_ = sectionStartNs_ = event.timeNs;
    lastTimeNs_ = event.timeNs;
  }
  switch (event.type) {
    case EventType::kAlloc:
      Alloc(event);
      break;
    case EventType::kFree:
      Free(event);
      break;
    case EventType::kRealloc:
      Realloc(event);
      break;
    case EventType::kBegin:
      Begin(event);
      break;
    case EventType::kCommit:
    case EventType::kAbort:
      End(event);
      break;
    case EventType::kThreadStart: {
      const std::uint32_t stream = StreamOf(event.thread);
      if (options_.threads == 0) streams_.NameStream(stream, event.id);
      streams_.SkipEvent();
      return;
    }
    case EventType::kThreadEnd: {
      if (options_.threads != 0) {
        streams_.SkipEvent();
        return;
      }
      const std::uint32_t stream = Start(event, 0);
      streams_.Emit(stream, {Op::kThreadEnd, 0, 0, 0, 0, 0});
      streams_.EndThread(stream);
      return;
    }
    case EventType::kMark:
      Mark(event);
      streams_.SkipEvent();
      return;
    case EventType::kSample:
      if (event.id != kAbsent) summary.sampledTotalBytes = std::max(summary.sampledTotalBytes, event.id);
      streams_.SkipEvent();
      return;
  }
  ++sectionEvents_[section_];
}

void Planner::Impl::WriteLeftovers(PlanFileWriter& file, PlanHeader& header) {
  const std::vector<std::uint32_t> open = scopes_.OpenScopes();
  header.openScopesOffset = file.AlignToPage();
  header.openScopesCount = open.size();
  for (const std::uint32_t scope : open) {
    const std::uint32_t slot = scopes_[scope].slot;
    file.Append(&slot, sizeof(slot));
    // What an unfinished transaction would have freed by ending does die with it; of the rest nobody knows.
    for (std::uint32_t at = scopes_[scope].head; at != 0; at = scopes_.block(at).next) {
      if (scopes_.block(at).dies && scopes_.block(at).arena) KeepBirths(at);
    }
  }
  header.leftoverOffset = file.AlignToPage();
  for (std::uint32_t slot = 0; slot < blocks_.size(); ++slot) {
    const Block& block = blocks_[slot];
    if (!block.live) continue;
    PlanLeftover left{slot, 0, static_cast<std::uint8_t>(block.alignLog2 << kPlanAlignShift), 0, block.size};
    if (InArena(block) && scopes_.block(block.scoped).dies) {
      const std::uint32_t scope = scopes_[scopes_.ScopeOf(block.scoped)].slot + 1;
      left.scope = static_cast<std::uint16_t>(std::min<std::uint32_t>(scope, UINT16_MAX));
      left.flags |= kPlanArena;
    }
    file.Append(&left, sizeof(left));
    ++header.leftoverCount;
  }
}

void Planner::Impl::Finish() {
  if (!stopped_) EndSection(kMeasured);
  EndSection(kClosing);

  PlanHeader header{};
  header.magic = kPlanMagic;
  header.version = kPlanVersion;
  header.slotCount = slots_.count();
  header.scopeSlotCount = scopeSlots_.count();
  header.transactionTypes = static_cast<std::uint32_t>(names_.transactionTypes.size());
  std::copy(std::begin(sectionEvents_), std::end(sectionEvents_), header.events);
  std::copy(std::begin(sectionImplied_), std::end(sectionImplied_), header.impliedFrees);
  header.peakLiveBytes = summary.peakLiveBytes;
  header.peakLiveBlocks = summary.peakLiveBlocks;
  header.firstTimeNs = firstTimeNs_;
  header.lastTimeNs = lastTimeNs_;

  PlanFileWriter file(options_.planPath);
  const std::vector<char> page(kPlanPage, 0);
  file.Append(page.data(), page.size());
  WriteLeftovers(file, header);
  header.wideOffset = file.AlignToPage();
  header.wideCount = wideCount_;
  wide_.CopyTo(file);
  streams_.WriteTo(file, header);
  times_.Finish(number_, lastTimeNs_);
  header.timesOffset = file.AlignToPage();
  header.timesCount = times_.times().size();
  file.Append(times_.times().data(), times_.times().size() * sizeof(PlanTime));
  header.fileBytes = file.AlignToPage();
  file.Close(&header, sizeof(header));

  summary.traceEvents = number_;
  summary.times = header.timesCount;
  if (summary.times > 0) summary.spanNs = times_.times().back().timeNs - times_.times().front().timeNs;
  for (int i = 0; i < kSections; ++i) {
    summary.events += sectionEvents_[i];
    summary.impliedFrees += sectionImplied_[i];
  }
  summary.measuredEvents = sectionEvents_[kMeasured];
  summary.measuredImpliedFrees = sectionImplied_[kMeasured];
  summary.waits = streams_.waits();
  summary.windows = header.windowCount;
  summary.leftoverBlocks = header.leftoverCount;
  summary.instructions = header.instructions;
  summary.planBytes = header.fileBytes;
  summary.streams = header.streamCount;
  summary.slots = header.slotCount;
  summary.scopeSlots = header.scopeSlotCount;
}

Planner::Planner(const PlanOptions& options, const TraceNames& names) : impl_(new Impl(options, names)) {}
Planner::~Planner() = default;

void Planner::Consume(std::span<const Event> events) {
  for (const Event& event : events) impl_->Take(event);
}

void Planner::Finish() {
  impl_->Finish();
}

const PlanSummary& Planner::summary() const {
  return impl_->summary;
}

}  // namespace rmem
