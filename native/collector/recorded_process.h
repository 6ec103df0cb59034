#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "collector/process_status.h"
#include "recording/ring_encoder.h"
#include "recording/shared_layout.h"

namespace rmem::record {

/** One process image that is recorded: its shared memory, its readers, its file. */
class RecordedProcess {
 public:
  /** Maps the rings file at `ringsPath`; null where it is not (yet) one. */
  static std::unique_ptr<RecordedProcess> Open(const std::string& ringsPath, const Control& control,
                                               std::uint32_t pid);
  ~RecordedProcess();
  RecordedProcess(const RecordedProcess&) = delete;
  RecordedProcess& operator=(const RecordedProcess&) = delete;

  /** Creates the raw file. False: see output(). */
  bool Begin(const std::string& path, const Control& control);

  /** Reads what all rings hold, of each no more than its turn; returns how full the fullest was, from 0 to 1.
   */
  double Drain();
  /** Reads all that was written until now. */
  void DrainAll();
  /** The same, and throws it away: the recording has stopped. */
  void Discard();
  /** Whether a writer may have passed the half of its ring. */
  bool HasMuch() const;
  /** Writes the unfinished blocks, so that the file is whole so far. */
  void Flush();

  bool HasEnded() const { return end_.HasEnded(); }

  /** Looks at the memory and CPU time of the process, and puts a sample into the recording where `keep`. */
  void Sample(bool keep, std::uint64_t ticks);

  /** After its end: the rest of its rings, the ends of threads, and the file is closed. True where its rings
   * are gone from the folder. */
  bool Finish();

  const SessionHeader& header() const { return session_.header(); }
  const DrainCounts& counts() const { return counts_; }
  const RawOutput& output() const { return output_; }
  const std::string& path() const { return path_; }
  const std::string& ringsPath() const { return ringsPath_; }
  const ProcessStatus& status() const { return status_; }
  std::uint64_t events() const { return counts_.events + samples_; }
  /** Events that were left out: rings full, threads without a ring, a handler inside of another event. */
  std::uint64_t Dropped() const;
  bool finished() const { return finished_; }
  std::uint64_t endedNs() const { return endedNs_; }  // CLOCK_REALTIME

 private:
  RecordedProcess(Session session, std::size_t bytes, std::string ringsPath, std::uint32_t pid);

  void MeetRings();
  std::uint64_t RingBytes() const;
  void WriteSamples();

  Session session_;
  const std::size_t mappedBytes_;
  const std::string ringsPath_;
  std::string path_;
  ProcessEnd end_;
  DrainCounts counts_;
  RawOutput output_;
  std::vector<std::unique_ptr<RingEncoder>> rings_;
  ProcessStatus status_;
  bool finished_ = false;
  std::uint64_t endedNs_ = 0;
  std::uint64_t samples_ = 0;
  bool samplesOpen_ = false;
  RawBlockWriter sampleWriter_;
  std::unique_ptr<std::byte[]> sampleBuffer_;
};

}  // namespace rmem::record
