#include "trace/filters.h"

#include <algorithm>
#include <map>
#include <set>

#include "trace/trace_testing.h"
#include "trace/validator.h"

namespace rmem::testing {
namespace {

using Events = std::vector<Event>;
using MakeFilter = std::function<std::unique_ptr<Filter>(EventSink&)>;

/** Filters, and checks that the result is a canonical trace, which can be written. */
Events Apply(const Events& events, const MakeFilter& make, const TraceInfo* info = nullptr) {
  Collector sink;
  Validator validator(sink);
  const auto filter = make(validator);
  for (const Event& event : events) filter->Consume(std::span(&event, 1));
  filter->Finish();
  EXPECT_EQ(sink.finished, 1);
  if (info != nullptr) {
    TraceInfo read;
    EXPECT_EQ(ReadRmt(WriteRmt(*info, sink.events), read), sink.events);
  }
  return sink.events;
}

Events OfThreads(const Events& events, std::vector<std::uint64_t> threads) {
  return Apply(events, [&](EventSink& next) { return MakeThreadFilter(threads, next); });
}
Events OfSizes(const Events& events, std::uint64_t from, std::uint64_t to) {
  return Apply(events, [&](EventSink& next) { return MakeSizeFilter(from, to, next); });
}

TEST(HeadFilter, TakesTheFirstEventsAndIsSatisfied) {
  Collector sink;
  const auto filter = MakeHeadFilter(3, sink);
  const Events events = {ThreadStart(0, 1), Alloc(1), Alloc(2), Free(1)};
  filter->Consume(std::span(events).first(2));
  EXPECT_FALSE(filter->Satisfied());
  filter->Consume(std::span(events).subspan(2));
  EXPECT_TRUE(filter->Satisfied());
  filter->Consume(events);
  filter->Finish();
  EXPECT_EQ(sink.events, (Events{ThreadStart(0, 1), Alloc(1), Alloc(2)}));
  EXPECT_EQ(sink.finished, 1);
}

TEST(ThreadFilter, KeepsWhatHappensToTheBlocksOfItsThreads) {
  const EventFields one{.thread = 1};
  const EventFields two{.thread = 2};
  const Events events = {ThreadStart(0, 50), ThreadStart(1, 51), ThreadStart(2, 52),
                         Alloc(1),           Alloc(2, one),      Alloc(3, one),
                         Free(1, one),       Realloc(2, 4, two), Free(3, {.thread = 1}),
                         Free(4, one),       ThreadEnd(0),       ThreadEnd(1),
                         ThreadEnd(2)};
  EXPECT_EQ(OfThreads(events, {51}),
            (Events{ThreadStart(0, 51), Alloc(1), Alloc(2), ThreadStart(1, 52), Realloc(1, 3, {.thread = 1}),
                    Free(2), Free(3), ThreadEnd(0), ThreadEnd(1)}));
  EXPECT_EQ(OfThreads(events, {50}), (Events{ThreadStart(0, 50), Alloc(1), ThreadStart(1, 51),
                                             Free(1, {.thread = 1}), ThreadEnd(0), ThreadEnd(1)}));
  EXPECT_TRUE(OfThreads(events, {7}).empty());
}

TEST(ThreadFilter, FreesWhatDiesWithATransactionOfAnother) {
  const Events events = {ThreadStart(0, 50),
                         ThreadStart(1, 51),
                         Begin(1),
                         Begin(2, {.thread = 1, .scope = 1}),
                         Alloc(1, {.thread = 1, .scope = 1, .flags = kFlagDiesWithScope}),
                         Alloc(2, {.thread = 1, .scope = 2, .flags = kFlagDiesWithScope}),
                         Abort(1)};
  // The child is ended by an abort of the parent, which is left out.
  EXPECT_EQ(
      OfThreads(events, {51}),
      (Events{ThreadStart(0, 51), Begin(1), Alloc(1), Alloc(2, {.scope = 1, .flags = kFlagDiesWithScope}),
              ThreadStart(1, 50), Abort(1, {.thread = 1}), Free(1, {.thread = 1})}));
}

TEST(ThreadFilter, GivesATraceOfAnyTrace) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    TraceInfo info;
    const auto events = RandomTrace(seed, 3000, info, true);
    const std::vector<std::uint64_t> kept = {101, 103};
    const auto result = Apply(
        events, [&](EventSink& next) { return MakeThreadFilter(kept, next); }, &info);
    const auto births = [&](const Events& all, bool onlyKept) {
      std::map<std::uint32_t, std::uint64_t> numbers;
      std::uint64_t count = 0;
      for (const Event& event : all) {
        if (event.type == EventType::kThreadStart) numbers[event.thread] = event.id;
        const bool keeps = std::find(kept.begin(), kept.end(), numbers[event.thread]) != kept.end();
        count += event.type == EventType::kAlloc && (keeps || !onlyKept) ? 1 : 0;
      }
      return count;
    };
    // Reallocs on a kept thread of blocks of others become births as well.
    EXPECT_GE(births(result, false), births(events, true));
  }
}

