#include "alloc/free_regions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

namespace rmem {
namespace {

constexpr std::uint32_t kPages = 4000;

class FreeRegionsTest : public testing::TestWithParam<Fit> {
 protected:
  FreeRegionsTest() {
    EXPECT_TRUE(tags_.Reserve(kPages + 1) && tags_.Grow(kPages + 1));
    EXPECT_TRUE(regions_.Init(kPages, GetParam(), &tags_) && regions_.EnsureRoom(kPages));
  }
  ~FreeRegionsTest() override {
    regions_.Destroy();
    tags_.Release();
  }

  PageRun Add(PageRun run, std::uint32_t dirtyPages = 0) {
    return regions_[regions_.Add(run, dirtyPages)].run;
  }
  PageRun Find(std::uint32_t pages) { return regions_[regions_.Find(pages)].run; }

  PageTags tags_;
  FreeRegions regions_;
};

TEST_P(FreeRegionsTest, NeighboursOnBothSidesBecomeOne) {
  Add({10, 5}, 2);
  Add({20, 5}, 1);
  EXPECT_EQ(regions_.count(), 2u);
  EXPECT_EQ(Add({15, 5}, 5), (PageRun{10, 15}));
  EXPECT_EQ(regions_.count(), 1u);
  EXPECT_EQ(regions_.coalesces(), 2u);
  EXPECT_EQ(Add({25, 1}), (PageRun{10, 16}));
  EXPECT_EQ(Add({9, 1}), (PageRun{9, 17}));
  EXPECT_EQ(regions_.pages(), 17u);
  EXPECT_EQ(regions_.dirtyPages(), 8u);
  EXPECT_EQ(regions_.dirtyCount(), 1u);
  EXPECT_TRUE(regions_.IsConsistent());
}

TEST_P(FreeRegionsTest, TheFirstPageOfAllHasNothingBelow) {
  EXPECT_EQ(Add({0, 3}), (PageRun{0, 3}));
  EXPECT_EQ(regions_.EndingAt(0), FreeRegions::kNone);
  EXPECT_NE(regions_.StartingAt(0), FreeRegions::kNone);
  EXPECT_TRUE(regions_.IsConsistent());
}

TEST_P(FreeRegionsTest, EachFitFindsItsRegion) {
  for (const PageRun run : {PageRun{100, 30}, {200, 10}, {300, 20}, {400, 10}, {1000, 600}, {2000, 580}})
    Add(run);
  const Fit fit = GetParam();
  const PageRun best10{200, 10}, first{100, 30}, worst{1000, 600};
  EXPECT_EQ(Find(8), fit == Fit::kBest ? best10 : fit == Fit::kFirst ? first : worst);
  EXPECT_EQ(Find(15), fit == Fit::kBest ? (PageRun{300, 20}) : fit == Fit::kFirst ? first : worst);
  EXPECT_EQ(Find(570), fit == Fit::kBest ? (PageRun{2000, 580}) : worst);
  EXPECT_EQ(Find(590), worst) << "longer than one of the same bin";
  EXPECT_EQ(Find(600), worst);
  EXPECT_EQ(regions_.Find(601), FreeRegions::kNone);
  EXPECT_EQ(regions_.largest(), 600u);
}

TEST_P(FreeRegionsTest, AmongEqualsDirtyPagesComeFirstThenTheLowest) {
  if (GetParam() == Fit::kFirst) GTEST_SKIP() << "first fit looks at addresses only";
  Add({100, 10});
  Add({300, 10}, 1);
  Add({200, 10}, 10);
  EXPECT_EQ(Find(10), (PageRun{200, 10}));
  regions_.SetDirtyPages(regions_.Find(10), 0);
  EXPECT_EQ(Find(10), (PageRun{300, 10}));
  regions_.SetDirtyPages(regions_.Find(10), 0);
  EXPECT_EQ(Find(10), (PageRun{100, 10}));
  EXPECT_EQ(regions_.dirtyCount(), 0u);
  EXPECT_TRUE(regions_.IsConsistent());
}

TEST_P(FreeRegionsTest, TheOldestIsTheOneThatWasAddedToLongestAgo) {
  const FreeRegions::Index a = regions_.Add({100, 10}, 10);
  const FreeRegions::Index b = regions_.Add({200, 10}, 10);
  regions_.Add({300, 10}, 0);
  EXPECT_EQ(regions_.oldest(), a);
  regions_.Add({110, 1}, 0);
  EXPECT_EQ(regions_.oldest(), b);
  regions_.Renew(b);
  EXPECT_EQ(regions_.oldest(), a);
  regions_.Shorten(a, {108, 3}, 0);
  EXPECT_EQ(regions_.oldest(), b);
  EXPECT_EQ(regions_.dirtyPages(), 10u);
  regions_.Remove(b);
  EXPECT_EQ(regions_.oldest(), FreeRegions::kNone);
  EXPECT_TRUE(regions_.IsConsistent());
}

TEST_P(FreeRegionsTest, NothingIsFoundInNothing) {
  for (const std::uint32_t pages : {1u, 256u, 257u, 5000u, 1u << 26})
    EXPECT_EQ(regions_.Find(pages), FreeRegions::kNone);
  EXPECT_EQ(regions_.largest(), 0u);
}

TEST_P(FreeRegionsTest, TagsLeftBehindMeanNothing) {
  Add({10, 10});
  Add({20, 10});  // merged: pages 19 and 20 keep their tags
  regions_.Remove(regions_.Find(20));
  EXPECT_EQ(regions_.StartingAt(20), FreeRegions::kNone);
  EXPECT_EQ(regions_.EndingAt(20), FreeRegions::kNone);
  EXPECT_EQ(regions_.StartingAt(10), FreeRegions::kNone);
  EXPECT_EQ(Add({12, 8}), (PageRun{12, 8}));
  EXPECT_EQ(Add({30, 8}), (PageRun{30, 8}));
  EXPECT_EQ(regions_.EndingAt(30), FreeRegions::kNone);
  EXPECT_TRUE(regions_.IsConsistent());
}

TEST_P(FreeRegionsTest, PagesFreedTwiceStopTheProgram) {
  Add({10, 10});
  EXPECT_DEATH(Add({10, 10}), "pages freed twice");
  EXPECT_DEATH(Add({15, 5}), "pages freed twice");
}

// The model is a map of runs, searched from end to end.
TEST_P(FreeRegionsTest, AgreesWithAModelOverRandomOperations) {
  struct Known {
    std::uint32_t pages, dirty;
  };
  const Fit fit = GetParam();
  std::mt19937 random(20240601);
  std::map<std::uint32_t, Known> model;
  std::vector<PageRun> taken = {{0, kPages}};
  std::uint64_t checked = 0;
  for (int step = 0; step < 20000; ++step) {
    if (!taken.empty() && random() % 2 == 0) {
      // Frees a part of a taken run, so that neighbours of every kind occur.
      const std::size_t at = random() % taken.size();
      const PageRun run = taken[at];
      const std::uint32_t skip = random() % run.pages;
      const std::uint32_t most = std::min(run.pages - skip, random() % 16 == 0 ? 700u : 40u);
      const PageRun freed{run.first + skip, static_cast<std::uint32_t>(1 + random() % most)};
      const std::uint32_t dirty = random() % 2 == 0 ? 0 : random() % (freed.pages + 1);
      taken[at] = taken.back();
      taken.pop_back();
      if (freed.first != run.first) taken.push_back({run.first, skip});
      if (freed.end() != run.end()) taken.push_back({freed.end(), run.end() - freed.end()});
      PageRun merged = freed;
      std::uint32_t dirtyMerged = dirty;
      const auto above = model.find(freed.end());
      if (above != model.end()) {
        merged.pages += above->second.pages;
        dirtyMerged += above->second.dirty;
        model.erase(above);
      }
      auto below = model.lower_bound(freed.first);
      if (below != model.begin() && std::prev(below)->first + std::prev(below)->second.pages == freed.first) {
        --below;
        merged = {below->first, below->second.pages + merged.pages};
        dirtyMerged += below->second.dirty;
      }
      model[merged.first] = {merged.pages, dirtyMerged};
      const FreeRegions::Index index = regions_.Add(freed, dirty);
      ASSERT_EQ(regions_[index].run, merged);
      ASSERT_EQ(regions_[index].dirtyPages, dirtyMerged);
    } else {
      const std::uint32_t pages = 1 + random() % (random() % 8 == 0 ? 800 : 60);
      PageRun expected;
      bool expectedClean = false;
      for (const auto& [first, known] : model) {
        if (known.pages < pages) continue;
        const bool clean = known.dirty == 0;
        const bool better = expected.pages == 0 || (fit == Fit::kBest && known.pages < expected.pages) ||
                            (fit == Fit::kWorst && known.pages > expected.pages) ||
                            (fit != Fit::kFirst && known.pages == expected.pages && expectedClean && !clean);
        if (!better) continue;
        expected = {first, known.pages};
        expectedClean = clean;
      }
      const FreeRegions::Index index = regions_.Find(pages);
      ASSERT_EQ(regions_[index].run, expected);
      if (index == FreeRegions::kNone) continue;
      ++checked;
      ASSERT_EQ(regions_.StartingAt(expected.first), index);
      ASSERT_EQ(regions_.EndingAt(expected.end()), index);
      const std::uint32_t dirty = regions_[index].dirtyPages;
      switch (random() % 3) {
        case 0: {  // from its start
          const PageRun rest{expected.first + pages, expected.pages - pages};
          model.erase(expected.first);
          if (rest.pages == 0) {
            regions_.Remove(index);
          } else {
            model[rest.first] = {rest.pages, std::min(dirty, rest.pages)};
            regions_.Shorten(index, rest, std::min(dirty, rest.pages));
          }
          taken.push_back({expected.first, pages});
          break;
        }
        case 1: {  // from its end
          const PageRun rest{expected.first, expected.pages - pages};
          if (rest.pages == 0) {
            model.erase(expected.first);
            regions_.Remove(index);
          } else {
            model[rest.first] = {rest.pages, 0};
            regions_.Shorten(index, rest, 0);
          }
          taken.push_back({rest.end(), pages});
          break;
        }
        default:
          if (dirty != 0) regions_.SetDirtyPages(index, 0);
          model[expected.first].dirty = 0;
      }
    }
    ASSERT_EQ(regions_.count(), model.size());
    ASSERT_TRUE(step % 16 != 0 || regions_.IsConsistent());
  }
  EXPECT_GT(checked, 1000u);
}

INSTANTIATE_TEST_SUITE_P(AllFits, FreeRegionsTest, testing::Values(Fit::kBest, Fit::kFirst, Fit::kWorst));

}  // namespace
}  // namespace rmem
