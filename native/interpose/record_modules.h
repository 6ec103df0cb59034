#pragma once

#include <cstdint>

namespace rmem::record {

/** Tells the recording what code is loaded where, if that has changed since it was last told: true then.
 * Calls no malloc. */
bool TellModules(std::uint64_t ticks);

/** The same, but where some are told already it looks only at every eighth call of a thread: looking costs as
 * much as a stack. */
bool TellModulesAtTimes(std::uint64_t ticks);

/** In a child made by fork, whose recording knows of none yet. */
void ForgetModules();

/** Finds where the recorder's own code lies; before IsOwnCode is asked. */
void FindOwnCode();

bool IsOwnCode(std::uint64_t address);

}  // namespace rmem::record
