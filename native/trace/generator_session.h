#pragma once

#include <cstdint>
#include <vector>

#include "trace/generator_survivors.h"

namespace rmem {

/** One thread of the made-up engine: runs the code of one transaction or job after the other. */
class Session {
 public:
  Session(std::uint32_t thread, const WorkloadProgram& program, GeneratedTrace& trace, Survivors& survivors,
          Random& random)
      : thread_(thread), program_(program), trace_(trace), survivors_(survivors), random_(random) {}

  std::uint32_t thread() const { return thread_; }
  bool idle() const { return frames_.empty(); }

  /** Idle before; a transaction is open afterwards. */
  void BeginTransaction(std::uint16_t type, std::uint32_t entry, std::uint32_t abortChance);
  /** Idle before; the code runs in no transaction. */
  void BeginWork(std::uint32_t entry);

  /**
   * Runs until about `budget` events and steps are done, or the session is idle again, or it thinks.
   * @return the ns that it thinks; 0: it does not
   */
  std::uint64_t Run(int budget, const PhaseProgram& phase);

 private:
  /** A list of steps under way, with what it made that must die at its end. */
  struct Frame {
    std::uint32_t entry;
    std::uint64_t left;        // turns of a repeat
    std::size_t temporaries;   // how many there were before
    std::size_t pending;       // the same of what waits for the commit
    std::uint64_t scope;       // a transaction or savepoint; 0: neither
    std::uint64_t scopeBytes;  // what dies with it
    bool abort;
  };
  struct Pending {
    GeneratedBlock block;
    std::uint32_t population;
  };

  const Distribution& Of(std::uint32_t index, const PhaseProgram& phase) const {
    return program_.distributions[phase.sizes[index]];
  }
  void Push(std::uint32_t entry, std::uint64_t turns, std::uint64_t scope, bool abort);
  void Alloc(const Step& step, std::uint64_t bytes);
  void FreeTemporaries(const Step& step, std::uint64_t count);
  void FreeTemporariesDownTo(std::size_t count);
  void Close();
  void EndScope();
  void End();

  const std::uint32_t thread_;
  const WorkloadProgram& program_;
  GeneratedTrace& trace_;
  Survivors& survivors_;
  Random& random_;
  std::uint32_t at_ = 0;
  std::uint64_t scope_ = 0;   // innermost transaction or savepoint
  std::uint64_t unmade_ = 0;  // blocks left of the allocation under way
  std::vector<Frame> frames_;
  std::vector<std::size_t> scopes_;  // which frames are transactions and savepoints
  std::vector<GeneratedBlock> temporaries_;
  std::vector<Pending> pending_;
};

}  // namespace rmem
