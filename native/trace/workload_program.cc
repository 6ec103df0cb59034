#include "trace/workload_program.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <stdexcept>

#include "trace/event.h"
#include "trace/json_text.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

constexpr std::uint32_t kMostThreads = 1024;

[[noreturn]] void RefuseProgram(const std::string& what) {
  throw std::invalid_argument("the compiled workload is not valid: " + what);
}

std::vector<std::uint64_t> Numbers(JsonReader& in) {
  std::vector<std::uint64_t> numbers;
  for (in.Enter('['); in.More();) numbers.push_back(in.Number());
  return numbers;
}

std::vector<std::string> Texts(JsonReader& in) {
  std::vector<std::string> texts;
  for (in.Enter('['); in.More();) texts.push_back(in.Text());
  return texts;
}

/** Rows of an array of arrays, of `width` numbers each, or of at least one where it is 0. */
void Rows(JsonReader& in, const char* name, std::size_t width,
          const std::function<void(const std::vector<std::uint64_t>&)>& take) {
  for (in.Enter('['); in.More();) {
    const std::vector<std::uint64_t> row = Numbers(in);
    if (row.empty() || (width != 0 && row.size() != width)) RefuseProgram(std::string("a row of ") + name);
    take(row);
  }
}

template <class T = std::uint32_t>
T Fit(std::uint64_t number, const char* name) {
  if (number > std::numeric_limits<T>::max()) RefuseProgram(std::string(name) + " is too large");
  return static_cast<T>(number);
}

Distribution ReadDistribution(const std::vector<std::uint64_t>& row) {
  if (row.size() % 4 != 1 || row.size() < 5)
    RefuseProgram("a distribution has a unit and bins of four numbers");
  std::vector<Distribution::Bin> bins;
  const std::size_t count = row.size() / 4;
  for (std::size_t at = 1; at < row.size(); at += 4) {
    const Distribution::Bin bin{row[at], row[at + 1], Fit(row[at + 2], "threshold"),
                                Fit(row[at + 3], "alias")};
    if (bin.width == 0 || bin.alias >= count) RefuseProgram("a bin of a distribution");
    if (row[0] == 0 || row[0] > kMaxBlockBytes || bin.low > kMaxBlockBytes || bin.width > kMaxBlockBytes ||
        bin.low + bin.width - 1 > kMaxBlockBytes / row[0]) {
      RefuseProgram("a distribution has values of more than 2^47");
    }
    bins.push_back(bin);
  }
  return {row[0], std::move(bins)};
}

Step ReadStep(const std::vector<std::uint64_t>& row) {
  if (row[0] > static_cast<std::uint64_t>(StepCode::kEnd)) RefuseProgram("a step's code");
  return {static_cast<StepCode>(row[0]),
          Fit<std::uint8_t>(row[1], "flags"),
          Fit<std::uint16_t>(row[2], "name"),
          Fit(row[3], "a"),
          Fit(row[4], "b"),
          Fit(row[5], "c"),
          Fit(row[6], "d"),
          Fit(row[7], "e")};
}

PopulationProgram ReadPopulation(const std::vector<std::uint64_t>& row) {
  if (row[0] > static_cast<std::uint64_t>(Death::kNever)) RefuseProgram("a population's death");
  return {static_cast<Death>(row[0]), Fit(row[1], "ages"), Fit(row[2], "job"),
          Fit(row[3], "batch"),       row[4] != 0,         row[5] != 0,
          Fit(row[6], "fill")};
}

PhaseProgram ReadPhase(JsonReader& in) {
  PhaseProgram phase{};
  std::string key;
  for (in.Enter('{'); in.More(&key);) {
    if (key == "mark") {
      phase.mark = Fit<std::uint16_t>(in.Number(), "mark");
    } else if (key == "endEvents") {
      phase.endEvents = in.Number();
    } else if (key == "mix") {
      phase.mix = Fit(in.Number(), "mix");
    } else if (key == "targets") {
      phase.targets = Numbers(in);
    } else if (key == "sizes") {
      for (std::uint64_t size : Numbers(in)) phase.sizes.push_back(Fit(size, "sizes"));
    } else {
      RefuseProgram("a phase has no " + key);
    }
  }
  return phase;
}

