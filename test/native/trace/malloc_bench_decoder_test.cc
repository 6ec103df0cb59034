#include "trace/malloc_bench_decoder.h"

#include "base/varint.h"
#include "trace/normaliser.h"
#include "trace/trace_testing.h"

namespace rmem::testing {
namespace {

Bytes Varint(std::uint64_t value) {
  std::byte bytes[kMaxVarintBytes];
  return Bytes(bytes, WriteVarint(bytes, value));
}

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Bytes Message(unsigned field, const Bytes& content) {
  return Varint(field << 3 | 2) + Varint(content.size()) + content;
}

/** One record: fields are pairs of number and value. */
Bytes Call(unsigned call, std::initializer_list<std::pair<unsigned, std::uint64_t>> fields) {
  Bytes content;
  for (const auto& [field, value] : fields) content = content + Varint(field << 3) + Varint(value);
  return Message(1, Message(call, content));
}

std::vector<Event> Read(const Bytes& bytes, TraceInfo& info, std::size_t piece = 100, bool strict = false) {
  Collector sink;
  Normaliser normaliser(info, sink);
  PushAll(*MakeDecoder(TraceFormat::kMallocBench, {.strict = strict}, info, normaliser), bytes, piece);
  return sink.events;
}

TraceError ErrorIn(const Bytes& bytes) {
  return ErrorOf([&] {
    TraceInfo info;
    Read(bytes, info);
  });
}

Bytes Everything() {
  return Call(1, {{1, 0}, {2, 100}}) + Call(1, {{1, 1}, {2, 64}, {3, 32}}) +
         Call(4, {{1, 2}, {2, 3}, {3, 50}}) + Call(3, {{1, 1}, {2, 1}, {3, 200}}) +
         Call(3, {{1, 7}, {3, 10}}) + Call(2, {{1, 0}, {2, 100}}) + Call(1, {{1, 0}, {2, 5}}) + Call(2, {}) +
         Call(2, {{1, 2}}) + Varint(2 << 3) + Varint(1000);
}

std::vector<Event> EverythingRead() {
  return {ThreadStart(0, 1),
          Alloc(1, {.size = 100}),
          Alloc(2, {.size = 64, .alignment = 32}),
          Alloc(3, {.size = 150, .flags = kFlagZeroed}),
          Realloc(2, 4, {.size = 200}),
          Alloc(5, {.size = 10}),
          Free(1, {.size = 100, .flags = kFlagSizeTold}),
          Alloc(6, {.size = 5}),
          Free(3)};
}

TEST(MallocBenchDecoder, ReadsEveryCallInPiecesOfAnySize) {
  for (std::size_t piece = 1; piece < 80; ++piece) {
    TraceInfo info;
    EXPECT_EQ(Read(Everything(), info, piece), EverythingRead()) << piece;
    EXPECT_EQ(info.report.linesRead, 9u);
    EXPECT_EQ(info.report.repairs["free-of-null"].count, 1u);
    EXPECT_EQ(info.report.Dropped(), 0u);
  }
}

TEST(MallocBenchDecoder, CutAtAnyByteIsReadUpToItsLastWholeRecord) {
  const Bytes all = Everything();
  for (std::size_t cut = 1; cut < all.size(); ++cut) {
    const Bytes part(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(cut));
    TraceInfo info;
    const auto events = Read(part, info);
    EXPECT_LE(events.size(), EverythingRead().size());
    if (info.report.warnings.empty()) continue;  // between two records
    EXPECT_EQ(ErrorOf([&] {
                TraceInfo strict;
                Read(part, strict, 100, true);
              }).code(),
              "truncated");
  }
}

TEST(MallocBenchDecoder, NamesTheByteOfTheRecordThatIsWrong) {
  const Bytes good = Call(1, {{1, 0}, {2, 100}});
  for (const Bytes& bad : {Bytes(30, std::byte{0xff}), Message(1, Message(5, {})), Message(1, Varint(8)),
                           Varint(1 << 3 | 5) + Varint(7), Varint(1 << 3 | 2) + Varint(1'000'000'000'000),
                           Message(1, Message(1, Varint(1 << 3))),
                           Message(1, Varint(1 << 3 | 2) + Varint(200)), Call(1, {{1, ~std::uint64_t{0}}})}) {
    const TraceError error = ErrorIn(good + bad);
    EXPECT_EQ(error.code(), "bad-record");
    EXPECT_EQ(error.byte(), good.size());
  }
}

TEST(MallocBenchDecoder, RefusesWhatIsNoTraceOrEmpty) {
  const std::string text = "This is a letter, and no trace at all.";
  const auto bytes = AsBytes(text);
  EXPECT_EQ(ErrorIn(Bytes(bytes.begin(), bytes.end())).code(), "not-a-trace");
  EXPECT_EQ(ErrorIn({}).code(), "empty");
}

TEST(MallocBenchDecoder, RefusesSizesThatNoBlockHas) {
  EXPECT_EQ(ErrorIn(Call(1, {{1, 1}, {2, std::uint64_t{1} << 63}})).code(), "bad-size");
  EXPECT_EQ(ErrorIn(Call(4, {{1, 1}, {2, std::uint64_t{1} << 33}, {3, std::uint64_t{1} << 33}})).code(),
            "bad-size");
  EXPECT_EQ(ErrorIn(Call(1, {{1, 1}, {2, 8}, {3, 3}})).code(), "bad-alignment");
}

}  // namespace
}  // namespace rmem::testing
