#include "alloc/metadata_pool.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "alloc/block_model.h"

namespace rmem {
namespace {

TEST(MetadataPool, RecyclesByFourSizesToADoubling) {
  MetadataPool pool;
  ASSERT_TRUE(pool.Init(std::size_t{1} << 20));
  void* a = pool.Allocate(65);
  std::memset(a, 1, 65);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a) % 64, 0u);
  EXPECT_EQ(pool.usedBytes(), 128u);
  void* b = pool.Allocate(64);
  EXPECT_NE(a, b);
  pool.Free(a, 65);
  EXPECT_EQ(pool.Allocate(128), a);
  EXPECT_NE(pool.Allocate(129), a);
  EXPECT_EQ(pool.usedBytes(), 64u + 128 + 192);
  void* c = pool.Allocate(600);
  pool.Free(c, 600);
  EXPECT_EQ(pool.Allocate(640), c);
  EXPECT_NE(pool.Allocate(641), c);
  pool.Free(nullptr, 64);
  pool.Destroy();
}

TEST(MetadataPool, GivesNullWhenFullOrRefused) {
  MetadataPool pool;
  ASSERT_TRUE(pool.Init(std::size_t{1} << 20));
  {
    const FailingPages failing([](PageCall) noexcept { return true; });
    EXPECT_EQ(pool.Allocate(64), nullptr);
  }
  std::vector<void*> blocks;
  while (void* p = pool.Allocate(4096)) blocks.push_back(p);
  EXPECT_EQ(blocks.size(), 256u);
  pool.Free(blocks.back(), 4096);
  EXPECT_EQ(pool.Allocate(4096), blocks.back());
  pool.Destroy();
}

}  // namespace
}  // namespace rmem
