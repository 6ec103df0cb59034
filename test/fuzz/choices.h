#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "alloc/size_classes.h"

namespace rmem::fuzzing {

/** The input of a fuzz target read as choices; once it is used up, all choices are 0. */
class Choices {
 public:
  explicit Choices(std::span<const std::uint8_t> input) : input_(input) {}

  bool done() const { return at_ >= input_.size(); }
  unsigned Byte() { return done() ? 0 : input_[at_++]; }
  unsigned Pair() {
    const unsigned low = Byte();
    return low | Byte() << 8;
  }
  std::size_t Below(std::size_t count) { return count <= 1 ? 0 : (count <= 256 ? Byte() : Pair()) % count; }

 private:
  std::span<const std::uint8_t> input_;
  std::size_t at_ = 0;
};

/** Sizes of every kind up to 4 MiB, many at the borders between classes, pages and allocators, and a few that
 * nobody has. */
inline std::size_t ChooseSize(Choices& choices, const SizeClassTable& table) {
  switch (choices.Byte() % 16) {
    case 6:
    case 7:
    case 8:
      return choices.Pair() % 4200;
    case 9:
      return table[static_cast<unsigned>(choices.Below(table.count()))].bytes + choices.Byte() % 3 - 1;
    case 10:
      return (1 + choices.Byte() % 80) * kPageBytes + choices.Byte() % 33 - 16;
    case 11:
      return table.maxBytes() - 64 + choices.Byte() % 128;
    case 12:
      return (std::size_t{256} << 10) - 32 + choices.Byte() % 64;
    case 13:
      return std::size_t{choices.Pair()} * 4;
    case 14:
      return std::size_t{choices.Pair()} * 16;
    case 15: {
      const unsigned which = choices.Byte();
      if (which % 4 == 3) return ~std::size_t{choices.Pair()};
      return (1 + which / 4 % 2) * kHugePageBytes + choices.Byte() - 128;
    }
    default:
      return choices.Byte();
  }
}

/** Mostly 0, malloc's own; else a power of two up to 4 MiB. */
inline std::size_t ChooseAlignment(Choices& choices) {
  const unsigned choice = choices.Byte();
  return choice < 176 ? 0 : std::size_t{1} << choice % 23;
}

}  // namespace rmem::fuzzing
