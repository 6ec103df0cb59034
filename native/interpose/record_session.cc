#include "interpose/record_session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <new>

#include "interpose/record_alone.h"
#include "interpose/record_modules.h"
#include "interpose/record_sized_delete.h"
#include "interpose/record_stacks.h"
#include "recording/patience.h"
#include "recording/ring.h"

namespace rmem::record {
namespace {

constinit Control gOff{};  // mode kStop, see below
constinit Process gUnstarted{};

constinit Session gSession;
constinit std::uint64_t gAloneRings = 0;  // 1: the library stands alone
constinit pthread_key_t gThreadEnd = 0;
constinit bool gHaveKey = false;
// Of the thread that forks: others may do so at the same time.
constinit thread_local std::uint64_t tForkTicks = 0;
constinit std::uint32_t gPid = 0;  // of the process that owns gSession
constinit char gFolder[PATH_MAX];
constinit char gFile[PATH_MAX];
constinit char gRingsPath[PATH_MAX + 48];
constinit bool gIsChild = false;  // started by a process that records alone
constinit thread_local bool tStarting = false;
constinit thread_local bool tDeaf = false;  // no ring was to be had for this thread

constexpr std::uint64_t kWaitNs = 20'000;

class KeptErrno {
 public:
  KeptErrno() : value_(errno) {}
  ~KeptErrno() { errno = value_; }
  KeptErrno(const KeptErrno&) = delete;
  KeptErrno& operator=(const KeptErrno&) = delete;

