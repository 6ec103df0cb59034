#include "recording/ring_encoder.h"

#include <string_view>

#include "recording/ring.h"

namespace rmem::record {
namespace {

constexpr std::uint64_t kAheadWords = 96;

}  // namespace

template <class Row>
void RingEncoder::Append(std::uint64_t ticks, Row&& row) {
  lastTicks_ = ticks;
  if (open_ && row(writer_)) return;
  Flush();
  writer_.Start(buffer_, thread_, ticks);
  open_ = true;
  row(writer_);
}

template <class Row>
void RingEncoder::AppendWithStack(std::uint64_t ticks, Row&& row) {
  if (hasStack_) {
    hasStack_ = false;
    Append(ticks, [&](RawBlockWriter& writer) { return writer.Stack(ticks, {stack_, stackFrames_}); });
  }
  Append(ticks, row);
}

void RingEncoder::Flush() {
  if (!open_) return;
  open_ = false;
  const std::size_t bytes = writer_.Finish();
  if (bytes > 0) out_.Write({buffer_, bytes});
}

void RingEncoder::EndThread() {
  if (!ending_) return;
  ending_ = false;
  const std::uint64_t ticks = lastTicks_;
  Append(ticks, [ticks](RawBlockWriter& writer) { return writer.ThreadEnd(ticks); });
  ++counts_.events;
}

void RingEncoder::StartThread(std::uint32_t thread, std::uint64_t ticks) {
  EndThread();
  Flush();
  writer_ = RawBlockWriter();
  hasStack_ = false;
  thread_ = thread;
  lastTicks_ = ticks;
  ++counts_.threads;
}

void RingEncoder::Finish() {
  EndThread();
  Flush();
}

std::uint64_t RingEncoder::Drain(std::uint64_t maxWords) {
  const std::uint64_t tail = ring_.tail.load(std::memory_order_acquire);
  const std::uint64_t head = ring_.head.load(std::memory_order_relaxed);
  if (tail == head) return 0;
  if (damaged_ || tail - head > mask_ + 1) {
    if (!damaged_) ++counts_.damaged;
    damaged_ = true;
    ring_.head.store(tail, std::memory_order_release);
    return 0;
  }
  std::uint64_t at = head;
  while (at != tail && at - head < maxWords) {
    // The line is in the cache of the CPU that wrote it.
    __builtin_prefetch(words_ + ((at + kAheadWords) & mask_));
    const std::uint64_t words = Take(at, tail);
    if (words == 0) {
      damaged_ = true;
      ++counts_.damaged;
      at = tail;
      break;
    }
    at += words;
  }
  ring_.head.store(at, std::memory_order_release);
  if (lastTicks_ > counts_.lastTicks) counts_.lastTicks = lastTicks_;
  return at - head;
}

void RingEncoder::Discard() {
  ring_.head.store(ring_.tail.load(std::memory_order_acquire), std::memory_order_release);
}

std::uint64_t RingEncoder::Text(std::uint64_t at, std::uint64_t end, char* text, std::size_t* bytes,
                                std::size_t most) const {
  if (at >= end) return 0;
  *bytes = Word(at);
  if (*bytes > most) return 0;
  const std::uint64_t words = (*bytes + 7) / 8;
  if (end - at < 1 + words) return 0;
  for (std::uint64_t i = 0; i < words; ++i) {
    const std::uint64_t word = Word(at + 1 + i);
    std::memcpy(text + i * 8, &word, 8);
  }
  return 1 + words;
}

std::uint64_t RingEncoder::TakeStack(std::uint64_t at, std::uint64_t left) {
  const std::uint64_t count = left >= 2 ? Word(at + 1) : kMaxStackFrames + 1;
  if (count > kMaxStackFrames || left < 2 + count) return 0;
  for (std::uint64_t i = 0; i < count; ++i) stack_[i] = Word(at + 2 + i);
  stackFrames_ = count;
  hasStack_ = true;
  return 2 + count;
}

std::uint64_t RingEncoder::TakeModule(std::uint64_t at, std::uint64_t end, std::uint64_t ticks) {
  if (end - at < 6) return 0;
  char path[kMaxPathWords * 8], buildId[kMaxBuildIdWords * 8];
  std::size_t pathBytes = 0, buildIdBytes = 0;
  const std::uint64_t pathWords = Text(at + 4, end, path, &pathBytes, RawBlockWriter::kMaxRawPathBytes);
  if (pathWords == 0) return 0;
  const std::uint64_t buildIdWords =
      Text(at + 4 + pathWords, end, buildId, &buildIdBytes, RawBlockWriter::kMaxRawBuildIdBytes);
  if (buildIdWords == 0) return 0;
  Append(ticks, [&](RawBlockWriter& writer) {
    return writer.Module(ticks, Word(at + 1), Word(at + 2), Word(at + 3), {path, pathBytes},
                         {buildId, buildIdBytes});
  });
  return 4 + pathWords + buildIdWords;
}

std::uint64_t RingEncoder::Take(std::uint64_t at, std::uint64_t end) {
  const std::uint64_t first = Word(at);
  const std::uint64_t left = end - at;
  const unsigned op = first & 0xff;
  const unsigned type = op & kRawTypeMask;
  const std::uint64_t ticks = TicksOf(first, startTicks_);
  const auto word = [this, at](unsigned index) { return Word(at + index); };

  if (type == static_cast<unsigned>(RawOp::kStack)) return TakeStack(at, left);
  if (type == static_cast<unsigned>(RawOp::kModule)) return TakeModule(at, end, ticks);
  if (type == static_cast<unsigned>(RawOp::kScope)) {
    if (left < 2) return 0;
    Append(ticks, [&](RawBlockWriter& writer) { return writer.Scope(ticks, word(1)); });
    return 2;
  }
  char text[kMaxTextWords * 8];
  std::size_t bytes = 0;
  std::uint64_t words = 0;
  switch (static_cast<EventType>(type)) {
    case EventType::kThreadStart:
      if (left < 2) return 0;
      StartThread(static_cast<std::uint32_t>(word(1)), ticks);
      return 2;
    case EventType::kThreadEnd:
      ending_ = true;
      return 1;
    case EventType::kAlloc: {
      if (left < 3) return 0;
      const std::uint64_t size = word(2) & ((std::uint64_t{1} << kAlignmentShift) - 1);
      const std::uint64_t shift = word(2) >> kAlignmentShift;
      if (shift > 63) return 0;
      const std::uint64_t alignment = (op & kRawAligned) != 0 ? std::uint64_t{1} << shift : 0;
      AppendWithStack(ticks, [&](RawBlockWriter& writer) {
        return writer.Alloc(ticks, word(1), size, alignment, (op & kRawZeroed) != 0);
      });
      words = 3;
      break;
    }
    case EventType::kFree:
      words = (op & kRawSizeTold) != 0 ? 3 : 2;
      if (left < words) return 0;
      Append(ticks, [&](RawBlockWriter& writer) {
        return words == 3 ? writer.SizedFree(ticks, word(1), word(2)) : writer.Free(ticks, word(1));
      });
      break;
    case EventType::kRealloc:
      if (left < 5) return 0;
      AppendWithStack(ticks, [&](RawBlockWriter& writer) {
        return writer.Realloc(ticks, word(1), word(2), word(3), word(4));
      });
      lastTicks_ = word(1);
      words = 5;
      break;
    case EventType::kBegin: {
      if (left < 4) return 0;
      const std::uint64_t textWords = Text(at + 3, end, text, &bytes);
      if (textWords == 0) return 0;
      Append(ticks, [&](RawBlockWriter& writer) {
        return writer.Begin(ticks, word(1), word(2), std::string_view(text, bytes));
      });
      words = 3 + textWords;
      break;
    }
    case EventType::kCommit:
      if (left < 2) return 0;
      Append(ticks,
             [&](RawBlockWriter& writer) { return writer.Commit(ticks, word(1), (op & kRawInherit) != 0); });
      words = 2;
      break;
    case EventType::kAbort:
      if (left < 2) return 0;
      Append(ticks, [&](RawBlockWriter& writer) { return writer.Abort(ticks, word(1)); });
      words = 2;
      break;
    case EventType::kMark: {
      const std::uint64_t textWords = Text(at + 1, end, text, &bytes);
      if (textWords == 0) return 0;
      Append(ticks, [&](RawBlockWriter& writer) { return writer.Mark(ticks, {text, bytes}); });
      words = 1 + textWords;
      break;
    }
    default:
      return 0;
  }
  ++counts_.events;
  return words;
}

}  // namespace rmem::record
