// What large objects cost: times of single operations and memory held, for a fit of ours or the malloc of the
// process (a preloaded one is measured as well as any). Prints one JSON line.
//
//   large_bench best|first|worst|malloc reuse
//     an object of 256 KiB to 8 MiB is allocated and freed again, with others around it: the worst median of
//     a size, in ns a pair
//   large_bench … live REGIONS OPERATIONS
//     so many regions of 1 to 16 pages, not touched, then random frees and allocations: percentiles of one
//     operation in ns
//   large_bench … refill BYTES
//     touched objects of 256 KiB to 8 MiB; a random half of the bytes is freed, and refilled with other
//     sizes: resident bytes over live ones

#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string_view>
#include <vector>

#include "alloc/large.h"
#include "base/clock.h"
#include "os/process_memory.h"

namespace {

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;

[[noreturn]] void Fail(const char* why) {
  std::fprintf(stderr, "large_bench: %s\n", why);
  std::exit(1);
}

class Subject {
 public:
  explicit Subject(std::string_view name) {
    if (name == "malloc") return;
    rmem::PageHeapConfig config;
    if (name == "best") {
      config.fit = rmem::Fit::kBest;
    } else if (name == "first") {
      config.fit = rmem::Fit::kFirst;
    } else if (name == "worst") {
      config.fit = rmem::Fit::kWorst;
    } else {
      Fail("the allocator is one of best, first, worst, malloc");
    }
    if (!pages_.Init(config)) Fail("the system grants no address space");
    large_.Init(&pages_);
    ours_ = true;
  }

  void* Allocate(std::size_t bytes) {
    void* p = ours_ ? large_.Allocate(bytes, 0, false) : std::malloc(bytes);
    if (p == nullptr) Fail("out of memory");
    return p;
  }
  void Free(void* p, std::size_t bytes) {
    if (ours_) {
      large_.Free(p, bytes, 0);
    } else {
      std::free(p);
    }
  }

 private:
  bool ours_ = false;
  rmem::PageHeap pages_;
  rmem::LargeObjects large_;
};

struct Object {
  void* p;
  std::size_t bytes;
};

void TouchPages(const Object& object) {
  for (std::size_t at = 0; at < object.bytes; at += rmem::kPageBytes)
    static_cast<volatile char*>(object.p)[at] = 1;
}

double At(std::vector<double>& values, double part) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

void Reuse(Subject& subject) {
  const rmem::OperationClock clock = rmem::OperationClock::Calibrate();
  std::mt19937_64 random(1);
  std::vector<Object> others;
  for (int i = 0; i < 200; ++i) {
    const std::size_t bytes = 64 * kKiB + random() % (512 * kKiB);
    others.push_back({subject.Allocate(bytes), bytes});
  }
  for (std::size_t i = 0; i < others.size(); i += 3) subject.Free(others[i].p, others[i].bytes);
  double worst = 0;
  for (const std::size_t bytes :
       {256 * kKiB, 300 * kKiB, 512 * kKiB, kMiB, 2 * kMiB, 3 * kMiB, 4 * kMiB, 8 * kMiB}) {
    std::vector<double> took(2000);
    for (double& ns : took) {
      const std::uint64_t start = clock.Before();
      void* p = subject.Allocate(bytes);
      subject.Free(p, bytes);
      ns = static_cast<double>(clock.After() - start) * clock.nsPerTick() - clock.costNs();
    }
    worst = std::max(worst, At(took, 0.5));
  }
  std::printf("{\"reuseNs\":%.1f}\n", worst);
}

void Live(Subject& subject, std::size_t regions, std::size_t operations) {
  const rmem::OperationClock clock = rmem::OperationClock::Calibrate();
  std::mt19937_64 random(2);
  std::vector<Object> objects(regions);
  std::vector<double> took;
  took.reserve(regions + 2 * operations);
  const auto allocate = [&](Object& object) {
    const std::size_t bytes = (1 + random() % 16) * rmem::kPageBytes;
    const std::uint64_t start = clock.Before();
    void* p = subject.Allocate(bytes);
    took.push_back(static_cast<double>(clock.After() - start) * clock.nsPerTick());
    object = {p, bytes};
  };
  for (Object& object : objects) allocate(object);
  // The times of a heap that only grows are left out: they are better than those that follow.
  took.clear();
  for (std::size_t i = 0; i < operations; ++i) {
    // A few are free at any time, so that holes meet.
    Object& object = objects[random() % regions];
    if (object.p == nullptr) {
      allocate(object);
      continue;
    }
    const std::uint64_t start = clock.Before();
    subject.Free(object.p, object.bytes);
    took.push_back(static_cast<double>(clock.After() - start) * clock.nsPerTick());
    object.p = nullptr;
    Object& other = objects[random() % regions];
    if (other.p == nullptr || random() % 4 != 0) allocate(other.p == nullptr ? other : object);
  }
  std::printf("{\"p50Ns\":%.1f,\"p99Ns\":%.1f,\"p999Ns\":%.1f,\"maxNs\":%.1f}\n", At(took, 0.5),
              At(took, 0.99), At(took, 0.999), At(took, 1));
}

void Refill(Subject& subject, std::size_t wanted) {
  std::mt19937_64 random(3);
  rmem::ProcessMemory memory;
  rmem::MemoryReading before, after;
  if (!memory.Read(&before)) Fail("/proc does not tell how much memory is resident");
  const std::uint64_t start = rmem::MonotonicNs();
  std::vector<Object> objects;
  objects.reserve(wanted / (256 * kKiB) * 2);
  std::size_t live = 0;
  const auto fill = [&](auto size) {
    while (live < wanted) {
      const std::size_t bytes = size();
      objects.push_back({subject.Allocate(bytes), bytes});
      TouchPages(objects.back());
      live += bytes;
    }
  };
  fill([&] { return 256 * kKiB << random() % 6; });
  std::shuffle(objects.begin(), objects.end(), random);
  while (live > wanted / 2) {
    subject.Free(objects.back().p, objects.back().bytes);
    live -= objects.back().bytes;
    objects.pop_back();
  }
  fill([&] { return 256 * kKiB + random() % (7 * kMiB); });
  const double seconds = static_cast<double>(rmem::MonotonicNs() - start) * 1e-9;
  if (!memory.Read(&after)) Fail("/proc does not tell how much memory is resident");
  const std::uint64_t resident = after.bytes - before.bytes;
  std::printf("{\"residentBytes\":%" PRIu64 ",\"liveBytes\":%zu,\"hugeBytes\":%" PRIu64
              ",\"seconds\":%.2f}\n",
              resident, live, after.hugeBytes, seconds);
}

}  // namespace

int main(int count, char** words) {
  const auto number = [&](int index) -> std::size_t {
    if (count <= index) Fail("a number is missing");
    return std::strtoull(words[index], nullptr, 10);
  };
  if (count < 3) Fail("usage: large_bench best|first|worst|malloc reuse|live|refill [number…]");
  static Subject subject(words[1]);
  const std::string_view part = words[2];
  if (part == "reuse") {
    Reuse(subject);
  } else if (part == "live") {
    Live(subject, number(3), number(4));
  } else if (part == "refill") {
    Refill(subject, number(3));
  } else {
    Fail("the part is one of reuse, live, refill");
  }
  return 0;
}
