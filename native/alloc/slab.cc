#include "alloc/slab.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <utility>

#include "base/checks.h"

namespace rmem {
namespace {

std::atomic<std::uint64_t> lastSlabAllocatorId{0};

// A thread's first magazine of a class holds about this much: threads by the hundred must not each hold a
// full one.
constexpr std::size_t kFirstMagazineBytes = 2048;

}  // namespace

namespace {

// One null, and in front of it what is prefetched without need.
struct NoBlocks {
  void* slots[kPrefetchAhead + 1];
};
constexpr NoBlocks kNoBlocks{};

// The magazines of a thread that has none: always empty and always full, and hence never written.
constexpr SlabThread MakeNoThread() {
  SlabThread thread{};
  for (SlabMagazine& magazine : thread.magazines) {
    magazine.top = magazine.end = const_cast<void**>(kNoBlocks.slots) + kPrefetchAhead + 1;
  }
  return thread;
}
constinit const SlabThread kNoThread = MakeNoThread();

SlabThread* NoThread() noexcept {
  return const_cast<SlabThread*>(&kNoThread);
}

}  // namespace

constinit thread_local SlabThreadSlot slabThreadSlot{0, const_cast<SlabThread*>(&kNoThread)};

bool SlabAllocator::Init(PageHeap* pages, MetadataPool* pool, const SizeClassTable* table,
                         std::size_t cacheCapBytes, std::uint32_t ownMagazines) noexcept {
  cacheCapBytes_ = cacheCapBytes;
  table_ = table;
  pages_ = pages;
  pool_ = pool;
  if (!slabs_.Reserve(std::min<std::size_t>(pages->reservedBytes() / kPageBytes + 1, kMaxSlabs)))
    return false;
  if (!states_.Init(this, pool)) return false;
  cpus_.Init(table, pool, kNoThread.magazines, cacheCapBytes);
  ownMagazines_ = ownMagazines != 0 ? ownMagazines : kOwnMagazinesPerCpu * UsableCpus();
  // Never reused, so that a thread's slot that outlives an allocator matches no later one.
  id_ = lastSlabAllocatorId.fetch_add(1, std::memory_order_relaxed) + 1;
  return true;
}

void SlabAllocator::Destroy() noexcept {
  states_.Destroy();
  cpus_.Destroy();
  slabs_.Release();
  Forget();
}

// The calling thread's; NoThread() where it shares the magazines of CPUs; null where it has none.
SlabThread* SlabAllocator::ThisThread() noexcept {
  if (slabThreadSlot.allocatorId == id_) return slabThreadSlot.thread;
  bool isNew = false;
  SlabThread* thread = states_.Find();
  if (thread == nullptr) {
    if (states_.count() >= ownMagazines_ && cpus_.Start()) {
      slabThreadSlot = {id_, NoThread()};
      return NoThread();
    }
    thread = states_.Get(sizeof(SlabThread), &isNew);
    if (thread == nullptr) return nullptr;
  }
  if (isNew) std::copy(std::begin(kNoThread.magazines), std::end(kNoThread.magazines), thread->magazines);
  slabThreadSlot = {id_, thread};
  return thread;
}

void SlabAllocator::Forget() noexcept {
  if (slabThreadSlot.allocatorId == id_) slabThreadSlot = {0, NoThread()};
}

// Both halves, the null below them, and in front of that what is prefetched without need.
std::size_t SlabAllocator::MagazineBytes(unsigned half) noexcept {
  return (2 * std::size_t{half} + 1 + kPrefetchAhead) * sizeof(void*);
}

// Of a class, in blocks: threads by the hundred must not each hold a full magazine.
unsigned SlabAllocator::FirstHalf(unsigned index) const noexcept {
  const SizeClassLayout& layout = (*table_)[index];
  return static_cast<unsigned>(
      std::clamp<std::size_t>(kFirstMagazineBytes / layout.bytes, 1, layout.magazine));
}

bool SlabAllocator::MayCache(std::size_t more) const noexcept {
  return cacheBytes() + more <= cacheCapBytes_ && (budget_ == nullptr || more <= budget_->left());
}

// Of what the magazines of all threads could hold.
void SlabAllocator::CountCacheBytes(std::size_t more, std::size_t less) noexcept {
  cacheBytes_.fetch_add(more - less, std::memory_order_relaxed);
  if (budget_ == nullptr) return;
  budget_->Take(more);
  budget_->GiveBack(less);
}

// Moves a thread's blocks of a class into a magazine of another capacity, which must hold them. False when
// there is no memory for it, and then all stays as it is.
bool SlabAllocator::Resize(SlabThread& thread, unsigned index, unsigned half) noexcept {
  auto** memory = static_cast<void**>(pool_->Allocate(MagazineBytes(half)));
  if (memory == nullptr) return false;
  // What is prefetched should be there: an address that leads nowhere is looked up each time.
  std::fill_n(memory, kPrefetchAhead, memory);
  void** const slots = memory + kPrefetchAhead;
  *slots = nullptr;
  SlabMagazine& magazine = thread.magazines[index];
  SlabMagazineState& state = thread.states[index];
  std::ptrdiff_t count = 0;
  if (state.slots != nullptr) {
    Unhide(state);
    count = magazine.top - (state.slots + 1);
    std::copy_n(state.slots + 1, count, slots + 1);
    pool_->Free(state.slots - kPrefetchAhead, MagazineBytes(state.half));
  }
  const std::size_t blockBytes = (*table_)[index].bytes;
  CountCacheBytes(2 * std::size_t{half} * blockBytes, 2 * std::size_t{state.half} * blockBytes);
  state.slots = slots;
  state.half = static_cast<std::uint16_t>(half);
  magazine.top = slots + 1 + count;
  magazine.end = slots + 1 + 2 * std::ptrdiff_t{state.half};
  return true;
}

// Doubles what a thread may hold of a class. False when it stays as it is.
bool SlabAllocator::Enlarge(SlabThread& thread, unsigned index) noexcept {
  const SizeClassLayout& layout = (*table_)[index];
  const unsigned half = thread.states[index].half;
  if (half == 0) return Resize(thread, index, FirstHalf(index));
  const unsigned enlarged = std::min<unsigned>(half * 2, layout.magazine);
  if (enlarged <= half) return false;
  const std::size_t more = 2 * std::size_t{enlarged - half} * layout.bytes;
  if (!MayCache(more)) return false;
  return Resize(thread, index, enlarged);
}

// Whether a thread without a magazine of a class, on its way to the depot, shall have one. The larger the
// blocks, the more often it must have been there of late: one that lies in a magazine is nobody else's.
bool SlabAllocator::DeservesMagazine(SlabMagazineState& state, unsigned index) noexcept {
  return ++state.trips * kFirstMagazineBytes >= (*table_)[index].bytes;
}

// Makes blocks that Scan hid visible again. False where there were none.
bool SlabAllocator::Unhide(SlabMagazineState& state) noexcept {
  if (state.hiddenAt == 0) return false;
  state.slots[state.hiddenAt] = state.hidden;
  state.hiddenAt = 0;
  return true;
}

void SlabAllocator::CountTrip(SlabThread& thread) noexcept {
  if (++thread.trips == kTripsBetweenScans) Scan(thread);
}

/*
 * Finds what a thread caches without need, at no cost to the fast path: in the middle of each stack a second
 * null is put. A thread that gets down to it makes what lies below visible again. What is still hidden at the
 * next scan was not needed in between: it goes back to the depot, and the magazine is halved, or taken away.
 */
void SlabAllocator::Scan(SlabThread& thread) noexcept {
  thread.trips = 0;
  for (unsigned i = 0; i < table_->count(); ++i) {
    SlabMagazineState& state = thread.states[i];
    state.trips = 0;
    if (state.slots == nullptr) continue;
    SlabMagazine& magazine = thread.magazines[i];
    const unsigned idle = state.hiddenAt;
    if (Unhide(state)) {
      FlushOldest(thread, i, idle);
      const unsigned halved = std::max(state.half / 2u, FirstHalf(i));
      if (magazine.top == state.slots + 1 && halved == state.half) {
        Drop(thread, i);
        continue;
      }
      if (halved < state.half && magazine.top - (state.slots + 1) <= 2 * std::ptrdiff_t{halved}) {
        // Without memory for the smaller one the larger one is kept.
        static_cast<void>(Resize(thread, i, halved));
      }
    }
    const std::ptrdiff_t count = magazine.top - (state.slots + 1);
    if (count == 0) continue;
    state.hiddenAt = static_cast<std::uint16_t>((count + 1) / 2);
    state.hidden = state.slots[state.hiddenAt];
    state.slots[state.hiddenAt] = nullptr;
  }
}

void* SlabAllocator::AllocateSlow(unsigned index) noexcept {
  RMEM_CHECK((index < table_->count()) && "a size that slabs do not serve");
  SlabThread* thread = ThisThread();
  if (thread == NoThread()) {
    if (void* block = AllocateOnCpu(index)) return block;
  } else if (thread != nullptr) {
    SlabMagazine& magazine = thread->magazines[index];
    SlabMagazineState& state = thread->states[index];
    // The thread's slot may have led to another allocator; then there is a block.
    if (magazine.top[-1] == nullptr && !Unhide(state)) {
      CountTrip(*thread);
      if (state.half != 0 || DeservesMagazine(state, index)) Enlarge(*thread, index);
      if (state.half != 0) {
        magazine.top += RefillFromDepot(index, magazine.top, state.half);
        state.wasRefilled = true;
      }
    }
    if (magazine.top[-1] != nullptr) return *--magazine.top;
  }
  // Without a magazine (no memory for it), or after giving back all that this thread holds.
  void* block = nullptr;
  if (RefillFromDepot(index, &block, 1) == 1) return block;
  FlushThisThread();
  FlushCpus();
  pages_->Purge();
  return RefillFromDepot(index, &block, 1) == 1 ? block : nullptr;
}

void* SlabAllocator::AllocateFromDepot(unsigned index) noexcept {
  void* block = nullptr;
  return RefillFromDepot(index, &block, 1) == 1 ? block : nullptr;
}

char* SlabAllocator::BlockAt(const void* p, std::uint32_t tag) noexcept {
  const Slab& slab = slabs_[tag & (kMaxSlabs - 1)];
  const SizeClassLayout& layout = (*table_)[ClassOfTag(tag)];
  char* const start = pages_->AddressOf(slab.firstPage);
  const auto offset = static_cast<std::uint64_t>(static_cast<const char*>(p) - start);
  const std::uint64_t block = offset * layout.reciprocal >> 32;
  return block < slab.blocks ? start + block * layout.bytes : nullptr;
}

void SlabAllocator::FreeSlow(void* p, unsigned index) noexcept {
  RMEM_CHECK((index < table_->count()) && "a size that slabs do not serve");
  SlabThread* thread = ThisThread();
  if (thread == nullptr) return FlushToDepot(index, &p, 1);
  if (thread == NoThread()) return FreeOnCpu(p, index);
  SlabMagazine& magazine = thread->magazines[index];
  SlabMagazineState& state = thread->states[index];
  if (magazine.top == magazine.end) {
    // A larger one helps a thread that goes to the depot in both directions, not one that only frees.
    CountTrip(*thread);
    const bool mayGrow = state.half == 0 ? DeservesMagazine(state, index) : state.wasRefilled;
    const bool enlarged = mayGrow && Enlarge(*thread, index);
    if (state.half == 0) return FlushToDepot(index, &p, 1);
    if (!enlarged && magazine.top == magazine.end) {
      FlushOldest(*thread, index, state.half);
      state.wasRefilled = false;
    }
  }
  *magazine.top++ = p;
}

void* SlabAllocator::AllocateOnCpu(unsigned index) noexcept {
  if (void* block = cpus_.Pop(index)) return block;
  const unsigned wanted = cpus_.Provide() ? (cpus_.CapacityOf(index) + 1) / 2 : 1;
  void* blocks[kCpuBatch];
  const unsigned count = RefillFromDepot(index, blocks, std::min(wanted, kCpuBatch));
  if (count == 0) return nullptr;
  unsigned pushed = 0;
  while (pushed + 1 < count && cpus_.Push(blocks[pushed], index)) ++pushed;
  // Others have filled it meanwhile, or the thread is on another CPU now.
  if (pushed + 1 < count) FlushToDepot(index, blocks + pushed, count - 1 - pushed);
  return blocks[count - 1];
}

void SlabAllocator::FreeOnCpu(void* p, unsigned index) noexcept {
  if (cpus_.Push(p, index)) return;
  if (!cpus_.Provide()) return FlushToDepot(index, &p, 1);
  void* blocks[kCpuBatch];
  const unsigned half = std::min<unsigned>(cpus_.CapacityOf(index) / 2, kCpuBatch);
  unsigned count = 0;
  while (count < half && (blocks[count] = cpus_.Pop(index)) != nullptr) ++count;
  if (count != 0) FlushToDepot(index, blocks, count);
  if (!cpus_.Push(p, index)) FlushToDepot(index, &p, 1);
}

void SlabAllocator::FlushOldest(SlabThread& thread, unsigned index, std::size_t count) noexcept {
  Unhide(thread.states[index]);
  void** const first = thread.states[index].slots + 1;
  FlushToDepot(index, first, static_cast<unsigned>(count));
  SlabMagazine& magazine = thread.magazines[index];
  std::copy(first + count, magazine.top, first);
  magazine.top -= count;
}

void* SlabAllocator::Reallocate(void* p, std::size_t oldSize, std::size_t newSize,
                                std::size_t alignment) noexcept {
  const unsigned oldClass = table_->ClassFor(oldSize, alignment);
  const unsigned newClass = table_->ClassFor(newSize, alignment);
  if (oldClass == newClass) return p;
  void* moved = AllocateClass(newClass);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, p, std::min(oldSize, newSize));
  FreeClass(p, oldClass);
  return moved;
}

