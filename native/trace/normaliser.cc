#include "trace/normaliser.h"

#include <algorithm>

#include "trace/block_checks.h"
#include "trace/trace_error.h"

namespace rmem {

void Normaliser::Consume(std::span<const Event> events) {
  for (const Event& event : events) {
    try {
      Take(event);
    } catch (TraceError& error) {
      if (error.line() != 0 || error.event() != 0) throw;
      throw positions_ == Positions::kLines ? error.AtLine(event.position) : error.AtEvent(event.position);
    }
  }
}

void Normaliser::Finish() {
  out_.Finish();
}

void Normaliser::Take(Event event) {
  if (event.type == EventType::kThreadStart || event.type == EventType::kThreadEnd) {
    StartOrEndThread(event);
    return;
  }
  switch (event.type) {
    case EventType::kAlloc:
      Alloc(event);
      break;
    case EventType::kFree:
      Free(event);
      break;
    case EventType::kRealloc:
      Realloc(event);
      break;
    case EventType::kBegin:
      Begin(event);
      break;
    case EventType::kCommit:
    case EventType::kAbort:
      End(event);
      break;
    default:
      Emit(event);
      break;
  }
}

void Normaliser::Alloc(Event& event) {
  CheckBlock(event);
  const std::uint64_t address = event.id;
  if (address == 0) {
    Dropped("failed-allocation", event);
    return;
  }
  event.id = Born(address, event);
  ResolveScope(event, event.id, address);
  Emit(event);
}

void Normaliser::Free(Event& event) {
  if (event.id == 0) {
    Mended("free-of-null", event);
    return;
  }
  Live* block = live_.Find(event.id);
  if (block == nullptr) {
    Dropped("free-of-unknown-block", event);
    return;
  }
  // Two frees of this address are to come, its bearer's and the late one of whoever had it before.
  if (block->lateFrees > 0 && block->thread != event.thread) {
    --block->lateFrees;
    Dropped("late-free", event);
    return;
  }
  const Live dead = *block;
  live_.Erase(event.id);
  Die(dead, event);
}

void Normaliser::Die(const Live& block, Event& event) {
  if (!dyingAddresses_.empty()) dyingAddresses_.Erase(block.birth);
  event.type = EventType::kFree;
  event.id = block.birth;
  event.newId = 0;
  event.scope = 0;
  event.name = 0;
  event.site = 0;
  event.alignment = 0;
  event.flags &= kFlagSizeTold;
  if ((event.flags & kFlagSizeTold) == 0) event.size = 0;
  Emit(event);
}

void Normaliser::Realloc(Event& event) {
  if (event.flags & kFlagReallocStart) {
    InRealloc entered{};
    entered.known = live_.Take(event.id, &entered.block);
    entered.dies = entered.known && dyingAddresses_.Find(entered.block.birth) != nullptr;
    inRealloc_.Erase(event.thread + std::uint64_t{1});
    inRealloc_.Insert(event.thread + std::uint64_t{1}, entered);
    return;
  }
  CheckBlock(event);
  Live old{};
  bool known;
  if (InRealloc entered{}; inRealloc_.Take(event.thread + std::uint64_t{1}, &entered)) {
    old = entered.block;
    // Its scope may have ended meanwhile, and the block with it.
    known = entered.known && !(entered.dies && dyingAddresses_.Find(old.birth) == nullptr);
  } else {
    known = live_.Take(event.id, &old);
  }

  const std::uint64_t address = event.newId;
  if (address == 0) {
    if (event.size == 0 && known) {
      event.flags = 0;
      Die(old, event);
    } else if (event.size == 0) {
      if (event.id == 0) {
        Mended("free-of-null", event);
      } else {
        Dropped("free-of-unknown-block", event);
      }
    } else {
      if (known) live_.Insert(event.id, old);
      Dropped("failed-reallocation", event);
    }
    return;
  }
  if (!known) {
    if (event.id != 0) Mended("realloc-of-unknown-block", event);
    event.type = EventType::kAlloc;
    event.newId = 0;
    event.id = Born(address, event);
    ResolveScope(event, event.id, address);
    Emit(event);
    return;
  }
  if (!dyingAddresses_.empty()) dyingAddresses_.Erase(old.birth);
  event.id = old.birth;
  event.newId = Born(address, event);
  ResolveScope(event, event.newId, address);
  Emit(event);
}

std::uint64_t Normaliser::Born(std::uint64_t address, const Event& event) {
  const Live born{births_ + 1, event.thread, 0};
  if (Live* older = live_.Find(address)) {
    const Live dead = *older;
    *older = born;
    older->lateFrees = dead.lateFrees + 1;
    Mended("block-born-twice", event);
    Event free;
    free.thread = event.thread;
    free.timeNs = event.timeNs;
    free.position = event.position;
    Die(dead, free);
  } else {
    live_.Insert(address, born);
  }
  return ++births_;
}

void Normaliser::ResolveScope(Event& event, std::uint64_t birth, std::uint64_t address) {
  if (event.scope != 0) {
    const std::uint64_t* number = numberOf_.Find(event.scope);
    if (number == nullptr) Mended("unknown-scope", event);
    event.scope = number != nullptr ? *number : 0;
  }
  if ((event.flags & kFlagDiesWithScope) == 0) return;
  if (event.scope == 0) {
    Mended("scope-missing", event);
    event.flags &= static_cast<std::uint8_t>(~kFlagDiesWithScope);
    return;
  }
  open_.AddDying(event.scope, birth);
  dyingAddresses_.Insert(birth, address);
}

void Normaliser::DiesWithScope(std::uint64_t birth) {
  std::uint64_t address;
  if (!dyingAddresses_.Take(birth, &address)) return;  // freed before
  // A realloc on another thread may be holding it (raw recordings), or hold its successor.
  if (const Live* block = live_.Find(address); block != nullptr && block->birth == birth)
    live_.Erase(address);
}

void Normaliser::Begin(Event& event) {
  if (event.id == 0)
    throw TraceError("bad-transaction", "a transaction has the handle 0, which stands for none");
  const std::uint64_t handle = event.id;
  if (const std::uint64_t* older = numberOf_.Find(handle)) {
    const std::uint64_t number = *older;
    Mended("transaction-begun-twice", event);
    AbortDescendants(number, event);
    Abort(number, event);
  }
  if (event.scope != 0) {
    const std::uint64_t* parent = numberOf_.Find(event.scope);
    if (parent == nullptr) Mended("unknown-parent", event);
    event.scope = parent != nullptr ? *parent : 0;
  }
  event.id = ++begins_;
  numberOf_.Insert(handle, event.id);
  handleOf_.Insert(event.id, handle);
  open_.Begin(event.id, event.scope);
  Emit(event);
}

void Normaliser::End(Event& event) {
  std::uint64_t number;
  const std::uint64_t handle = event.id;
  if (const std::uint64_t* found = numberOf_.Find(handle)) {
    number = *found;
  } else {
    Dropped("end-of-unknown-transaction", event);
    return;
  }
  if (open_.HasChildren(number)) {
    if (event.type == EventType::kCommit) Mended("open-children-at-end", event);
    AbortDescendants(number, event);
  }
  if (event.type == EventType::kAbort) {
    Abort(number, event);
    return;
  }
  if ((event.flags & kFlagInherit) && open_.Parent(number) == 0) {
    Mended("inherit-without-parent", event);
    event.flags &= static_cast<std::uint8_t>(~kFlagInherit);
  }
  open_.End(number, (event.flags & kFlagInherit) != 0, [&](std::uint64_t birth) { DiesWithScope(birth); });
  handleOf_.Erase(number);
  numberOf_.Erase(handle);
  event.id = number;
  Emit(event);
}

void Normaliser::AbortDescendants(std::uint64_t transaction, const Event& because) {
  std::vector<std::uint64_t> ended;
  open_.EndDescendants(
      transaction, [&](std::uint64_t birth) { DiesWithScope(birth); },
      [&](std::uint64_t number) { ended.push_back(number); });
  for (std::uint64_t number : ended) {
    std::uint64_t handle;
    if (handleOf_.Take(number, &handle)) numberOf_.Erase(handle);
    Event abort;
    abort.type = EventType::kAbort;
    abort.thread = because.thread;
    abort.timeNs = because.timeNs;
    abort.position = because.position;
    abort.id = number;
    Emit(abort);
  }
}

void Normaliser::Abort(std::uint64_t transaction, const Event& because) {
  open_.End(transaction, false, [&](std::uint64_t birth) { DiesWithScope(birth); });
  std::uint64_t handle;
  if (handleOf_.Take(transaction, &handle)) numberOf_.Erase(handle);
  Event abort;
  abort.type = EventType::kAbort;
  abort.thread = because.thread;
  abort.timeNs = because.timeNs;
  abort.position = because.position;
  abort.id = transaction;
  Emit(abort);
}

void Normaliser::StartOrEndThread(const Event& event) {
  Thread& thread = ThreadOf(event);
  bool& done = event.type == EventType::kThreadStart ? thread.started : thread.ended;
  if (done) {
    Dropped("thread-event-repeated", event);
    return;
  }
  done = true;
  Emit(event);
}

Normaliser::Thread& Normaliser::ThreadOf(const Event& event) {
  if (event.thread >= threads_.size()) {
    threads_.resize(std::max<std::size_t>(event.thread + std::size_t{1}, threads_.size() * 2));
  }
  return threads_[event.thread];
}

void Normaliser::Emit(Event event) {
  // Numbered here, since a thread all of whose events were dropped does not appear.
  Thread& thread = ThreadOf(event);
  if (thread.index == 0) thread.index = ++threadCount_;
  event.thread = thread.index - 1;
  if (event.timeNs != kNoTime) {
    if (event.timeNs < lastTimeNs_) {
      Mended("time-went-back", event);
      event.timeNs = lastTimeNs_;
    }
    lastTimeNs_ = event.timeNs;
  }
  ++info_.report.events;
  out_.Add(event);
}

}  // namespace rmem
