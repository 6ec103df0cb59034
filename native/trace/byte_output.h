#pragma once

#include <cstddef>
#include <functional>
#include <span>

namespace rmem {

/** Takes the bytes a writer makes, in order. Valid only during the call. */
using ByteOutput = std::function<void(std::span<const std::byte>)>;

}  // namespace rmem
