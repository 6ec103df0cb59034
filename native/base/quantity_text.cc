#include "base/quantity_text.h"

#include <span>

#include "base/ascii.h"

namespace rmem {
namespace {

struct Unit {
  std::string_view name;  // in small letters
  std::uint64_t value;
};

constexpr Unit kByteUnits[] = {
    {"", 1},
    {"b", 1},
    {"k", std::uint64_t{1} << 10},
    {"kib", std::uint64_t{1} << 10},
    {"kb", 1000},
    {"m", std::uint64_t{1} << 20},
    {"mib", std::uint64_t{1} << 20},
    {"mb", 1000'000},
    {"g", std::uint64_t{1} << 30},
    {"gib", std::uint64_t{1} << 30},
    {"gb", 1000'000'000},
    {"t", std::uint64_t{1} << 40},
    {"tib", std::uint64_t{1} << 40},
    {"tb", 1000'000'000'000},
};

// Both letters that look like a micro sign.
constexpr Unit kTimeUnits[] = {
    {"ns", 1},
    {"us", 1000},
    {"\xc2\xb5s", 1000},
    {"\xce\xbcs", 1000},
    {"ms", 1000'000},
    {"s", 1000'000'000},
    {"m", 60'000'000'000},
    {"min", 60'000'000'000},
    {"h", 3600'000'000'000},
    {"d", 86'400'000'000'000},
};

bool IsSpace(char c) noexcept {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

bool SameWord(std::string_view text, std::string_view small) noexcept {
  if (text.size() != small.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] - 'A' + 'a') : text[i];
    if (c != small[i]) return false;
  }
  return true;
}

/** A decimal number and a unit; rounded to a whole one, at most `most`. */
std::optional<std::uint64_t> Parse(std::string_view text, std::span<const Unit> units,
                                   std::uint64_t most) noexcept {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  // More digits than these are too many before the point, and change nothing behind it.
  constexpr unsigned __int128 kMaxWhole = std::uint64_t{1} << 63;
  constexpr std::uint64_t kMaxScale = 1000'000'000'000'000;
  unsigned __int128 whole = 0;
  std::uint64_t fraction = 0;
  std::uint64_t scale = 1;
  if (text.empty() || !IsDigit(text.front())) return std::nullopt;
  for (; !text.empty() && IsDigit(text.front()); text.remove_prefix(1)) {
    whole = whole * 10 + static_cast<unsigned>(text.front() - '0');
    if (whole > kMaxWhole) return std::nullopt;
  }
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    if (text.empty() || !IsDigit(text.front())) return std::nullopt;
    for (; !text.empty() && IsDigit(text.front()); text.remove_prefix(1)) {
      if (scale == kMaxScale) continue;
      fraction = fraction * 10 + static_cast<unsigned>(text.front() - '0');
      scale *= 10;
    }
  }
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  for (const Unit& unit : units) {
    if (!SameWord(text, unit.name)) continue;
    using Wide = unsigned __int128;
    const Wide value = whole * unit.value + (Wide{fraction} * unit.value + scale / 2) / scale;
    if (value > most) return std::nullopt;
    return static_cast<std::uint64_t>(value);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> ParseBytes(std::string_view text) noexcept {
  return Parse(text, kByteUnits, kMaxSizeBytes);
}

std::optional<std::uint64_t> ParseDurationNs(std::string_view text) noexcept {
  return Parse(text, kTimeUnits, ~std::uint64_t{0});
}

QuantityText ExactBytes(std::uint64_t bytes) noexcept {
  constexpr std::string_view kUnits[] = {"", " KiB", " MiB", " GiB", " TiB"};
  unsigned unit = 0;
  while (unit < 4 && bytes != 0 && bytes % 1024 == 0) {
    bytes /= 1024;
    ++unit;
  }
  return QuantityText().Add(bytes, kUnits[unit]);
}

QuantityText ExactMs(std::uint64_t ms) noexcept {
  if (ms % 1000 == 0) return QuantityText().Add(ms / 1000, "s");
  return QuantityText().Add(ms, "ms");
}

}  // namespace rmem
