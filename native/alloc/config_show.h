#pragma once

#include "alloc/heap_config.h"
#include "base/fixed_text.h"

namespace rmem {

using ConfigText = FixedText<std::size_t{32} << 10>;

/** The configuration as a file that says every key, each with its meaning and range. Parsed, it gives the
 * same. */
void ShowHeapConfig(const HeapConfig& config, ConfigText* text) noexcept;

}  // namespace rmem
