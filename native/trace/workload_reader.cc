#include "trace/workload_reader.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "trace/decoder.h"
#include "trace/event_batch.h"
#include "trace/normaliser.h"
#include "trace/thread_table.h"
#include "trace/trace_error.h"
#include "trace/workload_stream.h"

namespace rmem {
namespace {

constexpr std::size_t kMaxWorkloadThreads = 65'536;
constexpr std::size_t kAllBuffersBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxBufferBytes = std::size_t{64} << 10;
// So many syncs any file may announce; more only where it is large enough to use them.
constexpr std::uint64_t kAlwaysSyncs = 65'536;

enum Code : std::uint8_t {
  kNothing,
  kDone,
  kMalloc,
  kCalloc,
  kRealloc,
  kFree,
  kSignal,
  kWait,
  kPointers,
  kSyncs,
  kThreads,
  kStart,
  kMemalign,
  kValloc,
  kPvalloc,
  kPosixMemalign,
};

std::uint64_t WorkloadBytes(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0)
    throw TraceError("io", std::string("the workload can't be read: ").append(std::strerror(errno)));
  if (!S_ISREG(status.st_mode)) throw TraceError("io", "a workload can only be read from a regular file");
  return static_cast<std::uint64_t>(status.st_size);
}

class Reader {
 public:
  Reader(int fd, const ResolveOptions& options, TraceInfo& info, EventSink& next)
      : fd_(fd),
        fileBytes_(WorkloadBytes(fd)),
        options_(options),
        info_(info),
        normaliser_(info, next),
        out_(normaliser_),
        threads_(out_) {}

  void Run() {
    if (fileBytes_ == 0) throw TraceError("empty", "the trace is empty: it has no bytes at all");
    ReadHeader();
    TakeTurns();
    if (cutOff_ > 0) {
      info_.report.warnings.push_back("the calls of " + std::to_string(cutOff_) +
                                      " threads are cut off; what comes before was read");
    }
    info_.report.linesRead = calls_;
    out_.Finish();
  }

 private:
  [[noreturn]] void NoWorkload(const char* what, std::uint64_t offset) const {
    throw TraceError("not-a-trace", std::string("this is no workload of trace-utils: ") + what)
        .AtByte(offset);
  }

  void ReadHeader() {
    WorkloadStream in(fd_, 0, fileBytes_, kMaxBufferBytes);
    std::uint64_t threads = 0;
    std::vector<std::uint64_t> starts;
    for (;;) {
      const std::uint64_t offset = in.offset();
      std::uint8_t code = kDone;
      std::uint64_t number = 0;
      if (!in.Byte(&code) || (code != kDone && code != kNothing && !in.Number(&number))) {
        throw TraceError("truncated", "the workload ends inside its header").AtByte(offset);
      }
      if (code == kDone) break;
      switch (code) {
        case kNothing:
        case kPointers:
          break;
        case kSyncs:
          if (number > std::max(fileBytes_, kAlwaysSyncs)) NoWorkload("it has more syncs than bytes", offset);
          signalled_.assign(number, false);
          break;
        case kThreads:
          threads = number;
          break;
        case kStart:
          if (number >= fileBytes_) {
            throw TraceError("truncated", "a thread starts behind the end of the file: it is cut off")
                .AtByte(offset);
          }
          if (starts.size() == kMaxWorkloadThreads)
            throw TraceError("too-many-threads", "the workload has more than 65,536 threads").AtByte(offset);
          starts.push_back(number);
          break;
        default:
          NoWorkload("its header has a code that does not belong there", offset);
      }
    }
    if (starts.size() != threads) NoWorkload("it starts more or fewer threads than it announces", 0);
    MakeStreams(starts, in.offset());
  }

  /** The calls of a thread end where another's begin, so that no byte is read twice. */
  void MakeStreams(const std::vector<std::uint64_t>& starts, std::uint64_t headerEnd) {
    std::vector<std::uint64_t> sorted = starts;
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
      NoWorkload("two threads start at one place", 0);
    if (!sorted.empty() && sorted.front() < headerEnd) NoWorkload("a thread starts inside the header", 0);
    sorted.push_back(fileBytes_);
    const std::size_t buffer =
        std::min(kMaxBufferBytes, kAllBuffersBytes / std::max<std::size_t>(starts.size(), 1));
    for (const std::uint64_t start : starts) {
      const std::uint64_t end = *std::upper_bound(sorted.begin(), sorted.end(), start);
      turns_.push_back(static_cast<std::uint32_t>(streams_.size()));
      streams_.emplace_back(fd_, start, end, buffer);
    }
  }

  void TakeTurns() {
    while (!turns_.empty() || !blocked_.empty()) {
      if (turns_.empty()) {
        LetGo();
        continue;
      }
      const std::uint32_t thread = turns_.front();
      turns_.pop_front();
      if (Turn(thread)) turns_.push_back(thread);
    }
  }

