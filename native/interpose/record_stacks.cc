#include "interpose/record_stacks.h"

#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unwind.h>

#include <array>
#include <atomic>
#include <cmath>
#include <limits>
#include <span>

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

// Chains of frame pointers that the unwinder has confirmed, by hash. One that is overwritten is asked again.
constinit std::array<std::atomic<std::uint64_t>, 4096> gConfirmed{};

struct Chain {
  std::array<std::uint64_t, kMaxStackFrames + kOwnFrames> addresses;
  std::size_t count = 0;

  bool Add(std::uint64_t address) {
    addresses[count++] = address;
    return count < addresses.size();
  }
  /** Without our own frames, which are the innermost. */
  std::span<const std::uint64_t> OfProgram() const {
    std::size_t own = 0;
    while (own < count && IsOwnCode(addresses[own])) ++own;
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

/** The chain of frame pointers from `frame` on; false where it does not look sound. */
bool FollowFramePointers(const std::uintptr_t* frame, Chain& chain) {
  const auto low = reinterpret_cast<std::uintptr_t>(frame);
  if (!tBounds.Holds(low)) tBounds = FindStack(low);
  if (!tBounds.Holds(low)) return false;
  for (std::uintptr_t at = low; tBounds.Holds(at + 2 * sizeof(at) - 1);) {
    const auto* link = reinterpret_cast<const std::uintptr_t*>(at);
    if (link[1] == 0 || !chain.Add(link[1])) return true;
    const std::uintptr_t next = link[0];
    if (next <= at || next % sizeof(at) != 0)
      return true;  // the outermost: what starts a thread has no frame
    at = next;
  }
  return true;
}

_Unwind_Reason_Code AddFrame(_Unwind_Context* context, void* chain) {
  const std::uint64_t address = _Unwind_GetIP(context);
  if (address == 0) return _URC_END_OF_STACK;
  return static_cast<Chain*>(chain)->Add(address) ? _URC_NO_REASON : _URC_END_OF_STACK;
}

std::uint64_t HashOf(std::span<const std::uint64_t> addresses) {
  std::uint64_t hash = addresses.size() + 1;
  for (const std::uint64_t address : addresses) {
    hash = (hash ^ address) * 0xff51afd7ed558ccdu;
    hash ^= hash >> 33;
  }
  return hash | 1;
}

/** The unwinder goes on to the start of the thread, where there are no frame pointers any more. */
bool Confirms(std::span<const std::uint64_t> unwound, std::span<const std::uint64_t> followed) {
  constexpr std::size_t kOutermost = 4;
  if (followed.empty() || unwound.size() > followed.size() + kOutermost) return false;
  const std::size_t common = unwound.size() < followed.size() ? unwound.size() : followed.size();
  // A frame pointer left over from the C library's start may add one at the end.
  if (followed.size() > common + 1) return false;
  return memcmp(unwound.data(), followed.data(), common * sizeof(std::uint64_t)) == 0;
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
  Chain followed;
  std::span<const std::uint64_t> stack;
  if (FollowFramePointers(static_cast<const std::uintptr_t*>(__builtin_frame_address(0)), followed))
    stack = followed.OfProgram();
  const std::uint64_t hash = HashOf(stack);
  std::atomic<std::uint64_t>& confirmed = gConfirmed[hash % gConfirmed.size()];
  Chain unwound;
  if (stack.empty() || confirmed.load(std::memory_order_relaxed) != hash) {
    _Unwind_Backtrace(AddFrame, &unwound);
    const auto found = unwound.OfProgram();
    if (Confirms(found, stack)) {
      confirmed.store(hash, std::memory_order_relaxed);
    } else if (!found.empty()) {
      stack = found;
    }
  }
  TellModules(ticks);
  if (!stack.empty()) Stack(ticks, stack);
  tBytesToStack = NextDistance();
  tTaking = false;
}

}  // namespace rmem::record
