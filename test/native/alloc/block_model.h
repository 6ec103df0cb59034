#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>

#include "os/pages.h"

namespace rmem {

/** What a test knows of a block it holds: enough to tell whether anybody else wrote into it. */
struct TestBlock {
  unsigned char* p = nullptr;
  std::size_t size = 0;
  std::size_t alignment = 0;
  std::uint64_t seed = 0;
};

inline unsigned char PatternByte(std::uint64_t seed, std::size_t offset) {
  return static_cast<unsigned char>((seed * 0x9e3779b97f4a7c15 + offset * 131) >> 24 ^ offset);
}

/** Whole small blocks; of large ones both ends and a byte a page, so that sanitized runs stay short. */
template <class Visit>
void ForEachChecked(std::size_t size, Visit visit) {
  if (size <= 2048) {
    for (std::size_t i = 0; i < size; ++i) visit(i);
    return;
  }
  for (std::size_t i = 0; i < 64; ++i) visit(i);
  for (std::size_t i = 64 + size % 509; i < size - 64; i += 1021) visit(i);
  for (std::size_t i = size - 64; i < size; ++i) visit(i);
}

inline void Fill(const TestBlock& block) {
  ForEachChecked(block.size, [&](std::size_t i) { block.p[i] = PatternByte(block.seed, i); });
}

/** True when the first `bytes` bytes are what Fill wrote. */
inline bool Holds(const TestBlock& block, std::size_t bytes) {
  bool same = true;
  ForEachChecked(block.size,
                 [&](std::size_t i) { same &= i >= bytes || block.p[i] == PatternByte(block.seed, i); });
  return same;
}

inline bool Holds(const TestBlock& block) {
  return Holds(block, block.size);
}

inline bool IsZero(const TestBlock& block) {
  bool zero = true;
  ForEachChecked(block.size, [&](std::size_t i) { zero &= block.p[i] == 0; });
  return zero;
}

inline bool IsAligned(const TestBlock& block) {
  const std::size_t alignment = block.alignment != 0 ? block.alignment : block.size <= 8 ? 8 : 16;
  return reinterpret_cast<std::uintptr_t>(block.p) % alignment == 0;
}

/** Sizes of every kind: mostly small, some at the borders between allocators, a few large. */
inline std::size_t RandomSize(std::mt19937_64& random) {
  switch (random() % 16) {
    case 0:
      return random() % 9;
    case 1:
      return 4096 - 16 + random() % 32;
    case 2:
      return 65600 - 64 + random() % 128;
    case 3:
      return random() % 40000;
    case 4:
      return random() % 8 == 0 ? (std::size_t{256} << 10) - 32 + random() % 64 : random() % 5000;
    case 5:
      return random() % 32 == 0 ? random() % (std::size_t{5} << 20) : random() % 300;
    default:
      return random() % 600;
  }
}

inline std::size_t RandomAlignment(std::mt19937_64& random) {
  if (random() % 8 != 0) return 0;
  return std::size_t{1} << random() % (random() % 16 == 0 ? 22 : 13);
}

/** Makes `PageCall`s fail for as long as it lives. */
class FailingPages {
 public:
  explicit FailingPages(PageFailureHook hook) { SetPageFailureHook(hook); }
  ~FailingPages() { SetPageFailureHook(nullptr); }
  FailingPages(const FailingPages&) = delete;
  FailingPages& operator=(const FailingPages&) = delete;
};

}  // namespace rmem
