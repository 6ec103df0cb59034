#include "trace/raw_resolver.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "trace/live_blocks.h"
#include "trace/loaded_modules.h"
#include "trace/normaliser.h"
#include "trace/raw_block.h"
#include "trace/raw_file.h"
#include "trace/raw_rows.h"
#include "trace/thread_table.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

constexpr std::uint64_t kStopCheckRows = 4096;

/** What happens at one moment: a row, or one side of a realloc. */
struct Moment {
  RawRow row;
  std::uint64_t ticks = 0;
  bool reallocStart = false;

  /** At the same moment what makes an address free comes first, lest the next owner seem to be born too
   * early. */
  bool Frees() const { return reallocStart || row.type == static_cast<unsigned>(EventType::kFree); }
};

/** The rows of one thread, a block in memory at a time; time never goes back in it. */
class ThreadRows {
 public:
  ThreadRows(const RawFile& file, const RawThread& thread, const ResolveOptions& options,
             ImportReport& report)
      : file_(file), thread_(thread), options_(options), report_(report) {
    now_.ticks = thread.blocks.front().firstTicks;
  }

  std::uint64_t number() const { return thread_.number; }
  const Moment& now() const { return now_; }

  /** No block was loaded yet: now() only tells when the first one begins. */
  bool Waiting() const { return at_ == nullptr; }

  /** Goes on to the next moment; false at the end. */
  bool Next() {
    if (now_.reallocStart) {
      now_.reallocStart = false;
      Stamp(now_.row.ticksAfter);
      return true;
    }
    for (;;) {
      while (rows_.AtEnd()) {
        if (!Load()) return false;
      }
      try {
        rows_.Next(&now_.row);
        break;
      } catch (TraceError& error) {
        Damage(error.AtByte(at_->offset - sizeof(RmtBlockHeader)));
        rows_ = RawRows();
      }
    }
    ++rowsRead_;
    Stamp(now_.row.ticks);
    now_.reallocStart = now_.row.type == static_cast<unsigned>(EventType::kRealloc);
    return true;
  }

 private:
  /** Clocks of two CPUs may differ by a little; within a thread order is certain. */
  void Stamp(std::uint64_t ticks) { now_.ticks = std::max(now_.ticks, ticks); }

  bool Load() {
    if (at_ != nullptr && rowsRead_ != at_->events && !damaged_) {
      Damage(TraceError("damaged-block", "a block has another number of events than it says")
                 .AtByte(at_->offset - sizeof(RmtBlockHeader)));
    }
    damaged_ = false;
    rowsRead_ = 0;
    if (next_ == thread_.blocks.size()) {
      at_ = nullptr;
      payload_ = {};
      return false;
    }
    at_ = &thread_.blocks[next_++];
    try {
      file_.Read(*at_, payload_);
      rows_ = RawRows(payload_, at_->firstTicks);
    } catch (TraceError& error) {
      if (error.code() != "damaged-block") throw;
      Damage(error);
      rows_ = RawRows();
    }
    return true;
  }

  void Damage(const TraceError& error) {
    if (!options_.skipDamaged) throw error;
    damaged_ = true;
    if (at_->events > rowsRead_) {
      report_.Count("event-in-damaged-block", true, at_->offset - sizeof(RmtBlockHeader),
                    at_->events - rowsRead_);
    }
  }

  const RawFile& file_;
  const RawThread& thread_;
  const ResolveOptions& options_;
  ImportReport& report_;
  std::size_t next_ = 0;
  const RawBlockPlace* at_ = nullptr;
  std::vector<std::byte> payload_;
  RawRows rows_;
  std::uint64_t rowsRead_ = 0;
  bool damaged_ = false;
  Moment now_;
};

