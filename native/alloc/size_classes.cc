#include "alloc/size_classes.h"

#include <algorithm>

#include "base/bits.h"

namespace rmem {
namespace {

// Magazines between the hot kinds follow the next larger one; above 4096 bytes they hold about 64 KiB. The
// sizes above 4096 are odd numbers of cache lines, so that the starts of blocks spread over the sets of a
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
    {4672, 12}, {5312, 12}, {5952, 10}, {6720, 8},  {7616, 8},  {8256, 8},  {9408, 6},
    {10688, 6}, {12096, 5}, {13760, 4}, {15680, 4}, {16448, 4}, {18752, 3}, {21312, 3},
    {24256, 2}, {27712, 2}, {31552, 2}, {32832, 2},
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
