#include "alloc/free_regions.h"

#include <algorithm>
#include <bit>

#include "base/checks.h"

namespace rmem {

bool FreeRegions::Init(std::size_t maxRegions, Fit fit, PageTags* tags) noexcept {
  fit_ = fit;
  tags_ = tags;
  return regions_.Reserve(maxRegions + 1) && (fit != Fit::kFirst || byAddress_.Init(maxRegions));
}

void FreeRegions::Destroy() noexcept {
  regions_.Release();
  byAddress_.Destroy();
}

unsigned FreeRegions::BinOf(std::uint32_t pages) noexcept {
  if (pages <= kExactPages) [[likely]]
    return pages - 1;
  const auto log = static_cast<unsigned>(std::bit_width(pages)) - 1;
  const unsigned part = pages >> (log - kSplitLog) & ((1u << kSplitLog) - 1);
  return kExactPages + ((log - kExactLog) << kSplitLog) + part;
}

unsigned FreeRegions::NextBin(unsigned bin) const noexcept {
  if (bin >= kBins) return kBins;
  unsigned word = bin / 64;
  std::uint64_t bits = binsInUse_[word] & ~std::uint64_t{0} << (bin % 64);
  if (bits == 0) {
    const std::uint32_t words = wordsInUse_ & ~std::uint32_t{1} << word;
    if (words == 0) return kBins;
    word = static_cast<unsigned>(std::countr_zero(words));
    bits = binsInUse_[word];
  }
  return word * 64 + static_cast<unsigned>(std::countr_zero(bits));
}

unsigned FreeRegions::LastBin() const noexcept {
  if (wordsInUse_ == 0) return kBins;
  const auto word = static_cast<unsigned>(std::bit_width(wordsInUse_)) - 1;
  return word * 64 + static_cast<unsigned>(std::bit_width(binsInUse_[word])) - 1;
}

void FreeRegions::InsertBin(Index node) noexcept {
  Region& region = regions_[node];
  const unsigned bin = BinOf(region.run.pages);
  Index* link = &bins_[bin];
  region.left = region.right = kNone;
  if (*link == kNone) [[likely]] {
    *link = node;
    binsInUse_[bin / 64] |= std::uint64_t{1} << (bin % 64);
    wordsInUse_ |= std::uint32_t{1} << (bin / 64);
    return;
  }
  const std::uint32_t priority = MixPage(region.run.first);
  const std::uint64_t key = KeyOf(region);
  while (*link != kNone && MixPage(regions_[*link].run.first) > priority) {
    link = key < KeyOf(regions_[*link]) ? &regions_[*link].left : &regions_[*link].right;
  }
  // The treap below is split between the two sides of the new node.
  Index rest = *link;
  *link = node;
  Index* low = &region.left;
  Index* high = &region.right;
  while (rest != kNone) {
    if (KeyOf(regions_[rest]) < key) {
      *low = rest;
      low = &regions_[rest].right;
      rest = *low;
    } else {
      *high = rest;
      high = &regions_[rest].left;
      rest = *high;
    }
  }
  *low = *high = kNone;
}

void FreeRegions::EraseBin(Index node) noexcept {
  const Region& region = regions_[node];
  const unsigned bin = BinOf(region.run.pages);
  Index* link = &bins_[bin];
  if (*link != node) {
    const std::uint64_t key = KeyOf(region);
    do {
      RMEM_CHECK((*link != kNone) && "a free region is missing from its bin");
      link = key < KeyOf(regions_[*link]) ? &regions_[*link].left : &regions_[*link].right;
    } while (*link != node);
  }
  Index low = region.left;
  Index high = region.right;
  while (low != kNone && high != kNone) {
    if (MixPage(regions_[low].run.first) > MixPage(regions_[high].run.first)) {
      *link = low;
      link = &regions_[low].right;
      low = *link;
    } else {
      *link = high;
      link = &regions_[high].left;
      high = *link;
    }
  }
  *link = low != kNone ? low : high;
  if (bins_[bin] != kNone) return;
  binsInUse_[bin / 64] &= ~(std::uint64_t{1} << (bin % 64));
  if (binsInUse_[bin / 64] == 0) wordsInUse_ &= ~(std::uint32_t{1} << (bin / 64));
}

FreeRegions::Index FreeRegions::FindDirty(std::uint32_t pages) const noexcept {
  Index found = Find(pages);
  if (found == kNone || regions_[found].dirtyPages >= pages || fit_ != Fit::kBest) return found;
  std::uint32_t least = ~std::uint32_t{0};
  Index node = newest_;
  for (unsigned left = kDirtyLooks; left != 0 && node != kNone; --left, node = regions_[node].older) {
    const Region& region = regions_[node];
    if (region.run.pages < pages || region.dirtyPages != region.run.pages || region.run.pages >= least)
      continue;
    least = region.run.pages;
    found = node;
  }
  return found;
}

// Only for a region with dirty pages, like Unlink.
void FreeRegions::Link(Index node) noexcept {
  regions_[node].older = newest_;
  regions_[node].newer = kNone;
  (newest_ != kNone ? regions_[newest_].newer : oldest_) = node;
  newest_ = node;
  ++dirtyCount_;
}

void FreeRegions::Unlink(Index node) noexcept {
  const Region& region = regions_[node];
  (region.older != kNone ? regions_[region.older].newer : oldest_) = region.newer;
  (region.newer != kNone ? regions_[region.newer].older : newest_) = region.older;
  --dirtyCount_;
}

void FreeRegions::Renew(Index index) noexcept {
  Unlink(index);
  Link(index);
}

void FreeRegions::Mark(Index node) noexcept {
  const PageRun run = regions_[node].run;
  (*tags_)[run.first].store(kFreeTag | node, std::memory_order_relaxed);
  (*tags_)[run.end() - 1].store(kFreeTag | node, std::memory_order_relaxed);
}

FreeRegions::Index FreeRegions::NewNode() noexcept {
  const Index node = unused_;
  if (node != kNone) {
    unused_ = regions_[node].left;
    return node;
  }
  RMEM_CHECK((regions_.Grow(std::size_t{top_} + 1)) && "no room was ensured for a free region");
  return top_++;
}

void FreeRegions::DropNode(Index node) noexcept {
  regions_[node].run = {};
  regions_[node].left = unused_;
  unused_ = node;
}

// A tag that was left behind names a descriptor that is unused, or whose region lies elsewhere.
FreeRegions::Index FreeRegions::StartingAt(std::uint32_t page) const noexcept {
  const std::uint32_t tag = PageTag((*tags_)[page]);
  if (!IsFreeTag(tag)) return kNone;
  const Region& region = regions_[tag & ~kTagKind];
  return region.run.first == page && region.run.pages != 0 ? tag & ~kTagKind : kNone;
}

FreeRegions::Index FreeRegions::EndingAt(std::uint32_t page) const noexcept {
  if (page == 0) return kNone;
  const std::uint32_t tag = PageTag((*tags_)[page - 1]);
  if (!IsFreeTag(tag)) return kNone;
  return regions_[tag & ~kTagKind].run.end() == page ? tag & ~kTagKind : kNone;
}

FreeRegions::Index FreeRegions::Add(PageRun run, std::uint32_t dirtyPages) noexcept {
  const Index below = EndingAt(run.first);
  const Index above = StartingAt(run.end());
  RMEM_CHECK((StartingAt(run.first) == kNone && EndingAt(run.end()) == kNone) && "pages freed twice");
  pages_ += run.pages;
  dirtyPages_ += dirtyPages;
  Index node = below;
  if (above != kNone) {
    const Region& region = regions_[above];
    ++coalesces_;
    EraseBin(above);
    if (region.dirtyPages != 0) Unlink(above);
    run.pages += region.run.pages;
    dirtyPages += region.dirtyPages;
    if (below != kNone) {
      if (fit_ == Fit::kFirst) byAddress_.Erase(above);
      DropNode(above);
      --count_;
    } else {
      node = above;
    }
  }
  if (below != kNone) {
    const Region& region = regions_[below];
    ++coalesces_;
    EraseBin(below);
    if (region.dirtyPages != 0) Unlink(below);
    run = {region.run.first, region.run.pages + run.pages};
    dirtyPages += region.dirtyPages;
  }
  const bool isNew = node == kNone;
  if (isNew) {
    node = NewNode();
    ++count_;
  }
  regions_[node].run = run;
  regions_[node].dirtyPages = dirtyPages;
  InsertBin(node);
  if (dirtyPages != 0) Link(node);
  Mark(node);
  if (fit_ == Fit::kFirst) [[unlikely]] {
    if (isNew) {
      byAddress_.Insert(node, run);
    } else {
      byAddress_.Resize(node, run);
    }
  }
  return node;
}

FreeRegions::Index FreeRegions::FindBest(std::uint32_t pages) const noexcept {
  unsigned bin = BinOf(pages);
  if (pages > kExactPages) {
    // A bin of several lengths may hold only shorter ones.
    Index found = kNone;
    for (Index node = bins_[bin]; node != kNone;) {
      const Region& region = regions_[node];
      if (region.run.pages >= pages) {
        found = node;
        node = region.left;
      } else {
        node = region.right;
      }
    }
    if (found != kNone) return found;
    ++bin;
  }
  bin = NextBin(bin);
  if (bin == kBins) return kNone;
  Index node = bins_[bin];
  while (regions_[node].left != kNone) node = regions_[node].left;
  return node;
}

FreeRegions::Index FreeRegions::Find(std::uint32_t pages) const noexcept {
  if (fit_ == Fit::kBest) [[likely]]
    return FindBest(pages);
  if (fit_ == Fit::kFirst) return byAddress_.First(pages);
  const unsigned bin = LastBin();
  if (bin == kBins) return kNone;
  Index node = bins_[bin];
  while (regions_[node].right != kNone) node = regions_[node].right;
  const std::uint32_t most = regions_[node].run.pages;
  return most < pages ? kNone : FindBest(most);  // the first of equals
}

std::uint32_t FreeRegions::largest() const noexcept {
  const unsigned bin = LastBin();
  if (bin == kBins) return 0;
  Index node = bins_[bin];
  while (regions_[node].right != kNone) node = regions_[node].right;
  return regions_[node].run.pages;
}

void FreeRegions::Remove(Index index) noexcept {
  const Region& region = regions_[index];
  pages_ -= region.run.pages;
  dirtyPages_ -= region.dirtyPages;
  --count_;
  EraseBin(index);
  if (region.dirtyPages != 0) Unlink(index);
  if (fit_ == Fit::kFirst) [[unlikely]]
    byAddress_.Erase(index);
  DropNode(index);
}

void FreeRegions::Shorten(Index index, PageRun rest, std::uint32_t dirtyPages) noexcept {
  Region& region = regions_[index];
  pages_ -= region.run.pages - rest.pages;
  dirtyPages_ -= region.dirtyPages - dirtyPages;
  EraseBin(index);
  if (region.dirtyPages != 0 && dirtyPages == 0) Unlink(index);
  region.run = rest;
  region.dirtyPages = dirtyPages;
  InsertBin(index);
  Mark(index);
  if (fit_ == Fit::kFirst) [[unlikely]]
    byAddress_.Resize(index, rest);
}

void FreeRegions::SetDirtyPages(Index index, std::uint32_t dirtyPages) noexcept {
  Region& region = regions_[index];
  dirtyPages_ -= region.dirtyPages - dirtyPages;
  if (dirtyPages != 0 || region.dirtyPages == 0) {
    region.dirtyPages = dirtyPages;
    return;
  }
  Unlink(index);
  EraseBin(index);  // the order in a bin depends on it
  region.dirtyPages = 0;
  InsertBin(index);
}

std::uint64_t FreeRegions::Trim() noexcept {
  while (top_ > 1 && regions_[top_ - 1].run.pages == 0) --top_;
  unused_ = kNone;
  for (Index index = top_; index-- > 1;) {
    if (regions_[index].run.pages == 0) DropNode(index);
  }
  // Tags that were left behind may still name those above; they read as unused.
  return regions_.PurgeFrom(top_) + (fit_ == Fit::kFirst ? byAddress_.TrimFrom(top_) : 0);
}

bool FreeRegions::IsTreap(Index root, unsigned bin, std::uint64_t* lastKey,
                          std::uint64_t* count) const noexcept {
  if (root == kNone) return true;
  const Region& region = regions_[root];
  if (!IsTreap(region.left, bin, lastKey, count)) return false;
  if (BinOf(region.run.pages) != bin || KeyOf(region) <= *lastKey) return false;
  for (const Index child : {region.left, region.right}) {
    if (child != kNone && MixPage(regions_[child].run.first) > MixPage(region.run.first)) return false;
  }
  *lastKey = KeyOf(region);
  ++*count;
  return IsTreap(region.right, bin, lastKey, count);
}

bool FreeRegions::IsConsistent() const noexcept {
  std::uint64_t inBins = 0;
  for (unsigned bin = 0; bin < kBins; ++bin) {
    std::uint64_t lastKey = 0;
    if (!IsTreap(bins_[bin], bin, &lastKey, &inBins)) return false;
    if ((binsInUse_[bin / 64] >> (bin % 64) & 1) != (bins_[bin] != kNone ? 1u : 0u)) return false;
    if ((wordsInUse_ >> (bin / 64) & 1) != (binsInUse_[bin / 64] != 0 ? 1u : 0u)) return false;
  }
  std::uint64_t listed = 0;
  for (Index node = oldest_; node != kNone; node = regions_[node].newer) {
    const Index newer = regions_[node].newer;
    if (regions_[node].dirtyPages == 0 || (newer != kNone ? regions_[newer].older : newest_) != node)
      return false;
    if (++listed > dirtyCount_) return false;
  }
  bool sound = true;
  std::uint64_t found = 0, foundPages = 0, dirty = 0, dirtyRegions = 0;
  ForEach([&](Index index) {
    const Region& region = regions_[index];
    ++found;
    foundPages += region.run.pages;
    dirty += region.dirtyPages;
    dirtyRegions += region.dirtyPages != 0 ? 1 : 0;
    sound &= StartingAt(region.run.first) == index && EndingAt(region.run.end()) == index;
    sound &= StartingAt(region.run.end()) == kNone && EndingAt(region.run.first) == kNone;
    sound &= region.dirtyPages <= region.run.pages;
  });
  if (fit_ == Fit::kFirst) sound = sound && byAddress_.IsConsistent(count_);
  return sound && inBins == count_ && found == count_ && foundPages == pages_ && dirty == dirtyPages_ &&
         listed == dirtyCount_ && dirtyRegions == dirtyCount_;
}

}  // namespace rmem
