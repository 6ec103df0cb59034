#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "base/bits.h"
#include "replay/block_operation.h"
#include "replay/check_pattern.h"
#include "replay/coordination.h"
#include "replay/failure.h"
#include "replay/plain_loop.h"

namespace rmem {

/** What the check round knows of a block, by slot. Only who may use the slot touches it. */
struct CheckedBlock {
  std::uint64_t seed;
  std::uint64_t bornAt;  // instruction of bornBy
  std::uint32_t bornBy;  // stream
  std::uint32_t generation;
};

/** What malloc owes a block without an alignment of its own: what an object of that size can need. */
inline std::size_t OwedAlignment(std::size_t size, std::size_t told) {
  if (told != 0) return told;
  return std::min<std::size_t>(alignof(std::max_align_t), std::bit_ceil(std::max<std::size_t>(size, 1)));
}

/**
 * One operation of the check round: fills what is born, and checks what is resized or dies. An overlap of two
 * blocks is found by the contents of the one that was filled first. Reports to `failures`; false then.
 */
template <class Route>
class CheckedOperation {
 public:
  CheckedOperation(StreamContext& context, const Instruction* at)
      : context_(context),
        route_(*static_cast<Route*>(context.route)),
        at_(at),
        op_(Decode(*at, context.wide)),
        slot_(context.slots[op_.slot]),
        known_(context.checked[op_.slot]) {}

  bool Run() {
    switch (op_.verb) {
      case BlockVerb::kAlloc:
        return Alloc();
      case BlockVerb::kRealloc:
        return Realloc();
      case BlockVerb::kFreeImplied:
        if (!CheckContents(op_.size)) return false;
        if (Route::kTransactions && op_.scope != 0) return true;
        route_.Free(slot_, op_.size, op_.alignment);
        return true;
      case BlockVerb::kFree:
        if (!CheckContents(op_.size)) return false;
        FreeBlock(route_, context_, op_.scope, slot_, op_.size, op_.alignment);
        return true;
    }
    return true;
  }

 private:
  bool Alloc() {
    slot_ = AllocateBlock(route_, context_, op_.scope, op_.size, op_.alignment, op_.zeroed);
    const std::uint64_t seed = MixBits((std::uint64_t{op_.slot} << 32) | ++known_.generation);
    known_ = {seed, Position(), context_.stream, known_.generation};
    if (slot_ == nullptr) return op_.size == 0 || Fail("out-of-memory", "got no memory", 0);
    if (!CheckAlignment(op_.alignment)) return false;
    if (op_.zeroed) {
      const std::size_t offset = FindNonZero(slot_, op_.size);
      if (offset != kNoMismatch) return Fail("not-zeroed", "should have come zeroed and did not", offset);
    }
    FillPattern(slot_, known_.seed, 0, op_.size);
    return true;
  }

  bool Realloc() {
    if (!CheckContents(op_.oldSize)) return false;
    slot_ = ReallocateBlock(route_, context_, op_.scope, slot_, op_.oldSize, op_.size, op_.alignment);
    if (slot_ == nullptr) return op_.size == 0 || Fail("out-of-memory", "got no memory to grow", 0);
    // realloc keeps no alignment but malloc's own.
    if (!CheckAlignment(0) || !CheckContents(std::min(op_.oldSize, op_.size))) return false;
    if (op_.size > op_.oldSize) FillPattern(slot_, known_.seed, op_.oldSize, op_.size);
    return true;
  }

  bool CheckAlignment(std::size_t told) {
    const std::size_t owed = OwedAlignment(op_.size, told);
    if (reinterpret_cast<std::uintptr_t>(slot_) % owed == 0) return true;
    context_.failures->SetAt(context_.stream, Position(), "misaligned-block",
                             "the allocator gave %p for %zu bytes, which is not aligned to %zu", slot_,
                             op_.size, owed);
    return false;
  }

  bool CheckContents(std::size_t size) {
    if (slot_ == nullptr) return true;
    const std::size_t offset = FindMismatch(slot_, known_.seed, size);
    return offset == kNoMismatch || Fail("corrupted-block",
                                         "does not hold what was written to it: another block overlaps it, "
                                         "or the allocator wrote into it",
                                         offset);
  }

  bool Fail(const char* code, const char* what, std::size_t offset) {
    context_.failures->SetAt(
        context_.stream, Position(), code,
        "the block of %zu bytes at %p %s (offset %zu; born as instruction %llu of stream %u)", op_.size,
        slot_, what, offset, static_cast<unsigned long long>(known_.bornAt), known_.bornBy);
    return false;
  }

  std::uint64_t Position() const { return static_cast<std::uint64_t>(at_ - context_.first); }

  StreamContext& context_;
  Route& route_;
  const Instruction* at_;
  const BlockOperation op_;
  void*& slot_;
  CheckedBlock& known_;
};

/** The loop of check rounds. */
template <class Route, bool kStreams>
const Instruction* CheckLoop(StreamContext& context, const Instruction* pc, const Instruction* const end) {
  return PlainLoop<kStreams>(context, pc, end, [&context](const Instruction* at) {
    if (at->op <= Op::kWideRealloc) return CheckedOperation<Route>(context, at).Run();
    return ScopeOperation(*static_cast<Route*>(context.route), context, *at);
  });
}

}  // namespace rmem
