#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trace/distribution.h"

namespace rmem {

/** Chances count in parts of this many. */
inline constexpr std::uint32_t kCertain = 1'000'000;

/** When a block that a program allocates dies. */
enum class Lifetime : std::uint8_t {
  kScope,       // with its transaction or savepoint
  kFrame,       // freed when the list of steps it was made in ends, newest first, or before by kFree
  kPopulation,  // joins a population: at the commit, at once outside of transactions; an abort frees it
};

/** How the members of a population die. */
enum class Death : std::uint8_t {
  kRandom,  // any member gives way when the population is above its target
  kOldest,  // the oldest gives way
  kEpoch,   // oldest first, once no transaction is open that began before it joined
  kQueue,   // another thread frees it
  kAge,     // each after a time of its own
  kNever,   // a leak
};

/**
 * One step of a transaction type or job. A list of steps is code that ends with kEnd; steps with steps of
 * their own name the place behind them.
 *
 *   kAlloc      name = kind, flags (kFlagZeroed), a = sizes, b = counts, c = Lifetime, d = population,
 *               e = alignment
 *   kFree       a = counts, b = FreeOrder: blocks of this transaction with Lifetime::kFrame
 *   kGrow       name = kind, a = sizes: realloc of the newest such block
 *   kRepeat     a = counts, b = behind its kClose
 *   kSavepoint  name = type, a = chance of a rollback, b = behind its kClose
 *   kChance     a = chance, b = where to go on without
 *   kPick       a = distribution of branches, b = the first of its entries in `jumps`
 *   kJump       b = where
 *   kThink      a = times in ns
 *   kDrop       a = counts, b = population: members die, in the population's order
 *   kCollect    b = population of Death::kEpoch: all that may go, goes
 *   kClose      the end of a kRepeat's or kSavepoint's steps
 *   kEnd        commit or abort
 */
enum class StepCode : std::uint8_t {
  kAlloc,
  kFree,
  kGrow,
  kRepeat,
  kSavepoint,
  kChance,
  kPick,
  kJump,
  kThink,
  kDrop,
  kCollect,
  kClose,
  kEnd,
};

enum class FreeOrder : std::uint32_t { kNewest, kOldest, kAny };

struct Step {
  StepCode code;
  std::uint8_t flags;
  std::uint16_t name;
  std::uint32_t a, b, c, d, e;
};

struct TransactionProgram {
  std::uint16_t name;
  std::uint32_t entry;
  std::uint32_t abort;  // chance
};

struct PopulationProgram {
  Death death;
  std::uint32_t ages;      // kAge: distribution, ns
  std::uint32_t job;       // kQueue: the job whose thread frees, from 1; 0: any other thread
  std::uint32_t batch;     // kEpoch: collected when so many may go
  bool collectedByJob;     // kEpoch: only by kCollect
  bool opening;            // filled up to its target before the mark `start`
  std::uint32_t fill = 0;  // where `opening`: code that makes members
};

struct JobProgram {
  std::uint16_t name;
  std::uint32_t entry;
  std::uint32_t every;  // distribution: ns between the end of a run and the next
  bool transaction;
  std::uint32_t abort;
};

struct PhaseProgram {
  std::uint16_t mark;  // 0: none
  std::uint64_t endEvents;
  std::uint32_t mix;                   // distribution over `transactions`
  std::vector<std::uint64_t> targets;  // bytes, a population
  std::vector<std::uint32_t> sizes;    // what stands for each distribution in this phase
};

struct SampleProgram {
  std::uint64_t everyNs = 0;  // 0: none
  std::uint64_t totalBytes = 0;
  std::uint64_t baseBytes = 0;  // used beside what is alive
  bool stopAtTotal = false;     // the trace ends when used reaches total
};

/** A workload file compiled by src/workload/compile.ts: whole numbers and names, nothing left to decide. */
struct WorkloadProgram {
  std::string name;
  std::string hash;
  std::uint64_t seed = 1;
  std::uint64_t events = 0;  // about; every transaction begun is ended
  std::uint32_t threads = 1;
  std::uint64_t liveBytes = 0;
  std::uint64_t paceNs = 100;  // mean time between two events of a thread at work
  std::uint64_t openingEvents = 0;
  std::vector<std::string> kinds;  // `name` of a step is an index into these
  std::vector<std::string> types;
  std::vector<std::string> marks;
  std::vector<Distribution> distributions;
  std::vector<Step> code;
  std::vector<std::uint32_t> jumps;
  std::vector<TransactionProgram> transactions;
  std::vector<PopulationProgram> populations;
  std::vector<JobProgram> jobs;
  std::vector<PhaseProgram> phases;
  SampleProgram samples;
};

/**
 * Reads a program from JSON, and checks that every index in it is one. Throws std::invalid_argument that
 * names the member.
 */
WorkloadProgram ParseWorkloadProgram(std::string_view json);

}  // namespace rmem
