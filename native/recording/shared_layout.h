#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace rmem::record {

/**
 * The memory that a recorded process and the collector share: two sorts of files in one folder, mapped by
 * both.
 *
 *   control              one page, made by the collector: what all recorded processes do now
 *   PID-N.rings          made by the library, one a process image: SessionHeader, kMaxRings × RingHeader,
 *                        kMaxRings × the words of a ring. Sparse: what no thread uses takes no memory.
 *
 * The files stay when the process is killed; the collector reads what is in them and removes them. Neither
 * side trusts the other with its life: what the collector reads from a ring is checked, and the library gives
 * up when the collector's heart stops.
 */
inline constexpr std::uint64_t kControlMagic = 0x31304c5254434d52;  // "RMCTRL01"
inline constexpr std::uint64_t kSessionMagic = 0x31305353454d5252;  // "RRMESS01"

/** Names the folder to the library. */
inline constexpr char kFolderVariable[] = "RUSTYDB_MEM_RECORD_DIR";
inline constexpr char kControlName[] = "control";
inline constexpr char kRingsSuffix[] = ".rings";

enum class Mode : std::uint32_t {
  kWait = 1,  // not yet (--after): nothing is recorded
  kRecord = 2,
  kStop = 3,  // for good: what comes from now on is not recorded
};

enum class OnFull : std::uint32_t { kWait = 0, kDrop = 1 };

struct Control {
  // Read by every event of every thread, hardly ever written.
  std::uint64_t magic;
  std::atomic<Mode> mode;
  OnFull onFull;
  std::uint64_t ringWords;  // a power of two
  std::uint64_t ticksPerSecond;
  std::uint64_t countsCycles;  // 1: ticks are those of the cycle counter; 0: ns of CLOCK_MONOTONIC
  alignas(64) std::atomic<std::uint64_t> announced;  // rings files made so far
  alignas(64) std::atomic<std::uint64_t> heartbeat;  // grows as long as the collector lives
  alignas(64) std::atomic<std::uint32_t> asleep;     // 1: the collector waits on it, see WakeCollector()
};
inline constexpr std::size_t kControlBytes = 4096;
static_assert(sizeof(Control) <= kControlBytes);

inline constexpr std::size_t kMaxRings = 2048;

struct SessionHeader {
  std::uint64_t magic;  // stored last, so that a header is never seen half made
  std::uint32_t pid;
  std::uint32_t parentPid;
  std::uint64_t startTicks;  // of a child made by fork: the fork
  std::uint64_t startNs;     // CLOCK_REALTIME
  std::uint64_t forked;      // 1: made by fork from the recorded parent, whose live blocks it has
  std::uint64_t ringWords;
  std::int64_t stackBytes;  // mean distance of the call stacks taken; 0: at every allocation; -1: none
  char program[64];
  alignas(64) std::atomic<std::uint32_t> ringsUsed;
  std::atomic<std::uint64_t> unheard;  // events of threads that got no ring
  std::atomic<std::uint64_t> cpuNs;    // told at exit
  std::atomic<std::uint64_t> gaveUp;   // 1: the collector did not answer
  std::atomic<bool> shortOfMemory;     // a thread got no ring, which was said once
};
static_assert(sizeof(SessionHeader) <= 4096);

enum class RingState : std::uint32_t { kFree = 0, kOwned = 1, kEnding = 2 };

/**
 * The ends of one ring. Positions count words from the start and never wrap; a word lies at position %
 * ringWords. The first line is the writing thread's own, the second the reader's; the third changes when
 * threads do.
 */
struct RingHeader {
  alignas(64) std::atomic<std::uint64_t> tail;  // words before it are written
  std::uint64_t lookAt;                         // before the writer passes it, it looks how far `head` is
  std::uint64_t* words;                         // in the address space of the writer
  std::uint64_t mask;
  std::uint32_t busy;  // the writer is inside: a signal handler that comes now can't write
  std::uint32_t reserved;
  std::atomic<std::uint64_t> dropped;
  alignas(64) std::atomic<std::uint64_t> head;   // words before it are read
  alignas(64) std::atomic<std::uint32_t> owner;  // TID
  std::atomic<RingState> state;
};
static_assert(sizeof(RingHeader) == 192);

inline constexpr std::size_t kRingHeadersOffset = 4096;
inline constexpr std::size_t kRingWordsOffset = kRingHeadersOffset + kMaxRings * sizeof(RingHeader);
static_assert(kRingWordsOffset % 4096 == 0);

inline constexpr std::size_t SessionBytes(std::size_t ringWords) {
  return kRingWordsOffset + kMaxRings * ringWords * sizeof(std::uint64_t);
}

/** A view of a mapped rings file. */
class Session {
 public:
  Session() = default;
  Session(void* memory, std::size_t ringWords)
      : memory_(static_cast<std::byte*>(memory)), ringWords_(ringWords) {}

  explicit operator bool() const { return memory_ != nullptr; }
  void* memory() const { return memory_; }
  std::size_t ringWords() const { return ringWords_; }
  SessionHeader& header() const { return *reinterpret_cast<SessionHeader*>(memory_); }
  RingHeader& ring(std::size_t index) const {
    return reinterpret_cast<RingHeader*>(memory_ + kRingHeadersOffset)[index];
  }
  std::uint64_t* words(std::size_t index) const {
    return reinterpret_cast<std::uint64_t*>(memory_ + kRingWordsOffset) + index * ringWords_;
  }

 private:
  std::byte* memory_ = nullptr;
  std::size_t ringWords_ = 0;
};

}  // namespace rmem::record
