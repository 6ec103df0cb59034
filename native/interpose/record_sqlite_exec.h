#pragma once

#include "interpose/record_sqlite_library.h"

namespace rmem::record {

/**
 * sqlite3_exec as its documentation describes it, over the public functions in front of the library: for a
 * libsqlite3 that binds its own calls inside, whose steps nobody would see. What it cannot do is leave
 * SQLITE_ABORT in the connection's own last error after a callback refused to go on.
 */
int ExecInSight(sqlite3* db, const char* sql, SqliteCallback callback, void* argument, char** error);

}  // namespace rmem::record
