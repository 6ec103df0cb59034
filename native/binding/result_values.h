#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "trace/event.h"
#include "trace/log_counts.h"
#include "trace/trace_info.h"

namespace rmem {

// Counts beyond 2^53 lose their last digits in JavaScript, which no report would show.
inline Napi::Number Number(Napi::Env env, std::uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

inline void Set(Napi::Object& object, const char* name, std::uint64_t value) {
  object.Set(name, Number(object.Env(), value));
}

/** A time in nanoseconds, or null where the trace has none. */
inline void SetTime(Napi::Object& object, const char* name, std::uint64_t timeNs) {
  if (timeNs == kNoTime) {
    object.Set(name, object.Env().Null());
  } else {
    Set(object, name, timeNs);
  }
}

/** The name with that number, or the number where there is no such name. */
inline Napi::String NameAt(Napi::Env env, const NameTable& names, std::size_t index) {
  return Napi::String::New(env, index < names.size() ? names[index] : std::to_string(index));
}

template <class Range, class F>
Napi::Array List(Napi::Env env, const Range& items, F&& convert) {
  Napi::Array list = Napi::Array::New(env, items.size());
  std::uint32_t at = 0;
  for (const auto& item : items) list.Set(at++, convert(item));
  return list;
}

/** Counts by bit width, cut after the last that is not 0. */
template <class Widths>
Napi::Array Widths64(Napi::Env env, const Widths& widths) {
  std::size_t used = widths.size();
  while (used > 0 && widths[used - 1] == 0) --used;
  Napi::Array list = Napi::Array::New(env, used);
  for (std::size_t at = 0; at < used; ++at) list.Set(static_cast<std::uint32_t>(at), Number(env, widths[at]));
  return list;
}

/** What src/native.ts calls Distribution. */
Napi::Object Distribution(Napi::Env env, const LogCounts& counts);

}  // namespace rmem