std::string Hexadecimal(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

std::uint64_t TextNumber(const std::map<std::string, std::string>& texts, const char* key) {
  const auto found = texts.find(key);
  std::uint64_t value = 0;
  if (found != texts.end()) {
    const char* const end = found->second.data() + found->second.size();
    const auto result = std::from_chars(found->second.data(), end, value);
    if (result.ec == std::errc() && result.ptr == end) return value;
  }
  throw TraceError("damaged-block", std::string("the header of the recording does not tell ").append(key))
      .AtByte(0);
}

class Resolver {
 public:
  Resolver(const RawFile& file, const ResolveOptions& options, TraceInfo& info, EventSink& sink)
      : options_(options),
        info_(info),
        out_(sink),
        threads_(out_),
        startTicks_(TextNumber(file.texts(), "startTicks")),
        ticksPerSecond_(TextNumber(file.texts(), "ticksPerSecond")) {
    if (ticksPerSecond_ == 0)
      throw TraceError("damaged-block", "the clock of the recording stands still").AtByte(0);
    info_.header = file.texts();
    info_.header.erase("startTicks");
    info_.header.erase("ticksPerSecond");
    info_.header["profile"] = "raw";
    rows_.reserve(file.threads().size());
    for (const RawThread& thread : file.threads()) rows_.emplace_back(file, thread, options, info.report);
    current_.resize(rows_.size());
    sites_.resize(rows_.size());
  }

  void Run() {
    for (std::uint32_t thread = 0; thread < rows_.size(); ++thread) heap_.push_back(thread);
    const auto later = [this](std::uint32_t a, std::uint32_t b) { return Before(b, a); };
    std::make_heap(heap_.begin(), heap_.end(), later);
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), later);
      const std::uint32_t thread = heap_.back();
      heap_.pop_back();
      // Most often the same thread goes on.
      bool more;
      do {
        if (!rows_[thread].Waiting()) Emit(thread);
        more = rows_[thread].Next();
      } while (more && (heap_.empty() || Before(thread, heap_.front())));
      if (!more) continue;
      heap_.push_back(thread);
      std::push_heap(heap_.begin(), heap_.end(), later);
    }
    info_.report.linesRead = read_;
    out_.Finish();
  }

 private:
  bool Before(std::uint32_t a, std::uint32_t b) const {
    const Moment& x = rows_[a].now();
    const Moment& y = rows_[b].now();
    const bool xFrees = rows_[a].Waiting() || x.Frees();
    const bool yFrees = rows_[b].Waiting() || y.Frees();
    if (x.ticks != y.ticks) return x.ticks < y.ticks;
    if (xFrees != yFrees) return xFrees;
    return a < b;
  }

  std::uint64_t TimeNs(std::uint64_t ticks) const {
    const std::uint64_t since = ticks - std::min(ticks, startTicks_);
    const std::uint64_t seconds = since / ticksPerSecond_;
    if (seconds > kNoTime / 1'000'000'000 / 2)
      throw TraceError("damaged-block", "a time of the recording is too large");
    const std::uint64_t rest = since % ticksPerSecond_;
    const auto restNs = static_cast<unsigned __int128>(rest) * 1'000'000'000 / ticksPerSecond_;
    return seconds * 1'000'000'000 + static_cast<std::uint64_t>(restNs);
  }

  void Emit(std::uint32_t thread) {
    const Moment& now = rows_[thread].now();
    const RawRow& row = now.row;
    if (!now.reallocStart && ++read_ % kStopCheckRows == 0 && options_.stop != nullptr && *options_.stop) {
      throw TraceError("stopped", "reading the recording was stopped");
    }
    std::uint64_t& current = current_[thread];
    if (row.type == static_cast<unsigned>(RawOp::kScope)) {
      current = row.address;
      return;
    }
    if (row.type == static_cast<unsigned>(RawOp::kModule)) {
      modules_.Load(row.address, row.size, row.newAddress,
                    {std::string(row.text), Hexadecimal(row.buildId), ""});
      return;
    }
    if (row.type == static_cast<unsigned>(RawOp::kStack)) {
      TakeStack(row, thread);
      return;
    }
    const std::uint64_t number = rows_[thread].number();
    Event event;
    event.type = static_cast<EventType>(row.type);
    event.timeNs = TimeNs(now.ticks);
    event.position = read_;
    switch (event.type) {
      case EventType::kThreadEnd:
        threads_.End(number, event.timeNs, read_);
        return;
      case EventType::kThreadStart:
        threads_.Index(number, event.timeNs, read_);
        return;
      case EventType::kAlloc:
        event.id = row.address;
        event.size = row.size;
        event.alignment = row.alignment;
        event.flags = (row.flags & kRawZeroed) != 0 ? kFlagZeroed : 0;
        event.scope = Scope(current);
        event.site = std::exchange(sites_[thread], 0);
        break;
      case EventType::kFree:
        event.id = row.address;
        event.size = row.size;
        event.flags = (row.flags & kRawSizeTold) != 0 ? kFlagSizeTold : 0;
        break;
      case EventType::kRealloc:
        event.id = row.address;
        event.newId = row.newAddress;
        event.size = row.size;
        event.scope = Scope(current);
        event.flags = now.reallocStart ? kFlagReallocStart : 0;
        if (!now.reallocStart) event.site = std::exchange(sites_[thread], 0);
        break;
      case EventType::kBegin:
        event.id = row.address;
        event.scope = row.newAddress;
        event.name = info_.names.transactionTypes.Intern(row.text);
        if (row.address != 0) {
          parents_.Erase(row.address);
          parents_.Insert(row.address, row.newAddress);
          current = row.address;
        }
        break;
      case EventType::kCommit:
      case EventType::kAbort: {
        event.id = row.address;
        event.flags = (row.flags & kRawInherit) != 0 && event.type == EventType::kCommit ? kFlagInherit : 0;
        std::uint64_t parent = 0;
        parents_.Take(row.address, &parent);
        if (current == row.address) current = parent;
        break;
      }
      case EventType::kMark:
        event.name = info_.names.marks.Intern(row.text);
        break;
      case EventType::kSample:
        event.size = row.size;
        event.id = row.total;
        event.newId = row.swap;
        event.scope = kAbsent;
        break;
    }
    event.thread = threads_.Index(number, event.timeNs, read_);
    out_.Add(event);
  }

  void TakeStack(const RawRow& row, std::uint32_t thread) {
    if (!info_.header.contains(kStackBytesField)) {
      info_.report.Count("stack-of-unknown-weight", true, read_);
      return;
    }
    sites_[thread] = modules_.Site(row.stack, info_.callSites);
    if (sites_[thread] == 0 && !row.stack.empty()) info_.report.Count("stack-without-room", true, read_);
  }

  /** The thread's transaction, where nobody has ended it. */
  std::uint64_t Scope(std::uint64_t& current) {
    if (current != 0 && parents_.Find(current) == nullptr) current = 0;
    return current;
  }

  const ResolveOptions& options_;
  TraceInfo& info_;
  EventBatch out_;
  ThreadTable threads_;
  const std::uint64_t startTicks_;
  const std::uint64_t ticksPerSecond_;
  std::vector<ThreadRows> rows_;
  std::vector<std::uint32_t> heap_;
  std::vector<std::uint64_t> current_;              // handle of the transaction a thread works for, or 0
  LiveBlocks<std::uint64_t, AddressHash> parents_;  // of the open transactions, by handle
  std::vector<std::uint32_t> sites_;                // by thread: the stack of the alloc to come, or 0
  LoadedModules modules_;
  std::uint64_t read_ = 0;
};

}  // namespace

void ResolveRaw(int fd, const ResolveOptions& options, TraceInfo& info, EventSink& sink) {
  const RawFile file(fd, options, info.report);
  Normaliser normaliser(info, sink, Normaliser::Positions::kEvents);
  Resolver(file, options, info, normaliser).Run();
}

}  // namespace rmem
