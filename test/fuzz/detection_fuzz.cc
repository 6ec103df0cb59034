// Whatever is taken for a format, its decoder reads or refuses.

#include "pushing.h"
#include "trace/normaliser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rmem;
  using namespace rmem::fuzzing;
  const auto input = std::as_bytes(std::span(data, size));
  const auto format = DetectFormat(input.first(std::min(size, kDetectBytes)));
  if (!format || *format == TraceFormat::kCsv || *format == TraceFormat::kRmtRaw ||
      *format == TraceFormat::kWorkload) {
    return 0;
  }
  TraceInfo info;
  Nowhere nowhere;
  MustBeCanonical check(nowhere);
  Normaliser normaliser(info, check);
  Decode(*format, {.skipDamaged = true}, info, normaliser, input, std::size_t{1} << 16);
  return 0;
}
