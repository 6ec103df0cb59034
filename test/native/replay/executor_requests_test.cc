#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>

#include "played_round.h"
#include "replay/replay_options.h"
#include "replay/request_reader.h"
#include "replay/routes.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

/** A pipe in the place of standard input for the time of a test. */
class Requests {
 public:
  Requests() {
    int pipes[2];
    if (pipe2(pipes, O_CLOEXEC) != 0) std::abort();
    before_ = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    dup2(pipes[0], STDIN_FILENO);
    close(pipes[0]);
    writer_ = pipes[1];
  }
  ~Requests() {
    End();
    if (before_ < 0) {
      close(STDIN_FILENO);
      return;
    }
    dup2(before_, STDIN_FILENO);
    close(before_);
  }
  void Say(const std::string& text) {
    EXPECT_EQ(write(writer_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void End() {
    if (writer_ >= 0) close(writer_);
    writer_ = -1;
  }

 private:
  int before_;
  int writer_;
};

PlanBuilder SmallPlan() {
  PlanBuilder plan;
  for (std::uint32_t i = 0; i < 50; ++i) plan.Alloc(i, 64);
  for (std::uint32_t i = 0; i < 50; ++i) plan.Free(i, 64);
  return plan;
}

/** A round on request that has been told all its requests before it starts. */
PlayedRound Asked(const std::string& requests, std::uint32_t most = 4) {
  PlanBuilder plan = SmallPlan();
  RoundPlayer player(plan);
  player.On<MallocRoute>().In(ReplayMode::kTimed, ReplayOrder::kFree).Warm(most);
  player.options.onRequest = true;
  Requests input;
  input.Say(requests);
  input.End();
  return player.Play();
}

std::vector<std::string> Names(const PlayedRound& round) {
  std::vector<std::string> names;
  for (const std::string& frame : round.frames) {
    const std::size_t from = std::string("{\"frame\":\"").size();
    names.push_back(frame.substr(from, frame.find('"', from) - from));
  }
  return names;
}

using Words = std::vector<std::string>;

TEST(RequestedRound, PlaysTheColdPassAndThenWhatItIsAskedFor) {
  const PlayedRound round = Asked("1\n3\n");
  EXPECT_EQ(round.exitCode, 0);
  EXPECT_EQ(Names(round),
            (Words{"hello", "pass", "ready", "pass", "ready", "pass", "pass", "pass", "ready", "result"}));
  const Words passes = round.Named("pass");
  EXPECT_NE(passes[0].find("\"cold\":true"), std::string::npos);
  for (std::size_t i = 1; i < passes.size(); ++i) {
    EXPECT_NE(passes[i].find("\"cold\":false"), std::string::npos);
    EXPECT_GT(PlayedRound::Number(passes[i], "wallNs").value_or(0), 0);
    EXPECT_EQ(PlayedRound::Number(passes[i], "replayedPeakBytes"), 50 * 64);
  }
}

TEST(RequestedRound, EndsWithItsResultWhereNothingIsAskedFor) {
  const PlayedRound round = Asked("");
  EXPECT_EQ(round.exitCode, 0);
  EXPECT_EQ(Names(round), (Words{"hello", "pass", "ready", "result"}));
}

TEST(RequestedRound, EndsWithTheInputInTheMiddleOfALine) {
  const PlayedRound round = Asked("2\n1");
  EXPECT_EQ(round.exitCode, 0);
  EXPECT_EQ(round.Named("pass").size(), 3u);
}

TEST(RequestedRound, RefusesWhatIsNoNumberOfPasses) {
  for (const char* request : {"0\n", "5\n", "x\n", "\n", "-1\n", "+1\n", "1x\n", " 1\n", "4294967297\n",
                              "0000000000000000001\n", "11111111111111111111111111"}) {
    const PlayedRound round = Asked(std::string("1\n") + request + "1\n");
    EXPECT_EQ(round.exitCode, 1) << request;
    EXPECT_EQ(Names(round), (Words{"hello", "pass", "ready", "pass", "ready", "failure"})) << request;
    EXPECT_NE(round.Only("failure").find("\"code\":\"bad-request\""), std::string::npos) << request;
  }
}

TEST(RequestedRound, TakesAsManyPassesAsThereMayBe) {
  EXPECT_EQ(Asked("4\n").exitCode, 0);
  EXPECT_EQ(Asked("4\n", 3).exitCode, 1);
}

/** Plays in a child whose frames come through a pipe, so that a signal can come exactly while it waits. */
TEST(RequestedRound, ASignalStopsItWhileItWaits) {
  for (const int number : {SIGINT, SIGTERM}) {
    PlanBuilder plan = SmallPlan();
    const ScratchFolder folder;
    plan.Write(folder.File("plan"));
    Requests input;
    int pipes[2];
    ASSERT_EQ(pipe2(pipes, O_CLOEXEC), 0);
    const pid_t child = fork();
    if (child == 0) {
      InstallStopSignals();
      ReplayOptions options;
      options.plan = folder.File("plan");
      options.round.route = &RouteTableOf<MallocRoute>::kTable;
      options.routeName = "test";
      options.warmPasses = 4;
      options.onRequest = true;
      const auto frames = std::make_unique<FrameWriter>(pipes[1]);
      _exit(PlayRound(options, *frames));
    }
    close(pipes[1]);
    FILE* said = fdopen(pipes[0], "r");
    char line[512];
    std::string last;
    bool sent = false;
    while (fgets(line, sizeof(line), said) != nullptr) {
      last = line;
      if (last.find("\"ready\"") == std::string::npos) continue;
      EXPECT_FALSE(sent);
      kill(child, number);
      sent = true;
    }
    fclose(said);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(sent);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 130);
    EXPECT_NE(last.find("\"stopped\""), std::string::npos) << last;
  }
}

TEST(RequestReader, ReadsALineAtATime) {
  replayHalt.store(Halt::kNo);
  int pipes[2];
  ASSERT_EQ(pipe2(pipes, O_CLOEXEC), 0);
  RequestReader reader(pipes[0]);
  const auto say = [&](const std::string& text) {
    ASSERT_EQ(write(pipes[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  };
  say("7\n1");
  EXPECT_EQ(reader.Next(1000), 7u);
  say("23\n1000\n1001\nno\n9\n");
  EXPECT_EQ(reader.Next(1000), 123u);
  EXPECT_EQ(reader.Next(1000), 1000u);
  EXPECT_EQ(reader.Next(1000), std::nullopt);
  EXPECT_EQ(reader.Next(1000), std::nullopt);
  EXPECT_EQ(reader.Next(1000), 9u);
  close(pipes[1]);
  EXPECT_EQ(reader.Next(1000), 0u);
  close(pipes[0]);
}

TEST(RequestReader, DoesNotWaitOnceTheReplayIsHalted) {
  int pipes[2];
  ASSERT_EQ(pipe2(pipes, O_CLOEXEC), 0);
  RequestReader reader(pipes[0]);
  replayHalt.store(Halt::kStopped);
  EXPECT_EQ(reader.Next(1), 0u);
  replayHalt.store(Halt::kNo);
  close(pipes[0]);
  close(pipes[1]);
}

TEST(RequestedRound, BelongsToTimedRounds) {
  const auto parse = [](const char* mode) {
    std::vector<const char*> words{"replay", "--plan", "f",      "--route", "malloc",
                                   "--mode", mode,     "--warm", "3",       "--on-request"};
    if (std::string_view(mode) != "timed") words.erase(words.begin() + 7, words.begin() + 9);
    return ParseReplayOptions(static_cast<int>(words.size()), const_cast<char**>(words.data()));
  };
  EXPECT_TRUE(parse("timed").onRequest);
  for (const char* mode : {"memory", "check", "latency"}) {
    try {
      parse(mode);
      ADD_FAILURE() << mode;
    } catch (const TraceError& error) {
      EXPECT_EQ(error.code(), "usage");
      EXPECT_NE(std::string(error.what()).find("--on-request belongs to timed rounds"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace rmem
