// The first byte chooses the size of the pieces.

#include "pushing.h"
#include "trace/normaliser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rmem;
  using namespace rmem::fuzzing;
  if (size == 0) return 0;
  TraceInfo info;
  Nowhere nowhere;
  MustBeCanonical check(nowhere);
  Normaliser normaliser(info, check);
  const auto input = std::as_bytes(std::span(data + 1, size - 1));
  Decode(TraceFormat::kMtrace, {}, info, normaliser, input, std::size_t{1} + data[0] * 7);
  return 0;
}
