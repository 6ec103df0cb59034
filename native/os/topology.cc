#include "os/topology.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace rmem {
namespace {

// A list such as "0-3,8,10-11\n" of 1024 CPUs has at most 5 characters each.
struct ListText {
  char text[5 * kMaxCpus + 2];
  std::size_t length = 0;
};

bool ReadList(const char* sysRoot, const char* path, ListText& list) noexcept {
  char name[4096];
  const int written = std::snprintf(name, sizeof name, "%s/%s", sysRoot, path);
  if (written < 0 || static_cast<std::size_t>(written) >= sizeof name) return false;
  const int file = ::open(name, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  list.length = 0;
  while (list.length < sizeof list.text) {
    const ssize_t count = ::read(file, list.text + list.length, sizeof list.text - list.length);
    if (count <= 0) break;
    list.length += static_cast<std::size_t>(count);
  }
  ::close(file);
  return true;
}

// Calls visit(number) for each number below `limit` in the list; what is no list ends it.
template <class Visit>
void ForEachInList(const ListText& list, int limit, Visit visit) noexcept {
  std::size_t at = 0;
  const auto number = [&](int& value) {
    const std::size_t start = at;
    value = 0;
    while (at < list.length && list.text[at] >= '0' && list.text[at] <= '9') {
      value = std::min(value * 10 + (list.text[at] - '0'), limit);
      ++at;
    }
    return at != start;
  };
  int first = 0;
  while (number(first)) {
    int last = first;
    if (at < list.length && list.text[at] == '-') {
      ++at;
      if (!number(last)) return;
    }
    for (int i = first; i <= last && i < limit; ++i) visit(i);
    if (at >= list.length || list.text[at] != ',') return;
    ++at;
  }
}

}  // namespace

Topology ReadTopology(const char* sysRoot) noexcept {
  Topology topology;
  ListText list;
  if (ReadList(sysRoot, "devices/system/cpu/online", list)) {
    ForEachInList(list, kMaxCpus, [&](int cpu) {
      topology.cpuCount += topology.cpuOnline[static_cast<std::size_t>(cpu)] ? 0 : 1;
      topology.cpuOnline[static_cast<std::size_t>(cpu)] = true;
    });
  }
  if (topology.cpuCount == 0) {
    const long count = ::sysconf(_SC_NPROCESSORS_ONLN);
    topology.cpuCount = static_cast<int>(std::clamp(count, 1L, static_cast<long>(kMaxCpus)));
    std::fill_n(topology.cpuOnline.begin(), topology.cpuCount, true);
  }
  for (int node = 0; node < kMaxNodes; ++node) {
    char path[64];
    std::snprintf(path, sizeof path, "devices/system/node/node%d/cpulist", node);
    if (!ReadList(sysRoot, path, list)) continue;
    ++topology.nodeCount;
    ForEachInList(list, kMaxCpus, [&](int cpu) {
      topology.nodeOfCpu[static_cast<std::size_t>(cpu)] = static_cast<std::uint8_t>(node);
    });
  }
  topology.nodeCount = std::max(topology.nodeCount, 1);
  return topology;
}

}  // namespace rmem
