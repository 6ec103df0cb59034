#include "replay/round.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "replay/malloc_library.h"
#include "replay/memory_timeline.h"
#include "replay/plan_walk.h"
#include "replay/pressure_relief.h"
#include "replay/request_reader.h"
#include "replay/section_runner.h"
#include "replay/speed_probe.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

// The curve of a distribution: the values that all but 1, 10^(-1/8), 10^(-2/8) … 10^-4 of the operations do
// not exceed.
constexpr double kCurvePointsADecade = 8;
constexpr int kCurveLast = 32;

constexpr std::string_view kLevelWords[] = {"normal", "warning", "high", "critical", "emergency"};

/** One round as it goes. */
class Round : public ReplayMonitor {
 public:
  Round(const ReplayOptions& options, FrameWriter& frames)
      : options_(options),
        frames_(frames),
        plan_(PlanFile::Open(options.plan)),
        state_(plan_, options.round) {
    if (options.round.mode == ReplayMode::kMemory) WatchMemory();
    if (latency()) latency_ = SharedArray<LatencyRecord>(1, "the latency histograms");
    passes_ = SharedArray<PassTimes>(options.warmPasses + 1, "the times of the passes");
    runner_ = MakeSectionRunner(state_, *this, timeline_.has_value() ? &*timeline_ : nullptr);
  }

  int Play();
  void Tick(std::uint64_t instructionsDone) override;

 private:
  /** What is said of a pass. */
  struct PassTimes {
    SectionTime measured;
    std::uint64_t wholeNs;  // opening, measured and closing section, and tidying up
    std::uint64_t peakBytes;
    std::uint64_t probeNs;  // the slower of the probes before and after it
  };

  /**
   * A timed round says nothing before its last pass: whoever reads would run on the CPU beside it, which may
   * be the other half of the same core.
   */
  bool silent() const { return options_.round.mode == ReplayMode::kTimed; }
  void WatchMemory();
  bool latency() const { return options_.round.mode == ReplayMode::kLatency; }
  bool PlayRequests();
  void Hello();
  bool Pass();
  void Passes(std::uint32_t first, std::uint32_t end);
  bool RunSections(SectionTime* measured);
  bool Idle();
  int Conclude(bool complete);
  void Samples();
  void Result();
  void MemoryResult();
  void LatencyResult();
  void Percentiles(const char* key, const Histogram& histogram);
  void ReportFailure();

  const ReplayOptions& options_;
  FrameWriter& frames_;
  const PlanFile plan_;
  ReplayState state_;
  std::optional<MemoryTimeline> timeline_;
  std::optional<PressureRelief> relief_;
  SharedArray<LatencyRecord> latency_;
  SharedArray<PassTimes> passes_;
  std::uint64_t lookAtNs_ = 0;  // when to see whether somebody still reads
  std::unique_ptr<SectionRunner> runner_;
  std::uint32_t pass_ = 0;
  std::size_t samplesSent_ = 0;
  std::size_t reliefsSent_ = 0;
  std::uint64_t minorFaults_ = 0;
  MemoryReading end_, idle_;
};

void Round::WatchMemory() {
  if (options_.times && plan_.times().empty())
    throw TraceError("no-times", "the plan holds no times: its trace has none");
  timeline_.emplace(plan_, options_.times);
  if (options_.relief.limitBytes == 0) return;
  // What looks for the calls of a library allocates: before anything is measured.
  options_.round.route->reliefName();
  relief_.emplace(options_.relief, *options_.round.route, state_.route(), timeline_->size());
  timeline_->Tell(&*relief_);
}

int Round::Play() {
  if (!silent() || options_.onRequest) Hello();
  if (options_.onRequest) return Conclude(PlayRequests());
  bool complete = true;
  for (pass_ = 0; complete && pass_ <= options_.warmPasses; ++pass_) complete = Pass();
  return Conclude(complete);
}

/**
 * The cold pass, then as many warm ones as each line of standard input asks for, until it ends. Between the
 * word that it is ready and the next line the process sleeps, so that others that play the same plan can have
 * the machine in turns.
 */
bool Round::PlayRequests() {
  RequestReader requests(STDIN_FILENO);
  if (!Pass()) return false;
  Passes(0, 1);
  for (;;) {
    frames_.Begin("ready");
    frames_.End();
    const std::optional<std::uint32_t> passes = requests.Next(options_.warmPasses);
    if (!passes.has_value()) {
      state_.failures().Set("bad-request",
                            "standard input asked for what is no number of passes up to --warm");
      return false;
    }
    if (*passes == 0) return !Halted();
    for (pass_ = 1; pass_ <= *passes; ++pass_) {
      if (!Pass()) return false;
    }
    Passes(1, *passes + 1);
  }
}

