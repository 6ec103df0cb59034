#pragma once

#include <napi.h>

namespace rmem {

/**
 * heapConfig(text: Uint8Array | null): a configuration file of the heap, checked. Gives `{ shown }`, the
 * effective configuration as a file that says every key, or `{ mistake: { line, column, key, message, remedy
 * }
 * }`, line 0 where it has no place. Null: the defaults.
 */
Napi::Value HeapConfigOf(const Napi::CallbackInfo& info);

}  // namespace rmem
