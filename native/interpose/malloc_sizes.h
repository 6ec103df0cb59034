#pragma once

namespace rmem {

/** Whether the drop-in malloc checks the sizes that frees are told: in hardened mode, from its first call on.
 */
extern constinit bool mallocChecksSizes [[gnu::visibility("hidden")]];

}  // namespace rmem
