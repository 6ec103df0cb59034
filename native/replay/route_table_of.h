#pragma once

#include "replay/check_loop.h"
#include "replay/latency_loop.h"
#include "replay/route_table.h"
#include "replay/timed_loop.h"

namespace rmem {

/** Compiles all loops for one route. */
template <class Route>
class RouteTableOf {
  template <bool kStreams>
  static LoopFunction Loop(ReplayMode mode) {
    switch (mode) {
      case ReplayMode::kCheck:
        return CheckLoop<Route, kStreams>;
      case ReplayMode::kLatency:
        return LatencyLoop<Route, kStreams>;
      default:
        return TimedLoop<Route, kStreams>;
    }
  }

  static bool Clear(StreamContext& context, std::span<const PlanLeftover> leftovers,
                    std::span<const std::uint32_t> openScopes) {
    Route& route = *static_cast<Route*>(context.route);
    for (const PlanLeftover& left : leftovers) {
      void*& block = context.slots[left.slot];
      if (context.checked != nullptr && !CheckLeftover(context, left)) return false;
      // What an arena holds ends with it, below.
      if (Route::kTransactions && (left.flags & kPlanArena) != 0) continue;
      route.Free(block, left.size, (std::size_t{1} << (left.flags >> kPlanAlignShift)) & ~std::size_t{1});
    }
    for (const std::uint32_t scope : openScopes)
      ScopeOperation(route, context, {Op::kAbort, 0, 0, scope, 0, 0});
    return true;
  }

  static bool CheckLeftover(StreamContext& context, const PlanLeftover& left) {
    const void* block = context.slots[left.slot];
    if (block == nullptr) return true;
    const CheckedBlock& known = context.checked[left.slot];
    const std::size_t offset = FindMismatch(block, known.seed, left.size);
    if (offset == kNoMismatch) return true;
    context.failures->SetAt(
        known.bornBy, known.bornAt, "corrupted-block",
        "the block of %zu bytes at %p, alive at the end, does not hold what was written to it: "
        "another block overlaps it, or the allocator wrote into it (offset %zu)",
        static_cast<std::size_t>(left.size), block, offset);
    return false;
  }

 public:
  static constexpr RouteTable kTable = {
      Route::kTouches,
      [](const HeapConfig& config) { return static_cast<void*>(Route::Create(config)); },
      [](ReplayMode mode, bool streams) { return streams ? Loop<true>(mode) : Loop<false>(mode); },
      Clear,
      [](void* route, const StatVisitor& visit) { static_cast<Route*>(route)->VisitStats(visit); },
      [] { return Route::ReliefName(); },
      [](void* route, Relief relief) { static_cast<Route*>(route)->Relieve(relief); },
  };
};

}  // namespace rmem
