#include "trace/series_sink.h"

namespace rmem {

void SeriesSink::Consume(std::span<const Event> events) {
  for (const Event& event : events) Take(event);
}

void SeriesSink::Take(const Event& event) {
  const auto died = [&](std::uint64_t id) { Dies(id); };
  switch (event.type) {
    case EventType::kAlloc:
      Born(event.id, event);
      break;
    case EventType::kFree:
      Dies(event.id);
      break;
    case EventType::kRealloc:
      Dies(event.id);
      Born(event.newId, event);
      break;
    case EventType::kBegin:
      open_.Begin(event.id, event.scope);
      break;
    case EventType::kCommit:
    case EventType::kAbort:
      if (event.type == EventType::kAbort) open_.EndDescendants(event.id, died, [](std::uint64_t) {});
      open_.End(event.id, (event.flags & kFlagInherit) != 0, died);
      break;
    case EventType::kSample:
      points_.push_back(
          {event.timeNs, event.size, event.id, event.newId, event.scope, allocatedBytes_, freedBytes_});
      break;
    default:
      break;
  }
}

void SeriesSink::Born(std::uint64_t id, const Event& event) {
  hasBlocks_ = true;
  sizes_.Insert(id, event.size);
  allocatedBytes_ += event.size;
  if (event.flags & kFlagDiesWithScope) open_.AddDying(event.scope, id);
}

void SeriesSink::Dies(std::uint64_t id) {
  std::uint64_t size = 0;
  // What dies with its transaction may have been freed before.
  if (sizes_.Take(id, &size)) freedBytes_ += size;
}

}  // namespace rmem
