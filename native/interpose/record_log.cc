#include "interpose/record_log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <new>

#include "interpose/record_stacks.h"

namespace rmem::record {
namespace {

/** The unfinished block of one thread. Mapped, and given to the next thread when its own has ended. */
struct ThreadLog {
  // Taken for each row by its thread, and by Stop() for the last flush: uncontended but then.
  std::atomic<bool> held{false};
  std::atomic<bool> idle{false};
  bool open = false;  // a block was started
  std::uint64_t thread = 0;
  int destructorRounds = 0;
  ThreadLog* next = nullptr;
  RawBlockWriter writer;
  std::byte buffer[kRawBlockBytes];
};

constinit thread_local ThreadLog* tLog = nullptr;
// This thread is not recorded: its log is being made, or it has ended.
constinit thread_local bool tAside = false;

constinit std::atomic<bool> gRecording{false};
constinit std::atomic<bool> gComplained{false};
constinit std::atomic<ThreadLog*> gLogs{nullptr};
constinit int gFile = -1;
constinit OperationClock gClock;
constinit pthread_key_t gThreadEnd = 0;

class Held {
 public:
  explicit Held(ThreadLog& log) : log_(log) {
    while (log_.held.exchange(true, std::memory_order_acquire)) sched_yield();
  }
  ~Held() { log_.held.store(false, std::memory_order_release); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

 private:
  ThreadLog& log_;
};

class KeptErrno {
 public:
  KeptErrno() : value_(errno) {}
  ~KeptErrno() { errno = value_; }
  KeptErrno(const KeptErrno&) = delete;
  KeptErrno& operator=(const KeptErrno&) = delete;

