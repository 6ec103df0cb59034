#pragma once

#include <cstddef>
#include <span>

#include "recording/shared_layout.h"

namespace rmem::record {

/** The JSON header of a raw recording, as raw_block.h asks for it; returns its bytes. Calls no malloc. */
std::size_t WriteRawJson(const SessionHeader& session, const Control& control, std::span<char> out);

}  // namespace rmem::record
