// The first byte chooses the size of the pieces. What comes must be canonical, and name call sites that there
// are.

#include "pushing.h"
#include "trace/normaliser.h"

namespace rmem::fuzzing {
namespace {

class MustHaveSites : public EventSink {
 public:
  MustHaveSites(const TraceInfo& info, EventSink& next) : info_(info), next_(next) {}
  void Consume(std::span<const Event> events) override {
    for (const Event& event : events) {
      if (event.site >= info_.callSites.nodes().size()) std::abort();
    }
    next_.Consume(events);
  }
  void Finish() override { next_.Finish(); }

 private:
  const TraceInfo& info_;
  EventSink& next_;
};

}  // namespace
}  // namespace rmem::fuzzing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rmem;
  using namespace rmem::fuzzing;
  if (size == 0) return 0;
  TraceInfo info;
  Nowhere nowhere;
  MustBeCanonical check(nowhere);
  MustHaveSites sites(info, check);
  Normaliser normaliser(info, sites);
  const auto input = std::as_bytes(std::span(data + 1, size - 1));
  Decode(TraceFormat::kHeaptrack, {}, info, normaliser, input, std::size_t{1} + data[0] * 7);
  return 0;
}
