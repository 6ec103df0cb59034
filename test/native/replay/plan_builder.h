#pragma once

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "replay/plan.h"

namespace rmem {

/** A plan written by hand, instruction by instruction in the total order; the counts of the header follow
 * from them. */
class PlanBuilder {
 public:
  explicit PlanBuilder(std::uint32_t streams = 1) : streams_(streams) {}

  PlanBuilder& Section(PlanSection section) {
    section_ = section;
    breakRun_ = true;
    return *this;
  }
  PlanBuilder& On(std::uint32_t stream) {
    stream_ = stream;
    return *this;
  }

  PlanBuilder& Alloc(std::uint32_t slot, std::uint32_t size, std::uint16_t scope = 0) {
    return Add({Op::kAlloc, Flags(scope), scope, slot, size, 0});
  }
  PlanBuilder& AllocZeroed(std::uint32_t slot, std::uint32_t size) {
    return Add({Op::kAllocZeroed, kPlanZeroed, 0, slot, size, 0});
  }
  PlanBuilder& AllocAligned(std::uint32_t slot, std::uint32_t size, int log2) {
    return Add({Op::kAllocAligned, Aligned(log2), 0, slot, size, 0});
  }
  PlanBuilder& Free(std::uint32_t slot, std::uint32_t size, std::uint16_t scope = 0, int alignLog2 = 0) {
    return Add(
        {Op::kFree, static_cast<std::uint8_t>(Flags(scope) | Aligned(alignLog2)), scope, slot, size, 0});
  }
  PlanBuilder& FreeImplied(std::uint32_t slot, std::uint32_t size, std::uint16_t scope) {
    return Add({Op::kFreeImplied, Flags(scope), scope, slot, size, 0});
  }
  PlanBuilder& Realloc(std::uint32_t slot, std::uint32_t oldSize, std::uint32_t size,
                       std::uint16_t scope = 0) {
    return Add({Op::kRealloc, Flags(scope), scope, slot, size, oldSize});
  }
  PlanBuilder& Wide(Op op, std::uint32_t slot, const WideOperands& operands) {
    wide.push_back(operands);
    const std::uint32_t index = static_cast<std::uint32_t>(wide.size() - 1);
    return Add({op, Flags(operands.scope), 0, slot, index, 0});
  }
  /** `parent`: scope slot + 1, or 0. */
  PlanBuilder& Begin(std::uint32_t scopeSlot, std::uint32_t parent = 0, std::uint32_t type = 0) {
    return Add({Op::kBegin, 0, 0, scopeSlot, type, parent});
  }
  PlanBuilder& Commit(std::uint32_t scopeSlot, bool inherit = false) {
    return Add({Op::kCommit, inherit ? kPlanInherit : std::uint8_t{0}, 0, scopeSlot, 0, 0});
  }
  PlanBuilder& Abort(std::uint32_t scopeSlot) { return Add({Op::kAbort, 0, 0, scopeSlot, 0, 0}); }
  PlanBuilder& ThreadEnd() { return Add({Op::kThreadEnd, 0, 0, 0, 0, 0}); }
  PlanBuilder& SleepUntil(std::uint32_t ns) { return Add({Op::kSleepUntil, 0, 0, 0, ns, 0}); }
  PlanBuilder& Window(std::uint32_t window) {
    Stream& stream = streams_[stream_];
    if (windows_.size() <= window) windows_.resize(window + 1);
    ++windows_[window];
    Add({Op::kWindow, 0, 0, stream.window, window, 0});
    stream.window = window;
    return *this;
  }
  /** Waits until `stream` has done all that it has been given so far. */
  PlanBuilder& WaitFor(std::uint32_t stream) { return WaitFor(stream, Position(stream)); }
  PlanBuilder& WaitFor(std::uint32_t stream, std::uint64_t target) {
    return Add({Op::kWait, 0, 0, stream, static_cast<std::uint32_t>(target),
                static_cast<std::uint32_t>(target >> 32)});
  }

  PlanBuilder& Leftover(std::uint32_t slot, std::uint64_t size, std::uint16_t scope = 0) {
    leftovers_.push_back({slot, scope, Flags(scope), 0, size});
    return *this;
  }
  PlanBuilder& OpenScope(std::uint32_t scopeSlot) {
    openScopes_.push_back(scopeSlot);
    return *this;
  }

  PlanBuilder& Add(const Instruction& instruction) {
    Stream& stream = streams_[stream_];
    if (breakRun_ || runs_[section_].empty() || runs_[section_].back().stream != stream_) {
      runs_[section_].push_back({stream_, 0, event_});
      breakRun_ = false;
    }
    ++runs_[section_].back().count;
    ++stream.count[section_];
    stream.instructions.push_back(instruction);
    Count(instruction);
    return *this;
  }

  std::uint64_t Position(std::uint32_t stream) const { return streams_[stream].instructions.size(); }
  std::uint64_t events() const { return event_ - 1; }
  std::uint64_t peakBytes() const { return header.peakLiveBytes; }

