#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "trace/event_sink.h"
#include "trace/trace_info.h"

namespace rmem {

enum class TraceFormat {
  kRmt,          // canonical profile
  kRmtRaw,       // raw profile: no push decoder, spool it to a file and call ResolveRaw (raw_resolver.h)
  kAndroid,      // Android memory_replay text
  kMallocBench,  // malloc-bench protobuf
  kCsv,          // rows split by the caller, see MakeDecoder
  kMallocLab,    // CS:APP malloc-lab `.rep`
  kMtrace,       // glibc mtrace
  kHeaptrack,    // heaptrack, raw and interpreted
  kLogalloc,     // Firefox logalloc
  kWorkload,  // glibc trace-utils `.wl`: no push decoder, spool it and call ReadWorkload (workload_reader.h)
  kGperftools,  // processed gperftools-style records
};

/** All that users can name: every format but kRmtRaw. */
inline constexpr TraceFormat kNamedFormats[] = {
    TraceFormat::kRmt,       TraceFormat::kAndroid,   TraceFormat::kMallocBench, TraceFormat::kCsv,
    TraceFormat::kMallocLab, TraceFormat::kMtrace,    TraceFormat::kHeaptrack,   TraceFormat::kLogalloc,
    TraceFormat::kWorkload,  TraceFormat::kGperftools};

/** The name users give to --format: `rmt` (both profiles), `android`, `malloc-bench`, `csv`, `malloc-lab`,
 * `mtrace`, `heaptrack`, `logalloc`, `trace-utils`, `gperftools`. */
std::string_view FormatName(TraceFormat format);

/** The format of that name, `rmt` being the canonical profile; nothing for any other text. */
std::optional<TraceFormat> FormatByName(std::string_view name);

/** How many bytes of a file DetectFormat likes to see. Fewer are right where the file has no more. */
inline constexpr std::size_t kDetectBytes = 4096;

/** What the first bytes of an (unpacked) file are, or nothing where they are no trace. */
std::optional<TraceFormat> DetectFormat(std::span<const std::byte> head);

/** The number of the only thread, in formats that know of no other. */
inline constexpr std::uint64_t kOnlyThread = 1;

/** What valloc and pvalloc align to, in bytes, on the machines that traces come from. */
inline constexpr std::uint32_t kVallocAlignment = 4096;

struct DecoderOptions {
  bool strict = false;       // `.rmt`: a cut-off file is an error, not a warning
  bool skipDamaged = false;  // `.rmt`: go on after a damaged block, and count what was lost
};

/**
 * Bytes of one format in, events out. Push takes the input in pieces of any size; events go to the sink in
 * batches as they become whole. Finish says that the input is complete: it flushes and finishes the sink.
 * Both throw TraceError, with the line (text), the byte offset of the block (`.rmt`) or of the record
 * (malloc-bench) in it; after that the decoder is of no more use. No input at all is the error `empty`.
 * Memory is bounded by a constant, the names and the threads of the trace.
 */
class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual void Push(std::span<const std::byte> bytes) = 0;
  virtual void Finish() = 0;
};

/**
 * A decoder that hands its events to `sink` and fills `info`. Both must outlive it. Throws TraceError
 * `raw-profile` for kRmtRaw and `whole-file` for kWorkload, which are read from files.
 *
 * kCsv takes what csv-parse made of the file: fields joined by 0x1f, every row (the header row first) ended
 * by 0x1e.
 */
std::unique_ptr<Decoder> MakeDecoder(TraceFormat format, const DecoderOptions& options, TraceInfo& info,
                                     EventSink& sink);

/**
 * Whether a Normaliser must stand behind this decoder: for imports, whose ids are addresses or handles, and
 * for a
 * `.rmt` read with skipDamaged, where frees of lost blocks must be dropped and counted. Otherwise a
 * Validator.
 */
bool NeedsNormaliser(TraceFormat format, const DecoderOptions& options);

}  // namespace rmem