void SlabAllocator::FlushThisThread() noexcept {
  SlabThread* thread = ThisThread();
  if (thread != nullptr && thread != NoThread()) Flush(*thread);
}

void SlabAllocator::FlushCpus() noexcept {
  cpus_.Drain(
      [&](unsigned index, void* const* blocks, unsigned count) { FlushToDepot(index, blocks, count); });
}

// Flushes what a thread holds of a class, which must have a magazine there, and takes the magazine away.
void SlabAllocator::Drop(SlabThread& thread, unsigned index) noexcept {
  SlabMagazineState& state = thread.states[index];
  SlabMagazine& magazine = thread.magazines[index];
  Unhide(state);
  const std::ptrdiff_t count = magazine.top - (state.slots + 1);
  if (count != 0) FlushToDepot(index, state.slots + 1, static_cast<unsigned>(count));
  pool_->Free(state.slots - kPrefetchAhead, MagazineBytes(state.half));
  CountCacheBytes(0, 2 * std::size_t{state.half} * (*table_)[index].bytes);
  magazine = kNoThread.magazines[index];
  state = {};
}

void SlabAllocator::Flush(SlabThread& thread) noexcept {
  for (unsigned i = 0; i < table_->count(); ++i) {
    if (thread.states[i].slots != nullptr) Drop(thread, i);
  }
}

