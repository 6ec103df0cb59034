#include "trace/live_blocks.h"

#include <gtest/gtest.h>

#include <unordered_map>
#include <vector>

#include "base/random.h"

namespace rmem {
namespace {

template <class Map>
void AgreesWithAModel(std::uint64_t seed, std::uint64_t idStep) {
  Map map;
  std::unordered_map<std::uint64_t, std::uint32_t> model;
  std::vector<std::uint64_t> ids;
  Random random(seed);
  std::uint64_t next = 0;
  for (int round = 0; round < 200'000; ++round) {
    // Grows, then shrinks, then grows again.
    const bool growing = round / 40'000 % 2 == 0;
    if (random.Percent(growing ? 60 : 35)) {
      next += idStep;
      const auto value = static_cast<std::uint32_t>(random.Next());
      ASSERT_NE(map.Insert(next, value), nullptr);
      ASSERT_EQ(map.Insert(next, value + 1), nullptr);
      model[next] = value;
      ids.push_back(next);
    } else if (!ids.empty()) {
      const std::size_t index = random.Below(static_cast<std::uint32_t>(ids.size()));
      const std::uint64_t id = ids[index];
      ids[index] = ids.back();
      ids.pop_back();
      ASSERT_NE(map.Find(id), nullptr);
      ASSERT_EQ(*map.Find(id), model[id]);
      std::uint32_t taken = 0;
      ASSERT_TRUE(map.Take(id, &taken));
      ASSERT_EQ(taken, model[id]);
      ASSERT_FALSE(map.Erase(id));
      ASSERT_EQ(map.Find(id), nullptr);
      model.erase(id);
    }
    ASSERT_EQ(map.size(), model.size());
  }
  std::size_t seen = 0;
  map.ForEach([&](std::uint64_t id, std::uint32_t& value) {
    ++seen;
    EXPECT_EQ(model.at(id), value);
  });
  EXPECT_EQ(seen, model.size());
}

TEST(LiveBlocks, AgreesWithAModelOnBirthNumbers) {
  AgreesWithAModel<LiveBlocks<std::uint32_t>>(1, 1);
}

TEST(LiveBlocks, AgreesWithAModelOnAddresses) {
  AgreesWithAModel<LiveBlocks<std::uint32_t, AddressHash>>(2, 16);
  AgreesWithAModel<LiveBlocks<std::uint32_t, AddressHash>>(3, 4096);
}

TEST(LiveBlocks, HasNoZero) {
  LiveBlocks<int> map;
  EXPECT_EQ(map.Find(0), nullptr);
  EXPECT_FALSE(map.Erase(0));
}

TEST(LiveBlocks, StaysFastWhenTheOldestDieFirst) {
  // With one hash run of a million slots this would take hours.
  LiveBlocks<std::uint64_t> map;
  constexpr std::uint64_t kLive = 500'000;
  for (std::uint64_t id = 1; id <= 4 * kLive; ++id) {
    ASSERT_NE(map.Insert(id, id), nullptr);
    if (id > kLive) {
      ASSERT_TRUE(map.Erase(id - kLive));
    }
  }
  EXPECT_EQ(map.size(), kLive);
}

}  // namespace
}  // namespace rmem
