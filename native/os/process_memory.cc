#include "os/process_memory.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"

namespace rmem {
namespace {

constexpr int kSlowReadings = 3;  // in a row: one alone may have been an interruption

/** Reads a whole /proc file of at most `capacity` bytes; empty when it can't. */
std::string_view ReadWhole(int file, char* buffer, std::size_t capacity) {
  const ssize_t length = pread(file, buffer, capacity, 0);
  return length <= 0 ? std::string_view() : std::string_view(buffer, static_cast<std::size_t>(length));
}

std::uint64_t KilobytesOr0(std::string_view text, std::string_view name) {
  std::uint64_t bytes = 0;
  FindKilobytes(text, name, &bytes);
  return bytes;
}

}  // namespace

bool FindKilobytes(std::string_view text, std::string_view name, std::uint64_t* bytes) {
  for (std::size_t line = 0; line < text.size();) {
    std::size_t end = text.find('\n', line);
    if (end == std::string_view::npos) end = text.size();
    std::string_view rest = text.substr(line, end - line);
    line = end + 1;
    if (!rest.starts_with(name) || rest.size() <= name.size() || rest[name.size()] != ':') continue;
    rest.remove_prefix(name.size() + 1);
    std::uint64_t kilobytes = 0;
    bool any = false;
    for (const char c : rest) {
      if (c >= '0' && c <= '9') {
        kilobytes = kilobytes * 10 + static_cast<std::uint64_t>(c - '0');
        any = true;
      } else if (any) {
        break;
      }
    }
    *bytes = kilobytes * 1024;
    return any;
  }
  return false;
}

ProcessMemory::ProcessMemory(std::uint64_t slowNs)
    : slowNs_(slowNs),
      rollup_(open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC)),
      status_(open("/proc/self/status", O_RDONLY | O_CLOEXEC)) {}

ProcessMemory::~ProcessMemory() {
  if (rollup_ >= 0) close(rollup_);
  if (status_ >= 0) close(status_);
}

bool ProcessMemory::Read(MemoryReading* reading) {
  if (source_ == MemorySource::kSmapsRollup) {
    const std::uint64_t before = ThreadCpuNs();
    if (ReadRollup(reading)) {
      slowInARow_ = ThreadCpuNs() - before > slowNs_ ? slowInARow_ + 1 : 0;
      if (slowInARow_ >= kSlowReadings) source_ = MemorySource::kStatus;
      return true;
    }
    source_ = MemorySource::kStatus;
  }
  return ReadStatus(reading);
}

bool ProcessMemory::ReadRollup(MemoryReading* reading) {
  char buffer[4096];
  const std::string_view text = ReadWhole(rollup_, buffer, sizeof(buffer));
  std::uint64_t anonymous;
  if (!FindKilobytes(text, "Anonymous", &anonymous)) return false;
  const std::uint64_t hugetlb = KilobytesOr0(text, "Private_Hugetlb");
  std::uint64_t swapped = KilobytesOr0(text, "Swap");
  if (swapped != 0) {
    // smaps counts swapped pages of shared mappings too; status does not.
    char status[8192];
    swapped = KilobytesOr0(ReadWhole(status_, status, sizeof(status)), "VmSwap");
  }
  reading->bytes = anonymous + hugetlb + swapped;
  reading->hugeBytes = KilobytesOr0(text, "AnonHugePages") + hugetlb;
  reading->knowsHugeBytes = true;
  return true;
}

bool ProcessMemory::ReadStatus(MemoryReading* reading) {
  char buffer[8192];
  const std::string_view text = ReadWhole(status_, buffer, sizeof(buffer));
  std::uint64_t resident;
  if (!FindKilobytes(text, "RssAnon", &resident)) return false;
  reading->bytes = resident + KilobytesOr0(text, "HugetlbPages") + KilobytesOr0(text, "VmSwap");
  reading->hugeBytes = 0;
  reading->knowsHugeBytes = false;
  return true;
}

std::uint64_t MinorFaults() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_minflt);
}

}  // namespace rmem