void ReadSamples(JsonReader& in, SampleProgram* samples) {
  const std::vector<std::uint64_t> row = Numbers(in);
  if (row.size() != 4) RefuseProgram("samples");
  *samples = {row[0], row[1], row[2], row[3] != 0};
}

void ReadMember(JsonReader& in, const std::string& key, WorkloadProgram* program) {
  using Row = const std::vector<std::uint64_t>&;
  if (key == "name") {
    program->name = in.Text();
  } else if (key == "hash") {
    program->hash = in.Text();
  } else if (key == "seed") {
    program->seed = in.Number();
  } else if (key == "events") {
    program->events = in.Number();
  } else if (key == "threads") {
    program->threads = Fit(in.Number(), "threads");
  } else if (key == "liveBytes") {
    program->liveBytes = in.Number();
  } else if (key == "paceNs") {
    program->paceNs = in.Number();
  } else if (key == "openingEvents") {
    program->openingEvents = in.Number();
  } else if (key == "kinds") {
    program->kinds = Texts(in);
  } else if (key == "types") {
    program->types = Texts(in);
  } else if (key == "marks") {
    program->marks = Texts(in);
  } else if (key == "distributions") {
    Rows(in, "distributions", 0, [&](Row row) { program->distributions.push_back(ReadDistribution(row)); });
  } else if (key == "code") {
    Rows(in, "code", 8, [&](Row row) { program->code.push_back(ReadStep(row)); });
  } else if (key == "jumps") {
    for (std::uint64_t jump : Numbers(in)) program->jumps.push_back(Fit(jump, "jumps"));
  } else if (key == "transactions") {
    Rows(in, "transactions", 3, [&](Row row) {
      program->transactions.push_back(
          {Fit<std::uint16_t>(row[0], "name"), Fit(row[1], "entry"), Fit(row[2], "abort")});
    });
  } else if (key == "populations") {
    Rows(in, "populations", 7, [&](Row row) { program->populations.push_back(ReadPopulation(row)); });
  } else if (key == "jobs") {
    Rows(in, "jobs", 5, [&](Row row) {
      program->jobs.push_back({Fit<std::uint16_t>(row[0], "name"), Fit(row[1], "entry"), Fit(row[2], "every"),
                               row[3] != 0, Fit(row[4], "abort")});
    });
  } else if (key == "phases") {
    for (in.Enter('['); in.More();) program->phases.push_back(ReadPhase(in));
  } else if (key == "samples") {
    ReadSamples(in, &program->samples);
  } else {
    RefuseProgram("there is no " + key);
  }
}

/** Every index, so that the generator need not look. */
class Checker {
 public:
  explicit Checker(const WorkloadProgram& program) : program_(program) {}

  void All() const {
    if (program_.threads < 1 || program_.threads + program_.jobs.size() > kMostThreads) {
      RefuseProgram("threads must be 1 to 1024, those of jobs included");
    }
    if (program_.events < 1) RefuseProgram("events must be at least 1");
    if (program_.phases.empty()) RefuseProgram("there is no phase");
    if (program_.transactions.empty()) RefuseProgram("there is no transaction");
    for (const PhaseProgram& phase : program_.phases) CheckPhase(phase);
    for (const Step& step : program_.code) CheckStep(step);
    for (std::uint32_t jump : program_.jumps) Entry(jump);
    for (const TransactionProgram& transaction : program_.transactions) {
      Entry(transaction.entry);
      Index(transaction.name, program_.types.size(), "transaction type");
    }
    for (const PopulationProgram& population : program_.populations) {
      if (population.death == Death::kAge) Numbered(population.ages);
      if (population.job > program_.jobs.size()) RefuseProgram("the job of a population");
      if (population.opening) Entry(population.fill);
    }
    for (const JobProgram& job : program_.jobs) {
      Entry(job.entry);
      Numbered(job.every);
      Index(job.name, program_.types.size(), "job");
    }
    // Code never runs past its end: the last step of it is one that goes nowhere.
    if (program_.code.empty() || program_.code.back().code != StepCode::kEnd)
      RefuseProgram("the code has no end");
  }

