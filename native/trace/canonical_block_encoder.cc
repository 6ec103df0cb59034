#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <string>

#include "base/varint.h"
#include "trace/canonical_block.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

constexpr std::size_t kMaxNamesSectionBytes = 12 << 10;
constexpr std::uint32_t kRare = ~std::uint32_t{0};

void Append(std::vector<std::byte>& to, std::span<const std::byte> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

void AppendVarint(std::vector<std::byte>& to, std::uint64_t value) {
  std::byte bytes[kMaxVarintBytes];
  Append(to, std::span<const std::byte>(bytes, WriteVarint(bytes, value)));
}

[[noreturn]] void NotCanonical(const Event& event, const std::string& what) {
  throw TraceError("not-canonical", "can't write this as a canonical trace: " + what).AtEvent(event.position);
}

std::uint8_t ShapeBits(const Event& event) {
  return static_cast<std::uint8_t>(
      (event.flags & (kFlagZeroed | kFlagDiesWithScope)) | (event.scope != 0 ? kShapeInScope : 0) |
      (event.alignment != 0 ? kShapeAligned : 0) | (event.name != 0 ? kShapeKind : 0));
}

}  // namespace

void CanonicalCounters::Store(RmtBlockHeader* header) const {
  header->firstEvent = events + 1;
  header->births = births;
  header->begins = begins;
  header->timeNs = timeNs;
  header->threads = threads;
  header->kinds = static_cast<std::uint16_t>(names[0] - 1);
  header->transactionTypes = static_cast<std::uint16_t>(names[1] - 1);
  header->marks = static_cast<std::uint16_t>(names[2] - 1);
}

CanonicalCounters CanonicalCounters::Load(const RmtBlockHeader& header) {
  CanonicalCounters counters;
  counters.events = header.firstEvent - 1;
  counters.births = header.births;
  counters.begins = header.begins;
  counters.timeNs = header.timeNs;
  counters.threads = header.threads;
  counters.names = {header.kinds + 1u, header.transactionTypes + 1u, header.marks + 1u};
  return counters;
}

bool MakeNamesSection(const TraceNames& names, CanonicalCounters& counters, std::vector<std::byte>& section) {
  const NameTable* tables[] = {&names.kinds, &names.transactionTypes, &names.marks};
  std::vector<std::byte> texts;
  std::uint64_t count = 0;
  bool all = true;
  for (std::size_t table = 0; table < 3; ++table) {
    std::uint32_t& known = counters.names[table];
    for (; known < tables[table]->size(); ++known) {
      const std::string& text = (*tables[table])[known];
      if (text.size() > kMaxNameBytes) throw TraceError("not-canonical", "a name is longer than 1024 bytes");
      if (texts.size() + text.size() + 8 > kMaxNamesSectionBytes) {
        all = false;
        break;
      }
      texts.push_back(static_cast<std::byte>(table));
      AppendVarint(texts, text.size());
      Append(texts, std::as_bytes(std::span(text)));
      ++count;
    }
  }
  section.clear();
  AppendVarint(section, count);
  Append(section, texts);
  return all;
}

CanonicalBlockEncoder::CanonicalBlockEncoder(std::uint32_t timeUnitNs) : timeUnitNs_(timeUnitNs) {}

void CanonicalBlockEncoder::Number(CanonicalColumn column, std::uint64_t value) {
  if (value < 0x80) {
    columns_[column].push_back(static_cast<std::byte>(value));
  } else {
    AppendVarint(columns_[column], value);
  }
}

void CanonicalBlockEncoder::Encode(std::span<const std::byte> names, std::span<const Event> events,
                                   CanonicalCounters& counters, std::vector<std::byte>& payload) {
  counters_ = &counters;
  for (auto& column : columns_) column.clear();
  parents_.clear();
  firstBegin_ = counters.begins + 1;
  ++block_;
  localThreads_ = 0;
  thread_ = nullptr;

  payload.assign(names.begin(), names.end());
  FindShapes(events, payload);
  std::size_t alloc = 0;
  for (const Event& event : events)
    Put(event, event.type == EventType::kAlloc ? shapeOfAlloc_[alloc++] : kRare);

  for (const auto& column : columns_) AppendVarint(payload, column.size());
  for (const auto& column : columns_) Append(payload, column);
}

