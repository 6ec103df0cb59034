#include "alloc/free_regions.h"

#include <algorithm>

#include "base/checks.h"

namespace rmem {

struct FreeRegions::ByAddress {
  static Links& Of(Region& region) noexcept { return region.address; }
  static const Links& Of(const Region& region) noexcept { return region.address; }
  static bool Less(const Region& a, const Region& b) noexcept { return a.run.first < b.run.first; }
  static constexpr bool kKeepsMax = true;
};

struct FreeRegions::BySize {
  static Links& Of(Region& region) noexcept { return region.size; }
  static const Links& Of(const Region& region) noexcept { return region.size; }
  // Among equals the lowest address, which keeps the heap together at its lower end.
  static bool Less(const Region& a, const Region& b) noexcept {
    return a.run.pages != b.run.pages ? a.run.pages < b.run.pages : a.run.first < b.run.first;
  }
  static constexpr bool kKeepsMax = false;
};

bool FreeRegions::Init(std::size_t maxRegions) noexcept {
  return regions_.Reserve(maxRegions + 1);
}

void FreeRegions::Destroy() noexcept {
  regions_.Release();
}

void FreeRegions::UpdateMax(Index node) noexcept {
  Region& region = regions_[node];
  std::uint32_t most = region.run.pages;
  if (region.address.left != kNone) most = std::max(most, regions_[region.address.left].maxPages);
  if (region.address.right != kNone) most = std::max(most, regions_[region.address.right].maxPages);
  region.maxPages = most;
}

template <class Order>
void FreeRegions::Split(Index root, Index node, Index* low, Index* high) noexcept {
  if (root == kNone) {
    *low = *high = kNone;
    return;
  }
  Links& links = Order::Of(regions_[root]);
  if (Order::Less(regions_[root], regions_[node])) {
    Split<Order>(links.right, node, &links.right, high);
    *low = root;
  } else {
    Split<Order>(links.left, node, low, &links.left);
    *high = root;
  }
  if constexpr (Order::kKeepsMax) UpdateMax(root);
}

template <class Order>
FreeRegions::Index FreeRegions::Merge(Index low, Index high) noexcept {
  if (low == kNone) return high;
  if (high == kNone) return low;
  Index root;
  if (regions_[low].priority > regions_[high].priority) {
    Links& links = Order::Of(regions_[low]);
    links.right = Merge<Order>(links.right, high);
    root = low;
  } else {
    Links& links = Order::Of(regions_[high]);
    links.left = Merge<Order>(low, links.left);
    root = high;
  }
  if constexpr (Order::kKeepsMax) UpdateMax(root);
  return root;
}

template <class Order>
FreeRegions::Index FreeRegions::Insert(Index root, Index node) noexcept {
  if (root == kNone || regions_[node].priority > regions_[root].priority) {
    Links& links = Order::Of(regions_[node]);
    Split<Order>(root, node, &links.left, &links.right);
    root = node;
  } else {
    Links& links = Order::Of(regions_[root]);
    Index& side = Order::Less(regions_[node], regions_[root]) ? links.left : links.right;
    side = Insert<Order>(side, node);
  }
  if constexpr (Order::kKeepsMax) UpdateMax(root);
  return root;
}

template <class Order>
FreeRegions::Index FreeRegions::Erase(Index root, Index node) noexcept {
  RMEM_CHECK((root != kNone) && "a free region is missing from an index");
  Links& links = Order::Of(regions_[root]);
  if (root == node) return Merge<Order>(links.left, links.right);
  Index& side = Order::Less(regions_[node], regions_[root]) ? links.left : links.right;
  side = Erase<Order>(side, node);
  if constexpr (Order::kKeepsMax) UpdateMax(root);
  return root;
}

void FreeRegions::InsertBoth(Index node) noexcept {
  regions_[node].maxPages = regions_[node].run.pages;
  byAddress_ = Insert<ByAddress>(byAddress_, node);
  bySize_ = Insert<BySize>(bySize_, node);
  ++count_;
  pages_ += regions_[node].run.pages;
}

void FreeRegions::EraseBoth(Index node) noexcept {
  byAddress_ = Erase<ByAddress>(byAddress_, node);
  bySize_ = Erase<BySize>(bySize_, node);
  --count_;
  pages_ -= regions_[node].run.pages;
}

void FreeRegions::UpdateMaxUpFrom(Index root, Index node) noexcept {
  if (root != node) {
    const Links& links = regions_[root].address;
    UpdateMaxUpFrom(ByAddress::Less(regions_[node], regions_[root]) ? links.left : links.right, node);
  }
  UpdateMax(root);
}

// A region that grows or shrinks keeps its place by address, since it still meets no neighbour.
void FreeRegions::Resize(Index node, PageRun run) noexcept {
  bySize_ = Erase<BySize>(bySize_, node);
  pages_ += std::uint64_t{run.pages} - regions_[node].run.pages;
  regions_[node].run = run;
  bySize_ = Insert<BySize>(bySize_, node);
  UpdateMaxUpFrom(byAddress_, node);
}

FreeRegions::Index FreeRegions::NewNode() noexcept {
  Index node = unused_;
  if (node != kNone) {
    unused_ = regions_[node].address.left;
  } else {
    RMEM_CHECK((regions_.Grow(std::size_t{top_} + 1)) && "no room was ensured for a free region");
    node = top_++;
  }
  // xorshift32: the priorities only have to be unrelated to the keys.
  seed_ ^= seed_ << 13;
  seed_ ^= seed_ >> 17;
  seed_ ^= seed_ << 5;
  regions_[node] = Region{{}, seed_, 0, {kNone, kNone}, {kNone, kNone}};
  return node;
}

void FreeRegions::DropNode(Index node) noexcept {
  regions_[node].address.left = unused_;
  unused_ = node;
}

// The region of highest first page below `page`.
FreeRegions::Index FreeRegions::FindNodeBelow(std::uint32_t page) const noexcept {
  Index found = kNone;
  for (Index node = byAddress_; node != kNone;) {
    const Region& region = regions_[node];
    if (region.run.first < page) {
      found = node;
      node = region.address.right;
    } else {
      node = region.address.left;
    }
  }
  return found;
}

FreeRegions::Index FreeRegions::FindNode(std::uint32_t first) const noexcept {
  Index node = byAddress_;
  while (node != kNone && regions_[node].run.first != first) {
    const Links& links = regions_[node].address;
    node = first < regions_[node].run.first ? links.left : links.right;
  }
  return node;
}

PageRun FreeRegions::Add(PageRun run) noexcept {
  const Index below = FindNodeBelow(run.end());
  const bool joinsBelow = below != kNone && regions_[below].run.end() == run.first;
  const Index above = FindNode(run.end());
  RMEM_CHECK((below == kNone || regions_[below].run.end() <= run.first) && "pages freed twice");
  coalesces_ += (joinsBelow ? 1 : 0) + (above != kNone ? 1 : 0);
  if (above != kNone) run.pages += regions_[above].run.pages;
  if (joinsBelow) {
    if (above != kNone) {
      EraseBoth(above);
      DropNode(above);
    }
    run = {regions_[below].run.first, regions_[below].run.pages + run.pages};
    Resize(below, run);
  } else if (above != kNone) {
    Resize(above, run);
  } else {
    const Index node = NewNode();
    regions_[node].run = run;
    InsertBoth(node);
  }
  return run;
}

PageRun FreeRegions::Find(std::uint32_t pages, Fit fit) const noexcept {
  if (largest() < pages) return {};
  Index found = kNone;
  switch (fit) {
    case Fit::kBest:
      for (Index node = bySize_; node != kNone;) {
        const Region& region = regions_[node];
        if (region.run.pages >= pages) {
          found = node;
          node = region.size.left;
        } else {
          node = region.size.right;
        }
      }
      break;
    case Fit::kFirst:
      for (Index node = byAddress_; found == kNone;) {
        const Region& region = regions_[node];
        const Index left = region.address.left;
        if (left != kNone && regions_[left].maxPages >= pages) {
          node = left;
        } else if (region.run.pages >= pages) {
          found = node;
        } else {
          node = region.address.right;
        }
      }
      break;
    case Fit::kWorst:
      for (Index node = bySize_; node != kNone; node = regions_[node].size.right) found = node;
      break;
  }
  return regions_[found].run;
}

PageRun FreeRegions::FindFirstAt(std::uint32_t first) const noexcept {
  const Index node = FindNode(first);
  return node == kNone ? PageRun{} : regions_[node].run;
}

PageRun FreeRegions::FindBelow(std::uint32_t page) const noexcept {
  const Index node = FindNodeBelow(page);
  return node == kNone ? PageRun{} : regions_[node].run;
}

void FreeRegions::Remove(PageRun region) noexcept {
  const Index node = FindNode(region.first);
  RMEM_CHECK((node != kNone && regions_[node].run == region) && "no such free region");
  EraseBoth(node);
  DropNode(node);
}

void FreeRegions::Shorten(PageRun region, PageRun rest) noexcept {
  const Index node = FindNode(region.first);
  RMEM_CHECK((node != kNone && regions_[node].run == region) && "no such free region");
  Resize(node, rest);
}

template <class Order>
std::uint32_t FreeRegions::CountOrdered(Index root, Index* last) const noexcept {
  constexpr std::uint32_t kBroken = 1u << 31;
  if (root == kNone) return 0;
  const Links& links = Order::Of(regions_[root]);
  const std::uint32_t left = CountOrdered<Order>(links.left, last);
  if (*last != kNone && !Order::Less(regions_[*last], regions_[root])) return kBroken;
  if (Order::kKeepsMax && *last != kNone && regions_[*last].run.end() >= regions_[root].run.first)
    return kBroken;
  for (const Index child : {links.left, links.right}) {
    if (child != kNone && regions_[child].priority > regions_[root].priority) return kBroken;
    if (Order::kKeepsMax && child != kNone && regions_[child].maxPages > regions_[root].maxPages)
      return kBroken;
  }
  *last = root;
  const std::uint32_t right = CountOrdered<Order>(links.right, last);
  return ((left | right) & kBroken) != 0 ? kBroken : left + right + 1;
}

bool FreeRegions::IsConsistent() const noexcept {
  Index last = kNone;
  const std::uint32_t byAddress = CountOrdered<ByAddress>(byAddress_, &last);
  last = kNone;
  const std::uint32_t bySize = CountOrdered<BySize>(bySize_, &last);
  const bool largestAgrees = last == kNone ? largest() == 0 : regions_[last].run.pages == largest();
  return byAddress == count_ && bySize == count_ && largestAgrees;
}

}  // namespace rmem
