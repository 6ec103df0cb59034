#pragma once

#include <cstddef>
#include <cstdint>

#include "replay/plan.h"
#include "replay/stream_context.h"

namespace rmem {

enum class BlockVerb : std::uint8_t { kAlloc, kFree, kFreeImplied, kRealloc };

/** One operation on a block, with its operands unpacked. */
struct BlockOperation {
  BlockVerb verb;
  bool zeroed;
  std::uint32_t slot;
  std::uint32_t scope;  // scope slot + 1 of a block that an arena may hold, else 0
  std::size_t size;     // the new one of a realloc
  std::size_t oldSize;
  std::size_t alignment;
};

/** The alignment that a block op's flags tell, 0 for malloc's own. */
inline std::size_t AlignmentOf(const Instruction& at) {
  return (std::size_t{1} << (at.flags >> kPlanAlignShift)) & ~std::size_t{1};
}

inline BlockVerb VerbOf(Op op) {
  switch (op) {
    case Op::kFree:
    case Op::kWideFree:
      return BlockVerb::kFree;
    case Op::kFreeImplied:
    case Op::kWideFreeImplied:
      return BlockVerb::kFreeImplied;
    case Op::kRealloc:
    case Op::kWideRealloc:
      return BlockVerb::kRealloc;
    default:
      return BlockVerb::kAlloc;
  }
}

/** Of the ops up to kWideRealloc. */
inline BlockOperation Decode(const Instruction& at, const WideOperands* wide) {
  BlockOperation operation{VerbOf(at.op),  (at.flags & kPlanZeroed) != 0 || at.op == Op::kAllocZeroed,
                           at.slot,        at.scope,
                           at.size,        at.aux,
                           AlignmentOf(at)};
  if (at.op >= Op::kWideAlloc) {
    const WideOperands& operands = wide[at.size];
    operation.size = operands.size;
    operation.oldSize = operands.oldSize;
    // A survivor's flag was taken back when it was found out; the table still has its scope.
    operation.scope = (at.flags & kPlanArena) != 0 ? operands.scope : 0;
  }
  return operation;
}

/** Sends an operation to where the route wants it: to its transaction's arena, or to the general side. */
template <class Route>
void* AllocateBlock(Route& route, const StreamContext& context, std::uint32_t scope, std::size_t size,
                    std::size_t alignment, bool zeroed) {
  if constexpr (Route::kTransactions) {
    if (scope != 0) return route.Allocate(context.scopes[scope - 1], size, alignment, zeroed);
  }
  return route.Allocate(size, alignment, zeroed);
}

template <class Route>
void FreeBlock(Route& route, const StreamContext& context, std::uint32_t scope, void* block, std::size_t size,
               std::size_t alignment) {
  if constexpr (Route::kTransactions) {
    if (scope != 0) return route.Free(context.scopes[scope - 1], block, size);
  }
  route.Free(block, size, alignment);
}

template <class Route>
void* ReallocateBlock(Route& route, const StreamContext& context, std::uint32_t scope, void* block,
                      std::size_t oldSize, std::size_t newSize, std::size_t alignment) {
  if constexpr (Route::kTransactions) {
    if (scope != 0) return route.Reallocate(context.scopes[scope - 1], block, oldSize, newSize, alignment);
  }
  return route.Reallocate(block, oldSize, newSize, alignment);
}

/** kBegin, kCommit and kAbort. False: there was no memory for the transaction. Routes without them do
 * nothing. */
template <class Route>
bool ScopeOperation(Route& route, const StreamContext& context, const Instruction& at) {
  if constexpr (Route::kTransactions) {
    Transaction*& scope = context.scopes[at.slot];
    switch (at.op) {
      case Op::kBegin:
        scope = route.Begin(at.aux == 0 ? nullptr : context.scopes[at.aux - 1], at.size);
        return scope != nullptr;
      case Op::kCommit:
        route.Commit(scope, (at.flags & kPlanInherit) != 0);
        break;
      default:
        route.Abort(scope);
    }
    scope = nullptr;
  }
  return true;
}

}  // namespace rmem
