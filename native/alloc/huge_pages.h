#pragma once

#include <cstdint>

#include "alloc/lazy_table.h"
#include "alloc/page_run.h"
#include "os/pages.h"

namespace rmem {

/** Which huge pages of a page heap are advised: a bit each. Not synchronised. */
class HugePages {
 public:
  static constexpr std::uint32_t kPages = kHugePageBytes / kPageBytes;

  /** For `pages` pages from `base`, which is aligned to huge pages. */
  bool Init(std::uintptr_t base, std::uint32_t pages) noexcept;
  void Destroy() noexcept { advised_.Release(); }

  /** Advises the whole huge pages within a run, unless the system refuses. */
  void Advise(PageRun run) noexcept;
  /** Takes the advice back from those that a run touches. */
  void Withdraw(PageRun run) noexcept;
  /** The run without the parts of advised huge pages that reach beyond it; may be empty. */
  PageRun WholeOnly(PageRun run) const noexcept;

  std::uint64_t advised() const noexcept { return count_; }

 private:
  bool IsAdvised(std::uint32_t huge) const noexcept { return (advised_[huge / 64] >> (huge % 64) & 1) != 0; }
  template <class Change>
  void ForEachStretch(std::uint32_t first, std::uint32_t end, bool advised, Change change) noexcept;

  std::uintptr_t base_ = 0;
  LazyTable<std::uint64_t> advised_;
  std::uint64_t count_ = 0;
};

}  // namespace rmem
