#include "alloc/arena.h"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <utility>

#include "base/checks.h"
#include "os/process_fence.h"

namespace rmem {
namespace {

std::atomic<std::uint64_t> lastArenaAllocatorId{0};

// Room for a chunk's head; blocks after it start on a cache line.
constexpr std::size_t kHeadBytes = 64;
static_assert(sizeof(ArenaChunk) <= kHeadBytes && sizeof(ArenaRegion) <= kHeadBytes);

constexpr std::uint32_t kEndsPerReclaim = 256;
constexpr std::uint32_t kEndsPerClock = 16;

constexpr std::uint8_t kUnbiasedAfterSharing = 200;

// Wraps after 49 days; differences do not mind.
std::uint32_t NowMs() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint32_t>(now.tv_sec * 1000 + now.tv_nsec / 1'000'000);
}

unsigned BinFor(std::uint32_t pages) noexcept {
  return static_cast<unsigned>(Log2Floor(pages));
}

ArenaRegion* RegionOf(void* p) noexcept {
  return reinterpret_cast<ArenaRegion*>(static_cast<char*>(p) - kHeadBytes);
}

}  // namespace

constinit thread_local ArenaThreadSlot arenaThreadSlot{};

bool ArenaAllocator::Init(PageHeap* pages, MetadataPool* pool, const ArenaConfig& config) noexcept {
  pages_ = pages;
  pool_ = pool;
  config_ = config;
  if (!states_.Init(this, pool)) return false;
  RegisterFences();
  id_ = lastArenaAllocatorId.fetch_add(1, std::memory_order_relaxed) + 1;
  return true;
}

void ArenaAllocator::Destroy() noexcept {
  states_.Destroy();
  Forget();
}

ArenaThread* ArenaAllocator::ThisThread() noexcept {
  if (arenaThreadSlot.allocatorId == id_) return arenaThreadSlot.thread;
  ArenaThread* thread = states_.Get(sizeof(ArenaThread));
  if (thread != nullptr) arenaThreadSlot = {id_, thread};
  return thread;
}

template <class CountFunction>
void ArenaAllocator::Count(CountFunction count) noexcept {
  if (ArenaThread* thread = ThisThread()) {
    const OwnLockGuard guard(thread->lock);
    count(thread->stats);
  } else {
    const LockGuard guard(statsLock_);
    count(stats_);
  }
}

void ArenaAllocator::Forget() noexcept {
  if (arenaThreadSlot.allocatorId == id_) arenaThreadSlot = {};
}

Transaction* ArenaAllocator::Begin(Transaction* parent, std::uint32_t type,
                                   std::uint64_t estimateBytes) noexcept {
  ArenaThread* thread = ThisThread();
  Transaction* transaction = nullptr;
  if (thread != nullptr) {
    const OwnLockGuard guard(thread->lock);
    transaction = thread->transactions;
    if (transaction != nullptr) {
      thread->transactions = transaction->nextSibling_;
      --thread->transactionCount;
    }
  }
  if (transaction == nullptr) transaction = static_cast<Transaction*>(pool_->Allocate(sizeof(Transaction)));
  if (transaction == nullptr) return nullptr;
  std::memset(static_cast<void*>(transaction), 0, sizeof(Transaction));
  transaction->type_ = type % kTypes;
  transaction->parent_ = parent;
  BiasToThread(transaction);
  if (estimateBytes != 0) {
    transaction->estimated_ = true;
    transaction->estimateBytes_ = estimateBytes;
    transaction->profile_ = static_cast<std::uint8_t>(ArenaProfileFor(config_, estimateBytes));
  }
  if (parent != nullptr) {
    const LockGuard guard(parent->lock_);
    transaction->nextSibling_ = parent->firstChild_;
    if (parent->firstChild_ != nullptr) parent->firstChild_->previousSibling_ = transaction;
    parent->firstChild_ = transaction;
  }
  return transaction;
}

/**
 * Most transactions are used by the thread that began them, and need no atomic operation. To find out that
 * one is not costs some microseconds: the next of its type are taken for such as well.
 */
void ArenaAllocator::BiasToThread(Transaction* transaction) noexcept {
  std::atomic<std::uint8_t>& shared = shared_[transaction->type_];
  const std::uint8_t left = shared.load(std::memory_order_relaxed);
  if (left == 0) {
    transaction->lock_.Bias();
  } else {
    shared.store(left - 1, std::memory_order_relaxed);
  }
}

