#include <algorithm>
#include <bit>

#include "alloc/page_bits.h"
#include "alloc/page_heap.h"
#include "os/pages.h"

// When free pages go back to the system, and which: because of the cap, the budget, time, or on demand.
namespace rmem {

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
std::uint64_t PageHeap::PurgeDownTo(std::uint64_t targetPages, PurgeKind kind) noexcept {
  FlushDeferred();
  const std::uint64_t before = dirtyPages_;
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
  decay_.Purged(before - dirtyPages_);
  return before - dirtyPages_;
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
  if (dirtyPages_ <= purgeAbovePages_) purgeAbovePages_ = cap_.pages();
}

std::uint64_t PageHeap::PurgeAll() noexcept {
  if (dirtyPages_ + deferredPages_ != 0) ++purges_;
  return PurgeDownTo(0, PurgeKind::kAll) * kPageBytes;
}

std::uint64_t PageHeap::Purge() noexcept {
  const LockGuard guard(lock_);
  return PurgeAll();
}

// Down to what the other caches leave of the budget.
void PageHeap::KeepBudget() noexcept {
  if (budget_ == nullptr) return;
  const std::uint64_t left = budget_->left() / kPageBytes;
  if (dirtyPages_ + deferredPages_ <= left) return;
  ++purges_;
  PurgeDownTo(left, PurgeKind::kOverCap);
}

void PageHeap::Tick() noexcept {
  ticks_ = kTickCalls;
  KeepBudget();
  const std::uint64_t before = dirtyPages_ + deferredPages_;
  if (before == 0 || !decay_.enabled()) return;
  // Calls count as time, so that a program in a hurry does not keep for seconds what it will not need.
  workedMs_ += msPerTick_;
  const std::uint64_t due = decay_.Due(nowMs_() + workedMs_, before);
  if (due == 0) return;
  const std::uint64_t purged = PurgeDownTo(before - due, PurgeKind::kIdle);
  if (purged != 0) ++purges_;
  decayedPages_ += purged;
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

}  // namespace rmem
