#include "os/process_memory.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

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

bool HugeBytesIn(const void* start, std::size_t bytes, std::uint64_t* hugeBytes) noexcept {
  const int file = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const auto first = reinterpret_cast<std::uintptr_t>(start);
  bool overlaps = false;
  const auto hex = [](std::string_view* text) {
    std::uint64_t value = 0;
    for (; !text->empty(); text->remove_prefix(1)) {
      const char c = text->front();
      const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
      if (digit < 0) break;
      value = value * 16 + static_cast<std::uint64_t>(digit);
    }
    return value;
  };
  *hugeBytes = 0;
  const auto readLine = [&](std::string_view line) {
    std::string_view rest = line;
    const std::uint64_t low = hex(&rest);
    // A mapping begins with its addresses; all the other lines with a word.
    if (rest.size() != line.size() && rest.starts_with('-')) {
      rest.remove_prefix(1);
      overlaps = low < first + bytes && hex(&rest) > first;
    } else if (overlaps) {
      *hugeBytes += KilobytesOr0(line, "AnonHugePages") + KilobytesOr0(line, "Private_Hugetlb");
    }
  };
  char buffer[8192];
  std::size_t kept = 0;
  ssize_t length;
  while ((length = read(file, buffer + kept, sizeof(buffer) - kept)) > 0) {
    std::string_view text(buffer, kept + static_cast<std::size_t>(length));
    for (std::size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1))
      readLine(text.substr(0, end));
    if (text.size() == sizeof(buffer)) text = {};  // the name of a mapping beyond all measure
    kept = text.size();
    std::copy(text.begin(), text.end(), buffer);
  }
  close(file);
  return length == 0;
}

std::uint64_t MinorFaults() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_minflt);
}

}  // namespace rmem
