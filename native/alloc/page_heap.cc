#include "alloc/page_heap.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "alloc/page_bits.h"
#include "base/bits.h"
#include "base/checks.h"
#include "os/process_memory.h"

namespace rmem {
namespace {

constexpr std::size_t kDefaultReserveBytes = std::size_t{256} << 30;
constexpr std::size_t kMinReserveBytes = std::size_t{1} << 20;
constexpr std::uint32_t kMinCommitPages = (std::size_t{1} << 20) / kPageBytes;

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
  if (!tags_.Reserve(std::size_t{endPage_} + 1) || !dirty_.Reserve(words) || !huge_.Init(base_, endPage_) ||
      !regions_.Init(endPage_ / 2 + 1, config.fit, &tags_)) {
    Destroy();
    return false;
  }
  hugePages_ = config.hugePages;
  decay_.Init(config.decayMs);
  if (config.decayCalls != 0)
    msPerTick_ = std::max<std::uint64_t>(config.decayMs * kTickCalls / config.decayCalls, 1);
  nowMs_ = config.nowMs;
  cap_.Init(config.dirtyCapBytes / kPageBytes, config.dirtyCapMaxBytes / kPageBytes);
  purgeAbovePages_ = cap_.pages();
  maxDeferred_ = config.fit == Fit::kBest ? kDeferred : 0;
  return true;
}

void PageHeap::Destroy() noexcept {
  decayThread_.Stop();
  if (base_ != 0) ReleasePages(reinterpret_cast<void*>(base_), bytes_);
  base_ = 0;
  bytes_ = 0;
  tags_.Release();
  dirty_.Release();
  huge_.Destroy();
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
    if (!tags_.Grow(std::size_t{target} + 1) || !dirty_.Grow(target / kWordBits + 1)) continue;
    if (CommitPages(AddressOf(committed_), std::size_t{target - committed_} * kPageBytes)) {
      committed_ = target;
      return true;
    }
  }
  return false;
}

// The dirty pages of a part of a free region; those of most regions are all dirty, or none.
std::uint32_t PageHeap::CountDirtyOf(const FreeRegions::Region& region, PageRun part) const noexcept {
  if (region.dirtyPages == 0) return 0;
  return region.dirtyPages == region.run.pages ? part.pages : CountDirty(part);
}

FreeRegions::Index PageHeap::FindAligned(FreeRegions::Index tight, std::uint32_t pages,
                                         std::size_t alignment) const noexcept {
  const PageRun region = regions_[tight].run;
  const std::uint32_t first = AlignPage(region.first, alignment);
  if (first <= region.end() && region.end() - first >= pages) return tight;
  const std::uint64_t padded = pages + alignment / kPageBytes - 1;
  return padded > endPage_ ? FreeRegions::kNone : regions_.Find(static_cast<std::uint32_t>(padded));
}

// Takes a run out of a free region.
void PageHeap::Cut(FreeRegions::Index index, PageRun run) noexcept {
  const FreeRegions::Region& region = regions_[index];
  const PageRun before{region.run.first, run.first - region.run.first};
  const PageRun behind{run.end(), region.run.end() - run.end()};
  const std::uint32_t dirty = CountDirtyOf(region, run);
  dirtyPages_ -= dirty;
  cap_.Missed(run.pages - dirty, allocations_);
  if (before.pages == 0) {
    if (behind.pages == 0) {
      regions_.Remove(index);
    } else {
      regions_.Shorten(index, behind, region.dirtyPages - dirty);
    }
    return;
  }
  const std::uint32_t dirtyBefore = CountDirtyOf(region, before);
  const std::uint32_t dirtyBehind = region.dirtyPages - dirty - dirtyBefore;
  regions_.Shorten(index, before, dirtyBefore);
  if (behind.pages != 0) regions_.Add(behind, dirtyBehind);
}

PageRun PageHeap::TakeFromRegions(std::uint32_t pages, std::size_t alignment,
                                  std::size_t preferred) noexcept {
  FreeRegions::Index index = regions_.FindDirty(pages);
  if (index == FreeRegions::kNone) return {};
  std::uint32_t first = regions_[index].run.first;
  std::size_t used = std::max(alignment, preferred);
  if (used > kPageBytes) {
    const FreeRegions::Index tight = index;
    index = FindAligned(tight, pages, used);
    if (index == FreeRegions::kNone && used != alignment) {
      used = alignment;
      index = FindAligned(tight, pages, used);
    }
    if (index == FreeRegions::kNone) return {};
    first = AlignPage(regions_[index].run.first, used);
  }
  Cut(index, {first, pages});
  return {first, pages};
}