void ArenaAllocator::Commit(Transaction* transaction, bool inherit) noexcept {
  End(transaction, inherit && transaction->parent_ != nullptr ? Ending::kInherited : Ending::kCommitted);
}

void ArenaAllocator::Abort(Transaction* transaction) noexcept {
  End(transaction, Ending::kAborted);
}

// Innermost first, without recursion: savepoints may nest as deep as a program likes.
void ArenaAllocator::AbortChildren(Transaction* transaction) noexcept {
  Transaction* inner = transaction;
  for (;;) {
    while (inner->firstChild_ != nullptr) inner = inner->firstChild_;
    if (inner == transaction) return;
    Transaction* outer = inner->parent_;
    EndOne(inner, Ending::kAborted);
    inner = outer;
  }
}

void ArenaAllocator::End(Transaction* transaction, Ending ending) noexcept {
  AbortChildren(transaction);
  EndOne(transaction, ending);
}

void ArenaAllocator::RollBack(Transaction* transaction) noexcept {
  AbortChildren(transaction);
  const LockGuard guard(transaction->lock_);
  Account(*transaction, Ending::kAborted);
  ReleaseMemory(transaction);
  transaction->bump_ = transaction->end_ = 0;
  transaction->chunks_ = transaction->lastChunk_ = nullptr;
  transaction->regions_ = transaction->lastRegion_ = nullptr;
  transaction->heldBytes_ = transaction->filledBytes_ = transaction->regionBytes_ = transaction->wasteBytes_ =
      0;
}

TransactionStats ArenaAllocator::StatsOf(Transaction* transaction) noexcept {
  const LockGuard guard(transaction->lock_);
  return {transaction->heldBytes_, transaction->regionBytes_, transaction->wasteBytes_,
          config_.profiles[transaction->profile_].limitBytes, transaction->profile_};
}

void ArenaAllocator::EndOne(Transaction* transaction, Ending ending) noexcept {
  Transaction* parent = transaction->parent_;
  if (parent != nullptr) {
    const LockGuard guard(parent->lock_);
    if (transaction->nextSibling_ != nullptr)
      transaction->nextSibling_->previousSibling_ = transaction->previousSibling_;
    if (transaction->previousSibling_ != nullptr) {
      transaction->previousSibling_->nextSibling_ = transaction->nextSibling_;
    } else {
      parent->firstChild_ = transaction->nextSibling_;
    }
  }
  Account(*transaction, ending);
  if (transaction->lock_.Revoked()) [[unlikely]]
    shared_[transaction->type_].store(kUnbiasedAfterSharing, std::memory_order_relaxed);
  if (ending == Ending::kInherited) {
    HandOver(transaction, parent);
  } else {
    ReleaseMemory(transaction);
  }
  ArenaThread* thread = ThisThread();
  if (thread != nullptr) {
    const OwnLockGuard guard(thread->lock);
    if (thread->transactionCount < kMaxKeptTransactions) {
      transaction->nextSibling_ = thread->transactions;
      thread->transactions = transaction;
      ++thread->transactionCount;
      return;
    }
  }
  pool_->Free(transaction, sizeof(Transaction));
}

void ArenaAllocator::Account(const Transaction& transaction, Ending ending) noexcept {
  const std::uint64_t inCurrent =
      transaction.chunks_ == nullptr
          ? 0
          : transaction.bump_ - reinterpret_cast<std::uintptr_t>(transaction.chunks_) - kHeadBytes;
  // Below zero when the parent took back what a child had put into the chunk that was handed over.
  const auto sum = static_cast<std::int64_t>(transaction.filledBytes_ + inCurrent);
  const auto used = static_cast<std::uint64_t>(std::max<std::int64_t>(sum, 0));
  // Regions come and go by themselves: they say nothing of how large a first chunk should be.
  usage_[transaction.type_].Observe(used);
  Count([&](ArenaStats& stats) {
    stats.committed += ending != Ending::kAborted ? 1 : 0;
    stats.inherited += ending == Ending::kInherited ? 1 : 0;
    stats.aborted += ending == Ending::kAborted ? 1 : 0;
    stats.usedBytes += used + transaction.regionBytes_;
    stats.heldBytes += ending == Ending::kInherited ? 0 : transaction.heldBytes_;
    stats.wasteBytes += transaction.wasteBytes_;
  });
}

