#pragma once

#include <cstddef>

#include "recording/raw_output.h"
#include "recording/shared_layout.h"

namespace rmem::record {

/**
 * The reading side in the recorded process itself, where there is no collector: whoever fills a ring empties
 * it into the file. Only here is a lock, one a ring, and only where a ring is emptied. Nothing calls malloc.
 */

inline constexpr std::size_t kAloneRingWords = std::size_t{1} << 14;

/** Creates the file; 0 or an errno. */
int OpenAlone(Session session, const Control& control, const char* path);

/** Empties the ring into blocks; false where the file can't take them, which is said once. */
bool DrainAlone(RingHeader& ring);

/** The same, and writes the unfinished block too. */
bool FlushAlone(RingHeader& ring);

/** Empties all rings and closes the file. */
void CloseAlone(Session session);

/** In a child: the file is the parent's. */
void ForgetAlone();

}  // namespace rmem::record