void CanonicalBlockEncoder::FindShapes(std::span<const Event> events, std::vector<std::byte>& payload) {
  shapes_.clear();
  shapeOfAlloc_.clear();
  shapeTable_.assign(std::bit_ceil(events.size() * 2 + 1), 0);
  for (const Event& event : events) {
    if (event.type == EventType::kAlloc) shapeOfAlloc_.push_back(ShapeOf(event));
  }

  // The commonest get ops; equals in the order of their appearance, so that the same events make the same
  // bytes.
  std::vector<std::uint32_t> order(shapes_.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return shapes_[a].count > shapes_[b].count; });
  order.resize(std::min<std::size_t>(order.size(), kMaxShapes));
  AppendVarint(payload, order.size());
  unsigned op = kFirstShape;
  for (std::uint32_t index : order) {
    Shape& shape = shapes_[index];
    shape.op = static_cast<std::uint8_t>(op++);
    payload.push_back(static_cast<std::byte>(shape.bits));
    AppendVarint(payload, shape.size);
    if (shape.bits & kShapeAligned)
      payload.push_back(static_cast<std::byte>(std::countr_zero(shape.alignment)));
    if (shape.bits & kShapeKind) AppendVarint(payload, shape.kind);
  }
}

std::uint32_t CanonicalBlockEncoder::ShapeOf(const Event& event) {
  const std::uint8_t bits = ShapeBits(event);
  const std::size_t mask = shapeTable_.size() - 1;
  std::uint64_t hash = event.size * 0x9e3779b97f4a7c15u;
  hash = (hash ^ (std::uint64_t{event.name} << 16) ^ (std::uint64_t{event.alignment} << 8) ^ bits) *
         0xff51afd7ed558ccdu;
  for (std::size_t at = (hash >> 40) & mask;; at = (at + 1) & mask) {
    if (shapeTable_[at] == 0) {
      shapes_.push_back({event.size, event.alignment, event.name, bits, 0, 1});
      shapeTable_[at] = static_cast<std::uint32_t>(shapes_.size());
      return static_cast<std::uint32_t>(shapes_.size() - 1);
    }
    Shape& shape = shapes_[shapeTable_[at] - 1];
    if (shape.size == event.size && shape.bits == bits && shape.kind == event.name &&
        shape.alignment == event.alignment) {
      ++shape.count;
      return shapeTable_[at] - 1;
    }
  }
}

void CanonicalBlockEncoder::Put(const Event& event, std::uint32_t shape) {
  CheckThread(event);
  if (thread_ == nullptr || threadIndex_ != event.thread) SwitchThread(event.thread);
  if (event.timeNs != kNoTime) PutTime(event.timeNs);
  if (event.site != 0 && (event.type == EventType::kAlloc || event.type == EventType::kRealloc)) {
    if (event.site >= kMaxCallNodes) NotCanonical(event, "a call site is not in the table");
    Op(kOpSite);
    Number(kColumnNumbers, event.site);
  }
  ++counters_->events;
  switch (event.type) {
    case EventType::kAlloc:
      PutAlloc(event, shapes_[shape]);
      break;
    case EventType::kFree:
      PutFree(event);
      break;
    case EventType::kRealloc:
      PutRealloc(event);
      break;
    case EventType::kBegin:
      PutBegin(event);
      break;
    case EventType::kCommit:
    case EventType::kAbort:
      PutEnd(event);
      break;
    case EventType::kThreadStart:
      Op(kOpThreadStart);
      Number(kColumnNumbers, event.id);
      break;
    case EventType::kThreadEnd:
      Op(kOpThreadEnd);
      break;
    case EventType::kMark:
      Op(kOpMark);
      Number(kColumnNames, event.name);
      break;
    case EventType::kSample:
      Op(kOpSample);
      Number(kColumnNumbers, event.size);
      Number(kColumnNumbers, event.id);
      Number(kColumnNumbers, event.newId + 1);
      Number(kColumnNumbers, event.scope + 1);
      break;
  }
}

void CanonicalBlockEncoder::PutAlloc(const Event& event, const Shape& shape) {
  if (event.id != ++counters_->births) NotCanonical(event, "a block's id is not its birth number");
  if (event.scope != 0) SetScope(event.scope);
  if (shape.op != 0) {
    Op(shape.op);
    return;
  }
  Op(kOpAlloc);
  Byte(kColumnBits, shape.bits);
  Number(kColumnSizes, event.size);
  if (shape.bits & kShapeAligned) Byte(kColumnAlignments, std::countr_zero(event.alignment));
  if (shape.bits & kShapeKind) Number(kColumnNames, event.name);
}

