#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "replay/plan.h"

namespace rmem {

/**
 * A plan, mapped read-only with all its pages in memory.
 *
 * Throws TraceError: `io` where the file can't be read, `bad-plan` where it is not a plan or damaged. After
 * Open every table lies inside the file, and everything that PlanCheck promises holds.
 */
class PlanFile {
 public:
  static PlanFile Open(const std::string& path);
  ~PlanFile();
  PlanFile(PlanFile&& other) noexcept;
  PlanFile& operator=(PlanFile&&) = delete;

  const PlanHeader& header() const { return *reinterpret_cast<const PlanHeader*>(bytes_); }
  std::span<const PlanStream> streams() const {
    return Table<PlanStream>(header().streamsOffset, header().streamCount);
  }
  std::span<const Instruction> instructions(std::uint32_t stream) const;
  /** The runs of all sections, one section after another. */
  std::span<const PlanRun> runs() const;
  std::span<const PlanRun> runs(PlanSection section) const;
  const WideOperands* wide() const {
    return Table<WideOperands>(header().wideOffset, header().wideCount).data();
  }
  std::span<const PlanLeftover> leftovers() const {
    return Table<PlanLeftover>(header().leftoverOffset, header().leftoverCount);
  }
  std::span<const std::uint32_t> openScopes() const {
    return Table<std::uint32_t>(header().openScopesOffset, header().openScopesCount);
  }
  std::span<const PlanTime> times() const {
    return Table<PlanTime>(header().timesOffset, header().timesCount);
  }
  std::span<const std::uint32_t> windows() const {
    return Table<std::uint32_t>(header().windowsOffset, header().windowCount);
  }

 private:
  PlanFile(const std::byte* bytes, std::size_t size) : bytes_(bytes), size_(size) {}
  void CheckTables() const;
  void CheckTable(std::uint64_t offset, std::uint64_t count, std::size_t entry, const char* what) const;
  template <class T>
  std::span<const T> Table(std::uint64_t offset, std::uint64_t count) const {
    return {reinterpret_cast<const T*>(bytes_ + offset), static_cast<std::size_t>(count)};
  }

  const std::byte* bytes_;
  std::size_t size_;
};

}  // namespace rmem
