#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace rmem {

/** Insertions, deletions and replacements from one word to the other (Levenshtein); of words beyond 63 bytes
 * only their starts count. Allocates nothing. */
inline unsigned EditDistance(std::string_view a, std::string_view b) noexcept {
  constexpr std::size_t kMax = 63;
  const std::size_t rows = std::min(a.size(), kMax);
  const std::size_t columns = std::min(b.size(), kMax);
  unsigned char row[kMax + 1];
  for (std::size_t j = 0; j <= columns; ++j) row[j] = static_cast<unsigned char>(j);
  for (std::size_t i = 1; i <= rows; ++i) {
    unsigned char diagonal = row[0];
    row[0] = static_cast<unsigned char>(i);
    for (std::size_t j = 1; j <= columns; ++j) {
      const int replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = static_cast<unsigned char>(std::min({replaced, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row[columns];
}

}  // namespace rmem
