#include "alloc/size_classes.h"

#include <algorithm>

#include "base/bits.h"

namespace rmem {
namespace {

// Magazines between the hot kinds follow the next larger one; above 4096 bytes they hold about 64 to 128 KiB.
// The sizes above 4096 are odd numbers of cache lines, so that the starts of blocks spread over the sets of a
// cache.
constexpr SizeClass kDefaultClasses[] = {
    {8, 128},   {16, 128},  {32, 128},  {48, 128},  {64, 128},  // lock entry
    {80, 64},   {96, 64},   {112, 64},  {128, 64},              // page header
    {144, 96},  {160, 96},  {176, 96},  {192, 96},              // version record
    {208, 96},  {224, 96},  {256, 96},                          // small row
    {288, 64},  {320, 64},  {352, 64},  {384, 64},              // transaction metadata
    {432, 48},  {480, 48},  {512, 48},                          // medium row, small index node
    {576, 32},  {640, 32},  {704, 32},  {768, 32},  {832, 32},  {896, 32},  {1024, 32},  // large row
    {1152, 24}, {1280, 24}, {1408, 24}, {1600, 24}, {1792, 24}, {2048, 24},              // medium index node
    {2304, 16}, {2624, 16}, {2944, 16}, {3328, 16}, {3776, 16}, {4096, 16},  // large index node, page
    {4416, 14}, {4672, 14}, {4928, 14}, {5312, 14}, {5696, 10}, {6080, 10}, {6464, 10}, {6848, 10},
    {7232, 10}, {7744, 10}, {8256, 10}, {8768, 10}, {9280, 10}, {9792, 8},  {10432, 8}, {11072, 8},
    {11712, 8}, {12480, 8}, {13248, 8}, {14016, 6}, {14912, 6}, {15680, 6}, {16448, 6}, {17472, 6},
    {18496, 6}, {19648, 6}, {20800, 6}, {22080, 4}, {23360, 4}, {24640, 4}, {26048, 4}, {27456, 4},
    {29248, 4}, {30912, 4}, {32832, 4}, {34880, 4}, {37056, 4}, {39360, 2}, {41664, 2}, {44224, 2},
    {46912, 2}, {49728, 2}, {52672, 2}, {55872, 2}, {58944, 2}, {62144, 2}, {65600, 2},
};

// What Coarsen takes for the size of the group below the first.
constexpr std::size_t kCoarsestSmall = 11;

constexpr SizeClassTable MakeDefault() {
  SizeClassTable table;
  if (!SizeClassTable::Build(kDefaultClasses, &table)) throw "the default size classes are no table";
  return table;
}

constexpr SizeClassTable kDefaultTable = MakeDefault();

}  // namespace

const SizeClassTable& SizeClassTable::Default() noexcept {
  return kDefaultTable;
}

void SizeClassTable::Coarsen() noexcept {
  std::array<std::uint8_t, kMaxClasses + 1> servedBy{};
  for (unsigned i = 0; i <= kMaxClasses; ++i) servedBy[i] = static_cast<std::uint8_t>(i);
  std::size_t last = kCoarsestSmall;
  for (unsigned first = 0; first < count_;) {
    // A group ends with its largest class, of at most half as much again as the group below it.
    unsigned end = first + 1;
    while (end < count_ && classes_[end].bytes <= std::min(last + last / 2, kCoarsenedBytes)) ++end;
    for (unsigned i = first; i < end; ++i) servedBy[i] = static_cast<std::uint8_t>(end - 1);
    last = classes_[end - 1].bytes;
    first = end;
  }
  ForEachEntry([&](std::uint8_t& entry, std::size_t) { entry = servedBy[entry]; });
}

void SizeClassTable::Refine(unsigned index) noexcept {
  ForEachEntry([&](std::uint8_t& entry, std::size_t size) {
    if (Read(entry) != index) return;
    __atomic_store_n(&entry, SmallestFor(size), __ATOMIC_RELAXED);
  });
}

unsigned SizeClassTable::ClassForAligned(std::size_t size, std::size_t alignment) const noexcept {
  if (alignment > kPageBytes || size > maxBytes_) return kNoClass;
  unsigned index = ClassFor(AlignUp(std::max<std::size_t>(size, 1), alignment));
  while (index < count_ && classes_[index].bytes % alignment != 0) ++index;
  return index < count_ ? index : kNoClass;
}

}  // namespace rmem
