#pragma once

#include <cstdint>

namespace rmem {

/** A number of pages from a first one, counted from the start of a page heap. */
struct PageRun {
  std::uint32_t first = 0;
  std::uint32_t pages = 0;

  std::uint32_t end() const noexcept { return first + pages; }
  bool operator==(const PageRun&) const = default;
};

/** A priority for treaps: unrelated to the page, and another one for each page. */
constexpr std::uint32_t MixPage(std::uint32_t page) noexcept {
  page ^= page >> 16;
  page *= 0x7feb352d;
  page ^= page >> 15;
  page *= 0x846ca68b;
  return page ^ page >> 16;
}

}  // namespace rmem
