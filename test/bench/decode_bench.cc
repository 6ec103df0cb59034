// Speeds of the trace floor, as one line of JSON: canonical decode, Android text, the generator; and how
// small events get. decode_bench [FILE [ANDROID_TEXT]]: FILE is a `.rmt` of the canonical profile, else
// events are generated.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "bench_program.h"
#include "trace/canonical_writer.h"
#include "trace/decoder.h"
#include "trace/generator.h"
#include "trace/normaliser.h"
#include "trace/trace_error.h"

namespace {

using rmem::Event;

constexpr int kRepeats = 5;
constexpr std::size_t kPieceBytes = 1 << 20;
constexpr std::uint64_t kGeneratedEvents = 4'000'000;

class Checksum : public rmem::EventSink {
 public:
  void Consume(std::span<const Event> events) override {
    count += events.size();
    for (const Event& event : events) sum += event.id;
  }
  void Finish() override {}
  std::uint64_t count = 0;
  std::uint64_t sum = 0;
};

double NowSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::vector<std::byte> ReadFile(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw rmem::TraceError("io", std::string("can't open ").append(path));
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

void PushAll(rmem::Decoder& decoder, std::span<const std::byte> bytes) {
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(bytes.size(), kPieceBytes))) {
    decoder.Push(bytes.first(std::min(bytes.size(), kPieceBytes)));
  }
  decoder.Finish();
}

std::vector<std::byte> Generated(bool times) {
  std::vector<std::byte> bytes;
  rmem::TraceInfo info;
  rmem::CanonicalWriter writer(info, {.times = times}, [&](std::span<const std::byte> piece) {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
  });
  rmem::WorkloadGenerator generator(rmem::BenchProgram(kGeneratedEvents), info, writer);
  while (generator.Step(1 << 16)) {
  }
  return bytes;
}

/** Generated events as Android text, for speed alone: transactions are left out. */
std::vector<std::byte> GeneratedText() {
  class Text : public rmem::EventSink {
   public:
    void Consume(std::span<const Event> events) override {
      char line[96];
      for (const Event& event : events) {
        int length = 0;
        const unsigned long long id = 0xb4000000 + event.id * 16;
        if (event.type == rmem::EventType::kAlloc) {
          length = std::snprintf(line, sizeof(line), "%u: malloc 0x%llx %llu\n", event.thread + 200, id,
                                 static_cast<unsigned long long>(event.size));
        } else if (event.type == rmem::EventType::kFree) {
          length = std::snprintf(line, sizeof(line), "%u: free 0x%llx\n", event.thread + 200, id);
        }
        text.append(line, static_cast<std::size_t>(length));
      }
    }
    void Finish() override {}
    std::string text;
  };
  Text text;
  rmem::TraceInfo info;
  rmem::WorkloadGenerator generator(rmem::BenchProgram(kGeneratedEvents / 4), info, text);
  while (generator.Step(1 << 16)) {
  }
  const auto bytes = std::as_bytes(std::span(text.text));
  return {bytes.begin(), bytes.end()};
}

/** The best of some runs of `run`, which returns how many things it did. */
template <class F>
double BestPerSecond(F&& run) {
  double best = 0;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const double start = NowSeconds();
    const std::uint64_t done = run();
    best = std::max(best, static_cast<double>(done) / (NowSeconds() - start));
  }
  return best;
}

double DecodePerSecond(std::span<const std::byte> bytes, std::uint64_t* events) {
  return BestPerSecond([&] {
    rmem::TraceInfo info;
    Checksum sink;
    PushAll(*rmem::MakeDecoder(rmem::TraceFormat::kRmt, {}, info, sink), bytes);
    return *events = sink.count;
  });
}

double TextLinesPerSecond(std::span<const std::byte> bytes) {
  return BestPerSecond([&] {
    rmem::TraceInfo info;
    Checksum sink;
    rmem::Normaliser normaliser(info, sink);
    PushAll(*rmem::MakeDecoder(rmem::TraceFormat::kAndroid, {}, info, normaliser), bytes);
    return info.report.linesRead;
  });
}

double GeneratedPerSecond() {
  return BestPerSecond([] {
    rmem::TraceInfo info;
    Checksum sink;
    rmem::WorkloadGenerator generator(rmem::BenchProgram(kGeneratedEvents), info, sink);
    while (generator.Step(1 << 16)) {
    }
    return sink.count;
  });
}

}  // namespace

int main(int argc, char** argv) try {
  const std::vector<std::byte> trace = argc > 1 ? ReadFile(argv[1]) : Generated(true);
  const std::vector<std::byte> text = argc > 2 ? ReadFile(argv[2]) : GeneratedText();
  std::uint64_t events = 0;
  const double decode = DecodePerSecond(trace, &events);
  const double lines = TextLinesPerSecond(text);
  std::printf(
      "{\"canonicalDecodeEventsPerSecond\":%.0f,\"bytesPerEvent\":%.3f,\"events\":%llu,"
      "\"androidLinesPerSecond\":%.0f,\"generatorEventsPerSecond\":%.0f}\n",
      decode, static_cast<double>(trace.size()) / static_cast<double>(std::max<std::uint64_t>(events, 1)),
      static_cast<unsigned long long>(events), lines, GeneratedPerSecond());
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "decode_bench: %s\n", error.what());
  return 1;
}
