#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rmem {

/** The anonymous memory of this process; what other processes could use if it were not there. */
struct MemoryReading {
  std::uint64_t bytes =
      0;  // resident anonymous + hugetlb + swapped out anonymous; shared mappings are not in it
  std::uint64_t hugeBytes = 0;  // of these, in transparent or explicit huge pages
  bool knowsHugeBytes = false;  // only smaps_rollup tells
};

enum class MemorySource : std::uint8_t { kSmapsRollup, kStatus };

/**
 * Reads the memory of this process from /proc, without allocating. smaps_rollup is exact but walks every page
 * table, so it is left for the counters of /proc/self/status once it has taken more than `slowNs` three times
 * in a row.
 */
class ProcessMemory {
 public:
  explicit ProcessMemory(std::uint64_t slowNs = 2'000'000);
  ~ProcessMemory();
  ProcessMemory(const ProcessMemory&) = delete;
  ProcessMemory& operator=(const ProcessMemory&) = delete;

  /** False where /proc can't be read. */
  bool Read(MemoryReading* reading);
  MemorySource source() const { return source_; }

 private:
  bool ReadRollup(MemoryReading* reading);
  bool ReadStatus(MemoryReading* reading);

  const std::uint64_t slowNs_;
  int rollup_ = -1;
  int status_ = -1;
  int slowInARow_ = 0;
  MemorySource source_ = MemorySource::kSmapsRollup;
};

/** The bytes of the line `name:   N kB` of a /proc file; false where there is no such line. */
bool FindKilobytes(std::string_view text, std::string_view name, std::uint64_t* bytes);

/**
 * Resident bytes in transparent or explicit huge pages, of the mappings that overlap a range; false where
 * /proc/self/smaps can't be read. Walks the page tables of the whole process, allocates nothing.
 */
bool HugeBytesIn(const void* start, std::size_t bytes, std::uint64_t* hugeBytes) noexcept;

/** Page faults of this process so far that needed no input. */
std::uint64_t MinorFaults();

}  // namespace rmem
