#pragma once

#include <cstddef>

namespace rmem::record {

/** free of the allocator below, for a caller that knows the size; recorded as that. */
void FreeSized(void* block, std::size_t size);

}  // namespace rmem::record
