#include "binding/pipeline.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "binding/source_thread.h"
#include "trace/canonical_writer.h"
#include "trace/csv_writer.h"
#include "trace/normaliser.h"
#include "trace/raw_resolver.h"
#include "trace/symboliser.h"
#include "trace/trace_error.h"
#include "trace/validator.h"
#include "trace/workload_program.h"
#include "trace/workload_reader.h"

namespace rmem {
namespace {

constexpr std::size_t kStepOutputBytes = 1 << 20;
constexpr std::uint64_t kStepEvents = 500'000;
constexpr std::size_t kGeneratorBatch = 1 << 14;

/** Ends a source whose rest can't matter. */
struct SourceSatisfied {};

/** Where events go when only their number is asked for. */
class Nowhere : public EventSink {
 public:
  void Consume(std::span<const Event>) override {}
  void Finish() override {}
};

/** Counts what passes; the number may be read from other threads. */
class Counter : public EventSink {
 public:
  explicit Counter(EventSink& next) : next_(next) {}
  void Consume(std::span<const Event> events) override {
    next_.Consume(events);
    count_.fetch_add(events.size(), std::memory_order_relaxed);
  }
  void Finish() override { next_.Finish(); }
  std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  EventSink& next_;
  std::atomic<std::uint64_t> count_{0};
};

/** Analyses, which checks, and profiles what passed the check. */
class AnalyserAndProfiler : public EventSink {
 public:
  explicit AnalyserAndProfiler(const TraceInfo& info) : analyser(info.names), profiler(info) {}
  void Consume(std::span<const Event> events) override {
    analyser.Consume(events);
    profiler.Consume(events);
  }
  void Finish() override {
    analyser.Finish();
    profiler.Finish();
  }

  Analyser analyser;
  AllocationProfiler profiler;
};

class WithoutTimes : public EventSink {
 public:
  explicit WithoutTimes(EventSink& next) : next_(next) {}
  void Consume(std::span<const Event> events) override {
    batch_.assign(events.begin(), events.end());
    for (Event& event : batch_) event.timeNs = kNoTime;
    next_.Consume(batch_);
  }
  void Finish() override { next_.Finish(); }

 private:
  EventSink& next_;
  std::vector<Event> batch_;
};

/** Hands on to two sinks. */
class Both : public EventSink {
 public:
  Both(EventSink& first, EventSink& second) : first_(first), second_(second) {}
  void Consume(std::span<const Event> events) override {
    first_.Consume(events);
    second_.Consume(events);
  }
  void Finish() override {
    first_.Finish();
    second_.Finish();
  }

 private:
  EventSink& first_;
  EventSink& second_;
};

class FileDescriptor {
 public:
  explicit FileDescriptor(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) throw TraceError("io", std::string("can't be opened: ") + std::strerror(errno));
  }
  ~FileDescriptor() { ::close(fd_); }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

class Pipeline::Impl {
 public:
  explicit Impl(const PipelineOptions& options) : options_(options), gate_(*this) {
    BuildSink();
    BuildFilters();
    BuildSource();
  }

  void Push(std::span<const std::byte> bytes) {
    ThrowIfStopped();
    if (decoder_ == nullptr) throw std::invalid_argument("this pipeline has a source of its own");
    if (!Satisfied()) decoder_->Push(bytes);
  }

  bool Step() {
    ThrowIfStopped();
    stepEnd_ = gate_.count() + kStepEvents;
    if (generator_ != nullptr) {
      while (gate_.count() < stepEnd_ && output_.size() < kStepOutputBytes) {
        ThrowIfStopped();
        if (Satisfied() || !generator_->Step(kGeneratorBatch)) return false;
      }
      return true;
    }
    if (thread_ == nullptr) throw std::invalid_argument("this pipeline's input is pushed");
    return thread_->Step();
  }

  void Finish() {
    ThrowIfStopped();
    if (decoder_ != nullptr && !Satisfied()) decoder_->Finish();
    gate_.Finish();
  }

  bool Satisfied() const {
    // The call sites stand behind the events.
    if (options_.source == SourceKind::kBytes && options_.format == TraceFormat::kRmt &&
        info_.header.contains(kStackBytesField)) {
      return false;
    }
    for (const auto& filter : filters_) {
      if (filter->Satisfied()) return true;
    }
    return false;
  }

  PipelineOptions options_;
  TraceInfo info_;
  TraceInfo anonymousInfo_;
  std::atomic<bool> stop_{false};
  std::vector<std::byte> output_;
  Analyser* analyser_ = nullptr;
  AllocationProfiler* profiler_ = nullptr;
  Planner* planner_ = nullptr;
  TransactionFinder* finder_ = nullptr;
  SeriesSink* series_ = nullptr;
  std::unique_ptr<CallSiteAnalyser> callSites_;

