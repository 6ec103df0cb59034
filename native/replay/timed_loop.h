#pragma once

#include <algorithm>

#include "replay/block_operation.h"
#include "replay/coordination.h"
#include "replay/live_delta.h"

namespace rmem {

/** How a loop goes on after an operation. */
enum class LoopStep : std::uint8_t { kNext, kThreadEnd, kFailed, kHalted };

/** Touches what is new in a block. False: there is no block, though one was asked for. */
template <class Route>
bool TouchBorn(const StreamContext& context, void* block, std::size_t size, bool zeroed) {
  if constexpr (Route::kTouches) {
    // An allocator may answer a request for no bytes with null.
    if (block == nullptr) [[unlikely]]
      return size == 0;
    zeroed ? context.touch.NewZeroed(block, size) : context.touch.New(block, size);
  }
  return true;
}

template <class Route>
bool TouchGrown(const StreamContext& context, void* block, std::size_t oldSize, std::size_t size) {
  if constexpr (Route::kTouches) {
    if (block == nullptr) [[unlikely]]
      return size == 0;
    if (size > oldSize) context.touch.New(static_cast<char*>(block) + oldSize, size - oldSize);
  }
  return true;
}

/** Operations with operands in the wide table: rare, and out of the way of the others. False: it failed. */
template <class Route>
[[gnu::noinline]] bool WideOperation(StreamContext& context, const Instruction& at) {
  Route& route = *static_cast<Route*>(context.route);
  const BlockOperation op = Decode(at, context.wide);
  void*& slot = context.slots[op.slot];
  switch (op.verb) {
    case BlockVerb::kAlloc:
      slot = AllocateBlock(route, context, op.scope, op.size, op.alignment, op.zeroed);
      return TouchBorn<Route>(context, slot, op.size, op.zeroed);
    case BlockVerb::kRealloc:
      slot = ReallocateBlock(route, context, op.scope, slot, op.oldSize, op.size, op.alignment);
      return TouchGrown<Route>(context, slot, op.oldSize, op.size);
    case BlockVerb::kFreeImplied:
      if (Route::kTransactions && op.scope != 0) return true;
      [[fallthrough]];
    case BlockVerb::kFree:
      FreeBlock(route, context, op.scope, slot, op.size, op.alignment);
      return true;
  }
  return true;
}

/** Whatever is not among the few operations that make up a trace. */
template <class Route, bool kStreams>
LoopStep OtherOperation(StreamContext& context, const Instruction* at) {
  Route& route = *static_cast<Route*>(context.route);
  const auto unless = [](LoopStep step, bool fine) { return fine ? LoopStep::kNext : step; };
  switch (at->op) {
    case Op::kAllocAligned: {
      const bool zeroed = (at->flags & kPlanZeroed) != 0;
      void* const block = AllocateBlock(route, context, at->scope, at->size, AlignmentOf(*at), zeroed);
      context.slots[at->slot] = block;
      return unless(LoopStep::kFailed, TouchBorn<Route>(context, block, at->size, zeroed));
    }
    case Op::kBegin:
    case Op::kCommit:
    case Op::kAbort:
      return unless(LoopStep::kFailed, ScopeOperation(route, context, *at));
    case Op::kThreadStart:
      return LoopStep::kNext;
    case Op::kThreadEnd:
      return LoopStep::kThreadEnd;
    case Op::kWait:
      return unless(LoopStep::kHalted, !kStreams || WaitForStream(context, at));
    case Op::kWindow:
      return unless(LoopStep::kHalted, !kStreams || EnterWindow(context, at));
    case Op::kSleepUntil:
      return unless(LoopStep::kHalted, SleepUntil(context, at));
    default:
      return unless(LoopStep::kFailed, WideOperation<Route>(context, *at));
  }
}

/** A comparison of its own: compilers would make a jump by table out of a chain of them, see below. */
inline bool Is(Op op, Op wanted) {
  asm volatile("" : "+r"(op));
  return op == wanted;
}

/**
 * The loop whose time is taken; memory rounds run it too. Nothing in it but decode, call, touch and the store
 * of the pointer. With kStreams (free order of several streams) it also counts its live bytes, publishes its
 * progress and waits where the plan says so; without, those instructions do nothing.
 *
 * A chain of branches instead of one jump by table: conditional branches are predicted from a much longer
 * history, and the order of operations in a recorded trace is predictable by that. On a trace of SQLite the
 * empty loop takes 0.7 ns an event; with computed gotos, one in each operation, it took 1.8.
 */
template <class Route, bool kStreams>
const Instruction* TimedLoop(StreamContext& context, const Instruction* pc, const Instruction* const end) {
  Route& route = *static_cast<Route*>(context.route);
  void** const slots = context.slots;
  [[maybe_unused]] std::int64_t live = context.live;

  while (pc != end) {
    const Instruction* const stop = kStreams ? pc + std::min(end - pc, kPublishEvery) : end;
    do {
      const Op op = pc->op;
      LoopStep step = LoopStep::kNext;
      if (Is(op, Op::kFree)) {
        if constexpr (kStreams) live -= pc->size;
        FreeBlock(route, context, pc->scope, slots[pc->slot], pc->size, AlignmentOf(*pc));
      } else if (Is(op, Op::kAlloc)) {
        if constexpr (kStreams) live += pc->size;
        void* const block = AllocateBlock(route, context, pc->scope, pc->size, 0, false);
        slots[pc->slot] = block;
        if (!TouchBorn<Route>(context, block, pc->size, false)) [[unlikely]]
          step = LoopStep::kFailed;
      } else if (Is(op, Op::kRealloc)) {
        const std::size_t size = pc->size, oldSize = pc->aux;
        if constexpr (kStreams) live += static_cast<std::int64_t>(size - oldSize);
        void* const block =
            ReallocateBlock(route, context, pc->scope, slots[pc->slot], oldSize, size, AlignmentOf(*pc));
        slots[pc->slot] = block;
        if (!TouchGrown<Route>(context, block, oldSize, size)) [[unlikely]]
          step = LoopStep::kFailed;
      } else if (Is(op, Op::kFreeImplied)) {
        if constexpr (kStreams) live -= pc->size;
        // An arena does all of them at its end.
        if (!Route::kTransactions || pc->scope == 0) route.Free(slots[pc->slot], pc->size, AlignmentOf(*pc));
      } else if (Is(op, Op::kAllocZeroed)) {
        if constexpr (kStreams) live += pc->size;
        void* const block = AllocateBlock(route, context, pc->scope, pc->size, 0, true);
        slots[pc->slot] = block;
        if (!TouchBorn<Route>(context, block, pc->size, true)) [[unlikely]]
          step = LoopStep::kFailed;
      } else {
        if constexpr (kStreams) context.live = live += LiveDelta(*pc, context.wide);
        step = OtherOperation<Route, kStreams>(context, pc);
      }
      if (step != LoopStep::kNext) [[unlikely]] {
        if (step == LoopStep::kFailed) context.fault = StreamFault::kFailed;
        if (step == LoopStep::kHalted) context.fault = StreamFault::kHalted;
        if (step == LoopStep::kThreadEnd) ++pc;
        if constexpr (kStreams) {
          context.live = live;
          Publish(context, pc);
        }
        return pc;
      }
    } while (++pc != stop);
    if constexpr (kStreams) {
      context.live = live;
      Publish(context, pc);
      if (Halted()) [[unlikely]] {
        context.fault = StreamFault::kHalted;
        return pc;
      }
    }
  }
  return pc;
}

}  // namespace rmem
