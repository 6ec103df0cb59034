// Compiled workloads: whatever is accepted has only indices that lead somewhere.

#include <algorithm>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string_view>

#include "trace/workload_program.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rmem;
  try {
    const WorkloadProgram program = ParseWorkloadProgram({reinterpret_cast<const char*>(data), size});
    Random random(size);
    for (const PhaseProgram& phase : program.phases) {
      // A sample of each mix is a transaction, and its code begins somewhere.
      for (int i = 0; i < 16; ++i) {
        const auto chosen = program.distributions.at(phase.mix).Sample(random);
        (void)program.code.at(program.transactions.at(chosen).entry);
      }
    }
    for (const Step& step : program.code) {
      if (step.code != StepCode::kPick) continue;
      (void)program.code.at(program.jumps.at(step.b + program.distributions.at(step.a).Sample(random)));
    }
  } catch (const std::invalid_argument&) {
    // Bad input is an error, and nothing else.
  }
  return 0;
}
