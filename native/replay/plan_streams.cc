#include "replay/plan_streams.h"

#include <algorithm>

namespace rmem {
namespace {

// Below this many events a window costs more in waiting than fidelity is worth; a round that strays is called
// invalid.
constexpr std::uint64_t kWindowMinEvents = 32;
constexpr std::uint64_t kWindowMaxEvents = 65536;
constexpr std::uint64_t kWindowMinBytes = 4096;
// Two windows together stay under 1.6 % of the peak, and were never seen to stray by more than half a
// percent.
constexpr std::uint64_t kWindowsInPeak = 128;

// All pending instructions together, whatever the number of streams.
constexpr std::uint64_t kPendingInstructions = 2 << 20;
constexpr std::uint32_t kChunkMax = 4096;

bool IsBirth(Op op) {
  switch (op) {
    case Op::kAlloc:
    case Op::kAllocZeroed:
    case Op::kAllocAligned:
    case Op::kRealloc:
    case Op::kWideAlloc:
    case Op::kWideRealloc:
      return true;
    default:
      return false;
  }
}

}  // namespace

void PlanStreams::Require(std::uint32_t stream) {
  if (stream < streams_.size()) return;
  const bool wasSingle = streams_.size() == 1;
  streams_.resize(stream + 1);
  // What the first stream did alone belongs to no window: it is waited for by position.
  if (wasSingle) ++window_;
}

void PlanStreams::BeginEvent(std::uint32_t stream, std::uint64_t number, std::int64_t liveDelta,
                             std::uint64_t peakLiveBytes) {
  eventNumber_ = number;
  if (!many()) return;
  Stream& own = streams_[stream];
  const std::uint64_t limit = std::max(peakLiveBytes / kWindowsInPeak, kWindowMinBytes);
  const std::uint64_t stray = windowStray_ + own.Widening(window_, liveDelta);
  // One large block more would stray too far, whatever a window costs.
  const bool large = own.Widening(window_, liveDelta) > limit / 2;
  if ((stray > limit && (large || windowEvents_ >= kWindowMinEvents)) || windowEvents_ >= kWindowMaxEvents) {
    ++window_;
    windowStray_ = windowEvents_ = 0;
  }
  windowStray_ += own.Widening(window_, liveDelta);
  ++windowEvents_;
  if (own.window == window_) {
    own.Move(liveDelta);
    return;
  }
  own.live = own.lowest = own.highest = 0;
  own.Move(liveDelta);
  if (windowStreams_.size() <= window_) windowStreams_.resize(window_ + 1);
  ++windowStreams_[window_];
  Instruction enter{Op::kWindow, 0, 0, own.window, window_, 0};
  own.window = window_;
  Put(own, enter);
  CountInRun(stream);
}

void PlanStreams::WaitFor(std::uint32_t stream, const PlanStep& step) {
  if (step.stream == stream || step.position == 0) return;
  if (step.window != kNoWindow && step.window + 2 <= window_) return;
  // All streams met since.
  if (step.position <= streams_[step.stream].sectionStart) return;
  Stream& own = streams_[stream];
  std::uint64_t& waited = own.waitedFor[step.stream];
  if (waited >= step.position) return;
  waited = step.position;
  ++waits_;
  Put(own, {Op::kWait, 0, 0, step.stream, static_cast<std::uint32_t>(step.position),
            static_cast<std::uint32_t>(step.position >> 32)});
  CountInRun(stream);
}

PlanStep PlanStreams::Emit(std::uint32_t stream, const Instruction& instruction) {
  Stream& own = streams_[stream];
  Put(own, instruction);
  CountInRun(stream);
  return {own.emitted, stream, own.window};
}

void PlanStreams::Put(Stream& stream, const Instruction& instruction) {
  stream.pending.push_back(instruction);
  ++stream.emitted;
  if (stream.pending.size() >= stream.capacity) FlushChunk(stream);
}

void PlanStreams::FlushChunk(Stream& stream) {
  if (stream.pending.empty()) return;
  const std::uint64_t offset =
      spool_.Append(stream.pending.data(), stream.pending.size() * sizeof(Instruction));
  stream.chunks.push_back({offset, static_cast<std::uint32_t>(stream.pending.size())});
  stream.pending.clear();
  const std::uint64_t share = kPendingInstructions / streams_.size();
  const auto most = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(share, 64, kChunkMax));
  stream.capacity = std::min(stream.capacity * 2, most);
}

