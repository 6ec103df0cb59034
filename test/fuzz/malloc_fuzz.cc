// The malloc family of librustydb_malloc.so, loaded beside the malloc of the process, against a model: the
// input is a sequence of calls. What one input leaves behind in the library (free memory) the next one starts
// with.

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "block_ranges.h"
#include "choices.h"

namespace {

using namespace rmem;
using namespace rmem::fuzzing;

constexpr std::size_t kMaxLiveBytes = std::size_t{24} << 20;

/** The exported functions. */
class Family {
 public:
  static const Family& Get() {
    static const Family family;
    return family;
  }

  void* (*malloc)(std::size_t);
  void (*free)(void*);
  void* (*calloc)(std::size_t, std::size_t);
  void* (*realloc)(void*, std::size_t);
  void* (*reallocarray)(void*, std::size_t, std::size_t);
  int (*posix_memalign)(void**, std::size_t, std::size_t);
  void* (*memalign)(std::size_t, std::size_t);
  void* (*aligned_alloc)(std::size_t, std::size_t);
  void* (*valloc)(std::size_t);
  void* (*pvalloc)(std::size_t);
  void (*free_sized)(void*, std::size_t);
  void (*free_aligned_sized)(void*, std::size_t, std::size_t);
  std::size_t (*malloc_usable_size)(void*);
  int (*malloc_trim)(std::size_t);

 private:
  Family() {
    char self[4096];
    const ssize_t length = ::readlink("/proc/self/exe", self, sizeof self);
    Require(length > 0, "where this program lies is not known");
    std::string path(self, static_cast<std::size_t>(length));
    path.replace(path.rfind('/') + 1, std::string::npos, "librustydb_malloc.so");
    void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) std::fprintf(stderr, "%s\n", ::dlerror());
    Require(library != nullptr, "librustydb_malloc.so is not beside this program");
    Find(library, "malloc", malloc);
    Find(library, "free", free);
    Find(library, "calloc", calloc);
    Find(library, "realloc", realloc);
    Find(library, "reallocarray", reallocarray);
    Find(library, "posix_memalign", posix_memalign);
    Find(library, "memalign", memalign);
    Find(library, "aligned_alloc", aligned_alloc);
    Find(library, "valloc", valloc);
    Find(library, "pvalloc", pvalloc);
    Find(library, "free_sized", free_sized);
    Find(library, "free_aligned_sized", free_aligned_sized);
    Find(library, "malloc_usable_size", malloc_usable_size);
    Find(library, "malloc_trim", malloc_trim);
  }

  template <class F>
  static void Find(void* library, const char* name, F& function) {
    function = reinterpret_cast<F>(::dlsym(library, name));
    Require(function != nullptr, name);
  }
};

struct Block : TestBlock {
  std::size_t asked = 0;
};

class Model {
 public:
  void Step(Choices& choices) {
    switch (choices.Byte() % 32) {
      case 0:
        if (choices.Byte() % 8 == 0) family_.malloc_trim(0);
        return;
      case 1:
        return OnAnotherThread(choices);
      case 2:
        return AllocateMany(choices);
      case 3:
        return FreeMany(choices);
      case 4:
        return Overflow(choices);
      case 5:
      case 6:
        return FillUsable(choices);
      case 7:
      case 8:
      case 9:
      case 10:
      case 11:
      case 12:
        return Reallocate(choices);
      case 13:
      case 14:
      case 15:
      case 16:
      case 17:
      case 18:
      case 19:
        return Free(choices);
      case 20:
      case 21:
      case 22:
        return AllocateAligned(choices);
      case 23:
      case 24:
        return AllocateZeroed(choices);
      default:
        return Allocate(ChooseSize(choices, SizeClassTable::Default()));
    }
  }

  void Finish() {
    while (!blocks_.empty()) FreeBlock(blocks_.size() - 1, 0);
    family_.free(nullptr);
  }

 private:
  bool HasRoom(std::size_t size) const {
    return size > kMaxLiveBytes || ranges_.bytes() + size <= kMaxLiveBytes;
  }

  void Born(void* p, std::size_t size, std::size_t alignment, bool zeroed) {
    if (size > kMaxLiveBytes) {
      Require(p == nullptr, "a size is granted that nobody has");
      return Require(errno == ENOMEM, "a refusal without ENOMEM");
    }
    Require(p != nullptr, "memory is refused without a reason");
    Block block{{static_cast<unsigned char*>(p), size, alignment, ++seed_}, size};
    Require(IsAligned(block), "a block is not aligned");
    Require(!zeroed || IsZero(block), "a zeroed block is not zero");
    Require(family_.malloc_usable_size(p) >= size, "less is usable than was asked for");
    Fill(block);
    ranges_.Add(p, size);
    blocks_.push_back(block);
  }

  void Allocate(std::size_t size) {
    if (!HasRoom(size)) return;
    errno = 0;
    Born(family_.malloc(size), size, 0, false);
  }

  void AllocateMany(Choices& choices) {
    const std::size_t size = ChooseSize(choices, SizeClassTable::Default());
    for (std::size_t left = choices.Byte() / (1 + size / 1024); left > 0; --left) Allocate(size);
  }

