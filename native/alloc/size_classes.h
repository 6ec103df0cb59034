#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "os/pages.h"

namespace rmem {

/** A row of the table: blocks of `bytes`, of which a thread keeps up to twice `magazine`. */
struct SizeClass {
  std::uint32_t bytes;
  std::uint16_t magazine;
};

/** A size class and what follows from it. */
struct SizeClassLayout {
  std::uint32_t bytes;
  std::uint32_t reciprocal;  // of bytes, 32 fractional bits: offset * reciprocal >> 32 is the block's number
  std::uint16_t magazine;
  std::uint16_t blocks;  // in a slab
  std::uint16_t pages;   // of a slab
};

/**
 * Which class serves a request. The classes are data: Default() is the ten hot object kinds of a database (64
 * 128 192 256 384 512 1024 2048 4096) with general classes between them, such that above 128 bytes at
 * most 12.5 % of a block is lost; Build() takes any other list.
 *
 * Blocks lie at multiples of their size from the start of a page. Hence a class serves an alignment when its
 * size is a multiple of it; the choice depends on size and alignment alone, so that a free told both finds
 * the same class.
 */
class SizeClassTable {
 public:
  static constexpr unsigned kMaxClasses = 96;
  static constexpr unsigned kNoClass = kMaxClasses;
  static constexpr std::size_t kMaxBytes = 65600;
  static constexpr std::size_t kMaxBlocks = 1024;  // in a slab: what its bitmap holds

  static const SizeClassTable& Default() noexcept;

  /**
   * Makes a table of `classes`: ascending; the first may be 8 bytes, the others multiples of 16 up to 1024
   * and of 64 above it, at most kMaxBytes; magazines of 1 to 1024. False when they are not.
   */
  static constexpr bool Build(std::span<const SizeClass> classes, SizeClassTable* table) noexcept;

  /**
   * How many pages, up to `most`, a slab of blocks of `bytes` should have: the most of those that lose hardly
   * more behind the last block than the best. At least what one block needs.
   */
  static constexpr std::size_t SlabPages(std::size_t bytes, std::size_t most) noexcept;

  unsigned count() const noexcept { return count_; }
  std::size_t maxBytes() const noexcept { return maxBytes_; }
  const SizeClassLayout& operator[](unsigned index) const noexcept { return classes_[index]; }

  /** The smallest class for `size` at malloc's own alignment (8 bytes up to 8, else 16); kNoClass above the
   * table. */
  unsigned ClassFor(std::size_t size) const noexcept {
    if (size <= kFineBytes) [[likely]]
      return Read(fine_[(size + kFineStep - 1) / kFineStep]);
    if (size <= maxBytes_) return Read(coarse_[(size - kFineBytes - 1) / kCoarseStep]);
    return kNoClass;
  }
  /**
   * For a heap that is not told sizes at free, of which nobody knows whether it will be large: leaves the
   * classes up to kCoarsenedBytes to each third or so, because each that is used takes a page at least.
   * Refine() gives the sizes that were left to a class their own ones back; threads may ask meanwhile.
   */
  void Coarsen() noexcept;
  void Refine(unsigned index) noexcept;

  /** The same at an alignment, 0 or a power of two; kNoClass as well where no class is so aligned. */
  unsigned ClassFor(std::size_t size, std::size_t alignment) const noexcept {
    return alignment <= 8 ? ClassFor(size) : ClassForAligned(size, alignment);
  }

 private:
  static constexpr std::size_t kFineBytes = 1024;
  static constexpr std::size_t kFineStep = 8;
  static constexpr std::size_t kCoarseStep = 64;
  static constexpr std::size_t kSlabBytes = std::size_t{64} << 10;
  static constexpr std::size_t kMinBlocks = 4;

  static constexpr std::size_t kCoarsenedBytes = 4096;