void SlabAllocator::Link(Depot& depot, std::uint32_t slab) noexcept {
  Slab& linked = slabs_[slab];
  const unsigned bin = linked.Bin();
  linked.bin = static_cast<std::uint8_t>(bin);
  linked.previous = kNoSlab;
  linked.next = depot.bins[bin];
  if (linked.next != kNoSlab) slabs_[linked.next].previous = slab;
  depot.bins[bin] = slab;
  depot.usedBins = static_cast<std::uint8_t>(depot.usedBins | 1u << bin);
}

void SlabAllocator::Unlink(Depot& depot, std::uint32_t slab) noexcept {
  const Slab& linked = slabs_[slab];
  if (linked.next != kNoSlab) slabs_[linked.next].previous = linked.previous;
  if (linked.previous != kNoSlab) {
    slabs_[linked.previous].next = linked.next;
  } else {
    depot.bins[linked.bin] = linked.next;
    if (linked.next == kNoSlab)
      depot.usedBins = static_cast<std::uint8_t>(depot.usedBins & ~(1u << linked.bin));
  }
}

/*
 * Writes up to `count` blocks of those marked in `from`, which may be the slab's free ones, backwards from
 * `end`, lowest address first: a magazine is popped from its upper end. It begins at some block of the slab,
 * another one in each, and goes round: of classes with a few blocks alive the first blocks are used again and
 * again, and at the start of a page each they would all compete for one set of the cache.
 */
