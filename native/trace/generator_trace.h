#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "trace/event_batch.h"
#include "trace/generator_population.h"
#include "trace/trace_info.h"

namespace rmem {

/** The events as they are made: clock, numbers of births and begins, what is alive. */
class GeneratedTrace {
 public:
  GeneratedTrace(const WorkloadProgram& program, TraceInfo& info, EventSink& sink)
      : out_(sink), random_(program.seed ^ 0x636c6f636b), paceNs_(program.paceNs) {
    for (const std::string& kind : program.kinds) kinds_.push_back(info.names.kinds.Intern(kind));
    for (const std::string& type : program.types) types_.push_back(info.names.transactionTypes.Intern(type));
    for (const std::string& mark : program.marks) marks_.push_back(info.names.marks.Intern(mark));
    SetThreadsAtWork(1);
  }

  std::uint64_t events() const { return events_; }
  std::uint64_t begins() const { return begins_; }
  std::uint64_t nowNs() const { return nowNs_; }
  std::uint64_t liveBytes() const { return liveBytes_; }

  /** Threads side by side: an event of each comes every `paceNs` on average. */
  void SetThreadsAtWork(std::size_t threads) {
    gapNs_ = std::min<std::uint64_t>(2 * paceNs_ / std::max<std::size_t>(threads, 1), 0xffffffffu);
  }
  /** Nobody was at work until then. */
  void SleepUntil(std::uint64_t timeNs) { nowNs_ = std::max(nowNs_, timeNs); }

  GeneratedBlock Alloc(std::uint32_t thread, const Step& step, std::uint64_t bytes, std::uint64_t scope,
                       std::uint8_t flags) {
    Event event = At(thread, EventType::kAlloc);
    event.flags = flags;
    event.name = kinds_[step.name];
    event.id = ++births_;
    event.size = bytes;
    event.scope = scope;
    event.alignment = step.e;
    out_.Add(event);
    liveBytes_ += bytes;
    return {event.id, bytes, thread};
  }

  void Free(std::uint32_t thread, const GeneratedBlock& block) {
    Event event = At(thread, EventType::kFree);
    event.id = block.id();
    out_.Add(event);
    liveBytes_ -= block.bytes();
  }

  GeneratedBlock Realloc(std::uint32_t thread, const Step& step, const GeneratedBlock& block,
                         std::uint64_t bytes, std::uint64_t scope) {
    Event event = At(thread, EventType::kRealloc);
    event.name = kinds_[step.name];
    event.id = block.id();
    event.newId = ++births_;
    event.size = bytes;
    event.scope = scope;
    out_.Add(event);
    liveBytes_ += bytes - block.bytes();
    return {event.newId, bytes, thread};
  }

  std::uint64_t Begin(std::uint32_t thread, std::uint64_t parent, std::uint16_t type) {
    Event event = At(thread, EventType::kBegin);
    event.name = types_[type];
    event.id = ++begins_;
    event.scope = parent;
    out_.Add(event);
    return event.id;
  }

  /** @param bytes what dies with it */
  void End(std::uint32_t thread, EventType type, std::uint64_t transaction, std::uint8_t flags,
           std::uint64_t bytes) {
    Event event = At(thread, type);
    event.id = transaction;
    event.flags = flags;
    out_.Add(event);
    liveBytes_ -= bytes;
  }

  void ThreadStart(std::uint32_t thread) {
    Event event = At(thread, EventType::kThreadStart);
    event.id = thread + std::uint64_t{1};
    out_.Add(event);
  }
  void ThreadEnd(std::uint32_t thread) { out_.Add(At(thread, EventType::kThreadEnd)); }

  void Mark(std::uint32_t thread, std::uint16_t mark) {
    Event event = At(thread, EventType::kMark);
    event.name = marks_[mark];
    out_.Add(event);
  }

  /** A reading of memory at `timeNs`, which is not before the last event. */
  void Sample(std::uint32_t thread, std::uint64_t timeNs, std::uint64_t used, std::uint64_t total) {
    nowNs_ = std::max(nowNs_, timeNs);
    Event event;
    event.type = EventType::kSample;
    event.thread = thread;
    event.timeNs = nowNs_;
    event.position = ++events_;
    event.size = used;
    event.id = total;
    event.newId = kAbsent;
    event.scope = kAbsent;
    out_.Add(event);
  }

  void Finish() { out_.Finish(); }

 private:
  Event At(std::uint32_t thread, EventType type) {
    nowNs_ += 1 + ((random_.Next() >> 32) * gapNs_ >> 32);
    Event event;
    event.type = type;
    event.thread = thread;
    event.timeNs = nowNs_;
    event.position = ++events_;
    return event;
  }

  EventBatch out_;
  Random random_;
  std::uint64_t paceNs_;
  std::uint64_t gapNs_ = 0;
  std::uint64_t nowNs_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t births_ = 0;
  std::uint64_t begins_ = 0;
  std::uint64_t liveBytes_ = 0;
  std::vector<std::uint16_t> kinds_, types_, marks_;
};

}  // namespace rmem
