// A heap against a model: the input chooses a configuration, then one operation after the other. Blocks never
// overlap, are aligned, zero where that was asked for and hold what was written; when all is over the heap
// has everything back. Some inputs make calls to the kernel fail, or reserve so little that memory runs out.

#include <algorithm>
#include <array>
#include <cstdint>
#include <thread>
#include <vector>

#include "alloc/heap.h"
#include "block_ranges.h"
#include "choices.h"

namespace {

using namespace rmem;
using namespace rmem::fuzzing;
using RustydbHeap = Heap<Preset::kRustydb>;

constexpr std::size_t kMaxLiveBytes = std::size_t{24} << 20;

unsigned failEvery = 0;  // calls to the kernel; 0: none fails
unsigned pageCalls = 0;

bool FailsNow(PageCall) noexcept {
  return failEvery != 0 && ++pageCalls % failEvery == 0;
}

const SizeClassTable& OwnTable(unsigned which) {
  static const std::array<SizeClassTable, 3> tables = [] {
    std::array<SizeClassTable, 3> made;
    static constexpr SizeClass kFew[] = {{8, 4}, {16, 1}, {48, 64}, {1024, 2}, {4096, 8}};
    static constexpr SizeClass kOne[] = {{65600, 1}};
    static constexpr SizeClass kSmall[] = {{16, 1024}, {32, 512}};
    const bool all = SizeClassTable::Build(kFew, &made[0]) && SizeClassTable::Build(kOne, &made[1]) &&
                     SizeClassTable::Build(kSmall, &made[2]);
    Require(all, "a table of size classes is refused");
    return made;
  }();
  return tables[which];
}

HeapConfig ChooseConfig(Choices& choices) {
  HeapConfig config;
  const unsigned places = choices.Byte();
  constexpr std::size_t kReserve[] = {std::size_t{2} << 30, std::size_t{64} << 20, std::size_t{4} << 20,
                                      std::size_t{2} << 20};
  config.reserveBytes = kReserve[places % 4];
  config.fit = static_cast<Fit>(places / 4 % 3);
  config.hugePages = (places & 64) == 0;
  config.hardened.enabled = (places & 128) != 0;
  const unsigned caps = choices.Byte();
  constexpr std::size_t kDirtyCap[] = {std::size_t{8} << 20, std::size_t{64} << 10, 0, std::size_t{1} << 20};
  config.dirtyCapBytes = kDirtyCap[caps % 4];
  if ((caps & 4) != 0) config.dirtyCapMaxBytes = config.dirtyCapBytes;
  if ((caps & 4) != 0) config.ownMagazines = 1;
  if ((caps & 48) == 16) config.cacheBudgetBytes = std::size_t{256} << 10;
  if ((caps & 8) != 0) config.sizeClasses = &OwnTable(caps / 16 % 3);
  const unsigned arenas = choices.Byte();
  config.arena.growth = static_cast<ArenaGrowth>(2 - arenas % 3);
  if ((arenas & 4) != 0) config.arena.oversizedBytes = std::size_t{1} << (9 + arenas % 8);
  if ((arenas & 8) != 0) config.arena.threadCacheBytes = 0;
  failEvery = (arenas & 16) != 0 ? 1 + choices.Byte() % 16 : 0;
  if (config.hardened.enabled) {
    const unsigned hardened = choices.Byte();
    constexpr std::uint32_t kGuardEvery[] = {1024, 64, 7, 0};
    constexpr std::size_t kQuarantine[] = {std::size_t{1} << 20, std::size_t{16} << 10, 100, 0};
    config.hardened.guardEvery = kGuardEvery[hardened % 4];
    config.hardened.quarantineBytes = kQuarantine[hardened / 4 % 4];
  }
  return config;
}

struct Block : TestBlock {
  std::size_t asked = 0;  // `size` bytes were written, which may be all that are usable
  bool untold = false;    // its size is no longer one that Free may be told
};

/** An open transaction and its blocks; the first of a list is none, and has the blocks of the heap. */
struct Scope {
  Transaction* transaction = nullptr;
  std::size_t parent = 0;
  std::vector<Block> blocks{};
  bool open = true;
};

class Model {
 public:
  Model(RustydbHeap& heap, const HeapConfig& config) : heap_(heap), config_(config), scopes_(1) {}