void PlanStreams::CountInRun(std::uint32_t stream) {
  if (breakRun_ || run_.stream != stream || run_.count == UINT32_MAX) {
    FlushRun();
    run_ = {stream, 0, eventNumber_};
    breakRun_ = false;
  }
  ++run_.count;
}

void PlanStreams::FlushRun() {
  if (run_.count == 0) return;
  runs_.Append(&run_, sizeof(run_));
  ++runCount_;
  run_.count = 0;
}

void PlanStreams::EndSection(PlanSection section) {
  FlushRun();
  breakRun_ = true;
  sectionRuns_[section] = runCount_;
  for (Stream& stream : streams_) {
    std::uint64_t before = 0;
    for (int i = 0; i < section; ++i) before += stream.entry.count[i];
    stream.entry.count[section] = stream.emitted - before;
    stream.window = kNoWindow;
    stream.sectionStart = stream.emitted;
  }
  window_ += 2;
  windowStray_ = windowEvents_ = 0;
}

void PlanStreams::KeepCandidate(std::uint32_t stream, std::uint64_t candidate) {
  std::vector<std::uint64_t>& kept = streams_[stream].kept;
  if (kept.size() <= candidate / 64) kept.resize(candidate / 64 + 1);
  kept[candidate / 64] |= std::uint64_t{1} << (candidate % 64);
}

void PlanStreams::CopyStream(Stream& stream, PlanFileWriter& file) {
  FlushChunk(stream);
  std::vector<Instruction> chunk;
  std::uint64_t candidate = 0;
  for (const Chunk& part : stream.chunks) {
    chunk.resize(part.count);
    spool_.Read(part.offset, chunk.data(), part.count * sizeof(Instruction));
    if (stream.candidates > 0) {
      for (Instruction& instruction : chunk) {
        if ((instruction.flags & kPlanArena) == 0 || !IsBirth(instruction.op)) continue;
        const std::uint64_t word = candidate / 64 < stream.kept.size() ? stream.kept[candidate / 64] : 0;
        if ((word >> (candidate % 64) & 1) == 0) {
          instruction.flags &= static_cast<std::uint8_t>(~kPlanArena);
          instruction.scope = 0;
        }
        ++candidate;
      }
    }
    file.Append(chunk.data(), part.count * sizeof(Instruction));
  }
}

void PlanStreams::WriteTo(PlanFileWriter& file, PlanHeader& header) {
  header.streamCount = count();
  header.instructions = 0;
  for (Stream& stream : streams_) {
    stream.entry.offset = file.AlignToPage();
    header.instructions += stream.emitted;
    CopyStream(stream, file);
  }
  header.streamsOffset = file.AlignToPage();
  for (const Stream& stream : streams_) file.Append(&stream.entry, sizeof(stream.entry));

  header.runsOffset = file.AlignToPage();
  runs_.CopyTo(file);
  header.runCount[kOpening] = sectionRuns_[kOpening];
  header.runCount[kMeasured] = sectionRuns_[kMeasured] - sectionRuns_[kOpening];
  header.runCount[kClosing] = sectionRuns_[kClosing] - sectionRuns_[kMeasured];

  header.windowsOffset = file.AlignToPage();
  header.windowCount = static_cast<std::uint32_t>(windowStreams_.size());
  file.Append(windowStreams_.data(), windowStreams_.size() * sizeof(std::uint32_t));
}

}  // namespace rmem
