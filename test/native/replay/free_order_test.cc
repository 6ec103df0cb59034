#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "os/process_fence.h"
#include "replay/futex.h"
#include "replay/halt.h"
#include "replay/plan_file.h"
#include "replay/planner.h"
#include "replay/random_trace.h"
#include "replay/replay_state.h"
#include "replay/route_table.h"
#include "replay/section_runner.h"

namespace rmem {
namespace {

class NoMonitor : public ReplayMonitor {
 public:
  void Tick(std::uint64_t) override {}
};

/** How many traces: FREE_ORDER_TRACES, else enough for a look at every feature. `npm run fuzz:plans` sets
 * 10,000. */
std::uint64_t TraceCount() {
  const char* asked = std::getenv("FREE_ORDER_TRACES");
  if (asked != nullptr) return std::strtoull(asked, nullptr, 10);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return 400;
#else
  return 1500;
#endif
}

/**
 * Random traces of several threads, with transactions, savepoints and foreign frees, replayed by real threads
 * in free order in the check round: a wait that is missing shows as a block with another's content, one too
 * many as a deadlock.
 */
TEST(FreeOrder, RandomTracesReplayVerified) {
  std::string name = std::filesystem::temp_directory_path() / "free-order-test-XXXXXX";
  const std::string folder = mkdtemp(name.data());
  TraceNames names;
  names.marks.Intern("start");
  names.marks.Intern("stop");
  RegisterFences();
  static constexpr const char* kRoutes[] = {"rustydb", "malloc", "arena", "slab", "large"};

  for (std::uint64_t seed = 1; seed <= TraceCount(); ++seed) {
    RandomTraceOptions options;
    options.threads = 2 + seed % 5;
    options.events = 20 + seed % 400;
    options.maxSize = seed % 10 == 0 ? 700'000 : 600;
    options.marks = seed % 3 == 0;
    options.threadEnds = seed % 4 == 0;
    Planner planner({folder + "/plan", folder, 0, false}, names);
    planner.Consume(RandomTrace(seed, options));
    planner.Finish();

    const PlanFile plan = PlanFile::Open(folder + "/plan");
    RoundOptions round;
    const char* route = kRoutes[seed % std::size(kRoutes)];
    round.route = FindRoute(route);
    round.mode = ReplayMode::kCheck;
    ReplayState state(plan, round);
    NoMonitor monitor;
    const auto runner = MakeSectionRunner(state, monitor, nullptr);
    bool complete = true;
    for (int pass = 0; pass < 2 && complete; ++pass) {
      state.Reset();
      runner->Reset();
      for (const PlanSection section : {kOpening, kMeasured, kClosing}) {
        SectionTime time;
        complete = complete && runner->Run(section, &time);
      }
      complete = complete && state.Clear();
    }
    ASSERT_TRUE(complete) << "seed " << seed << " by " << route << ": " << state.failures().failure().message;
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace rmem
