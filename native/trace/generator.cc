#include "trace/generator.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <limits>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "trace/generator_session.h"

namespace rmem {
namespace {

constexpr std::uint16_t kStartMark = 0;  // of WorkloadProgram::marks
constexpr std::uint16_t kStopMark = 1;
constexpr std::uint32_t kBurst = 12;  // steps of a thread before another has its turn, at most
constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

}  // namespace

/** The scheduler: which thread is at work, which phase it is, when memory is read. */
class WorkloadGenerator::Impl {
 public:
  Impl(WorkloadProgram program, TraceInfo& info, EventSink& sink)
      : program_(std::move(program)),
        random_(program_.seed),
        trace_(program_, info, sink),
        survivors_(program_, trace_, random_),
        endEvents_(program_.events),
        nextSampleNs_(program_.samples.everyNs == 0 ? kNever : program_.samples.everyNs) {
    info.header = {{"workload", program_.name},
                   {"workloadHash", program_.hash},
                   {"seed", std::to_string(program_.seed)},
                   {"threads", std::to_string(program_.threads)},
                   {"liveBytes", std::to_string(program_.liveBytes)},
                   {"clock", "made up"}};
    const auto threads = static_cast<std::uint32_t>(program_.threads + program_.jobs.size());
    for (std::uint32_t thread = 0; thread < threads; ++thread) {
      sessions_.emplace_back(thread, program_, trace_, survivors_, random_);
      trace_.ThreadStart(thread);
      survivors_.ThreadStarted(thread);
      if (thread < program_.threads) {
        atWork_.push_back(thread);
      } else {
        Sleep(thread, SampleOf(program_.jobs[thread - program_.threads].every));
      }
    }
    survivors_.Enter(*phase_);
    trace_.SetThreadsAtWork(atWork_.size());
  }

  bool Step(std::size_t events) {
    // Turns count too: code that makes no event, for long, must not keep its caller.
    const std::uint64_t until = trace_.events() + events;
    for (std::size_t turns = 0; trace_.events() < until && turns < events; ++turns) {
      if (!opened_) {
        Open();
      } else if (!Turn()) {
        trace_.Finish();
        return false;
      }
    }
    return true;
  }

 private:
  using Sleeper = std::pair<std::uint64_t, std::uint32_t>;  // until when, thread

  std::uint64_t SampleOf(std::uint32_t distribution) {
    return program_.distributions[phase_->sizes[distribution]].Sample(random_);
  }

  /** A piece of the opening population, or its end. */
  void Open() {
    while (opening_ < program_.populations.size()) {
      const PopulationProgram& population = program_.populations[opening_];
      if (population.opening && !survivors_.IsFull(opening_) && trace_.events() < program_.openingEvents) {
        Session& session = sessions_.front();
        if (session.idle()) session.BeginWork(population.fill);
        session.Run(kBurst, *phase_);
        ReadMemory(0);
        return;
      }
      // The rest of its fill: what it began has to end.
      if (!sessions_.front().idle()) {
        sessions_.front().Run(kBurst, *phase_);
        ReadMemory(0);
        return;
      }
      ++opening_;
    }
    opened_ = true;
    trace_.Mark(0, kStartMark);
    if (phase_->mark != 0) trace_.Mark(0, phase_->mark);
  }

  /** A few steps of one thread; false when all threads have ended. */
  bool Turn() {
    Wake();
    if (atWork_.empty()) return !sleepers_.empty();
    const std::uint32_t place = random_.Below(static_cast<std::uint32_t>(atWork_.size()));
    const std::uint32_t thread = atWork_[place];
    Session& session = sessions_[thread];
    EnterPhases(thread);
    survivors_.FreeDue(thread);
    if (session.idle() && !BeginSomething(session)) {
      EndThread(place);
      return true;
    }
    const std::uint64_t thinkNs = session.Run(static_cast<int>(1 + random_.Below(kBurst)), *phase_);
    ReadMemory(thread);
    if (thinkNs != 0) {
      StopWorking(place, thinkNs);
    } else if (thread >= program_.threads && session.idle()) {
      // A run takes the time of an event even where it makes none, so that time goes on.
      const std::uint64_t every = SampleOf(program_.jobs[thread - program_.threads].every);
      StopWorking(place, std::max({every, program_.paceNs, std::uint64_t{1}}));
    }
    return true;
  }