  void Step(Choices& choices) {
    switch (choices.Byte() % 32) {
      case 0:
        return Begin(choices);
      case 1:
        return End(choices);
      case 2:
        return Rest(choices);
      case 3:
      case 4:
        return FreeUntold(choices);
      case 5:
      case 6:
        return ReallocateUntold(choices);
      case 7:
        return FillUsable(choices);
      case 8:
        return OnAnotherThread(choices);
      case 9:
        return FreeMany(choices);
      case 10:
        return AllocateMany(choices);
      case 11:
      case 12:
      case 13:
      case 14:
      case 15:
        return Reallocate(choices, ChooseScope(choices));
      case 16:
      case 17:
      case 18:
      case 19:
      case 20:
      case 21:
      case 22:
        return Free(choices, ChooseScope(choices));
      default:
        return Allocate(choices, ChooseScope(choices));
    }
  }

  /** Ends all there is; the heap must have everything back. */
  void Finish() {
    failEvery = 0;
    for (std::size_t i = scopes_.size(); i-- > 1;) {
      if (scopes_[i].open) EndScope(i, Ending::kAborted);
    }
    while (!scopes_[0].blocks.empty()) FreeBlock(scopes_[0], 0);
    Require(heap_.IsConsistent(0), "the heap is not consistent when all is freed");
    heap_.Purge();
    const HeapStats stats = heap_.Stats();
    Require(stats.pages.liveBytes == 0, "an empty heap has live pages");
    Require(stats.pages.dirtyBytes == 0, "a purged heap has dirty pages");
    Require(stats.slabs.slabs == 0, "an empty heap has slabs");
    Require(stats.large.liveBytes == 0, "an empty heap has large objects");
    Require(heap_.IsConsistent(0), "the heap is not consistent when all is purged");
  }

 private:
  enum class Ending : std::uint8_t { kCommitted, kInherited, kAborted };

  std::size_t ChooseScope(Choices& choices) {
    const std::size_t chosen = choices.Byte() % 4 == 0 ? choices.Below(scopes_.size()) : 0;
    return scopes_[chosen].open ? chosen : 0;
  }

  /** Whether a request may be refused: where memory is plenty, and the kernel does as it is told, never. */
  bool MayFail(std::size_t scope) const {
    if (failEvery != 0 || config_.reserveBytes < std::size_t{1} << 30) return true;
    return scope != 0 && config_.arena.growth != ArenaGrowth::kGrowPastAll;
  }

  /** A block was asked for and `p` is the answer. */
  void Born(std::size_t scope, void* p, std::size_t size, std::size_t alignment, bool zeroed) {
    if (p == nullptr)
      return Require(size > kMaxLiveBytes || MayFail(scope), "memory is refused without a reason");
    Require(size <= kMaxLiveBytes, "a size is granted that nobody has");
    Block block{{static_cast<unsigned char*>(p), size, alignment, ++seed_}, size, false};
    Require(IsAligned(block), "a block is not aligned");
    Require(!zeroed || IsZero(block), "a zeroed block is not zero");
    Fill(block);
    ranges_.Add(p, size);
    scopes_[scope].blocks.push_back(block);
  }

  /** Whether so many bytes more may live at once; sizes that nobody has are always tried. */
  bool HasRoom(std::size_t size) const {
    return size > kMaxLiveBytes || ranges_.bytes() + size <= kMaxLiveBytes;
  }

  void AllocateOne(std::size_t scope, std::size_t size, std::size_t alignment, bool zeroed) {
    if (!HasRoom(size)) return;
    Transaction* transaction = scopes_[scope].transaction;
    Born(scope,
         transaction == nullptr ? heap_.Allocate(size, alignment, zeroed)
                                : heap_.Allocate(transaction, size, alignment, zeroed),
         size, alignment, zeroed);
  }