TEST(ThreadFilter, OfAllThreadsChangesNothing) {
  TraceInfo info;
  const auto events = RandomTrace(4, 3000, info, true);
  EXPECT_EQ(OfThreads(events, {100, 101, 102, 103, 104}), events);
}

TEST(SizeFilter, KeepsBlocksWhileTheyAreInRange) {
  const Events events = {Alloc(1, {.size = 10}),
                         Alloc(2, {.size = 100}),
                         Realloc(1, 3, {.size = 100}),
                         Realloc(3, 4, {.size = 200}),
                         Realloc(4, 5, {.size = 10}),
                         Realloc(5, 6, {.size = 20}),
                         Free(2),
                         Free(6)};
  EXPECT_EQ(OfSizes(events, 50, 200), (Events{Alloc(1, {.size = 100}), Alloc(2, {.size = 100}),
                                              Realloc(2, 3, {.size = 200}), Free(3), Free(1)}));
  EXPECT_EQ(OfSizes(events, 200, 200), (Events{Alloc(1, {.size = 200}), Free(1)}));
  EXPECT_TRUE(OfSizes(events, 11, 15).empty());
}

TEST(SizeFilter, GivesATraceOfAnyTrace) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    TraceInfo info;
    const auto events = RandomTrace(seed, 3000, info, true);
    const auto result = Apply(
        events, [](EventSink& next) { return MakeSizeFilter(64, 1 << 20, next); }, &info);
    for (const Event& event : result) {
      if (event.type != EventType::kAlloc && event.type != EventType::kRealloc) continue;
      EXPECT_GE(event.size, 64u);
      EXPECT_LE(event.size, 1u << 20);
    }
    EXPECT_EQ(OfSizes(events, 0, ~std::uint64_t{0}), events);
  }
}

TEST(TimeFilter, KeepsTheOpeningPopulation) {
  TraceInfo info;
  info.names.marks.Intern("stop");
  const Events events = {Alloc(1, {.size = 10, .timeNs = 1000}),
                         Begin(1, {.timeNs = 1010}),
                         Begin(2, {.scope = 1, .timeNs = 1020}),
                         Alloc(2, {.size = 20, .scope = 2, .flags = kFlagDiesWithScope, .timeNs = 1030}),
                         Alloc(3, {.size = 30, .timeNs = 1040}),
                         Realloc(1, 4, {.size = 40, .timeNs = 1050}),
                         Free(3, {.timeNs = 1060}),
                         Commit(2, {.flags = kFlagInherit, .timeNs = 1070}),
                         Alloc(5, {.size = 50, .timeNs = 1100}),
                         Free(4, {.timeNs = 1150}),
                         Commit(1, {.timeNs = 1160}),
                         Free(5, {.timeNs = 1200})};
  const auto result = Apply(events, [&](EventSink& next) { return MakeTimeFilter(100, 200, info, next); });
  EXPECT_EQ(result, (Events{Begin(1, {.timeNs = 1100}),
                            Alloc(1, {.size = 20, .scope = 1, .flags = kFlagDiesWithScope, .timeNs = 1100}),
                            Alloc(2, {.size = 40, .timeNs = 1100}), Mark(2, {.timeNs = 1100}),
                            Alloc(3, {.size = 50, .timeNs = 1100}), Free(2, {.timeNs = 1150}),
                            Commit(1, {.timeNs = 1160})}));
  EXPECT_EQ(info.names.marks[2], "start");
}

