#include "replay/replay_options.h"

#include <charconv>
#include <optional>
#include <string_view>

#include "alloc/config_file.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

TraceError Usage(const std::string& what) {
  return TraceError(
      "usage", what +
                   "; usage: rustydb-mem-replay --plan FILE --route NAME --mode timed|memory|check|latency "
                   "[--order recorded|free] [--warm PASSES] [--on-request] [--touch first|page|all|none] "
                   "[--speed max|1x] [--idle MS] [--times] [--relieve LIMIT [--bare BYTES]] [--config FILE] "
                   "[--parent-death]");
}

template <class T>
struct Choice {
  std::string_view name;
  T value;
};

constexpr Choice<ReplayMode> kModes[] = {{"timed", ReplayMode::kTimed},
                                         {"memory", ReplayMode::kMemory},
                                         {"check", ReplayMode::kCheck},
                                         {"latency", ReplayMode::kLatency}};
constexpr Choice<ReplayOrder> kOrders[] = {{"recorded", ReplayOrder::kRecorded},
                                           {"free", ReplayOrder::kFree}};
constexpr Choice<TouchKind> kTouches[] = {{"first", TouchKind::kFirst},
                                          {"page", TouchKind::kPage},
                                          {"all", TouchKind::kAll},
                                          {"none", TouchKind::kNone}};
constexpr Choice<bool> kSpeeds[] = {{"max", false}, {"1x", true}};

template <class T, std::size_t N>
T Choose(std::string_view option, std::string_view text, const Choice<T> (&choices)[N]) {
  for (const Choice<T>& choice : choices) {
    if (choice.name == text) return choice.value;
  }
  throw Usage(std::string(option) + " does not take \"" + std::string(text) + "\"");
}

template <class T>
T ParseNumber(std::string_view option, std::string_view text) {
  T value;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Usage(std::string(option) + " takes a number, not \"" + std::string(text) + "\"");
  }
  return value;
}

/** The size classes lie where no heap is: the process is told once. */
void ReadConfig(const char* path, HeapConfig* config) {
  static SizeClassTable classes;
  TextMistake mistake;
  if (ReadHeapConfigFile(path, config, &classes, &mistake)) return;
  MistakeLine line;
  DescribeMistake(path, mistake, &line);
  throw TraceError("bad-config", std::string(line.view()));
}

}  // namespace

ReplayOptions ParseReplayOptions(int argc, char** argv) {
  ReplayOptions options;
  std::optional<ReplayMode> mode;
  std::optional<ReplayOrder> order;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--parent-death") {
      options.parentDeath = true;
      continue;
    }
    if (option == "--times") {
      options.times = true;
      continue;
    }
    if (option == "--on-request") {
      options.onRequest = true;
      continue;
    }
    if (++i == argc) throw Usage(std::string(option) + " lacks its value, or is unknown");
    const std::string_view value = argv[i];
    if (option == "--plan") {
      options.plan = value;
    } else if (option == "--route") {
      options.routeName = value;
      options.round.route = FindRoute(value);
      if (options.round.route == nullptr) throw Usage("there is no route \"" + std::string(value) + "\"");
    } else if (option == "--mode") {
      mode = Choose(option, value, kModes);
    } else if (option == "--order") {
      order = Choose(option, value, kOrders);
    } else if (option == "--warm") {
      options.warmPasses = ParseNumber<std::uint32_t>(option, value);
    } else if (option == "--touch") {
      options.round.touch = Choose(option, value, kTouches);
    } else if (option == "--speed") {
      options.round.paced = Choose(option, value, kSpeeds);
    } else if (option == "--idle") {
      options.idleMs = ParseNumber<std::uint64_t>(option, value);
    } else if (option == "--relieve") {
      options.relief.limitBytes = static_cast<double>(ParseNumber<std::uint64_t>(option, value));
      options.times = true;
    } else if (option == "--bare") {
      options.relief.bareBytes = static_cast<double>(ParseNumber<std::uint64_t>(option, value));
    } else if (option == "--config") {
      ReadConfig(argv[i], &options.round.heap);
    } else {
      throw Usage("unknown option " + std::string(option));
    }
  }
  if (options.plan.empty()) throw Usage("--plan is missing");
  if (options.round.route == nullptr) throw Usage("--route is missing");
  if (!mode) throw Usage("--mode is missing");

  options.round.mode = *mode;
  const bool deterministic = *mode == ReplayMode::kMemory || *mode == ReplayMode::kCheck;
  options.round.order = order.value_or(deterministic ? ReplayOrder::kRecorded : ReplayOrder::kFree);
  const bool memory = *mode == ReplayMode::kMemory;
  if (memory && options.round.order == ReplayOrder::kFree) throw Usage("a memory round is in recorded order");
  if (memory && options.warmPasses > 0) throw Usage("a memory round has one pass, over fresh memory");
  if (*mode == ReplayMode::kCheck && !options.round.route->givesMemory) {
    throw Usage("the route " + options.routeName + " gives no memory that could be checked");
  }
  if (options.onRequest && *mode != ReplayMode::kTimed) throw Usage("--on-request belongs to timed rounds");
  if (!memory && options.times) throw Usage("--times and --relieve belong to memory rounds");
  if (!memory && options.idleMs > 0) throw Usage("--idle belongs to memory rounds");
  return options;
}

}  // namespace rmem
