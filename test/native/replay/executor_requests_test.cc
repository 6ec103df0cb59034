#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "kept_malloc_route.h"
#include "played_round.h"
#include "replay/request_reader.h"

namespace rmem {
namespace {

/** A pipe in the place of standard input, as long as it lives. */
class Asked {
 public:
  explicit Asked(const std::string& text, bool end = true) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
    writer_ = ends[1];
    EXPECT_EQ(write(writer_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    before_ = dup(STDIN_FILENO);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    if (end) End();
  }
  ~Asked() {
    End();
    dup2(before_, STDIN_FILENO);
    close(before_);
    replayHalt.store(Halt::kNo);
  }
  void End() {
    if (writer_ >= 0) close(writer_);
    writer_ = -1;
  }

 private:
  int before_;
  int writer_;
};

PlayedRound PlayAsked(const std::string& text, std::uint32_t most) {
  PlanBuilder plan;
  for (std::uint32_t i = 0; i < 100; ++i) plan.Alloc(0, 64).Free(0, 64);
  RoundPlayer player(plan);
  player.On<KeptMallocRoute>().In(ReplayMode::kTimed, ReplayOrder::kRecorded).Warm(most);
  player.options.onRequest = true;
  const Asked asked(text);
  return player.Play();
}

TEST(RoundOnRequest, PlaysTheColdPassAndThenWhatItIsAskedFor) {
  const PlayedRound round = PlayAsked("3\n1\n", 5);
  EXPECT_EQ(round.exitCode, 0);
  ASSERT_EQ(round.Named("pass").size(), 5u);
  EXPECT_EQ(round.Named("ready").size(), 3u);
  std::string order;
  for (const std::string& frame : round.frames) order += frame[10];  // {"frame":"h…
  EXPECT_EQ(order, "hprppprprr");                                    // hello, pass, ready, …, result
  int cold = 0;
  for (const std::string& pass : round.Named("pass")) cold += pass.find("\"cold\":true") != std::string::npos;
  EXPECT_EQ(cold, 1);
}

TEST(RoundOnRequest, EndsWithItsInput) {
  const PlayedRound round = PlayAsked("", 5);
  EXPECT_EQ(round.exitCode, 0);
  EXPECT_EQ(round.Named("pass").size(), 1u);
  EXPECT_EQ(round.Named("result").size(), 1u);
}

TEST(RoundOnRequest, RefusesWhatIsNoNumberOfPasses) {
  for (const std::string text :
       {"x\n", "0\n", "6\n", "-1\n", " 1\n", "1 \n", "\n", "11111111111111111111\n"}) {
    const PlayedRound round = PlayAsked(text, 5);
    EXPECT_EQ(round.exitCode, 1) << text;
    EXPECT_NE(round.Only("failure").find("bad-request"), std::string::npos) << text;
    EXPECT_TRUE(round.Named("result").empty()) << text;
  }
}

TEST(RoundOnRequest, StopsWhileItWaits) {
  PlanBuilder plan;
  plan.Alloc(0, 64).Free(0, 64);
  RoundPlayer player(plan);
  player.On<KeptMallocRoute>().In(ReplayMode::kTimed, ReplayOrder::kRecorded).Warm(1);
  player.options.onRequest = true;
  Asked asked("", false);
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    RaiseHalt(Halt::kStopped);
    asked.End();  // as the end of whoever asks, or a signal, ends the read
  });
  const PlayedRound round = player.Play();
  stopper.join();
  EXPECT_EQ(round.exitCode, 130);
  EXPECT_EQ(round.Named("stopped").size(), 1u);
}

TEST(RequestReader, ReadsALineAtATime) {
  const Asked asked("2\n31\n4");
  RequestReader reader(STDIN_FILENO);
  EXPECT_EQ(reader.Next(50), 2u);
  EXPECT_EQ(reader.Next(50), 31u);
  EXPECT_EQ(reader.Next(50), 0u);  // a line that was not ended was not said
}

}  // namespace
}  // namespace rmem
