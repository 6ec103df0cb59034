// The hot paths of the allocators, one loop each, for a tool that counts instructions: every loop runs three
// times, first to warm up, then `short` and then `long` operations, and `BetweenLoops` is called before and
// behind each run, so that the difference of two runs is the operations alone. Prints what the counts depend
// on, then a line a loop: its name, short, long.

#include <gnu/libc-version.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "alloc/heap.h"

extern "C" __attribute__((noinline, visibility("default"))) void BetweenLoops() {
  asm volatile("");  // its name is all that it is for
}

namespace {

using namespace rmem;
using RustydbHeap = Heap<Preset::kRustydb>;

/** The compiler must believe that a block is used. */
inline void* Used(void* p) {
  asm volatile("" : "+r"(p) : : "memory");
  return p;
}

RustydbHeap* heap = nullptr;

constexpr std::size_t kMixedSizes[] = {16, 40,   24, 300, 64,  1000, 32, 136,
                                       48, 2100, 8,  80,  520, 200,  56, 4000};
constexpr std::size_t kBatch = 1000;
constexpr std::size_t kLargeBytes = std::size_t{128} << 10;

void Pair(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) std::free(Used(std::malloc(64)));
}

/** Eight blocks are alive at a time. */
void MixedPair(std::size_t count) {
  void* alive[8] = {};
  for (std::size_t i = 0; i < count; ++i) {
    std::free(alive[i % 8]);
    alive[i % 8] = Used(std::malloc(kMixedSizes[i % 16]));
  }
  for (void* p : alive) std::free(p);
}

void Batch(std::size_t count) {
  static void* blocks[kBatch];
  for (std::size_t done = 0; done < count; done += kBatch) {
    for (void*& p : blocks) p = Used(std::malloc(64));
    for (void* p : blocks) std::free(p);
  }
}

void Calloc(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) std::free(Used(std::calloc(4, 64)));
}

void ReallocInPlace(std::size_t count) {
  void* p = std::malloc(100);
  for (std::size_t i = 0; i < count; ++i) p = Used(std::realloc(p, 97 + i % 16));
  std::free(p);
}

void AlignedPair(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) std::free(Used(std::aligned_alloc(64, 192)));
}

void OperatorPair(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) ::operator delete (Used(::operator new(64)), std::size_t{64});
}

void LargePair(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) std::free(Used(std::malloc(kLargeBytes)));
}

void SizedPair(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) heap->Free(Used(heap->Allocate(64)), 64);
}

void ArenaAllocate(std::size_t count) {
  for (std::size_t done = 0; done < count; done += kBatch) {
    Transaction* transaction = heap->Begin(nullptr, 1);
    for (std::size_t i = 0; i < kBatch; ++i) Used(heap->Allocate(transaction, 48, 0, false));
    heap->Commit(transaction, false);
  }
}

void ArenaTransaction(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    Transaction* transaction = heap->Begin(nullptr, 2);
    Used(heap->Allocate(transaction, 48, 0, false));
    heap->Commit(transaction, false);
  }
}

struct Loop {
  const char* name;
  void (*run)(std::size_t);
};

constexpr Loop kLoops[] = {
    {"malloc and free, 64 B", Pair},
    {"malloc and free, mixed sizes", MixedPair},
    {"malloc and free, 1000 blocks at a time", Batch},
    {"calloc and free, 256 B", Calloc},
    {"realloc in place, 112 B", ReallocInPlace},
    {"aligned_alloc and free, 192 B at 64", AlignedPair},
    {"operator new and sized delete, 64 B", OperatorPair},
    {"malloc and free, 128 KiB", LargePair},
    {"heap allocate and free, told 64 B", SizedPair},
    {"arena allocate, 48 B", ArenaAllocate},
    {"arena begin, allocate and commit", ArenaTransaction},
};

constexpr std::size_t kShort = 4000, kLong = 12000;

#if defined(__clang__)
constexpr const char* kCompiler = "clang";
constexpr int kVersion[] = {__clang_major__, __clang_minor__, __clang_patchlevel__};
#else
constexpr const char* kCompiler = "gcc";
constexpr int kVersion[] = {__GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__};
#endif
#if defined(__aarch64__)
constexpr const char* kMachine = "aarch64";
#else
constexpr const char* kMachine = "x86_64";
#endif

}  // namespace

int main() {
  HeapConfig config;
  config.reserveBytes = std::size_t{1} << 30;
  heap = RustydbHeap::Create(config);
  if (heap == nullptr) {
    std::fprintf(stderr, "hot_path_bench: no address space for a heap\n");
    return 1;
  }
  std::printf("%s-%d.%d.%d glibc-%s %s\n", kCompiler, kVersion[0], kVersion[1], kVersion[2],
              gnu_get_libc_version(), kMachine);
  for (const Loop& loop : kLoops) {
    std::printf("%s\t%zu\t%zu\n", loop.name, kShort, kLong);
    loop.run(kLong);
    BetweenLoops();
    loop.run(kShort);
    BetweenLoops();
    loop.run(kLong);
    BetweenLoops();
  }
  RustydbHeap::Destroy(heap);
  return 0;
}
