#pragma once

#include <cstdint>
#include <vector>

#include "trace/generator_trace.h"
#include "trace/timing_wheel.h"

namespace rmem {

/** All populations: what outlives transactions, and which thread frees it when. */
class Survivors {
 public:
  Survivors(const WorkloadProgram& program, GeneratedTrace& trace, Random& random);

  /** Of a phase: bytes a population, and what stands for each distribution. */
  void Enter(const PhaseProgram& phase) { phase_ = &phase; }

  /** `thread` hands over a block; others may have to go, and `thread` frees them. */
  void Join(std::uint32_t thread, const GeneratedBlock& block, std::uint32_t population);

  /** As large as it should be: its target is reached, or a member had to give way. */
  bool IsFull(std::uint32_t population) const;

  void BeginTransaction(std::uint32_t thread, std::uint64_t id) { openSince_[thread] = id; }
  void EndTransaction(std::uint32_t thread) { openSince_[thread] = 0; }

  /** What `thread` frees between two pieces of its own work: aged blocks, and what others sent it. */
  void FreeDue(std::uint32_t thread);
  /** What epochs ended for, a batch; nothing where the batch is not full yet. */
  void CollectBatches(std::uint32_t thread);
  void CollectAll(std::uint32_t thread, std::uint32_t population);
  void Drop(std::uint32_t thread, std::uint32_t population, std::uint64_t count);

  void ThreadStarted(std::uint32_t thread);
  /** Frees what was sent to it. It takes no more. */
  void ThreadEnds(std::uint32_t thread);

 private:
  struct Epochs {
    std::uint32_t population;
    std::uint64_t retryAtBegin;  // the horizon has moved by then
  };

  std::uint64_t Horizon() const;
  std::uint64_t Target(std::uint32_t population) const { return phase_->targets[population]; }
  void Send(std::uint32_t thread, const GeneratedBlock& block, const PopulationProgram& population);
  void FreeSent(std::uint32_t thread, std::size_t most);

  const WorkloadProgram& program_;
  GeneratedTrace& trace_;
  Random& random_;
  const PhaseProgram* phase_;
  std::vector<GeneratedPopulation> populations_;
  std::vector<bool> gaveWay_;   // at least once, a population
  std::vector<Epochs> epochs_;  // those that transactions collect
  std::vector<std::uint64_t> openSince_;
  std::vector<std::vector<GeneratedBlock>> sent_;
  std::vector<std::uint32_t> running_;  // threads, those of jobs last
  std::size_t workers_ = 0;             // of `running_` those of no job
  TimingWheel<GeneratedBlock> ages_;
  std::vector<GeneratedBlock> due_;
};

}  // namespace rmem