  /** False where the trace has its events. */
  bool BeginSomething(Session& session) {
    if (trace_.events() >= endEvents_) return false;
    if (session.thread() >= program_.threads) {
      const JobProgram& job = program_.jobs[session.thread() - program_.threads];
      if (job.transaction) {
        session.BeginTransaction(job.name, job.entry, job.abort);
      } else {
        session.BeginWork(job.entry);
      }
      return true;
    }
    survivors_.CollectBatches(session.thread());
    const TransactionProgram& transaction = program_.transactions[SampleOf(phase_->mix)];
    session.BeginTransaction(transaction.name, transaction.entry, transaction.abort);
    return true;
  }

  void EnterPhases(std::uint32_t thread) {
    const PhaseProgram* last = &program_.phases.back();
    while (phase_ != last && trace_.events() >= phase_->endEvents) {
      ++phase_;
      survivors_.Enter(*phase_);
      if (phase_->mark != 0) trace_.Mark(thread, phase_->mark);
    }
  }

  void ReadMemory(std::uint32_t thread) {
    while (nextSampleNs_ <= trace_.nowNs() && trace_.events() < endEvents_) {
      const SampleProgram& samples = program_.samples;
      const std::uint64_t used = std::min(samples.baseBytes + trace_.liveBytes(), samples.totalBytes);
      trace_.Sample(thread, nextSampleNs_, used, samples.totalBytes);
      nextSampleNs_ += samples.everyNs;
      if (samples.stopAtTotal && used == samples.totalBytes) {
        endEvents_ = 0;
        nextSampleNs_ = kNever;
      }
    }
  }

  void Sleep(std::uint32_t thread, std::uint64_t ns) { sleepers_.push({trace_.nowNs() + ns, thread}); }

  /** Threads whose time has come; all of them when the trace has its events. Someone is at work afterwards.
   */
  void Wake() {
    if (sleepers_.empty()) return;
    const bool ending = trace_.events() >= endEvents_;
    if (atWork_.empty() && !ending) {
      // Memory is read on time while everybody sleeps.
      const std::uint64_t wake = sleepers_.top().first;
      while (nextSampleNs_ < wake && trace_.events() < endEvents_) {
        trace_.SleepUntil(nextSampleNs_);
        ReadMemory(sleepers_.top().second);
      }
      trace_.SleepUntil(wake);
    }
    const std::size_t before = atWork_.size();
    while (!sleepers_.empty() && (ending || sleepers_.top().first <= trace_.nowNs())) {
      atWork_.push_back(sleepers_.top().second);
      sleepers_.pop();
    }
    if (atWork_.size() != before) trace_.SetThreadsAtWork(atWork_.size());
  }

  void StopWorking(std::uint32_t place, std::uint64_t ns) {
    Sleep(atWork_[place], ns);
    Leave(place);
  }

  void Leave(std::uint32_t place) {
    atWork_[place] = atWork_.back();
    atWork_.pop_back();
    trace_.SetThreadsAtWork(atWork_.size());
  }

  void EndThread(std::uint32_t place) {
    const std::uint32_t thread = atWork_[place];
    if (!std::exchange(stopped_, true)) trace_.Mark(thread, kStopMark);
    survivors_.ThreadEnds(thread);
    trace_.ThreadEnd(thread);
    Leave(place);
  }

  const WorkloadProgram program_;
  const PhaseProgram* phase_ = program_.phases.data();
  Random random_;
  GeneratedTrace trace_;
  Survivors survivors_;
  std::deque<Session> sessions_;  // never moves one
  std::vector<std::uint32_t> atWork_;
  std::priority_queue<Sleeper, std::vector<Sleeper>, std::greater<>> sleepers_;
  std::uint32_t opening_ = 0;  // the population that is being filled
  bool opened_ = false;
  bool stopped_ = false;
  std::uint64_t endEvents_;
  std::uint64_t nextSampleNs_;
};

WorkloadGenerator::WorkloadGenerator(WorkloadProgram program, TraceInfo& info, EventSink& sink)
    : impl_(std::make_unique<Impl>(std::move(program), info, sink)) {}

WorkloadGenerator::~WorkloadGenerator() = default;

bool WorkloadGenerator::Step(std::size_t events) {
  return impl_->Step(events);
}

}  // namespace rmem
