#include "replay/plan_scopes.h"

#include <algorithm>

namespace rmem {
namespace {

template <class T>
std::uint32_t TakeFrom(std::vector<T>& pool, std::vector<std::uint32_t>& free) {
  if (free.empty()) {
    pool.emplace_back();
    return static_cast<std::uint32_t>(pool.size() - 1);
  }
  const std::uint32_t index = free.back();
  free.pop_back();
  pool[index] = T{};
  return index;
}

}  // namespace

std::uint32_t PlanScopes::Find(std::uint64_t id) const {
  const auto found = byId_.find(id);
  return found == byId_.end() ? 0 : found->second;
}

std::uint32_t PlanScopes::Open(std::uint64_t id, std::uint32_t parent, std::uint32_t slot) {
  const std::uint32_t index = TakeFrom(scopes_, freeScopes_);
  Scope& scope = scopes_[index];
  scope.id = id;
  scope.slot = slot;
  scope.parent = parent;
  scope.open = true;
  if (parent != 0) ++scopes_[parent].openChildren;
  byId_.emplace(id, index);
  return index;
}

void PlanScopes::Close(std::uint32_t index) {
  Scope& scope = scopes_[index];
  byId_.erase(scope.id);
  scope.open = false;
  if (scope.parent != 0) --scopes_[scope.parent].openChildren;
  if (scope.references == 0) Forget(index);
}

void PlanScopes::CloseInto(std::uint32_t index, std::uint32_t parentIndex) {
  Scope& scope = scopes_[index];
  Scope& parent = scopes_[parentIndex];
  if (scope.head != 0) {
    if (parent.tail != 0) {
      blocks_[parent.tail].next = scope.head;
      blocks_[scope.head].previous = parent.tail;
    } else {
      parent.head = scope.head;
    }
    parent.tail = scope.tail;
    scope.head = scope.tail = 0;
  }
  for (const PlanStep& step : Needs(index)) Note(parentIndex, step);
  scope.others.clear();
  scope.mergedInto = parentIndex;
  ++parent.references;
  Close(index);
}

void PlanScopes::Forget(std::uint32_t index) {
  const std::uint32_t into = scopes_[index].mergedInto;
  scopes_[index] = Scope{};
  freeScopes_.push_back(index);
  if (into == 0) return;
  Scope& next = scopes_[into];
  if (--next.references == 0 && !next.open) Forget(into);
}

std::uint32_t PlanScopes::AddBlock(std::uint32_t scopeIndex, std::uint64_t id, std::uint32_t slot, bool dies,
                                   bool arena) {
  const std::uint32_t index = TakeFrom(blocks_, freeBlocks_);
  Scope& scope = scopes_[scopeIndex];
  Block& block = blocks_[index];
  block.id = id;
  block.scope = scopeIndex;
  block.slot = slot;
  block.dies = dies;
  block.arena = arena;
  block.previous = scope.tail;
  if (scope.tail != 0) {
    blocks_[scope.tail].next = index;
  } else {
    scope.head = index;
  }
  scope.tail = index;
  ++scope.references;
  return index;
}

void PlanScopes::AddBirth(std::uint32_t block, std::uint32_t stream, std::uint64_t candidate) {
  const std::uint32_t index = TakeFrom(births_, freeBirths_);
  births_[index] = {candidate, stream, blocks_[block].births};
  blocks_[block].births = index;
}

void PlanScopes::Note(std::uint32_t index, const PlanStep& step) {
  Scope& scope = scopes_[index];
  PlanStep& known = step.stream == scope.begin.stream ? scope.own : scope.others[step.stream];
  if (known.position < step.position) known = step;
}

std::vector<PlanStep> PlanScopes::Needs(std::uint32_t index) const {
  const Scope& scope = scopes_[index];
  std::vector<PlanStep> needs{scope.own};
  for (const auto& [stream, step] : scope.others) needs.push_back(step);
  std::sort(needs.begin(), needs.end(),
            [](const PlanStep& a, const PlanStep& b) { return a.stream < b.stream; });
  return needs;
}

std::uint32_t PlanScopes::ScopeOf(std::uint32_t blockIndex) {
  Block& block = blocks_[blockIndex];
  std::uint32_t holder = block.scope;
  while (scopes_[holder].mergedInto != 0) holder = scopes_[holder].mergedInto;
  if (holder != block.scope) {
    const std::uint32_t before = block.scope;
    block.scope = holder;
    ++scopes_[holder].references;
    Scope& old = scopes_[before];
    if (--old.references == 0 && !old.open) Forget(before);
  }
  return holder;
}

void PlanScopes::RemoveBlock(std::uint32_t index) {
  const std::uint32_t holder = ScopeOf(index);
  Block& block = blocks_[index];
  Scope& scope = scopes_[holder];
  (block.previous != 0 ? blocks_[block.previous].next : scope.head) = block.next;
  (block.next != 0 ? blocks_[block.next].previous : scope.tail) = block.previous;
  for (std::uint32_t birth = block.births; birth != 0;) {
    const std::uint32_t next = births_[birth].next;
    freeBirths_.push_back(birth);
    birth = next;
  }
  freeBlocks_.push_back(index);
  if (--scope.references == 0 && !scope.open) Forget(holder);
}

std::vector<std::uint32_t> PlanScopes::OpenScopes() const {
  std::vector<std::uint32_t> open;
  for (std::uint32_t i = 1; i < scopes_.size(); ++i) {
    if (scopes_[i].open) open.push_back(i);
  }
  std::sort(open.begin(), open.end(),
            [this](std::uint32_t a, std::uint32_t b) { return scopes_[a].id > scopes_[b].id; });
  return open;
}

}  // namespace rmem
