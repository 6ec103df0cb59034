#include "trace/csv_records.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "trace/event_names.h"
#include "trace/rmt_format.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

constexpr char kFieldEnd = '\x1f';
constexpr char kRowEnd = '\x1e';

}  // namespace

void CsvRecords::Push(std::span<const std::byte> bytes) {
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  while (!text.empty()) {
    const std::size_t end = text.find(kRowEnd);
    const std::size_t length = std::min(end, text.size());
    if (partial_.size() + length > kMaxRowBytes) {
      ++rows_;
      Bad("bad-row", "the row is longer than 64 KiB");
    }
    if (end == std::string_view::npos) {
      partial_.append(text);
      return;
    }
    if (partial_.empty()) {
      Whole(text.substr(0, length));
    } else {
      partial_.append(text.substr(0, length));
      Whole(partial_);
      partial_.clear();
    }
    text.remove_prefix(length + 1);
  }
}

void CsvRecords::Finish() {
  if (!partial_.empty()) {
    Whole(partial_);
    partial_.clear();
  }
  if (rows_ == 0) throw TraceError("empty", "the trace is empty: it has no rows at all");
  info_.report.linesRead = rows_;
  out_.Finish();
}

void CsvRecords::Whole(std::string_view row) {
  if (++rows_ == 1) {
    HeaderRow(row);
  } else if (!row.empty()) {
    EventRow(row);
  }
}

void CsvRecords::HeaderRow(std::string_view row) {
  bool event = false;
  bool id = false;
  for (bool more = true; more; ++fields_) {
    if (fields_ == kMaxFields) Bad("not-a-trace", "the header row names more than 256 columns");
    const std::size_t end = row.find(kFieldEnd);
    const std::string_view name = row.substr(0, end);
    more = end != std::string_view::npos;
    if (more) row.remove_prefix(end + 1);
    const auto found = std::find(kColumnNames.begin(), kColumnNames.end(), name);
    columnOf_[fields_] = static_cast<std::uint8_t>(found - kColumnNames.begin());
    event |= columnOf_[fields_] == kEvent;
    id |= columnOf_[fields_] == kId;
  }
  if (!event || !id) Bad("not-a-trace", "the first row names no columns `event` and `id`");
}

void CsvRecords::EventRow(std::string_view row) {
  row_.fill({});
  std::size_t field = 0;
  for (bool more = true; more; ++field) {
    if (field == fields_) Bad("bad-row", "the row has more fields than the header");
    const std::size_t end = row.find(kFieldEnd);
    row_[columnOf_[field]] = row.substr(0, end);
    more = end != std::string_view::npos;
    if (more) row.remove_prefix(end + 1);
  }

  const auto type = std::find(kEventNames.begin(), kEventNames.end(), row_[kEvent]);
  if (type == kEventNames.end()) {
    Bad("bad-row", "the event '" + std::string(row_[kEvent].substr(0, 40)) +
                       "' is none that is known (alloc, free, realloc, begin, commit, abort, thread_start, "
                       "thread_end, mark, sample)");
  }
  Event event;
  event.type = static_cast<EventType>(type - kEventNames.begin());
  event.timeNs = Number(kTime, kNoTime);
  event.position = rows_;
  const std::uint64_t thread = Number(kThread, 1);
  if (event.type == EventType::kThreadEnd) {
    threads_.End(thread, event.timeNs, rows_);
    return;
  }
  const std::uint32_t before = threads_.count();
  event.thread = threads_.Index(thread, event.timeNs, rows_);
  if (event.type == EventType::kThreadStart) {
    if (threads_.count() != before) return;  // that was it
    event.id = thread;                       // said twice: the normaliser counts it
  }
  Fill(event);
  out_.Add(event);
}

void CsvRecords::Fill(Event& event) const {
  switch (event.type) {
    case EventType::kAlloc:
    case EventType::kRealloc: {
      event.id = Number(kId, 0);
      if (event.type == EventType::kRealloc) event.newId = Number(kNewId, 0);
      event.size = Number(kSize, 0);
      const std::uint64_t alignment = Number(kAlign, 0);
      if (alignment > UINT32_MAX) Bad("bad-alignment", "an alignment is larger than 2 GiB");
      if (event.type == EventType::kAlloc) event.alignment = static_cast<std::uint32_t>(alignment);
      event.flags = static_cast<std::uint8_t>((Flag(kZeroed) ? kFlagZeroed : 0) |
                                              (Flag(kDiesWithScope) ? kFlagDiesWithScope : 0));
      if (event.type == EventType::kRealloc) event.flags &= kFlagDiesWithScope;
      event.scope = Number(kScope, 0);
      if (const auto kind = Name(kKind); !kind.empty()) event.name = info_.names.kinds.Intern(kind);
      break;
    }
    case EventType::kFree:
      event.id = Number(kId, 0);
      if (!row_[kSize].empty()) {
        event.flags = kFlagSizeTold;
        event.size = Number(kSize, 0);
      }
      break;
    case EventType::kBegin:
      event.id = Number(kId, 0);
      event.scope = Number(kParent, 0);
      event.name = info_.names.transactionTypes.Intern(Name(kKind));
      break;
    case EventType::kCommit:
    case EventType::kAbort:
      event.id = Number(kId, 0);
      if (event.type == EventType::kCommit && Flag(kInherit)) event.flags = kFlagInherit;
      break;
    case EventType::kMark:
      event.name = info_.names.marks.Intern(Name(kText));
      break;
    case EventType::kSample:
      event.size = Number(kUsed, 0);
      event.id = Number(kTotal, 0);
      event.newId = Number(kSwap, kAbsent);
      event.scope = Number(kPsi, kAbsent);
      break;
    case EventType::kThreadStart:
    case EventType::kThreadEnd:
      break;
  }
}

std::uint64_t CsvRecords::Number(Column column, std::uint64_t absent) const {
  std::string_view text = row_[column];
  if (text.empty()) return absent;
  const bool negative = text.front() == '-';
  if (negative) text.remove_prefix(1);
  const bool hex = text.size() > 2 && text[0] == '0' && (text[1] | 0x20) == 'x';
  if (hex) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  const bool identity = column == kId || column == kNewId || column == kScope || column == kParent;
  if (column == kSize && error == std::errc::result_out_of_range) return ~std::uint64_t{0};
  if (error != std::errc() || end != text.data() + text.size() || (negative && !identity)) {
    Bad("bad-row", "the column " + std::string(kColumnNames[column]) + " holds '" +
                       std::string(row_[column].substr(0, 40)) +
                       "', which is no number that can stand there");
  }
  return negative ? ~value + 1 : value;
}

bool CsvRecords::Flag(Column column) const {
  const std::string_view text = row_[column];
  if (text.empty() || text == "0" || text == "false") return false;
  if (text == "1" || text == "true") return true;
  Bad("bad-row", "the column " + std::string(kColumnNames[column]) + " holds '" +
                     std::string(text.substr(0, 40)) + "', which is neither 0 nor 1");
}

std::string_view CsvRecords::Name(Column column) const {
  if (row_[column].size() > kMaxNameBytes) Bad("bad-row", "a name is longer than 1024 bytes");
  return row_[column];
}

void CsvRecords::Bad(const char* code, const std::string& what) const {
  throw TraceError(code, what).AtLine(rows_);
}

}  // namespace rmem