 private:
  const int value_;
};

/** Without strerror, which may call malloc. */
const char* ErrorText(int error) {
  switch (error) {
    case ENOSPC:
      return "no space left on the device";
    case EACCES:
    case EROFS:
      return "no permission to write there";
    case ENOENT:
      return "there is no such folder";
    case EISDIR:
      return "it is a folder";
    case EBADF:
      return "the program has closed the file";
    default:
      return "input/output error";
  }
}

void Complain(const char* what, int error) {
  char text[512];
  const int length =
      snprintf(text, sizeof(text), "rustydb-mem recorder: could not %s: %s (errno %d); not recording\n", what,
               ErrorText(error), error);
  const auto bytes =
      static_cast<std::size_t>(length) < sizeof(text) ? static_cast<std::size_t>(length) : sizeof(text) - 1;
  [[maybe_unused]] const long written = syscall(SYS_write, STDERR_FILENO, text, bytes);
}

/** In one piece; returns 0 or an errno. */
int WriteWhole(const std::byte* bytes, std::size_t count) {
  // Not write(2) itself, which is a point where a thread may be cancelled.
  long written;
  do {
    written = syscall(SYS_write, gFile, bytes, count);
  } while (written < 0 && errno == EINTR);
  if (written < 0) return errno;
  return written == static_cast<long>(count) ? 0 : ENOSPC;
}

/** A full disk stops the recording, never the program. Under the log's lock. */
void Flush(ThreadLog& log) {
  if (!log.open) return;
  log.open = false;
  const std::size_t bytes = log.writer.Finish();
  const int error = bytes > 0 ? WriteWhole(log.buffer, bytes) : 0;
  if (error == 0) return;
  gRecording.store(false);
  if (!gComplained.exchange(true)) Complain("write the trace", error);
}

ThreadLog* TakeIdleLog() {
  for (ThreadLog* log = gLogs.load(std::memory_order_acquire); log != nullptr; log = log->next) {
    bool idle = true;
    if (log->idle.compare_exchange_strong(idle, false, std::memory_order_acquire)) return log;
  }
  return nullptr;
}

ThreadLog* MapLog() {
  void* memory = mmap(nullptr, sizeof(ThreadLog), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  auto* log = new (memory) ThreadLog;
  log->next = gLogs.load(std::memory_order_relaxed);
  while (!gLogs.compare_exchange_weak(log->next, log, std::memory_order_release, std::memory_order_relaxed)) {
  }
  return log;
}

/** The log of this thread, made at its first event; null where there is no memory for one. */
ThreadLog* OwnLog() {
  if (tLog != nullptr) [[likely]]
    return tLog;
  tAside = true;  // pthread_setspecific may allocate
  ThreadLog* log = TakeIdleLog();
  if (log == nullptr) log = MapLog();
  if (log != nullptr) {
    log->writer = RawBlockWriter();
    log->thread = static_cast<std::uint64_t>(syscall(SYS_gettid));
    log->destructorRounds = 0;
    pthread_setspecific(gThreadEnd, log);
    tLog = log;
  }
  tAside = false;
  return log;
}

/** `row(writer)` writes one row, or returns false where the block is full. */
template <class Row>
void Append(std::uint64_t ticks, Row&& row) {
  const KeptErrno errnoKept;
  ThreadLog* log = OwnLog();
  if (log == nullptr) return;
  const Held held(*log);
  if (!gRecording.load(std::memory_order_relaxed)) return;
  if (log->open && row(log->writer)) return;
  Flush(*log);
  log->writer.Start(log->buffer, log->thread, ticks);
  log->open = true;
  row(log->writer);
}

/**
 * Runs at the end of a thread, among the destructors of other keys, which free memory too: so it asks for
 * another round as long as there is one, and ends the log in the last.
 */
void EndThread(void* value) {
  auto* log = static_cast<ThreadLog*>(value);
  if (++log->destructorRounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
    pthread_setspecific(gThreadEnd, log);
    return;
  }
  if (gRecording.load(std::memory_order_relaxed)) {
    const std::uint64_t ticks = gClock.After();
    Append(ticks, [ticks](RawBlockWriter& writer) { return writer.ThreadEnd(ticks); });
    const Held held(*log);
    Flush(*log);
  }
  tLog = nullptr;
  tAside = true;  // what the C library still frees after this can't be told to anyone
  log->idle.store(true, std::memory_order_release);
}

void StopInChild() {
  gRecording.store(false);
  close(gFile);
  gFile = -1;
}

/** `text` into a JSON string, at most `room` bytes with the final zero; anything unusual becomes '?'. */
void JsonText(const char* text, char* out, std::size_t room) {
  std::size_t at = 0;
  for (; *text != '\0' && at + 1 < room; ++text) {
    const bool plain = *text >= ' ' && *text <= '~' && *text != '"' && *text != '\\';
    out[at++] = plain ? *text : '?';
  }
  out[at] = '\0';
}

int WriteHeader() {
  char program[64], json[512], stacks[64] = "";
  JsonText(program_invocation_short_name, program, sizeof(program));
  const double ticksPerSecond = 1e9 / gClock.nsPerTick();
  if (StackBytes() >= 0)
    snprintf(stacks, sizeof(stacks), R"(,"stackBytes":"%lld")", static_cast<long long>(StackBytes()));
  const int length = snprintf(
      json, sizeof(json),
      R"({"program":"%s","pid":"%d","cpus":"%ld","clock":"%s","ticksPerSecond":"%.0f","startTicks":"%llu"%s})",
      program, static_cast<int>(getpid()), sysconf(_SC_NPROCESSORS_ONLN),
      gClock.countsCycles() ? "cycle counter" : "CLOCK_MONOTONIC", ticksPerSecond,
      static_cast<unsigned long long>(gClock.Before()), stacks);
  std::byte header[RawFileHeaderBytes(sizeof(json))];
  const std::size_t bytes = WriteRawFileHeader({json, static_cast<std::size_t>(length)}, header);
  return WriteWhole(header, bytes);
}

}  // namespace

bool Start(const char* path) {
  char what[400];
  snprintf(what, sizeof(what), "create %s", path);
  gFile = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
  if (gFile < 0) {
    Complain(what, errno);
    return false;
  }
  // Out of the way of programs that count on the lowest numbers, or close them all.
  const int high = fcntl(gFile, F_DUPFD_CLOEXEC, 800);
  if (high >= 0) {
    close(gFile);
    gFile = high;
  }
  gClock = OperationClock::Calibrate();
  PrepareStacks();
  int error = WriteHeader();
  if (error == 0) error = pthread_key_create(&gThreadEnd, EndThread);
  if (error == 0) error = pthread_atfork(nullptr, nullptr, StopInChild);
  if (error != 0) {
    Complain(what, error);
    return false;
  }
  gRecording.store(true);
  return true;
}

void Stop() {
  const KeptErrno errnoKept;
  // First no more rows, then the blocks: what a thread adds meanwhile is either in its block or not recorded.
  if (!gRecording.exchange(false)) return;
  for (ThreadLog* log = gLogs.load(std::memory_order_acquire); log != nullptr; log = log->next) {
    const Held held(*log);
    Flush(*log);
  }
  close(gFile);
  gFile = -1;
}

bool Recording() {
  return gRecording.load(std::memory_order_relaxed) && !tAside;
}

const OperationClock& Clock() {
  return gClock;
}

void Alloc(std::uint64_t ticks, const void* block, std::size_t size, std::size_t alignment, bool zeroed) {
  const auto address = reinterpret_cast<std::uintptr_t>(block);
  Append(ticks,
         [=](RawBlockWriter& writer) { return writer.Alloc(ticks, address, size, alignment, zeroed); });
}

void Free(std::uint64_t ticks, const void* block) {
  const auto address = reinterpret_cast<std::uintptr_t>(block);
  Append(ticks, [=](RawBlockWriter& writer) { return writer.Free(ticks, address); });
}

void Realloc(std::uint64_t ticksBefore, std::uint64_t ticksAfter, const void* old, const void* block,
             std::size_t size) {
  const auto from = reinterpret_cast<std::uintptr_t>(old);
  const auto to = reinterpret_cast<std::uintptr_t>(block);
  Append(ticksBefore,
         [=](RawBlockWriter& writer) { return writer.Realloc(ticksBefore, ticksAfter, from, to, size); });
}

void Stack(std::uint64_t ticks, std::span<const std::uint64_t> returnAddresses) {
  Append(ticks, [=](RawBlockWriter& writer) { return writer.Stack(ticks, returnAddresses); });
}

void Module(std::uint64_t ticks, std::uint64_t start, std::uint64_t bytes, std::uint64_t fileOffset,
            std::string_view path, std::string_view buildId) {
  Append(ticks, [=](RawBlockWriter& writer) {
    return writer.Module(ticks, start, bytes, fileOffset, path, buildId);
  });
}

}  // namespace rmem::record
