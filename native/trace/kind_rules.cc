#include "trace/kind_rules.h"

#include "trace/event_batch.h"

namespace rmem {
namespace {

class KindFilter : public Filter {
 public:
  KindFilter(const SiteKinds& rules, TraceInfo& info, EventSink& next)
      : rules_(rules), info_(info), out_(next), known_(rules.kinds.size()) {}

  void Consume(std::span<const Event> events) override {
    for (Event event : events) {
      if (event.site != 0 && event.site < rules_.ofSite.size() && rules_.ofSite[event.site] != 0)
        event.name = Index(rules_.ofSite[event.site]);
      out_.Add(event);
    }
  }
  void Finish() override { out_.Finish(); }

 private:
  std::uint16_t Index(std::uint16_t kind) {
    if (known_[kind] == 0) known_[kind] = info_.names.kinds.Intern(rules_.kinds[kind]) + 1u;
    return static_cast<std::uint16_t>(known_[kind] - 1);
  }

  const SiteKinds& rules_;
  TraceInfo& info_;
  EventBatch out_;
  std::vector<std::uint32_t> known_;  // index in the trace + 1
};

}  // namespace

std::unique_ptr<Filter> MakeKindFilter(const SiteKinds& rules, TraceInfo& info, EventSink& next) {
  return std::make_unique<KindFilter>(rules, info, next);
}

}  // namespace rmem