PageRun PageHeap::TakeFromTop(std::uint32_t pages, std::size_t alignment) noexcept {
  const std::uint32_t first = AlignPage(top_, alignment);
  if (endPage_ - first < pages || !CommitUpTo(first + pages)) return {};
  const auto dirtyUpTo = [&](std::uint32_t end) {
    const std::uint32_t last = std::min(end, dirtyEnd_);
    if (last <= top_) return 0u;
    return DirtyAboveTop() == dirtyEnd_ - top_ ? last - top_ : CountDirty({top_, last - top_});
  };
  if (first != top_) {
    const std::uint32_t skipped = first - top_;
    regions_.Add({top_, skipped}, dirtyUpTo(first));
    top_ = first;
  }
  const std::uint32_t dirty = dirtyUpTo(first + pages);
  if (first < touched_) cap_.Missed(std::min(first + pages, touched_) - first - dirty, allocations_);
  top_ = first + pages;
  dirtyPages_ -= dirty;
  return {first, pages};
}

PageRun PageHeap::Take(std::uint32_t pages, std::size_t alignment, std::size_t preferred) noexcept {
  // Free regions are separated by live runs, so that many descriptors are enough for every later free.
  if (!regions_.EnsureRoom(allocations_ - frees_ + 2 + kDeferred)) return {};
  if (deferredCount_ != 0) {
    const FreeRegions::Index tight = regions_.Find(pages);
    if (tight == FreeRegions::kNone || regions_[tight].run.pages != pages) FlushDeferred();
  }
  PageRun run = TakeFromRegions(pages, alignment, preferred);
  if (run.pages == 0) run = TakeFromTop(pages, std::max(alignment, preferred));
  if (run.pages == 0 && preferred > alignment) run = TakeFromTop(pages, alignment);
  return run;
}

inline PageRun PageHeap::TakeDeferred(std::uint32_t pages, std::size_t alignment) noexcept {
  for (std::uint32_t i = deferredCount_; i-- != 0;) {
    const PageRun run = deferred_[i];
    if (run.pages != pages || (alignment > kPageBytes && AlignPage(run.first, alignment) != run.first))
      continue;
    deferred_[i] = deferred_[--deferredCount_];
    deferredPages_ -= pages;
    livePages_ += pages;
    ++allocations_;
    ++freeListHits_;
    return run;
  }
  return {};
}

PageRun PageHeap::AllocateRun(std::uint32_t pages, std::size_t alignment, std::size_t preferred) noexcept {
  PageRun run = Take(pages, alignment, preferred);
  if (run.pages == 0) [[unlikely]] {
    PurgeDownTo(0, PurgeKind::kAll);
    run = Take(pages, alignment, alignment);
    if (run.pages == 0) {
      ++failures_;
      return {};
    }
  }
  livePages_ += pages;
  ++allocations_;
  if (run.first < touched_) ++freeListHits_;
  touched_ = std::max(touched_, run.end());
  return run;
}

void* PageHeap::Allocate(std::uint32_t pages, std::size_t alignment,
                         std::size_t preferredAlignment) noexcept {
  const LockGuard guard(lock_);
  PageRun run = TakeDeferred(pages, std::max(alignment, preferredAlignment));
  if (run.pages == 0) {
    run = AllocateRun(pages, alignment, preferredAlignment);
    if (run.pages == 0) return nullptr;
  }
  decay_.Note(dirtyPages_ + deferredPages_);
  Settle();  // what a commit left to us, less what has just been reused
  return AddressOf(run.first);
}

void* PageHeap::AllocateUpTo(std::uint32_t* pages, std::uint32_t least) noexcept {
  const LockGuard guard(lock_);
  PageRun run = TakeDeferred(*pages, kPageBytes);
  if (run.pages == 0) {
    const std::uint32_t largest = regions_.largest();
    if (largest < *pages && largest >= least) *pages = largest;
    run = AllocateRun(*pages, kPageBytes, kPageBytes);
    if (run.pages == 0) return nullptr;
  }
  decay_.Note(dirtyPages_ + deferredPages_);
  Settle();
  return AddressOf(run.first);
}