 private:
  void CheckStep(const Step& step) const {
    switch (step.code) {
      case StepCode::kAlloc:
        Index(step.name, program_.kinds.size(), "kind");
        Numbered(step.a);
        Numbered(step.b);
        if (step.c > static_cast<std::uint32_t>(Lifetime::kPopulation)) RefuseProgram("a lifetime");
        if (step.c == static_cast<std::uint32_t>(Lifetime::kPopulation)) Population(step.d);
        if (step.e != 0 && (step.e & (step.e - 1)) != 0) RefuseProgram("an alignment");
        break;
      case StepCode::kGrow:
        Index(step.name, program_.kinds.size(), "kind");
        Numbered(step.a);
        break;
      case StepCode::kRepeat:
        Numbered(step.a);
        Entry(step.b);
        break;
      case StepCode::kSavepoint:
        Index(step.name, program_.types.size(), "savepoint");
        Entry(step.b);
        break;
      case StepCode::kChance:
      case StepCode::kJump:
        Entry(step.b);
        break;
      case StepCode::kPick:
        Numbered(step.a);
        Index(step.b, program_.jumps.size(), "jump");
        for (const PhaseProgram& phase : program_.phases) {
          Index(step.b + Largest(phase, step.a), program_.jumps.size(), "branch");
        }
        break;
      case StepCode::kFree:
      case StepCode::kThink:
        Numbered(step.a);
        break;
      case StepCode::kDrop:
        Numbered(step.a);
        Population(step.b);
        break;
      case StepCode::kCollect:
        Population(step.b);
        break;
      case StepCode::kClose:
      case StepCode::kEnd:
        break;
    }
  }

  void CheckPhase(const PhaseProgram& phase) const {
    Index(phase.mark, program_.marks.size(), "mark");
    if (phase.targets.size() != program_.populations.size()) RefuseProgram("targets");
    if (phase.sizes.size() != program_.distributions.size()) RefuseProgram("sizes");
    for (std::uint32_t size : phase.sizes) Numbered(size);
    Numbered(phase.mix);
    Index(Largest(phase, phase.mix), program_.transactions.size(), "transaction of the mix");
  }

  /** The largest value of what stands for a distribution in a phase. */
  std::uint64_t Largest(const PhaseProgram& phase, std::uint32_t index) const {
    const Distribution& distribution = program_.distributions[phase.sizes[index]];
    std::uint64_t last = 0;
    for (const Distribution::Bin& bin : distribution.bins()) last = std::max(last, bin.low + bin.width - 1);
    return last * distribution.unit();
  }

  static void Index(std::uint64_t index, std::size_t size, const char* what) {
    if (index >= size) RefuseProgram(std::string("an index of a ") + what);
  }
  void Numbered(std::uint32_t index) const { Index(index, program_.distributions.size(), "distribution"); }
  void Population(std::uint32_t index) const { Index(index, program_.populations.size(), "population"); }
  void Entry(std::uint32_t at) const { Index(at, program_.code.size(), "step"); }

  const WorkloadProgram& program_;
};

}  // namespace

WorkloadProgram ParseWorkloadProgram(std::string_view json) {
  WorkloadProgram program;
  try {
    JsonReader in(json);
    std::string key;
    for (in.Enter('{'); in.More(&key);) ReadMember(in, key, &program);
    in.End();
  } catch (const TraceError& error) {
    RefuseProgram(error.what());
  }
  Checker(program).All();
  return program;
}

}  // namespace rmem
