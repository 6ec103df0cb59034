#pragma once

struct sqlite3;
struct sqlite3_stmt;
struct sqlite3_mutex;

namespace rmem::record {

/** SQLite's result codes that matter here (sqlite3.h; they never change). */
inline constexpr int kSqliteOk = 0;
inline constexpr int kSqliteError = 1;
inline constexpr int kSqliteAbort = 4;
inline constexpr int kSqliteNoMemory = 7;
inline constexpr int kSqliteRow = 100;
inline constexpr int kSqliteDone = 101;

using SqliteCallback = int (*)(void*, int, char**, char**);

/** The functions of the libsqlite3 that the program uses, below ours; null where it has none of that name. */
struct SqliteLibrary {
  int (*step)(sqlite3_stmt*);
  int (*reset)(sqlite3_stmt*);
  int (*finalize)(sqlite3_stmt*);
  int (*close)(sqlite3*);
  int (*close_v2)(sqlite3*);
  int (*exec)(sqlite3*, const char*, SqliteCallback, void*, char**);
  int (*prepare)(sqlite3*, const char*, int, sqlite3_stmt**, const char**);
  int (*prepare_v2)(sqlite3*, const char*, int, sqlite3_stmt**, const char**);
  int (*prepare_v3)(sqlite3*, const char*, int, unsigned, sqlite3_stmt**, const char**);

  int (*get_autocommit)(sqlite3*);
  sqlite3* (*db_handle)(sqlite3_stmt*);
  const char* (*sql)(sqlite3_stmt*);
  int (*stmt_busy)(sqlite3_stmt*);
  sqlite3_stmt* (*next_stmt)(sqlite3*, sqlite3_stmt*);
  sqlite3_mutex* (*db_mutex)(sqlite3*);
  void (*mutex_enter)(sqlite3_mutex*);
  void (*mutex_leave)(sqlite3_mutex*);
  int (*column_count)(sqlite3_stmt*);
  const char* (*column_name)(sqlite3_stmt*, int);
  const unsigned char* (*column_text)(sqlite3_stmt*, int);
  const char* (*errmsg)(sqlite3*);
  char* (*mprintf)(const char*, ...);

  // All that marking needs is there.
  bool complete;
  // What the library itself calls by name comes to our functions first, as in Debian's build; a library that
  // was linked with -Bsymbolic-functions binds its calls inside.
  bool callsAreSeen;
};

/** Looked up at the first call: behind us in the order of the loader, or, where the program opened it with
 * dlopen, among the loaded libraries of the name libsqlite3*. */
const SqliteLibrary& Sqlite();

}  // namespace rmem::record
