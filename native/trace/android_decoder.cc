#include "trace/android_decoder.h"

#include <algorithm>
#include <string_view>

#include "trace/trace_error.h"

namespace rmem {
namespace {

constexpr std::uint64_t kNoSize = ~std::uint64_t{0};

bool IsSpace(char c) {
  return c == ' ' || c == '\t';
}

}  // namespace

/** The fields of one line, from left to right. Relies on the CR or LF behind the line to end the last one. */
class AndroidDecoder::Fields {
 public:
  Fields(AndroidDecoder& owner, const char* begin, const char* end) : owner_(owner), at_(begin), end_(end) {
    Spaces();
  }

  bool AtEnd() const { return at_ >= end_; }

  std::uint64_t Thread() {
    std::uint64_t number;
    if (!Digits(&number) || *at_ != ':' || number > UINT32_MAX) {
      Bad("this is no line of an Android memory trace: it should start with a thread number and a colon");
    }
    ++at_;
    Spaces();
    return number;
  }

  std::string_view Word() {
    const char* begin = at_;
    while (at_ < end_ && !IsSpace(*at_)) ++at_;
    const std::string_view word(begin, static_cast<std::size_t>(at_ - begin));
    Spaces();
    return word;
  }

  std::uint64_t Pointer() {
    if (*at_ != '0' || (at_[1] | 0x20) != 'x') Bad("a pointer such as 0xb4827400 is missing");
    at_ += 2;
    const char* begin = at_;
    std::uint64_t value = 0;
    for (;; ++at_) {
      const char c = *at_;
      unsigned digit;
      if (c >= '0' && c <= '9') {
        digit = static_cast<unsigned>(c - '0');
      } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
        digit = static_cast<unsigned>((c | 0x20) - 'a' + 10);
      } else {
        break;
      }
      value = value << 4 | digit;
    }
    if (at_ == begin || at_ - begin > 16) Bad("a pointer is no number of at most 64 bits");
    Separator();
    return value;
  }

  /** A count of bytes; what does not fit into 64 bits comes out as kNoSize. */
  std::uint64_t Size() {
    std::uint64_t value;
    if (*at_ < '0' || *at_ > '9') Bad("a size is missing");
    if (!Digits(&value)) value = kNoSize;
    Separator();
    return value;
  }

  /** What may follow: how much was present (one column, where `presence`), then the time of start and end. */
  void Rest(bool presence, std::uint64_t* startNs, std::uint64_t* endNs) {
    *startNs = *endNs = kNoTime;
    if (AtEnd()) return;
    std::uint64_t columns[3];
    int count = 0;
    while (!AtEnd()) {
      if (count == 3) Bad("there are too many columns");
      const bool negative = *at_ == '-';
      if (negative) ++at_;
      if (!Digits(&columns[count++])) Bad("a column is no number");
      Separator();
    }
    if (count == 1 && presence) return;
    if (count == 1 || (count == 3 && !presence)) Bad("there are too many or too few columns");
    *startNs = columns[count - 2];
    *endNs = columns[count - 1];
    if (*startNs == kNoTime || *endNs == kNoTime) Bad("a time is too large");
  }

 private:
  [[noreturn]] void Bad(const char* what) const { owner_.BadLine(what); }

  /** False where there are no digits or too many. */
  bool Digits(std::uint64_t* value) {
    const char* begin = at_;
    std::uint64_t sum = 0;
    bool fits = true;
    for (; *at_ >= '0' && *at_ <= '9'; ++at_) {
      const auto digit = static_cast<std::uint64_t>(*at_ - '0');
      if (sum > (UINT64_MAX - digit) / 10) fits = false;
      sum = sum * 10 + digit;
    }
    *value = sum;
    return fits && at_ != begin;
  }

  void Spaces() {
    while (at_ < end_ && IsSpace(*at_)) ++at_;
  }

  void Separator() {
    if (at_ < end_ && !IsSpace(*at_)) Bad("a field has characters that do not belong to it");
    Spaces();
  }

  AndroidDecoder& owner_;
  const char* at_;
  const char* end_;
};

void AndroidDecoder::Line(const char* begin, const char* end) {
  Fields in(*this, begin, end);
  if (in.AtEnd()) return;
  const std::uint64_t thread = in.Thread();
  const std::string_view call = in.Word();
  if (call == "malloc") {
    Alloc(in, thread, false, false);
  } else if (call == "free") {
    Free(in, thread);
  } else if (call == "realloc") {
    Realloc(in, thread);
  } else if (call == "calloc") {
    Alloc(in, thread, true, false);
  } else if (call == "memalign") {
    Alloc(in, thread, false, true);
  } else if (call == "thread_done") {
    ThreadDone(in, thread);
  } else {
    BadLine("the call '" + std::string(call.substr(0, 40)) +
            "' is none of an Android memory trace (malloc, calloc, memalign, realloc, free, thread_done)");
  }
}

void AndroidDecoder::Alloc(Fields& in, std::uint64_t thread, bool calloc, bool memalign) {
  Event event;
  event.type = EventType::kAlloc;
  event.id = in.Pointer();
  std::uint64_t factor = 1;
  if (calloc) {
    factor = in.Size();
    event.flags = kFlagZeroed;
  }
  if (memalign) {
    const std::uint64_t alignment = in.Size();
    if (alignment > UINT32_MAX)
      throw TraceError("bad-alignment", "an alignment is larger than 2 GiB").AtLine(line());
    event.alignment = static_cast<std::uint32_t>(alignment);
  }
  if (__builtin_mul_overflow(in.Size(), factor, &event.size)) event.size = kNoSize;
  std::uint64_t startNs;
  in.Rest(false, &startNs, &event.timeNs);
  Emit(event, thread);
}

void AndroidDecoder::Realloc(Fields& in, std::uint64_t thread) {
  Event event;
  event.type = EventType::kRealloc;
  event.newId = in.Pointer();
  event.id = in.Pointer();
  event.size = in.Size();
  std::uint64_t startNs;
  in.Rest(true, &startNs, &event.timeNs);
  Emit(event, thread);
}

void AndroidDecoder::Free(Fields& in, std::uint64_t thread) {
  Event event;
  event.type = EventType::kFree;
  event.id = in.Pointer();
  std::uint64_t endNs;
  in.Rest(true, &event.timeNs, &endNs);
  Emit(event, thread);
}

void AndroidDecoder::ThreadDone(Fields& in, std::uint64_t thread) {
  std::uint64_t startNs = kNoTime;
  std::uint64_t endNs = kNoTime;
  if (!in.AtEnd()) {
    in.Pointer();
    in.Rest(true, &startNs, &endNs);
  }
  threads_.End(thread, endNs, line());
}

void AndroidDecoder::Emit(Event& event, std::uint64_t thread) {
  event.thread = threads_.Index(thread, event.timeNs, line());
  event.position = line();
  out_.Add(event);
}

void AndroidDecoder::End() {
  info_.report.linesRead = line();
  out_.Finish();
}

}  // namespace rmem
