#pragma once

#include "replay/coordination.h"
#include "replay/live_delta.h"

namespace rmem {

/**
 * The loop of rounds whose own speed does not matter: `operation(at)` does blocks and transactions, and is
 * false when it failed; waits, windows, sleeps and publishing are done here, as in the timed loop.
 */
template <bool kStreams, class Operation>
const Instruction* PlainLoop(StreamContext& context, const Instruction* pc, const Instruction* const end,
                             Operation&& operation) {
  const auto stopAt = [&context](const Instruction* at, StreamFault fault) {
    context.fault = fault;
    return at;
  };
  for (; pc != end; ++pc) {
    bool goesOn = true;
    switch (pc->op) {
      case Op::kThreadStart:
        break;
      case Op::kThreadEnd:
        ++pc;
        if constexpr (kStreams) Publish(context, pc);
        return pc;
      case Op::kWait:
        if constexpr (kStreams) goesOn = WaitForStream(context, pc);
        break;
      case Op::kWindow:
        if constexpr (kStreams) goesOn = EnterWindow(context, pc);
        break;
      case Op::kSleepUntil:
        goesOn = SleepUntil(context, pc);
        break;
      default:
        if constexpr (kStreams) context.live += LiveDelta(*pc, context.wide);
        if (!operation(pc)) return stopAt(pc, StreamFault::kFailed);
    }
    if (!goesOn) return stopAt(pc, StreamFault::kHalted);
    if constexpr (kStreams) {
      if ((pc - context.first) % kPublishEvery != 0) continue;
      Publish(context, pc + 1);
      if (Halted()) return stopAt(pc + 1, StreamFault::kHalted);
    }
  }
  if constexpr (kStreams) Publish(context, pc);
  return pc;
}

}  // namespace rmem
