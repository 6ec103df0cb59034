// A configuration file: what is read can be shown, and what is shown is read as the same.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "alloc/config_file.h"
#include "alloc/config_show.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rmem;
  static auto shown = std::make_unique<ConfigText>();
  static auto again = std::make_unique<ConfigText>();
  // A copy of exactly its size, so that reading past its end is seen.
  const auto copy = std::make_unique<char[]>(size);
  std::copy(data, data + size, copy.get());

  HeapConfig config;
  SizeClassTable classes;
  TextMistake mistake;
  if (!ParseHeapConfig({copy.get(), size}, &config, &classes, &mistake)) {
    // Every mistake has its words and its place, on one line.
    MistakeLine line;
    DescribeMistake("file", mistake, &line);
    if (mistake.line == 0 || mistake.column == 0 || mistake.what.empty() || line.cut() ||
        line.view().find('\n') != std::string_view::npos)
      std::abort();
    return 0;
  }
  ShowHeapConfig(config, shown.get());
  HeapConfig second;
  SizeClassTable secondClasses;
  if (!ParseHeapConfig(shown->view(), &second, &secondClasses, &mistake)) {
    MistakeLine line;
    DescribeMistake("shown", mistake, &line);
    std::fprintf(stderr, "%s\n", line.c_str());
    std::abort();
  }
  ShowHeapConfig(second, again.get());
  if (shown->cut() || shown->view() != again->view()) std::abort();
  return 0;
}
