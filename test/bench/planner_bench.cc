// Events a second through the planner, as one JSON line. Usage: planner_bench [EVENTS [THREADS [DIRECTORY]]]

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench_program.h"
#include "replay/planner.h"
#include "trace/generator.h"

namespace {

class Collect : public rmem::EventSink {
 public:
  void Consume(std::span<const rmem::Event> events) override {
    all.insert(all.end(), events.begin(), events.end());
  }
  void Finish() override {}
  std::vector<rmem::Event> all;
};

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t wanted = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 4'000'000;
  const auto threads = static_cast<std::uint32_t>(argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 0);
  const std::string directory = argc > 3 ? argv[3] : "/tmp";

  rmem::TraceInfo info;
  Collect events;
  rmem::WorkloadGenerator generator(rmem::BenchProgram(wanted), info, events);
  while (generator.Step(1 << 16)) {
  }

  const std::string path = directory + "/planner-bench-" + std::to_string(getpid());
  const auto begin = std::chrono::steady_clock::now();
  rmem::Planner planner({path, directory, threads, false}, info.names);
  planner.Consume(events.all);
  planner.Finish();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  unlink(path.c_str());
  std::printf("{\"events\":%zu,\"streams\":%u,\"waits\":%llu,\"windows\":%llu,\"eventsPerSecond\":%.0f}\n",
              events.all.size(), planner.summary().streams,
              static_cast<unsigned long long>(planner.summary().waits),
              static_cast<unsigned long long>(planner.summary().windows),
              static_cast<double>(events.all.size()) / took.count());
}
