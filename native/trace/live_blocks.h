#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace rmem {

/**
 * Spreads birth numbers by Fibonacci hashing: the newest, which mostly are alive together, never meet. With
 * `id & mask` they would form one long run, which deletion walks to its end.
 */
struct BirthHash {
  static std::size_t Slot(std::uint64_t id, int shift) {
    return static_cast<std::size_t>((id * 0x9e3779b97f4a7c15u) >> shift);
  }
};

/** An odd number that differs from process to process. */
extern const std::uint64_t kAddressMultiplier;

/**
 * Spreads addresses and handles. These are whatever a file says, hence multiply-shift with a multiplier
 * nobody can know (Dietzfelbinger et al. 1997): no file can be made whose addresses all meet in one slot.
 */
struct AddressHash {
  static std::size_t Slot(std::uint64_t id, int shift) {
    return static_cast<std::size_t>((id * kAddressMultiplier) >> shift);
  }
};

/**
 * A map from ids (never 0) to T for what is alive in a trace: open addressing with linear probing in a power
 * of two of slots, at most three quarters full, each of 8 + sizeof(T) bytes; deletion shifts back, so that no
 * tombstones pile up over 100 million events. Pointers to values are valid until the next Insert or Erase.
 * Not thread-safe. Throws std::bad_alloc when memory ends.
 */
template <class T, class Hash = BirthHash>
class LiveBlocks {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  LiveBlocks() { Allocate(kFirstCapacity); }
  LiveBlocks(LiveBlocks&&) noexcept = default;
  LiveBlocks& operator=(LiveBlocks&&) noexcept = default;

  /** Adds `id`; returns its value, or null (and changes nothing) where it is there already. */
  T* Insert(std::uint64_t id, const T& value) {
    if (size_ >= limit_) Grow();
    std::size_t at = Hash::Slot(id, shift_);
    while (slots_[at].id != 0) {
      if (slots_[at].id == id) return nullptr;
      at = (at + 1) & mask_;
    }
    slots_[at].id = id;
    slots_[at].value = value;
    ++size_;
    return &slots_[at].value;
  }

  /** The value of `id`, or null. */
  T* Find(std::uint64_t id) {
    const std::size_t at = Locate(id);
    return at == kNowhere ? nullptr : &slots_[at].value;
  }
  const T* Find(std::uint64_t id) const { return const_cast<LiveBlocks*>(this)->Find(id); }

  /** Removes `id`; false where it was not there. */
  bool Erase(std::uint64_t id) {
    const std::size_t at = Locate(id);
    if (at == kNowhere) return false;
    EraseSlot(at);
    return true;
  }

  /** Removes `id` and puts its value into `*value`; false (and `*value` unchanged) where it was not there. */
  bool Take(std::uint64_t id, T* value) {
    const std::size_t at = Locate(id);
    if (at == kNowhere) return false;
    *value = slots_[at].value;
    EraseSlot(at);
    return true;
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  /** Calls f(id, T&) for each, in no order. `f` must not change the map. */
  template <class F>
  void ForEach(F&& f) {
    for (std::size_t at = 0; at <= mask_; ++at) {
      if (slots_[at].id != 0) f(slots_[at].id, slots_[at].value);
    }
  }
  template <class F>
  void ForEach(F&& f) const {
    for (std::size_t at = 0; at <= mask_; ++at) {
      if (slots_[at].id != 0) f(slots_[at].id, static_cast<const T&>(slots_[at].value));
    }
  }

 private:
  struct Slot {
    std::uint64_t id;
    T value;
  };
  struct Release {
    void operator()(Slot* slots) const { std::free(slots); }
  };

  static constexpr std::size_t kFirstCapacity = 64;
  static constexpr std::size_t kNowhere = ~std::size_t{0};

  void Allocate(std::size_t capacity) {
    // Zeroed by calloc: a large table takes memory only where it was touched.
    auto* slots = static_cast<Slot*>(std::calloc(capacity, sizeof(Slot)));
    if (slots == nullptr) throw std::bad_alloc();
    slots_.reset(slots);
    mask_ = capacity - 1;
    shift_ = 64 - std::countr_zero(capacity);
    limit_ = capacity / 4 * 3;
  }

  std::size_t Locate(std::uint64_t id) const {
    if (id == 0) return kNowhere;
    std::size_t at = Hash::Slot(id, shift_);
    while (slots_[at].id != id) {
      if (slots_[at].id == 0) return kNowhere;
      at = (at + 1) & mask_;
    }
    return at;
  }

  void EraseSlot(std::size_t hole) {
    std::size_t at = hole;
    for (;;) {
      at = (at + 1) & mask_;
      if (slots_[at].id == 0) break;
      // What lies at `at` may move into the hole unless its home is cyclically behind the hole.
      const std::size_t home = Hash::Slot(slots_[at].id, shift_);
      if (((at - home) & mask_) >= ((at - hole) & mask_)) {
        slots_[hole] = slots_[at];
        hole = at;
      }
    }
    slots_[hole].id = 0;
    --size_;
  }

  void Grow() {
    std::unique_ptr<Slot[], Release> old = std::move(slots_);
    const std::size_t oldMask = mask_;
    try {
      Allocate((oldMask + 1) * 2);
    } catch (...) {
      slots_ = std::move(old);
      throw;
    }
    for (std::size_t from = 0; from <= oldMask; ++from) {
      if (old[from].id == 0) continue;
      std::size_t at = Hash::Slot(old[from].id, shift_);
      while (slots_[at].id != 0) at = (at + 1) & mask_;
      slots_[at] = old[from];
    }
  }

  std::unique_ptr<Slot[], Release> slots_;
  std::size_t mask_ = 0;
  std::size_t limit_ = 0;
  std::size_t size_ = 0;
  int shift_ = 0;
};

}  // namespace rmem
