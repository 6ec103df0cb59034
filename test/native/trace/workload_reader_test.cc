#include "trace/workload_reader.h"

#include <unistd.h>

#include <cstdio>
#include <memory>

#include "trace/trace_testing.h"

namespace rmem::testing {
namespace {

std::string Number(std::uint64_t value) {
  std::string bytes(1, static_cast<char>(value & 0x7f));
  for (value >>= 7; value != 0; value >>= 7)
    bytes.insert(bytes.begin(), static_cast<char>((value & 0x7f) | 0x80));
  return bytes;
}

std::string Call(char code, std::initializer_list<std::uint64_t> numbers) {
  std::string bytes(1, code);
  for (const std::uint64_t number : numbers) bytes += Number(number);
  return bytes;
}

/** A file with 10 syncs; offsets take two bytes. */
std::string Workload(const std::vector<std::string>& threads) {
  std::string header = Call(8, {100}) + Call(9, {10}) + Call(10, {threads.size()});
  std::size_t at = header.size() + threads.size() * 3 + 1;
  std::string bodies;
  for (const std::string& thread : threads) {
    header += {11, static_cast<char>(at >> 7 | 0x80), static_cast<char>(at & 0x7f)};
    at += thread.size();
    bodies += thread;
  }
  return header + '\1' + bodies;
}

struct Outcome {
  TraceInfo info;
  std::vector<Event> events;
};

Outcome Read(std::string_view bytes, const ResolveOptions& options = {}) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
  EXPECT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), file.get()), bytes.size());
  EXPECT_EQ(std::fflush(file.get()), 0);
  Outcome outcome;
  Collector sink;
  ReadWorkload(fileno(file.get()), options, outcome.info, sink);
  EXPECT_EQ(sink.finished, 1);
  outcome.events = sink.events;
  return outcome;
}

TraceError ErrorIn(std::string_view bytes, const ResolveOptions& options = {}) {
  return ErrorOf([&] { Read(bytes, options); });
}

const std::string kDone(1, '\1');

TEST(ReadWorkload, ReadsEveryCall) {
  const std::string calls = Call(2, {1, 300}) + Call(3, {2, 5}) + Call(4, {3, 1, 70000}) +
                            Call(12, {4, 64, 100}) + Call(13, {5, 10}) + Call(14, {6, 11}) +
                            Call(15, {7, 128, 12}) + std::string(1, '\0') + Call(5, {2}) + Call(5, {0}) +
                            Call(2, {0, 8}) + Call(5, {50}) + kDone;
  const Outcome outcome = Read(Workload({calls}));
  EXPECT_EQ(outcome.events,
            (std::vector<Event>{
                ThreadStart(0, 0), Alloc(1, {.size = 300}), Alloc(2, {.size = 5, .flags = kFlagZeroed}),
                Realloc(1, 3, {.size = 70000}), Alloc(4, {.size = 100, .alignment = 64}),
                Alloc(5, {.size = 10, .alignment = 4096}), Alloc(6, {.size = 11, .alignment = 4096}),
                Alloc(7, {.size = 12, .alignment = 128}), Free(2), ThreadEnd(0)}));
  EXPECT_EQ(outcome.info.report.repairs.at("free-of-null").count, 1u);
  EXPECT_EQ(outcome.info.report.repairs.at("failed-allocation").count, 1u);
  EXPECT_EQ(outcome.info.report.repairs.at("free-of-unknown-block").count, 1u);
}

TEST(ReadWorkload, LetsThreadsTakeTurns) {
  const Outcome outcome =
      Read(Workload({Call(2, {1, 1}) + Call(2, {2, 2}) + kDone, Call(2, {3, 3}) + Call(2, {4, 4}) + kDone}));
  std::vector<std::uint64_t> sizes;
  for (const Event& event : outcome.events) {
    if (event.type == EventType::kAlloc) sizes.push_back(event.size);
  }
  EXPECT_EQ(sizes, (std::vector<std::uint64_t>{1, 3, 2, 4}));
}

