#include "alloc/metadata_pool.h"

#include <bit>

#include "base/checks.h"

namespace rmem {

bool MetadataPool::Init(std::size_t reserveBytes) noexcept {
  return memory_.Reserve(reserveBytes);
}

void MetadataPool::Destroy() noexcept {
  memory_.Release();
}

// 1, 2, 3, 4 lines, then four sizes to a doubling: 5, 6, 7, 8, 10, 12, 14, 16, 20 ...
int MetadataPool::SizeIndex(std::size_t bytes) noexcept {
  const std::size_t lines = bytes <= kMinBytes ? 1 : (bytes - 1) / kMinBytes + 1;
  if (lines <= 4) return static_cast<int>(lines) - 1;
  const int shift = std::bit_width(lines - 1) - 3;  // steps of so many doublings
  return 4 * shift + static_cast<int>((lines - 1) >> shift);
}

std::size_t MetadataPool::BytesOf(int index) noexcept {
  if (index < 4) return kMinBytes * static_cast<std::size_t>(index + 1);
  const int shift = index / 4 - 1;
  return kMinBytes * (static_cast<std::size_t>(index % 4 + 5) << shift);
}

void* MetadataPool::Allocate(std::size_t bytes) noexcept {
  const int index = SizeIndex(bytes);
  RMEM_CHECK((index < kSizes) && "metadata larger than the pool serves");
  const std::size_t rounded = BytesOf(index);
  const LockGuard guard(lock_);
  if (FreeBlock* block = free_[index]) {
    free_[index] = block->next;
    usedBytes_ += rounded;
    return block;
  }
  if (!memory_.Grow(top_ + rounded)) return nullptr;
  void* block = &memory_[top_];
  top_ += rounded;
  usedBytes_ += rounded;
  return block;
}

void MetadataPool::Free(void* p, std::size_t bytes) noexcept {
  if (p == nullptr) return;
  const int index = SizeIndex(bytes);
  const LockGuard guard(lock_);
  auto* block = static_cast<FreeBlock*>(p);
  block->next = free_[index];
  free_[index] = block;
  usedBytes_ -= BytesOf(index);
}

std::size_t MetadataPool::usedBytes() noexcept {
  const LockGuard guard(lock_);
  return usedBytes_;
}

}  // namespace rmem
