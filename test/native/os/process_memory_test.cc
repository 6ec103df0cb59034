#include "os/process_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>

namespace rmem {
namespace {

constexpr std::size_t kBytes = std::size_t{32} << 20;

/** Mapped and touched; without huge pages, so that what it takes is what was touched. */
class Touched {
 public:
  explicit Touched(int sharing) {
    start_ = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);
    madvise(start_, kBytes, MADV_NOHUGEPAGE);
    std::memset(start_, 1, kBytes);
  }
  ~Touched() { munmap(start_, kBytes); }

 private:
  void* start_;
};

#if defined(__SANITIZE_THREAD__)
// ThreadSanitizer's notes on the memory are private memory themselves, four times as much.
#define RMEM_NEEDS_PLAIN_MEMORY() GTEST_SKIP() << "ThreadSanitizer takes memory of its own"
#else
#define RMEM_NEEDS_PLAIN_MEMORY() static_cast<void>(0)
#endif

std::uint64_t Growth(ProcessMemory& memory, int sharing) {
  MemoryReading before, after;
  EXPECT_TRUE(memory.Read(&before));
  const Touched touched(sharing);
  EXPECT_TRUE(memory.Read(&after));
  return after.bytes - before.bytes;
}

TEST(ProcessMemoryTest, CountsPrivateMemory) {
  RMEM_NEEDS_PLAIN_MEMORY();
  ProcessMemory memory;
  const double grown = static_cast<double>(Growth(memory, MAP_PRIVATE));
  EXPECT_EQ(memory.source(), MemorySource::kSmapsRollup);
  EXPECT_NEAR(grown, kBytes, kBytes * 0.01);
}

TEST(ProcessMemoryTest, LeavesSharedMappingsOut) {
  RMEM_NEEDS_PLAIN_MEMORY();
  ProcessMemory memory;
  EXPECT_LT(Growth(memory, MAP_SHARED), kBytes / 20);
}

TEST(ProcessMemoryTest, GoesOnWithCountersWhenReadingIsSlow) {
  RMEM_NEEDS_PLAIN_MEMORY();
  ProcessMemory memory(/*slowNs=*/0);
  MemoryReading reading;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(memory.Read(&reading));
  EXPECT_TRUE(reading.knowsHugeBytes);
  ASSERT_EQ(memory.source(), MemorySource::kStatus);
  ASSERT_TRUE(memory.Read(&reading));
  EXPECT_FALSE(reading.knowsHugeBytes);
  EXPECT_NEAR(static_cast<double>(Growth(memory, MAP_PRIVATE)), kBytes, kBytes * 0.05);
  EXPECT_LT(Growth(memory, MAP_SHARED), kBytes / 20);
}

TEST(ProcessMemoryTest, FindsWholeNamesOnly) {
  const char* text = "Rss:   12 kB\nAnonymous:      345 kB\nAnonHugePages:  2048 kB\nSwapPss: 7 kB\n";
  std::uint64_t bytes = 0;
  EXPECT_TRUE(FindKilobytes(text, "Anonymous", &bytes));
  EXPECT_EQ(bytes, 345u * 1024);
  EXPECT_TRUE(FindKilobytes(text, "AnonHugePages", &bytes));
  EXPECT_EQ(bytes, 2048u * 1024);
  EXPECT_FALSE(FindKilobytes(text, "Swap", &bytes));
  EXPECT_FALSE(FindKilobytes("", "Swap", &bytes));
}

TEST(ProcessMemoryTest, CountsMinorFaults) {
  const std::uint64_t before = MinorFaults();
  const Touched touched(MAP_PRIVATE);
  EXPECT_GE(MinorFaults() - before, kBytes / 4096 / 2);
}

}  // namespace
}  // namespace rmem