void ArenaAllocator::HandOver(Transaction* child, Transaction* parent) noexcept {
  const LockGuard guard(parent->lock_);
  parent->heldBytes_ += child->heldBytes_;
  if (child->regions_ != nullptr) {
    child->lastRegion_->next = parent->regions_;
    if (parent->regions_ != nullptr) {
      parent->regions_->previous = child->lastRegion_;
    } else {
      parent->lastRegion_ = child->lastRegion_;
    }
    parent->regions_ = child->regions_;
  }
  if (child->chunks_ == nullptr) return;
  // The parent goes on in whichever chunk has more room; the other keeps what it holds.
  const bool childHasMore =
      parent->chunks_ == nullptr || child->end_ - child->bump_ > parent->end_ - parent->bump_;
  if (childHasMore) {
    if (parent->chunks_ != nullptr) {
      parent->filledBytes_ += parent->bump_ - reinterpret_cast<std::uintptr_t>(parent->chunks_) - kHeadBytes;
    }
    // What the child put into this chunk is no use of the parent's: it was observed as the child's.
    parent->filledBytes_ -= child->bump_ - reinterpret_cast<std::uintptr_t>(child->chunks_) - kHeadBytes;
    child->lastChunk_->next = parent->chunks_;
    if (parent->chunks_ == nullptr) parent->lastChunk_ = child->lastChunk_;
    parent->chunks_ = child->chunks_;
    parent->bump_ = child->bump_;
    parent->end_ = child->end_;
  } else {
    child->lastChunk_->next = parent->chunks_->next;
    if (parent->chunks_->next == nullptr) parent->lastChunk_ = child->lastChunk_;
    parent->chunks_->next = child->chunks_;
  }
}

/** Chunks are kept for seconds: the clock need not be asked at each end. What is late by some ends goes back
 * early. */
std::uint32_t ArenaAllocator::RecentMs(ArenaThread* thread) noexcept {
  if (thread == nullptr) return NowMs();
  if (thread->endsSinceReclaim % kEndsPerClock == 0) thread->nowMs = NowMs();
  return thread->nowMs;
}

void ArenaAllocator::ReleaseMemory(Transaction* transaction) noexcept {
  for (ArenaRegion* region = transaction->regions_; region != nullptr;) {
    ArenaRegion* next = region->next;
    pages_->Free(region->start, region->pages, PageHeap::PurgeNow::kNo);
    region = next;
  }
  if (transaction->chunks_ == nullptr) return;
  ArenaThread* thread = ThisThread();
  const std::uint32_t now = RecentMs(thread);
  for (ArenaChunk* chunk = transaction->chunks_; chunk != nullptr;) {
    ArenaChunk* next = chunk->next;
    KeepChunk(thread, chunk, now);
    chunk = next;
  }
  if (thread == nullptr || ++thread->endsSinceReclaim < kEndsPerReclaim) return;
  thread->endsSinceReclaim = 0;
  const std::uint64_t bytes = ReclaimThread(*thread, now, config_.staleMs);
  if (bytes != 0) Count([&](ArenaStats& stats) { stats.reclaimedBytes += bytes; });
}

// Whether the thread may keep so many pages in all. What it takes of the budget stays its own until it
// reclaims, so that transactions one after the other do not ask each time.
bool ArenaAllocator::MayKeep(ArenaThread& thread, std::uint64_t pages) noexcept {
  if (budget_ == nullptr || pages <= thread.budgetPages) return true;
  if (!budget_->TryTake((pages - thread.budgetPages) * kPageBytes)) return false;
  thread.budgetPages = pages;
  return true;
}

void ArenaAllocator::KeepChunk(ArenaThread* thread, ArenaChunk* chunk, std::uint32_t nowMs) noexcept {
  const unsigned bin = BinFor(chunk->pages);
  if (thread != nullptr && bin < ArenaThread::kBins) {
    const OwnLockGuard guard(thread->lock);
    const std::uint64_t cached = thread->cachedPages + chunk->pages;
    if (cached * kPageBytes <= config_.threadCacheBytes && MayKeep(*thread, cached)) {
      chunk->releasedMs = nowMs;
      chunk->next = thread->bins[bin];
      thread->bins[bin] = chunk;
      thread->cachedPages += chunk->pages;
      return;
    }
  }
  pages_->Free(chunk, chunk->pages, PageHeap::PurgeNow::kNo);
}

