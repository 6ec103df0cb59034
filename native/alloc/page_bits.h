#pragma once

#include <algorithm>
#include <cstdint>

namespace rmem {

/** Calls visit(word index, bits of that word) for the words that a run of bits spans. */
template <class Visit>
void ForEachWord(std::uint32_t first, std::uint32_t end, Visit visit) noexcept {
  while (first < end) {
    const std::uint32_t bit = first % 64;
    const std::uint32_t count = std::min(64 - bit, end - first);
    const std::uint64_t ones = count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
    visit(first / 64, ones << bit);
    first += count;
  }
}

}  // namespace rmem
