#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "base/random.h"
#include "trace/canonical_writer.h"
#include "trace/decoder.h"
#include "trace/event_names.h"
#include "trace/event_sink.h"
#include "trace/trace_error.h"

namespace rmem {

inline auto Fields(const Event& e) {
  return std::tuple(e.type, e.flags, e.name, e.thread, e.timeNs, e.id, e.newId, e.size, e.scope, e.alignment,
                    e.site);
}

/** Equal but for the position in the source. */
inline bool operator==(const Event& a, const Event& b) {
  return Fields(a) == Fields(b);
}

inline void PrintTo(const Event& e, std::ostream* out) {
  *out << kEventNames[static_cast<std::size_t>(e.type)] << " id=" << e.id << " newId=" << e.newId
       << " size=" << e.size << " scope=" << e.scope << " align=" << e.alignment << " flags=" << int{e.flags}
       << " name=" << e.name << " thread=" << e.thread << " time=" << e.timeNs << " position=" << e.position
       << '\n';
}

namespace testing {

using Bytes = std::vector<std::byte>;

class Collector : public EventSink {
 public:
  void Consume(std::span<const Event> batch) override {
    events.insert(events.end(), batch.begin(), batch.end());
  }
  void Finish() override { ++finished; }
  std::vector<Event> events;
  int finished = 0;
};

struct EventFields {
  std::uint32_t thread = 0;
  std::uint64_t size = 0;
  std::uint64_t scope = 0;
  std::uint8_t flags = 0;
  std::uint16_t name = 0;
  std::uint32_t alignment = 0;
  std::uint64_t timeNs = kNoTime;
};

inline Event Make(EventType type, std::uint64_t id, std::uint64_t newId, const EventFields& fields) {
  Event event;
  event.type = type;
  event.id = id;
  event.newId = newId;
  event.thread = fields.thread;
  event.size = fields.size;
  event.scope = fields.scope;
  event.flags = fields.flags;
  event.name = fields.name;
  event.alignment = fields.alignment;
  event.timeNs = fields.timeNs;
  return event;
}
inline Event Alloc(std::uint64_t id, const EventFields& fields = {}) {
  return Make(EventType::kAlloc, id, 0, fields);
}
inline Event Free(std::uint64_t id, const EventFields& fields = {}) {
  return Make(EventType::kFree, id, 0, fields);
}
inline Event Realloc(std::uint64_t id, std::uint64_t newId, const EventFields& fields = {}) {
  return Make(EventType::kRealloc, id, newId, fields);
}
inline Event Begin(std::uint64_t id, const EventFields& fields = {}) {
  return Make(EventType::kBegin, id, 0, fields);
}
inline Event Commit(std::uint64_t id, const EventFields& fields = {}) {
  return Make(EventType::kCommit, id, 0, fields);
}
inline Event Abort(std::uint64_t id, const EventFields& fields = {}) {
  return Make(EventType::kAbort, id, 0, fields);
}
inline Event ThreadStart(std::uint32_t thread, std::uint64_t number) {
  return Make(EventType::kThreadStart, number, 0, {.thread = thread});
}
inline Event ThreadEnd(std::uint32_t thread) {
  return Make(EventType::kThreadEnd, 0, 0, {.thread = thread});
}
inline Event Mark(std::uint16_t text, const EventFields& fields = {}) {
  Event event = Make(EventType::kMark, 0, 0, fields);
  event.name = text;
  return event;
}
inline Event Sample(std::uint64_t used, std::uint64_t total, std::uint64_t swap, std::uint64_t psi) {
  return Make(EventType::kSample, total, swap, {.size = used, .scope = psi});
}

/** Numbers the positions from 1, as every source does. */
inline std::vector<Event> Numbered(std::vector<Event> events) {
  std::uint64_t position = 0;
  for (Event& event : events) event.position = ++position;
  return events;
}

inline std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/** Pushes `bytes` in pieces of `piece` bytes, and finishes. */
inline void PushAll(Decoder& decoder, std::span<const std::byte> bytes,
                    std::size_t piece = std::size_t{1} << 20) {
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(piece, bytes.size()))) {
    decoder.Push(bytes.first(std::min(piece, bytes.size())));
  }
  decoder.Finish();
}

inline Bytes WriteRmt(const TraceInfo& info, std::span<const Event> events,
                      const CanonicalWriterOptions& options = {}) {
  Bytes bytes;
  CanonicalWriter writer(info, options, [&](std::span<const std::byte> piece) {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
  });
  writer.Consume(events);
  writer.Finish();
  return bytes;
}

inline std::vector<Event> ReadRmt(std::span<const std::byte> bytes, TraceInfo& info,
                                  const DecoderOptions& options = {},
                                  std::size_t piece = std::size_t{1} << 20) {
  Collector sink;
  PushAll(*MakeDecoder(TraceFormat::kRmt, options, info, sink), bytes, piece);
  return sink.events;
}

/** The TraceError that `run` throws; the test fails where it throws none. */
inline TraceError ErrorOf(const std::function<void()>& run) {
  try {
    run();
  } catch (const TraceError& error) {
    return error;
  }
  ADD_FAILURE() << "no TraceError was thrown";
  return TraceError("none", "");
}

/** A valid canonical trace of about `count` random events: threads, transactions in transactions, all sorts
 * of blocks. */
std::vector<Event> RandomTrace(std::uint64_t seed, std::size_t count, TraceInfo& info, bool times);

}  // namespace testing
}  // namespace rmem
