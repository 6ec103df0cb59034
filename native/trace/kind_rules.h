#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "trace/filters.h"

namespace rmem {

/** The kinds that rules give to call sites. */
struct SiteKinds {
  std::vector<std::string> kinds;  // names; [0] is not used
  std::vector<std::uint16_t>
      ofSite;  // by site: an index into kinds, or 0: what the block is stays what it is
};

/** Gives blocks the kinds of their sites. A block without a site keeps the kind that it has. */
std::unique_ptr<Filter> MakeKindFilter(const SiteKinds& rules, TraceInfo& info, EventSink& next);

}  // namespace rmem
