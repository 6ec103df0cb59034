#include "trace/normaliser.h"

#include "trace/trace_testing.h"
#include "trace/validator.h"

namespace rmem::testing {
namespace {

/** Normalises, and checks that the result is a canonical trace. */
std::vector<Event> Normalise(std::vector<Event> events, TraceInfo& info) {
  Collector sink;
  Validator validator(sink);
  Normaliser normaliser(info, validator);
  normaliser.Consume(Numbered(std::move(events)));
  normaliser.Finish();
  EXPECT_EQ(sink.finished, 1);
  EXPECT_EQ(info.report.events, sink.events.size());
  return sink.events;
}

/** Normalises events that need one sort of repair, at one place. */
std::vector<Event> NormaliseWith(const char* repair, bool dropped, std::uint64_t position,
                                 std::vector<Event> events) {
  TraceInfo info;
  const auto result = Normalise(std::move(events), info);
  EXPECT_EQ(info.report.repairs.size(), 1u);
  EXPECT_EQ(info.report.repairs[repair].count, 1u) << repair;
  EXPECT_EQ(info.report.repairs[repair].dropped, dropped);
  EXPECT_EQ(info.report.repairs[repair].firstPositions, std::vector<std::uint64_t>{position});
  return result;
}

std::vector<Event> NormaliseWithout(std::vector<Event> events) {
  TraceInfo info;
  const auto result = Normalise(std::move(events), info);
  EXPECT_TRUE(info.report.repairs.empty());
  return result;
}

using Events = std::vector<Event>;

TEST(Normaliser, NumbersBlocksByBirth) {
  EXPECT_EQ(NormaliseWithout({Alloc(0x10), Alloc(0x20), Free(0x10), Alloc(0x10), Free(0x20), Free(0x10)}),
            (Events{Alloc(1), Alloc(2), Free(1), Alloc(3), Free(2), Free(3)}));
}

TEST(Normaliser, FollowsReallocs) {
  EXPECT_EQ(NormaliseWithout({Alloc(0x10), Realloc(0x10, 0x20, {.size = 5}), Realloc(0x20, 0x20, {.size = 6}),
                              Free(0x20)}),
            (Events{Alloc(1), Realloc(1, 2, {.size = 5}), Realloc(2, 3, {.size = 6}), Free(3)}));
  EXPECT_EQ(NormaliseWithout({Realloc(0, 0x10, {.size = 5})}), (Events{Alloc(1, {.size = 5})}));
  EXPECT_EQ(NormaliseWithout({Alloc(0x10, {.size = 3}), Realloc(0x10, 0)}),
            (Events{Alloc(1, {.size = 3}), Free(1)}));
  EXPECT_EQ(NormaliseWithout({Alloc(0x10), Realloc(0x10, 0x10, {.size = 0})}),
            (Events{Alloc(1), Realloc(1, 2)}));
}

TEST(Normaliser, MendsWhatHappensToUnknownBlocks) {
  EXPECT_EQ(NormaliseWith("free-of-unknown-block", true, 3, {Alloc(0x10), Free(0x10), Free(0x10)}),
            (Events{Alloc(1), Free(1)}));
  EXPECT_EQ(NormaliseWith("free-of-null", false, 1, {Free(0)}), Events{});
  EXPECT_EQ(NormaliseWith("free-of-null", false, 1, {Realloc(0, 0)}), Events{});
  EXPECT_EQ(NormaliseWith("free-of-unknown-block", true, 1, {Realloc(0x10, 0)}), Events{});
  EXPECT_EQ(
      NormaliseWith("realloc-of-unknown-block", false, 1, {Realloc(0x10, 0x20, {.size = 7}), Free(0x20)}),
      (Events{Alloc(1, {.size = 7}), Free(1)}));
  EXPECT_EQ(NormaliseWith("failed-allocation", true, 1, {Alloc(0, {.size = 7})}), Events{});
  EXPECT_EQ(
      NormaliseWith("failed-reallocation", true, 2, {Alloc(0x10), Realloc(0x10, 0, {.size = 7}), Free(0x10)}),
      (Events{Alloc(1), Free(1)}));
}

TEST(Normaliser, FreesTheOlderOfTwoBlocksAtOneAddress) {
  EXPECT_EQ(NormaliseWith("block-born-twice", false, 2, {Alloc(0x10), Alloc(0x10, {.size = 9}), Free(0x10)}),
            (Events{Alloc(1), Free(1), Alloc(2, {.size = 9}), Free(2)}));
  EXPECT_EQ(NormaliseWith("block-born-twice", false, 3, {Alloc(0x10), Alloc(0x20), Realloc(0x20, 0x10)}),
            (Events{Alloc(1), Alloc(2), Free(1), Realloc(2, 3)}));
}

TEST(Normaliser, TellsALateFreeFromTheBlocksOwn) {
  // Thread 1 frees, thread 0 gets the address and logs first.
  TraceInfo info;
  const EventFields one{.thread = 1};
  const auto result = Normalise(
      {ThreadStart(0, 5), ThreadStart(1, 6), Alloc(0x10, one), Alloc(0x10), Free(0x10, one), Free(0x10)},
      info);
  EXPECT_EQ(result,
            (Events{ThreadStart(0, 5), ThreadStart(1, 6), Alloc(1, one), Free(1), Alloc(2), Free(2)}));
  EXPECT_EQ(info.report.repairs["block-born-twice"].count, 1u);
  EXPECT_EQ(info.report.repairs["late-free"].count, 1u);
  EXPECT_EQ(info.report.repairs.size(), 2u);
}

TEST(Normaliser, NumbersTransactionsByTheirBegin) {
  EXPECT_EQ(NormaliseWithout({Begin(70), Begin(71, {.scope = 70}), Alloc(0x10, {.scope = 71}),
                              Commit(71, {.flags = kFlagInherit}), Commit(70), Begin(70), Abort(70)}),
            (Events{Begin(1), Begin(2, {.scope = 1}), Alloc(1, {.scope = 2}),
                    Commit(2, {.flags = kFlagInherit}), Commit(1), Begin(3), Abort(3)}));
}

TEST(Normaliser, MendsTransactions) {
  EXPECT_EQ(NormaliseWith("end-of-unknown-transaction", true, 2, {Begin(7), Commit(8), Commit(7)}),
            (Events{Begin(1), Commit(1)}));
  EXPECT_EQ(NormaliseWith("transaction-begun-twice", false, 3, {Begin(7), Begin(8, {.scope = 7}), Begin(7)}),
            (Events{Begin(1), Begin(2, {.scope = 1}), Abort(2), Abort(1), Begin(3)}));
  EXPECT_EQ(
      NormaliseWith("open-children-at-end", false, 4,
                    {Begin(7), Begin(8, {.scope = 7}), Begin(9, {.scope = 8}), Commit(7)}),
      (Events{Begin(1), Begin(2, {.scope = 1}), Begin(3, {.scope = 2}), Abort(3), Abort(2), Commit(1)}));
  EXPECT_EQ(NormaliseWith("unknown-parent", false, 1, {Begin(7, {.scope = 6})}), Events{Begin(1)});
  EXPECT_EQ(NormaliseWith("unknown-scope", false, 1, {Alloc(0x10, {.scope = 6})}), Events{Alloc(1)});
  EXPECT_EQ(NormaliseWith("inherit-without-parent", false, 2, {Begin(7), Commit(7, {.flags = kFlagInherit})}),
            (Events{Begin(1), Commit(1)}));
  EXPECT_EQ(NormaliseWith("scope-missing", false, 1, {Alloc(0x10, {.flags = kFlagDiesWithScope})}),
            Events{Alloc(1)});
  // An abort ends its children; that is no repair.
  EXPECT_EQ(NormaliseWithout({Begin(7), Begin(8, {.scope = 7}), Begin(9, {.scope = 7}), Abort(7)}),
            (Events{Begin(1), Begin(2, {.scope = 1}), Begin(3, {.scope = 1}), Abort(3), Abort(2), Abort(1)}));
}

TEST(Normaliser, ForgetsBlocksThatDiedWithTheirScope) {
  const EventFields dies{.scope = 7, .flags = kFlagDiesWithScope};
  const EventFields diesOne{.scope = 1, .flags = kFlagDiesWithScope};
  // The address is used again: not born twice.
  EXPECT_EQ(NormaliseWithout({Begin(7), Alloc(0x10, dies), Commit(7), Alloc(0x10), Free(0x10)}),
            (Events{Begin(1), Alloc(1, diesOne), Commit(1), Alloc(2), Free(2)}));
  // Freed before, and the address used again by one that stays.
  EXPECT_EQ(NormaliseWithout({Begin(7), Alloc(0x10, dies), Free(0x10), Alloc(0x10), Commit(7), Free(0x10)}),
            (Events{Begin(1), Alloc(1, diesOne), Free(1), Alloc(2), Commit(1), Free(2)}));
  EXPECT_EQ(
      NormaliseWith("free-of-unknown-block", true, 4, {Begin(7), Alloc(0x10, dies), Abort(7), Free(0x10)}),
      (Events{Begin(1), Alloc(1, diesOne), Abort(1)}));
}

TEST(Normaliser, MendsThreadsAndTimes) {
  EXPECT_EQ(NormaliseWith("thread-event-repeated", true, 2, {ThreadStart(0, 5), ThreadStart(0, 5)}),
            Events{ThreadStart(0, 5)});
  EXPECT_EQ(NormaliseWith("thread-event-repeated", true, 2, {ThreadEnd(0), ThreadEnd(0)}),
            Events{ThreadEnd(0)});
  EXPECT_EQ(
      NormaliseWith("time-went-back", false, 2, {Alloc(0x10, {.timeNs = 50}), Alloc(0x20, {.timeNs = 40})}),
      (Events{Alloc(1, {.timeNs = 50}), Alloc(2, {.timeNs = 50})}));
  // Threads are numbered by their appearance, whatever the source calls them.
  EXPECT_EQ(
      NormaliseWithout({Alloc(0x10, {.thread = 9}), Alloc(0x20, {.thread = 4}), Free(0x10, {.thread = 9})}),
      (Events{Alloc(1), Alloc(2, {.thread = 1}), Free(1)}));
}

TEST(Normaliser, CompletesAReallocWhoseOldAddressWasUsedMeanwhile) {
  // Thread 0 enters realloc(0x10); thread 1 gets 0x10 from malloc before it returns.
  const EventFields one{.thread = 1};
  EXPECT_EQ(NormaliseWithout({ThreadStart(0, 5), ThreadStart(1, 6), Alloc(0x10, {.size = 5}),
                              Realloc(0x10, 0, {.flags = kFlagReallocStart}), Alloc(0x10, one),
                              Realloc(0x10, 0x30, {.size = 9}), Free(0x10, one), Free(0x30)}),
            (Events{ThreadStart(0, 5), ThreadStart(1, 6), Alloc(1, {.size = 5}), Alloc(2, one),
                    Realloc(1, 3, {.size = 9}), Free(2, one), Free(3)}));
}

TEST(Normaliser, RefusesImpossibleBlocks) {
  const auto errorOf = [](const Event& event) {
    return ErrorOf([&] {
      TraceInfo info;
      Normalise({Alloc(0x50), event}, info);
    });
  };
  EXPECT_EQ(errorOf(Alloc(0x10, {.size = kMaxBlockBytes + 1})).code(), "bad-size");
  EXPECT_EQ(errorOf(Alloc(0x10, {.size = kMaxBlockBytes + 1})).line(), 2u);
  EXPECT_EQ(errorOf(Realloc(0x50, 0x10, {.size = std::uint64_t{1} << 63})).code(), "bad-size");
  EXPECT_EQ(errorOf(Alloc(0x10, {.alignment = 24})).code(), "bad-alignment");
  EXPECT_EQ(errorOf(Begin(0)).code(), "bad-transaction");
}

TEST(Normaliser, MakesACanonicalTraceOfAnything) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    Events events;
    for (int i = 0; i < 400; ++i) {
      Event event;
      event.type = static_cast<EventType>(random.Below(kEventTypeCount));
      event.thread = random.Below(3);
      event.id = 1 + random.Below(6);
      event.newId = random.Below(6);
      event.size = random.Below(3);
      event.scope = random.Below(5);
      event.flags = static_cast<std::uint8_t>(random.Below(16));
      if (event.type == EventType::kRealloc && random.Percent(20)) event.flags |= kFlagReallocStart;
      event.timeNs = random.Below(1000);
      events.push_back(event);
    }
    TraceInfo info;
    const auto result = Normalise(events, info);
    TraceInfo names;
    for (std::size_t i = 0; i < result.size(); ++i) ASSERT_EQ(result[i].name, 0);
    TraceInfo read;
    EXPECT_EQ(ReadRmt(WriteRmt(names, result), read).size(), result.size());
  }
}

}  // namespace
}  // namespace rmem::testing
