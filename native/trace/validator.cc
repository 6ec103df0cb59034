#include "trace/validator.h"

#include <string>

#include "trace/block_checks.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

[[noreturn]] void BadTransaction(const std::string& what) {
  throw TraceError("bad-transaction", what);
}

std::string Named(const char* what, std::uint64_t number) {
  return std::string(what).append(" ").append(std::to_string(number));
}

}  // namespace

void Validator::Consume(std::span<const Event> events) {
  for (std::size_t at = 0; at < events.size(); ++at) {
    try {
      Check(events[at]);
    } catch (TraceError& error) {
      throw error.AtEvent(events[at].position);
    }
  }
  next_.Consume(events);
}

void Validator::Check(const Event& event) {
  const auto died = [&](std::uint64_t id) { live_.Erase(id); };
  switch (event.type) {
    case EventType::kAlloc:
      Born(event, event.id);
      break;
    case EventType::kFree:
      Dies(event.id);
      break;
    case EventType::kRealloc:
      Dies(event.id);
      Born(event, event.newId);
      break;
    case EventType::kBegin:
      if (event.id != ++begins_) BadTransaction(Named("transaction", event.id) + " is begun out of sequence");
      if (event.scope != 0 && !open_.IsOpen(event.scope)) {
        BadTransaction(Named("transaction", event.id) + " begins in one that is not open");
      }
      open_.Begin(event.id, event.scope);
      break;
    case EventType::kCommit:
    case EventType::kAbort: {
      if (!open_.IsOpen(event.id)) BadTransaction(Named("transaction", event.id) + " ends but is not open");
      const bool inherit = (event.flags & kFlagInherit) != 0;
      if (event.type == EventType::kAbort) {
        open_.EndDescendants(event.id, died, [](std::uint64_t) {});
      } else if (open_.HasChildren(event.id)) {
        BadTransaction(Named("transaction", event.id) + " is committed before its children have ended");
      } else if (inherit && open_.Parent(event.id) == 0) {
        BadTransaction(Named("transaction", event.id) + " passes its blocks to a parent it does not have");
      }
      open_.End(event.id, inherit, died);
      break;
    }
    default:
      break;
  }
}

void Validator::Born(const Event& event, std::uint64_t id) {
  CheckBlock(event);
  if (id != ++births_) throw TraceError("bad-birth", Named("block", id) + " is born out of sequence");
  live_.Insert(id, {});
  if (event.scope != 0 && !open_.IsOpen(event.scope)) {
    BadTransaction(Named("block", id) + " is born in a transaction that is not open");
  }
  if (event.flags & kFlagDiesWithScope) {
    if (event.scope == 0)
      BadTransaction(Named("block", id) + " should die with a transaction but was born in none");
    open_.AddDying(event.scope, id);
  }
}

void Validator::Dies(std::uint64_t id) {
  if (live_.Erase(id)) return;
  if (id == 0 || id > births_)
    throw TraceError("unknown-block", Named("block", id) + " is freed but was never born");
  throw TraceError("double-free", Named("block", id) + " is freed but is dead already");
}

}  // namespace rmem