char* PageHeap::AllocateObject(std::uint32_t pages, std::size_t alignment,
                               std::size_t preferredAlignment) noexcept {
  const LockGuard guard(lock_);
  std::uint32_t tag = kLargeTag | kReusedTag | pages;
  PageRun run = TakeDeferred(pages, std::max(alignment, preferredAlignment));
  if (run.pages == 0) [[unlikely]] {
    run = AllocateRun(pages, alignment, preferredAlignment);
    if (run.pages == 0) return nullptr;
    tag = kLargeTag | pages;
  }
  Tag(run.first) = tag;
  ++objects_.allocations;
  objects_.livePages += pages;
  if (pages >= HugePages::kPages && hugePages_) huge_.Advise(run);
  decay_.Note(dirtyPages_ + deferredPages_);
  Settle();
  return AddressOf(run.first);
}

void PageHeap::FlushDeferred(std::uint32_t count) noexcept {
  for (std::uint32_t i = 0; i < count; ++i) {
    deferredPages_ -= deferred_[i].pages;
    dirtyPages_ += deferred_[i].pages;
    GiveBack(deferred_[i], true);
  }
  deferredCount_ -= count;
  std::copy(deferred_ + count, deferred_ + count + deferredCount_, deferred_);
}

// Pages that were handed out are free, and dirty.
inline void PageHeap::FreeRun(PageRun run) noexcept {
  ++frees_;
  livePages_ -= run.pages;
  if (deferredCount_ == maxDeferred_) [[unlikely]] {
    if (maxDeferred_ == 0) {
      dirtyPages_ += run.pages;
      return GiveBack(run, true);
    }
    // The older half: a program that turns over more than fits should not come here each time.
    FlushDeferred((maxDeferred_ + 1) / 2);
  }
  deferred_[deferredCount_++] = run;
  deferredPages_ += run.pages;
}

void PageHeap::GiveBack(PageRun run, bool dirty) noexcept {
  if (run.end() != top_) {
    const std::uint64_t before = regions_.coalesces();
    regions_.Add(run, dirty ? run.pages : 0);
    if (regions_.coalesces() != before) ++coalesces_;
    return;
  }
  ++coalesces_;
  dirtyEnd_ = std::max(dirtyEnd_, top_);
  top_ = run.first;
  const FreeRegions::Index below = regions_.EndingAt(top_);
  if (below == FreeRegions::kNone) return;
  top_ = regions_[below].run.first;
  regions_.Remove(below);
}

void PageHeap::Free(void* start, std::uint32_t pages, PurgeNow purge) noexcept {
  const PageRun run{PageOf(start), pages};
  const LockGuard guard(lock_);
  RMEM_CHECK((run.end() <= top_ && run.pages != 0) && "freed pages lie outside the heap");
  for (std::uint32_t i = 0; i < deferredCount_; ++i) {
    RMEM_CHECK((run.end() <= deferred_[i].first || run.first >= deferred_[i].end()) && "pages freed twice");
  }
  SetDirty(run, true);
  FreeRun(run);
  if (purge == PurgeNow::kYes) Settle();
}

// Under the lock, so that of two threads that free it one is told.
inline std::uint32_t PageHeap::EndObject(PageRun run) noexcept {
  const PageTag tag = Tag(run.first);
  const std::uint32_t old = tag;
  if ((old & ~kReusedTag) != (kLargeTag | run.pages)) [[unlikely]] {
    RMEM_CHECK(IsLargeTag(old) && "freed a large object twice, or a pointer into one");
    RMEM_CHECK(false && "freed a large object with another size than it has");
  }
  tag = 0;
  ++objects_.frees;
  objects_.livePages -= run.pages;
  return old;
}

void PageHeap::FreeObject(std::uint32_t page, std::uint32_t pages) noexcept {
  const PageRun run{page, pages};
  const LockGuard guard(lock_);
  if ((EndObject(run) & kReusedTag) == 0) SetDirty(run, true);
  FreeRun(run);
  Settle();
}

void PageHeap::FreeMovedObject(std::uint32_t page, std::uint32_t pages) noexcept {
  const PageRun run{page, pages};
  const LockGuard guard(lock_);
  EndObject(run);
  ++frees_;
  livePages_ -= pages;
  SetDirty(run, false);
  GiveBack(run, false);
}

