#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "trace/raw_resolver.h"
#include "trace/rmt_format.h"

namespace rmem {

/** A block of a raw file, as its header tells. */
struct RawBlockPlace {
  std::uint64_t offset;  // of the payload
  std::uint64_t firstTicks;
  std::uint32_t payloadBytes;
  std::uint32_t payloadCrc;
  std::uint32_t events;
  std::uint32_t reserved;
};

/** The blocks of one thread, in the order of their making. */
struct RawThread {
  std::uint64_t number;
  std::vector<RawBlockPlace> blocks;
};

/** A raw `.rmt` on disk. Reads are positioned. Throws TraceError, with byte offsets. */
class RawFile {
 public:
  /** Reads the file header and the headers of all blocks. What is cut off or damaged is an error, or goes to
   * `report`, as the options say. */
  RawFile(int fd, const ResolveOptions& options, ImportReport& report);

  const std::map<std::string, std::string>& texts() const { return texts_; }
  const std::vector<RawThread>& threads() const { return threads_; }  // in the order of their first blocks

  /** Reads a payload and checks it. TraceError `damaged-block`. */
  void Read(const RawBlockPlace& block, std::vector<std::byte>& payload) const;

 private:
  void ReadHeader();
  void ReadBlocks(const ResolveOptions& options, ImportReport& report);
  std::uint64_t FindBlock(std::uint64_t offset) const;
  bool ReadBlockHeader(std::uint64_t offset, RmtBlockHeader* header) const;
  void ReadAt(std::uint64_t offset, std::span<std::byte> bytes) const;

  int fd_;
  std::uint64_t fileBytes_;
  std::uint64_t firstBlock_ = 0;
  std::map<std::string, std::string> texts_;
  std::vector<RawThread> threads_;
};

}  // namespace rmem
