#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "replay/plan.h"
#include "replay/plan_spool.h"

namespace rmem {

/** An instruction that was emitted: what another stream may have to wait for. */
struct PlanStep {
  std::uint64_t position = 0;  // instructions of its stream up to and with it
  std::uint32_t stream = 0;
  std::uint32_t window = kNoWindow;
};

/**
 * The instruction streams of a plan while they are being made: emission, the windows of the total order, the
 * waits between streams, and the runs that hold the total order. Decides where a wait is needed; the planner
 * says what depends on what.
 *
 * Windows. The total order is cut into windows by how far live bytes could stray in them. In free order a
 * stream may stand anywhere in two neighbouring windows, so what it has alive may differ by its range there:
 * the highest minus the lowest of its own live bytes. The ranges of all streams in a window add up to at most
 * 1/128 of the peak of live bytes so far, so live bytes stay within about 1 % of the recorded order. A step
 * in a window two back is over when a stream enters a window: nothing need be waited for.
 */
class PlanStreams {
 public:
  explicit PlanStreams(const std::string& spoolDirectory) : spool_(spoolDirectory), runs_(spoolDirectory) {}

  /** Makes streams up to `stream` known. */
  void Require(std::uint32_t stream);
  std::uint32_t count() const { return static_cast<std::uint32_t>(streams_.size()); }
  bool many() const { return streams_.size() > 1; }

  /** Event `number` of the trace comes next, on `stream`, and makes the live set grow by `liveDelta` bytes.
   */
  void BeginEvent(std::uint32_t stream, std::uint64_t number, std::int64_t liveDelta,
                  std::uint64_t peakLiveBytes);
  /** An event without instructions: the numbering of the runs has to start anew. */
  void SkipEvent() { breakRun_ = true; }
  /** What `stream` does next needs `step` to be over. */
  void WaitFor(std::uint32_t stream, const PlanStep& step);
  PlanStep Emit(std::uint32_t stream, const Instruction& instruction);
  /** Ends a section: all streams meet. */
  void EndSection(PlanSection section);

  /** A number for a birth in a transaction; its instruction carries kPlanArena, which stays only if kept. */
  std::uint64_t NewCandidate(std::uint32_t stream) { return streams_[stream].candidates++; }
  void KeepCandidate(std::uint32_t stream, std::uint64_t candidate);

  std::uint32_t window() const { return window_; }
  std::uint64_t waits() const { return waits_; }
  void NameStream(std::uint32_t stream, std::uint64_t originThread) {
    streams_[stream].entry.originThread = originThread;
  }
  void EndThread(std::uint32_t stream) { streams_[stream].entry.endsInTrace = 1; }

  /** Writes streams, runs and windows; fills in their part of the header. All sections must have ended. */
  void WriteTo(PlanFileWriter& file, PlanHeader& header);

 private:
  struct Chunk {
    std::uint64_t offset;
    std::uint32_t count;
  };
  struct Stream {
    PlanStream entry{};
    std::uint64_t emitted = 0;
    std::uint64_t sectionStart = 0;  // emitted before the running section
    std::uint32_t window = kNoWindow;
    std::int64_t live = 0, lowest = 0, highest = 0;  // since it entered `window`
    std::uint32_t capacity = 64;
    std::vector<Instruction> pending;
    std::vector<Chunk> chunks;
    std::uint64_t candidates = 0;

    /** By how much `delta` widens the range of its live bytes in `now`. */
    std::uint64_t Widening(std::uint32_t now, std::int64_t delta) const {
      if (window != now) return static_cast<std::uint64_t>(delta < 0 ? -delta : delta);
      const std::int64_t next = live + delta;
      return static_cast<std::uint64_t>(next > highest ? next - highest : next < lowest ? lowest - next : 0);
    }
    void Move(std::int64_t delta) {
      live += delta;
      lowest = std::min(lowest, live);
      highest = std::max(highest, live);
    }
    std::vector<std::uint64_t> kept;                             // a bit for each candidate
    std::unordered_map<std::uint32_t, std::uint64_t> waitedFor;  // stream → position
  };

  void Put(Stream& stream, const Instruction& instruction);
  void CountInRun(std::uint32_t stream);
  void FlushRun();
  void FlushChunk(Stream& stream);
  void CopyStream(Stream& stream, PlanFileWriter& file);

  SpoolFile spool_;
  SpoolFile runs_;
  std::vector<Stream> streams_;
  std::vector<std::uint32_t> windowStreams_;  // streams with work in each window
  std::uint32_t window_ = 0;
  std::uint64_t windowStray_ = 0;  // the ranges of all streams, added up
  std::uint64_t windowEvents_ = 0;
  std::uint64_t waits_ = 0;
  std::uint64_t sectionRuns_[kSections] = {};
  std::uint64_t runCount_ = 0;
  PlanRun run_{};
  std::uint64_t eventNumber_ = 0;
  bool breakRun_ = true;
};

}  // namespace rmem
