#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cstdint>
#include <vector>

/**
 * The program that scripts/bench-record.ts runs with and without the recorder: pairs of malloc and free of
 * the sizes a database asks for, from so many threads. Prints ns a pair, of the slowest thread.
 *
 * record_bench PAIRS THREADS
 */

namespace {

std::uint64_t NowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

struct Work {
  std::uint64_t pairs;
  double nsAPair;
};

void* Run(void* argument) {
  auto& work = *static_cast<Work*>(argument);
  constexpr std::size_t kSizes[] = {24, 40, 64, 96, 128, 200, 256, 320};
  void* volatile kept[64] = {};
  const std::uint64_t start = NowNs();
  for (std::uint64_t i = 0; i < work.pairs; ++i) {
    void* volatile& slot = kept[(i * 7) % 64];
    free(slot);
    slot = malloc(kSizes[i % 8]);
  }
  work.nsAPair = static_cast<double>(NowNs() - start) / static_cast<double>(work.pairs);
  for (void* block : kept) free(block);
  return nullptr;
}

}  // namespace

int main(int count, char** words) {
  const std::uint64_t pairs = count > 1 ? strtoull(words[1], nullptr, 10) : 10'000'000;
  const std::size_t threads = count > 2 ? strtoull(words[2], nullptr, 10) : 1;
  std::vector<Work> work(threads, Work{pairs, 0});
  std::vector<pthread_t> ids(threads);
  for (std::size_t i = 0; i < threads; ++i) pthread_create(&ids[i], nullptr, Run, &work[i]);
  for (pthread_t id : ids) pthread_join(id, nullptr);
  double slowest = 0;
  for (const Work& one : work) slowest = one.nsAPair > slowest ? one.nsAPair : slowest;
  printf("%.3f\n", slowest);
  return 0;
}
