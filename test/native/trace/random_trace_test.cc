#include <algorithm>

#include "trace/trace_testing.h"
#include "trace/validator.h"

namespace rmem::testing {
namespace {

constexpr std::uint32_t kThreads = 5;

struct OpenTransaction {
  std::uint64_t id;
  std::uint64_t parent;
  int children;
};

struct LiveBlock {
  std::uint64_t id;
  std::uint64_t scope;
  bool dies;
};

class Maker {
 public:
  Maker(std::uint64_t seed, TraceInfo& info, bool times) : random_(seed), times_(times) {
    for (const char* kind : {"row", "page", "version"}) info.names.kinds.Intern(kind);
    for (const char* type : {"payment", "savepoint"}) info.names.transactionTypes.Intern(type);
    for (const char* mark : {"start", "stop", "checkpoint, \"big\""}) info.names.marks.Intern(mark);
  }

  std::vector<Event> Run(std::size_t count) {
    for (std::uint32_t thread = 0; thread < kThreads; ++thread) Add(ThreadStart(thread, 100 + thread));
    while (events_.size() < count) Some();
    for (std::uint32_t thread = 0; thread < kThreads; ++thread) Add(ThreadEnd(thread));
    return Numbered(std::move(events_));
  }

 private:
  void Some() {
    if (random_.Percent(20)) thread_ = random_.Below(kThreads);
    const std::uint32_t dice = random_.Below(100);
    if (dice < 45) {
      AllocSome();
    } else if (dice < 80) {
      FreeSome();
    } else if (dice < 86) {
      ReallocSome();
    } else if (dice < 92) {
      BeginSome();
    } else if (dice < 98) {
      EndSome();
    } else if (dice < 99) {
      Add(Mark(static_cast<std::uint16_t>(random_.Below(4))));
    } else {
      Add(Sample(random_.Next() >> 20, random_.Next() >> 10, random_.Percent(50) ? kAbsent : 7,
                 random_.Percent(50) ? kAbsent : random_.Below(100'000)));
    }
  }

  std::uint64_t SomeSize() { return random_.Next() >> (24 + random_.Below(40)); }
  std::uint64_t SomeScope() {
    return open_.empty() || random_.Percent(40) ? 0 : open_[random_.Below(open_.size())].id;
  }

  void AllocSome() {
    const std::uint64_t scope = SomeScope();
    const bool dies = scope != 0 && random_.Percent(50);
    EventFields fields{.size = SomeSize(), .scope = scope};
    fields.flags =
        static_cast<std::uint8_t>((random_.Percent(10) ? kFlagZeroed : 0) | (dies ? kFlagDiesWithScope : 0));
    fields.name = static_cast<std::uint16_t>(random_.Below(4));
    if (random_.Percent(5)) fields.alignment = 1u << random_.Below(22);
    Add(Alloc(++births_, fields));
    live_.push_back({births_, scope, dies});
  }

  void FreeSome() {
    if (live_.empty()) return;
    const std::size_t back = random_.Below(random_.Percent(80) ? 4 : 100'000);
    const std::size_t index = live_.size() - 1 - std::min(back, live_.size() - 1);
    const bool told = random_.Percent(10);
    Add(Free(live_[index].id, {.size = told ? 77u : 0u, .flags = told ? kFlagSizeTold : std::uint8_t{0}}));
    live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(index));
  }

  void ReallocSome() {
    if (live_.empty()) return;
    LiveBlock& block = live_[random_.Below(live_.size())];
    const std::uint64_t old = block.id;
    block = {++births_, SomeScope(), false};
    Add(Realloc(old, births_, {.size = SomeSize(), .scope = block.scope, .name = 2}));
  }

  void BeginSome() {
    const std::uint64_t parent =
        open_.empty() || random_.Percent(50) ? 0 : open_[random_.Below(open_.size())].id;
    for (OpenTransaction& open : open_) open.children += open.id == parent ? 1 : 0;
    Add(Begin(++begins_, {.scope = parent, .name = static_cast<std::uint16_t>(random_.Below(3))}));
    open_.push_back({begins_, parent, 0});
  }

  void EndSome() {
    if (open_.empty()) return;
    const std::size_t index = random_.Below(open_.size());
    const OpenTransaction ending = open_[index];
    if (ending.children > 0) return;
    const bool inherit = ending.parent != 0 && random_.Percent(70);
    if (random_.Percent(30)) {
      Add(Abort(ending.id));
      Die(ending, false);
    } else {
      Add(Commit(ending.id, {.flags = inherit ? kFlagInherit : std::uint8_t{0}}));
      Die(ending, inherit);
    }
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(index));
    for (OpenTransaction& open : open_) open.children -= open.id == ending.parent ? 1 : 0;
  }

  void Die(const OpenTransaction& ending, bool inherit) {
    for (LiveBlock& block : live_) {
      if (block.scope == ending.id && inherit) block.scope = ending.parent;
    }
    std::erase_if(live_, [&](const LiveBlock& block) { return block.scope == ending.id && block.dies; });
  }

  void Add(Event event) {
    event.thread =
        event.type == EventType::kThreadStart || event.type == EventType::kThreadEnd ? event.thread : thread_;
    nowNs_ += random_.Next() >> (34 + random_.Below(29));
    event.timeNs = times_ ? nowNs_ : kNoTime;
    events_.push_back(event);
  }

  Random random_;
  const bool times_;
  std::vector<Event> events_;
  std::vector<LiveBlock> live_;
  std::vector<OpenTransaction> open_;
  std::uint32_t thread_ = 0;
  std::uint64_t births_ = 0;
  std::uint64_t begins_ = 0;
  std::uint64_t nowNs_ = 1'700'000'000'000'000'000;
};

}  // namespace

std::vector<Event> RandomTrace(std::uint64_t seed, std::size_t count, TraceInfo& info, bool times) {
  return Maker(seed, info, times).Run(count);
}

namespace {

TEST(RandomTrace, IsValidAndRepeatable) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    TraceInfo info;
    const auto events = RandomTrace(seed, 2000, info, true);
    Collector sink;
    Validator validator(sink);
    validator.Consume(events);
    EXPECT_EQ(sink.events, events);
    TraceInfo again;
    EXPECT_EQ(RandomTrace(seed, 2000, again, true), events);
  }
}

}  // namespace
}  // namespace rmem::testing