  /** One call of the thread; false where it waits or has ended. */
  bool Turn(std::uint32_t thread) {
    WorkloadStream& in = streams_[thread];
    const std::uint64_t offset = in.offset();
    std::uint8_t code;
    if (!in.Byte(&code)) return Cut(thread, offset);
    if (code == kNothing) return true;
    ++calls_;
    if ((calls_ & 0xffff) == 0 && options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed))
      throw TraceError("stopped", "stopped");
    if (code == kDone) {
      threads_.End(thread, kNoTime, calls_);
      return false;
    }
    const int count = Numbers(code);
    if (count == 0) throw TraceError("bad-record", "a call is of no known sort").AtByte(offset);
    std::uint64_t numbers[3] = {};
    for (int i = 0; i < count; ++i) {
      if (!in.Number(&numbers[i])) return Cut(thread, offset);
    }
    if (code == kSignal) return Signal(numbers[0], offset);
    if (code == kWait) return Wait(thread, numbers[0], offset);
    Call(thread, code, numbers, offset);
    return true;
  }

  static int Numbers(std::uint8_t code) {
    switch (code) {
      case kFree:
      case kSignal:
      case kWait:
        return 1;
      case kMalloc:
      case kCalloc:
      case kValloc:
      case kPvalloc:
        return 2;
      case kRealloc:
      case kMemalign:
      case kPosixMemalign:
        return 3;
      default:
        return 0;
    }
  }

  void Call(std::uint32_t thread, std::uint8_t code, const std::uint64_t (&numbers)[3],
            std::uint64_t offset) {
    Event event;
    event.id = numbers[0];
    switch (code) {
      case kFree:
        event.type = EventType::kFree;
        break;
      case kRealloc:
        event.type = EventType::kRealloc;
        event.newId = numbers[0];
        event.id = numbers[1];
        event.size = numbers[2];
        break;
      case kMemalign:
      case kPosixMemalign:
        if (numbers[1] > UINT32_MAX)
          throw TraceError("bad-alignment", "an alignment is larger than 2 GiB").AtByte(offset);
        event.alignment = static_cast<std::uint32_t>(numbers[1]);
        event.size = numbers[2];
        break;
      case kValloc:
      case kPvalloc:
        event.alignment = kVallocAlignment;
        event.size = numbers[1];
        break;
      default:
        if (code == kCalloc) event.flags = kFlagZeroed;
        event.size = numbers[1];
        break;
    }
    event.thread = threads_.Index(thread, kNoTime, calls_);
    event.position = calls_;
    out_.Add(event);
  }

  bool Signal(std::uint64_t sync, std::uint64_t offset) {
    CheckSync(sync, offset);
    signalled_[sync] = true;
    if (const auto found = waiters_.find(sync); found != waiters_.end()) {
      for (const std::uint32_t thread : found->second) {
        blocked_.erase(thread);
        turns_.push_back(thread);
      }
      waiters_.erase(found);
    }
    return true;
  }

  bool Wait(std::uint32_t thread, std::uint64_t sync, std::uint64_t offset) {
    CheckSync(sync, offset);
    if (signalled_[sync]) return true;
    waiters_[sync].insert(thread);
    blocked_.emplace(thread, sync);
    return false;
  }

  /** Nobody can run: the first of those that wait does. */
  void LetGo() {
    const auto [thread, sync] = *blocked_.begin();
    info_.report.Count("wait-without-signal", false, calls_);
    waiters_[sync].erase(thread);
    blocked_.erase(blocked_.begin());
    turns_.push_back(thread);
  }

  void CheckSync(std::uint64_t sync, std::uint64_t offset) const {
    if (sync >= signalled_.size())
      throw TraceError("bad-record", "a sync is none of those the header announces").AtByte(offset);
  }

  bool Cut(std::uint32_t thread, std::uint64_t offset) {
    if (options_.strict) {
      throw TraceError("truncated", "the calls of thread " + std::to_string(thread) + " are cut off")
          .AtByte(offset);
    }
    ++cutOff_;
    return false;
  }

  const int fd_;
  const std::uint64_t fileBytes_;
  const ResolveOptions& options_;
  TraceInfo& info_;
  Normaliser normaliser_;
  EventBatch out_;
  ThreadTable threads_;
  std::vector<WorkloadStream> streams_;                                 // by thread
  std::deque<std::uint32_t> turns_;                                     // threads that run, the next first
  std::vector<bool> signalled_;                                         // by sync
  std::unordered_map<std::uint64_t, std::set<std::uint32_t>> waiters_;  // by sync
  std::map<std::uint32_t, std::uint64_t> blocked_;                      // thread → the sync it waits for
  std::uint64_t calls_ = 0;
  std::uint64_t cutOff_ = 0;
};

}  // namespace

void ReadWorkload(int fd, const ResolveOptions& options, TraceInfo& info, EventSink& sink) {
  Reader(fd, options, info, sink).Run();
}

}  // namespace rmem
