#include "trace/allocation_profile.h"

#include <gtest/gtest.h>

#include <vector>

namespace rmem {
namespace {

class AllocationProfileTest : public ::testing::Test {
 protected:
  void Alloc(std::uint64_t size, std::uint64_t scope = 0, std::uint16_t kind = 0) {
    Event& event = Add(EventType::kAlloc);
    event.id = ++births_;
    event.size = size;
    event.scope = scope;
    event.name = kind;
  }
  void AllocAt(std::uint32_t site, std::uint64_t size, std::uint64_t scope = 0) {
    Alloc(size, scope);
    events_.back().site = site;
  }
  void Realloc(std::uint64_t id, std::uint64_t size, std::uint64_t scope) {
    Event& event = Add(EventType::kRealloc);
    event.id = id;
    event.newId = ++births_;
    event.size = size;
    event.scope = scope;
  }
  std::uint64_t Begin(std::uint16_t type, std::uint64_t parent = 0) {
    Event& event = Add(EventType::kBegin);
    event.id = ++begins_;
    event.scope = parent;
    event.name = type;
    return event.id;
  }
  void End(EventType how, std::uint64_t id) { Add(how).id = id; }
  void Mark(const char* text) { Add(EventType::kMark).name = info_.names.marks.Intern(text); }

  AllocationProfile Profile(const AllocationProfilerOptions& options = {}) {
    AllocationProfiler profiler(info_, options);
    profiler.Consume(events_);
    profiler.Finish();
    return profiler.profile();
  }

  TraceInfo info_;

 private:
  Event& Add(EventType type) {
    Event event;
    event.type = type;
    event.timeNs = 10 * (events_.size() + 1);
    events_.push_back(event);
    return events_.back();
  }

