#pragma once

#include <gtest/gtest.h>

#include "alloc/byte_units.h"
#include "alloc/slab.h"

namespace rmem {

/** Slabs of the default classes out of a page heap of their own. */
class SlabFixture : public testing::Test {
 protected:
  explicit SlabFixture(std::size_t cacheCapBytes = kMiB, std::uint32_t ownMagazines = 0) {
    PageHeapConfig config;
    config.reserveBytes = 256 * kMiB;
    EXPECT_TRUE(pages_.Init(config) && pool_.Init(16 * kMiB));
    EXPECT_TRUE(slabs_.Init(&pages_, &pool_, &SizeClassTable::Default(), cacheCapBytes, ownMagazines));
  }
  ~SlabFixture() override {
    slabs_.Destroy();
    pool_.Destroy();
    pages_.Destroy();
  }

  PageHeap pages_;
  MetadataPool pool_;
  SlabAllocator slabs_;
};

}  // namespace rmem
