#include "interpose/record_stacks.h"

#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <unwind.h>

#include <array>
#include <atomic>
#include <cmath>
#include <limits>
#include <span>

#include "base/bits.h"
#include "interpose/record_log.h"
#include "interpose/record_modules.h"
#include "interpose/record_stack_bounds.h"

namespace rmem::record {

constinit thread_local std::int64_t tBytesToStack = 0;

namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
// Beside those that are kept: our own frames, which are dropped.
constexpr std::size_t kOwnFrames = 6;

constinit std::int64_t gWishedBytes = -1;
constinit std::int64_t gMeanBytes = -1;
constinit bool gPrepared = false;
constinit thread_local std::uint64_t tRandom = 0;
constinit thread_local bool tTaking = false;
constinit thread_local StackBounds tBounds{};

// Stacks that the unwinder has found, by hash. One that is overwritten is asked again.
constinit std::array<std::atomic<std::uint64_t>, 4096> gConfirmed{};

/**
 * How far the frame of the code at a return address reaches, as the unwinder found it: the address << 17 |
 * the frame's bytes / 8, where 0 means that the stack ends here. One that is overwritten is learnt again.
 */
constinit std::array<std::atomic<std::uint64_t>, 8192> gFrames{};
constexpr unsigned kFrameBits = 17;

struct Chain {
  std::array<std::uint64_t, kMaxStackFrames + kOwnFrames> addresses;
  /** The stack pointer that each address was returned to with. */
  std::array<std::uintptr_t, kMaxStackFrames + kOwnFrames> pointers;
  std::size_t count = 0;

  bool Add(std::uint64_t address, std::uintptr_t pointer) {
    addresses[count] = address;
    pointers[count] = pointer;
    return ++count < addresses.size();
  }
  /** How many of the innermost are our own frames. */
  std::size_t Own() const {
    std::size_t own = 0;
    while (own < count && IsOwnCode(addresses[own])) ++own;
    return own;
  }
  /** Without our own frames. */
  std::span<const std::uint64_t> OfProgram() const {
    const std::size_t own = Own();
    const std::size_t left = count - own;
    return std::span<const std::uint64_t>(addresses).subspan(own,
                                                             left < kMaxStackFrames ? left : kMaxStackFrames);
  }
};

/** An exponential variate of the mean gMeanBytes, whole bytes of it. */
std::int64_t NextDistance() {
  if (gMeanBytes <= 1) return gMeanBytes == 1 ? -1 : kNever;
  if (tRandom == 0)
    tRandom = reinterpret_cast<std::uintptr_t>(&tRandom) * 0x9e3779b97f4a7c15u ^ Clock().After();
  // splitmix64 (Steele, Lea and Flood 2014); its upper 53 bits are a number of (0, 1].
  std::uint64_t bits = tRandom += 0x9e3779b97f4a7c15u;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
  bits ^= bits >> 31;
  const double uniform = (static_cast<double>(bits >> 11) + 1) * 0x1p-53;
  return static_cast<std::int64_t>(-std::log(uniform) * static_cast<double>(gMeanBytes));
}

std::atomic<std::uint64_t>& FrameOf(std::uint64_t address) {
  return gFrames[MixBits(address) % gFrames.size()];
}

/** What lies at an address of the stack that is known to be one. */
std::uintptr_t At(std::uintptr_t address) {
  return *reinterpret_cast<const std::uintptr_t*>(address);
}

/**
 * The stack from `frame`, one of our own, on, by what was learnt of the frames on it; empty where something
 * is not known yet. Our own code keeps frame pointers.
 */
std::span<const std::uint64_t> Walk(std::uintptr_t frame, Chain& chain) {
  if (!tBounds.Holds(frame)) tBounds = FindStack(frame);
  if (!tBounds.Holds(frame)) return {};
  while (tBounds.Holds(frame + 2 * sizeof(frame) - 1) && IsOwnCode(At(frame + sizeof(frame)))) {
    const std::uintptr_t next = At(frame);
    if (next <= frame) return {};
    frame = next;
  }
  std::uintptr_t pointer = frame + 2 * sizeof(frame);
  while (chain.count < kMaxStackFrames) {
    if (!tBounds.Holds(pointer - 1)) return {};
    const std::uint64_t address = At(pointer - sizeof(pointer));
    const std::uint64_t known = FrameOf(address).load(std::memory_order_relaxed);
    if (known >> kFrameBits != (address & (~std::uint64_t{0} >> kFrameBits)) || address == 0) return {};
    chain.Add(address, pointer);
    const std::uint64_t words = known & ((1u << kFrameBits) - 1);
    if (words == 0) break;
    pointer += words * sizeof(pointer);
  }
  return chain.OfProgram();
}

/** Learns the frames of a stack that the unwinder found, as far as they are of the usual kind. */
void Learn(const Chain& chain) {
  const bool whole = chain.count < chain.addresses.size();
  for (std::size_t i = chain.Own(); i < chain.count; ++i) {
    std::uintptr_t bytes = 0;
    if (i + 1 < chain.count) {
      const std::uintptr_t next = chain.pointers[i + 1];
      bytes = next - chain.pointers[i];
      const bool usual = bytes > 0 && bytes % 8 == 0 && bytes >> (kFrameBits + 3) == 0 &&
                         At(next - sizeof(next)) == chain.addresses[i + 1];
      if (!usual) continue;  // of a signal
    } else if (!whole) {
      continue;
    }
    FrameOf(chain.addresses[i])
        .store(chain.addresses[i] << kFrameBits | bytes / 8, std::memory_order_relaxed);
  }
}

void Unlearn() {
  for (auto& frame : gFrames) frame.store(0, std::memory_order_relaxed);
  for (auto& hash : gConfirmed) hash.store(0, std::memory_order_relaxed);
}

_Unwind_Reason_Code AddFrame(_Unwind_Context* context, void* chain) {
  const std::uint64_t address = _Unwind_GetIP(context);
  if (address == 0) return _URC_END_OF_STACK;
  return static_cast<Chain*>(chain)->Add(address, _Unwind_GetCFA(context)) ? _URC_NO_REASON
                                                                           : _URC_END_OF_STACK;
}

std::uint64_t HashOf(std::span<const std::uint64_t> addresses) {
  std::uint64_t hash = addresses.size() + 1;
  for (const std::uint64_t address : addresses) {
    hash = (hash ^ address) * 0xff51afd7ed558ccdu;
    hash ^= hash >> 33;
  }
  return hash | 1;
}

}  // namespace

