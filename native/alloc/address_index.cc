#include "alloc/address_index.h"

#include <algorithm>

#include "base/checks.h"

namespace rmem {

void AddressIndex::UpdateMax(Index node) noexcept {
  Node& at = nodes_[node];
  std::uint32_t most = at.run.pages;
  if (at.left != 0) most = std::max(most, nodes_[at.left].maxPages);
  if (at.right != 0) most = std::max(most, nodes_[at.right].maxPages);
  at.maxPages = most;
}

void AddressIndex::Split(Index root, Index node, Index* low, Index* high) noexcept {
  if (root == 0) {
    *low = *high = 0;
    return;
  }
  if (Less(root, node)) {
    Split(nodes_[root].right, node, &nodes_[root].right, high);
    *low = root;
  } else {
    Split(nodes_[root].left, node, low, &nodes_[root].left);
    *high = root;
  }
  UpdateMax(root);
}

AddressIndex::Index AddressIndex::Merge(Index low, Index high) noexcept {
  if (low == 0) return high;
  if (high == 0) return low;
  Index root;
  if (nodes_[low].priority > nodes_[high].priority) {
    nodes_[low].right = Merge(nodes_[low].right, high);
    root = low;
  } else {
    nodes_[high].left = Merge(low, nodes_[high].left);
    root = high;
  }
  UpdateMax(root);
  return root;
}

AddressIndex::Index AddressIndex::InsertBelow(Index root, Index node) noexcept {
  if (root == 0 || nodes_[node].priority > nodes_[root].priority) {
    Split(root, node, &nodes_[node].left, &nodes_[node].right);
    root = node;
  } else {
    Index& side = Less(node, root) ? nodes_[root].left : nodes_[root].right;
    side = InsertBelow(side, node);
  }
  UpdateMax(root);
  return root;
}

AddressIndex::Index AddressIndex::EraseBelow(Index root, Index node) noexcept {
  RMEM_CHECK((root != 0) && "a free region is missing from the index by address");
  if (root == node) return Merge(nodes_[root].left, nodes_[root].right);
  Index& side = Less(node, root) ? nodes_[root].left : nodes_[root].right;
  side = EraseBelow(side, node);
  UpdateMax(root);
  return root;
}

void AddressIndex::UpdateMaxUpFrom(Index root, Index node) noexcept {
  if (root != node) UpdateMaxUpFrom(Less(node, root) ? nodes_[root].left : nodes_[root].right, node);
  UpdateMax(root);
}

void AddressIndex::Insert(Index node, PageRun run) noexcept {
  nodes_[node] = Node{run, 0, 0, MixPage(run.first), run.pages};
  root_ = InsertBelow(root_, node);
}

void AddressIndex::Erase(Index node) noexcept {
  root_ = EraseBelow(root_, node);
}

void AddressIndex::Resize(Index node, PageRun run) noexcept {
  nodes_[node].run = run;
  UpdateMaxUpFrom(root_, node);
}

AddressIndex::Index AddressIndex::First(std::uint32_t pages) const noexcept {
  if (root_ == 0 || nodes_[root_].maxPages < pages) return 0;
  for (Index node = root_;;) {
    const Node& at = nodes_[node];
    if (at.left != 0 && nodes_[at.left].maxPages >= pages) {
      node = at.left;
    } else if (at.run.pages >= pages) {
      return node;
    } else {
      node = at.right;
    }
  }
}

std::uint32_t AddressIndex::CountOrdered(Index root, Index* last) const noexcept {
  constexpr std::uint32_t kBroken = 1u << 31;
  if (root == 0) return 0;
  const Node& at = nodes_[root];
  const std::uint32_t left = CountOrdered(at.left, last);
  if (*last != 0 && nodes_[*last].run.end() >= at.run.first) return kBroken;
  std::uint32_t most = at.run.pages;
  for (const Index child : {at.left, at.right}) {
    if (child == 0) continue;
    if (nodes_[child].priority > at.priority) return kBroken;
    most = std::max(most, nodes_[child].maxPages);
  }
  if (most != at.maxPages) return kBroken;
  *last = root;
  const std::uint32_t right = CountOrdered(at.right, last);
  return ((left | right) & kBroken) != 0 ? kBroken : left + right + 1;
}

bool AddressIndex::IsConsistent(std::uint32_t count) const noexcept {
  Index last = 0;
  return CountOrdered(root_, &last) == count;
}

}  // namespace rmem
