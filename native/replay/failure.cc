#include "replay/failure.h"

#include <cstdarg>
#include <cstdio>

namespace rmem {

void FailureRecord::Set(const char* code, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  Take(code, format, arguments, Failure{});
  va_end(arguments);
}

void FailureRecord::SetAt(std::uint32_t stream, std::uint64_t position, const char* code, const char* format,
                          ...) {
  Failure place;
  place.hasPlace = true;
  place.stream = stream;
  place.position = position;
  va_list arguments;
  va_start(arguments, format);
  Take(code, format, arguments, place);
  va_end(arguments);
}

void FailureRecord::Take(const char* code, const char* format, va_list arguments, const Failure& place) {
  if (taken_.exchange(true)) return;
  failure_ = place;
  failure_.code = code;
  std::vsnprintf(failure_.message, sizeof(failure_.message), format, arguments);
  RaiseHalt(Halt::kFailed);
}

}  // namespace rmem
