#include "pushing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  rmem::fuzzing::DecodePieces(rmem::TraceFormat::kMallocLab, data, size);
  return 0;
}
