#pragma once

namespace rmem {

/** Whether the drop-in malloc checks the sizes that frees are told: in hardened mode. */
bool MallocChecksSizes() noexcept;

}  // namespace rmem