void Round::Hello() {
  const MallocLibrary library = IdentifyMalloc();
  frames_.Begin("hello");
  frames_.Text("mallocLibrary", library.path);
  frames_.TextOrNull("mallocVersion", library.version.empty() ? nullptr : library.version.c_str());
  frames_.Text("route", options_.routeName);
  frames_.Decimal("clockNs", state_.clock().costNs());
  frames_.Number("pid", static_cast<std::uint64_t>(getpid()));
  frames_.End();
}

/** One pass from the first instruction to the last, and tidying up after it. False: halted. */
bool Round::Pass() {
  const std::uint64_t probeBeforeNs = ProbeSpeed();
  const std::uint64_t startNs = MonotonicNs();
  PassTimes& pass = passes_[pass_];
  if (!RunSections(&pass.measured)) return false;
  if (timeline_.has_value() && !Idle()) return false;
  pass.peakBytes = state_.ReplayedPeakBytes();
  if (!state_.Clear()) return false;
  const std::uint64_t nowNs = MonotonicNs();
  pass.wholeNs = nowNs - startNs;
  pass.probeNs = std::max(probeBeforeNs, ProbeSpeed());
  if (!silent()) {
    Passes(pass_, pass_ + 1);
  } else if (nowNs >= lookAtNs_) {
    frames_.CheckReader();
    lookAtNs_ = nowNs + kTickNs;
  }
  return !Halted();
}

/** What is to be said of the passes from `first` to before `end`; the cold one is 0. */
void Round::Passes(std::uint32_t first, std::uint32_t end) {
  for (std::uint32_t i = first; i < end; ++i) {
    const PassTimes& pass = passes_[i];
    frames_.Begin("pass");
    frames_.Bool("cold", i == 0);
    frames_.Number("wallNs", pass.measured.wallNs);
    frames_.Number("cpuNs", pass.measured.cpuNs);
    frames_.Number("wholeNs", pass.wholeNs);
    frames_.Number("probeNs", pass.probeNs);
    frames_.Number("replayedPeakBytes", pass.peakBytes);
    frames_.End();
  }
}

bool Round::RunSections(SectionTime* measured) {
  state_.Reset();
  runner_->Reset();
  const std::uint64_t faults = MinorFaults();
  if (timeline_.has_value()) timeline_->Take();
  for (const PlanSection section : {kOpening, kMeasured, kClosing}) {
    SectionTime time;
    // What lies before `start` and after `stop` is not what latencies are about.
    if (section == kMeasured && latency()) state_.ForgetLatency();
    if (!runner_->Run(section, &time)) return false;
    if (section != kMeasured) continue;
    *measured = time;
    if (latency()) state_.MergeLatency(&latency_[0]);
  }
  minorFaults_ = MinorFaults() - faults;
  return true;
}

