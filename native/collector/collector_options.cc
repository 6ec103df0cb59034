#include "collector/collector_options.h"

#include <bit>
#include <charconv>
#include <map>
#include <string_view>

namespace rmem::record {
namespace {

bool Number(std::string_view text, std::uint64_t* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

bool ParseCollectorOptions(int count, char** words, CollectorOptions* options, std::string* complaint) {
  const std::map<std::string_view, std::uint64_t*> numbers = {
      {"--ring-words", &options->ringWords}, {"--after-ns", &options->afterNs},
      {"--for-ns", &options->forNs},         {"--max-events", &options->maxEvents},
      {"--max-bytes", &options->maxBytes},   {"--sample-ns", &options->sampleNs},
  };
  for (int i = 1; i < count; ++i) {
    const std::string_view name = words[i];
    if (i + 1 == count) {
      *complaint = std::string(name) + " needs a value";
      return false;
    }
    const std::string_view value = words[++i];
    if (const auto number = numbers.find(name); number != numbers.end()) {
      if (!Number(value, number->second)) {
        *complaint = std::string(name) + " needs a whole number";
        return false;
      }
    } else if (name == "--out") {
      options->out = value;
    } else if (name == "--folder") {
      options->folder = value;
    } else if (name == "--on-full" && (value == "wait" || value == "drop")) {
      options->onFull = value == "drop" ? OnFull::kDrop : OnFull::kWait;
    } else {
      *complaint = "unknown: " + std::string(name) + " " + std::string(value);
      return false;
    }
  }
  if (options->out.empty()) *complaint = "--out is missing";
  if (!std::has_single_bit(options->ringWords) || options->ringWords < 1024 ||
      options->ringWords > (std::uint64_t{1} << 24)) {
    *complaint = "--ring-words must be a power of two from 1024 to 16777216";
  }
  return complaint->empty();
}

}  // namespace rmem::record