 private:
  const int value_;
};

/** The environment as the program was given it: the C library may not have looked at it yet. */
void ReadEnvironment() {
  const int file = open("/proc/self/environ", O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  constexpr char kFolderName[] = "RUSTYDB_MEM_RECORD_DIR=";
  constexpr char kFileName[] = "RUSTYDB_MEM_RECORD=";
  constexpr char kChildName[] = "RUSTYDB_MEM_RECORD_CHILD=";
  constexpr char kStacksName[] = "RUSTYDB_MEM_STACKS=";
  static char entry[PATH_MAX + 64];
  static char piece[4096];
  std::size_t length = 0;
  for (;;) {
    const long got = syscall(SYS_read, file, piece, sizeof(piece));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    for (long i = 0; i < got; ++i) {
      if (length < sizeof(entry)) entry[length] = piece[i];
      ++length;
      if (piece[i] != '\0') continue;
      if (length <= sizeof(entry)) {
        const auto take = [&](const char* name, std::size_t size, char* to) {
          if (strncmp(entry, name, size) == 0 && length - size <= PATH_MAX)
            memcpy(to, entry + size, length - size);
        };
        take(kFolderName, sizeof(kFolderName) - 1, gFolder);
        take(kFileName, sizeof(kFileName) - 1, gFile);
        if (strncmp(entry, kChildName, sizeof(kChildName) - 1) == 0) gIsChild = true;
        if (strncmp(entry, kStacksName, sizeof(kStacksName) - 1) == 0)
          WishStacks(entry + sizeof(kStacksName) - 1);
      }
      length = 0;
    }
  }
  close(file);
}

void ProgramName(char* out, std::size_t room) {
  memset(out, 0, room);
  const int file = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  const long got = syscall(SYS_read, file, out, room - 1);
  close(file);
  for (long i = 0; i < got; ++i) {
    const bool plain = out[i] >= ' ' && out[i] <= '~' && out[i] != '"' && out[i] != '\\';
    if (out[i] == '\n')
      out[i] = '\0';
    else if (!plain)
      out[i] = '?';
  }
}

std::uint64_t RealNs() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

void Complain(const char* what, const char* reason) {
  char text[PATH_MAX + 256];
  const int length =
      snprintf(text, sizeof(text), "rustydb-mem recorder: %s: %s; not recording\n", what, reason);
  const auto bytes =
      static_cast<std::size_t>(length) < sizeof(text) ? static_cast<std::size_t>(length) : sizeof(text) - 1;
  [[maybe_unused]] const long written = syscall(SYS_write, STDERR_FILENO, text, bytes);
}

void* MapShared(int file, std::size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

/** The control page of the collector; null where there is none. */
Control* OpenControl() {
  char path[PATH_MAX + 16];
  snprintf(path, sizeof(path), "%s/%s", gFolder, kControlName);
  const int file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return nullptr;
  auto* control = static_cast<Control*>(MapShared(file, kControlBytes));
  close(file);
  if (control != nullptr && control->magic != kControlMagic) {
    munmap(control, kControlBytes);
    return nullptr;
  }
  return control;
}

/** Growing a file beyond the limit of this process would kill it (SIGXFSZ). */
bool MayBeThatLarge(std::size_t bytes) {
  rlimit limit{};
  if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur >= bytes) return true;
  errno = EFBIG;
  return false;
}

/** Makes PID-N.rings in the folder; N tells the images of one process apart. */
void* MakeRings(std::size_t bytes) {
  for (unsigned image = 0; image < 1000; ++image) {
    snprintf(gRingsPath, sizeof(gRingsPath), "%s/%d-%u%s", gFolder, static_cast<int>(getpid()), image,
             kRingsSuffix);
    const int file = open(gRingsPath, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0 && errno == EEXIST) continue;
    if (file < 0) return nullptr;
    // A server that is started by root often gives up being root, and then has threads that need a ring.
    if (geteuid() == 0) fchmod(file, 0666);
    void* memory = nullptr;
    if (ftruncate(file, static_cast<off_t>(bytes)) == 0 && fallocate(file, 0, 0, kRingWordsOffset) == 0)
      memory = MapShared(file, bytes);
    const int error = errno;
    close(file);
    if (memory == nullptr) unlink(gRingsPath);
    errno = error;
    return memory;
  }
  return nullptr;
}

void FillHeader(SessionHeader& header, const Control& control, bool forked, std::uint32_t parent) {
  header.pid = static_cast<std::uint32_t>(getpid());
  header.parentPid = parent;
  header.startTicks = forked && tForkTicks != 0 ? tForkTicks : gClock.Before();
  header.startNs = RealNs();
  header.forked = forked ? 1 : 0;
  header.ringWords = control.ringWords;
  header.stackBytes = StackBytes();
  ForgetModules();
  ProgramName(header.program, sizeof(header.program));
  std::atomic_thread_fence(std::memory_order_release);
  header.magic = kSessionMagic;
}

/**
 * Takes the memory of a new ring from its file system now: where there is none left, touching the mapping
 * would kill the program (SIGBUS).
 */
bool Back(std::size_t index) {
  if (gAloneRings != 0) return true;
  const int file = open(gRingsPath, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return false;
  const std::size_t bytes = gSession.ringWords() * sizeof(std::uint64_t);
  const auto at = static_cast<off_t>(kRingWordsOffset + index * bytes);
  const bool taken = fallocate(file, 0, at, static_cast<off_t>(bytes)) == 0;
  if (!taken && !gSession.header().shortOfMemory.exchange(true)) {
    Complain("there is no room for the ring of a thread", OutputErrorText(errno));
  }
  close(file);
  return taken;
}

/** Runs as a thread ends, among the destructors of other keys. What they still free follows: only the end of
 * the thread in the kernel gives the ring to another, and the recording has its end there. */
void EndThread(void* value) {
  auto* ring = static_cast<RingHeader*>(value);
  if (ring != tRing) return;  // of the parent
  const KeptErrno errnoKept;
  PutWords(*ring, MakeRoom, FirstWord(static_cast<unsigned>(EventType::kThreadEnd), gClock.Before()));
  ring->state.store(RingState::kEnding, std::memory_order_release);
  if (gAloneRings != 0) FlushAlone(*ring);
}

Control* Off() {
  gOff.mode.store(Mode::kStop, std::memory_order_relaxed);
  return &gOff;
}

Control* StartWithCollector(bool forked, std::uint32_t parent) {
  Control* control = OpenControl();
  if (control == nullptr || control->mode.load() == Mode::kStop) {
    // The recording this belonged to is over.
    if (control != nullptr) munmap(control, kControlBytes);
    return Off();
  }
  const std::size_t bytes = SessionBytes(control->ringWords);
  void* memory = MayBeThatLarge(bytes) ? MakeRings(bytes) : nullptr;
  if (memory == nullptr) {
    // The collector may have left just now, and taken the folder along.
    if (control->mode.load() != Mode::kStop)
      Complain("could not make its shared memory", OutputErrorText(errno));
    munmap(control, kControlBytes);
    return Off();
  }
  if (control->mode.load() == Mode::kStop) {
    // It has removed what it saw; this came later.
    unlink(gRingsPath);
    munmap(memory, bytes);
    munmap(control, kControlBytes);
    return Off();
  }
  madvise(memory, bytes, MADV_DONTDUMP);
  gSession = Session(memory, control->ringWords);
  gClock =
      OperationClock::Known(control->countsCycles != 0, 1e9 / static_cast<double>(control->ticksPerSecond));
  FillHeader(gSession.header(), *control, forked, parent);
  control->announced.fetch_add(1, std::memory_order_release);
  return control;
}

Control* StartAlone(bool forked, std::uint32_t parent) {
  if (!forked) gClock = OperationClock::Calibrate();
  static Control control{};
  control.mode.store(Mode::kRecord);
  control.ringWords = kAloneRingWords;
  control.countsCycles = gClock.countsCycles() ? 1 : 0;
  control.ticksPerSecond = static_cast<std::uint64_t>(1e9 / gClock.nsPerTick() + 0.5);
  void* memory = mmap(nullptr, SessionBytes(kAloneRingWords), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    Complain("could not map its rings", "out of memory");
    return Off();
  }
  gSession = Session(memory, kAloneRingWords);
  FillHeader(gSession.header(), control, forked, parent);
  char path[PATH_MAX + 16];
  const bool own = !forked && !gIsChild;
  if (own)
    snprintf(path, sizeof(path), "%s", gFile);
  else
    snprintf(path, sizeof(path), "%s.%d", gFile, static_cast<int>(getpid()));
  const int error = OpenAlone(gSession, control, path);
  if (error != 0) {
    char what[PATH_MAX + 64];
    snprintf(what, sizeof(what), "could not create %s", path);
    Complain(what, OutputErrorText(error));
    return Off();
  }
  gAloneRings = 1;
  return &control;
}

/** A page that is zeros again in a child, by whatever way it was made. */
Process* MapProcess() {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return nullptr;
#ifdef MADV_WIPEONFORK
  // Before Linux 4.14 there is no such thing; then the handler of fork does it.
  madvise(page, 4096, MADV_WIPEONFORK);
#endif
  return new (page) Process{};
}

void LeaveParent() {
  if (gSession) munmap(gSession.memory(), SessionBytes(gSession.ringWords()));
  gSession = Session();
  if (gAloneRings != 0) ForgetAlone();
  gAloneRings = 0;
  tRing = nullptr;
  tTold = {};
  tDeaf = false;
}

void BeforeFork() {
  tForkTicks = gProcess->control != nullptr && gSession ? gClock.After() : 0;
}
void AfterForkInParent() {
  tForkTicks = 0;
}
void AfterForkInChild() {
  if (gPid != 0 && gPid != static_cast<std::uint32_t>(getpid())) {
    gProcess->control = nullptr;
    StartSession();
  }
  tForkTicks = 0;
}

}  // namespace

constinit Process* gProcess = &gUnstarted;
constinit OperationClock gClock;
constinit thread_local RingHeader* tRing = nullptr;

const Control* StartSession() {
  if (tStarting) return Off();
  tStarting = true;
  const KeptErrno errnoKept;
  const std::uint32_t parent = gPid;
  const bool forked = parent != 0;
  if (!forked) {
    ReadEnvironment();
    Process* process = MapProcess();
    if (process != nullptr) gProcess = process;
    if (pthread_key_create(&gThreadEnd, EndThread) == 0) gHaveKey = true;
  } else {
    const bool recorded = static_cast<bool>(gSession);
    LeaveParent();
    if (!recorded) {
      gFolder[0] = '\0';
      gFile[0] = '\0';
    }
  }
  gPid = static_cast<std::uint32_t>(getpid());
  const std::uint32_t parentPid = forked ? parent : static_cast<std::uint32_t>(getppid());
  Control* control = gFolder[0] != '\0' ? StartWithCollector(forked, parentPid)
                     : gFile[0] != '\0' ? StartAlone(forked, parentPid)
                                        : Off();
  gProcess->control = control;
  tStarting = false;
  return control;
}

void StopSession() {
  const KeptErrno errnoKept;
  if (!gSession) return;
  gSession.header().cpuNs.store(ProcessCpuNs());
  if (gAloneRings == 0) return;
  // First no more events, then the rings.
  gProcess->control->mode.store(Mode::kStop);
  CloseAlone(gSession);
}

void PrepareForChildren() {
  if (!gSession) return;
  pthread_atfork(BeforeFork, AfterForkInParent, AfterForkInChild);
  if (gAloneRings != 0) setenv("RUSTYDB_MEM_RECORD_CHILD", "1", 1);
}

namespace {

bool IsAlive(std::uint32_t thread) {
  return syscall(SYS_tgkill, static_cast<int>(gPid), static_cast<int>(thread), 0) == 0 || errno != ESRCH;
}

/** The thread's first words in a ring that is its own now; false where it has no room for them. */
bool Enter(RingHeader& ring, std::uint32_t thread) {
  ring.state.store(RingState::kOwned, std::memory_order_relaxed);
  ring.busy = 0;
  return PutWords(ring, MakeRoom, FirstWord(static_cast<unsigned>(EventType::kThreadStart), gClock.Before()),
                  std::uint64_t{thread});
}

/** A ring whose thread the kernel knows no more: of those that said that they end, or of any. */
RingHeader* TakeOver(std::uint32_t thread, std::uint32_t used, bool ofAny) {
  for (std::uint32_t i = 0; i < used; ++i) {
    RingHeader& ring = gSession.ring(i);
    // After it said that it ends it still frees memory.
    const RingState state = ring.state.load(std::memory_order_acquire);
    if (state == RingState::kFree || (state == RingState::kOwned && !ofAny)) continue;
    std::uint32_t owner = ring.owner.load(std::memory_order_relaxed);
    if (IsAlive(owner) || !ring.owner.compare_exchange_strong(owner, thread, std::memory_order_acq_rel))
      continue;
    if (Enter(ring, thread)) return &ring;
  }
  return nullptr;
}

/** A ring that nobody had before. */
RingHeader* TakeNew(std::uint32_t thread) {
  SessionHeader& header = gSession.header();
  const std::uint32_t index = header.ringsUsed.fetch_add(1, std::memory_order_acq_rel);
  if (index >= kMaxRings) header.ringsUsed.store(kMaxRings, std::memory_order_relaxed);
  if (index >= kMaxRings || !Back(index)) return nullptr;
  RingHeader& ring = gSession.ring(index);
  ring.words = gSession.words(index);
  ring.mask = gSession.ringWords() - 1;
  ring.owner.store(thread, std::memory_order_relaxed);
  Enter(ring, thread);
  return &ring;
}

void WakeCollector(Control& control) {
  if (control.asleep.exchange(0) == 0) return;
  syscall(SYS_futex, &control.asleep, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

}  // namespace

RingHeader* TakeRing() {
  if (tTold.ring != nullptr) {
    // Another event than the free that was waited for.
    tRing = tTold.ring;
    tTold = {};
    return tRing;
  }
  const KeptErrno errnoKept;
  if (!gSession || tDeaf) return nullptr;
  const auto thread = static_cast<std::uint32_t>(syscall(SYS_gettid));
  const std::uint32_t used =
      std::min<std::uint32_t>(gSession.header().ringsUsed.load(std::memory_order_acquire), kMaxRings);
  RingHeader* taken = nullptr;
  // The ring of an earlier thread with the same number first, so that what both wrote stays in order.
  for (std::uint32_t i = 0; i < used && taken == nullptr; ++i) {
    RingHeader& ring = gSession.ring(i);
    if (ring.owner.load(std::memory_order_relaxed) == thread && Enter(ring, thread)) taken = &ring;
  }
  if (taken == nullptr) taken = TakeOver(thread, used, false);
  if (taken == nullptr) taken = TakeNew(thread);
  // A thread that allocates only as it ends can't say that it does.
  if (taken == nullptr) taken = TakeOver(thread, used, true);
  if (taken == nullptr) {
    tDeaf = true;
    return nullptr;
  }
  tRing = taken;
  // May allocate, which is the program's own: the C library frees it as the thread ends.
  if (gHaveKey) pthread_setspecific(gThreadEnd, taken);
  return taken;
}

bool MakeRoom(RingHeader& ring, std::size_t words) {
  Control* control = gProcess->control;
  if (control == nullptr) return false;
  const bool room = LookForRoom(ring, words);
  const KeptErrno errnoKept;
  if (gAloneRings == 0) {
    // At half a ring the collector is woken, and once more when it is full.
    const std::uint64_t half = ring.lookAt - (ring.mask + 1) / 2;
    if (ring.tail.load(std::memory_order_relaxed) + words > half)
      WakeCollector(*control);
    else
      ring.lookAt = half;
  }
  if (room) return true;
  if (gAloneRings != 0) {
    if (!DrainAlone(ring)) control->mode.store(Mode::kStop);
    return LookForRoom(ring, words);
  }
  if (control->onFull == OnFull::kDrop) return false;
  Patience patience(control->heartbeat.load(std::memory_order_relaxed), MonotonicNs());
  while (control->mode.load(std::memory_order_relaxed) == Mode::kRecord) {
    const timespec wait{0, kWaitNs};
    syscall(SYS_nanosleep, &wait, nullptr);
    if (LookForRoom(ring, words)) return true;
    if (patience.IsOver(control->heartbeat.load(std::memory_order_relaxed), MonotonicNs())) {
      if (gSession.header().gaveUp.exchange(1) == 0) Complain("the collector has not answered", "10 seconds");
      control->mode.store(Mode::kStop);
    }
  }
  return false;
}

void CountDropped(RingHeader& ring) {
  Control* control = gProcess->control;
  if (control == nullptr || control->mode.load(std::memory_order_relaxed) != Mode::kRecord) return;
  ring.dropped.fetch_add(1, std::memory_order_relaxed);
}

void CountUnheard() {
  if (gSession) gSession.header().unheard.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace rmem::record
