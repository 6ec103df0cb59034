#pragma once

#include <array>
#include <cstdint>

namespace rmem {

inline constexpr unsigned kMaxCpus = 1024;
inline constexpr int kMaxNodes = 64;

/** The online CPUs of the machine and the NUMA node of each. Numbers are the kernel's; there may be gaps. */
struct Topology {
  int cpuCount = 0;
  int nodeCount = 0;
  std::array<bool, kMaxCpus> cpuOnline{};
  std::array<std::uint8_t, kMaxCpus> nodeOfCpu{};

  bool operator==(const Topology&) const = default;
};

/**
 * Reads the topology below `sysRoot`, which a test may put elsewhere. A system that tells no nodes has one,
 * number 0; one that tells no CPUs (no /sys in a container) has those sysconf counts. Never fails, allocates
 * nothing.
 */
Topology ReadTopology(const char* sysRoot = "/sys") noexcept;

}  // namespace rmem
