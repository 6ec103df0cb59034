#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "recording/shared_layout.h"

namespace rmem::record {

/**
 * The session of this process: the memory it shares with a collector, or its own file where there is none,
 * and the rings of its threads. It begins with the first call of the malloc family, which comes long before
 * main, and in a child made by fork with the child's first.
 *
 * The environment decides:
 *   RUSTYDB_MEM_RECORD_DIR   the folder of a collector
 *   RUSTYDB_MEM_RECORD       else: the file to write, without a collector. Programs that this one starts
 * write PATH.PID. Without either nothing is recorded.
 *
 * Alone, a thread empties its ring when it is full and when it ends, and the end of the program empties all.
 * What a program that is killed has in its rings is lost then; with a collector it is not.
 */
struct Process {
  Control* control;  // null: nobody has looked at the environment yet
};

/** In a page that fork wipes, however it is called, so that a child never writes into its parent's rings. */
extern Process* gProcess;
extern OperationClock gClock;
extern constinit thread_local RingHeader* tRing;

/** Never null: a control that says kStop where nothing is recorded. */
const Control* StartSession();

/** Empties all rings into the file, where the library stands alone. */
void StopSession();

/** To be called once the C library works: handlers of fork, and what programs started by this one are told.
 */
void PrepareForChildren();

/** The ring of this thread, at its first event; null where there is none to be had. */
RingHeader* TakeRing();

/** Waits, empties or gives up, as the recording says. */
bool MakeRoom(RingHeader& ring, std::size_t words);

void CountDropped(RingHeader& ring);
void CountUnheard();

}  // namespace rmem::record
