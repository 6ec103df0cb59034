#include "trace/series_sink.h"

#include "trace/trace_testing.h"

namespace rmem::testing {
namespace {

Event SampleAt(std::uint64_t timeNs) {
  Event event = Sample(100, 200, kAbsent, 1500);
  event.timeNs = timeNs;
  return event;
}

std::vector<SeriesPoint> PointsOf(const std::vector<Event>& events) {
  SeriesSink sink;
  // In two pieces: what is alive outlives a batch.
  const std::span<const Event> all(events);
  sink.Consume(all.first(events.size() / 2));
  sink.Consume(all.subspan(events.size() / 2));
  sink.Finish();
  return sink.points();
}

TEST(SeriesSink, KeepsSamplesAsTheyAre) {
  const std::vector<SeriesPoint> points = PointsOf({SampleAt(5), Sample(1, 2, 3, 4)});
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[0].timeNs, 5u);
  EXPECT_EQ(points[0].usedBytes, 100u);
  EXPECT_EQ(points[0].totalBytes, 200u);
  EXPECT_EQ(points[0].swapBytes, kAbsent);
  EXPECT_EQ(points[0].psiMilliPercent, 1500u);
  EXPECT_EQ(points[1].timeNs, kNoTime);
  EXPECT_EQ(points[1].swapBytes, 3u);
}

TEST(SeriesSink, CountsBytesUpToEachSample) {
  const std::vector<SeriesPoint> points = PointsOf({
      SampleAt(1),
      Alloc(1, {.size = 10}),
      Alloc(2, {.size = 100}),
      SampleAt(2),
      Realloc(1, 3, {.size = 30}),
      SampleAt(3),
      Free(2),
      Alloc(4, {.size = 0}),
      Free(4),
      SampleAt(4),
  });
  ASSERT_EQ(points.size(), 4u);
  EXPECT_EQ(points[0].allocatedBytes, 0u);
  EXPECT_EQ(points[1].allocatedBytes, 110u);
  EXPECT_EQ(points[1].freedBytes, 0u);
  // The realloc frees the old ten bytes and allocates thirty.
  EXPECT_EQ(points[2].allocatedBytes, 140u);
  EXPECT_EQ(points[2].freedBytes, 10u);
  EXPECT_EQ(points[3].allocatedBytes, 140u);
  EXPECT_EQ(points[3].freedBytes, 110u);
}

TEST(SeriesSink, FreesWhatDiesWithItsTransactionOnce) {
  const EventFields outer{.size = 8, .scope = 1, .flags = kFlagDiesWithScope};
  const EventFields inner{.size = 100, .scope = 2, .flags = kFlagDiesWithScope};
  const std::vector<SeriesPoint> points = PointsOf({
      Begin(1),
      Begin(2, {.scope = 1}),
      Alloc(1, outer),
      Alloc(2, inner),
      Alloc(3, inner),
      Free(2),
      Commit(2, {.flags = kFlagInherit}),
      SampleAt(1),
      Commit(1),
      SampleAt(2),
      Begin(3),
      Begin(4, {.scope = 3}),
      Alloc(4, {.size = 1000, .scope = 4, .flags = kFlagDiesWithScope}),
      Abort(3),
      SampleAt(3),
  });
  ASSERT_EQ(points.size(), 3u);
  EXPECT_EQ(points[0].freedBytes, 100u);
  EXPECT_EQ(points[1].freedBytes, 208u);
  EXPECT_EQ(points[2].allocatedBytes, 1208u);
  EXPECT_EQ(points[2].freedBytes, 1208u);
}

TEST(SeriesSink, AgreesWithWhatIsAliveInARandomTrace) {
  TraceInfo info;
  std::vector<Event> events = RandomTrace(7, 5000, info, true);
  std::uint64_t asked = 0;
  for (const Event& event : events) {
    if (event.type == EventType::kAlloc || event.type == EventType::kRealloc) asked += event.size;
  }
  events.push_back(SampleAt(1));
  SeriesSink sink;
  sink.Consume(events);
  ASSERT_FALSE(sink.points().empty());
  EXPECT_TRUE(sink.hasBlocks());
  EXPECT_EQ(sink.points().back().allocatedBytes, asked);
  EXPECT_LE(sink.points().back().freedBytes, asked);
}

}  // namespace
}  // namespace rmem::testing
