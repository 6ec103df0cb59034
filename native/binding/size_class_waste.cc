#include "binding/size_class_waste.h"

#include <algorithm>
#include <array>
#include <bit>

#include "alloc/size_classes.h"
#include "base/bits.h"

namespace rmem {
namespace {

constexpr std::size_t kWorstSizes = 5;

std::uint64_t Rustydb(std::uint64_t size) {
  const SizeClassTable& table = SizeClassTable::Default();
  const unsigned index = table.ClassFor(size);
  return index == SizeClassTable::kNoClass ? AlignUp(size, kPageBytes) : table[index].bytes;
}

/** Multiples of 16 while those are finer, then `1 << log2` classes between a power of two and the next. */
std::uint64_t Spaced(std::uint64_t size, int log2) {
  if (size <= 8) return 8;
  const std::uint64_t step = std::bit_floor(size - 1) >> log2;
  return AlignUp(size, std::max<std::uint64_t>(step, 16));
}
std::uint64_t Jemalloc(std::uint64_t size) {
  return Spaced(size, 2);
}
std::uint64_t EightADoubling(std::uint64_t size) {
  return Spaced(size, 3);
}
std::uint64_t PowerOfTwo(std::uint64_t size) {
  return std::bit_ceil(std::max<std::uint64_t>(size, 16));
}
std::uint64_t Glibc(std::uint64_t size) {
  return std::max<std::uint64_t>(AlignUp<std::uint64_t>(size + 8, 16), 32);
}

struct Rounding {
  const char* name;
  std::uint64_t (*served)(std::uint64_t size);
};
constexpr std::array<Rounding, 5> kRoundings = {{{"rustydb", Rustydb},
                                                 {"jemalloc", Jemalloc},
                                                 {"eight-a-doubling", EightADoubling},
                                                 {"power-of-two", PowerOfTwo},
                                                 {"glibc", Glibc}}};

void Count(RoundingWaste& waste, std::uint64_t size, std::uint64_t wasted, std::uint64_t blocks) {
  waste.requestedBytes = SaturatingAdd(waste.requestedBytes, size * blocks);
  waste.wastedBytes = SaturatingAdd(waste.wastedBytes, wasted * blocks);
}

}  // namespace

std::vector<ClassWaste> WasteOfSizeClasses(std::span<const SizeUse> sizes) {
  std::vector<ClassWaste> all;
  for (const Rounding& rounding : kRoundings) {
    ClassWaste waste;
    waste.rounding = rounding.name;
    for (const SizeUse& use : sizes) {
      const std::uint64_t served = rounding.served(use.size);
      const std::uint64_t wasted = served - use.size;
      Count(waste.atPeak, use.size, wasted, use.atPeak);
      Count(waste.overBirths, use.size, wasted, use.births);
      waste.worst.push_back({use.size, served, use.births, wasted * use.births});
    }
    const std::size_t kept = std::min(kWorstSizes, waste.worst.size());
    std::partial_sort(
        waste.worst.begin(), waste.worst.begin() + static_cast<std::ptrdiff_t>(kept), waste.worst.end(),
        [](const WastefulSize& a, const WastefulSize& b) { return a.wastedBytes > b.wastedBytes; });
    waste.worst.resize(kept);
    all.push_back(std::move(waste));
  }
  return all;
}

}  // namespace rmem
