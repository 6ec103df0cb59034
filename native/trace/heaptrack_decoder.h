#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trace/event_batch.h"
#include "trace/heaptrack_stacks.h"
#include "trace/line_decoder.h"
#include "trace/live_blocks.h"
#include "trace/text_fields.h"
#include "trace/thread_table.h"
#include "trace/trace_info.h"

namespace rmem {

/**
 * heaptrack, file versions 1 to 3; all numbers hexadecimal without 0x. Both of its forms start with `v
 * VERSION FILE-VERSION`, `X COMMAND LINE`, `I PAGE-BYTES PAGES` and have `c MILLISECONDS`, the time of what
 * follows, and `R RESIDENT-PAGES`, which become samples.
 *
 * raw (a recording)
 *   - `+ SIZE STACK ADDRESS`, `- ADDRESS`
 *   - `x PROGRAM`
 *   - `m PATH BASE (ADDRESS BYTES)...`: a file and its segments; path x is the program
 *   - `m -`: nothing is loaded any more
 *   - `t RETURN-ADDRESS CALLER`: the next stack from 1, its caller another one or 0
 *     (heaptrack 1.4 writes the byte before that address; one less is inside of the call still)
 *
 * interpreted
 *   - `a SIZE STACK` defines the next allocation from 0, `+ INDEX` makes a block of it, `- INDEX` frees one
 *   - `s TEXT`: the next string from 1
 *   - `i ADDRESS MODULE [FUNCTION [FILE LINE]]...`: the next instruction from 1; names are strings
 *     (all but the last function were inlined there, the innermost is first)
 *   - `t INSTRUCTION CALLER`: the next stack from 1
 *   - `# NOTE`
 *
 * Since version 3 a text has its length in front. Every birth has its call site (HeaptrackStacks); files and
 * lines of the source are not taken over. The frames of a raw file get their names later (Symbolise).
 *
 * The interpreted form has lost which block of an index a free names: the most recent that is alive.
 * heaptrack has no threads, and a realloc is a free and a birth. Lines that start with an unknown letter are
 * counted (`unknown-line`, dropped). Memory: the live blocks, 24 bytes an allocation of the interpreted form,
 * and the stacks.
 */
class HeaptrackDecoder : public LineDecoder {
 public:
  HeaptrackDecoder(TraceInfo& info, EventSink& sink)
      : LineDecoder(kMaxNameBytes), info_(info), out_(sink), threads_(out_), stacks_(info) {}

  static constexpr std::uint64_t kNewestFileVersion = 3;

 protected:
  void Line(const char* begin, const char* end) override;
  void End() override;

 private:
  enum class Form { kUnknown, kRaw, kInterpreted };
  struct Allocation {
    std::uint64_t size;
    std::uint64_t newest;  // the birth of its most recent live block, or 0
    std::uint32_t site;
  };
  // Names of functions of C++ have been seen of some 100 KiB.
  static constexpr std::size_t kMaxNameBytes = std::size_t{1} << 20;
  static constexpr std::size_t kMaxAllocations = std::size_t{1} << 24;

  void Version(TextFields& in);
  void Define(TextFields& in);
  void Birth(TextFields& in);
  void Death(TextFields& in);
  void Resident(TextFields& in);
  void Module(TextFields& in);
  void Instruction(TextFields& in);
  void Stack(TextFields& in);
  /** A text, which ends with a space where it is not sized and `lastField` is false. */
  std::string_view Text(TextFields& in, bool lastField);
  std::uint64_t Number(TextFields& in);
  void Settle(Form form);
  void LastField(const TextFields& in);
  void Emit(Event& event);

  TraceInfo& info_;
  EventBatch out_;
  ThreadTable threads_;
  Form form_ = Form::kUnknown;
  bool versionSeen_ = false;
  bool sizedTexts_ = false;
  std::uint64_t pageBytes_ = 4096;
  std::uint64_t pages_ = 0;
  std::uint64_t timeNs_ = 0;
  std::vector<Allocation> allocations_;
  LiveBlocks<std::uint64_t>
      older_;  // interpreted: by birth, the live block of the same index before it, or 0
  std::uint64_t births_ = 0;
  HeaptrackStacks stacks_;
  std::string program_;
  std::vector<std::uint64_t> functions_;  // of the line that is read
};

}  // namespace rmem
