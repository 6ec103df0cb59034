#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "trace/decoder.h"
#include "trace/event_batch.h"
#include "trace/thread_table.h"

namespace rmem {

/**
 * The processed form of gperftools-style traces: little-endian records of 24 bytes, {type: 8 bits, register:
 * 56 bits, a, b}: 0 malloc(a bytes), 1 free, 2 free_sized(a bytes), 3 memalign(a bytes, aligned to b), 4
 * realloc(into register a, b bytes), 5 switch to thread a, 6 thread a (0: the current one) ends, 7 it is a
 * ns. Registers are used again; events have the register + 1. Before the first switch thread 0 runs.
 * Positions count records, errors have the byte offset of theirs. A last record that is cut off is a warning,
 * with `strict` the error `truncated`.
 */
class GperftoolsDecoder : public Decoder {
 public:
  GperftoolsDecoder(const DecoderOptions& options, TraceInfo& info, EventSink& sink)
      : options_(options), info_(info), out_(sink), threads_(out_) {}

  void Push(std::span<const std::byte> bytes) override;
  void Finish() override;

  static constexpr std::size_t kRecordBytes = 24;
  enum Type : std::uint8_t { kMalloc, kFree, kFreeSized, kMemalign, kRealloc, kSwitch, kKill, kTime };

 private:
  void Record(const std::byte* at);
  [[noreturn]] void Bad(const char* what) const;

  const DecoderOptions options_;
  TraceInfo& info_;
  EventBatch out_;
  ThreadTable threads_;
  std::array<std::byte, kRecordBytes> partial_;  // the start of a record whose end has not come yet
  std::size_t partialBytes_ = 0;
  std::uint64_t records_ = 0;
  std::uint64_t thread_ = 0;
  std::uint64_t timeNs_ = kNoTime;
};

}  // namespace rmem
