#include "trace/allocation_profile.h"

#include <bit>

namespace rmem {
namespace {

/** Rounded up to five significant bits: by less than 1/16, to one of at most 16 sizes between powers of two.
 */
std::uint64_t RoundedUp(std::uint64_t size) {
  const int width = std::bit_width(size);
  if (width <= 5) return size;
  const std::uint64_t step = std::uint64_t{1} << (width - 5);
  return (size + step - 1) / step * step;
}

void Add(BlockCount& count, std::uint64_t size) {
  ++count.blocks;
  const std::uint64_t sum = count.bytes + size;
  count.bytes = sum < size ? ~std::uint64_t{0} : sum;
}

/** The variance of a sum of weighted samples is estimated by the sum of w (w - 1) x^2 (Horvitz and Thompson
 * 1952, for samples drawn independently). */
void Add(SiteCount& count, std::uint64_t size, double weight) {
  const auto bytes = static_cast<double>(size);
  const double variance = weight * (weight - 1);
  ++count.samples;
  count.blocks += weight;
  count.bytes += weight * bytes;
  count.blocksVariance += variance;
  count.bytesVariance += variance * bytes * bytes;
}

}  // namespace

AllocationProfiler::AllocationProfiler(const TraceInfo& info, const AllocationProfilerOptions& options)
    : info_(info), options_(options) {}

void AllocationProfiler::Consume(std::span<const Event> events) {
  if (!begun_) {
    begun_ = true;
    stackBytes_ = StackBytesOf(info_.header);
  }
  for (const Event& event : events) Take(event);
}

void AllocationProfiler::Finish() {
  for (const auto& [id, open] : open_) {
    if (open.counted) ++profile_.types[open.type].openAtEnd;
  }
}

void AllocationProfiler::Take(const Event& event) {
  if (event.type == EventType::kMark) Mark(event);
  if (!stopped_) {
    ++profile_.events;
    if (event.timeNs != kNoTime) {
      if (profile_.firstTimeNs == kNoTime) profile_.firstTimeNs = event.timeNs;
      profile_.lastTimeNs = event.timeNs;
    }
  }
  switch (event.type) {
    case EventType::kAlloc:
    case EventType::kRealloc:
      if (!stopped_) Born(event);
      break;
    case EventType::kBegin: {
      // A savepoint takes the type of the transaction it is in, whatever it calls itself.
      const auto parent = event.scope == 0 ? open_.end() : open_.find(event.scope);
      const bool nested = parent != open_.end();
      const bool counted = !nested && !stopped_;
      const std::uint16_t type = nested ? parent->second.type : event.name;
      open_.emplace(event.id, Open{type, counted});
      if (counted) ++profile_.types[type].transactions;
      break;
    }
    case EventType::kCommit:
    case EventType::kAbort: {
      const auto found = open_.find(event.id);
      if (found == open_.end()) break;
      if (event.type == EventType::kAbort && found->second.counted && !stopped_) {
        ++profile_.types[found->second.type].aborts;
      }
      open_.erase(found);
      break;
    }
    default:
      break;
  }
}

void AllocationProfiler::Mark(const Event& event) {
  if (event.name >= info_.names.marks.size()) return;
  const std::string& text = info_.names.marks[event.name];
  if (text == "start" && !started_) {
    // What lies before built the opening population. Transactions that are open go on without being counted.
    started_ = true;
    stopped_ = false;
    profile_ = AllocationProfile{};
    profile_.windowed = true;
    rows_ = 0;
    for (auto& [id, open] : open_) open.counted = false;
  } else if (text == "stop" && !stopped_) {
    stopped_ = true;
    profile_.windowed = true;
  }
}

void AllocationProfiler::Born(const Event& event) {
  AllocationGroup& group = GroupOf(event.scope);
  Add(group.all, event.size);
  if (event.type == EventType::kRealloc) ++group.reallocs;
  bool listed = true;
  if (BlockCount* exact = Row(group.sizes, event.size, options_.exactRows)) {
    Add(*exact, event.size);
  } else if (BlockCount* rounded = Row(group.sizes, RoundedUp(event.size), options_.allRows)) {
    Add(*rounded, event.size);
    ++profile_.roundedBlocks;
  } else {
    listed = false;
  }
  if (BlockCount* kind = Row(group.kinds, event.name, options_.allRows)) {
    Add(*kind, event.size);
  } else {
    listed = false;
  }
  if (event.site != 0) {
    if (SiteCount* site = Row(group.sites, event.site, options_.allRows)) {
      Add(*site, event.size, StackWeight(event.size, stackBytes_));
    } else {
      listed = false;
    }
  }
  if (!listed) ++profile_.unlistedBlocks;
}

AllocationGroup& AllocationProfiler::GroupOf(std::uint64_t scope) {
  if (scope == 0) return profile_.outside;
  const auto found = open_.find(scope);
  return found == open_.end() ? profile_.outside : profile_.types[found->second.type];
}

/** The row of `key`; null where it would be a new one beyond `bound`. */
template <class Map>
typename Map::mapped_type* AllocationProfiler::Row(Map& rows, typename Map::key_type key, std::size_t bound) {
  if (const auto found = rows.find(key); found != rows.end()) return &found->second;
  if (rows_ >= bound) return nullptr;
  ++rows_;
  return &rows[key];
}

}  // namespace rmem
