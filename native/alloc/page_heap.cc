#include "alloc/page_heap.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/bits.h"
#include "base/checks.h"
#include "os/process_memory.h"

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

// Purges a free run that has dirty pages, with one call from the first of them to the last: the clean ones
// between hold nothing. Returns how many there were; 0 when the system refuses.
std::uint32_t PageHeap::PurgeRun(PageRun run, std::uint32_t dirtyPages) noexcept {
  PageRun dirty = run;
  if (dirtyPages != run.pages) {
    std::uint32_t first = run.end(), last = run.first;
    ForEachWord(run.first, run.end(), [&](std::uint32_t word, Word bits) {
      const Word found = dirty_[word].load(std::memory_order_relaxed) & bits;
      if (found == 0) return;
      const std::uint32_t start = word * kWordBits;
      first = std::min(first, start + static_cast<std::uint32_t>(std::countr_zero(found)));
      last = start + static_cast<std::uint32_t>(std::bit_width(found)) - 1;
    });
    dirty = {first, last + 1 - first};
  }
  // A range that small objects may take next must not stay advised: the kernel would fill it up with huge
  // pages.
  huge_.Withdraw(dirty);
  if (!PurgePages(AddressOf(dirty.first), std::size_t{dirty.pages} * kPageBytes)) return 0;
  SetDirty(dirty, false);
  dirtyPages_ -= dirtyPages;
  purgedPages_ += dirtyPages;
  return dirtyPages;
}

// As much of a run as the kind of purge wants, from its upper end; returns how many pages.
std::uint32_t PageHeap::PurgePart(PageRun run, std::uint32_t dirtyPages, PurgeKind kind,
                                  std::uint64_t wanted) noexcept {
  if (kind == PurgeKind::kAll) return PurgeRun(run, dirtyPages);
  PageRun part = run;
  if (kind == PurgeKind::kIdle && wanted < dirtyPages) {
    const auto pages = static_cast<std::uint32_t>(wanted);
    part = {run.end() - pages, pages};
  }
  part = huge_.WholeOnly(part);
  if (part.pages == 0) {
    if (kind == PurgeKind::kIdle) return 0;
    part = run;
  }
  const std::uint32_t dirty = dirtyPages == run.pages ? part.pages : CountDirty(part);
  return dirty == 0 ? 0 : PurgeRun(part, dirty);
}

// What lies above the top first, so that what is left lies together at the lower end; then what has been free
// longest. Each region is tried once.
void PageHeap::PurgeDownTo(std::uint64_t targetPages, PurgeKind kind) noexcept {
  FlushDeferred();
  const std::uint32_t aboveTop = DirtyAboveTop();
  if (aboveTop != 0 && dirtyPages_ > targetPages) {
    PurgePart({top_, dirtyEnd_ - top_}, aboveTop, kind, dirtyPages_ - targetPages);
    if (DirtyAboveTop() == 0) dirtyEnd_ = top_;
  }
  std::uint32_t left = regions_.dirtyCount();
  // As many as calls make dirty, until they fall behind.
  if (kind != PurgeKind::kAll) left = std::min(left, dirtyPages_ > 2 * cap_.pages() ? kPurgeRegions : 1u);
  for (; left != 0 && dirtyPages_ > targetPages; --left) {
    const FreeRegions::Index index = regions_.oldest();
    const FreeRegions::Region& region = regions_[index];
    const std::uint32_t purged = PurgePart(region.run, region.dirtyPages, kind, dirtyPages_ - targetPages);
    regions_.SetDirtyPages(index, region.dirtyPages - purged);
    if (region.dirtyPages != 0) regions_.Renew(index);
  }
}

// In batches, so that no call waits long.
void PageHeap::PurgeSome() noexcept {
  const std::uint64_t before = dirtyPages_ + deferredPages_;
  if (purgeAbovePages_ == cap_.pages()) {
    ++purges_;
    const std::uint64_t half = cap_.pages() / 2;
    cap_.Purging(before - std::min(before, half), allocations_);
    purgeAbovePages_ = std::min(half, cap_.pages() / 2);
  }
  PurgeDownTo(purgeAbovePages_, PurgeKind::kOverCap);
  decay_.Purged(before - dirtyPages_);
  if (dirtyPages_ <= purgeAbovePages_) purgeAbovePages_ = cap_.pages();
}

std::uint64_t PageHeap::PurgeAll() noexcept {
  const std::uint64_t before = dirtyPages_ + deferredPages_;
  if (before != 0) ++purges_;
  PurgeDownTo(0, PurgeKind::kAll);
  decay_.Purged(before - dirtyPages_);
  return (before - dirtyPages_) * kPageBytes;
}

std::uint64_t PageHeap::Purge() noexcept {
  const LockGuard guard(lock_);
  return PurgeAll();
}

void PageHeap::Tick() noexcept {
  ticks_ = kTickCalls;
  const std::uint64_t before = dirtyPages_ + deferredPages_;
  if (before == 0 || !decay_.enabled()) return;
  // Calls count as time, so that a program in a hurry does not keep for seconds what it will not need.
  workedMs_ += msPerTick_;
  const std::uint64_t due = decay_.Due(nowMs_() + workedMs_, before);
  if (due == 0) return;
  PurgeDownTo(before - due, PurgeKind::kIdle);
  const std::uint64_t purged = before - dirtyPages_;
  if (purged != 0) ++purges_;
  decayedPages_ += purged;
  decay_.Purged(purged);
}

void PageHeap::Decay() noexcept {
  // One batch for each time that the lock is held, and no more than there can be.
  for (std::uint32_t batches = ~0u; batches != 0; --batches) {
    const LockGuard guard(lock_);
    const std::uint64_t before = decayedPages_;
    Tick();
    if (decayedPages_ == before) return;
  }
}

bool PageHeap::StartBackgroundDecay(DecayThread::Function decay, void* context) noexcept {
  return decay_.enabled() && decayThread_.Start(decay_.quarterMs(), decay, context);
}

std::uint64_t PageHeap::Compact() noexcept {
  const LockGuard guard(lock_);
  std::uint64_t bytes = PurgeAll();
  bytes += tags_.PurgeFrom(std::size_t{top_} + 1) + regions_.Trim();
  // Bits of refused purges stay.
  bytes += dirty_.PurgeFrom(std::max(top_, dirtyEnd_) / kWordBits + 1);
  return bytes;
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
