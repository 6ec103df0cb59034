#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace rmem {

/**
 * The transactions open at one point of a trace: a forest by number (0 is none), each with the ids of the
 * blocks that die with it. What inherits passes them to its parent. No method recurses: input decides how
 * deep the forest is.
 */
class OpenTransactions {
 public:
  bool IsOpen(std::uint64_t number) const { return nodes_.contains(number); }

  /** The parent of an open transaction, or 0. */
  std::uint64_t Parent(std::uint64_t number) const { return nodes_.at(number).parent; }
  bool HasChildren(std::uint64_t number) const { return nodes_.at(number).firstChild != 0; }

  /** `number` is new; `parent` is open, or 0. */
  void Begin(std::uint64_t number, std::uint64_t parent);

  /** Block `id` dies when the open transaction `number` ends, unless it is freed before (nobody tells us). */
  void AddDying(std::uint64_t number, std::uint64_t id) { nodes_.at(number).dying.push_back(id); }

  /**
   * Ends the open transactions below `number`, children before parents and the youngest first, and calls
   * died(id) for each block id that dies with one and ended(number) for each, after its blocks.
   */
  template <class Died, class Ended>
  void EndDescendants(std::uint64_t number, Died&& died, Ended&& ended) {
    std::uint64_t at = number;
    for (;;) {
      for (std::uint64_t child; (child = nodes_.at(at).firstChild) != 0;) at = child;
      if (at == number) return;
      const std::uint64_t parent = nodes_.at(at).parent;
      End(at, false, died);
      ended(at);
      at = parent;
    }
  }

  /** Ends `number`, which is open and has no children; calls died(id) unless its blocks pass to its parent.
   */
  template <class Died>
  void End(std::uint64_t number, bool inherit, Died&& died) {
    std::vector<std::uint64_t> dying = Remove(number, inherit);
    for (std::uint64_t id : dying) died(id);
  }

  std::size_t size() const { return nodes_.size(); }

  /** Calls f(number, ids of the blocks that die with it) for each open transaction, in no order. */
  template <class F>
  void ForEach(F&& f) const {
    for (const auto& [number, node] : nodes_) f(number, node.dying);
  }

 private:
  struct Node {
    std::uint64_t parent = 0;
    std::uint64_t firstChild = 0;  // the youngest
    std::uint64_t older = 0;       // siblings
    std::uint64_t younger = 0;
    std::vector<std::uint64_t> dying;
  };

  /** Unlinks the node; what dies with it goes to its parent where it inherits and has one, else to the
   * caller. */
  std::vector<std::uint64_t> Remove(std::uint64_t number, bool inherit);

  std::unordered_map<std::uint64_t, Node> nodes_;
};

}  // namespace rmem
