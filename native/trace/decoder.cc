#include "trace/decoder.h"

#include "trace/android_decoder.h"
#include "trace/csv_records.h"
#include "trace/gperftools_decoder.h"
#include "trace/heaptrack_decoder.h"
#include "trace/logalloc_decoder.h"
#include "trace/malloc_bench_decoder.h"
#include "trace/malloc_lab_decoder.h"
#include "trace/mtrace_decoder.h"
#include "trace/rmt_decoder.h"
#include "trace/trace_error.h"

namespace rmem {

std::string_view FormatName(TraceFormat format) {
  switch (format) {
    case TraceFormat::kRmt:
    case TraceFormat::kRmtRaw:
      return "rmt";
    case TraceFormat::kAndroid:
      return "android";
    case TraceFormat::kMallocBench:
      return "malloc-bench";
    case TraceFormat::kCsv:
      return "csv";
    case TraceFormat::kMallocLab:
      return "malloc-lab";
    case TraceFormat::kMtrace:
      return "mtrace";
    case TraceFormat::kHeaptrack:
      return "heaptrack";
    case TraceFormat::kLogalloc:
      return "logalloc";
    case TraceFormat::kWorkload:
      return "trace-utils";
    case TraceFormat::kGperftools:
      return "gperftools";
  }
  return "";
}

std::optional<TraceFormat> FormatByName(std::string_view name) {
  for (TraceFormat format : kNamedFormats) {
    if (FormatName(format) == name) return format;
  }
  return std::nullopt;
}

std::unique_ptr<Decoder> MakeDecoder(TraceFormat format, const DecoderOptions& options, TraceInfo& info,
                                     EventSink& sink) {
  switch (format) {
    case TraceFormat::kRmt:
      return std::make_unique<RmtDecoder>(options, info, sink);
    case TraceFormat::kAndroid:
      return std::make_unique<AndroidDecoder>(info, sink);
    case TraceFormat::kMallocBench:
      return std::make_unique<MallocBenchDecoder>(options, info, sink);
    case TraceFormat::kCsv:
      return std::make_unique<CsvRecords>(info, sink);
    case TraceFormat::kMallocLab:
      return std::make_unique<MallocLabDecoder>(options, info, sink);
    case TraceFormat::kMtrace:
      return std::make_unique<MtraceDecoder>(info, sink);
    case TraceFormat::kHeaptrack:
      return std::make_unique<HeaptrackDecoder>(info, sink);
    case TraceFormat::kLogalloc:
      return std::make_unique<LogallocDecoder>(info, sink);
    case TraceFormat::kGperftools:
      return std::make_unique<GperftoolsDecoder>(options, info, sink);
    case TraceFormat::kWorkload:
      throw TraceError("whole-file", "a workload of trace-utils can only be read from a file");
    case TraceFormat::kRmtRaw:
      break;
  }
  throw TraceError("raw-profile", "this is a raw recording, which has to be resolved to one order first");
}

bool NeedsNormaliser(TraceFormat format, const DecoderOptions& options) {
  return format != TraceFormat::kRmt || options.skipDamaged;
}

}  // namespace rmem
