#pragma once

namespace rmem {

/** Asks the kernel for FenceOtherThreads; cheap when it was asked before. False where it has none. */
bool RegisterFences() noexcept;

/**
 * A full fence on this and all running threads of the process (membarrier(2)): lets a side that must be quick
 * do with a compiler's fence. Does nothing where RegisterFences was refused. Leaves errno alone.
 */
void FenceOtherThreads() noexcept;
bool HasFences() noexcept;

}  // namespace rmem
