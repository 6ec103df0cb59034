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
    {4672, 14}, {5312, 12}, {5952, 12}, {6720, 10}, {7616, 10}, {8256, 10}, {9408, 8},  {10688, 8},
    {12096, 8}, {13760, 6}, {15680, 6}, {16448, 6}, {18752, 6}, {21312, 6}, {24256, 4}, {27712, 6},
    {31552, 4}, {32832, 4}, {37504, 2}, {42816, 2}, {48896, 2}, {55872, 2}, {60800, 2}, {65600, 2},
};

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

unsigned SizeClassTable::ClassForAligned(std::size_t size, std::size_t alignment) const noexcept {
  if (alignment > kPageBytes || size > maxBytes_) return kNoClass;
  unsigned index = ClassFor(AlignUp(std::max<std::size_t>(size, 1), alignment));
  while (index < count_ && classes_[index].bytes % alignment != 0) ++index;
  return index < count_ ? index : kNoClass;
}

}  // namespace rmem
