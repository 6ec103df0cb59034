#include "trace/call_site_analyser.h"

namespace rmem {

void CallSiteAnalyser::Consume(std::span<const Event> events) {
  if (!begun_) {
    begun_ = true;
    stackBytes_ = StackBytesOf(info_.header);
  }
  for (const Event& event : events) Take(event);
}

void CallSiteAnalyser::Take(const Event& event) {
  const auto died = [this](std::uint64_t id) { Died(id); };
  switch (event.type) {
    case EventType::kAlloc:
      Born(event.id, event);
      break;
    case EventType::kFree:
      Died(event.id);
      break;
    case EventType::kRealloc:
      Died(event.id);
      Born(event.newId, event);
      break;
    case EventType::kBegin:
      open_.Begin(event.id, event.scope);
      break;
    case EventType::kCommit:
    case EventType::kAbort:
      if (!open_.IsOpen(event.id)) break;
      open_.EndDescendants(event.id, died, [](std::uint64_t) {});
      open_.End(event.id, (event.flags & kFlagInherit) != 0, died);
      break;
    default:
      break;
  }
}

void CallSiteAnalyser::Born(std::uint64_t id, const Event& event) {
  ++analysis_.blocks;
  analysis_.bytes += event.size;
  live_.Insert(id, {event.size, event.site});
  if ((event.flags & kFlagDiesWithScope) != 0 && open_.IsOpen(event.scope)) open_.AddDying(event.scope, id);
  if (event.site != 0) {
    ++analysis_.samples;
    Change(event.site, event.size, 1);
    CallSiteActivity& activity = sites_[event.site].activity;
    const double weight = StackWeight(event.size, stackBytes_);
    ++activity.samples;
    activity.blocks += weight;
    activity.bytes += weight * static_cast<double>(event.size);
  }
  liveBytes_ += event.size;
  if (liveBytes_ > analysis_.peakBytes) {
    analysis_.peakBytes = liveBytes_;
    ++peak_;
  }
}

void CallSiteAnalyser::Died(std::uint64_t id) {
  Block block;
  if (!live_.Take(id, &block)) return;  // freed before its transaction ended
  liveBytes_ -= block.size;
  if (block.site != 0) Change(block.site, block.size, -1);
}

void CallSiteAnalyser::Change(std::uint32_t index, std::uint64_t size, double sign) {
  if (index >= sites_.size()) sites_.resize(index + std::size_t{1});
  Site& site = sites_[index];
  TakePeak(site);
  const double weight = sign * StackWeight(size, stackBytes_);
  site.liveBlocks += weight;
  site.liveBytes += weight * static_cast<double>(size);
}

/** A site that has not changed since the last maximum was then as it is now. */
void CallSiteAnalyser::TakePeak(Site& site) const {
  if (site.peak == peak_) return;
  site.peak = peak_;
  site.activity.peakBytes = site.liveBytes;
  site.activity.peakBlocks = site.liveBlocks;
}

void CallSiteAnalyser::Finish() {
  analysis_.sites.reserve(sites_.size());
  for (Site& site : sites_) {
    TakePeak(site);
    site.activity.endBytes = site.liveBytes;
    analysis_.sites.push_back(site.activity);
  }
}

}  // namespace rmem
