#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "alloc/heap_config.h"
#include "base/toml_reader.h"

namespace rmem {

enum class ConfigKind : std::uint8_t { kSize, kTime, kCount, kFlag, kChoice, kClasses };

/** Where in a HeapConfig a key's value lies. */
union ConfigField {
  std::size_t* (*size)(HeapConfig&);
  std::uint32_t* (*ms)(HeapConfig&);
  std::uint32_t* (*count)(HeapConfig&);
  bool* (*flag)(HeapConfig&);
  std::uint8_t* (*choice)(HeapConfig&);  // an enumeration's number: the index into the names
};

/** One key of the configuration file. */
struct ConfigKey {
  std::string_view path;  // with its table: `pages.fit`
  ConfigKind kind;
  ConfigField field;
  std::uint64_t min, max;                   // in bytes, milliseconds, or as counted
  std::span<const std::string_view> names;  // of a choice
  std::string_view meaning;                 // a sentence or two, of one line

  /** `fit` of `pages.fit`. */
  std::string_view name() const noexcept;
  std::string_view table() const noexcept;
};

struct ConfigTable {
  std::string_view path;
  std::string_view meaning;
};

inline constexpr std::size_t kMaxConfigKeys = 64;

/** Every key there is, in the order of ConfigTables(). What reads, checks and shows a configuration goes by
 * this. */
std::span<const ConfigKey> ConfigKeys() noexcept;
/** The tables that hold them, and those that hold these. */
std::span<const ConfigTable> ConfigTables() noexcept;

/** Says in the remedy what may stand behind a key. */
void SuggestForm(const ConfigKey& key, TextMistake* mistake) noexcept;

}  // namespace rmem
