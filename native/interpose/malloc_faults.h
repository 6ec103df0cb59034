#pragma once

namespace rmem {

/**
 * Has `explain` told, and write, what a segmentation fault of the program is, before it ends the program.
 * Does nothing where the program has a handler; one that it installs later takes the place of this one.
 */
void ReportFaults(void (*explain)(const void* address)) noexcept;

}  // namespace rmem
