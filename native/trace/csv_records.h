#pragma once

#include <array>
#include <string>
#include <string_view>

#include "trace/decoder.h"
#include "trace/event_batch.h"
#include "trace/thread_table.h"

namespace rmem {

/**
 * CSV that csv-parse has split: fields joined by 0x1f, rows ended by 0x1e, the first one naming the columns,
 * in any order; all but `event` and `id` may be missing. Numbers are decimal or 0x…; an empty one is 0 or
 * absent, an empty thread is thread 1.
 *
 *   alloc         id, size, align, zeroed, scope, dies_with_scope, kind
 *   free          id, size (where told)
 *   realloc       id, new_id, size, scope, dies_with_scope, kind
 *   begin         id, parent, kind = type of the transaction
 *   commit        id, inherit
 *   abort         id
 *   thread_start, thread_end
 *   mark          text
 *   sample        used, total, swap, psi (in 1/1000 percent)
 *
 * Positions and the lines of errors count rows, the header being row 1.
 */
class CsvRecords : public Decoder {
 public:
  CsvRecords(TraceInfo& info, EventSink& sink) : info_(info), out_(sink), threads_(out_) {}

  void Push(std::span<const std::byte> bytes) override;
  void Finish() override;

  enum Column : int {
    kTime,
    kThread,
    kEvent,
    kId,
    kNewId,
    kSize,
    kAlign,
    kZeroed,
    kScope,
    kDiesWithScope,
    kParent,
    kInherit,
    kKind,
    kText,
    kUsed,
    kTotal,
    kSwap,
    kPsi,
    kColumns
  };
  static constexpr std::array<std::string_view, kColumns> kColumnNames = {
      "time_ns",         "thread", "event",   "id",   "new_id", "size", "align", "zeroed", "scope",
      "dies_with_scope", "parent", "inherit", "kind", "text",   "used", "total", "swap",   "psi"};

 private:
  static constexpr std::size_t kMaxRowBytes = 64 << 10;
  static constexpr std::size_t kMaxFields = 256;

  void Whole(std::string_view row);
  void HeaderRow(std::string_view row);
  void EventRow(std::string_view row);
  void Fill(Event& event) const;
  std::uint64_t Number(Column column, std::uint64_t absent) const;
  bool Flag(Column column) const;
  std::string_view Name(Column column) const;
  [[noreturn]] void Bad(const char* code, const std::string& what) const;

  TraceInfo& info_;
  EventBatch out_;
  ThreadTable threads_;
  std::string partial_;                            // a row whose end has not come yet
  std::array<std::uint8_t, kMaxFields> columnOf_;  // field of a row → Column, or kColumns
  std::size_t fields_ = 0;
  std::array<std::string_view, kColumns + 1> row_;
  std::uint64_t rows_ = 0;
};

}  // namespace rmem
