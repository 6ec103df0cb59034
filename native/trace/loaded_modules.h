#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "trace/call_sites.h"
#include "trace/live_blocks.h"
#include "trace/raw_rows.h"

namespace rmem {

/** What code lies where in a recorded process, as the rows of its recording tell: turns return addresses into
 * frames. */
class LoadedModules {
 public:
  /** A row RawOp::kModule. What was loaded there before is gone. */
  void Load(const RawRow& module);

  /** The site of these return addresses, innermost first; 0 where `sites` has no more room, or there are
   * none. */
  std::uint32_t Site(std::span<const std::uint64_t> returnAddresses, CallSites& sites);

 private:
  struct Code {
    std::uint64_t end = 0;
    std::uint64_t fileOffset = 0;
    std::string path;
    std::string buildId;  // hexadecimal

    bool operator==(const Code&) const = default;
  };
  std::uint32_t Frame(std::uint64_t returnAddress, CallSites& sites);

  std::map<std::uint64_t, Code> code_;                 // by start; no two overlap
  LiveBlocks<std::uint32_t, AddressHash> frameIndex_;  // by return address, for the code that is loaded now
};

}  // namespace rmem
