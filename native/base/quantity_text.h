#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/fixed_text.h"

namespace rmem {

/** Sizes and times as people write them; the same texts that src/units.ts takes. Nothing here allocates. */

/** No size is larger: what a JavaScript number counts exactly. */
inline constexpr std::uint64_t kMaxSizeBytes = (std::uint64_t{1} << 53) - 1;

/** `64KiB`, `1.5 M`, `4096` → bytes. KB is 1000, K and KiB are 1024. */
std::optional<std::uint64_t> ParseBytes(std::string_view text) noexcept;

/** `30s`, `1.5h`, `250us` → nanoseconds. A unit must be there. */
std::optional<std::uint64_t> ParseDurationNs(std::string_view text) noexcept;

using QuantityText = FixedText<32>;

/** What ParseBytes reads as exactly so many: `8 MiB`, or a bare number where no unit divides it. */
QuantityText ExactBytes(std::uint64_t bytes) noexcept;
/** What ParseDurationNs reads as exactly so many milliseconds: `10s`, `250ms`. */
QuantityText ExactMs(std::uint64_t ms) noexcept;

}  // namespace rmem
