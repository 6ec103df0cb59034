#pragma once

#include <string>
#include <string_view>

#include "trace/trace_info.h"

namespace rmem {

/**
 * Gives the frames of `info.callSites` that have none their symbols, from the modules and from separate debug
 * files by build id (/usr/lib/debug/.build-id), where this machine has them with the same build id, or the
 * same layout where no build id is known. Addresses of modules with a layout become offsets in their files.
 * What can't be named stays module and offset; a module that is missing, or another one, is a warning where
 * `warn`.
 */
void Symbolise(TraceInfo& info, bool warn);

/** A mangled name as people write it: C++ demangled, the hash at the end of a Rust name left out. */
std::string Demangled(std::string_view symbol);

}  // namespace rmem
