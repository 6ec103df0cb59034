#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>

#include "trace/call_sites.h"
#include "trace/live_blocks.h"

namespace rmem {

/** What code lies where in a recorded process, as its recording tells: turns return addresses into
 * frames. */
class LoadedModules {
 public:
  /** The code of `module` lies in `bytes` bytes from `start`, and at `offset` in its file (at this virtual
   * address of it, where it has a layout). What was loaded there before is gone. */
  void Load(std::uint64_t start, std::uint64_t bytes, std::uint64_t offset, const CallModule& module);
  /** Nothing is loaded any more. */
  void Clear();
  std::size_t size() const { return code_.size(); }

  /** The frame of the call that returns to this address; CallSites::kNoFrame where `sites` has no more room.
   */
  std::uint32_t Frame(std::uint64_t returnAddress, CallSites& sites);

  /** The site of these return addresses, innermost first; 0 where `sites` has no more room, or there are
   * none. */
  std::uint32_t Site(std::span<const std::uint64_t> returnAddresses, CallSites& sites);

 private:
  struct Code {
    std::uint64_t end = 0;
    std::uint64_t offset = 0;
    CallModule module;

    bool operator==(const Code&) const = default;
  };

  std::map<std::uint64_t, Code> code_;                 // by start; no two overlap
  LiveBlocks<std::uint32_t, AddressHash> frameIndex_;  // by return address, for the code that is loaded now
};

}  // namespace rmem