  void AllocateZeroed(Choices& choices) {
    const std::size_t size = ChooseSize(choices, SizeClassTable::Default());
    const std::size_t count = choices.Byte() % 2 == 0 ? 1 : 7;
    if (!HasRoom(size) || size > kMaxLiveBytes) return;
    errno = 0;
    const std::size_t each = size / count;
    Born(family_.calloc(count, each), count * each, 0, true);
  }

  void AllocateAligned(Choices& choices) {
    const std::size_t size = ChooseSize(choices, SizeClassTable::Default());
    const std::size_t alignment = std::size_t{8} << choices.Byte() % 20;
    if (!HasRoom(size)) return;
    errno = 0;
    void* p = nullptr;
    switch (choices.Byte() % 6) {
      case 0:
      case 1: {
        const int error = family_.posix_memalign(&p, alignment, size);
        Require(errno == 0, "posix_memalign has set errno");
        Require((p == nullptr) == (error == ENOMEM), "posix_memalign says what is not so");
        errno = error;
        return Born(p, size, alignment, false);
      }
      case 2:
        return Born(family_.memalign(alignment, size), size, alignment, false);
      case 3:
        return Born(family_.valloc(size), size, kPageBytes, false);
      case 4: {
        if (size > kMaxLiveBytes) return;  // rounded up it may be none
        p = family_.pvalloc(size);
        Require(family_.malloc_usable_size(p) >= kPageBytes, "pvalloc has given no whole page");
        return Born(p, size, kPageBytes, false);
      }
      default:
        return Born(family_.aligned_alloc(alignment, size), size, alignment, false);
    }
  }

  /** Products that are too large for a size. */
  void Overflow(Choices& choices) {
    const std::size_t count = ~std::size_t{0} / (1 + choices.Byte());
    const std::size_t size = 257 + choices.Byte();
    errno = 0;
    Require(family_.calloc(count, size) == nullptr && errno == ENOMEM, "calloc of too much");
    errno = 0;
    void* p = blocks_.empty() ? nullptr : blocks_.back().p;
    Require(family_.reallocarray(p, count, size) == nullptr && errno == ENOMEM, "reallocarray of too much");
    Require(family_.posix_memalign(&p, 24, 8) == EINVAL, "posix_memalign at what is no alignment");
  }

  void FreeBlock(std::size_t at, unsigned how) {
    const Block block = blocks_[at];
    Require(Holds(block), "a block was written into");
    blocks_[at] = blocks_.back();
    blocks_.pop_back();
    ranges_.Remove(block.p);
    errno = 77;
    if (how % 4 == 1) {
      if (block.alignment == 0) {
        family_.free_sized(block.p, block.asked);
      } else {
        family_.free_aligned_sized(block.p, block.alignment, block.asked);
      }
    } else if (how % 4 == 2 && block.asked != 0) {
      Require(family_.realloc(block.p, 0) == nullptr, "realloc to 0 has given a block");
    } else {
      family_.free(block.p);
    }
    Require(errno == 77, "a free has changed errno");
  }

  void Free(Choices& choices) {
    if (!blocks_.empty()) FreeBlock(blocks_.size() - 1 - choices.Below(blocks_.size()), choices.Byte());
  }

  void FreeMany(Choices& choices) {
    const std::size_t every = 1 + choices.Below(8);
    for (std::size_t i = blocks_.size(); i-- > 0;) {
      if (i % every == 0) FreeBlock(i, 0);
    }
  }

  void Reallocate(Choices& choices) {
    const std::size_t size = ChooseSize(choices, SizeClassTable::Default());
    if (size == 0 || !HasRoom(size)) return;
    errno = 0;
    if (blocks_.empty()) return Born(family_.realloc(nullptr, size), size, 0, false);
    Block& block = blocks_[choices.Below(blocks_.size())];
    Require(Holds(block), "a block was written into");
    void* p = size % 3 == 0 ? family_.reallocarray(block.p, 3, size / 3) : family_.realloc(block.p, size);
    if (size > kMaxLiveBytes) {
      Require(p == nullptr && errno == ENOMEM, "a size is granted that nobody has");
      return Require(Holds(block), "a refused reallocation has changed the block");
    }
    Require(p != nullptr, "memory is refused without a reason");
    ranges_.Remove(block.p);
    block.p = static_cast<unsigned char*>(p);
    Require(Holds(block, std::min(block.size, size)), "a reallocation has lost contents");
    block = {{block.p, size, 0, ++seed_}, size};
    Require(IsAligned(block), "a reallocated block is not aligned");
    Require(family_.malloc_usable_size(p) >= size, "less is usable than was asked for");
    ranges_.Add(p, size);
    Fill(block);
  }

  /** All that is usable is the caller's. */
  void FillUsable(Choices& choices) {
    if (blocks_.empty()) return;
    Block& block = blocks_[choices.Below(blocks_.size())];
    Require(Holds(block), "a block was written into");
    ranges_.Remove(block.p);
    block.size = family_.malloc_usable_size(block.p);
    Require(block.size >= block.asked, "less is usable than was asked for");
    ranges_.Add(block.p, block.size);
    Fill(block);
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

  const Family& family_ = Family::Get();
  std::vector<Block> blocks_;
  BlockRanges ranges_;
  std::uint64_t seed_ = 0;
  bool isOnThread_ = false;
  unsigned threads_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices({data, size});
  Model model;
  while (!choices.done()) model.Step(choices);
  model.Finish();
  return 0;
}