  std::vector<Event> events_;
  std::uint64_t births_ = 0, begins_ = 0;
};

TEST_F(AllocationProfileTest, GivesABlockToTheTypeOfItsTransaction) {
  const std::uint16_t order = info_.names.transactionTypes.Intern("order");
  const std::uint16_t payment = info_.names.transactionTypes.Intern("payment");
  const std::uint16_t row = info_.names.kinds.Intern("row");
  Alloc(7);
  const std::uint64_t first = Begin(order);
  Alloc(100, first, row);
  Alloc(100, first);
  End(EventType::kCommit, first);
  const std::uint64_t second = Begin(payment);
  Alloc(30, second);
  End(EventType::kAbort, second);

  const AllocationProfile profile = Profile();
  EXPECT_EQ(profile.events, 8U);
  EXPECT_EQ(profile.outside.all.blocks, 1U);
  EXPECT_EQ(profile.outside.sizes.at(7).bytes, 7U);
  const AllocationGroup& orders = profile.types.at(order);
  EXPECT_EQ(orders.transactions, 1U);
  EXPECT_EQ(orders.aborts, 0U);
  EXPECT_EQ(orders.all.bytes, 200U);
  EXPECT_EQ(orders.sizes.at(100).blocks, 2U);
  EXPECT_EQ(orders.kinds.at(row).blocks, 1U);
  EXPECT_EQ(profile.types.at(payment).aborts, 1U);
}

TEST_F(AllocationProfileTest, CountsASavepointWithTheTransactionItIsIn) {
  const std::uint16_t order = info_.names.transactionTypes.Intern("order");
  const std::uint16_t inner = info_.names.transactionTypes.Intern("savepoint");
  const std::uint64_t outer = Begin(order);
  const std::uint64_t savepoint = Begin(inner, outer);
  Alloc(64, savepoint);
  Realloc(1, 128, savepoint);
  End(EventType::kAbort, savepoint);

  const AllocationProfile profile = Profile();
  ASSERT_EQ(profile.types.size(), 1U);
  const AllocationGroup& orders = profile.types.at(order);
  EXPECT_EQ(orders.transactions, 1U);
  EXPECT_EQ(orders.aborts, 0U);
  EXPECT_EQ(orders.openAtEnd, 1U);
  EXPECT_EQ(orders.all.blocks, 2U);
  EXPECT_EQ(orders.reallocs, 1U);
  EXPECT_EQ(orders.sizes.at(128).blocks, 1U);
}

TEST_F(AllocationProfileTest, CountsBetweenTheMarksStartAndStop) {
  const std::uint16_t order = info_.names.transactionTypes.Intern("order");
  const std::uint64_t early = Begin(order);
  Alloc(1, early);
  Mark("start");
  Alloc(2, early);
  const std::uint64_t measured = Begin(order);
  Alloc(3, measured);
  Mark("stop");
  Alloc(4, measured);
  const std::uint64_t late = Begin(order);
  Alloc(5, late);

  const AllocationProfile profile = Profile();
  EXPECT_TRUE(profile.windowed);
  EXPECT_EQ(profile.events, 4U);  // with the mark `start`
  EXPECT_EQ(profile.firstTimeNs, 30U);
  EXPECT_EQ(profile.lastTimeNs, 60U);
  const AllocationGroup& orders = profile.types.at(order);
  EXPECT_EQ(orders.transactions, 1U);
  EXPECT_EQ(orders.openAtEnd, 1U);
  EXPECT_EQ(orders.all.bytes, 5U);
}

TEST_F(AllocationProfileTest, RoundsSizesWhereThereAreTooManyAndSaysSo) {
  for (std::uint64_t size = 1000; size < 1200; ++size) Alloc(size);
  AllocationProfilerOptions options;
  options.exactRows = 50;  // one of them is the kind
  options.allRows = 54;

  const AllocationProfile profile = Profile(options);
  EXPECT_EQ(profile.outside.all.blocks, 200U);
  EXPECT_EQ(profile.outside.sizes.at(1048).blocks, 1U);
  std::uint64_t listed = 0;
  for (const auto& [size, count] : profile.outside.sizes) {
    listed += count.blocks;
    EXPECT_LE(count.bytes, size * count.blocks);
    EXPECT_GE(count.bytes * 16, size * count.blocks * 15);
  }
  EXPECT_LE(profile.outside.sizes.size() + profile.outside.kinds.size(), 54U);
  EXPECT_GT(profile.roundedBlocks, 100U);
  EXPECT_EQ(listed + profile.unlistedBlocks, 200U);

  options.allRows = 51;
  EXPECT_GT(Profile(options).unlistedBlocks, 100U);
}

TEST_F(AllocationProfileTest, AddsUpWhatEachCallSiteAsksForInEachType) {
  const std::uint16_t order = info_.names.transactionTypes.Intern("order");
  info_.header[kStackBytesField] = "0";
  AllocAt(1, 10);
  const std::uint64_t transaction = Begin(order);
  AllocAt(1, 100, transaction);
  AllocAt(2, 50, transaction);
  AllocAt(2, 70, transaction);
  Alloc(8, transaction);  // nobody took its stack
  End(EventType::kCommit, transaction);

  const AllocationProfile profile = Profile();
  EXPECT_EQ(profile.outside.sites.size(), 1U);
  EXPECT_EQ(profile.outside.sites.at(1).bytes, 10);
  const AllocationGroup& orders = profile.types.at(order);
  ASSERT_EQ(orders.sites.size(), 2U);
  EXPECT_EQ(orders.sites.at(2).samples, 2U);
  EXPECT_EQ(orders.sites.at(2).blocks, 2);
  EXPECT_EQ(orders.sites.at(2).bytes, 120);
  EXPECT_EQ(orders.sites.at(2).blocksVariance, 0);
  EXPECT_EQ(profile.unlistedBlocks, 0U);

  // Rows: size and kind of the first, its site; two of each after that fit no more.
  AllocationProfilerOptions options;
  options.exactRows = options.allRows = 3;
  EXPECT_EQ(Profile(options).unlistedBlocks, 4U);
}

TEST_F(AllocationProfileTest, EstimatesWhatSampledStacksStandForAndHowWell) {
  info_.header[kStackBytesField] = "1000";
  for (int i = 0; i < 3; ++i) AllocAt(1, 100);
  const double weight = StackWeight(100, 1000);
  ASSERT_GT(weight, 9);
  const AllocationProfile profile = Profile();
  const SiteCount& site = profile.outside.sites.at(1);
  EXPECT_DOUBLE_EQ(site.blocks, 3 * weight);
  EXPECT_DOUBLE_EQ(site.bytes, 300 * weight);
  EXPECT_DOUBLE_EQ(site.blocksVariance, 3 * weight * (weight - 1));
  EXPECT_DOUBLE_EQ(site.bytesVariance, 30'000 * weight * (weight - 1));
}

TEST_F(AllocationProfileTest, IsNothingOfNothing) {
  const AllocationProfile profile = Profile();
  EXPECT_EQ(profile.events, 0U);
  EXPECT_EQ(profile.firstTimeNs, kNoTime);
  EXPECT_TRUE(profile.types.empty());
}

}  // namespace
}  // namespace rmem