unsigned SlabAllocator::TakeBlocks(Slab& slab, const std::uint64_t* from, const SizeClassLayout& layout,
                                   void** end, unsigned count) noexcept {
  char* const base = pages_->AddressOf(slab.firstPage);
  const unsigned words = (slab.blocks + 63u) / 64;
  unsigned taken = 0;
  unsigned word = slab.start / 64u;
  const std::uint64_t behind = ~std::uint64_t{0} << (slab.start % 64u);
  // The first word twice: what lies in front of where it began comes last.
  for (unsigned i = 0; i <= words && taken < count; ++i) {
    std::uint64_t bits = from[word] & (i == 0 ? behind : i == words ? ~behind : ~std::uint64_t{0});
    while (bits != 0 && taken < count) {
      const auto bit = static_cast<unsigned>(std::countr_zero(bits));
      bits &= bits - 1;
      slab.freeBits[word] &= ~(std::uint64_t{1} << bit);
      *--end = base + std::size_t{word * 64 + bit} * layout.bytes;
      ++taken;
    }
    word = word + 1 == words ? 0 : word + 1;
  }
  slab.freeBlocks = static_cast<std::uint16_t>(slab.freeBlocks - taken);
  return taken;
}

// Fills blocks[0, result).
unsigned SlabAllocator::RefillFromDepot(unsigned index, void** blocks, unsigned count) noexcept {
  Depot& depot = depots_[index];
  const SizeClassLayout& layout = (*table_)[index];
  unsigned missing = count;
  const LockGuard guard(depot.lock);
  while (missing != 0) {
    std::uint32_t slab;
    if (depot.usedBins != 0) {
      slab = depot.bins[std::countr_zero(depot.usedBins)];
      Unlink(depot, slab);
    } else {
      // More than there is takes none but the first from new memory.
      if (missing != count) break;
      slab = NewSlab(index);
      if (slab == kNoSlab) break;
    }
    Slab& source = slabs_[slab];
    missing -= source.released == 0 ? TakeBlocks(source, source.freeBits, layout, blocks + missing, missing)
                                    : TakeBlocksOfReleased(depot, source, layout, blocks + missing, missing);
    if (source.freeBlocks != 0) Link(depot, slab);
  }
  const unsigned taken = count - missing;
  if (taken != 0 && missing != 0) std::copy(blocks + missing, blocks + count, blocks);
  depot.refills += taken != 0 ? 1 : 0;
  depot.refilledBlocks += taken;
  depot.freeBlocks -= taken;
  depot.fewestFree = std::min(depot.fewestFree, static_cast<std::uint32_t>(depot.freeBlocks));
  CountDepotTrip(index);
  return taken;
}

