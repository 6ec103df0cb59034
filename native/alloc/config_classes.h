#pragma once

#include <array>
#include <cstddef>

#include "alloc/size_classes.h"
#include "base/toml_reader.h"

namespace rmem {

/** The list of size classes as the configuration file has it: an array of inline tables, or [[slab.classes]].
 */
class ConfigClasses {
 public:
  explicit ConfigClasses(TomlReader* toml) noexcept : toml_(*toml) {}

  /** The elements of the array that starts at `at`. */
  bool TakeArray(const char* at) noexcept;
  /** A class begins, its members are read, it ends. */
  bool Begin(const char* at) noexcept;
  bool TakeMember() noexcept;
  bool End() noexcept;

  /** The table of all that were read. */
  bool Build(SizeClassTable* table) noexcept;

 private:
  TextMistake& MistakeAt(const char* at) noexcept;

  TomlReader& toml_;
  const char* listAt_ = nullptr;
  std::array<SizeClass, SizeClassTable::kMaxClasses> rows_{};
  std::array<const char*, SizeClassTable::kMaxClasses> rowBytesAt_{};
  std::size_t count_ = 0;
  SizeClass row_{};
  const char* rowAt_ = nullptr;
  const char* bytesAt_ = nullptr;
};

}  // namespace rmem
