#pragma once

#include <vector>

#include "trace/decoder.h"
#include "trace/event_batch.h"
#include "trace/thread_table.h"

namespace rmem {

/**
 * malloc-bench: protobuf (proto2) `Tracefile{1: repeated TraceLine; 2: max_simultaneous}`, a TraceLine being
 * one of 1 malloc{1 id, 2 size, 3 align}, 2 free{1 id, 2 size_hint, 3 align_hint}, 3 realloc{1 new, 2 old, 3
 * size}, 4 calloc{1 id, 2 n, 3 size}. Read a record at a time. An absent id is NULL, and 0 is a block like
 * others: events have the id + 1. Positions count records; errors have the byte offset of theirs. There is
 * one thread.
 */
class MallocBenchDecoder : public Decoder {
 public:
  MallocBenchDecoder(const DecoderOptions& options, TraceInfo& info, EventSink& sink)
      : options_(options), info_(info), out_(sink), threads_(out_) {}

  void Push(std::span<const std::byte> bytes) override;
  void Finish() override;

  static constexpr std::uint64_t kLineKey = 1 << 3 | 2;  // field 1, length-delimited
  static constexpr std::uint64_t kMaxLineBytes = 1024;   // a TraceLine has at most some 50

 private:
  struct Fields;
  const std::byte* Record(const std::byte* at, const std::byte* end);
  void Line(const std::byte* at, const std::byte* end);
  void Call(unsigned call, const std::byte* at, const std::byte* end);
  std::uint64_t Handle(const Fields& fields, unsigned field) const;
  [[noreturn]] void Bad(const std::string& what) const;

  const DecoderOptions options_;
  TraceInfo& info_;
  EventBatch out_;
  ThreadTable threads_;
  std::vector<std::byte> rest_;  // the start of a record whose end has not come yet
  std::uint64_t offset_ = 0;     // of the record being read
  std::uint64_t records_ = 0;
};

}  // namespace rmem
