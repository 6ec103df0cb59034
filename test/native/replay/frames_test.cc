#include "replay/frames.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>

namespace rmem {
namespace {

/** What is written through a pipe. */
template <class Write>
std::string Written(Write&& write) {
  int pipes[2];
  EXPECT_EQ(pipe(pipes), 0);
  const auto frames = std::make_unique<FrameWriter>(pipes[1]);
  write(*frames);
  char buffer[4096];
  const ssize_t length = read(pipes[0], buffer, sizeof(buffer));
  close(pipes[0]);
  close(pipes[1]);
  return std::string(buffer, static_cast<std::size_t>(length));
}

TEST(FramesTest, AFrameIsOneLineOfJson) {
  EXPECT_EQ(
      Written([](FrameWriter& frames) {
        frames.Begin("result");
        frames.Number("most", UINT64_MAX);
        frames.Number("none", 0);
        frames.OpenObject("inner");
        frames.Decimal("ns", 12.34);
        frames.Decimal("half", 0.05);
        frames.CloseObject();
        frames.OpenObject("empty");
        frames.CloseObject();
        frames.OpenArray("list");
        frames.Element(1);
        frames.Element(2.26);
        frames.CloseArray();
        frames.OpenArray("nothing");
        frames.CloseArray();
        frames.Bool("cold", false);
        frames.TextOrNull("version", nullptr);
        frames.End();
      }),
      "{\"frame\":\"result\",\"most\":18446744073709551615,\"none\":0,\"inner\":{\"ns\":12.3,\"half\":0.1},"
      "\"empty\":{},\"list\":[1.0,2.3],\"nothing\":[],\"cold\":false,\"version\":null}\n");
}

TEST(FramesTest, TextIsEscaped) {
  EXPECT_EQ(Written([](FrameWriter& frames) {
              frames.Begin("failure");
              frames.Text("message", "a \"b\" \\ \n\x01 ü");
              frames.End();
            }),
            "{\"frame\":\"failure\",\"message\":\"a \\\"b\\\" \\\\ \\u000a\\u0001 ü\"}\n");
}

}  // namespace
}  // namespace rmem