void WishStacks(const char* text) {
  char* end = nullptr;
  const unsigned long long bytes = strtoull(text, &end, 10);
  if (end == text || *end != '\0' || bytes == 0 || bytes > (1ull << 40)) return;
  gWishedBytes = static_cast<std::int64_t>(bytes);
}

void PrepareStacks() {
  gPrepared = true;
  if (gWishedBytes < 1) return;
  FindOwnCode();
  // What the unwinder sets up at its first use is set up now.
  Chain warm;
  _Unwind_Backtrace(AddFrame, &warm);
  gMeanBytes = gWishedBytes;
}

std::int64_t StackBytes() {
  return gWishedBytes == 1 ? 0 : gWishedBytes;
}

__attribute__((noinline)) void TakeStack(std::uint64_t ticks) {
  if (gMeanBytes < 1) {
    // Asked again until it is known whether there are to be any.
    tBytesToStack = gPrepared ? kNever : 0;
    return;
  }
  if (tTaking) return;  // a signal's handler
  if (tRandom == 0 && gMeanBytes > 1) {
    // The first allocation of a thread: what it starts with is the first distance, not a sample.
    const std::int64_t taken = -tBytesToStack;
    tBytesToStack = NextDistance() - taken;
    if (tBytesToStack >= 0) return;
  }
  tTaking = true;
  // Other code may lie where what was learnt of lay.
  if (TellModulesAtTimes(ticks)) Unlearn();
  Chain walked, unwound;
  std::span<const std::uint64_t> stack =
      Walk(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)), walked);
  std::uint64_t hash = HashOf(stack);
  if (stack.empty() || gConfirmed[hash % gConfirmed.size()].load(std::memory_order_relaxed) != hash) {
    if (TellModules(ticks)) Unlearn();
    _Unwind_Backtrace(AddFrame, &unwound);
    Learn(unwound);
    stack = unwound.OfProgram();
    hash = HashOf(stack);
    gConfirmed[hash % gConfirmed.size()].store(hash, std::memory_order_relaxed);
  }
  if (!stack.empty()) Stack(ticks, stack);
  tBytesToStack = NextDistance();
  tTaking = false;
}

}  // namespace rmem::record
