// What the operations of a plan cost when a person writes the loop: the check of `net` in our own
// measurements. Prints one JSON line. Usage: handloop_bench --plan FILE [--warm PASSES]
//
// The plan must have one stream. Its operations are put into an array of our own first; malloc is this
// process's, and the first bytes and pages of blocks are written as with --touch page.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

#include "replay/block_operation.h"
#include "replay/plan_file.h"

namespace {

enum class Call : std::uint32_t { kMalloc, kCalloc, kAligned, kRealloc, kFree };

struct Operation {
  Call call;
  std::uint32_t slot;
  std::uint32_t size;
  std::uint32_t other;  // old size of a realloc, alignment of an aligned malloc
};

[[noreturn]] void Fail(const char* why) {
  std::fprintf(stderr, "handloop_bench: %s\n", why);
  std::exit(1);
}

double NowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

void TouchFrom(char* start, std::size_t bytes) {
  if (bytes == 0) return;
  *static_cast<volatile char*>(start) = 1;
  const auto first = reinterpret_cast<std::uintptr_t>(start);
  const std::uintptr_t last = first + bytes - 1;
  for (std::uintptr_t page = (first | 4095) + 1; page <= last; page += 4096) {
    *reinterpret_cast<volatile char*>(std::min(page + page / 4096 % 64 * 64, last)) = 1;
  }
}

/** The operations of the plan's only stream, all in memory; `events` becomes how many there are to count. */
std::vector<Operation> ReadOperations(const rmem::PlanFile& plan, std::uint64_t* events) {
  if (plan.header().streamCount != 1) Fail("the plan has more than one stream");
  if (plan.header().events[rmem::kOpening] + plan.header().events[rmem::kClosing] != 0)
    Fail("the plan has an opening");
  *events = plan.header().events[rmem::kMeasured] + plan.header().impliedFrees[rmem::kMeasured];
  std::vector<Operation> operations;
  for (const rmem::Instruction& at : plan.instructions(0)) {
    if (at.op >= rmem::Op::kWideAlloc && at.op <= rmem::Op::kWideRealloc)
      Fail("the plan has blocks over 4 GiB");
    if (at.op > rmem::Op::kRealloc) continue;  // transactions and threads cost malloc nothing
    const rmem::BlockOperation block = rmem::Decode(at, nullptr);
    Operation operation{Call::kFree, block.slot, static_cast<std::uint32_t>(block.size), 0};
    switch (block.verb) {
      case rmem::BlockVerb::kAlloc:
        operation.call = block.zeroed ? Call::kCalloc : block.alignment != 0 ? Call::kAligned : Call::kMalloc;
        operation.other = static_cast<std::uint32_t>(block.alignment);
        break;
      case rmem::BlockVerb::kRealloc:
        operation.call = Call::kRealloc;
        operation.other = static_cast<std::uint32_t>(block.oldSize);
        break;
      default:
        break;
    }
    operations.push_back(operation);
  }
  return operations;
}

void WithMalloc(const std::vector<Operation>& operations, void** slots) {
  for (const Operation& at : operations) {
    void*& slot = slots[at.slot];
    if (at.call == Call::kFree) {
      std::free(slot);
    } else if (at.call == Call::kMalloc) {
      slot = std::malloc(at.size);
      TouchFrom(static_cast<char*>(slot), at.size);
    } else if (at.call == Call::kRealloc) {
      slot = std::realloc(slot, at.size == 0 ? 1 : at.size);
      if (at.size > at.other) TouchFrom(static_cast<char*>(slot) + at.other, at.size - at.other);
    } else if (at.call == Call::kCalloc) {
      slot = std::calloc(1, at.size);
      TouchFrom(static_cast<char*>(slot), std::min<std::size_t>(at.size, 1));
    } else {
      if (posix_memalign(&slot, std::max<std::size_t>(at.other, sizeof(void*)), at.size) != 0)
        Fail("no memory");
      TouchFrom(static_cast<char*>(slot), at.size);
    }
  }
}

/** The same without calls and touches: what the loop costs by itself. */
void WithNothing(const std::vector<Operation>& operations, void** slots) {
  for (const Operation& at : operations) {
    void*& slot = slots[at.slot];
    if (at.call == Call::kFree) {
      asm volatile("" : : "r"(slot));
    } else {
      void* block = slot;
      asm volatile("" : "+r"(block) : "r"(at.size), "r"(at.other));
      slot = block;
    }
  }
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  std::string path;
  int warm = 10;
  for (int at = 1; at + 1 < argc; at += 2) {
    if (std::strcmp(argv[at], "--plan") == 0) {
      path = argv[at + 1];
    } else if (std::strcmp(argv[at], "--warm") == 0) {
      warm = std::atoi(argv[at + 1]);
    } else {
      Fail("usage: handloop_bench --plan FILE [--warm PASSES]");
    }
  }
  if (path.empty() || warm < 1) Fail("usage: handloop_bench --plan FILE [--warm PASSES]");

  const rmem::PlanFile plan = rmem::PlanFile::Open(path);
  std::uint64_t events = 0;
  const std::vector<Operation> operations = ReadOperations(plan, &events);
  std::vector<void*> slots(plan.header().slotCount);
  std::vector<double> withMalloc, withNothing;
  for (int pass = 0; pass <= warm; ++pass) {  // the first one is cold, and not counted
    double since = NowNs();
    WithMalloc(operations, slots.data());
    const double mallocNs = NowNs() - since;
    for (const rmem::PlanLeftover& leftover : plan.leftovers()) std::free(slots[leftover.slot]);
    since = NowNs();
    WithNothing(operations, slots.data());
    if (pass == 0) continue;
    withNothing.push_back(NowNs() - since);
    withMalloc.push_back(mallocNs);
  }
  const double count = static_cast<double>(events);
  std::printf("{\"events\":%llu,\"rawNsPerEvent\":%.3f,\"loopNsPerEvent\":%.3f,\"netNsPerEvent\":%.3f}\n",
              static_cast<unsigned long long>(events), Median(withMalloc) / count,
              Median(withNothing) / count, (Median(withMalloc) - Median(withNothing)) / count);
}
