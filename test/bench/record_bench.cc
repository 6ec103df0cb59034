#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <vector>

/**
 * The program that scripts/bench-record.ts runs with and without the recorder: pairs of malloc and free of
 * the sizes a database asks for, from so many threads.
 *
 *   record_bench BURSTS THREADS PAUSE_US
 *
 * With a pause, between bursts that fit into a ring, nobody waits for the collector: what is left is the cost
 * on the way of an event. Without one the collector has to keep up. Prints, of the slowest thread, the ns a
 * pair of the median burst and of all bursts together.
 */

namespace {

constexpr std::uint64_t kPairsABurst = 4000;

std::uint64_t NowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

struct Work {
  std::size_t bursts;
  long pauseUs;
  double median;
  double mean;
};

void* Run(void* argument) {
  auto& work = *static_cast<Work*>(argument);
  constexpr std::size_t kSizes[] = {24, 40, 64, 96, 128, 200, 256, 320};
  void* volatile kept[64] = {};
  std::vector<std::uint64_t> took(work.bursts);
  for (std::uint64_t& ns : took) {
    const std::uint64_t start = NowNs();
    for (std::uint64_t i = 0; i < kPairsABurst; ++i) {
      void* volatile& slot = kept[(i * 7) % 64];
      free(slot);
      slot = malloc(kSizes[i % 8]);
    }
    ns = NowNs() - start;
    if (work.pauseUs == 0) continue;
    const timespec pause{0, work.pauseUs * 1000};
    nanosleep(&pause, nullptr);
  }
  for (void* block : kept) free(block);
  double sum = 0;
  for (const std::uint64_t ns : took) sum += static_cast<double>(ns);
  work.mean = sum / static_cast<double>(took.size() * kPairsABurst);
  const auto middle = took.begin() + static_cast<std::ptrdiff_t>(took.size() / 2);
  std::nth_element(took.begin(), middle, took.end());
  work.median = static_cast<double>(*middle) / static_cast<double>(kPairsABurst);
  return nullptr;
}

}  // namespace

int main(int count, char** words) {
  const auto number = [&](int index, std::uint64_t otherwise) {
    return count > index ? strtoull(words[index], nullptr, 10) : otherwise;
  };
  const std::size_t threads = number(2, 1);
  std::vector<Work> work(threads, Work{number(1, 500), static_cast<long>(number(3, 0)), 0, 0});
  std::vector<pthread_t> ids(threads);
  if (threads == 1) {
    Run(work.data());  // a program that has never had a second
  } else {
    for (std::size_t i = 0; i < threads; ++i) pthread_create(&ids[i], nullptr, Run, &work[i]);
    for (pthread_t id : ids) pthread_join(id, nullptr);
  }
  double median = 0, mean = 0;
  for (const Work& one : work) {
    median = std::max(median, one.median);
    mean = std::max(mean, one.mean);
  }
  printf("%.3f %.3f\n", median, mean);
  return 0;
}