void CanonicalBlockEncoder::PutFree(const Event& event) {
  const std::uint64_t distance = Distance(event.id);
  if (event.flags & kFlagSizeTold) {
    Op(kOpFreeSized);
    Number(kColumnFar, distance);
    Number(kColumnSizes, event.size);
  } else if (distance < kFirstNear) {
    Op(kFirstSmallFree + static_cast<unsigned>(distance));
  } else if (distance < kFirstMid) {
    Op(kOpFreeNear);
    Byte(kColumnNear, distance - kFirstNear);
  } else if (distance < kFirstFar) {
    Op(kOpFreeMid);
    Byte(kColumnMidLow, (distance - kFirstMid) & 0xff);
    Byte(kColumnMidHigh, (distance - kFirstMid) >> 8);
  } else {
    Op(kOpFreeFar);
    Number(kColumnFar, distance);
  }
}

void CanonicalBlockEncoder::PutRealloc(const Event& event) {
  const std::uint64_t distance = Distance(event.id);
  if (event.newId != ++counters_->births) NotCanonical(event, "a block's id is not its birth number");
  if (event.scope != 0) SetScope(event.scope);
  Op(kOpRealloc);
  Number(kColumnFar, distance);
  const auto bits = static_cast<std::uint8_t>(ShapeBits(event) & kReallocBits);
  Byte(kColumnBits, bits);
  Number(kColumnSizes, event.size);
  if (bits & kShapeKind) Number(kColumnNames, event.name);
}

void CanonicalBlockEncoder::PutBegin(const Event& event) {
  if (event.scope != 0) SetScope(event.scope);
  if (event.id != ++counters_->begins) NotCanonical(event, "a transaction's id is not its number");
  Op(event.scope != 0 ? kOpBeginInside : kOpBegin);
  Number(kColumnNames, event.name);
  parents_.push_back(event.scope);
  thread_->current = event.id;
}

void CanonicalBlockEncoder::PutEnd(const Event& event) {
  SetScope(event.id);
  if (event.type == EventType::kAbort) {
    Op(kOpAbort);
  } else {
    Op(event.flags & kFlagInherit ? kOpCommitInherit : kOpCommit);
  }
  thread_->current = event.id >= firstBegin_ ? parents_[event.id - firstBegin_] : 0;
}

void CanonicalBlockEncoder::CheckThread(const Event& event) {
  if (event.thread > counters_->threads || event.thread >= kMaxThreads) {
    NotCanonical(event, "threads are not numbered in the order of their appearance");
  }
  if (event.thread == counters_->threads) ++counters_->threads;
}

void CanonicalBlockEncoder::SwitchThread(std::uint32_t thread) {
  if (threads_.size() <= thread)
    threads_.resize(std::max<std::size_t>(thread + 1, threads_.size() * 2), {0, 0, 0});
  thread_ = &threads_[thread];
  threadIndex_ = thread;
  Op(kOpThread);
  if (thread_->block == block_) {
    Number(kColumnThreads, thread_->number);
    return;
  }
  *thread_ = {localThreads_++, block_, 0};
  Number(kColumnThreads, thread_->number);
  Number(kColumnThreads, thread);
}

void CanonicalBlockEncoder::SetScope(std::uint64_t scope) {
  if (thread_->current == scope) return;
  if (scope == 0 || scope > counters_->begins)
    throw TraceError("not-canonical", "a transaction is used before it began");
  Op(kOpScope);
  Number(kColumnScopes, counters_->begins - scope);
  thread_->current = scope;
}

void CanonicalBlockEncoder::PutTime(std::uint64_t timeNs) {
  const std::uint64_t rounded = timeNs - timeNs % timeUnitNs_;
  std::uint64_t& last = counters_->timeNs;
  if (rounded < last) {
    Op(kOpTimeBack);
    Number(kColumnNumbers, (last - rounded) / timeUnitNs_);
    last = rounded;
  }
  Number(kColumnTimes, (rounded - last) / timeUnitNs_);
  last = rounded;
}

std::uint64_t CanonicalBlockEncoder::Distance(std::uint64_t id) const {
  if (id == 0 || id > counters_->births)
    throw TraceError("not-canonical", "a block is freed before it is born");
  return counters_->births - id;
}

}  // namespace rmem
