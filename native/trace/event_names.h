#pragma once

#include <array>
#include <string_view>

#include "trace/event.h"

namespace rmem {

/** The names of the event types in CSV, by EventType. */
inline constexpr std::array<std::string_view, kEventTypeCount> kEventNames = {
    "alloc", "free", "realloc", "begin", "commit", "abort", "thread_start", "thread_end", "mark", "sample"};

}  // namespace rmem