TEST(TimeFilter, FromTheBeginningIsAHead) {
  TraceInfo info;
  const Events events = {Alloc(1, {.timeNs = 1000}), Free(1, {.timeNs = 1010}), Alloc(2, {.timeNs = 1020})};
  const auto result = Apply(events, [&](EventSink& next) { return MakeTimeFilter(0, 20, info, next); });
  EXPECT_EQ(result, (Events{Alloc(1, {.timeNs = 1000}), Free(1, {.timeNs = 1010})}));
}

TEST(TimeFilter, GivesATraceOfAnyTraceAndAnySpan) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    TraceInfo info;
    const auto events = RandomTrace(seed, 3000, info, true);
    const std::uint64_t span = events.back().timeNs - events.front().timeNs;
    for (int part = 0; part <= 4; ++part) {
      Apply(
          events,
          [&](EventSink& next) { return MakeTimeFilter(span / 5 * part, span / 5 * (part + 1), info, next); },
          &info);
    }
    const auto all = Apply(events, [&](EventSink& next) { return MakeTimeFilter(0, span + 1, info, next); });
    EXPECT_EQ(all, events);
  }
}

TEST(TimeFilter, NeedsTimes) {
  TraceInfo info;
  Collector sink;
  const auto filter = MakeTimeFilter(0, 10, info, sink);
  const Events events = {Alloc(1)};
  EXPECT_EQ(ErrorOf([&] { filter->Consume(events); }).code(), "no-times");
}

TEST(Anonymiser, LeavesNoNameNumberOrTimeOfTheOrigin) {
  TraceInfo info;
  info.header = {{"program", "/home/alice/secret-db"},
                 {"host", "alices-laptop"},
                 {"pid", "4711"},
                 {"clock", "cycle counter"}};
  info.report.Count("free-of-unknown-block", true, 3);
  info.report.warnings = {"/home/alice/file is cut off"};
  const auto events = RandomTrace(8, 3000, info, true);
  TraceInfo anonymous;
  const auto result = Apply(events, [&](EventSink& next) { return MakeAnonymiser(info, anonymous, next); });

  ASSERT_EQ(result.size(), events.size());
  EXPECT_EQ(result.front().timeNs, 0u);
  for (std::size_t i = 0; i < result.size(); ++i) {
    EXPECT_EQ(result[i].timeNs, events[i].timeNs - events.front().timeNs);
    EXPECT_EQ(result[i].size, events[i].size);
    if (result[i].type == EventType::kThreadStart) {
      EXPECT_EQ(result[i].id, result[i].thread + 1);
    }
  }
  EXPECT_EQ(anonymous.header, (std::map<std::string, std::string>{{"clock", "cycle counter"}}));
  std::set<std::string> kinds;
  for (std::size_t i = 0; i < anonymous.names.kinds.size(); ++i) kinds.insert(anonymous.names.kinds[i]);
  EXPECT_EQ(kinds, (std::set<std::string>{"unknown", "kind1", "kind2", "kind3"}));
  std::set<std::string> marks;
  for (std::size_t i = 1; i < anonymous.names.marks.size(); ++i) marks.insert(anonymous.names.marks[i]);
  EXPECT_TRUE(marks.contains("start"));
  EXPECT_TRUE(marks.contains("stop"));
  EXPECT_FALSE(marks.contains("checkpoint, \"big\""));
  EXPECT_EQ(anonymous.report.Dropped(), 1u);
  EXPECT_TRUE(anonymous.report.warnings.empty());

  const Bytes file = WriteRmt(anonymous, result);
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  for (const char* word : {"alice", "4711", "payment", "checkpoint"})
    EXPECT_EQ(text.find(word), std::string_view::npos) << word;
}

}  // namespace
}  // namespace rmem::testing
