#include <cstdint>
#include <string_view>

#include "interpose/record_log.h"

/** What native/include/rustydb_mem_mark.h declares: the marks that an engine makes itself. */

using namespace rmem::record;  // NOLINT(google-build-using-namespace): C functions, global by nature

namespace {

std::string_view Text(const char* text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

}  // namespace

#define RMEM_EXPORT extern "C" __attribute__((visibility("default")))

RMEM_EXPORT void rustydb_mem_mark_begin(std::uint64_t handle, std::uint64_t parent, const char* type) {
  if (Recording()) Begin(Clock().After(), handle, parent, Text(type));
}

RMEM_EXPORT void rustydb_mem_mark_savepoint(std::uint64_t handle, std::uint64_t parent, const char* type) {
  rustydb_mem_mark_begin(handle, parent, type);
}

RMEM_EXPORT void rustydb_mem_mark_commit(std::uint64_t handle) {
  if (Recording()) Commit(Clock().After(), handle, false);
}

RMEM_EXPORT void rustydb_mem_mark_release(std::uint64_t handle) {
  if (Recording()) Commit(Clock().After(), handle, true);
}

RMEM_EXPORT void rustydb_mem_mark_abort(std::uint64_t handle) {
  if (Recording()) Abort(Clock().After(), handle);
}

RMEM_EXPORT void rustydb_mem_mark_scope(std::uint64_t handle) {
  if (Recording()) Scope(Clock().After(), handle);
}

RMEM_EXPORT void rustydb_mem_mark_phase(const char* text) {
  if (Recording()) Mark(Clock().After(), Text(text));
}
