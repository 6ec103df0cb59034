#include "collector/process_status.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "os/process_memory.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

namespace rmem::record {
namespace {

/** The text of a small file of /proc; empty where it can't be read. */
std::string_view ReadProc(std::uint32_t pid, const char* name, char* buffer, std::size_t room) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  const ssize_t got = read(file, buffer, room);
  close(file);
  return got > 0 ? std::string_view(buffer, static_cast<std::size_t>(got)) : std::string_view{};
}

/** State and CPU ticks out of /proc/PID/stat; false where there is no such process. */
bool ReadStat(std::uint32_t pid, char* state, std::uint64_t* cpuNs) {
  char buffer[1024];
  std::string_view text = ReadProc(pid, "stat", buffer, sizeof(buffer) - 1);
  // The name in parentheses may hold anything, parentheses too.
  const std::size_t name = text.rfind(')');
  if (name == std::string_view::npos) return false;
  buffer[text.size()] = '\0';
  unsigned long long user = 0, system = 0;
  if (sscanf(buffer + name + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu", state, &user,
             &system) != 3)
    return false;
  const auto perSecond = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  *cpuNs = (user + system) * (1'000'000'000 / perSecond);
  return true;
}

}  // namespace

bool ReadProcessCpu(std::uint32_t pid, std::uint64_t* cpuNs) {
  char state;
  return ReadStat(pid, &state, cpuNs);
}

bool ReadProcessStatus(std::uint32_t pid, ProcessStatus* status) {
  char buffer[4096];
  const std::string_view text = ReadProc(pid, "status", buffer, sizeof(buffer));
  if (!FindKilobytes(text, "VmRSS", &status->residentBytes)) return false;
  FindKilobytes(text, "VmHWM", &status->peakResidentBytes);
  FindKilobytes(text, "VmSwap", &status->swapBytes);
  return ReadProcessCpu(pid, &status->cpuNs);
}

std::vector<std::uint32_t> ProcessesWith(std::string_view entry) {
  std::vector<std::uint32_t> found;
  DIR* proc = opendir("/proc");
  if (proc == nullptr) return found;
  while (const dirent* each = readdir(proc)) {
    const std::string_view name(each->d_name);
    std::uint32_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || end != name.data() + name.size()) continue;
    std::ifstream file("/proc/" + std::string(name) + "/environ", std::ios::binary);
    for (std::string text; std::getline(file, text, '\0');) {
      if (text != entry) continue;
      found.push_back(pid);
      break;
    }
  }
  closedir(proc);
  return found;
}

std::uint64_t TotalMemory() {
  return static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

ProcessEnd::ProcessEnd(std::uint32_t pid) : pid_(pid) {
  fd_ = static_cast<int>(syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0));
  gone_ = fd_ < 0 && errno == ESRCH;
}

ProcessEnd::~ProcessEnd() {
  if (fd_ >= 0) close(fd_);
}

bool ProcessEnd::HasEnded() const {
  if (gone_) return true;
  if (fd_ >= 0) {
    pollfd one{fd_, POLLIN, 0};
    return poll(&one, 1, 0) > 0;
  }
  char state;
  std::uint64_t cpuNs;
  return !ReadStat(pid_, &state, &cpuNs) || state == 'Z' || state == 'X';
}

}  // namespace rmem::record