  static unsigned Read(const std::uint8_t& entry) noexcept {
    return __atomic_load_n(&entry, __ATOMIC_RELAXED);
  }
  constexpr std::uint8_t SmallestFor(std::size_t size) const noexcept {
    unsigned index = 0;
    while (index < count_ && classes_[index].bytes < size) ++index;
    return static_cast<std::uint8_t>(index < count_ ? index : kNoClass);
  }
  /** Calls visit(entry, largest size of it) for each entry of both maps. */
  template <class Visit>
  constexpr void ForEachEntry(Visit visit) noexcept {
    for (std::size_t i = 0; i < fine_.size(); ++i) visit(fine_[i], i * kFineStep);
    for (std::size_t i = 0; i < coarse_.size(); ++i) visit(coarse_[i], kFineBytes + (i + 1) * kCoarseStep);
  }

  static constexpr SizeClassLayout LayOut(const SizeClass& sizeClass) noexcept;
  unsigned ClassForAligned(std::size_t size, std::size_t alignment) const noexcept;

  std::array<std::uint8_t, kFineBytes / kFineStep + 1> fine_{};
  std::array<std::uint8_t, (kMaxBytes - kFineBytes) / kCoarseStep> coarse_{};
  unsigned count_ = 0;
  std::size_t maxBytes_ = 0;
  std::array<SizeClassLayout, kMaxClasses> classes_{};
};

constexpr std::size_t SizeClassTable::SlabPages(std::size_t bytes, std::size_t most) noexcept {
  constexpr std::size_t kOne = 1024;
  constexpr std::size_t kHardlyMore = kOne / 64;
  const std::size_t least = (bytes + kPageBytes - 1) / kPageBytes;
  const auto lossOf = [&](std::size_t pages) {
    const std::size_t all = pages * kPageBytes;
    return all % bytes * kOne / all;
  };
  std::size_t smallest = kOne;
  for (std::size_t pages = least; pages <= most; ++pages) {
    const std::size_t loss = lossOf(pages);
    smallest = loss < smallest ? loss : smallest;
  }
  for (std::size_t pages = most; pages > least; --pages) {
    if (lossOf(pages) <= smallest + kHardlyMore) return pages;
  }
  return least;
}

constexpr SizeClassLayout SizeClassTable::LayOut(const SizeClass& sizeClass) noexcept {
  const std::size_t bytes = sizeClass.bytes;
  // About 64 KiB, some blocks at least, no more than a bitmap holds; whole pages, then whatever fits into
  // them.
  std::size_t blocks = kSlabBytes / bytes;
  blocks = blocks < kMinBlocks ? kMinBlocks : blocks > kMaxBlocks ? kMaxBlocks : blocks;
  const std::size_t pages = SlabPages(bytes, (blocks * bytes + kPageBytes - 1) / kPageBytes);
  blocks = pages * kPageBytes / bytes < kMaxBlocks ? pages * kPageBytes / bytes : kMaxBlocks;
  const std::uint64_t one = std::uint64_t{1} << 32;
  return {sizeClass.bytes, static_cast<std::uint32_t>((one + bytes - 1) / bytes), sizeClass.magazine,
          static_cast<std::uint16_t>(blocks), static_cast<std::uint16_t>(pages)};
}

constexpr bool SizeClassTable::Build(std::span<const SizeClass> classes, SizeClassTable* table) noexcept {
  if (classes.empty() || classes.size() > kMaxClasses) return false;
  std::size_t previous = 0;
  for (const SizeClass& row : classes) {
    const std::size_t step = row.bytes <= kFineBytes ? 16 : kCoarseStep;
    const bool tiny = previous == 0 && row.bytes == 8;
    if (row.bytes <= previous || row.bytes > kMaxBytes || (!tiny && row.bytes % step != 0)) return false;
    if (row.magazine == 0 || row.magazine > 1024) return false;
    previous = row.bytes;
  }
  *table = SizeClassTable();
  table->count_ = static_cast<unsigned>(classes.size());
  table->maxBytes_ = previous;
  for (std::size_t i = 0; i < classes.size(); ++i) table->classes_[i] = LayOut(classes[i]);
  table->ForEachEntry([&](std::uint8_t& entry, std::size_t size) { entry = table->SmallestFor(size); });
  return true;
}

}  // namespace rmem
