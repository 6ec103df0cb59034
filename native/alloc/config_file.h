#pragma once

#include <string_view>

#include "alloc/heap_config.h"
#include "base/fixed_text.h"
#include "base/toml_reader.h"

namespace rmem {

/** Names the configuration file where a program cannot be told otherwise. */
inline constexpr char kConfigVariable[] = "RUSTYDB_MEM_CONFIG";

/**
 * The configuration file of a heap: TOML, its keys those of ConfigKeys(); what it does not say stays at the
 * default. This is the only reader and validator there is, because the drop-in malloc needs it before there
 * is a malloc: nothing here allocates.
 *
 * Fills `config`, which then uses `classes`. False: `mistake` says the first thing that is wrong, and
 * `config` and `classes` are as they were.
 */
bool ParseHeapConfig(std::string_view text, HeapConfig* config, SizeClassTable* classes,
                     TextMistake* mistake) noexcept;
/** The same of a file; a mistake without a line is one about the file. */
bool ReadHeapConfigFile(const char* path, HeapConfig* config, SizeClassTable* classes,
                        TextMistake* mistake) noexcept;

using MistakeLine = FixedText<std::size_t{5} << 10>;

/** `FILE:LINE:COLUMN: KEY: WHAT. REMEDY`, one line without its end. */
void DescribeMistake(std::string_view path, const TextMistake& mistake, MistakeLine* line) noexcept;

}  // namespace rmem
