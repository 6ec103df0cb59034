#include "alloc/huge_pages.h"

#include <algorithm>

namespace rmem {

bool HugePages::Init(std::uintptr_t base, std::uint32_t pages) noexcept {
  base_ = base;
  const std::size_t words = pages / kPages / 64 + 1;
  return advised_.Reserve(words) && advised_.Grow(words);
}

// Calls change(first, end) for each stretch of huge pages that are (or are not) advised, and flips those for
// which it returns true. One call of the system a stretch: an object may have hundreds.
template <class Change>
void HugePages::ForEachStretch(std::uint32_t first, std::uint32_t end, bool advised, Change change) noexcept {
  while (first < end) {
    if (IsAdvised(first) != advised) {
      ++first;
      continue;
    }
    std::uint32_t last = first;
    while (last < end && IsAdvised(last) == advised) ++last;
    if (change(reinterpret_cast<void*>(base_ + std::uintptr_t{first} * kHugePageBytes),
               (last - first) * kHugePageBytes)) {
      for (std::uint32_t huge = first; huge < last; ++huge)
        advised_[huge / 64] ^= std::uint64_t{1} << (huge % 64);
      count_ += advised ? std::uint64_t{first} - last : last - first;
    }
    first = last;
  }
}

void HugePages::Advise(PageRun run) noexcept {
  ForEachStretch((run.first + kPages - 1) / kPages, run.end() / kPages, false,
                 [](void* start, std::size_t bytes) { return AdviseHugePages(start, bytes, true); });
}

void HugePages::Withdraw(PageRun run) noexcept {
  if (count_ == 0) return;
  ForEachStretch(run.first / kPages, (run.end() - 1) / kPages + 1, true,
                 [](void* start, std::size_t bytes) { return AdviseHugePages(start, bytes, false); });
}

PageRun HugePages::WholeOnly(PageRun run) const noexcept {
  if (count_ == 0) return run;
  std::uint32_t first = run.first;
  std::uint32_t end = run.end();
  if (first % kPages != 0 && IsAdvised(first / kPages)) first = (first / kPages + 1) * kPages;
  if (end % kPages != 0 && IsAdvised(end / kPages)) end = end / kPages * kPages;
  return first < end ? PageRun{first, end - first} : PageRun{};
}

}  // namespace rmem