  void Allocate(Choices& choices, std::size_t scope) {
    const std::size_t size = ChooseSize(choices, *config_.sizeClasses);
    const std::size_t alignment = ChooseAlignment(choices);
    AllocateOne(scope, size, alignment, choices.Byte() % 4 == 0);
  }

  void AllocateMany(Choices& choices) {
    const std::size_t size = ChooseSize(choices, *config_.sizeClasses);
    for (std::size_t left = choices.Byte() / (1 + size / 1024); left > 0; --left)
      AllocateOne(0, size, 0, false);
  }

  void FreeBlock(Scope& scope, std::size_t at) {
    const Block block = scope.blocks[at];
    Require(Holds(block), "a block was written into");
    scope.blocks[at] = scope.blocks.back();
    scope.blocks.pop_back();
    ranges_.Remove(block.p);
    if (scope.transaction != nullptr) return heap_.Free(scope.transaction, block.p, block.asked);
    if (block.untold) return heap_.FreeUntold(block.p);
    heap_.Free(block.p, block.asked, block.alignment);
  }

  void Free(Choices& choices, std::size_t scope) {
    std::vector<Block>& blocks = scopes_[scope].blocks;
    if (!blocks.empty()) FreeBlock(scopes_[scope], blocks.size() - 1 - choices.Below(blocks.size()));
  }

  void FreeMany(Choices& choices) {
    const std::size_t every = 1 + choices.Below(8);
    for (std::size_t i = scopes_[0].blocks.size(); i-- > 0;) {
      if (i % every == 0) FreeBlock(scopes_[0], i);
    }
  }

  void Reallocate(Choices& choices, std::size_t scope) {
    std::vector<Block>& blocks = scopes_[scope].blocks;
    if (blocks.empty()) return;
    Block& block = blocks[choices.Below(blocks.size())];
    const std::size_t size = ChooseSize(choices, *config_.sizeClasses);
    if (block.untold || !HasRoom(size)) return;
    Require(Holds(block), "a block was written into");
    Transaction* transaction = scopes_[scope].transaction;
    Moved(scope, block,
          transaction == nullptr ? heap_.Reallocate(block.p, block.asked, size, block.alignment)
                                 : heap_.Reallocate(transaction, block.p, block.asked, size, block.alignment),
          std::min(block.asked, size), size);
  }

  /** `block` was asked to become `size` bytes long and `p` is the answer; `kept` bytes must be as before. */
  void Moved(std::size_t scope, Block& block, void* p, std::size_t kept, std::size_t size) {
    if (p == nullptr) {
      Require(Holds(block), "a refused reallocation has changed the block");
      return Require(size > kMaxLiveBytes || MayFail(scope), "memory is refused without a reason");
    }
    Require(size <= kMaxLiveBytes, "a size is granted that nobody has");
    ranges_.Remove(block.p);
    block.p = static_cast<unsigned char*>(p);
    Require(Holds(block, kept), "a reallocation has lost contents");
    block.size = block.asked = size;
    block.seed = ++seed_;
    Require(IsAligned(block), "a reallocated block is not aligned");
    ranges_.Add(p, size);
    Fill(block);
  }

  void FreeUntold(Choices& choices) {
    std::vector<Block>& blocks = scopes_[0].blocks;
    if (blocks.empty()) return;
    const std::size_t at = choices.Below(blocks.size());
    blocks[at].untold = true;
    FreeBlock(scopes_[0], at);
  }

  void ReallocateUntold(Choices& choices) {
    std::vector<Block>& blocks = scopes_[0].blocks;
    if (blocks.empty()) return;
    Block& block = blocks[choices.Below(blocks.size())];
    const std::size_t size = ChooseSize(choices, *config_.sizeClasses);
    if (!HasRoom(size) || size == 0) return;
    Require(Holds(block), "a block was written into");
    void* moved = heap_.ReallocateUntold(block.p, size);
    if (moved != nullptr) {
      block.untold = true;
      block.alignment = 0;
    }
    Moved(0, block, moved, std::min(block.size, size), size);
  }

