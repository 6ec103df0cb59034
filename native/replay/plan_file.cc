#include "replay/plan_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "replay/plan_check.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

TraceError Unreadable(const char* what) {
  return TraceError("io", std::string("the plan can't be ") + what + ": " + std::strerror(errno));
}

}  // namespace

PlanFile PlanFile::Open(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw Unreadable("opened");
  struct stat status;
  if (fstat(file, &status) != 0) {
    close(file);
    throw Unreadable("examined");
  }
  const std::size_t size = static_cast<std::size_t>(status.st_size);
  if (!S_ISREG(status.st_mode) || size < sizeof(PlanHeader)) {
    close(file);
    throw BadPlan("is no plan of this program");
  }
  void* bytes = mmap(nullptr, size, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);
  close(file);
  if (bytes == MAP_FAILED) throw Unreadable("mapped");

  PlanFile plan(static_cast<const std::byte*>(bytes), size);
  plan.CheckTables();
  CheckPlan(plan);
  return plan;
}

PlanFile::PlanFile(PlanFile&& other) noexcept
    : bytes_(std::exchange(other.bytes_, nullptr)), size_(std::exchange(other.size_, 0)) {}

PlanFile::~PlanFile() {
  if (bytes_ != nullptr) munmap(const_cast<std::byte*>(bytes_), size_);
}

std::span<const Instruction> PlanFile::instructions(std::uint32_t stream) const {
  const PlanStream& entry = streams()[stream];
  return Table<Instruction>(entry.offset,
                            entry.count[kOpening] + entry.count[kMeasured] + entry.count[kClosing]);
}

std::span<const PlanRun> PlanFile::runs() const {
  const std::uint64_t* count = header().runCount;
  return Table<PlanRun>(header().runsOffset, count[kOpening] + count[kMeasured] + count[kClosing]);
}

std::span<const PlanRun> PlanFile::runs(PlanSection section) const {
  const std::uint64_t* count = header().runCount;
  std::uint64_t before = 0;
  for (int i = 0; i < section; ++i) before += count[i];
  return runs().subspan(before, count[section]);
}

void PlanFile::CheckTable(std::uint64_t offset, std::uint64_t count, std::size_t entry,
                          const char* what) const {
  // 16 is the largest alignment of any entry.
  if (offset % 16 != 0 || offset > size_ || count > (size_ - offset) / entry) {
    throw BadPlan(std::string("has its ") + what + " outside the file");
  }
}

void PlanFile::CheckTables() const {
  const PlanHeader& head = header();
  if (head.magic != kPlanMagic) throw BadPlan("is no plan of this program");
  if (head.version != kPlanVersion) {
    throw BadPlan("has version " + std::to_string(head.version) + ", this program reads version " +
                  std::to_string(kPlanVersion));
  }
  if (head.fileBytes != size_) {
    throw BadPlan("should have " + std::to_string(head.fileBytes) + " bytes and has " +
                  std::to_string(size_));
  }
  const auto sum = [](const std::uint64_t* parts) {
    std::uint64_t total = 0;
    for (int i = 0; i < kSections; ++i) {
      if (__builtin_add_overflow(total, parts[i], &total)) throw BadPlan("has a count past 64 bits");
    }
    return total;
  };
  CheckTable(head.streamsOffset, head.streamCount, sizeof(PlanStream), "streams");
  CheckTable(head.runsOffset, sum(head.runCount), sizeof(PlanRun), "runs");
  CheckTable(head.wideOffset, head.wideCount, sizeof(WideOperands), "wide operands");
  CheckTable(head.leftoverOffset, head.leftoverCount, sizeof(PlanLeftover), "leftovers");
  CheckTable(head.openScopesOffset, head.openScopesCount, sizeof(std::uint32_t), "open scopes");
  CheckTable(head.windowsOffset, head.windowCount, sizeof(std::uint32_t), "windows");
  CheckTable(head.timesOffset, head.timesCount, sizeof(PlanTime), "times");
  std::uint64_t instructions = 0;
  for (const PlanStream& stream : streams()) {
    CheckTable(stream.offset, sum(stream.count), sizeof(Instruction), "instructions");
    instructions += sum(stream.count);
  }
  if (instructions != head.instructions) throw BadPlan("does not have the instructions it counts");
  // Each slot and scope is used by some instruction, so these can't ask for memory out of proportion.
  if (head.slotCount > instructions || head.scopeSlotCount > instructions) {
    throw BadPlan("asks for more slots than it has instructions");
  }
}

}  // namespace rmem
