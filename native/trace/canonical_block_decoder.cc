#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/varint.h"
#include "trace/canonical_block.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

[[noreturn]] void DamagedBlock(const char* what) {
  throw TraceError("damaged-block", std::string("a block of the trace is damaged: ") + what);
}

constexpr std::size_t kBatch = 256;

}  // namespace

/** Reads one stretch of bytes; what would go beyond its end is damage. */
class CanonicalBlockDecoder::Cursor {
 public:
  Cursor() = default;
  explicit Cursor(std::span<const std::byte> bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  std::uint8_t Byte() {
    if (at_ == end_) DamagedBlock("it ends early");
    return static_cast<std::uint8_t>(*at_++);
  }

  std::uint64_t Number() {
    if (at_ != end_ && static_cast<std::uint8_t>(*at_) < 0x80) return static_cast<std::uint8_t>(*at_++);
    return LongNumber();
  }

  std::span<const std::byte> Bytes(std::uint64_t count) {
    if (count > left()) DamagedBlock("it ends early");
    const std::byte* start = at_;
    at_ += count;
    return {start, static_cast<std::size_t>(count)};
  }

  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

 private:
  __attribute__((noinline)) std::uint64_t LongNumber() {
    std::uint64_t value;
    const std::byte* next = ReadVarint(at_, end_, &value);
    if (next == nullptr) DamagedBlock("a number does not end");
    at_ = next;
    return value;
  }

  const std::byte* at_ = nullptr;
  const std::byte* end_ = nullptr;
};

void CanonicalBlockDecoder::AddName(std::size_t table, std::string_view text) {
  NameTable& names = table == 0 ? names_.kinds : table == 1 ? names_.transactionTypes : names_.marks;
  if (nameOf_[table].size() > UINT16_MAX) DamagedBlock("it names too much");
  nameOf_[table].push_back(names.Intern(text));
}

void CanonicalBlockDecoder::InventNames(const std::array<std::uint32_t, 3>& counts) {
  static constexpr const char* kStandIns[] = {"lost-kind-", "lost-type-", "lost-mark-"};
  for (std::size_t table = 0; table < 3; ++table) {
    while (nameOf_[table].size() < counts[table]) {
      AddName(table, kStandIns[table] + std::to_string(nameOf_[table].size()));
    }
  }
}

void CanonicalBlockDecoder::ReadNames(Cursor& in, CanonicalCounters& counters) {
  for (std::uint64_t left = in.Number(); left > 0; --left) {
    const std::uint8_t table = in.Byte();
    if (table > 2) DamagedBlock("there is no such table of names");
    const std::uint64_t bytes = in.Number();
    if (bytes > kMaxNameBytes) DamagedBlock("a name is too long");
    const auto text = in.Bytes(bytes);
    AddName(table, {reinterpret_cast<const char*>(text.data()), text.size()});
    ++counters.names[table];
  }
}

void CanonicalBlockDecoder::ReadShapes(Cursor& in) {
  const std::uint64_t count = in.Number();
  if (count > kMaxShapes) DamagedBlock("it has too many shapes");
  for (shapeCount_ = 0; shapeCount_ < count; ++shapeCount_) {
    Event& shape = shapes_[shapeCount_];
    const std::uint8_t bits = in.Byte();
    if (bits & ~kAllocBits) DamagedBlock("a block has no such properties");
    shape = Event{};
    shape.flags = bits & (kShapeZeroed | kShapeDiesWithScope);
    shape.size = in.Number();
    shape.scope = (bits & kShapeInScope) != 0 ? 1 : 0;  // replaced by the current one
    if (bits & kShapeAligned) {
      const std::uint8_t log2 = in.Byte();
      if (log2 > 31) DamagedBlock("an alignment is too large");
      shape.alignment = std::uint32_t{1} << log2;
    }
    if (bits & kShapeKind) {
      const std::uint64_t kind = in.Number();
      if (kind >= nameOf_[0].size()) DamagedBlock("a kind has no name");
      shape.name = nameOf_[0][kind];
    }
    if (shape.size > kMaxBlockBytes) DamagedBlock("a block is too large");
  }
}

void CanonicalBlockDecoder::Decode(const RmtBlockHeader& header, std::span<const std::byte> payload,
                                   std::uint32_t timeUnitNs, CanonicalCounters& counters, EventSink& sink) {
  Cursor in(payload);
  ReadNames(in, counters);
  ReadShapes(in);
  std::array<std::uint64_t, kCanonicalColumns> lengths;
  for (std::uint64_t& length : lengths) length = in.Number();
  std::array<Cursor, kCanonicalColumns> columns;
  for (int column = 0; column < kCanonicalColumns; ++column)
    columns[column] = Cursor(in.Bytes(lengths[column]));
  if (in.left() != 0) DamagedBlock("it goes on after its end");

  // The counters live in registers: nothing that is called while events are decoded could change them.
  std::uint64_t events = counters.events;
  std::uint64_t births = counters.births;
  std::uint64_t begins = counters.begins;
  std::uint64_t timeNs = counters.timeNs;
  const std::uint64_t firstEvent = events;
  const std::uint64_t firstBegin = begins;
  const bool timed = (header.flags & kBlockHasTimes) != 0;
  threads_.clear();
  parents_.clear();
  LocalThread* thread = nullptr;
  bool threadIdle = false;  // it was switched to, and has no event yet
  std::uint32_t site = 0;   // of the event to come

  std::array<Event, kBatch> batch;
  std::size_t filled = 0;
  Cursor ops = columns[kColumnOps];
  Cursor times = columns[kColumnTimes];

  const auto dead = [&](std::uint64_t distance) {
    if (distance >= births) DamagedBlock("a block is freed before it is born");
    return births - distance;
  };
  const auto nameIn = [&](std::size_t table) {
    const std::uint64_t name = columns[kColumnNames].Number();
    if (name >= nameOf_[table].size()) DamagedBlock("a name is not defined");
    return nameOf_[table][name];
  };
  const auto current = [&] {
    if (thread->current == 0) DamagedBlock("there is no current transaction");
    return thread->current;
  };
  const auto size = [&] {
    const std::uint64_t bytes = columns[kColumnSizes].Number();
    if (bytes > kMaxBlockBytes) DamagedBlock("a block is too large");
    return bytes;
  };
  const auto ended = [&](std::uint64_t transaction) {
    thread->current = transaction > firstBegin ? parents_[transaction - firstBegin - 1] : 0;
  };

  while (ops.left() != 0) {
    const unsigned op = ops.Byte();
    if (thread == nullptr && op != kOpThread) DamagedBlock("an event has no thread");
    Event& event = batch[filled];

    if (op >= kFirstShape) {
      if (op - kFirstShape >= shapeCount_) DamagedBlock("a shape is not defined");
      event = shapes_[op - kFirstShape];
      event.id = ++births;
      if (event.scope != 0) event.scope = current();
    } else if (op >= kFirstSmallFree) {
      event = Event{};
      event.type = EventType::kFree;
      event.id = dead(op - kFirstSmallFree);
    } else {
      event = Event{};
      switch (op) {
        case kOpAlloc:
        case kOpRealloc: {
          if (op == kOpRealloc) {
            event.type = EventType::kRealloc;
            event.id = dead(columns[kColumnFar].Number());
            event.newId = ++births;
          } else {
            event.id = ++births;
          }
          const std::uint8_t bits = columns[kColumnBits].Byte();
          if (bits & ~(op == kOpRealloc ? kReallocBits : kAllocBits))
            DamagedBlock("a block has no such properties");
          event.flags = bits & (kShapeZeroed | kShapeDiesWithScope);
          event.size = size();
          if (bits & kShapeInScope) event.scope = current();
          if (bits & kShapeAligned) {
            const std::uint8_t log2 = columns[kColumnAlignments].Byte();
            if (log2 > 31) DamagedBlock("an alignment is too large");
            event.alignment = std::uint32_t{1} << log2;
          }
          if (bits & kShapeKind) event.name = nameIn(0);
          break;
        }
        case kOpFreeNear:
          event.type = EventType::kFree;
          event.id = dead(kFirstNear + columns[kColumnNear].Byte());
          break;
        case kOpFreeMid: {
          const std::uint64_t low = columns[kColumnMidLow].Byte();
          const std::uint64_t high = columns[kColumnMidHigh].Byte();
          event.type = EventType::kFree;
          event.id = dead(kFirstMid + low + (high << 8));
          break;
        }
        case kOpFreeFar:
          event.type = EventType::kFree;
          event.id = dead(columns[kColumnFar].Number());
          break;
        case kOpFreeSized:
          event.type = EventType::kFree;
          event.flags = kFlagSizeTold;
          event.id = dead(columns[kColumnFar].Number());
          event.size = columns[kColumnSizes].Number();
          break;
        case kOpBegin:
        case kOpBeginInside:
          event.type = EventType::kBegin;
          event.name = nameIn(1);
          if (op == kOpBeginInside) event.scope = current();
          event.id = ++begins;
          parents_.push_back(event.scope);
          thread->current = event.id;
          break;
        case kOpCommit:
        case kOpCommitInherit:
        case kOpAbort:
          event.type = op == kOpAbort ? EventType::kAbort : EventType::kCommit;
          if (op == kOpCommitInherit) event.flags = kFlagInherit;
          event.id = current();
          ended(event.id);
          break;
        case kOpThreadStart:
          event.type = EventType::kThreadStart;
          event.id = columns[kColumnNumbers].Number();
          break;
        case kOpThreadEnd:
          event.type = EventType::kThreadEnd;
          break;
        case kOpMark:
          event.type = EventType::kMark;
          event.name = nameIn(2);
          break;
        case kOpSample: {
          Cursor& numbers = columns[kColumnNumbers];
          event.type = EventType::kSample;
          event.size = numbers.Number();
          event.id = numbers.Number();
          event.newId = numbers.Number() - 1;
          event.scope = numbers.Number() - 1;
          break;
        }
        case kOpScope: {
          const std::uint64_t distance = columns[kColumnScopes].Number();
          if (distance >= begins) DamagedBlock("a transaction is used before it began");
          thread->current = begins - distance;
          continue;
        }
        case kOpThread: {
          if (threadIdle) DamagedBlock("a thread has no events");
          threadIdle = true;
          Cursor& numbers = columns[kColumnThreads];
          const std::uint64_t number = numbers.Number();
          if (number > threads_.size()) DamagedBlock("there is no such thread");
          if (number == threads_.size()) {
            const std::uint64_t index = numbers.Number();
            if (index > counters.threads || index >= kMaxThreads) DamagedBlock("there is no such thread");
            if (index == counters.threads) ++counters.threads;
            threads_.push_back({static_cast<std::uint32_t>(index), 0});
          }
          thread = &threads_[number];
          continue;
        }
        case kOpTimeBack: {
          const std::uint64_t units = columns[kColumnNumbers].Number();
          if (units > timeNs / timeUnitNs) DamagedBlock("time goes back before its beginning");
          timeNs -= units * timeUnitNs;
          continue;
        }
        case kOpSite: {
          if (!sitesAllowed_) DamagedBlock("an event is of no known sort");
          const std::uint64_t number = columns[kColumnNumbers].Number();
          if (number == 0 || number >= kMaxCallNodes || site != 0) DamagedBlock("there is no such call site");
          site = static_cast<std::uint32_t>(number);
          lastSite_ = std::max(lastSite_, site);
          continue;
        }
        default:
          DamagedBlock("an event is of no known sort");
      }
    }

    threadIdle = false;
    event.thread = thread->index;
    if (site != 0) [[unlikely]] {
      if (event.type != EventType::kAlloc && event.type != EventType::kRealloc)
        DamagedBlock("an event that makes no block has a call site");
      event.site = std::exchange(site, 0);
    }
    if (timed) {
      const std::uint64_t units = times.Number();
      if (units > (kNoTime - 1 - timeNs) / timeUnitNs) DamagedBlock("a time is too large");
      timeNs += units * timeUnitNs;
      event.timeNs = timeNs;
    }
    event.position = ++events;
    if (++filled == kBatch) {
      sink.Consume(std::span(batch.data(), filled));
      filled = 0;
    }
  }
  if (filled != 0) sink.Consume(std::span(batch.data(), filled));

  if (threadIdle) DamagedBlock("a thread has no events");
  if (site != 0) DamagedBlock("a call site has no event");
  columns[kColumnTimes] = times;
  columns[kColumnOps] = ops;
  for (const Cursor& column : columns) {
    if (column.left() != 0) DamagedBlock("it holds more than its events");
  }
  if (events - firstEvent != header.events) DamagedBlock("it has another number of events than it says");
  counters.events = events;
  counters.births = births;
  counters.begins = begins;
  counters.timeNs = timeNs;
}

}  // namespace rmem
