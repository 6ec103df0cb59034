#include "alloc/cpu_caches.h"

#include <algorithm>
#include <atomic>

namespace rmem {
namespace {

// What threads read while they have no lock.
void Publish(PointerStack** stacks, PointerStack* own) noexcept {
  std::atomic_ref<PointerStack*>(*stacks).store(own, std::memory_order_release);
}

}  // namespace

void CpuCaches::Init(const SizeClassTable* table, MetadataPool* pool, const PointerStack* empty,
                     std::size_t capBytes) noexcept {
  table_ = table;
  pool_ = pool;
  empty_ = const_cast<PointerStack*>(empty);
  capBytes_ = capBytes;
}

// The memory goes with the pool's.
void CpuCaches::Destroy() noexcept {
  stacks_ = own_ = nullptr;
  cpus_ = 0;
}

bool CpuCaches::Start() noexcept {
  const LockGuard guard(lock_);
  if (stacks_ != nullptr) return true;
  if (!HasCpuStacks()) return false;
  auto** const stacks = static_cast<PointerStack**>(pool_->Allocate(2 * kMaxCpus * sizeof(PointerStack*)));
  if (stacks == nullptr) return false;
  std::fill_n(stacks, kMaxCpus, empty_);
  own_ = stacks + kMaxCpus;
  std::fill_n(own_, kMaxCpus, nullptr);
  const std::size_t most =
      std::min(kMaxStackBytes, capBytes_ / (std::size_t{UsableCpus()} * table_->count()));
  std::uint32_t slots = 0;
  for (unsigned index = 0; index < table_->count(); ++index) {
    const SizeClassLayout& layout = (*table_)[index];
    capacities_[index] =
        static_cast<std::uint16_t>(std::clamp<std::size_t>(most / layout.bytes, 1, 2u * layout.magazine));
    ++slots;  // the null below the first
    firsts_[index] = slots;
    slots += capacities_[index];
  }
  bytes_ = SizeClassTable::kMaxClasses * sizeof(PointerStack) + slots * sizeof(void*);
  stacks_ = stacks;
  return true;
}

bool CpuCaches::Provide() noexcept {
  const unsigned cpu = CurrentCpu();
  if (cpu >= kMaxCpus) return false;
  const LockGuard guard(lock_);
  if (own_[cpu] != nullptr) return true;
  auto* const own = static_cast<PointerStack*>(pool_->Allocate(bytes_));
  if (own == nullptr) return false;
  std::copy_n(empty_, SizeClassTable::kMaxClasses, own);
  for (unsigned index = 0; index < table_->count(); ++index) {
    void** const first = FirstOf(own, index);
    first[-1] = nullptr;
    own[index] = {first, first + capacities_[index]};
  }
  own_[cpu] = own;
  ++cpus_;
  Publish(&stacks_[cpu], own);
  return true;
}

bool CpuCaches::Withdraw() noexcept {
  for (unsigned cpu = 0; cpu < kMaxCpus; ++cpu) Publish(&stacks_[cpu], empty_);
  if (WaitForCpuSequences()) return true;
  Restore();
  return false;
}

void CpuCaches::Restore() noexcept {
  for (unsigned cpu = 0; cpu < kMaxCpus; ++cpu) {
    if (own_[cpu] != nullptr) Publish(&stacks_[cpu], own_[cpu]);
  }
}

std::uint64_t CpuCaches::Count(unsigned index) noexcept {
  std::uint64_t count = 0;
  const LockGuard guard(lock_);
  if (stacks_ == nullptr) return 0;
  for (unsigned cpu = 0; cpu < kMaxCpus; ++cpu) {
    if (own_[cpu] != nullptr)
      count += static_cast<std::uint64_t>(own_[cpu][index].top - FirstOf(own_[cpu], index));
  }
  return count;
}

}  // namespace rmem