/** The memory at the end of the pass, with all that is alive, and again after doing nothing for a while. */
bool Round::Idle() {
  timeline_->Read(&end_);
  idle_ = end_;
  if (options_.idleMs == 0) return true;
  const std::uint64_t until = MonotonicNs() + options_.idleMs * 1'000'000;
  for (std::uint64_t now = MonotonicNs(); now < until; now = MonotonicNs()) {
    if (Halted()) return false;
    const std::uint64_t sleepNs = std::min(until - now, kTickNs);
    const timespec slice{0, static_cast<long>(sleepNs % 1'000'000'000)};
    nanosleep(&slice, nullptr);
    frames_.CheckReader();
  }
  timeline_->Read(&idle_);
  return true;
}

void Round::Tick(std::uint64_t instructionsDone) {
  if (silent()) return frames_.CheckReader();
  frames_.Begin("progress");
  frames_.Number("pass", pass_);
  frames_.Number("done", instructionsDone);
  frames_.Number("total", plan_.header().instructions);
  frames_.End();
  Samples();
  frames_.CheckReader();
}

int Round::Conclude(bool complete) {
  if (silent() && !options_.onRequest) {
    Hello();
    if (complete) Passes(0, options_.warmPasses + 1);
  }
  if (complete) {
    Samples();
    if (timeline_.has_value() && !timeline_->readable()) {
      state_.failures().Set(
          "no-proc",
          "can't read this process's memory from /proc/self/smaps_rollup or /proc/self/status: mount /proc");
      ReportFailure();
      return 1;
    }
    Result();
    return 0;
  }
  if (replayHalt.load() == Halt::kFailed) {
    ReportFailure();
    return 1;
  }
  frames_.Begin("stopped");
  frames_.Number("pass", pass_);
  frames_.End();
  return 130;
}

/** The samples taken since the last time. */
void Round::Samples() {
  if (!timeline_.has_value()) return;
  for (; samplesSent_ < timeline_->taken(); ++samplesSent_) {
    const MemorySample& sample = (*timeline_)[samplesSent_];
    frames_.Begin("sample");
    frames_.Number("event", sample.event);
    frames_.Number("liveBytes", sample.liveBytes);
    frames_.Number("bytes", sample.reading.bytes);
    if (sample.reading.knowsHugeBytes) frames_.Number("hugeBytes", sample.reading.hugeBytes);
    if (!sample.weighs) frames_.Bool("weighs", false);
    if (sample.timed) {
      frames_.Number("timeNs", sample.timeNs);
      frames_.Number("sinceNs", sample.sinceNs);
      frames_.Number("allocatedBytes", sample.allocatedBytes);
    }
    frames_.End();
  }
  for (; relief_.has_value() && reliefsSent_ < relief_->taken(); ++reliefsSent_) {
    const ReliefRecord& record = (*relief_)[reliefsSent_];
    frames_.Begin("relief");
    frames_.Number("event", record.event);
    frames_.Number("timeNs", record.timeNs);
    frames_.Text("level", kLevelWords[static_cast<int>(record.level)]);
    frames_.Number("beforeBytes", record.beforeBytes);
    frames_.Number("afterBytes", record.afterBytes);
    frames_.End();
  }
}

void Round::Result() {
  frames_.Begin("result");
  if (options_.round.mode == ReplayMode::kMemory) MemoryResult();
  if (options_.round.mode == ReplayMode::kLatency) LatencyResult();
  frames_.OpenObject("stats");
  options_.round.route->visitStats(state_.route(),
                                   {&frames_, [](void* sink, const char* name, std::uint64_t value) {
                                      static_cast<FrameWriter*>(sink)->Number(name, value);
                                    }});
  frames_.CloseObject();
  frames_.End();
}

void Round::MemoryResult() {
  frames_.Text("memorySource", timeline_->source() == MemorySource::kSmapsRollup ? "smaps_rollup" : "status");
  frames_.Number("minorFaults", minorFaults_);
  frames_.Number("endBytes", end_.bytes);
  if (options_.idleMs > 0) frames_.Number("idleBytes", idle_.bytes);
  frames_.Number("peakBytes", timeline_->Peak().reading.bytes);
  if (relief_.has_value()) frames_.TextOrNull("reliefName", options_.round.route->reliefName());
}

void Round::LatencyResult() {
  const LatencyRecord& all = latency_[0];
  frames_.OpenObject("latencyNs");
  Percentiles("alloc", all.alloc);
  Percentiles("free", all.free);
  Percentiles("realloc", all.realloc);
  Percentiles("transaction", all.transaction);
  frames_.CloseObject();
}

void Round::Percentiles(const char* key, const Histogram& histogram) {
  if (histogram.count() == 0) return;
  const double ns = state_.clock().nsPerTick();
  frames_.OpenObject(key);
  frames_.Number("count", histogram.count());
  frames_.Decimal("p50", histogram.Quantile(0.5) * ns);
  frames_.Decimal("p90", histogram.Quantile(0.9) * ns);
  frames_.Decimal("p99", histogram.Quantile(0.99) * ns);
  frames_.Decimal("p999", histogram.Quantile(0.999) * ns);
  frames_.Decimal("p9999", histogram.Quantile(0.9999) * ns);
  frames_.Decimal("max", static_cast<double>(histogram.max()) * ns);
  frames_.OpenArray("curveNs");
  for (int point = 0; point <= kCurveLast; ++point) {
    frames_.Element(histogram.Quantile(1 - std::pow(10.0, -point / kCurvePointsADecade)) * ns);
  }
  frames_.CloseArray();
  frames_.CloseObject();
}

void Round::ReportFailure() {
  const Failure& failure = state_.failures().failure();
  frames_.Begin("failure");
  frames_.Text("code", failure.code);
  frames_.Text("message", failure.message);
  if (failure.hasPlace) frames_.Number("event", EventOf(plan_, failure.stream, failure.position));
  frames_.End();
}

}  // namespace

int PlayRound(const ReplayOptions& options, FrameWriter& frames) {
  return Round(options, frames).Play();
}

}  // namespace rmem