  std::uint64_t SourceEvents() const { return gate_.count(); }
  std::uint64_t ResultEvents() const { return result_->count(); }
  const TraceInfo& ResultInfo() const { return options_.filters.anonymise ? anonymousInfo_ : info_; }

 private:
  /** The entry of the filters: looks at the stop flag, halts a source that pushes, and finishes what follows
   * once. */
  class Gate : public EventSink {
   public:
    explicit Gate(Impl& owner) : owner_(owner) {}
    void Consume(std::span<const Event> events) override {
      owner_.ThrowIfStopped();
      owner_.front_->Consume(events);
      count_.fetch_add(events.size(), std::memory_order_relaxed);
      if (owner_.thread_ != nullptr) owner_.PauseSource();
    }
    void Finish() override {
      if (std::exchange(finished_, true)) return;
      if (!owner_.info_.callSites.empty())
        Symbolise(owner_.info_, owner_.options_.format != TraceFormat::kRmt);
      owner_.front_->Finish();
    }
    std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }

   private:
    Impl& owner_;
    std::atomic<std::uint64_t> count_{0};
    bool finished_ = false;
  };

  void BuildSink() {
    const ByteOutput toOutput = [this](std::span<const std::byte> bytes) {
      output_.insert(output_.end(), bytes.begin(), bytes.end());
    };
    switch (options_.sink) {
      case SinkKind::kCount:
        sink_ = std::make_unique<Nowhere>();
        break;
      case SinkKind::kInspect: {
        auto analyser = std::make_unique<Analyser>(ResultInfo().names);
        analyser_ = analyser.get();
        sink_ = std::move(analyser);
        break;
      }
      case SinkKind::kProfile: {
        auto both = std::make_unique<AnalyserAndProfiler>(ResultInfo());
        analyser_ = &both->analyser;
        profiler_ = &both->profiler;
        sink_ = std::move(both);
        break;
      }
      case SinkKind::kRmt: {
        CanonicalWriterOptions writer;
        writer.times = !options_.filters.noTimes;
        sink_ = std::make_unique<CanonicalWriter>(ResultInfo(), writer, toOutput);
        break;
      }
      case SinkKind::kCsv:
        sink_ = std::make_unique<CsvWriter>(ResultInfo(), toOutput);
        break;
      case SinkKind::kPlan: {
        auto planner = std::make_unique<Planner>(options_.plan, ResultInfo().names);
        planner_ = planner.get();
        sink_ = std::move(planner);
        break;
      }
      case SinkKind::kFindTransactions: {
        auto finder = options_.phaseLevels ? std::make_unique<TransactionFinder>(*options_.phaseLevels)
                                           : std::make_unique<TransactionFinder>();
        finder_ = finder.get();
        sink_ = std::move(finder);
        break;
      }
      case SinkKind::kSeries: {
        auto series = std::make_unique<SeriesSink>();
        series_ = series.get();
        sink_ = std::move(series);
        break;
      }
    }
    if (options_.callSites && analyser_ != nullptr) {
      callSites_ = std::make_unique<CallSiteAnalyser>(ResultInfo());
      both_ = std::make_unique<Both>(*sink_, *callSites_);
    }
    result_ = std::make_unique<Counter>(both_ != nullptr ? static_cast<EventSink&>(*both_) : *sink_);
    front_ = result_.get();
  }

  void BuildFilters() {
    const FilterOptions& wanted = options_.filters;
    if (wanted.noTimes) {
      withoutTimes_ = std::make_unique<WithoutTimes>(*front_);
      front_ = withoutTimes_.get();
    }
    if (wanted.anonymise) Prepend(MakeAnonymiser(info_, anonymousInfo_, *front_));
    if (wanted.head) Prepend(MakeHeadFilter(*wanted.head, *front_));
    if (wanted.minBytes || wanted.maxBytes) {
      Prepend(MakeSizeFilter(wanted.minBytes.value_or(0), wanted.maxBytes.value_or(kMaxBlockBytes), *front_));
    }
    if (!wanted.threads.empty()) Prepend(MakeThreadFilter(wanted.threads, *front_));
    if (wanted.fromNs || wanted.toNs) {
      constexpr std::uint64_t kNoEnd = std::numeric_limits<std::uint64_t>::max();
      Prepend(MakeTimeFilter(wanted.fromNs.value_or(0), wanted.toNs.value_or(kNoEnd), info_, *front_));
    }
    if (wanted.boundaries) Prepend(MakeTransactionMarker(*wanted.boundaries, info_, *front_));
    if (wanted.unmarked || wanted.boundaries) Prepend(MakeUnmarkedFilter(*front_));
    if (!wanted.kinds.ofSite.empty()) Prepend(MakeKindFilter(options_.filters.kinds, info_, *front_));
  }

