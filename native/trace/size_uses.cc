#include "trace/size_uses.h"

#include <algorithm>

namespace rmem {

SizeUse SizeUses::Use(std::uint64_t size, const Entry& entry) const {
  const std::int64_t change = entry.peak == peaks_ ? entry.change : 0;
  const std::int64_t atPeak = static_cast<std::int64_t>(entry.live) - change;
  return {size, entry.births, atPeak < 0 ? 0 : static_cast<std::uint64_t>(atPeak)};
}

std::vector<SizeUse> SizeUses::All() const {
  std::vector<SizeUse> all;
  for (std::uint64_t size = 0; size <= kSmallSize; ++size) {
    if (small_[size].births != 0) all.push_back(Use(size, small_[size]));
  }
  const std::size_t small = all.size();
  for (const auto& [size, entry] : large_) all.push_back(Use(size, entry));
  std::sort(all.begin() + static_cast<std::ptrdiff_t>(small), all.end(),
            [](const SizeUse& a, const SizeUse& b) { return a.size < b.size; });
  return all;
}

std::vector<SizeCount> SizeUses::Top(std::size_t count) const {
  std::vector<SizeCount> top;
  for (const SizeUse& use : All()) top.push_back({use.size, use.births});
  const auto more = [](const SizeCount& a, const SizeCount& b) {
    return a.count != b.count ? a.count > b.count : a.size < b.size;
  };
  const std::size_t kept = std::min(count, top.size());
  std::partial_sort(top.begin(), top.begin() + static_cast<std::ptrdiff_t>(kept), top.end(), more);
  top.resize(kept);
  return top;
}

}  // namespace rmem
