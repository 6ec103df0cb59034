#include "alloc/page_heap.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/bits.h"
#include "base/checks.h"

namespace rmem {
namespace {

constexpr std::size_t kDefaultReserveBytes = std::size_t{256} << 30;
constexpr std::size_t kMinReserveBytes = std::size_t{1} << 20;
constexpr std::uint32_t kMinCommitPages = (std::size_t{1} << 20) / kPageBytes;

// Calls visit(word index, bits of that word) for the words that a run of bits spans.
template <class Visit>
void ForEachWord(std::uint32_t first, std::uint32_t end, Visit visit) noexcept {
  while (first < end) {
    const std::uint32_t bit = first % 64;
    const std::uint32_t count = std::min(64 - bit, end - first);
    const std::uint64_t ones = count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
    visit(first / 64, ones << bit);
    first += count;
  }
}

}  // namespace

bool PageHeap::Init(const PageHeapConfig& config) noexcept {
  std::size_t wanted = config.reserveBytes != 0 ? config.reserveBytes : kDefaultReserveBytes;
  wanted = AlignDown(ReservableBytes(wanted), kHugePageBytes);
  void* start = nullptr;
  // A limit that nobody told about (a cgroup, an address sanitizer) shows in the refusal only.
  while (wanted >= kMinReserveBytes && (start = ReservePages(wanted, kHugePageBytes)) == nullptr) {
    wanted = AlignDown(wanted / 2, kHugePageBytes);
  }
  if (start == nullptr) return false;
  base_ = reinterpret_cast<std::uintptr_t>(start);
  bytes_ = wanted;
  endPage_ = static_cast<std::uint32_t>(wanted / kPageBytes);
  const std::size_t words = endPage_ / kWordBits + 1;
  if (!tags_.Reserve(endPage_) || !dirty_.Reserve(words) || !huge_.Reserve(words / kHugePages + 1) ||
      !huge_.Grow(words / kHugePages + 1) || !regions_.Init(endPage_ / 2 + 1)) {
    Destroy();
    return false;
  }
  fit_ = config.fit;
  hugePages_ = config.hugePages;
  dirtyCapPages_ = config.dirtyCapBytes / kPageBytes;
  dirtyCapMaxPages_ = std::max(config.dirtyCapMaxBytes / kPageBytes, config.dirtyCapBytes / kPageBytes);
  return true;
}

void PageHeap::Destroy() noexcept {
  if (base_ != 0) ReleasePages(reinterpret_cast<void*>(base_), bytes_);
  base_ = 0;
  bytes_ = 0;
  tags_.Release();
  dirty_.Release();
  huge_.Release();
  regions_.Destroy();
}

std::uint32_t PageHeap::AlignPage(std::uint32_t page, std::size_t alignment) const noexcept {
  const std::uintptr_t address = base_ + std::uintptr_t{page} * kPageBytes;
  const std::uint64_t aligned = (AlignUp(address, std::uintptr_t{alignment}) - base_) / kPageBytes;
  return aligned > endPage_ ? endPage_ : static_cast<std::uint32_t>(aligned);
}

std::uint32_t PageHeap::CountDirty(PageRun run) const noexcept {
  int count = 0;
  ForEachWord(run.first, run.end(), [&](std::uint32_t word, Word bits) {
    count += std::popcount(dirty_[word].load(std::memory_order_relaxed) & bits);
  });
  return static_cast<std::uint32_t>(count);
}

// Writers hold the lock: a load and a store are enough.
void PageHeap::SetDirty(PageRun run, bool dirty) noexcept {
  ForEachWord(run.first, run.end(), [&](std::uint32_t word, Word bits) {
    const Word old = dirty_[word].load(std::memory_order_relaxed);
    dirty_[word].store(dirty ? old | bits : old & ~bits, std::memory_order_relaxed);
  });
}

bool PageHeap::CommitUpTo(std::uint32_t page) noexcept {
  if (page <= committed_) return true;
  // An eighth of the heap at a time: few system calls, little ahead of need where the system charges for it.
  const std::uint64_t step = std::max(committed_ / 8, kMinCommitPages);
  const auto wanted = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(std::max<std::uint64_t>(page, committed_ + step), endPage_));
  for (const std::uint32_t target : {wanted, page}) {
    if (!tags_.Grow(target) || !dirty_.Grow(target / kWordBits + 1)) continue;
    if (CommitPages(AddressOf(committed_), std::size_t{target - committed_} * kPageBytes)) {
      committed_ = target;
      return true;
    }
  }
  return false;
}

