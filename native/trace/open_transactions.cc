#include "trace/open_transactions.h"

#include <utility>

namespace rmem {

void OpenTransactions::Begin(std::uint64_t number, std::uint64_t parent) {
  Node& node = nodes_[number];
  node.parent = parent;
  if (parent == 0) return;
  Node& above = nodes_.at(parent);
  node.older = above.firstChild;
  if (node.older != 0) nodes_.at(node.older).younger = number;
  above.firstChild = number;
}

std::vector<std::uint64_t> OpenTransactions::Remove(std::uint64_t number, bool inherit) {
  auto found = nodes_.find(number);
  Node node = std::move(found->second);
  nodes_.erase(found);
  if (node.parent == 0) return std::move(node.dying);

  Node& parent = nodes_.at(node.parent);
  if (node.younger != 0) {
    nodes_.at(node.younger).older = node.older;
  } else {
    parent.firstChild = node.older;
  }
  if (node.older != 0) nodes_.at(node.older).younger = node.younger;
  if (!inherit) return std::move(node.dying);

  // The smaller list moves, so that a chain of savepoints costs no more than n log n.
  if (parent.dying.size() < node.dying.size()) std::swap(parent.dying, node.dying);
  parent.dying.insert(parent.dying.end(), node.dying.begin(), node.dying.end());
  return {};
}

}  // namespace rmem