bool PageHeap::Extend(void* start, std::uint32_t oldPages, std::uint32_t newPages) noexcept {
  const PageRun run{PageOf(start), oldPages};
  const std::uint32_t more = newPages - oldPages;
  const LockGuard guard(lock_);
  FlushDeferred();
  const PageRun grown{run.end(), more};
  if (run.end() == top_) {
    if (TakeFromTop(more, kPageBytes).pages == 0) return false;
  } else {
    const FreeRegions::Index next = regions_.StartingAt(run.end());
    if (next == FreeRegions::kNone || regions_[next].run.pages < more) return false;
    Cut(next, grown);
  }
  decay_.Note(dirtyPages_);
  livePages_ += more;
  touched_ = std::max(touched_, grown.end());
  if (IsLargeTag(Tag(run.first))) {
    Tag(run.first) = kLargeTag | newPages;
    objects_.livePages += more;
  }
  return true;
}

void PageHeap::Shrink(void* start, std::uint32_t oldPages, std::uint32_t newPages) noexcept {
  const std::uint32_t first = PageOf(start);
  const LockGuard guard(lock_);
  if (IsLargeTag(Tag(first))) {
    Tag(first) = (Tag(first) & (kLargeTag | kReusedTag)) | newPages;
    objects_.livePages -= oldPages - newPages;
  }
  const PageRun rest{first + newPages, oldPages - newPages};
  livePages_ -= rest.pages;
  dirtyPages_ += rest.pages;
  SetDirty(rest, true);
  GiveBack(rest, true);
  Settle();
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
  const LockGuard guard(lock_);
  huge_.Advise({PageOf(start), pages});
}

PageHeapStats PageHeap::Stats() noexcept {
  const LockGuard guard(lock_);
  FlushDeferred();
  PageHeapStats stats{};
  const std::uint64_t freeTouched = std::uint64_t{touched_} - livePages_;
  stats.reservedBytes = bytes_;
  stats.committedBytes = std::uint64_t{committed_} * kPageBytes;
  stats.liveBytes = livePages_ * kPageBytes;
  stats.dirtyBytes = dirtyPages_ * kPageBytes;
  stats.cleanBytes = (freeTouched - dirtyPages_) * kPageBytes;
  stats.hugeAdvisedBytes = huge_.advised() * kHugePageBytes;
  stats.dirtyCapBytes = cap_.pages() * kPageBytes;
  stats.allocations = allocations_;
  stats.freeListHits = freeListHits_;
  stats.frees = frees_;
  stats.coalesces = coalesces_;
  stats.largestFreeBytes = std::uint64_t{regions_.largest()} * kPageBytes;
  stats.freeRegionBytes = regions_.pages() * kPageBytes;
  stats.freeRegions = regions_.count();
  stats.purges = purges_;
  stats.purgedBytes = purgedPages_ * kPageBytes;
  stats.decayedBytes = decayedPages_ * kPageBytes;
  stats.failures = failures_;
  return stats;
}

std::uint64_t PageHeap::HugeResidentBytes() const noexcept {
  std::uint64_t bytes = 0;
  return HugeBytesIn(reinterpret_cast<void*>(base_), bytes_, &bytes) ? bytes : 0;
}

ObjectCounts PageHeap::Objects() noexcept {
  const LockGuard guard(lock_);
  return objects_;
}

bool PageHeap::IsConsistent() noexcept {
  const LockGuard guard(lock_);
  FlushDeferred();
  if (!regions_.IsConsistent()) return false;
  if (livePages_ + regions_.pages() != top_ || top_ > touched_ || touched_ > committed_) return false;
  std::uint64_t dirty = touched_ > top_ ? CountDirty({top_, touched_ - top_}) : 0;
  if (dirtyEnd_ < touched_ &&
      CountDirty({std::max(top_, dirtyEnd_), touched_ - std::max(top_, dirtyEnd_)}) != 0)
    return false;
  bool sound = true;
  regions_.ForEach([&](FreeRegions::Index index) {
    const std::uint32_t inRegion = CountDirty(regions_[index].run);
    sound &= inRegion == regions_[index].dirtyPages && regions_[index].run.end() < top_;
    dirty += inRegion;
  });
  if (!sound) return false;
  return dirty == dirtyPages_;
}

}  // namespace rmem
