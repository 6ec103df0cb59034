#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace rmem::record {

/** What the kernel tells of another process. */
struct ProcessStatus {
  std::uint64_t residentBytes = 0;
  std::uint64_t peakResidentBytes = 0;
  std::uint64_t swapBytes = 0;
  std::uint64_t cpuNs = 0;
};

/** False where the process has no memory any more. */
bool ReadProcessStatus(std::uint32_t pid, ProcessStatus* status);

/** CPU time alone, which a zombie still has; false where there is no such process. */
bool ReadProcessCpu(std::uint32_t pid, std::uint64_t* cpuNs);

/** The processes, as far as we may look at them, that have `entry` (NAME=VALUE) in the environment they were
 * started with. */
std::vector<std::uint32_t> ProcessesWith(std::string_view entry);

/** Bytes of memory in this machine. */
std::uint64_t TotalMemory();

/** Tells when a process ends, be it reaped or not. */
class ProcessEnd {
 public:
  explicit ProcessEnd(std::uint32_t pid);
  ~ProcessEnd();
  ProcessEnd(const ProcessEnd&) = delete;
  ProcessEnd& operator=(const ProcessEnd&) = delete;

  bool HasEnded() const;

 private:
  const std::uint32_t pid_;
  int fd_ = -1;  // a pidfd, where Linux is 5.3 or newer
  bool gone_ = false;
};

}  // namespace rmem::record