  /** All that is usable is the caller's. */
  void FillUsable(Choices& choices) {
    std::vector<Block>& blocks = scopes_[0].blocks;
    if (blocks.empty()) return;
    Block& block = blocks[choices.Below(blocks.size())];
    Require(Holds(block), "a block was written into");
    const std::size_t usable = heap_.UsableBytes(block.p);
    Require(usable >= block.size, "less is usable than was asked for");
    ranges_.Remove(block.p);
    ranges_.Add(block.p, usable);
    block.size = usable;
    Fill(block);
  }

  void Begin(Choices& choices) {
    if (scopes_.size() > 40) return;
    std::size_t parent = choices.Below(scopes_.size());
    if (!scopes_[parent].open) parent = 0;
    Transaction* transaction = heap_.Begin(scopes_[parent].transaction, choices.Byte() % 5);
    if (transaction == nullptr) return Require(MayFail(0), "a transaction is refused without a reason");
    scopes_.push_back({transaction, parent});
  }

  void End(Choices& choices) {
    const std::size_t scope = choices.Below(scopes_.size());
    if (scope != 0 && scopes_[scope].open) EndScope(scope, static_cast<Ending>(choices.Byte() % 3));
  }

  /** Its open children end with it. */
  void EndScope(std::size_t index, Ending ending) {
    Scope& scope = scopes_[index];
    for (std::size_t i = index + 1; i < scopes_.size(); ++i) {
      if (scopes_[i].open && scopes_[i].parent == index) CloseScope(i, Ending::kAborted);
    }
    Transaction* transaction = scope.transaction;
    CloseScope(index, ending);
    if (ending == Ending::kAborted) {
      heap_.Abort(transaction);
    } else {
      heap_.Commit(transaction, ending == Ending::kInherited);
    }
  }

  void CloseScope(std::size_t index, Ending ending) {
    Scope& scope = scopes_[index];
    for (std::size_t i = index + 1; i < scopes_.size(); ++i) {
      if (scopes_[i].open && scopes_[i].parent == index) CloseScope(i, Ending::kAborted);
    }
    const bool inherited = ending == Ending::kInherited && scope.parent != 0;
    for (const Block& block : scope.blocks) {
      Require(Holds(block), "a block was written into");
      if (inherited) {
        scopes_[scope.parent].blocks.push_back(block);
      } else {
        ranges_.Remove(block.p);
      }
    }
    scope.blocks.clear();
    scope.open = false;
  }

  void Rest(Choices& choices) {
    const unsigned choice = choices.Byte() % 4;
    if (choice == 0) heap_.Purge();
    std::uint64_t inSlabs = 0;
    for (const Block& block : scopes_[0].blocks) {
      Require(Holds(block), "a block was written into");
      inSlabs += RustydbHeap::IsSlabTag(heap_.TagOf(block.p)) ? 1 : 0;
    }
    Require(heap_.IsConsistent(inSlabs), "the heap is not consistent");
  }

  /** What a thread has cached goes back as it ends. */
  void OnAnotherThread(Choices& choices) {
    if (isOnThread_ || threads_++ > 8) return;
    isOnThread_ = true;
    std::thread([&] {
      for (unsigned left = choices.Byte() % 64; left > 0 && !choices.done(); --left) Step(choices);
    }).join();
    isOnThread_ = false;
  }

  RustydbHeap& heap_;
  const HeapConfig& config_;
  std::vector<Scope> scopes_;
  BlockRanges ranges_;
  std::uint64_t seed_ = 0;
  bool isOnThread_ = false;
  unsigned threads_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices({data, size});
  const HeapConfig config = ChooseConfig(choices);
  SetPageFailureHook(FailsNow);
  pageCalls = 0;
  const unsigned wanted = failEvery;
  failEvery = 0;
  RustydbHeap* heap = RustydbHeap::Create(config);
  Require(heap != nullptr, "no heap could be made");
  failEvery = wanted;
  {
    Model model(*heap, config);
    while (!choices.done()) model.Step(choices);
    model.Finish();
  }
  RustydbHeap::Destroy(heap);
  SetPageFailureHook(nullptr);
  return 0;
}
