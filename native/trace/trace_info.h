#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "trace/call_sites.h"

namespace rmem {

/** Interned texts of one sort; index 0 is the default (`unknown` for kinds, empty otherwise). */
class NameTable {
 public:
  explicit NameTable(std::string_view zero) { Intern(zero); }
  /** Index of `text`, added if new. Throws TraceError `too-many-names` past 65,535. */
  std::uint16_t Intern(std::string_view text);
  const std::string& operator[](std::size_t index) const { return texts_[index]; }
  std::size_t size() const { return texts_.size(); }

 private:
  std::vector<std::string> texts_;
  std::unordered_map<std::string, std::uint16_t> index_;
};

struct TraceNames {
  NameTable kinds{"unknown"};
  NameTable transactionTypes{""};
  NameTable marks{""};
};

/** What a reader repaired or dropped, by category, with the first places it happened. */
struct Repair {
  std::uint64_t count = 0;
  bool dropped = false;                       // the event was left out; otherwise it was mended
  std::vector<std::uint64_t> firstPositions;  // lines, records or event numbers, at most 5
};

struct ImportReport {
  std::uint64_t linesRead = 0;            // lines, records or events of the source
  std::uint64_t events = 0;               // events handed on
  std::map<std::string, Repair> repairs;  // keyed by category: `free-of-unknown-block`, …
  std::vector<std::string> warnings;

  void Count(const std::string& category, bool dropped, std::uint64_t position, std::uint64_t times = 1);
  std::uint64_t Dropped() const;
  std::uint64_t Repaired() const;
};

/**
 * The field of the header that a trace with call sites has: one allocation in so many bytes, on average, was
 * given its stack; `0` where every one was.
 */
inline constexpr const char* kStackBytesField = "stackBytes";

/** What a header tells there; 0 where it tells nothing, or no number. */
std::uint64_t StackBytesOf(const std::map<std::string, std::string>& header);

/** What is known of a trace beside its events. Shared by the stages of one pipeline, filled as they go. */
struct TraceInfo {
  std::map<std::string, std::string>
      header;  // program, host, clock, origin allocator, cpus, workload, seed, …
  TraceNames names;
  CallSites callSites;  // complete when the events have come: a canonical `.rmt` tells them in its trailer
  ImportReport report;
  ImportReport origin;  // what was reported when the `.rmt` file that is being read was made
};

}  // namespace rmem