PageRun PageHeap::TakeFromRegions(std::uint32_t pages, std::size_t alignment,
                                  std::size_t preferred) noexcept {
  const auto fits = [&](PageRun region, std::size_t wanted) {
    const std::uint32_t first = AlignPage(region.first, wanted);
    return region.pages != 0 && first <= region.end() && region.end() - first >= pages;
  };
  const auto findAligned = [&](PageRun tight, std::size_t wanted) {
    if (fits(tight, wanted)) return tight;
    const std::uint64_t padded = pages + wanted / kPageBytes - 1;
    return padded > endPage_ ? PageRun{} : regions_.Find(static_cast<std::uint32_t>(padded), fit_);
  };
  const PageRun tight = regions_.Find(pages, fit_);
  if (tight.pages == 0) return {};
  std::size_t used = std::max(alignment, preferred);
  PageRun region = findAligned(tight, used);
  if (region.pages == 0 && used != alignment) {
    used = alignment;
    region = findAligned(tight, used);
  }
  if (region.pages == 0) return {};
  const PageRun run{AlignPage(region.first, used), pages};
  const PageRun before{region.first, run.first - region.first};
  const PageRun behind{run.end(), region.end() - run.end()};
  if (before.pages != 0) {
    regions_.Shorten(region, before);
    if (behind.pages != 0) regions_.Add(behind);
  } else if (behind.pages != 0) {
    regions_.Shorten(region, behind);
  } else {
    regions_.Remove(region);
  }
  return run;
}

PageRun PageHeap::TakeFromTop(std::uint32_t pages, std::size_t alignment) noexcept {
  const std::uint32_t first = AlignPage(top_, alignment);
  if (endPage_ - first < pages || !CommitUpTo(first + pages)) return {};
  if (first != top_) regions_.Add({top_, first - top_});
  top_ = first + pages;
  return {first, pages};
}

PageRun PageHeap::Take(std::uint32_t pages, std::size_t alignment, std::size_t preferred) noexcept {
  // Free regions are separated by live runs, so that many descriptors are enough for every later free.
  if (!regions_.EnsureRoom(liveRuns_ + 2)) return {};
  PageRun run = TakeFromRegions(pages, alignment, preferred);
  if (run.pages == 0) run = TakeFromTop(pages, std::max(alignment, preferred));
  if (run.pages == 0 && preferred > alignment) run = TakeFromTop(pages, alignment);
  return run;
}

void* PageHeap::Allocate(std::uint32_t pages, std::size_t alignment,
                         std::size_t preferredAlignment) noexcept {
  const LockGuard guard(lock_);
  return AllocateLocked(pages, alignment, preferredAlignment);
}

void* PageHeap::AllocateUpTo(std::uint32_t* pages, std::uint32_t least) noexcept {
  const LockGuard guard(lock_);
  const std::uint32_t largest = regions_.largest();
  if (largest < *pages && largest >= least) *pages = largest;
  return AllocateLocked(*pages, kPageBytes, kPageBytes);
}

void* PageHeap::AllocateLocked(std::uint32_t pages, std::size_t alignment, std::size_t preferred) noexcept {
  PageRun run = Take(pages, alignment, preferred);
  if (run.pages == 0) {
    PurgeDownTo(0);
    run = Take(pages, alignment, alignment);
  }
  if (run.pages == 0) {
    ++failures_;
    return nullptr;
  }
  dirtyPages_ -= CountDirty(run);
  livePages_ += pages;
  ++liveRuns_;
  ++allocations_;
  if (run.first < touched_) ++freeListHits_;
  touched_ = std::max(touched_, run.end());
  PurgeOverCap();  // what a commit left to us, less what has just been reused
  return AddressOf(run.first);
}

void PageHeap::GiveBack(PageRun run, bool dirty) noexcept {
  SetDirty(run, dirty);
  if (dirty) dirtyPages_ += run.pages;
  livePages_ -= run.pages;
  const PageRun merged = regions_.Add(run);
  if (merged != run || merged.end() == top_) ++coalesces_;
  if (merged.end() == top_) {
    regions_.Remove(merged);
    top_ = merged.first;
  }
}

