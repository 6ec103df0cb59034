#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "trace/canonical_block.h"
#include "trace/decoder.h"
#include "trace/rmt_index.h"
#include "trace/trace_error.h"

namespace rmem {

/** The file header at the start of `bytes`: what is known before its JSON text is read. */
struct RmtStart {
  RmtFileHeader header;
  std::size_t totalBytes;  // header and JSON text
};

/**
 * Checks the magic, version and length of a `.rmt`'s header. Throws TraceError `not-a-trace` or
 * `unsupported-version`. `bytes` has at least sizeof(RmtFileHeader).
 */
RmtStart ReadRmtStart(std::span<const std::byte> bytes);

/** Checks the CRC of a whole header and returns its texts. Throws TraceError `damaged-block`. */
std::map<std::string, std::string> ReadRmtTexts(const RmtStart& start, std::span<const std::byte> bytes);

/** Reads the canonical profile. See Decoder; errors have the byte offset of the block. */
class RmtDecoder : public Decoder {
 public:
  RmtDecoder(const DecoderOptions& options, TraceInfo& info, EventSink& sink)
      : options_(options), info_(info), sink_(sink), blocks_(info.names) {}

  void Push(std::span<const std::byte> bytes) override;
  void Finish() override;

 private:
  enum class State { kFileHeader, kBlocks, kSearching, kEnded };

  bool Step();
  bool StepFileHeader();
  bool StepBlock();
  bool StepFooter();
  bool StepSearch();
  void TakeBlock(const RmtBlockHeader& header, std::span<const std::byte> payload);
  void TakeEvents(const RmtBlockHeader& header, std::span<const std::byte> payload);
  void TakeIndex(std::span<const std::byte> payload);
  void EndTrailer();
  void Skip(const TraceError& error, std::size_t bytes, State next);
  void TakeLoss(const CanonicalCounters& stand);
  void Lose(std::size_t bytes);
  void CountLost(std::uint64_t events);
  std::span<const std::byte> Rest() const { return std::span<const std::byte>(buffer_).subspan(at_); }
  void Advance(std::size_t bytes);

  const DecoderOptions options_;
  TraceInfo& info_;
  EventSink& sink_;
  CanonicalBlockDecoder blocks_;
  CanonicalCounters counters_;
  State state_ = State::kFileHeader;
  std::vector<std::byte> buffer_;
  std::size_t at_ = 0;        // of buffer_: what was taken
  std::uint64_t offset_ = 0;  // of buffer_[at_] in the file
  std::uint32_t timeUnitNs_ = 1;
  std::vector<BlockPlace> places_;
  std::size_t indexed_ = 0;  // of places_: what the index has confirmed
  std::string trailer_;
  std::uint64_t trailerOffset_ = 0;
  std::uint64_t indexOffset_ = 0;
  bool trailerRead_ = false;
  bool skipped_ = false;  // a block was lost
  std::uint64_t lostBytes_ = 0;
};

}  // namespace rmem