TEST(ReadWorkload, HonoursWaits) {
  // The first thread frees what the second makes last.
  const Outcome outcome = Read(Workload(
      {Call(7, {3}) + Call(5, {2}) + kDone, Call(2, {1, 1}) + Call(2, {2, 2}) + Call(6, {3}) + kDone}));
  EXPECT_EQ(outcome.info.report.repairs.size(), 0u);
  EXPECT_EQ(outcome.info.report.events, 7u);
  // A signal that came before the wait counts.
  EXPECT_TRUE(Read(Workload({Call(6, {3}) + kDone, Call(2, {1, 1}) + Call(7, {3}) + kDone}))
                  .info.report.repairs.empty());
}

TEST(ReadWorkload, LetsGoWhereAllWait) {
  const Outcome outcome = Read(Workload({Call(7, {1}) + Call(2, {1, 1}) + Call(6, {2}) + kDone,
                                         Call(7, {2}) + Call(2, {2, 2}) + Call(6, {1}) + kDone}));
  EXPECT_EQ(outcome.info.report.repairs.at("wait-without-signal").count, 1u);
  EXPECT_EQ(outcome.info.report.events, 6u);
}

TEST(ReadWorkload, ReadsWhatIsLargerThanItsBuffers) {
  std::string calls;
  for (int i = 0; i < 100'000; ++i) calls += Call(2, {1, 300}) + Call(5, {1});
  const Outcome outcome = Read(Workload({calls + kDone}));
  EXPECT_EQ(outcome.info.report.events, 200'002u);
  EXPECT_TRUE(outcome.info.report.repairs.empty());
}

TEST(ReadWorkload, CutAnywhereIsReadUpToThereOrRefused) {
  const std::string whole = Workload({Call(2, {1, 300}) + Call(5, {1}) + kDone, Call(2, {2, 300}) + kDone});
  std::uint64_t warned = 0;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    try {
      warned += Read(whole.substr(0, length)).info.report.warnings.size();
    } catch (const TraceError& error) {
      EXPECT_TRUE(error.code() == "truncated" || error.code() == "empty") << error.code();
    }
    EXPECT_TRUE(ErrorIn(whole.substr(0, length), {.strict = true}).code() != "none");
  }
  EXPECT_GT(warned, 0u);
}

TEST(ReadWorkload, RefusesWhatIsNoWorkload) {
  EXPECT_EQ(ErrorIn("Dear reader").code(), "not-a-trace");
  EXPECT_EQ(ErrorIn(Workload({Call(16, {})})).code(), "bad-record");
  EXPECT_EQ(ErrorIn(Workload({Call(6, {10}) + kDone})).code(), "bad-record");
  EXPECT_EQ(ErrorIn(Workload({"\2" + std::string(10, '\xff')})).code(), "bad-record");
  EXPECT_EQ(ErrorIn(Workload({Call(12, {1, 48, 8})})).code(), "bad-alignment");
  EXPECT_EQ(ErrorIn(Workload({Call(12, {1, std::uint64_t{1} << 33, 8})})).code(), "bad-alignment");
  EXPECT_EQ(ErrorIn(Workload({Call(2, {1, std::uint64_t{1} << 48})})).code(), "bad-size");
  // Threads at one place, or in the header, would be read again and again.
  EXPECT_EQ(ErrorIn(Call(10, {2}) + Call(11, {7}) + Call(11, {7}) + kDone + kDone).code(), "not-a-trace");
  EXPECT_EQ(ErrorIn(Call(10, {1}) + Call(11, {1}) + kDone + kDone).code(), "not-a-trace");
  EXPECT_EQ(ErrorIn(Call(10, {2}) + Call(11, {5}) + kDone + kDone).code(), "not-a-trace");
  EXPECT_EQ(ErrorIn(Call(9, {100'000})).code(), "not-a-trace");
}

}  // namespace
}  // namespace rmem::testing