void PageHeap::Free(void* start, std::uint32_t pages, PurgeNow purge) noexcept {
  const PageRun run{PageOf(start), pages};
  const LockGuard guard(lock_);
  RMEM_CHECK((run.end() <= top_ && run.pages != 0) && "freed pages lie outside the heap");
  --liveRuns_;
  ++frees_;
  GiveBack(run, true);
  if (purge == PurgeNow::kYes) PurgeOverCap();
}

void PageHeap::FreeMoved(void* start, std::uint32_t pages) noexcept {
  const LockGuard guard(lock_);
  --liveRuns_;
  ++frees_;
  GiveBack({PageOf(start), pages}, false);
}

bool PageHeap::Extend(void* start, std::uint32_t oldPages, std::uint32_t newPages) noexcept {
  const PageRun run{PageOf(start), oldPages};
  const std::uint32_t more = newPages - oldPages;
  const LockGuard guard(lock_);
  if (run.end() == top_) {
    if (endPage_ - top_ < more || !CommitUpTo(top_ + more)) return false;
    top_ += more;
  } else {
    const PageRun next = regions_.FindFirstAt(run.end());
    if (next.pages < more) return false;
    if (next.pages == more) {
      regions_.Remove(next);
    } else {
      regions_.Shorten(next, {next.first + more, next.pages - more});
    }
  }
  const PageRun grown{run.end(), more};
  dirtyPages_ -= CountDirty(grown);
  livePages_ += more;
  touched_ = std::max(touched_, grown.end());
  return true;
}

void PageHeap::Shrink(void* start, std::uint32_t oldPages, std::uint32_t newPages) noexcept {
  const std::uint32_t first = PageOf(start);
  const LockGuard guard(lock_);
  GiveBack({first + newPages, oldPages - newPages}, true);
  PurgeOverCap();
}

void PageHeap::Zero(void* start, std::size_t bytes) noexcept {
  const std::uint32_t first = PageOf(start);
  const auto end = static_cast<std::uint32_t>(first + (bytes + kPageBytes - 1) / kPageBytes);
  ForEachWord(first, end, [&](std::uint32_t word, Word bits) {
    Word dirty = dirty_[word].load(std::memory_order_relaxed) & bits;
    while (dirty != 0) {
      const int low = std::countr_zero(dirty);
      const int count = std::countr_one(dirty >> low);
      const std::uint32_t page = word * kWordBits + static_cast<std::uint32_t>(low);
      std::memset(AddressOf(page), 0, static_cast<std::size_t>(count) * kPageBytes);
      const Word ones = count == 64 ? ~Word{0} : (Word{1} << count) - 1;
      dirty &= ~(ones << low);
    }
  });
}

void PageHeap::AdviseHuge(void* start, std::uint32_t pages) noexcept {
  if (!hugePages_) return;
  const std::uint32_t first = PageOf(start);
  const std::uint32_t begin = (first + kHugePages - 1) / kHugePages;
  const std::uint32_t end = (first + pages) / kHugePages;
  const LockGuard guard(lock_);
  for (std::uint32_t block = begin; block < end;) {
    const auto advised = [&](std::uint32_t b) { return (huge_[b / kWordBits] >> (b % kWordBits) & 1) != 0; };
    std::uint32_t last = block;
    while (last < end && !advised(last)) ++last;
    if (last == block) {
      ++block;
      continue;
    }
    if (!AdviseHugePages(AddressOf(block * kHugePages), (last - block) * kHugePageBytes, true)) return;
    ForEachWord(block, last, [&](std::uint32_t word, Word bits) { huge_[word] |= bits; });
    hugeAdvised_ += last - block;
    block = last;
  }
}

