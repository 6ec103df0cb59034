#include "alloc/size_classes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace rmem {
namespace {

const SizeClassTable& table = SizeClassTable::Default();

TEST(SizeClasses, EachSizeGetsTheSmallestClassThatHoldsIt) {
  for (std::size_t size = 0; size <= table.maxBytes(); ++size) {
    const unsigned index = table.ClassFor(size);
    ASSERT_LT(index, table.count()) << size;
    ASSERT_GE(table[index].bytes, size);
    ASSERT_TRUE(index == 0 || table[index - 1].bytes < size);
  }
  EXPECT_EQ(table.ClassFor(table.maxBytes() + 1), SizeClassTable::kNoClass);
  EXPECT_EQ(table.ClassFor(~std::size_t{0}), SizeClassTable::kNoClass);
}

TEST(SizeClasses, AtMostAnEighthOfABlockIsLostAboveTheTinyOnes) {
  EXPECT_GE(table.maxBytes(), 32768u);
  for (std::size_t size = 129; size <= table.maxBytes(); ++size) {
    const std::size_t bytes = table[table.ClassFor(size)].bytes;
    ASSERT_LE((bytes - size) * 8, bytes) << size;
  }
}

TEST(SizeClasses, HotKindsHaveClassesAndMagazinesOfTheirOwn) {
  const SizeClass hot[] = {{64, 128}, {128, 64},  {192, 96},  {256, 96}, {384, 64},
                           {512, 48}, {1024, 32}, {2048, 24}, {4096, 16}};
  for (const SizeClass& kind : hot) {
    const SizeClassLayout& layout = table[table.ClassFor(kind.bytes)];
    EXPECT_EQ(layout.bytes, kind.bytes);
    EXPECT_EQ(layout.magazine, kind.magazine);
  }
}

TEST(SizeClasses, AlignedRequestsGetClassesThatKeepTheAlignment) {
  for (std::size_t alignment = 1; alignment <= kPageBytes; alignment *= 2) {
    for (std::size_t size = 0; size <= table.maxBytes(); size += 7) {
      const unsigned index = table.ClassFor(size, alignment);
      if (index == SizeClassTable::kNoClass) {
        ASSERT_GT(std::max(size, alignment), 4096u) << "small sizes always find a class";
        continue;
      }
      ASSERT_GE(table[index].bytes, size);
      ASSERT_EQ(table[index].bytes % alignment, 0u) << size << " at " << alignment;
    }
  }
  EXPECT_EQ(table.ClassFor(64, 2 * kPageBytes), SizeClassTable::kNoClass);
  EXPECT_EQ(table.ClassFor(~std::size_t{0}, 64), SizeClassTable::kNoClass);
}

TEST(SizeClasses, DefaultAlignmentIsMallocs) {
  for (std::size_t size = 0; size <= 4096; ++size) {
    const std::size_t alignment = size <= 8 ? 8 : 16;
    ASSERT_EQ(table[table.ClassFor(size)].bytes % alignment, 0u);
  }
}

TEST(SizeClasses, ReciprocalFindsEveryBlock) {
  for (unsigned index = 0; index < table.count(); ++index) {
    const SizeClassLayout& layout = table[index];
    ASSERT_LE(layout.blocks, SizeClassTable::kMaxBlocks);
    ASSERT_LE(std::size_t{layout.blocks} * layout.bytes, layout.pages * kPageBytes);
    for (std::uint64_t block = 0; block < layout.blocks; ++block) {
      ASSERT_EQ(block * layout.bytes * layout.reciprocal >> 32, block) << layout.bytes;
    }
  }
}

TEST(SizeClasses, ACoarsenedTableServesAllSizesAndIsRefinedClassByClass) {
  SizeClassTable coarse = table;
  coarse.Coarsen();
  std::set<unsigned> used;
  for (std::size_t size = 1; size <= table.maxBytes(); ++size) {
    const unsigned index = coarse.ClassFor(size);
    ASSERT_LT(index, table.count());
    ASSERT_GE(index, table.ClassFor(size));
    ASSERT_LE(coarse[index].bytes, size + size / 2 + 15) << size;
    ASSERT_TRUE(size <= 4096 || index == table.ClassFor(size)) << "large blocks take their own pages anyway";
    if (size <= 4096) used.insert(index);
  }
  EXPECT_LT(used.size(), 20u);
  for (const unsigned index : used) coarse.Refine(index);
  for (std::size_t size = 1; size <= table.maxBytes(); ++size)
    ASSERT_EQ(coarse.ClassFor(size), table.ClassFor(size));
}

TEST(SizeClasses, HardlyAnythingIsLostBehindTheLastBlockOfASlab) {
  for (unsigned index = 0; index < table.count(); ++index) {
    const SizeClassLayout& layout = table[index];
    const std::size_t all = layout.pages * kPageBytes;
    EXPECT_LE(all - std::size_t{layout.blocks} * layout.bytes, all / 16) << layout.bytes;
  }
  EXPECT_EQ(SizeClassTable::SlabPages(64, 7), 7u);
  EXPECT_EQ(SizeClassTable::SlabPages(4416, 16), 13u);
  EXPECT_EQ(SizeClassTable::SlabPages(8256, 1), 3u) << "a block needs so many";
}

TEST(SizeClasses, OwnTablesAreCheckedAndUsed) {
  SizeClassTable own;
  const std::vector<SizeClass> good = {{8, 4}, {16, 4}, {1024, 8}, {1088, 2}};
  ASSERT_TRUE(SizeClassTable::Build(good, &own));
  EXPECT_EQ(own[own.ClassFor(17)].bytes, 1024u);
  EXPECT_EQ(own[own.ClassFor(1025)].bytes, 1088u);
  EXPECT_EQ(own.ClassFor(1089), SizeClassTable::kNoClass);
  const std::vector<std::vector<SizeClass>> bad = {
      {},                      // nothing
      {{32, 1}, {16, 1}},      // descending
      {{16, 1}, {16, 1}},      // twice
      {{16, 1}, {24, 1}},      // not aligned
      {{1024, 1}, {1040, 1}},  // not in steps of a cache line
      {{0, 1}},
      {{16, 0}},  // no magazine
      {{16, 1025}},
      {{65664, 1}},  // too large
  };
  for (const std::vector<SizeClass>& classes : bad) EXPECT_FALSE(SizeClassTable::Build(classes, &own));
}

}  // namespace
}  // namespace rmem