// The slab that a block of a class, which goes back to its depot, belongs to.
std::uint32_t SlabAllocator::SlabOf(const void* block, unsigned index) noexcept {
  RMEM_CHECK(pages_->Contains(block) && "freed a block that is not of this heap");
  const std::uint32_t tag = pages_->Tag(pages_->PageOf(block));
  RMEM_CHECK(IsSlabTag(tag) && "freed a block that is in no slab");
  RMEM_CHECK((ClassOfTag(tag) == index) && "freed a block with the size of another class");
  return tag & (kMaxSlabs - 1);
}

// Under the lock of the depot, after so many of the slab's blocks came back.
void SlabAllocator::TakeBack(Depot& depot, std::uint32_t number, unsigned count) noexcept {
  Slab& slab = slabs_[number];
  const bool wasLinked = slab.freeBlocks != 0;
  slab.freeBlocks = static_cast<std::uint16_t>(slab.freeBlocks + count);
  if (slab.freeBlocks == slab.blocks) {
    if (wasLinked) Unlink(depot, number);
    ++depot.released;
    depot.blocks -= slab.blocks;
    depot.freeBlocks -= slab.blocks;
    depot.pages -= slab.pages;
    depot.releasedPages -= static_cast<std::uint32_t>(std::popcount(slab.released));
    ReleaseSlab(number);
  } else if (!wasLinked) {
    Link(depot, number);
  } else if (slab.Bin() != slab.bin) {
    Unlink(depot, number);
    Link(depot, number);
  }
}

void SlabAllocator::FlushToDepot(unsigned index, void* const* blocks, unsigned count) noexcept {
  Depot& depot = depots_[index];
  const SizeClassLayout& layout = (*table_)[index];
  const LockGuard guard(depot.lock);
  ++depot.flushes;
  depot.flushedBlocks += count;
  depot.freeBlocks += count;
  // Neighbours are often freed one after the other: what a slab has to be told, it is told once.
  for (unsigned i = 0; i < count;) {
    const std::uint32_t number = SlabOf(blocks[i], index);
    Slab& slab = slabs_[number];
    const char* const start = pages_->AddressOf(slab.firstPage);
    const std::size_t bytes = std::size_t{slab.pages} * kPageBytes;
    const unsigned first = i;
    do {
      const auto offset = static_cast<std::uint64_t>(static_cast<const char*>(blocks[i]) - start);
      const auto block = static_cast<unsigned>(offset * layout.reciprocal >> 32);
      std::uint64_t& word = slab.freeBits[block / 64];
      const std::uint64_t bit = std::uint64_t{1} << (block % 64);
      RMEM_CHECK(
          (offset == std::uint64_t{block} * layout.bytes && block < slab.blocks && (word & bit) == 0) &&
          "freed a block twice, or a pointer into a block");
      word |= bit;
    } while (++i < count && static_cast<std::size_t>(static_cast<const char*>(blocks[i]) - start) < bytes);
    TakeBack(depot, number, i - first);
  }
  CountDepotTrip(index);
}

