#include "trace/generator_survivors.h"

#include <algorithm>
#include <limits>

namespace rmem {
namespace {

// At most so many give way to one that joins: a population whose target falls shrinks gradually.
constexpr int kMostGiveWay = 4;
constexpr std::size_t kMostSentFrees = 32;
constexpr std::size_t kMostCollected = 1024;
// A batch that an old transaction holds up is tried again when so many others have begun.
constexpr std::uint64_t kRetryBegins = 8;

}  // namespace

Survivors::Survivors(const WorkloadProgram& program, GeneratedTrace& trace, Random& random)
    : program_(program),
      trace_(trace),
      random_(random),
      phase_(&program.phases.front()),
      gaveWay_(program.populations.size()),
      openSince_(program.threads + program.jobs.size()),
      sent_(openSince_.size()) {
  populations_.reserve(program.populations.size());
  for (const PopulationProgram& population : program.populations) {
    if (population.death == Death::kEpoch && !population.collectedByJob) {
      epochs_.push_back({static_cast<std::uint32_t>(populations_.size()), 0});
    }
    populations_.emplace_back(population);
  }
}

void Survivors::Join(std::uint32_t thread, const GeneratedBlock& block, std::uint32_t index) {
  const PopulationProgram& program = program_.populations[index];
  switch (program.death) {
    case Death::kRandom:
    case Death::kOldest: {
      GeneratedPopulation& population = populations_[index];
      population.Join(block, 0);
      for (int left = kMostGiveWay; left > 0 && population.bytes() > Target(index) && population.size() > 1;
           --left) {
        trace_.Free(thread, population.Take(random_));
        gaveWay_[index] = true;
      }
      break;
    }
    case Death::kEpoch:
      populations_[index].Join(block, trace_.begins());
      break;
    case Death::kQueue:
      Send(thread, block, program);
      break;
    case Death::kAge:
      ages_.Add(trace_.nowNs() + program_.distributions[phase_->sizes[program.ages]].Sample(random_), block);
      break;
    case Death::kNever:
      break;
  }
}

bool Survivors::IsFull(std::uint32_t population) const {
  return gaveWay_[population] || populations_[population].bytes() >= Target(population);
}

void Survivors::Send(std::uint32_t thread, const GeneratedBlock& block, const PopulationProgram& population) {
  std::uint32_t to = thread;
  if (population.job != 0) {
    to = program_.threads + population.job - 1;
    if (std::find(running_.begin(), running_.end(), to) == running_.end()) to = thread;
  } else if (const std::size_t some = workers_ > 1 ? workers_ : running_.size(); some > 1) {
    // Workers stand first. Jobs sleep, and would keep what they are sent for as long.
    do {
      to = running_[random_.Below(static_cast<std::uint32_t>(some))];
    } while (to == thread);
  }
  if (to == thread) {
    trace_.Free(thread, block);
  } else {
    sent_[to].push_back(block);
  }
}

void Survivors::FreeSent(std::uint32_t thread, std::size_t most) {
  std::vector<GeneratedBlock>& sent = sent_[thread];
  for (std::size_t left = std::min(most, sent.size()); left > 0; --left) {
    trace_.Free(thread, sent.back());
    sent.pop_back();
  }
}

void Survivors::FreeDue(std::uint32_t thread) {
  if (!sent_[thread].empty()) {
    // A job has slept while it was sent blocks, and would never catch up.
    FreeSent(thread, thread < program_.threads ? kMostSentFrees : sent_[thread].size());
  }
  if (ages_.size() == 0) return;
  // Frees take time, so they are made when the wheel stands still.
  ages_.Advance(trace_.nowNs(), [this](const GeneratedBlock& block) { due_.push_back(block); });
  for (const GeneratedBlock& block : due_) trace_.Free(thread, block);
  due_.clear();
}

std::uint64_t Survivors::Horizon() const {
  std::uint64_t horizon = std::numeric_limits<std::uint64_t>::max();
  for (std::uint64_t since : openSince_) {
    if (since != 0) horizon = std::min(horizon, since);
  }
  return horizon;
}

void Survivors::CollectBatches(std::uint32_t thread) {
  for (Epochs& epochs : epochs_) {
    GeneratedPopulation& population = populations_[epochs.population];
    const std::uint64_t target = Target(epochs.population);
    const std::size_t batch = population.program().batch;
    if (population.size() < batch || population.bytes() <= target) continue;
    if (trace_.begins() < epochs.retryAtBegin) continue;
    // Not by the thread that made the oldest, if there is another that collects.
    if (population.oldest().thread() == thread && workers_ > 1) continue;
    std::size_t count = population.Collectable(Horizon(), target, std::max(batch, kMostCollected));
    if (count < batch) epochs.retryAtBegin = trace_.begins() + kRetryBegins;
    if (count < batch) continue;
    for (; count > 0; --count) trace_.Free(thread, population.Take(random_));
  }
}

void Survivors::CollectAll(std::uint32_t thread, std::uint32_t index) {
  GeneratedPopulation& population = populations_[index];
  std::size_t count =
      population.Collectable(Horizon(), Target(index), std::numeric_limits<std::size_t>::max());
  for (; count > 0; --count) trace_.Free(thread, population.Take(random_));
}

void Survivors::Drop(std::uint32_t thread, std::uint32_t index, std::uint64_t count) {
  GeneratedPopulation& population = populations_[index];
  for (; count > 0 && population.size() > 0; --count) trace_.Free(thread, population.Take(random_));
}

void Survivors::ThreadStarted(std::uint32_t thread) {
  running_.push_back(thread);
  if (thread < program_.threads) ++workers_;
}

void Survivors::ThreadEnds(std::uint32_t thread) {
  FreeSent(thread, sent_[thread].size());
  std::erase(running_, thread);
  if (thread < program_.threads) --workers_;
}

}  // namespace rmem