  void Prepend(std::unique_ptr<Filter> filter) {
    front_ = filter.get();
    filters_.push_back(std::move(filter));
  }

  void BuildSource() {
    switch (options_.source) {
      case SourceKind::kBytes: {
        EventSink* checked = &gate_;
        if (NeedsNormaliser(options_.format, options_.decoder)) {
          check_ = std::make_unique<Normaliser>(info_, gate_);
          checked = check_.get();
        } else if (filters_.empty() && options_.sink != SinkKind::kRmt && options_.sink != SinkKind::kCsv &&
                   options_.sink != SinkKind::kSeries) {
          // Analyser and planner check for themselves, with the same errors, and a count needs no identities.
        } else {
          check_ = std::make_unique<Validator>(gate_);
          checked = check_.get();
        }
        decoder_ = MakeDecoder(options_.format, options_.decoder, info_, *checked);
        break;
      }
      case SourceKind::kWorkload:
        generator_ =
            std::make_unique<WorkloadGenerator>(ParseWorkloadProgram(options_.workloadProgram), info_, gate_);
        break;
      case SourceKind::kRaw:
        thread_ = std::make_unique<SourceThread>([this] { ReadWholeFile(); });
        break;
    }
  }

  void ReadWholeFile() {
    const FileDescriptor file(options_.rawPath);
    ResolveOptions resolve;
    resolve.strict = options_.decoder.strict;
    resolve.skipDamaged = options_.decoder.skipDamaged;
    resolve.stop = &stop_;
    try {
      if (options_.format == TraceFormat::kWorkload) {
        ReadWorkload(file.get(), resolve, info_, gate_);
      } else {
        ResolveRaw(file.get(), resolve, info_, gate_);
      }
    } catch (const SourceSatisfied&) {
      // The filters have all they want; Finish completes the sink.
    }
  }

  void PauseSource() {
    if (Satisfied()) throw SourceSatisfied{};
    if (gate_.count() >= stepEnd_ || output_.size() >= kStepOutputBytes) thread_->Pause();
  }

  void ThrowIfStopped() const {
    if (stop_.load(std::memory_order_relaxed)) throw TraceError("stopped", "stopped");
  }

  // In the order of the flow, so that what is behind is destroyed after what pushes into it.
  std::unique_ptr<EventSink> sink_;
  std::unique_ptr<Both> both_;
  std::unique_ptr<Counter> result_;
  std::unique_ptr<WithoutTimes> withoutTimes_;
  std::vector<std::unique_ptr<Filter>> filters_;
  EventSink* front_ = nullptr;
  Gate gate_;
  std::unique_ptr<EventSink> check_;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<WorkloadGenerator> generator_;
  std::uint64_t stepEnd_ = 0;
  std::unique_ptr<SourceThread> thread_;
};

Pipeline::Pipeline(const PipelineOptions& options) : impl_(std::make_unique<Impl>(options)) {}
Pipeline::~Pipeline() = default;

void Pipeline::Push(std::span<const std::byte> bytes) {
  impl_->Push(bytes);
}
bool Pipeline::Step() {
  return impl_->Step();
}
void Pipeline::Finish() {
  impl_->Finish();
}
bool Pipeline::Satisfied() const {
  return impl_->Satisfied();
}
std::vector<std::byte> Pipeline::TakeOutput() {
  return std::exchange(impl_->output_, {});
}
void Pipeline::Stop() {
  impl_->stop_.store(true, std::memory_order_relaxed);
}
std::uint64_t Pipeline::sourceEvents() const {
  return impl_->SourceEvents();
}
std::uint64_t Pipeline::resultEvents() const {
  return impl_->ResultEvents();
}
const TraceInfo& Pipeline::info() const {
  return impl_->info_;
}
const TraceInfo& Pipeline::resultInfo() const {
  return impl_->ResultInfo();
}
const TraceAnalysis* Pipeline::analysis() const {
  return impl_->analyser_ == nullptr ? nullptr : &impl_->analyser_->analysis();
}
const AllocationProfile* Pipeline::profile() const {
  return impl_->profiler_ == nullptr ? nullptr : &impl_->profiler_->profile();
}
const TransactionSearch* Pipeline::search() const {
  return impl_->finder_ == nullptr ? nullptr : &impl_->finder_->search();
}
const SeriesSink* Pipeline::series() const {
  return impl_->series_;
}
const CallSiteAnalysis* Pipeline::callSites() const {
  return impl_->callSites_ == nullptr ? nullptr : &impl_->callSites_->analysis();
}
const PlanSummary* Pipeline::plan() const {
  return impl_->planner_ == nullptr ? nullptr : &impl_->planner_->summary();
}

}  // namespace rmem
