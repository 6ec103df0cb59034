#pragma once

#include <cstddef>

#include "alloc/lazy_table.h"
#include "os/lock.h"

namespace rmem {

/**
 * Memory for what allocators keep about their threads: thread caches, magazines, transaction objects. Sizes
 * are rounded up to whole cache lines, four sizes to a doubling: a line is never shared by two owners, and
 * what is alike does not always lie at the same sets of a cache, as it does at powers of two. Freed memory
 * waits in a list per size. For any thread, and never on a fast path.
 */
class MetadataPool {
 public:
  bool Init(std::size_t reserveBytes) noexcept;
  void Destroy() noexcept;

  /** At least `bytes` of memory with any contents, aligned to 64; null when there is none. */
  void* Allocate(std::size_t bytes) noexcept;
  /** `bytes` as they were asked for. */
  void Free(void* p, std::size_t bytes) noexcept;

  std::size_t usedBytes() noexcept;

  void LockAll() noexcept { lock_.Acquire(); }
  void UnlockAll() noexcept { lock_.Release(); }

 private:
  static constexpr std::size_t kMinBytes = 64;
  static constexpr int kSizes = 64;  // 64 B .. 8 MiB

  struct FreeBlock {
    FreeBlock* next;
  };

  static int SizeIndex(std::size_t bytes) noexcept;
  static std::size_t BytesOf(int index) noexcept;

  Lock lock_;
  LazyTable<char> memory_;
  std::size_t top_ = 0;
  std::size_t usedBytes_ = 0;
  FreeBlock* free_[kSizes] = {};
};

}  // namespace rmem
