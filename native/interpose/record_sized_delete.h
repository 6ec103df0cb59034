#pragma once

#include <cstddef>

#include "recording/shared_layout.h"

namespace rmem::record {

/**
 * What an operator delete was told of the block that it deletes, while one that was told nothing frees it.
 * For so long the thread's ring stands here and not in tRing, so that only an event of such a moment has to
 * ask for it.
 */
struct ToldSize {
  RingHeader* ring;  // null: nothing was told
  const void* block;
  std::size_t bytes;
};
extern thread_local constinit ToldSize tTold;

}  // namespace rmem::record
