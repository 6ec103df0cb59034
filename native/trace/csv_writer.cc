#include "trace/csv_writer.h"

#include <charconv>

#include "trace/csv_records.h"
#include "trace/event_names.h"

namespace rmem {
namespace {

constexpr std::size_t kFlushBytes = 64 << 10;

class Row {
 public:
  explicit Row(std::string& text) : text_(text) {}

  /** Goes on to the field of `column`; columns come in their order. */
  Row& At(CsvRecords::Column column) {
    for (; at_ < column; ++at_) text_ += ',';
    return *this;
  }
  void Number(CsvRecords::Column column, std::uint64_t value) {
    At(column);
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
    text_.append(digits, end);
  }
  void Flag(CsvRecords::Column column, bool value) { At(column).text_ += value ? '1' : '0'; }
  void Text(CsvRecords::Column column, std::string_view text) {
    At(column);
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
      text_.append(text);
      return;
    }
    text_ += '"';
    for (char c : text) {
      if (c == '"') text_ += '"';
      text_ += c;
    }
    text_ += '"';
  }
  void End() { At(CsvRecords::kPsi).text_ += '\n'; }

 private:
  std::string& text_;
  int at_ = 0;
};

}  // namespace

CsvWriter::CsvWriter(const TraceInfo& info, ByteOutput output) : info_(info), output_(std::move(output)) {
  for (std::string_view name : CsvRecords::kColumnNames) {
    if (!text_.empty()) text_ += ',';
    text_ += name;
  }
  text_ += '\n';
}

void CsvWriter::Consume(std::span<const Event> events) {
  for (const Event& event : events) {
    Write(event);
    if (text_.size() >= kFlushBytes) Flush();
  }
}

void CsvWriter::Finish() {
  Flush();
}

void CsvWriter::Write(const Event& event) {
  if (event.type == EventType::kThreadStart) {
    while (threadNumbers_.size() <= event.thread) threadNumbers_.push_back(threadNumbers_.size());
    threadNumbers_[event.thread] = event.id;
  }
  Row row(text_);
  if (event.timeNs != kNoTime) row.Number(CsvRecords::kTime, event.timeNs);
  row.Number(CsvRecords::kThread,
             event.thread < threadNumbers_.size() ? threadNumbers_[event.thread] : event.thread);
  row.Text(CsvRecords::kEvent, kEventNames[static_cast<std::size_t>(event.type)]);
  switch (event.type) {
    case EventType::kAlloc:
    case EventType::kRealloc:
      row.Number(CsvRecords::kId, event.id);
      if (event.type == EventType::kRealloc) row.Number(CsvRecords::kNewId, event.newId);
      row.Number(CsvRecords::kSize, event.size);
      if (event.alignment != 0) row.Number(CsvRecords::kAlign, event.alignment);
      if (event.type == EventType::kAlloc) row.Flag(CsvRecords::kZeroed, (event.flags & kFlagZeroed) != 0);
      if (event.scope != 0) {
        row.Number(CsvRecords::kScope, event.scope);
        row.Flag(CsvRecords::kDiesWithScope, (event.flags & kFlagDiesWithScope) != 0);
      }
      if (event.name != 0) row.Text(CsvRecords::kKind, info_.names.kinds[event.name]);
      break;
    case EventType::kFree:
      row.Number(CsvRecords::kId, event.id);
      if (event.flags & kFlagSizeTold) row.Number(CsvRecords::kSize, event.size);
      break;
    case EventType::kBegin:
      row.Number(CsvRecords::kId, event.id);
      if (event.scope != 0) row.Number(CsvRecords::kParent, event.scope);
      row.Text(CsvRecords::kKind, info_.names.transactionTypes[event.name]);
      break;
    case EventType::kCommit:
      row.Number(CsvRecords::kId, event.id);
      row.Flag(CsvRecords::kInherit, (event.flags & kFlagInherit) != 0);
      break;
    case EventType::kAbort:
      row.Number(CsvRecords::kId, event.id);
      break;
    case EventType::kMark:
      row.Text(CsvRecords::kText, info_.names.marks[event.name]);
      break;
    case EventType::kSample:
      row.Number(CsvRecords::kUsed, event.size);
      row.Number(CsvRecords::kTotal, event.id);
      if (event.newId != kAbsent) row.Number(CsvRecords::kSwap, event.newId);
      if (event.scope != kAbsent) row.Number(CsvRecords::kPsi, event.scope);
      break;
    case EventType::kThreadStart:
    case EventType::kThreadEnd:
      break;
  }
  row.End();
}

void CsvWriter::Flush() {
  if (text_.empty()) return;
  output_(std::as_bytes(std::span(text_)));
  text_.clear();
}

}  // namespace rmem
