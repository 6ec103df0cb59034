#include <gtest/gtest.h>

#include <functional>

#include "played_round.h"
#include "replay/plan_file.h"
#include "replay/plan_walk.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

/** Something of everything. */
PlanBuilder Rich() {
  PlanBuilder plan(2);
  plan.Section(kOpening).On(0).Window(0).Begin(0).Alloc(0, 10, 1).Alloc(1, 20);
  plan.Section(kMeasured).On(1).Window(2).WaitFor(0).Free(1, 20).On(0).Window(2).Realloc(0, 10, 30, 1);
  plan.Wide(Op::kWideAlloc, 2, {std::uint64_t{1} << 33, 0, 0, 0}).FreeImplied(0, 30, 1).Commit(0);
  plan.On(1).Window(3).WaitFor(0).Wide(Op::kWideFree, 2, {std::uint64_t{1} << 33, 0, 0, 0});
  plan.Section(kClosing).On(0).Window(5).Alloc(0, 5).Begin(0).Leftover(0, 5).OpenScope(0).ThreadEnd();
  return plan;
}

std::string WhyNot(PlanBuilder plan) {
  const ScratchFolder folder;
  plan.Write(folder.File("plan"));
  try {
    PlanFile::Open(folder.File("plan"));
  } catch (const TraceError& error) {
    EXPECT_EQ(error.code(), "bad-plan");
    return error.what();
  }
  return "";
}

TEST(PlanFileTest, OpensAGoodPlan) {
  EXPECT_EQ(WhyNot(Rich()), "");
}

TEST(PlanFileTest, WalksInTheTotalOrderAndNumbersEvents) {
  PlanBuilder plan = Rich();
  const ScratchFolder folder;
  plan.Write(folder.File("plan"));
  const PlanFile file = PlanFile::Open(folder.File("plan"));
  std::vector<std::uint64_t> events;
  std::uint64_t total = 0;
  WalkPlan(file, [&](const WalkedStep& step) {
    EXPECT_EQ(step.total, total++);
    EXPECT_EQ(EventOf(file, step.stream, step.position), step.event);
    if (IsEvent(step.instruction->op)) events.push_back(step.event);
  });
  EXPECT_EQ(total, file.header().instructions);
  ASSERT_EQ(events.size(), plan.events());
  for (std::size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i], i + 1);
}

TEST(PlanFileTest, RefusesWhatIsNoPlan) {
  const ScratchFolder folder;
  const auto codeOf = [](const std::string& path) {
    try {
      PlanFile::Open(path);
    } catch (const TraceError& error) {
      return error.code();
    }
    return std::string();
  };
  EXPECT_EQ(codeOf(folder.File("missing")), "io");
  EXPECT_EQ(codeOf(folder.File("")), "bad-plan");  // a folder
  std::ofstream(folder.File("empty"));
  EXPECT_EQ(codeOf(folder.File("empty")), "bad-plan");
  std::ofstream(folder.File("text")) << std::string(10'000, 'x');
  EXPECT_EQ(codeOf(folder.File("text")), "bad-plan");
}

TEST(PlanFileTest, RefusesAPlanThatIsCut) {
  const ScratchFolder folder;
  PlanBuilder plan = Rich();
  plan.Write(folder.File("plan"));
  for (std::size_t bytes = std::filesystem::file_size(folder.File("plan")) - 1; bytes > 0;
       bytes -= std::min<std::size_t>(bytes, 509)) {
    std::filesystem::resize_file(folder.File("plan"), bytes);
    EXPECT_THROW(PlanFile::Open(folder.File("plan")), TraceError) << bytes;
  }
}

/** No damage may crash the reader or get past it unless it is harmless (a transaction's type, a TID). */
TEST(PlanFileTest, SurvivesDamageOfEachByte) {
  const ScratchFolder folder;
  PlanBuilder plan = Rich();
  plan.Write(folder.File("plan"));
  std::ifstream in(folder.File("plan"), std::ios::binary);
  std::string good((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  std::size_t refused = 0, meaningful = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    if (good[i] == 0 && i % 64 != 7) continue;  // most of it is padding
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x55);
    std::ofstream(folder.File("bad"), std::ios::binary) << bad;
    meaningful += good[i] != 0;
    try {
      PlanFile::Open(folder.File("bad"));
    } catch (const TraceError&) {
      refused += good[i] != 0;
    }
  }
  EXPECT_GT(refused, meaningful * 6 / 10);
}

TEST(PlanFileTest, RefusesWhatCouldWaitForEver) {
  PlanBuilder later(2);
  later.On(0).WaitFor(1, 1).Alloc(0, 1).On(1).Alloc(1, 1).Leftover(0, 1).Leftover(1, 1);
  EXPECT_NE(WhyNot(later).find("waits for something that comes later"), std::string::npos);
  PlanBuilder nobody(2);
  nobody.WaitFor(7, 0);
  EXPECT_NE(WhyNot(nobody).find("stream that it does not have"), std::string::npos);
  PlanBuilder backwards(2);
  backwards.On(0).Window(3).On(1).Window(2);
  EXPECT_NE(WhyNot(backwards).find("window that is over"), std::string::npos);
}

TEST(PlanFileTest, RefusesWhatWouldCrashAnAllocator) {
  const std::pair<const char*, std::function<void(PlanBuilder&)>> cases[] = {
      {"slot that is full", [](PlanBuilder& plan) { plan.Alloc(0, 1).Alloc(0, 1); }},
      {"frees a block that is not what it says", [](PlanBuilder& plan) { plan.Free(0, 1); }},
      {"frees a block that is not what it says", [](PlanBuilder& plan) { plan.Alloc(0, 1).Free(0, 2); }},
      {"frees a block that is not what it says",
       [](PlanBuilder& plan) { plan.Alloc(0, 1).Free(0, 1).Free(0, 1); }},
      {"frees a block that is not what it says",
       [](PlanBuilder& plan) { plan.AllocAligned(0, 1, 6).Free(0, 1); }},
      {"resizes a block that is not", [](PlanBuilder& plan) { plan.Alloc(0, 1).Realloc(0, 2, 3); }},
      {"transaction that is not open", [](PlanBuilder& plan) { plan.Begin(0).Commit(0).Alloc(0, 1, 1); }},
      {"transaction that can't end", [](PlanBuilder& plan) { plan.Begin(0).Begin(1, 1).Commit(0); }},
      {"parent that is not there", [](PlanBuilder& plan) { plan.Begin(0).Commit(0, true); }},
      {"does not list", [](PlanBuilder& plan) { plan.Alloc(0, 1); }},
      {"does not list", [](PlanBuilder& plan) { plan.Begin(0); }},
      {"not alive", [](PlanBuilder& plan) { plan.Alloc(0, 1).Leftover(0, 2); }},
      {"operands",
       [](PlanBuilder& plan) {
         plan.Add({Op::kWideAlloc, 0, 0, 0, 9, 0});
       }},
      {"unknown instruction",
       [](PlanBuilder& plan) {
         plan.Add({static_cast<Op>(200), 0, 0, 0, 0, 0});
       }},
  };
  for (const auto& [why, make] : cases) {
    PlanBuilder plan;
    if (std::string(why) == "operands") {
      plan.wide.resize(10);
      make(plan);
      plan.wide.clear();
    } else {
      make(plan);
    }
    EXPECT_NE(WhyNot(plan).find(why), std::string::npos) << why << " / " << WhyNot(plan);
  }
}

}  // namespace
}  // namespace rmem
