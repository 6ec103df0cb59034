// The first byte chooses how the rest is read: bit 0 strict, 1 skip damaged, 2 leave the checksums as they
// are, 3-4 a filter, 5-7 the size of the pieces.

#include <array>

#include "pushing.h"
#include "trace/canonical_writer.h"
#include "trace/filters.h"
#include "trace/normaliser.h"

namespace {

using namespace rmem;
using namespace rmem::fuzzing;

class Kept : public EventSink {
 public:
  void Consume(std::span<const Event> batch) override {
    events.insert(events.end(), batch.begin(), batch.end());
  }
  void Finish() override {}
  std::vector<Event> events;
};

/** Whatever could be read can be written, and comes back. */
void WriteAndReadBack(const TraceInfo& info, const std::vector<Event>& events) {
  std::vector<std::byte> bytes;
  try {
    CanonicalWriter writer(info, {}, [&](std::span<const std::byte> piece) {
      bytes.insert(bytes.end(), piece.begin(), piece.end());
    });
    writer.Consume(events);
    writer.Finish();
  } catch (const TraceError& error) {
    // A header may be longer in our own words than in those of the file.
    if (std::strstr(error.what(), "description") != nullptr) return;
    std::fprintf(stderr, "can't be written: %s\n", error.what());
    std::abort();
  }
  TraceInfo again;
  Kept kept;
  if (!Decode(TraceFormat::kRmt, {.strict = true}, again, kept, bytes, 1 << 20)) std::abort();
  if (kept.events.size() != events.size()) std::abort();
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Event& a = events[i];
    const Event& b = kept.events[i];
    if (a.type != b.type || a.id != b.id || a.newId != b.newId || a.size != b.size || a.scope != b.scope ||
        a.thread != b.thread || a.timeNs != b.timeNs || a.alignment != b.alignment || a.flags != b.flags ||
        a.site != b.site) {
      std::abort();
    }
  }
}

std::unique_ptr<Filter> FilterOf(unsigned choice, TraceInfo& info, EventSink& next) {
  static constexpr std::array<std::uint64_t, 3> kThreads = {0, 1, 101};
  if (choice == 0) return MakeThreadFilter(kThreads, next);
  if (choice == 1) return MakeSizeFilter(16, 1024, next);
  if (choice == 2) return MakeTimeFilter(100, 100'000'000'000, info, next);
  return MakeHeadFilter(~std::uint64_t{0}, next);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned options = data[0];
  std::vector<std::byte> file(size - 1);
  if (size > 1) std::memcpy(file.data(), data + 1, size - 1);
  if ((options & 4) == 0) MendChecksums(file);
  const DecoderOptions decoding{.strict = (options & 1) != 0, .skipDamaged = (options & 2) != 0};
  const std::size_t piece = std::size_t{1} << ((options >> 5) * 3);

  TraceInfo info;
  Nowhere nowhere;
  Kept kept;
  if (decoding.skipDamaged) {
    MustBeCanonical check(kept);
    Normaliser normaliser(info, check, Normaliser::Positions::kEvents);
    if (Decode(TraceFormat::kRmt, decoding, info, normaliser, file, piece))
      WriteAndReadBack(info, kept.events);
    return 0;
  }
  {
    Validator validator(kept);
    if (Decode(TraceFormat::kRmt, decoding, info, validator, file, piece))
      WriteAndReadBack(info, kept.events);
  }
  TraceInfo filtered;
  MustBeCanonical check(nowhere);
  const auto filter = FilterOf(options >> 3 & 3, filtered, check);
  Validator validator(*filter);
  Decode(TraceFormat::kRmt, decoding, filtered, validator, file, piece);
  return 0;
}