  /** Writes it; `path` says where. */
  void Write(const std::string& path) {
    std::vector<char> file(kPlanPage, 0);
    const auto append = [&file](const void* data, std::size_t bytes) {
      file.resize((file.size() + kPlanPage - 1) / kPlanPage * kPlanPage, 0);
      const std::uint64_t offset = file.size();
      const char* start = static_cast<const char*>(data);
      file.insert(file.end(), start, start + bytes);
      return offset;
    };
    header.magic = kPlanMagic;
    header.version = kPlanVersion;
    header.streamCount = static_cast<std::uint32_t>(streams_.size());
    header.windowCount = static_cast<std::uint32_t>(windows_.size());
    std::vector<PlanStream> entries;
    header.instructions = 0;
    for (const Stream& stream : streams_) {
      PlanStream entry{};
      entry.offset = append(stream.instructions.data(), stream.instructions.size() * sizeof(Instruction));
      std::copy(std::begin(stream.count), std::end(stream.count), entry.count);
      entries.push_back(entry);
      header.instructions += stream.instructions.size();
    }
    header.streamsOffset = append(entries.data(), entries.size() * sizeof(PlanStream));
    std::vector<PlanRun> runs;
    for (int i = 0; i < kSections; ++i) {
      header.runCount[i] = runs_[i].size();
      runs.insert(runs.end(), runs_[i].begin(), runs_[i].end());
    }
    header.runsOffset = append(runs.data(), runs.size() * sizeof(PlanRun));
    header.wideCount = wide.size();
    header.wideOffset = append(wide.data(), wide.size() * sizeof(WideOperands));
    header.leftoverCount = leftovers_.size();
    header.leftoverOffset = append(leftovers_.data(), leftovers_.size() * sizeof(PlanLeftover));
    header.openScopesCount = openScopes_.size();
    header.openScopesOffset = append(openScopes_.data(), openScopes_.size() * sizeof(std::uint32_t));
    header.windowsOffset = append(windows_.data(), windows_.size() * sizeof(std::uint32_t));
    header.timesCount = times.size();
    header.timesOffset = append(times.data(), times.size() * sizeof(PlanTime));
    file.resize((file.size() + kPlanPage - 1) / kPlanPage * kPlanPage, 0);
    header.fileBytes = file.size();
    std::memcpy(file.data(), &header, sizeof(header));
    std::ofstream(path, std::ios::binary).write(file.data(), static_cast<std::streamsize>(file.size()));
  }

  PlanHeader header{};
  std::vector<WideOperands> wide;
  std::vector<PlanTime> times;

 private:
  struct Stream {
    std::vector<Instruction> instructions;
    std::uint64_t count[kSections] = {};
    std::uint32_t window = kNoWindow;
  };

  static std::uint8_t Flags(std::uint32_t scope) { return scope != 0 ? kPlanArena : std::uint8_t{0}; }
  static std::uint8_t Aligned(int log2) { return static_cast<std::uint8_t>(log2 << kPlanAlignShift); }

  void Count(const Instruction& at) {
    std::int64_t born = 0, died = 0;
    const WideOperands* operands =
        at.op >= Op::kWideAlloc && at.op <= Op::kWideRealloc ? &wide[at.size] : nullptr;
    switch (at.op) {
      case Op::kAlloc:
      case Op::kAllocZeroed:
      case Op::kAllocAligned:
        born = at.size;
        ++blocks_;
        break;
      case Op::kFree:
      case Op::kFreeImplied:
        died = at.size;
        --blocks_;
        break;
      case Op::kRealloc:
        born = at.size;
        died = at.aux;
        break;
      case Op::kWideAlloc:
        born = static_cast<std::int64_t>(operands->size);
        ++blocks_;
        break;
      case Op::kWideFree:
      case Op::kWideFreeImplied:
        died = static_cast<std::int64_t>(operands->size);
        --blocks_;
        break;
      case Op::kWideRealloc:
        born = static_cast<std::int64_t>(operands->size);
        died = static_cast<std::int64_t>(operands->oldSize);
        break;
      case Op::kBegin:
        header.scopeSlotCount = std::max(header.scopeSlotCount, at.slot + 1);
        break;
      default:
        break;
    }
    if (at.op <= Op::kWideRealloc) header.slotCount = std::max(header.slotCount, at.slot + 1);
    live_ += born - died;
    header.peakLiveBytes = std::max(header.peakLiveBytes, static_cast<std::uint64_t>(live_));
    header.peakLiveBlocks = std::max(header.peakLiveBlocks, static_cast<std::uint64_t>(blocks_));
    const bool implied = at.op == Op::kFreeImplied || at.op == Op::kWideFreeImplied;
    if (implied) ++header.impliedFrees[section_];
    if (!implied && at.op < Op::kThreadStart) ++header.events[section_];
    if (!implied && at.op <= Op::kThreadEnd) ++event_;
  }

  std::vector<Stream> streams_;
  std::vector<PlanRun> runs_[kSections];
  std::vector<PlanLeftover> leftovers_;
  std::vector<std::uint32_t> openScopes_;
  std::vector<std::uint32_t> windows_;
  PlanSection section_ = kMeasured;
  std::uint32_t stream_ = 0;
  bool breakRun_ = true;
  std::uint64_t event_ = 1;
  std::int64_t live_ = 0, blocks_ = 0;
};

}  // namespace rmem
