#pragma once

#include <string>

#include "trace/workload_program.h"

namespace rmem {

/**
 * A small load for benchmarks of other things: transactions of some rows that die one by one, some that die
 * with them, versions that epochs free, savepoints; four threads.
 */
inline WorkloadProgram BenchProgram(std::uint64_t events) {
  WorkloadProgram program = ParseWorkloadProgram(R"({
    "name": "bench", "events": 1, "threads": 4, "paceNs": 200,
    "kinds": ["row", "lock", "version"], "types": ["order", "savepoint"], "marks": ["start", "stop"],
    "distributions": [[1, 1,1,4294967295,0], [8, 6,58,4294967295,0], [1, 4,9,4294967295,0],
                      [64, 1,1,4294967295,0], [64, 3,1,4294967295,0], [1, 0,1,4294967295,0]],
    "code": [[3,0,0,2,6,0,0,0], [0,0,0,1,2,1,0,0], [1,0,0,2,0,0,0,0], [0,0,1,3,0,0,0,0],
             [0,0,2,4,0,2,0,0], [11,0,0,0,0,0,0,0],
             [4,0,1,80000,10,0,0,0], [0,0,0,1,2,1,0,0], [0,0,2,4,2,2,0,0], [11,0,0,0,0,0,0,0],
             [12,0,0,0,0,0,0,0]],
    "transactions": [[0, 0, 30000]],
    "populations": [[2, 0, 0, 64, 0, 0, 0]],
    "phases": [{"mark": 0, "endEvents": 1, "mix": 5, "targets": [4194304], "sizes": [0,1,2,3,4,5]}]
  })");
  program.events = events;
  return program;
}

}  // namespace rmem