// Purges the dirty pages of a free run; returns how many there were.
std::uint32_t PageHeap::PurgeRun(PageRun run) noexcept {
  std::uint32_t purged = 0;
  std::uint32_t page = run.first;
  const auto isDirty = [&](std::uint32_t p) {
    return (dirty_[p / kWordBits].load(std::memory_order_relaxed) >> (p % kWordBits) & 1) != 0;
  };
  while (page < run.end()) {
    if (page % kWordBits == 0 && dirty_[page / kWordBits].load(std::memory_order_relaxed) == 0) {
      page += kWordBits;
      continue;
    }
    if (!isDirty(page)) {
      ++page;
      continue;
    }
    const std::uint32_t first = page;
    while (page < run.end() && isDirty(page)) ++page;
    const PageRun dirty{first, page - first};
    // A range that small objects may take next must not stay advised: the kernel would fill it up with huge
    // pages.
    for (std::uint32_t block = dirty.first / kHugePages; block <= (dirty.end() - 1) / kHugePages; ++block) {
      const Word bit = Word{1} << (block % kWordBits);
      if ((huge_[block / kWordBits] & bit) == 0) continue;
      if (!AdviseHugePages(AddressOf(block * kHugePages), kHugePageBytes, false)) continue;
      huge_[block / kWordBits] &= ~bit;
      --hugeAdvised_;
    }
    if (!PurgePages(AddressOf(dirty.first), std::size_t{dirty.pages} * kPageBytes)) continue;
    SetDirty(dirty, false);
    purged += dirty.pages;
  }
  return purged;
}

// From the upper end downwards, so that what is left lies together at the lower end.
void PageHeap::PurgeDownTo(std::uint64_t targetPages) noexcept {
  if (dirtyPages_ <= targetPages) return;
  ++purges_;
  const auto purge = [&](PageRun run) {
    const std::uint32_t purged = PurgeRun(run);
    dirtyPages_ -= purged;
    purgedPages_ += purged;
  };
  if (touched_ > top_) purge({top_, touched_ - top_});
  PageRun region = regions_.FindBelow(endPage_);
  while (dirtyPages_ > targetPages && region.pages != 0) {
    purge(region);
    region = regions_.FindBelow(region.first);
  }
}

void PageHeap::PurgeOverCap() noexcept {
  if (dirtyPages_ <= dirtyCapPages_) [[likely]]
    return;
  PurgeDownTo(dirtyCapPages_ / 2);
  // As glibc's trim threshold: a program that frees this much is likely to want it again.
  dirtyCapPages_ = std::min(dirtyCapPages_ * 2, dirtyCapMaxPages_);
}

void PageHeap::Purge() noexcept {
  const LockGuard guard(lock_);
  PurgeDownTo(0);
}

PageHeapStats PageHeap::Stats() noexcept {
  const LockGuard guard(lock_);
  PageHeapStats stats{};
  const std::uint64_t freeTouched = std::uint64_t{touched_} - livePages_;
  stats.reservedBytes = bytes_;
  stats.committedBytes = std::uint64_t{committed_} * kPageBytes;
  stats.liveBytes = livePages_ * kPageBytes;
  stats.dirtyBytes = dirtyPages_ * kPageBytes;
  stats.cleanBytes = (freeTouched - dirtyPages_) * kPageBytes;
  stats.hugeAdvisedBytes = hugeAdvised_ * kHugePageBytes;
  stats.dirtyCapBytes = dirtyCapPages_ * kPageBytes;
  stats.allocations = allocations_;
  stats.freeListHits = freeListHits_;
  stats.frees = frees_;
  stats.coalesces = coalesces_;
  stats.largestFreeBytes = std::uint64_t{regions_.largest()} * kPageBytes;
  stats.freeRegionBytes = regions_.pages() * kPageBytes;
  stats.freeRegions = regions_.count();
  stats.purges = purges_;
  stats.purgedBytes = purgedPages_ * kPageBytes;
  stats.failures = failures_;
  return stats;
}

bool PageHeap::IsConsistent() noexcept {
  const LockGuard guard(lock_);
  if (!regions_.IsConsistent()) return false;
  if (livePages_ + regions_.pages() != top_ || top_ > touched_ || touched_ > committed_) return false;
  std::uint64_t dirty = touched_ > top_ ? CountDirty({top_, touched_ - top_}) : 0;
  for (PageRun region = regions_.FindBelow(endPage_); region.pages != 0;
       region = regions_.FindBelow(region.first)) {
    dirty += CountDirty(region);
  }
  return dirty == dirtyPages_;
}

}  // namespace rmem