ArenaChunk* ArenaAllocator::TakeChunk(std::uint32_t pages) noexcept {
  ArenaThread* thread = ThisThread();
  const unsigned bin = BinFor(pages);
  ArenaChunk* chunk = nullptr;
  if (thread != nullptr && bin < ArenaThread::kBins) {
    const OwnLockGuard guard(thread->lock);
    chunk = thread->bins[bin];
    if (chunk != nullptr) {
      thread->bins[bin] = chunk->next;
      thread->cachedPages -= pages;
    }
  }
  const bool cached = chunk != nullptr;
  if (!cached) chunk = static_cast<ArenaChunk*>(pages_->Allocate(pages));
  if (chunk == nullptr) return nullptr;
  chunk->pages = pages;
  chunk->next = nullptr;
  Count([&](ArenaStats& stats) {
    ++stats.chunks;
    stats.cachedChunks += cached ? 1 : 0;
  });
  return chunk;
}

// Lists are last in, first out: behind the first stale chunk all are.
std::uint64_t ArenaAllocator::ReclaimThread(ArenaThread& thread, std::uint32_t nowMs,
                                            std::uint32_t ageMs) noexcept {
  ArenaChunk* stale[ArenaThread::kBins];
  {
    const LockGuard guard(thread.lock);
    for (unsigned bin = 0; bin < ArenaThread::kBins; ++bin) {
      ArenaChunk** link = &thread.bins[bin];
      while (*link != nullptr && nowMs - (*link)->releasedMs < ageMs) link = &(*link)->next;
      stale[bin] = *link;
      *link = nullptr;
      for (const ArenaChunk* chunk = stale[bin]; chunk != nullptr; chunk = chunk->next) {
        thread.cachedPages -= chunk->pages;
      }
    }
    if (budget_ != nullptr) budget_->GiveBack((thread.budgetPages - thread.cachedPages) * kPageBytes);
    thread.budgetPages = thread.cachedPages;
  }
  std::uint64_t bytes = 0;
  for (ArenaChunk* chunk : stale) {
    while (chunk != nullptr) {
      ArenaChunk* next = chunk->next;
      bytes += std::uint64_t{chunk->pages} * kPageBytes;
      pages_->Free(chunk, chunk->pages, PageHeap::PurgeNow::kNo);
      chunk = next;
    }
  }
  return bytes;
}

void ArenaAllocator::ReclaimStale(std::uint32_t ageMs) noexcept {
  const std::uint32_t now = NowMs();
  std::uint64_t bytes = 0;
  states_.ForEach([&](ArenaThread& thread) { bytes += ReclaimThread(thread, now, ageMs); });
  const LockGuard guard(statsLock_);
  stats_.reclaimedBytes += bytes;
}

void ArenaAllocator::Flush(ArenaThread& thread) noexcept {
  ReclaimThread(thread, 0, 0);
  {
    const LockGuard guard(statsLock_);
    stats_.Add(thread.stats);
  }
  for (Transaction* transaction = thread.transactions; transaction != nullptr;) {
    Transaction* next = transaction->nextSibling_;
    pool_->Free(transaction, sizeof(Transaction));
    transaction = next;
  }
  thread.transactions = nullptr;
  thread.transactionCount = 0;
}

// Whether it may go past its profile's limit.
bool ArenaAllocator::MayGrow(const Transaction& transaction) const noexcept {
  const bool last = transaction.profile_ + 1 == kArenaProfiles;
  return config_.growth == ArenaGrowth::kGrowPastAll || (config_.growth == ArenaGrowth::kGrow && !last);
}

// Whether the transaction may hold so much more, under its profile or under the one it may grow to.
bool ArenaAllocator::MayHold(Transaction* transaction, std::uint64_t bytes) noexcept {
  const std::uint64_t held = transaction->heldBytes_ + bytes;
  if (held <= config_.profiles[transaction->profile_].limitBytes) return true;
  while (held > config_.profiles[transaction->profile_].limitBytes) {
    if (!MayGrow(*transaction)) {
      Count([](ArenaStats& stats) { ++stats.refused; });
      return false;
    }
    if (transaction->profile_ + 1 == kArenaProfiles) {
      Count([](ArenaStats& stats) { ++stats.pastLimit; });
      return true;
    }
    ++transaction->profile_;
    Count([](ArenaStats& stats) { ++stats.growths; });
  }
  return true;
}

// Put off until the transaction wants memory: many never do.
void ArenaAllocator::Estimate(Transaction* transaction) noexcept {
  if (transaction->estimated_) return;
  transaction->estimated_ = true;
  transaction->estimateBytes_ = UsageOf(transaction->type_).estimateBytes();
  transaction->profile_ = static_cast<std::uint8_t>(ArenaProfileFor(config_, transaction->estimateBytes_));
}

