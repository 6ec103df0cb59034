#include "trace/renumberer.h"

#include <algorithm>
#include <utility>

namespace rmem {

Renumberer::Mapped& Renumberer::MappedThread(std::uint32_t thread) {
  if (thread >= threads_.size()) {
    threads_.resize(std::max<std::size_t>(thread + std::size_t{1}, threads_.size() * 2));
  }
  return threads_[thread];
}

std::uint64_t Renumberer::ThreadNumber(std::uint32_t thread) const {
  return thread < threads_.size() && threads_[thread].told ? threads_[thread].number : thread;
}

std::uint32_t Renumberer::ThreadIndex(const Event& event) {
  Mapped& thread = MappedThread(event.thread);
  if (thread.index == 0) {
    thread.index = ++threadCount_;
    if (thread.told && event.type != EventType::kThreadStart) {
      Event start;
      start.type = EventType::kThreadStart;
      start.thread = thread.index - 1;
      start.timeNs = event.timeNs;
      start.id = thread.number;
      start.position = event.position;
      out_.Add(start);
    }
  }
  return thread.index - 1;
}

void Renumberer::Emit(Event event) {
  event.thread = ThreadIndex(event);
  out_.Add(event);
}

void Renumberer::Thread(const Event& event, bool keep) {
  Mapped& thread = MappedThread(event.thread);
  if (event.type == EventType::kThreadStart) {
    thread.told = true;
    thread.number = event.id;
  }
  if (keep || thread.index != 0) Emit(event);
}

void Renumberer::Begin(const Event& event, bool keep) {
  open_.Begin(event.id, event.scope);
  if (!keep) return;
  Event begin = event;
  const std::uint64_t* parent = transactions_.Find(event.scope);
  begin.scope = parent != nullptr ? *parent : 0;
  begin.id = ++begins_;
  transactions_.Insert(event.id, begin.id);
  Emit(begin);
}

void Renumberer::End(const Event& event) {
  const auto died = [&](std::uint64_t id) { Died(id, event); };
  open_.EndDescendants(event.id, died, [&](std::uint64_t child) {
    Event abort = event;
    abort.type = EventType::kAbort;
    abort.flags = 0;
    if (transactions_.Take(child, &abort.id)) Emit(abort);
  });

  Event end = event;
  const bool kept = transactions_.Take(event.id, &end.id);
  const bool parentKept = transactions_.Find(open_.Parent(event.id)) != nullptr;
  // What passes to a parent that is left out would die at the end of this one in the output: so be it.
  if (kept && !parentKept) end.flags &= static_cast<std::uint8_t>(~kFlagInherit);
  open_.End(event.id, (end.flags & kFlagInherit) != 0, died);
  if (kept) Emit(end);
}

void Renumberer::Died(std::uint64_t id, const Event& because) {
  Block block;
  if (!blocks_.Take(id, &block) || block.diesInOutput) return;
  Event free;
  free.type = EventType::kFree;
  free.thread = because.thread;
  free.timeNs = because.timeNs;
  free.position = because.position;
  free.id = block.number;
  Emit(free);
}

std::uint64_t Renumberer::Born(std::uint64_t id, Event& event) {
  const bool dies = (event.flags & kFlagDiesWithScope) != 0;
  if (dies) open_.AddDying(event.scope, id);
  const std::uint64_t* scope = transactions_.Find(event.scope);
  event.scope = scope != nullptr ? *scope : 0;
  if (event.scope == 0) event.flags &= static_cast<std::uint8_t>(~kFlagDiesWithScope);
  blocks_.Insert(id, {++births_, dies && event.scope != 0});
  return births_;
}

void Renumberer::Alloc(const Event& event) {
  Event alloc = event;
  alloc.id = Born(event.id, alloc);
  Emit(alloc);
}

void Renumberer::Free(const Event& event) {
  Block block;
  if (!blocks_.Take(event.id, &block)) return;
  Event free = event;
  free.type = EventType::kFree;
  free.id = block.number;
  free.newId = 0;
  if (event.type == EventType::kRealloc) {
    free.size = free.scope = 0;
    free.flags = 0;
    free.name = 0;
    free.site = 0;
  }
  Emit(free);
}

void Renumberer::Realloc(const Event& event) {
  Block old{};
  blocks_.Take(event.id, &old);
  Event realloc = event;
  realloc.id = old.number;
  realloc.newId = Born(event.newId, realloc);
  Emit(realloc);
}

void Renumberer::ReallocAsAlloc(const Event& event) {
  Event alloc = event;
  alloc.type = EventType::kAlloc;
  alloc.id = event.newId;
  alloc.newId = 0;
  Alloc(alloc);
}

void Renumberer::Pass(const Event& event) {
  Emit(event);
}

}  // namespace rmem
