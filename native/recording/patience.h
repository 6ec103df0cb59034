#pragma once

#include <algorithm>
#include <cstdint>

namespace rmem::record {

/**
 * How long a thread with a full ring waits for a collector whose heart stands still: a collector writes its
 * heartbeat at least ten times a second. Only time in which the thread itself runs counts, a look at most
 * kLongestLookNs of it: after a stop (Ctrl-Z, a debugger, a frozen container) both go on.
 */
class Patience {
 public:
  static constexpr std::uint64_t kNs = 10'000'000'000;
  static constexpr std::uint64_t kLongestLookNs = 100'000'000;

  Patience(std::uint64_t heartbeat, std::uint64_t nowNs) : heartbeat_(heartbeat), lookedNs_(nowNs) {}

  /** To be asked often. */
  bool IsOver(std::uint64_t heartbeat, std::uint64_t nowNs) {
    waitedNs_ += std::min(nowNs - lookedNs_, kLongestLookNs);
    lookedNs_ = nowNs;
    if (heartbeat != heartbeat_) waitedNs_ = 0;
    heartbeat_ = heartbeat;
    return waitedNs_ > kNs;
  }

 private:
  std::uint64_t heartbeat_;
  std::uint64_t lookedNs_;
  std::uint64_t waitedNs_ = 0;
};

}  // namespace rmem::record
