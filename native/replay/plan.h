#pragma once

#include <cstddef>
#include <cstdint>

namespace rmem {

/**
 * The plan: a trace compiled for replay. Written once by the planner, mapped by the replay process, the same
 * for every allocator. All numbers little-endian; every section starts on a page.
 *
 * A stream is what one replaying thread executes: Instructions of fixed size, in three sections (opening,
 * measured, closing: what lies before the mark `start`, between, and after `stop`). All streams meet at a
 * barrier between two sections.
 *
 * Block ids are slots of one table of pointers. Transactions are scope slots of another. Both are reused.
 *
 * Two orders of replay:
 *  - recorded: the Runs name, in the total order of the trace, how many instructions of which stream come
 * next. kWait and kWindow do nothing.
 *  - free: every stream runs by itself. kWait{stream, target} waits until that stream has executed `target`
 *    instructions. kWindow leaves one window of the total order and enters another: a stream may enter window
 * w when all streams have left the windows up to w - 2. Both only ever wait for what lies before them in the
 *    total order, hence no deadlock.
 */
enum class Op : std::uint8_t {
  kAlloc,         // slot, size                       default alignment, not zeroed
  kAllocZeroed,   // slot, size
  kAllocAligned,  // slot, size, alignLog2            zeroed too when kPlanZeroed
  kFree,          // slot, size of the block
  kFreeImplied,   // as kFree: the block dies with its scope. Nothing to do where an arena holds it.
  kRealloc,       // slot, size = new, aux = old; the block stays in its slot
  kWideAlloc,     // size = index into the wide table (sizes over 4 GiB, scope numbers over 16 bits)
  kWideFree,
  kWideFreeImplied,
  kWideRealloc,
  kBegin,        // slot = scope slot, size = transaction type, aux = parent's scope slot + 1, or 0
  kCommit,       // slot = scope slot; kPlanInherit: blocks and memory pass to the parent
  kAbort,        // slot = scope slot
  kThreadStart,  // recorded order: this stream's thread is started before its next run anyway; a no-op
  kThreadEnd,    // recorded order: the thread exits and is joined before the next run
  kWait,         // slot = stream, size and aux = target (low and high 32 bits)
  kWindow,       // slot = window left (kNoWindow at the first), size = window entered
  kSleepUntil,   // size and aux = ns since the start of the section (plans made with times only)
};

inline constexpr std::uint8_t kPlanArena = 1;  // arena-eligible: the block never outlives its scope
inline constexpr std::uint8_t kPlanZeroed = 2;
inline constexpr std::uint8_t kPlanInherit = 2;  // of kCommit
inline constexpr int kPlanAlignShift = 2;        // flags >> 2 = log2 of the alignment, 0 = malloc's own
inline constexpr std::uint32_t kNoWindow = ~std::uint32_t{0};

struct Instruction {
  Op op;
  std::uint8_t flags;
  std::uint16_t scope;  // scope slot + 1 of an arena-eligible block, else 0
  std::uint32_t slot;
  std::uint32_t size;
  std::uint32_t aux;

  std::uint64_t Long() const { return size | (std::uint64_t{aux} << 32); }
};
static_assert(sizeof(Instruction) == 16);

/** Operands of the kWide… instructions. */
struct WideOperands {
  std::uint64_t size;     // new size
  std::uint64_t oldSize;  // of kWideRealloc
  std::uint32_t scope;    // scope slot + 1, or 0; counts only beside kPlanArena
  std::uint32_t reserved;
};
static_assert(sizeof(WideOperands) == 24);

/** `count` instructions of `stream` come next; the first explicit event among them is event `firstEvent`. */
struct PlanRun {
  std::uint32_t stream;
  std::uint32_t count;
  std::uint64_t firstEvent;  // number in the trace, from 1. Every op up to kThreadEnd but the implied frees
                             // is an event.
};
static_assert(sizeof(PlanRun) == 16);

/** A block alive at the end; freed between passes, outside the time. */
struct PlanLeftover {
  std::uint32_t slot;
  std::uint16_t scope;  // scope slot + 1 where an arena holds it, else 0
  std::uint8_t flags;   // kPlanArena and alignment, as in the instruction
  std::uint8_t reserved;
  std::uint64_t size;
};
static_assert(sizeof(PlanLeftover) == 16);

/** A time of the trace from the mark `start` on, to look at memory: before event `event` is executed, or
 * behind the last. */
struct PlanTime {
  std::uint64_t event;
  std::uint64_t timeNs;
  std::uint64_t sinceNs;  // nothing was allocated or freed since this time
};
static_assert(sizeof(PlanTime) == 24);

inline constexpr int kSections = 3;
enum PlanSection { kOpening = 0, kMeasured = 1, kClosing = 2 };

struct PlanStream {
  std::uint64_t offset;            // of its first instruction, in the file; sections follow one another
  std::uint64_t count[kSections];  // instructions
  std::uint64_t originThread;      // the TID of the source (of the first thread where several were merged)
  std::uint64_t endsInTrace;       // 1: a kThreadEnd is in it
};

inline constexpr std::uint64_t kPlanMagic = 0x314e414c504d5252;  // "RRMPLAN1"
inline constexpr std::uint32_t kPlanVersion = 2;
inline constexpr std::size_t kPlanPage = 4096;

struct PlanHeader {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t streamCount;
  std::uint64_t fileBytes;
  std::uint32_t slotCount;
  std::uint32_t scopeSlotCount;
  std::uint32_t windowCount;
  std::uint32_t transactionTypes;

  std::uint64_t streamsOffset;  // PlanStream[streamCount]
  std::uint64_t runsOffset;     // PlanRun[], section after section
  std::uint64_t runCount[kSections];
  std::uint64_t wideOffset, wideCount;              // WideOperands[]
  std::uint64_t leftoverOffset, leftoverCount;      // PlanLeftover[]
  std::uint64_t openScopesOffset, openScopesCount;  // uint32 scope slots open at the end, innermost first
  std::uint64_t windowsOffset;  // uint32[windowCount]: how many streams have work in the window

  std::uint64_t events[kSections];  // explicit alloc, free, realloc, begin, commit, abort
  std::uint64_t impliedFrees[kSections];
  std::uint64_t instructions;
  std::uint64_t peakLiveBytes;  // over all sections, in the recorded order
  std::uint64_t peakLiveBlocks;
  std::uint64_t firstTimeNs, lastTimeNs;  // kNoTime where the trace has none
  std::uint64_t timesOffset, timesCount;  // PlanTime[], increasing
};

}  // namespace rmem
