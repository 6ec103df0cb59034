#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <thread>

#include "kept_malloc_route.h"
#include "played_round.h"

namespace rmem {
namespace {

constexpr std::uint32_t kAMinuteNs = 4'000'000'000;  // as long as an instruction can tell, in 32 bits

/** Stops the round that is about to start, a moment later. */
class StopSoon {
 public:
  StopSoon()
      : thread_([] {
          std::this_thread::sleep_for(std::chrono::milliseconds(150));
          RaiseHalt(Halt::kStopped);
        }) {}
  ~StopSoon() { thread_.join(); }

 private:
  std::thread thread_;
};

/** Leaves the process as it was: signals deadly, and nothing halted. */
class StopTest : public testing::Test {
 protected:
  ~StopTest() override {
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) signal(number, SIG_DFL);
    replayHalt.store(Halt::kNo);
  }
};

void ExpectStopped(const PlayedRound& round) {
  EXPECT_EQ(round.exitCode, 130);
  EXPECT_EQ(round.Named("stopped").size(), 1u);
  EXPECT_TRUE(round.Named("result").empty());
}

TEST_F(StopTest, EndsASleep) {
  PlanBuilder plan(2);
  plan.On(0).SleepUntil(kAMinuteNs).Alloc(0, 1).Free(0, 1).On(1).WaitFor(0).Alloc(0, 1).Free(0, 1);
  RoundPlayer player(plan);
  player.On<KeptMallocRoute>().In(ReplayMode::kTimed, ReplayOrder::kFree);
  player.options.round.paced = true;
  const std::uint64_t before = MonotonicNs();
  const StopSoon stop;
  ExpectStopped(player.Play());
  EXPECT_LT(MonotonicNs() - before, 2'000'000'000u);
}

TEST_F(StopTest, EndsEveryKindOfLoop) {
  PlanBuilder one, two(2);
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    one.Alloc(0, 1).Free(0, 1);
    two.On(i / 50 % 2).Alloc(i / 50 % 2, 1).Free(i / 50 % 2, 1);
  }
  for (PlanBuilder* plan : {&one, &two}) {
    for (const ReplayOrder order : {ReplayOrder::kRecorded, ReplayOrder::kFree}) {
      for (const ReplayMode mode : {ReplayMode::kTimed, ReplayMode::kCheck, ReplayMode::kLatency}) {
        RoundPlayer player(*plan);
        player.On<NoneRoute>().In(mode, order).Warm(1'000'000);
        // The empty route can't hold what the check round writes.
        if (mode == ReplayMode::kCheck) player.On<KeptMallocRoute>();
        const StopSoon stop;
        ExpectStopped(player.Play());
      }
    }
  }
}

TEST_F(StopTest, ASignalStops) {
  PlanBuilder plan;
  plan.SleepUntil(kAMinuteNs).Alloc(0, 1).Free(0, 1);
  RoundPlayer player(plan);
  player.On<KeptMallocRoute>().In(ReplayMode::kTimed, ReplayOrder::kFree);
  player.options.round.paced = true;
  for (const int number : {SIGINT, SIGTERM}) {
    const pid_t child = fork();
    if (child == 0) {
      InstallStopSignals();
      _exit(player.Play().exitCode);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    kill(child, number);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 130);
  }
}

TEST_F(StopTest, AReaderThatIsGoneStops) {
  PlanBuilder plan;
  plan.SleepUntil(kAMinuteNs).Alloc(0, 1).Free(0, 1);
  for (std::uint32_t i = 0; i < 100'000; ++i) plan.Alloc(0, 1).Free(0, 1);
  const ScratchFolder folder;
  plan.Write(folder.File("plan"));
  ReplayOptions options;
  options.plan = folder.File("plan");
  options.round.route = &RouteTableOf<NoneRoute>::kTable;
  options.warmPasses = 1'000'000;
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);
  InstallStopSignals();
  replayHalt.store(Halt::kNo);
  const auto frames = std::make_unique<FrameWriter>(pipes[1]);
  close(pipes[0]);
  EXPECT_EQ(PlayRound(options, *frames), 130);
  close(pipes[1]);
}

}  // namespace
}  // namespace rmem
