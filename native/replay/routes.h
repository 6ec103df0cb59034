#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "alloc/heap.h"
#include "replay/route_table.h"

namespace rmem {

/**
 * Where a replay sends its requests. A route is a class with Allocate, Free and Reallocate; with
 * kTransactions also those of a transaction, which then take the arena-eligible blocks. Everything is known
 * at compile time, so that the timed loop calls the allocator directly and pays for nothing else. An
 * alignment of 0 is malloc's own.
 *
 * NoneRoute does nothing: what a loop costs by itself. The values still have to be made and loaded, as with
 * any allocator; hence the empty asm.
 */
class NoneRoute {
 public:
  static constexpr bool kTouches = false;
  static constexpr bool kTransactions = false;

  static NoneRoute* Create(const HeapConfig&) {
    static NoneRoute route;
    return &route;
  }

  void* Allocate(std::size_t size, std::size_t, bool) {
    void* block;
    asm volatile("" : "=r"(block) : "0"(size));
    return block;
  }
  void Free(void* block, std::size_t, std::size_t) { asm volatile("" : : "r"(block)); }
  void* Reallocate(void* block, std::size_t, std::size_t newSize, std::size_t) {
    asm volatile("" : "+r"(block) : "r"(newSize));
    return block;
  }

  void VisitStats(const StatVisitor&) {}

  static const char* ReliefName() { return nullptr; }
  void Relieve(Relief) {}
};

/** The malloc of the process: glibc's, or whatever was preloaded. */
class MallocRoute {
 public:
  static constexpr bool kTouches = true;
  static constexpr bool kTransactions = false;

  static MallocRoute* Create(const HeapConfig&) {
    static MallocRoute route;
    return &route;
  }

  void* Allocate(std::size_t size, std::size_t alignment, bool zeroed) {
    if (alignment == 0) return zeroed ? std::calloc(1, size) : std::malloc(size);
    // Not aligned_alloc: that one may refuse a size that is no multiple of the alignment.
    void* block;
    if (posix_memalign(&block, std::max(alignment, sizeof(void*)), size) != 0) return nullptr;
    if (zeroed) std::memset(block, 0, size);
    return block;
  }
  void Free(void* block, std::size_t, std::size_t) { std::free(block); }
  /** A size of 0 would be a free for some allocators, and a block for others. */
  void* Reallocate(void* block, std::size_t, std::size_t newSize, std::size_t) {
    return std::realloc(block, newSize == 0 ? 1 : newSize);
  }

  void VisitStats(const StatVisitor&) {}

  static const char* ReliefName() { return MallocRelief::OfThisProcess().name(); }
  void Relieve(Relief) { MallocRelief::OfThisProcess().Relieve(); }
};

/** One of our heaps. */
template <Preset P>
class HeapRoute {
 public:
  static constexpr bool kTouches = true;
  static constexpr bool kTransactions = Heap<P>::kHasTransactions;

  /** Null: there is no memory for it. */
  static HeapRoute* Create(const HeapConfig& config) {
    static HeapRoute route;
    if (route.heap_ == nullptr) route.heap_ = Heap<P>::Create(config);
    return route.heap_ == nullptr ? nullptr : &route;
  }

  void* Allocate(std::size_t size, std::size_t alignment, bool zeroed) {
    return heap_->Allocate(size, alignment, zeroed);
  }
  void Free(void* block, std::size_t size, std::size_t alignment) { heap_->Free(block, size, alignment); }
  void* Reallocate(void* block, std::size_t oldSize, std::size_t newSize, std::size_t alignment) {
    return heap_->Reallocate(block, oldSize, newSize, alignment);
  }

  Transaction* Begin(Transaction* parent, std::uint32_t type) { return heap_->Begin(parent, type); }
  void* Allocate(Transaction* transaction, std::size_t size, std::size_t alignment, bool zeroed) {
    return heap_->Allocate(transaction, size, alignment, zeroed);
  }
  void Free(Transaction* transaction, void* block, std::size_t size) {
    heap_->Free(transaction, block, size);
  }
  void* Reallocate(Transaction* transaction, void* block, std::size_t oldSize, std::size_t newSize,
                   std::size_t alignment) {
    return heap_->Reallocate(transaction, block, oldSize, newSize, alignment);
  }
  void Commit(Transaction* transaction, bool inherit) { heap_->Commit(transaction, inherit); }
  void Abort(Transaction* transaction) { heap_->Abort(transaction); }

  void VisitStats(const StatVisitor& visit) { heap_->Stats().ForEach(visit.take, visit.sink); }

  static const char* ReliefName() {
    static constexpr const char* kOwn = "purge, compact";
    const char* rest = MallocRelief::OfThisProcess().name();
    if (P == Preset::kRustydb || rest == nullptr) return kOwn;
    static char both[64];
    std::snprintf(both, sizeof(both), "%s, %s", kOwn, rest);
    return both;
  }
  void Relieve(Relief relief) {
    if (relief == Relief::kCompact) {
      heap_->Compact();
    } else {
      heap_->Purge();
    }
    // What such a heap leaves to malloc is the larger part.
    if constexpr (P != Preset::kRustydb) MallocRelief::OfThisProcess().Relieve();
  }

 private:
  Heap<P>* heap_ = nullptr;
};

}  // namespace rmem
