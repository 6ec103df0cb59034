#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "alloc/metadata_pool.h"
#include "alloc/size_classes.h"
#include "os/cpu_stacks.h"
#include "os/lock.h"

namespace rmem {

/**
 * Magazines that belong to CPUs, for threads without magazines of their own: of a hundred threads that take
 * turns on four CPUs only four hold blocks at a time. Each CPU gets its own when a thread first needs them
 * there. Own nothing, as those of threads (slab.h).
 */
class CpuCaches {
 public:
  /** Reserves nothing yet; `empty` are stacks, one a class, that are always empty and always full.
   * `capBytes`: what those of all CPUs may hold. */
  void Init(const SizeClassTable* table, MetadataPool* pool, const PointerStack* empty,
            std::size_t capBytes) noexcept;
  /** Before the pool goes. */
  void Destroy() noexcept;

  /** Whether this system has them, and there is memory for the list of CPUs. */
  bool Start() noexcept;

  /** After Start. Null where this CPU has none of the class. */
  void* Pop(unsigned index) noexcept { return PopOnCpu(stacks_, index); }
  /** After Start. False where this CPU has no room for more. */
  bool Push(void* block, unsigned index) noexcept { return PushOnCpu(stacks_, index, block); }
  /** Gives the CPU that the caller is on its magazines. False where there is no memory for them. */
  bool Provide() noexcept;
  unsigned CapacityOf(unsigned index) const noexcept { return capacities_[index]; }

  /** Calls give(index, blocks, count) for what the magazines of all CPUs hold, and leaves them empty. Nothing
   * where the system can't wait for those who are just using them. */
  template <class Give>
  void Drain(Give give) noexcept {
    const LockGuard guard(lock_);
    if (stacks_ == nullptr || !Withdraw()) return;
    for (unsigned cpu = 0; cpu < kMaxCpus; ++cpu) {
      if (own_[cpu] == nullptr) continue;
      for (unsigned index = 0; index < table_->count(); ++index) {
        PointerStack& stack = own_[cpu][index];
        void** const first = FirstOf(own_[cpu], index);
        if (stack.top == first) continue;
        give(index, first, static_cast<unsigned>(stack.top - first));
        stack.top = first;
      }
    }
    Restore();
  }

  /** CPUs that have magazines. */
  unsigned cpus() const noexcept { return cpus_; }
  /** Blocks of a class. For tests, while no thread is inside. */
  std::uint64_t Count(unsigned index) noexcept;

  void LockAll() noexcept { lock_.Acquire(); }
  void UnlockAll() noexcept { lock_.Release(); }

 private:
  static constexpr std::size_t kMaxStackBytes = std::size_t{32} << 10;  // of blocks

  void** FirstOf(PointerStack* stacks, unsigned index) const noexcept {
    return reinterpret_cast<void**>(stacks + SizeClassTable::kMaxClasses) + firsts_[index];
  }
  /** Takes the magazines from all CPUs, for a time, and waits until nobody uses them. */
  bool Withdraw() noexcept;
  void Restore() noexcept;

  const SizeClassTable* table_ = nullptr;
  MetadataPool* pool_ = nullptr;
  PointerStack* empty_ = nullptr;
  std::size_t capBytes_ = 0;
  Lock lock_;
  PointerStack** stacks_ = nullptr;  // of each CPU, as threads find them
  PointerStack** own_ = nullptr;     // of each CPU, or null: in the same memory, behind it
  std::size_t bytes_ = 0;            // of the memory of a CPU
  unsigned cpus_ = 0;
  std::array<std::uint16_t, SizeClassTable::kMaxClasses> capacities_{};
  std::array<std::uint32_t, SizeClassTable::kMaxClasses> firsts_{};  // slot of the first block
};

}  // namespace rmem
