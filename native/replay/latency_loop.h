#pragma once

#include "replay/block_operation.h"
#include "replay/plain_loop.h"

namespace rmem {

/** One operation between two clock reads; what it needs is unpacked before the first, touched after the
 * second. */
template <class Route>
bool LatencyOperation(StreamContext& context, const Instruction* at) {
  Route& route = *static_cast<Route*>(context.route);
  const OperationClock& clock = *context.clock;
  LatencyRecord& record = *context.latency;

  if (at->op > Op::kWideRealloc) {
    std::uint64_t& begun = context.scopeStartTicks[at->slot];
    if (at->op == Op::kBegin) begun = clock.Before();
    if (!ScopeOperation(route, context, *at)) return false;
    // One that began before the measured section has no beginning here. Clocks of two CPUs may differ a
    // little.
    if (at->op != Op::kBegin && begun != 0) {
      const std::uint64_t ended = clock.After();
      record.transaction.Record(ended > begun ? ended - begun : 0);
    }
    return true;
  }

  const BlockOperation op = Decode(*at, context.wide);
  void*& slot = context.slots[op.slot];
  void* block = slot;
  switch (op.verb) {
    case BlockVerb::kAlloc: {
      const std::uint64_t before = clock.Before();
      block = AllocateBlock(route, context, op.scope, op.size, op.alignment, op.zeroed);
      record.alloc.Record(clock.After() - before);
      break;
    }
    case BlockVerb::kRealloc: {
      const std::uint64_t before = clock.Before();
      block = ReallocateBlock(route, context, op.scope, block, op.oldSize, op.size, op.alignment);
      record.realloc.Record(clock.After() - before);
      break;
    }
    case BlockVerb::kFreeImplied:
      // An arena does this at its end, all at once: that is in the transaction's time.
      if (Route::kTransactions && op.scope != 0) return true;
      [[fallthrough]];
    case BlockVerb::kFree: {
      const std::uint64_t before = clock.Before();
      FreeBlock(route, context, op.scope, block, op.size, op.alignment);
      record.free.Record(clock.After() - before);
      return true;
    }
  }
  slot = block;
  if constexpr (Route::kTouches) {
    if (block == nullptr) return op.size == 0;
    if (op.verb == BlockVerb::kRealloc) {
      if (op.size > op.oldSize)
        context.touch.New(static_cast<char*>(block) + op.oldSize, op.size - op.oldSize);
    } else {
      op.zeroed ? context.touch.NewZeroed(block, op.size) : context.touch.New(block, op.size);
    }
  }
  return true;
}

/** The loop of latency rounds. */
template <class Route, bool kStreams>
const Instruction* LatencyLoop(StreamContext& context, const Instruction* pc, const Instruction* const end) {
  return PlainLoop<kStreams>(
      context, pc, end, [&context](const Instruction* at) { return LatencyOperation<Route>(context, at); });
}

}  // namespace rmem