// Gives a descriptor the pages for about so many blocks. False when there are none.
bool SlabAllocator::MakeSlab(unsigned index, std::size_t blocks, Slab& slab) noexcept {
  const SizeClassLayout& layout = (*table_)[index];
  const auto pagesFor = [&](std::size_t count) {
    return static_cast<std::uint32_t>((count * layout.bytes + kPageBytes - 1) / kPageBytes);
  };
  std::uint32_t pages = layout.pages;
  if (pagesFor(blocks) < pages)
    pages = static_cast<std::uint32_t>(SizeClassTable::SlabPages(layout.bytes, pagesFor(blocks)));
  void* start = pages_->AllocateUpTo(&pages, pagesFor(1));
  if (start == nullptr) return false;
  const std::size_t held =
      std::min<std::size_t>(std::size_t{pages} * kPageBytes / layout.bytes, layout.blocks);
  slab = {};
  slab.firstPage = pages_->PageOf(start);
  slab.pages = static_cast<std::uint16_t>(pages);
  slab.classIndex = static_cast<std::uint8_t>(index);
  slab.blocks = slab.freeBlocks = static_cast<std::uint16_t>(held);
  slab.start = static_cast<std::uint16_t>(MixBits(std::uint64_t{slab.firstPage}) % held);
  for (std::size_t i = 0; i < held / 64; ++i) slab.freeBits[i] = ~std::uint64_t{0};
  if (held % 64 != 0) slab.freeBits[held / 64] = (std::uint64_t{1} << (held % 64)) - 1;
  return true;
}

// Under the lock of the class's depot.
std::uint32_t SlabAllocator::NewSlab(unsigned index) noexcept {
  Depot& depot = depots_[index];
  std::uint32_t number;
  {
    const LockGuard guard(slabsLock_);
    number = unusedSlab_;
    if (number != kNoSlab) {
      unusedSlab_ = slabs_[number].next;
    } else {
      if (topSlab_ == kMaxSlabs || !slabs_.Grow(std::size_t{topSlab_} + 1)) return kNoSlab;
      number = topSlab_++;
    }
  }
  Slab& slab = slabs_[number];
  const std::size_t blocks = std::max<std::size_t>(depot.blocks / 4, 1);
  if (!MakeSlab(index, blocks, slab) && (blocks == 1 || !MakeSlab(index, 1, slab))) {
    const LockGuard guard(slabsLock_);
    slab.next = unusedSlab_;
    unusedSlab_ = number;
    return kNoSlab;
  }
  const std::uint32_t tag = number | index << kSlabNumberBits;
  for (std::uint32_t page = 0; page < slab.pages; ++page) pages_->Tag(slab.firstPage + page) = tag;
  ++depot.created;
  depot.blocks += slab.blocks;
  depot.freeBlocks += slab.blocks;
  depot.pages += slab.pages;
  if (refinable_ != nullptr && !depot.refined && depot.pages > kPagesToRefine) {
    depot.refined = true;
    refinable_->Refine(index);
  }
  return number;
}

void SlabAllocator::ReleaseSlab(std::uint32_t number) noexcept {
  Slab& slab = slabs_[number];
  for (std::uint32_t page = 0; page < slab.pages; ++page) pages_->Tag(slab.firstPage + page) = 0;
  pages_->Free(pages_->AddressOf(slab.firstPage), slab.pages);
  const LockGuard guard(slabsLock_);
  slab.next = unusedSlab_;
  unusedSlab_ = number;
}

void SlabAllocator::LockAll() noexcept {
  states_.LockAll();
  cpus_.LockAll();
  for (unsigned i = 0; i < table_->count(); ++i) depots_[i].lock.Acquire();
  slabsLock_.Acquire();
}

void SlabAllocator::UnlockAll() noexcept {
  slabsLock_.Release();
  for (unsigned i = 0; i < table_->count(); ++i) depots_[i].lock.Release();
  cpus_.UnlockAll();
  states_.UnlockAll();
}

}  // namespace rmem
