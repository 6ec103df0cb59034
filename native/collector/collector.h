#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "collector/collector_frames.h"
#include "collector/collector_options.h"
#include "collector/recorded_process.h"

namespace rmem::record {

/**
 * Drains the rings of a program and its children into a raw file each, until standard input has ended (the
 * program that was started is over, or whoever started it) and no recorded process is alive. A line `stop`
 * there ends the recording at once: what still runs goes on unrecorded.
 */
class Collector {
 public:
  explicit Collector(CollectorOptions options);
  ~Collector();
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  /** Makes the folder and its control page; false, and an errno, where it can't. */
  bool Prepare(int* error);
  const std::string& folder() const { return options_.folder; }

  void Run();

  /** From a signal handler: as a line `stop`. */
  static void AskToStop();

 private:
  void FindProcesses();
  void Meet(std::unique_ptr<RecordedProcess> process);
  /** Drains everything once; how full the fullest ring was. */
  double Drain();
  void LookAfter(std::uint64_t nowNs);
  void KeepTime(std::uint64_t nowNs);
  void KeepLimits();
  void Stop(const char* why);
  void Leave();
  bool Recording() const;
  CollectorTotals Totals() const;
  bool AnyAlive() const;
  /** Does a process run that has yet to load the recorder? For a while after the program's end. */
  bool AnyComing(std::uint64_t nowNs);
  /** Until a ring is half full, and at most `ns` (less than a second). */
  void Sleep(std::uint64_t ns);
  /** Reads what standard input says, if anything. */
  void Listen();
  void Finish(RecordedProcess& process);
  /** Gives the children of recorded parents the blocks they were born with, and says what became of each
   * process. */
  void Conclude();
  const RecordedProcess* ParentOf(const RecordedProcess& child) const;
  /** Gives a child made by fork the blocks it was born with; how many. */
  std::uint64_t GivePopulation(const RecordedProcess& process) const;

  CollectorOptions options_;
  OperationClock clock_;
  Control* control_ = nullptr;
  bool madeFolder_ = false;
  std::vector<std::unique_ptr<RecordedProcess>> processes_;
  std::set<std::string> met_;  // names of files in the folder
  std::uint64_t announced_ = 0;
  std::uint64_t firstMetNs_ = 0;
  std::uint64_t recordingSinceNs_ = 0;
  std::uint64_t lookedAfterNs_ = 0;
  std::uint64_t sampledNs_ = 0;
  std::uint64_t saidNs_ = 0;
  std::uint64_t searchedNs_ = 0;
  std::uint64_t overSinceNs_ = 0;
  unsigned looksInVain_ = 0;
  bool inputEnded_ = false;
  bool stopped_ = false;
  bool leaving_ = false;
};

}  // namespace rmem::record
