#include "alloc/free_regions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

namespace rmem {
namespace {

class FreeRegionsTest : public testing::Test {
 protected:
  FreeRegionsTest() { EXPECT_TRUE(regions_.Init(100000) && regions_.EnsureRoom(100000)); }
  ~FreeRegionsTest() override { regions_.Destroy(); }

  FreeRegions regions_;
};

TEST_F(FreeRegionsTest, NeighboursOnBothSidesBecomeOne) {
  regions_.Add({10, 5});
  regions_.Add({20, 5});
  EXPECT_EQ(regions_.count(), 2u);
  EXPECT_EQ(regions_.Add({15, 5}), (PageRun{10, 15}));
  EXPECT_EQ(regions_.count(), 1u);
  EXPECT_EQ(regions_.coalesces(), 2u);
  EXPECT_EQ(regions_.Add({25, 1}), (PageRun{10, 16}));
  EXPECT_EQ(regions_.Add({9, 1}), (PageRun{9, 17}));
  EXPECT_EQ(regions_.pages(), 17u);
  EXPECT_TRUE(regions_.IsConsistent());
}

TEST_F(FreeRegionsTest, EachFitFindsItsRegion) {
  regions_.Add({100, 30});
  regions_.Add({200, 10});
  regions_.Add({300, 20});
  regions_.Add({400, 10});
  EXPECT_EQ(regions_.Find(8, Fit::kBest), (PageRun{200, 10}));
  EXPECT_EQ(regions_.Find(8, Fit::kFirst), (PageRun{100, 30}));
  EXPECT_EQ(regions_.Find(8, Fit::kWorst), (PageRun{100, 30}));
  EXPECT_EQ(regions_.Find(15, Fit::kBest), (PageRun{300, 20}));
  for (const Fit fit : {Fit::kBest, Fit::kFirst, Fit::kWorst}) {
    EXPECT_EQ(regions_.Find(31, fit).pages, 0u);
    EXPECT_EQ(regions_.Find(30, fit), (PageRun{100, 30}));
  }
}

TEST_F(FreeRegionsTest, NothingIsFoundInNothing) {
  for (const Fit fit : {Fit::kBest, Fit::kFirst, Fit::kWorst}) EXPECT_EQ(regions_.Find(1, fit).pages, 0u);
  EXPECT_EQ(regions_.FindBelow(1000).pages, 0u);
  EXPECT_EQ(regions_.largest(), 0u);
}

TEST_F(FreeRegionsTest, PagesFreedTwiceStopTheProgram) {
  regions_.Add({10, 10});
  EXPECT_DEATH(regions_.Add({15, 2}), "pages freed twice");
}

// The model is a map of runs, searched from end to end.
TEST_F(FreeRegionsTest, AgreesWithAModelOverRandomOperations) {
  constexpr std::uint32_t kPages = 2000;
  std::mt19937 random(20240601);
  std::map<std::uint32_t, std::uint32_t> model;
  std::vector<PageRun> taken = {{0, kPages}};
  std::uint64_t checked = 0;
  for (int step = 0; step < 20000; ++step) {
    if (!taken.empty() && random() % 2 == 0) {
      // Frees a part of a taken run, so that neighbours of every kind occur.
      const std::size_t at = random() % taken.size();
      const PageRun run = taken[at];
      const std::uint32_t skip = random() % run.pages;
      const std::uint32_t most = std::min(run.pages - skip, 40u);
      const PageRun freed{run.first + skip, static_cast<std::uint32_t>(1 + random() % most)};
      taken[at] = taken.back();
      taken.pop_back();
      if (freed.first != run.first) taken.push_back({run.first, skip});
      if (freed.end() != run.end()) taken.push_back({freed.end(), run.end() - freed.end()});
      PageRun merged = freed;
      const auto above = model.find(freed.end());
      if (above != model.end()) {
        merged.pages += above->second;
        model.erase(above);
      }
      auto below = model.lower_bound(freed.first);
      if (below != model.begin() && std::prev(below)->first + std::prev(below)->second == freed.first) {
        --below;
        merged = {below->first, below->second + merged.pages};
      }
      model[merged.first] = merged.pages;
      ASSERT_EQ(regions_.Add(freed), merged);
    } else {
      const Fit fit = static_cast<Fit>(random() % 3);
      const std::uint32_t pages = 1 + random() % 60;
      PageRun expected;
      for (const auto& [first, length] : model) {
        if (length < pages) continue;
        const bool better = expected.pages == 0 || (fit == Fit::kBest && length < expected.pages) ||
                            (fit == Fit::kWorst && length >= expected.pages);
        if (better) expected = {first, length};
      }
      const PageRun found = regions_.Find(pages, fit);
      ASSERT_EQ(found, expected);
      if (found.pages == 0) continue;
      ++checked;
      ASSERT_EQ(regions_.FindFirstAt(found.first), found);
      ASSERT_EQ(regions_.FindBelow(found.end()), found);
      regions_.Remove(found);
      model.erase(found.first);
      taken.push_back({found.first, pages});
      if (found.pages != pages) {
        const PageRun rest{found.first + pages, found.pages - pages};
        regions_.Add(rest);
        model[rest.first] = rest.pages;
      }
    }
    ASSERT_EQ(regions_.count(), model.size());
    ASSERT_TRUE(step % 16 != 0 || regions_.IsConsistent());
  }
  EXPECT_GT(checked, 1000u);
}

}  // namespace
}  // namespace rmem
