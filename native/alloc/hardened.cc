#include "alloc/hardened.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "base/bits.h"
#include "base/checks.h"
#include "base/fixed_text.h"

namespace rmem {
namespace {

// Of a cell: the state, marks, and above them how many bytes of the place were not asked for.
enum State : std::uint32_t { kNothing, kLive, kQuarantined, kFreed };
constexpr std::uint32_t kStateMask = 3;
constexpr std::uint32_t kRun = 4;
constexpr std::uint32_t kGuarded = 8;  // the last page cannot be touched
constexpr std::uint32_t kSealed = 16;  // no page can, and they hold no memory
constexpr unsigned kSlackShift = 5;

constexpr std::size_t kGranuleBytes = 16;
// Behind a block of a class there is at least this much; where that would take whole pages to stay aligned,
// what there happens to be.
constexpr std::size_t kLeastCanaryBytes = 8;
constexpr std::size_t kMostCanaryBytes = 256;
constexpr std::size_t kQuarantineBlocks = 8192;
constexpr std::size_t kQuarantineRuns = 256;
// So many elements in front of a queue are gone before it moves.
constexpr std::size_t kMostFirst = 1024;
// Runs that the system does not make accessible again wait there too. It refuses at its limit of mappings,
// which is 65530 where nobody raised it.
constexpr std::size_t kRunRoom = std::size_t{1} << 18;
// Of the heap's address space, which runs in quarantine may hold.
constexpr std::size_t kRunShare = 16;
// As a pointer it leads nowhere.
constexpr unsigned char kPoison = 0xdf;

// Odd, hence never the zero that ends a text, and another for each block.
unsigned char CanaryOf(const void* p) noexcept {
  const std::uintptr_t granule = reinterpret_cast<std::uintptr_t>(p) / kGranuleBytes;
  return static_cast<unsigned char>((granule * 0x9e3779b97f4a7c15 >> 56) | 1);
}

/** The first of some bytes that is not `byte`; null: all are. */
const char* FirstOther(const char* p, std::size_t bytes, unsigned char byte) noexcept {
  if (bytes == 0) return nullptr;
  if (static_cast<unsigned char>(*p) == byte && std::memcmp(p, p + 1, bytes - 1) == 0) return nullptr;
  return std::find_if(p, p + bytes, [&](char c) { return static_cast<unsigned char>(c) != byte; });
}

using Text = FixedText<512>;

FixedText<24> Address(const void* p) noexcept {
  char digits[20];
  const auto end =
      std::to_chars(digits, digits + sizeof(digits), reinterpret_cast<std::uintptr_t>(p), 16).ptr;
  return FixedText<24>().Add("0x", std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

FixedText<32> Bytes(std::size_t bytes) noexcept {
  return FixedText<32>().Add(bytes, bytes == 1 ? " byte" : " bytes");
}

void Write(const Text& text) noexcept {
  Text line;
  line.Add("rustydb-mem: hardened: ", text, "\n");
  // Nothing can be done if even this fails; the abort says enough.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.c_str(), line.view().size());
}

[[noreturn]] void Stop(const Text& text) noexcept {
  Write(text);
  std::abort();
}

}  // namespace

std::size_t HardenedAllocator::Place::size() const noexcept {
  return bytes - (cell >> kSlackShift);
}

bool HardenedAllocator::Queue::Init(std::size_t room, std::size_t mostBlocks,
                                    std::size_t mostBytes) noexcept {
  maxCount = mostBlocks;
  maxBytes = mostBytes;
  return array.Reserve(room) && array.Grow(room);
}

void HardenedAllocator::Queue::Push(char* p, std::size_t itsBytes) noexcept {
  (*this)[count++] = p;
  bytes += itsBytes;
}

// Its bytes are for the caller to take off.
char* HardenedAllocator::Queue::Pop() noexcept {
  char* p = array[first++];
  --count;
  if (first > kMostFirst && first > count) {
    std::copy_n(&array[first], count, array.data());
    first = 0;
  }
  return p;
}

bool HardenedAllocator::Init(SlabAllocator* slabs, PageHeap* pages, const HardenedConfig& config) noexcept {
  pages_ = pages;
  guardEvery_ = config.guardEvery;
  untilGuard_.store(config.guardEvery, std::memory_order_relaxed);
  if (!cells_.Reserve(pages->reservedBytes() / kGranuleBytes)) return false;
  if (!blocks_.Init(4 * kQuarantineBlocks, kQuarantineBlocks, config.quarantineBytes)) return false;
  // A quarantine of nothing is none for runs either.
  const std::size_t runBytes = config.quarantineBytes == 0 ? 0 : pages->reservedBytes() / kRunShare;
  if (!runs_.Init(kRunRoom, kQuarantineRuns, runBytes)) return false;
  slabs_ = slabs;
  return true;
}

void HardenedAllocator::Destroy() noexcept {
  slabs_ = nullptr;
  cells_.Release();
  blocks_.array.Release();
  runs_.array.Release();
}

// Cells.

HardenedAllocator::Cell& HardenedAllocator::CellOf(const void* p) noexcept {
  return cells_[static_cast<std::size_t>(static_cast<const char*>(p) - pages_->AddressOf(0)) / kGranuleBytes];
}

std::uint32_t HardenedAllocator::LoadCell(const void* p) noexcept {
  const Cell& cell = CellOf(p);
  const auto index = static_cast<std::size_t>(&cell - cells_.data());
  return index < coveredCells_.load(std::memory_order_acquire) ? cell.load(std::memory_order_relaxed) : 0;
}

/** Makes the cells below this address usable. */
bool HardenedAllocator::CoverCells(const char* end) noexcept {
  const std::size_t needed = static_cast<std::size_t>(end - pages_->AddressOf(0)) / kGranuleBytes;
  if (needed <= coveredCells_.load(std::memory_order_acquire)) [[likely]]
    return true;
  const LockGuard guard(lock_);
  if (!cells_.Grow(needed)) return false;
  coveredCells_.store(cells_.committedBytes() / sizeof(Cell), std::memory_order_release);
  return true;
}

// Allocating.

unsigned HardenedAllocator::ClassFor(std::size_t size, std::size_t alignment) const noexcept {
  const SizeClassTable& table = slabs_->table();
  if (size > table.maxBytes()) return SizeClassTable::kNoClass;
  // Of blocks of eight bytes two would share a cell.
  if (alignment <= kGranuleBytes) return table.ClassFor(std::max(size + kLeastCanaryBytes, kGranuleBytes));
  return table.ClassFor(std::max(size, kGranuleBytes), alignment);
}

void* HardenedAllocator::Allocate(std::size_t size, std::size_t alignment, bool zeroed) noexcept {
  if (size > pages_->reservedBytes() || alignment > pages_->reservedBytes()) return nullptr;
  const unsigned index = ClassFor(size, alignment);
  if (index == SizeClassTable::kNoClass) return AllocateRun(size, alignment, zeroed);
  if (guardEvery_ != 0 && untilGuard_.fetch_sub(1, std::memory_order_relaxed) <= 1) [[unlikely]] {
    untilGuard_.store(guardEvery_, std::memory_order_relaxed);
    if (void* p = AllocateRun(size, alignment, zeroed)) return p;
  }
  return AllocateBlock(index, size, zeroed);
}

void* HardenedAllocator::AllocateBlock(unsigned index, std::size_t size, bool zeroed) noexcept {
  char* p = static_cast<char*>(slabs_->AllocateFromDepot(index));
  if (p == nullptr) return nullptr;
  const std::size_t bytes = slabs_->table()[index].bytes;
  if (!CoverCells(p + bytes)) {
    slabs_->FreeToDepot(p, index);
    return nullptr;
  }
  const std::size_t slack = bytes - size;
  if (zeroed) std::memset(p, 0, size);
  std::memset(p + size, CanaryOf(p), std::min(slack, kMostCanaryBytes));
  CellOf(p).store(static_cast<std::uint32_t>(slack << kSlackShift) | kLive, std::memory_order_release);
  return p;
}

// As near to the guard as the alignment allows.
void* HardenedAllocator::AllocateRun(std::size_t size, std::size_t alignment, bool zeroed) noexcept {
  const std::size_t step = std::clamp(alignment, kGranuleBytes, kPageBytes);
  const std::size_t rounded = AlignUp(std::max<std::size_t>(size, 1), step);
  const std::size_t pageCount = (rounded + kPageBytes - 1) / kPageBytes + 1;
  if (pageCount * kPageBytes > pages_->reservedBytes()) return nullptr;
  const auto pages = static_cast<std::uint32_t>(pageCount);
  char* start = pages_->AllocateObject(pages, std::max(alignment, kPageBytes), kPageBytes);
  if (start == nullptr) return nullptr;
  char* end = start + (pageCount - 1) * kPageBytes;
  // All of the first page's cells are looked at by who searches for the block.
  if (!CoverCells(end)) {
    pages_->FreeObject(pages_->PageOf(start), pages);
    return nullptr;
  }
  char* p = alignment > kPageBytes ? start : end - rounded;
  if (zeroed) pages_->Zero(start, static_cast<std::size_t>(p - start) + size);
  const bool guarded = ForbidPages(end, kPageBytes);
  (guarded ? guarded_ : refused_).fetch_add(1, std::memory_order_relaxed);
  const auto slack = static_cast<std::size_t>(end - p) - size;
  std::memset(p + size, CanaryOf(p), std::min(slack, kMostCanaryBytes));
  CellOf(p).store(static_cast<std::uint32_t>(slack << kSlackShift) | kLive | kRun | (guarded ? kGuarded : 0),
                  std::memory_order_release);
  return p;
}

// Finding.

/** The block of a run, live or in quarantine; null: neither. */
char* HardenedAllocator::BlockOfRun(std::uint32_t firstPage) noexcept {
  char* start = pages_->AddressOf(firstPage);
  for (char* p = start; p < start + kPageBytes; p += kGranuleBytes) {
    const std::uint32_t cell = LoadCell(p);
    const std::uint32_t state = cell & kStateMask;
    if ((cell & kRun) != 0 && (state == kLive || state == kQuarantined)) return p;
  }
  return nullptr;
}

/** Whose place an address lies in; what its cell says is for the caller to judge. */
bool HardenedAllocator::FindPlace(const void* p, Place* place) noexcept {
  if (!pages_->Contains(p)) return false;
  std::uint32_t page = pages_->PageOf(p);
  std::uint32_t tag = pages_->Tag(page);
  if (IsSlabTag(tag)) {
    place->index = SlabAllocator::ClassOfTag(tag);
    place->bytes = slabs_->table()[place->index].bytes;
    place->block = slabs_->BlockAt(p, tag);
    if (place->block == nullptr) return false;
  } else {
    // Only the first page of a run is tagged.
    const std::uint32_t wanted = page;
    while (!IsLargeTag(tag)) {
      if (page == 0 || IsSlabTag(tag)) return false;
      tag = pages_->Tag(--page);
    }
    if (wanted - page >= PagesOfTag(tag)) return false;
    const std::uint32_t cell = reinterpret_cast<std::uintptr_t>(p) % kGranuleBytes == 0 ? LoadCell(p) : 0;
    const bool isStart = wanted == page && (cell & kRun) != 0 && (cell & kStateMask) == kLive;
    place->index = SizeClassTable::kNoClass;
    place->block = isStart ? pages_->AddressOf(page) + pages_->OffsetInPage(p) : BlockOfRun(page);
    if (place->block == nullptr) return false;
    const char* end = pages_->AddressOf(page) + std::size_t{PagesOfTag(tag) - 1} * kPageBytes;
    place->bytes = static_cast<std::size_t>(end - place->block);
  }
  place->cell = LoadCell(place->block);
  return true;
}

namespace {

/** " of 40 bytes (size class 48)" */
template <class P>
FixedText<96> Described(const P& place, const SizeClassTable& table) noexcept {
  FixedText<96> text;
  text.Add(" of ", Bytes(place.size()));
  if (place.index != SizeClassTable::kNoClass) {
    text.Add(" (size class ", table[place.index].bytes, ")");
  } else {
    text.Add(" (on pages of its own)");
  }
  return text;
}

}  // namespace

/** The live block that starts at `p`, which was `did`; stops the program where there is none. */
HardenedAllocator::Place HardenedAllocator::FindLive(const void* p, const char* did) noexcept {
  Place place;
  if (!FindPlace(p, &place)) Stop(Text().Add(did, " ", Address(p), ", which is no block of this heap"));
  const std::uint32_t state = place.cell & kStateMask;
  if (state == kNothing) Stop(Text().Add(did, " ", Address(p), ", which is no block of this heap"));
  const auto described = Described(place, slabs_->table());
  if (place.block != p) {
    Stop(Text().Add(did, " ", Address(p), ", a pointer ",
                    Bytes(static_cast<std::size_t>(static_cast<const char*>(p) - place.block)), " into the ",
                    state == kLive ? "" : "freed ", "block", described, " at ", Address(place.block)));
  }
  if (state != kLive)
    Stop(Text().Add(did, state == kQuarantined || state == kFreed ? " again " : " ", Address(p), ", a block",
                    described, " that is free already"));
  return place;
}

// Freeing.

/** One of two threads that free a block at once is too late. */
void HardenedAllocator::Claim(const Place& place) noexcept {
  std::uint32_t expected = place.cell;
  const std::uint32_t claimed = (place.cell & ~kStateMask) | kQuarantined;
  if (CellOf(place.block).compare_exchange_strong(expected, claimed, std::memory_order_acq_rel)) return;
  Stop(Text().Add("freed again ", Address(place.block), ", a block", Described(place, slabs_->table()),
                  " that is free already"));
}

void HardenedAllocator::CheckCanary(const Place& place) noexcept {
  const std::size_t slack = place.cell >> kSlackShift;
  const char* canary = place.block + place.size();
  const char* wrong = FirstOther(canary, std::min(slack, kMostCanaryBytes), CanaryOf(place.block));
  if (wrong == nullptr) return;
  Stop(Text().Add("written at ", Address(wrong), ", ", Bytes(static_cast<std::size_t>(wrong - canary) + 1),
                  " behind the end of the block", Described(place, slabs_->table()), " at ",
                  Address(place.block), ", as was seen when it was freed"));
}

void HardenedAllocator::CheckPoison(const Place& place) noexcept {
  const char* wrong = FirstOther(place.block, place.bytes, kPoison);
  if (wrong == nullptr) return;
  Stop(Text().Add("written after free at ", Address(wrong), ", ",
                  Bytes(static_cast<std::size_t>(wrong - place.block)), " into the freed block",
                  Described(place, slabs_->table()), " at ", Address(place.block)));
}

void HardenedAllocator::Free(void* p) noexcept {
  FreePlace(FindLive(p, "freed"));
}

void HardenedAllocator::Free(void* p, std::size_t size) noexcept {
  const Place place = FindLive(p, "freed");
  if (place.size() != size) {
    Stop(Text().Add("freed ", Address(p), " with a size of ", Bytes(size), ", a block",
                    Described(place, slabs_->table())));
  }
  FreePlace(place);
}

void HardenedAllocator::FreePlace(const Place& place) noexcept {
  Claim(place);
  CheckCanary(place);
  frees_.fetch_add(1, std::memory_order_relaxed);
  if (place.index == SizeClassTable::kNoClass) return QuarantineRun(place);
  QuarantineBlock(place);
}

void HardenedAllocator::QuarantineBlock(const Place& place) noexcept {
  constexpr std::size_t kAtOnce = 16;
  std::memset(place.block, kPoison, place.bytes);
  for (bool isIn = false;;) {
    char* leaving[kAtOnce];
    std::size_t count = 0;
    {
      const LockGuard guard(lock_);
      const auto pop = [&] {
        leaving[count] = blocks_.Pop();
        blocks_.bytes -=
            slabs_->table()[SlabAllocator::ClassOfTag(pages_->Tag(pages_->PageOf(leaving[count])))].bytes;
        ++count;
      };
      if (!isIn && blocks_.count == blocks_.maxCount) pop();
      if (!isIn) blocks_.Push(place.block, place.bytes);
      isIn = true;
      while (count < kAtOnce && blocks_.bytes > blocks_.maxBytes) pop();
    }
    for (std::size_t i = 0; i < count; ++i) ReleaseBlock(leaving[i]);
    if (count < kAtOnce) return;
  }
}

void HardenedAllocator::ReleaseBlock(char* p) noexcept {
  const unsigned index = SlabAllocator::ClassOfTag(pages_->Tag(pages_->PageOf(p)));
  const std::uint32_t cell = LoadCell(p);
  CheckPoison({p, slabs_->table()[index].bytes, index, cell});
  CellOf(p).store((cell & ~kStateMask) | kFreed, std::memory_order_relaxed);
  slabs_->FreeToDepot(p, index);
}

void HardenedAllocator::QuarantineRun(const Place& place) noexcept {
  const std::uint32_t page = pages_->PageOf(place.block);
  const std::size_t bytes = std::size_t{PagesOfTag(pages_->Tag(page))} * kPageBytes;
  if (bytes <= runs_.maxBytes && ForbidPages(pages_->AddressOf(page), bytes)) {
    const bool isEmpty = PurgePages(pages_->AddressOf(page), bytes);
    CellOf(place.block).fetch_or(kGuarded | (isEmpty ? kSealed : 0), std::memory_order_relaxed);
  }
  // Room for it comes first: what does not get out is put in again.
  EvictRuns(runs_.maxCount - 1, runs_.maxBytes - std::min(bytes, runs_.maxBytes));
  {
    const LockGuard guard(lock_);
    RMEM_CHECK(!runs_.IsFull() && "the system makes no page accessible again");
    runs_.Push(place.block, bytes);
  }
  if (bytes > runs_.maxBytes) EvictRuns(runs_.maxCount, 0);
}

/** Gives the pages back; false when the system does not make them accessible. */
bool HardenedAllocator::ReleaseRun(char* p) noexcept {
  const std::uint32_t cell = LoadCell(p);
  const std::uint32_t page = pages_->PageOf(p);
  const std::uint32_t pages = PagesOfTag(pages_->Tag(page));
  if ((cell & kGuarded) != 0 && !CommitPages(pages_->AddressOf(page), std::size_t{pages} * kPageBytes)) {
    return false;
  }
  CellOf(p).store((cell & ~kStateMask) | kFreed, std::memory_order_relaxed);
  if ((cell & kSealed) != 0) {
    pages_->FreeMovedObject(page, pages);
  } else {
    pages_->FreeObject(page, pages);
  }
  return true;
}

/** The oldest go until so many are left, or the system refuses. */
void HardenedAllocator::EvictRuns(std::size_t maxCount, std::size_t maxBytes) noexcept {
  for (;;) {
    char* leaving;
    std::size_t bytes;
    {
      const LockGuard guard(lock_);
      if (runs_.count == 0 || (runs_.count <= maxCount && runs_.bytes <= maxBytes)) return;
      leaving = runs_.Pop();
      bytes = std::size_t{PagesOfTag(pages_->Tag(pages_->PageOf(leaving)))} * kPageBytes;
      runs_.bytes -= bytes;
    }
    if (ReleaseRun(leaving)) continue;
    const LockGuard guard(lock_);
    RMEM_CHECK(!runs_.IsFull() && "the system makes no page accessible again");
    return runs_.Push(leaving, bytes);
  }
}

// Others.

void* HardenedAllocator::Reallocate(void* p, std::size_t newSize, std::size_t alignment) noexcept {
  const Place place = FindLive(p, "reallocated");
  void* moved = Allocate(newSize, alignment, false);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, p, std::min(place.size(), newSize));
  FreePlace(place);
  return moved;
}

void* HardenedAllocator::Reallocate(void* p, std::size_t oldSize, std::size_t newSize,
                                    std::size_t alignment) noexcept {
  const Place place = FindLive(p, "reallocated");
  if (place.size() != oldSize) {
    Stop(Text().Add("reallocated ", Address(p), " with a size of ", Bytes(oldSize), ", a block",
                    Described(place, slabs_->table())));
  }
  return Reallocate(p, newSize, alignment);
}

std::size_t HardenedAllocator::UsableBytes(const void* p) noexcept {
  return FindLive(p, "asked for the size of").size();
}

void HardenedAllocator::Purge() noexcept {
  for (;;) {
    char* leaving;
    {
      const LockGuard guard(lock_);
      if (blocks_.count == 0) break;
      leaving = blocks_.Pop();
      blocks_.bytes -= slabs_->table()[SlabAllocator::ClassOfTag(pages_->Tag(pages_->PageOf(leaving)))].bytes;
    }
    ReleaseBlock(leaving);
  }
  EvictRuns(0, 0);
}

void HardenedAllocator::CheckQuarantine() noexcept {
  const LockGuard guard(lock_);
  for (std::size_t i = 0; i < blocks_.count; ++i) {
    char* p = blocks_[i];
    const unsigned index = SlabAllocator::ClassOfTag(pages_->Tag(pages_->PageOf(p)));
    CheckPoison({p, slabs_->table()[index].bytes, index, LoadCell(p)});
  }
}

bool HardenedAllocator::Explain(const void* address) noexcept {
  Place place;
  if (!enabled() || !FindPlace(address, &place) || place.index != SizeClassTable::kNoClass) return false;
  const auto described = Described(place, slabs_->table());
  const auto offset = static_cast<const char*>(address) - place.block;
  if ((place.cell & kStateMask) == kQuarantined) {
    Write(Text().Add("touched after free at ", Address(address), ", in the pages of the freed block",
                     described, " at ", Address(place.block)));
    return true;
  }
  if (offset < static_cast<std::ptrdiff_t>(place.bytes)) return false;
  Write(Text().Add("touched at ", Address(address), ", ",
                   Bytes(static_cast<std::size_t>(offset) - place.size() + 1), " behind the end of the block",
                   described, " at ", Address(place.block)));
  return true;
}

HardenedStats HardenedAllocator::Stats() noexcept {
  const LockGuard guard(lock_);
  return {guarded_.load(std::memory_order_relaxed),
          refused_.load(std::memory_order_relaxed),
          frees_.load(std::memory_order_relaxed),
          blocks_.count,
          blocks_.bytes,
          runs_.count};
}

}  // namespace rmem
