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

int MetadataPool::SizeIndex(std::size_t bytes) noexcept {
  return bytes <= kMinBytes ? 0 : std::bit_width((bytes - 1) / kMinBytes);
}

void* MetadataPool::Allocate(std::size_t bytes) noexcept {
  const int index = SizeIndex(bytes);
  RMEM_CHECK((index < kSizes) && "metadata larger than the pool serves");
  const std::size_t rounded = kMinBytes << index;
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
  usedBytes_ -= kMinBytes << index;
}

std::size_t MetadataPool::usedBytes() noexcept {
  const LockGuard guard(lock_);
  return usedBytes_;
}

}  // namespace rmem
