#pragma once

#include <cstdint>
#include <string>

#include "recording/shared_layout.h"

namespace rmem::record {

struct CollectorOptions {
  std::string out;     // the raw file of the first process; others get .PID behind it
  std::string folder;  // of the shared memory; empty: a new one
  OnFull onFull = OnFull::kWait;
  std::uint64_t ringWords = std::uint64_t{1} << 16;
  std::uint64_t afterNs = 0;
  std::uint64_t forNs = 0;      // 0: as long as it runs
  std::uint64_t maxEvents = 0;  // 0: no limit
  std::uint64_t maxBytes = 0;
  std::uint64_t sampleNs = 0;  // memory samples go into the recording; 0: none
};

/** False, and a sentence in `complaint`, where the words make no sense. */
bool ParseCollectorOptions(int count, char** words, CollectorOptions* options, std::string* complaint);

}  // namespace rmem::record