// Under the transaction's lock. Makes a chunk with room for `bytes` the current one.
bool ArenaAllocator::AddChunk(Transaction* transaction, std::size_t bytes) noexcept {
  Estimate(transaction);
  const ArenaProfile& profile = config_.profiles[transaction->profile_];
  std::size_t wanted;
  if (transaction->chunks_ == nullptr) {
    wanted = static_cast<std::size_t>(
        std::min<std::uint64_t>(transaction->estimateBytes_ + kHeadBytes, profile.initialBytes));
  } else {
    const std::size_t doubled = std::size_t{transaction->chunks_->pages} * kPageBytes * 2;
    wanted = std::min(doubled, profile.limitBytes / 4);
  }
  // What a request needs comes before what the profile would like; both in powers of two, so that chunks are
  // found again.
  const std::size_t needed = std::bit_ceil(std::max(bytes + kHeadBytes, kPageBytes));
  std::size_t chunkBytes = std::max(std::bit_ceil(wanted), needed);
  // The last bytes up to a limit that holds come one request at a time.
  if (transaction->heldBytes_ + chunkBytes > profile.limitBytes && !MayGrow(*transaction)) {
    chunkBytes = needed;
  }
  ArenaChunk* chunk = nullptr;
  for (const std::size_t size : {chunkBytes, needed}) {
    if (!MayHold(transaction, size)) return false;
    chunk = TakeChunk(static_cast<std::uint32_t>(size / kPageBytes));
    if (chunk != nullptr) break;
  }
  if (chunk == nullptr) return false;
  const auto start = reinterpret_cast<std::uintptr_t>(chunk);
  if (transaction->chunks_ != nullptr) {
    transaction->filledBytes_ +=
        transaction->bump_ - reinterpret_cast<std::uintptr_t>(transaction->chunks_) - kHeadBytes;
  } else {
    transaction->lastChunk_ = chunk;
  }
  chunk->next = transaction->chunks_;
  transaction->chunks_ = chunk;
  transaction->bump_ = start + kHeadBytes;
  transaction->end_ = start + std::size_t{chunk->pages} * kPageBytes;
  transaction->heldBytes_ += std::size_t{chunk->pages} * kPageBytes;
  return true;
}

void* ArenaAllocator::AllocateSlow(Transaction* transaction, std::size_t size, std::size_t alignment,
                                   bool zeroed) noexcept {
  if (size > config_.oversizedBytes) return AllocateRegion(transaction, size, alignment, zeroed);
  if (alignment > pages_->reservedBytes()) return nullptr;
  const std::size_t bytes = BytesFor(size);
  const std::uintptr_t aligned = AlignmentFor(size, alignment);
  const LockGuard guard(transaction->lock_);
  // Another thread may have added a chunk meanwhile, and even filled it again.
  std::uintptr_t start = AlignUp(transaction->bump_, aligned);
  if (start + bytes > transaction->end_) {
    if (!AddChunk(transaction, bytes + (aligned > kHeadBytes ? aligned : 0))) return nullptr;
    start = AlignUp(transaction->bump_, aligned);
  }
  transaction->bump_ = start + bytes;
  auto* p = reinterpret_cast<void*>(start);
  if (zeroed) std::memset(p, 0, size);
  return p;
}

void* ArenaAllocator::AllocateRegion(Transaction* transaction, std::size_t size, std::size_t alignment,
                                     bool zeroed) noexcept {
  const std::size_t head = std::max(kHeadBytes, alignment);
  const std::size_t bytes = head + size;
  if (bytes < size || bytes > pages_->reservedBytes()) return nullptr;
  const auto pages = static_cast<std::uint32_t>((bytes + kPageBytes - 1) / kPageBytes);
  const std::uint64_t held = std::uint64_t{pages} * kPageBytes;
  const LockGuard guard(transaction->lock_);
  Estimate(transaction);
  if (!MayHold(transaction, held)) return nullptr;
  auto* start = static_cast<char*>(pages_->Allocate(pages, std::max(alignment, kPageBytes)));
  if (start == nullptr) return nullptr;
  if (held >= kHugePageBytes) pages_->AdviseHuge(start, pages);
  // Before the head is written; pages that are zero already are not touched.
  if (zeroed) pages_->Zero(start, bytes);
  ArenaRegion* region = RegionOf(start + head);
  *region = {transaction->regions_, nullptr, start, pages};
  if (transaction->regions_ != nullptr) {
    transaction->regions_->previous = region;
  } else {
    transaction->lastRegion_ = region;
  }
  transaction->regions_ = region;
  transaction->heldBytes_ += held;
  transaction->regionBytes_ += held;
  Count([](ArenaStats& stats) { ++stats.regions; });
  return start + head;
}

