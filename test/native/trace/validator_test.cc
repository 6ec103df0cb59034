#include "trace/validator.h"

#include "trace/trace_testing.h"

namespace rmem::testing {
namespace {

TraceError ErrorAt(std::uint64_t position, std::vector<Event> events) {
  Collector sink;
  Validator validator(sink);
  const TraceError error = ErrorOf([&] { validator.Consume(Numbered(std::move(events))); });
  EXPECT_EQ(error.event(), position);
  return error;
}

TEST(Validator, NamesTheEventThatIsWrong) {
  EXPECT_EQ(ErrorAt(3, {Alloc(1), Free(1), Free(1)}).code(), "double-free");
  EXPECT_EQ(ErrorAt(2, {Alloc(1), Free(2)}).code(), "unknown-block");
  EXPECT_EQ(ErrorAt(1, {Free(0)}).code(), "unknown-block");
  EXPECT_EQ(ErrorAt(3, {Alloc(1), Realloc(1, 2), Free(1)}).code(), "double-free");
  EXPECT_EQ(ErrorAt(3, {Alloc(1), Free(1), Realloc(1, 2)}).code(), "double-free");
  EXPECT_EQ(ErrorAt(1, {Alloc(2)}).code(), "bad-birth");
  EXPECT_EQ(ErrorAt(2, {Alloc(1), Alloc(1)}).code(), "bad-birth");
  EXPECT_EQ(ErrorAt(1, {Alloc(1, {.size = kMaxBlockBytes + 1})}).code(), "bad-size");
  EXPECT_EQ(ErrorAt(1, {Alloc(1, {.alignment = 24})}).code(), "bad-alignment");
  EXPECT_EQ(ErrorAt(1, {Commit(1)}).code(), "bad-transaction");
  EXPECT_EQ(ErrorAt(1, {Begin(2)}).code(), "bad-transaction");
  EXPECT_EQ(ErrorAt(1, {Begin(1, {.scope = 1})}).code(), "bad-transaction");
  EXPECT_EQ(ErrorAt(3, {Begin(1), Commit(1), Alloc(1, {.scope = 1})}).code(), "bad-transaction");
  EXPECT_EQ(ErrorAt(3, {Begin(1), Begin(2, {.scope = 1}), Commit(1)}).code(), "bad-transaction");
  EXPECT_EQ(ErrorAt(2, {Begin(1), Commit(1, {.flags = kFlagInherit})}).code(), "bad-transaction");
  EXPECT_EQ(ErrorAt(1, {Alloc(1, {.flags = kFlagDiesWithScope})}).code(), "bad-transaction");
}

TEST(Validator, KnowsThatBlocksDieWithTheirScope) {
  const EventFields dies{.scope = 1, .flags = kFlagDiesWithScope};
  EXPECT_EQ(ErrorAt(4, {Begin(1), Alloc(1, dies), Commit(1), Free(1)}).code(), "double-free");
  EXPECT_EQ(ErrorAt(4, {Begin(1), Alloc(1, dies), Abort(1), Free(1)}).code(), "double-free");
  const EventFields inner{.scope = 2, .flags = kFlagDiesWithScope};
  // What is inherited dies with the parent, an abort ends children too.
  EXPECT_EQ(ErrorAt(6, {Begin(1), Begin(2, {.scope = 1}), Alloc(1, inner), Commit(2, {.flags = kFlagInherit}),
                        Commit(1), Free(1)})
                .code(),
            "double-free");
  EXPECT_EQ(ErrorAt(5, {Begin(1), Begin(2, {.scope = 1}), Alloc(1, inner), Abort(1), Commit(2)}).code(),
            "bad-transaction");
  Collector sink;
  Validator validator(sink);
  const std::vector<Event> good = {Begin(1),        Begin(2, {.scope = 1}),
                                   Alloc(1, inner), Alloc(2, inner),
                                   Free(1),         Commit(2, {.flags = kFlagInherit}),
                                   Free(2),         Commit(1)};
  validator.Consume(good);
  EXPECT_EQ(sink.events, good);
}

TEST(Validator, EndsDeepNestsWithoutRecursion) {
  Collector sink;
  Validator validator(sink);
  std::vector<Event> events;
  for (std::uint64_t depth = 1; depth <= 300'000; ++depth)
    events.push_back(Begin(depth, {.scope = depth - 1}));
  events.push_back(Abort(1));
  validator.Consume(events);
  EXPECT_EQ(sink.events.size(), events.size());
}

}  // namespace
}  // namespace rmem::testing
