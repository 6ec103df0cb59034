#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "replay/plan_streams.h"

namespace rmem {

/**
 * The open transactions of a trace while it is compiled, and the blocks born in them that are still alive.
 *
 * Scopes and scoped blocks are numbers into pools; 0 is none. A commit with inherit hands the child's blocks
 * to the parent in O(1): the list is spliced and the child's record forwards to the parent until no block
 * names it.
 */
class PlanScopes {
 public:
  struct Scope {
    std::uint64_t id = 0;
    std::uint32_t slot = 0;  // in the replay's table of transactions
    std::uint32_t parent = 0;
    std::uint32_t mergedInto = 0;
    std::uint32_t head = 0, tail = 0;  // blocks alive, oldest first
    std::uint32_t openChildren = 0;
    std::uint32_t references = 0;  // blocks and records that name this one
    bool open = false;
    PlanStep begin;
    PlanStep own;                                        // the latest step in it on the stream that began it
    PlanStep lastInherit;                                // the latest child that handed its blocks over
    std::unordered_map<std::uint32_t, PlanStep> others;  // the latest step of each other stream
  };

  struct Block {
    std::uint64_t id = 0;
    std::uint32_t scope = 0;
    std::uint32_t previous = 0, next = 0;
    std::uint32_t slot = 0;
    std::uint32_t births = 0;  // list of its candidates: one, and one more for each realloc
    bool dies = false;
    bool arena = false;  // born in the scope that holds it: an arena may have it
  };

  struct Birth {
    std::uint64_t candidate = 0;
    std::uint32_t stream = 0;
    std::uint32_t next = 0;
  };

  /** The open scope of transaction `id`, or 0. */
  std::uint32_t Find(std::uint64_t id) const;
  std::uint32_t Open(std::uint64_t id, std::uint32_t parent, std::uint32_t slot);
  /** Closes a scope without blocks left. */
  void Close(std::uint32_t scope);
  /** Closes a scope and hands its blocks to its parent. */
  void CloseInto(std::uint32_t scope, std::uint32_t parent);

  /** `arena`: born here. A block that only came to die with this scope is none that its arena could hold. */
  std::uint32_t AddBlock(std::uint32_t scope, std::uint64_t id, std::uint32_t slot, bool dies, bool arena);
  void SetDies(std::uint32_t block, bool dies) { blocks_[block].dies = dies; }
  void RenameBlock(std::uint32_t block, std::uint64_t id) { blocks_[block].id = id; }
  void AddBirth(std::uint32_t block, std::uint32_t stream, std::uint64_t candidate);
  /** Takes the block out of its scope and forgets it. */
  void RemoveBlock(std::uint32_t block);
  /** `step` happened in the scope and must be over before it ends. */
  void Note(std::uint32_t scope, const PlanStep& step);
  /** All that must be over before the scope ends, by stream. */
  std::vector<PlanStep> Needs(std::uint32_t scope) const;
  /** The scope that holds the block now. */
  std::uint32_t ScopeOf(std::uint32_t block);

  Scope& operator[](std::uint32_t scope) { return scopes_[scope]; }
  const Block& block(std::uint32_t block) const { return blocks_[block]; }
  const Birth& birth(std::uint32_t birth) const { return births_[birth]; }

  /** Scopes still open, innermost (youngest) first. */
  std::vector<std::uint32_t> OpenScopes() const;

 private:
  void Forget(std::uint32_t scope);

  std::vector<Scope> scopes_{1};
  std::vector<Block> blocks_{1};
  std::vector<Birth> births_{1};
  std::vector<std::uint32_t> freeScopes_, freeBlocks_, freeBirths_;
  std::unordered_map<std::uint64_t, std::uint32_t> byId_;
};

}  // namespace rmem
