#include "trace/android_decoder.h"

#include "trace/normaliser.h"
#include "trace/trace_testing.h"

namespace rmem::testing {
namespace {

std::vector<Event> Read(std::string_view text, TraceInfo& info, std::size_t piece = 1000) {
  Collector sink;
  Normaliser normaliser(info, sink);
  PushAll(*MakeDecoder(TraceFormat::kAndroid, {}, info, normaliser), AsBytes(text), piece);
  EXPECT_EQ(sink.finished, 1);
  return sink.events;
}

std::vector<Event> Read(std::string_view text) {
  TraceInfo info;
  return Read(text, info);
}

TraceError ErrorIn(std::string_view text) {
  return ErrorOf([&] { Read(text); });
}

constexpr std::string_view kEverything =
    "202: malloc 0xb4827400 1024\n"
    "202: calloc 0xb4827800 3 50\n"
    "203: memalign 0xb4827900 64 100\n"
    "203: realloc 0xb4827a00 0xb4827400 2048\n"
    "202: realloc 0xb4827b00 0x0 16\n"
    "202: free 0xb4827800\n"
    "202: free 0x0\n"
    "203: thread_done 0x0\n"
    "203: malloc 0xb4827800 8\n";

std::vector<Event> Everything() {
  return {ThreadStart(0, 202),
          Alloc(1, {.size = 1024}),
          Alloc(2, {.size = 150, .flags = kFlagZeroed}),
          ThreadStart(1, 203),
          Alloc(3, {.thread = 1, .size = 100, .alignment = 64}),
          Realloc(1, 4, {.thread = 1, .size = 2048}),
          Alloc(5, {.size = 16}),
          Free(2),
          ThreadEnd(1),
          ThreadStart(2, 203),
          Alloc(6, {.thread = 2, .size = 8})};
}

TEST(AndroidDecoder, ReadsEveryCall) {
  TraceInfo info;
  EXPECT_EQ(Read(kEverything, info), Everything());
  EXPECT_EQ(info.report.linesRead, 9u);
  EXPECT_EQ(info.report.repairs["free-of-null"].count, 1u);
  EXPECT_EQ(info.report.repairs["free-of-null"].firstPositions, std::vector<std::uint64_t>{7});
  EXPECT_EQ(info.report.Dropped(), 0u);
}

TEST(AndroidDecoder, DoesNotCareWhereThePiecesEnd) {
  for (std::size_t piece = 1; piece < 60; ++piece) {
    TraceInfo info;
    EXPECT_EQ(Read(kEverything, info, piece), Everything()) << piece;
  }
}

TEST(AndroidDecoder, TakesCrLfEmptyLinesSpacesAndALastLineWithoutEnd) {
  EXPECT_EQ(Read("\r\n  1:  malloc\t0x10   16  \r\n\n1: free 0X10"),
            (std::vector<Event>{ThreadStart(0, 1), Alloc(1, {.size = 16}), Free(1)}));
}

TEST(AndroidDecoder, TakesTimes) {
  const auto events = Read(
      "1: malloc 0x10 16 100 120\n"
      "1: calloc 0x20 1 16 130 140\n"
      "1: memalign 0x30 16 16 150 160\n"
      "1: realloc 0x40 0x10 32 170 180\n"
      "1: realloc 0x50 0x40 32 -1 190 200\n"
      "1: realloc 0x60 0x50 32 64\n"
      "1: free 0x20 210 220\n"
      "1: free 0x30 16 230 240\n"
      "1: free 0x60 -5\n"
      "1: thread_done 0x0 250 260\n");
  std::vector<std::uint64_t> times;
  for (const Event& event : events) times.push_back(event.timeNs);
  // A malloc at its end, a free at its start.
  EXPECT_EQ(times,
            (std::vector<std::uint64_t>{120, 120, 140, 160, 180, 200, kNoTime, 210, 230, kNoTime, 260}));
}

TEST(AndroidDecoder, NamesTheLineThatIsWrong) {
  const std::string good = "1: malloc 0x10 16\n";
  for (const char* bad : {"malloc 0x10 16",
                          "1 malloc 0x10 16",
                          "x: malloc 0x10 16",
                          "1: alloc 0x10 16",
                          "1: malloc",
                          "1: malloc 0x10",
                          "1: malloc 10 16",
                          "1: malloc 0x 16",
                          "1: malloc 0x10 x",
                          "1: malloc 0x10 16x",
                          "1: malloc 0x10z 16",
                          "1: malloc 0x11112222333344445 16",
                          "1: malloc 0x20 16 5",
                          "1: malloc 0x20 16 1 2 3",
                          "1: free",
                          "1: free 0x10 1 2 3 4",
                          "1: calloc 0x20 1",
                          "1: realloc 0x20 0x10",
                          "4294967296: free 0x10",
                          "1:",
                          ":",
                          "1: malloc 0x20 16 1 18446744073709551615"}) {
    const TraceError error = ErrorIn(good + bad + "\n");
    EXPECT_EQ(error.code(), "bad-line") << bad;
    EXPECT_EQ(error.line(), 2u) << bad;
  }
}

TEST(AndroidDecoder, CallsTextThatIsNoTraceSo) {
  EXPECT_EQ(ErrorIn("Dear reader,\n").code(), "not-a-trace");
  EXPECT_EQ(ErrorIn("Dear reader").code(), "not-a-trace");
  EXPECT_EQ(ErrorIn("").code(), "empty");
  EXPECT_EQ(ErrorIn(std::string_view("\0\0\0\0", 4)).code(), "not-a-trace");
}

TEST(AndroidDecoder, RefusesSizesThatNoBlockHas) {
  for (const char* line :
       {"1: malloc 0x10 9223372036854775808", "1: malloc 0x10 140737488355329",
        "1: malloc 0x10 99999999999999999999999", "1: calloc 0x10 4294967296 4294967296",
        "1: calloc 0x10 99999999999999999999999 2", "1: memalign 0x10 16 18446744073709551615",
        "1: realloc 0x10 0x0 9223372036854775808"}) {
    const TraceError error = ErrorIn(std::string("\n").append(line));
    EXPECT_EQ(error.code(), "bad-size") << line;
    EXPECT_EQ(error.line(), 2u);
  }
  EXPECT_EQ(ErrorIn("1: memalign 0x10 48 16").code(), "bad-alignment");
  EXPECT_EQ(ErrorIn("1: memalign 0x10 8589934592 16").code(), "bad-alignment");
  EXPECT_EQ(Read("1: malloc 0x10 140737488355328").size(), 2u);
}

TEST(AndroidDecoder, KeepsNoMoreThanALineInMemory) {
  TraceInfo info;
  Collector sink;
  const auto decoder = MakeDecoder(TraceFormat::kAndroid, {}, info, sink);
  const std::string piece(1000, '1');
  const TraceError error = ErrorOf([&] {
    for (int i = 0; i < 100; ++i) decoder->Push(AsBytes(piece));
  });
  EXPECT_EQ(error.line(), 1u);
  EXPECT_EQ(ErrorIn("1: free 0x0\n1: free 0x0" + std::string(5000, ' ') + "\n").line(), 2u);
}

}  // namespace
}  // namespace rmem::testing
