#pragma once

#include <string>

#include "replay/plan_file.h"
#include "trace/trace_error.h"

namespace rmem {

TraceError BadPlan(const std::string& what);

/**
 * Walks a plan whose tables lie inside the file once in the total order, and throws TraceError `bad-plan`
 * unless
 *  - the runs take every stream exactly to its end, section by section;
 *  - every operand is in range; a block is allocated into an empty slot and freed or resized, with its true
 * size, out of a full one; what belongs to a transaction does so while the transaction is open;
 *  - every wait is for what lies before it, windows only go forward, and the table of windows counts right:
 * so no replay of it can wait for ever;
 *  - the counts of the header, the leftovers and the open scopes are what the walk finds.
 * A damaged file must not become a crash in somebody's allocator.
 */
void CheckPlan(const PlanFile& plan);

}  // namespace rmem
