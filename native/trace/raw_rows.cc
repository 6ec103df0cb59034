#include "trace/raw_rows.h"

#include "base/varint.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

[[noreturn]] void DamagedRows() {
  throw TraceError("damaged-block", "a block of the recording is damaged");
}

}  // namespace

std::uint8_t RawRows::Byte() {
  if (at_ == end_) DamagedRows();
  return static_cast<std::uint8_t>(*at_++);
}

std::uint64_t RawRows::Number() {
  std::uint64_t value;
  at_ = ReadVarint(at_, end_, &value);
  if (at_ == nullptr) {
    at_ = end_;
    DamagedRows();
  }
  return value;
}

std::uint64_t RawRows::Ticks() {
  return ticks_ += static_cast<std::uint64_t>(UnZigZag(Number()));
}

std::uint64_t RawRows::Address() {
  return address_ += static_cast<std::uint64_t>(UnZigZag(Number()));
}

std::string_view RawRows::Text() {
  return Bytes(Byte());
}

std::string_view RawRows::Bytes(std::uint64_t bytes) {
  if (bytes > static_cast<std::uint64_t>(end_ - at_)) DamagedRows();
  const std::string_view text(reinterpret_cast<const char*>(at_), static_cast<std::size_t>(bytes));
  at_ += bytes;
  return text;
}

void RawRows::Stack(RawRow* row) {
  const std::uint64_t count = Number();
  if (count > kMaxStackFrames) DamagedRows();
  std::uint64_t address = 0;
  for (std::size_t at = 0; at < count; ++at)
    stack_[at] = address += static_cast<std::uint64_t>(UnZigZag(Number()));
  row->stack = std::span<const std::uint64_t>(stack_).first(static_cast<std::size_t>(count));
}

void RawRows::Module(RawRow* row) {
  row->address = Number();
  row->size = Number();
  row->newAddress = Number();
  row->text = Bytes(Number());
  row->buildId = Bytes(Number());
  if (row->size > ~row->address) DamagedRows();
}

void RawRows::Next(RawRow* row) {
  *row = RawRow{};
  const std::uint8_t op = Byte();
  row->type = op & kRawTypeMask;
  row->flags = op & static_cast<std::uint8_t>(~kRawTypeMask);
  row->ticks = Ticks();
  if (row->type == static_cast<unsigned>(RawOp::kScope)) {
    row->address = Number();
    return;
  }
  if (row->type == static_cast<unsigned>(RawOp::kStack)) return Stack(row);
  if (row->type == static_cast<unsigned>(RawOp::kModule)) return Module(row);
  if (row->type >= kEventTypeCount) DamagedRows();
  switch (static_cast<EventType>(row->type)) {
    case EventType::kAlloc:
      row->address = Address();
      row->size = Number();
      if (row->flags & kRawAligned) {
        const std::uint8_t log2 = Byte();
        if (log2 > 31) DamagedRows();
        row->alignment = std::uint32_t{1} << log2;
      }
      break;
    case EventType::kFree:
      row->address = Address();
      if (row->flags & kRawSizeTold) row->size = Number();
      break;
    case EventType::kRealloc:
      row->ticksAfter = Ticks();
      row->address = Address();
      row->newAddress = Address();
      row->size = Number();
      break;
    case EventType::kBegin:
      row->address = Number();
      row->newAddress = Number();
      row->text = Text();
      break;
    case EventType::kCommit:
    case EventType::kAbort:
      row->address = Number();
      break;
    case EventType::kMark:
      row->text = Text();
      break;
    case EventType::kSample:
      row->size = Number();
      row->total = Number();
      row->swap = Number() - 1;
      break;
    case EventType::kThreadStart:
    case EventType::kThreadEnd:
      break;
  }
}

}  // namespace rmem