void ArenaAllocator::FreeRegion(Transaction* transaction, void* p) noexcept {
  ArenaRegion* region = RegionOf(p);
  const LockGuard guard(transaction->lock_);
  if (region->next != nullptr) {
    region->next->previous = region->previous;
  } else {
    transaction->lastRegion_ = region->previous;
  }
  if (region->previous != nullptr) {
    region->previous->next = region->next;
  } else {
    RMEM_CHECK((transaction->regions_ == region) && "freed a region of another transaction");
    transaction->regions_ = region->next;
  }
  transaction->heldBytes_ -= std::uint64_t{region->pages} * kPageBytes;
  pages_->Free(region->start, region->pages);
}

// Null when the region cannot grow where it is.
void* ArenaAllocator::ResizeRegion(Transaction* transaction, void* p, std::size_t newSize) noexcept {
  ArenaRegion* region = RegionOf(p);
  const std::size_t head = static_cast<std::size_t>(static_cast<char*>(p) - region->start);
  const std::size_t bytes = head + newSize;
  if (bytes < newSize || bytes > pages_->reservedBytes()) return nullptr;
  const auto pages = static_cast<std::uint32_t>((bytes + kPageBytes - 1) / kPageBytes);
  const LockGuard guard(transaction->lock_);
  const std::uint32_t oldPages = region->pages;
  if (pages == oldPages) return p;
  if (pages < oldPages) {
    pages_->Shrink(region->start, oldPages, pages);
    transaction->heldBytes_ -= std::uint64_t{oldPages - pages} * kPageBytes;
  } else {
    const std::uint64_t more = std::uint64_t{pages - oldPages} * kPageBytes;
    if (!MayHold(transaction, more) || !pages_->Extend(region->start, oldPages, pages)) return nullptr;
    transaction->heldBytes_ += more;
    transaction->regionBytes_ += more;
  }
  region->pages = pages;
  return p;
}

void* ArenaAllocator::Reallocate(Transaction* transaction, void* p, std::size_t oldSize, std::size_t newSize,
                                 std::size_t alignment) noexcept {
  const bool wasRegion = oldSize > config_.oversizedBytes;
  if (wasRegion == (newSize > config_.oversizedBytes)) {
    if (wasRegion) {
      if (void* resized = ResizeRegion(transaction, p, newSize)) return resized;
    } else {
      const LockGuard guard(transaction->lock_);
      const auto start = reinterpret_cast<std::uintptr_t>(p);
      if (start + BytesFor(oldSize) == transaction->bump_ && start + BytesFor(newSize) <= transaction->end_ &&
          start % AlignmentFor(newSize, alignment) == 0) {
        transaction->bump_ = start + BytesFor(newSize);
        return p;
      }
      if (newSize <= oldSize) {
        transaction->wasteBytes_ += oldSize - newSize;
        return p;
      }
    }
  }
  void* moved = Allocate(transaction, newSize, alignment, false);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, p, std::min(oldSize, newSize));
  Free(transaction, p, oldSize);
  return moved;
}

ArenaUsage ArenaAllocator::UsageOf(std::uint32_t type) noexcept {
  return usage_[type % kTypes].Get();
}

ArenaStats ArenaAllocator::Stats() noexcept {
  ArenaStats all{};
  {
    const LockGuard guard(statsLock_);
    all = stats_;
  }
  states_.ForEach([&](ArenaThread& thread) {
    const LockGuard guard(thread.lock);
    all.Add(thread.stats);
  });
  return all;
}

void ArenaStats::Add(const ArenaStats& other) noexcept {
  committed += other.committed;
  inherited += other.inherited;
  aborted += other.aborted;
  chunks += other.chunks;
  cachedChunks += other.cachedChunks;
  regions += other.regions;
  growths += other.growths;
  pastLimit += other.pastLimit;
  refused += other.refused;
  usedBytes += other.usedBytes;
  heldBytes += other.heldBytes;
  wasteBytes += other.wasteBytes;
  reclaimedBytes += other.reclaimedBytes;
}

}  // namespace rmem
