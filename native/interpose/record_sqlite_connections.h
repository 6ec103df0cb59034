#pragma once

#include <cstdint>

#include "interpose/record_sqlite_library.h"
#include "interpose/record_sqlite_statement.h"

namespace rmem::record {

/** A savepoint that is open. */
struct SqliteSavepoint {
  SqliteSavepoint* outer;
  std::uint64_t handle;
  std::uint64_t name;  // Statement::savepoint
  bool begun;          // the trace knows of it
  char type[kMaxTypeBytes + 1];
};

/** A statement under way outside of any BEGIN: a transaction of its own. */
struct SqliteOpenStatement {
  SqliteOpenStatement* next;
  sqlite3_stmt* statement;
  std::uint64_t handle;
  std::uint64_t exec;  // the run of sqlite3_exec that will finalize it, out of our sight; or 0
};

/**
 * What a connection has open. A transaction between BEGIN and COMMIT is told to the trace with its first real
 * statement, which gives it its type. Whoever touches one holds the connection's own mutex (where SQLite was
 * told to go without, the program lets no two threads use a connection at once).
 */
struct SqliteConnection {
  SqliteConnection* next;
  sqlite3* db;
  std::uint64_t transaction;  // handle, or 0
  bool begun;
  bool closed;  // by sqlite3_close_v2, and lives on for the sake of its statements
  char type[kMaxTypeBytes + 1];
  SqliteSavepoint* innermost;
  SqliteOpenStatement* statements;
};

/** The state of `db`; null if it has none, or if there is no memory for it. */
SqliteConnection* FindConnection(sqlite3* db);
SqliteConnection* FindOrAddConnection(sqlite3* db);
/** Takes it out of the table, so that its address may be given to another. */
void UnlinkConnection(SqliteConnection& connection);
void LinkConnection(SqliteConnection& connection);
/** An unlinked one, with everything that it still has open: statements are done, a transaction is rolled
 * back. */
void EndConnection(SqliteConnection& connection);

/** The calling thread works for this transaction; 0: for none. */
void WorkFor(std::uint64_t handle);

/** The innermost transaction that the trace knows of, or 0. */
std::uint64_t WorkingTransaction(const SqliteConnection& connection);

void StartTransaction(SqliteConnection& connection, const char* type);
/** Tells the trace of what is not begun yet: of type `type`, or of their own where that is null. */
void TellBegins(SqliteConnection& connection, const char* type);
void EndTransaction(SqliteConnection& connection, bool commit);

void PushSavepoint(SqliteConnection& connection, const Statement& statement);
/** No savepoint of that name was seen: nothing happens. */
void ReleaseSavepoint(SqliteConnection& connection, std::uint64_t name);
void RollBackToSavepoint(SqliteConnection& connection, std::uint64_t name);

SqliteOpenStatement* FindStatement(const SqliteConnection& connection, const sqlite3_stmt* statement);
/** Null where there is no memory for it. */
SqliteOpenStatement* BeginStatement(SqliteConnection& connection, sqlite3_stmt* statement, std::uint64_t exec,
                                    const char* type);
void EndStatement(SqliteConnection& connection, SqliteOpenStatement* statement, bool commit);
/** Those that the run of sqlite3_exec with this number has finalized. */
void EndStatementsOfExec(SqliteConnection& connection, std::uint64_t exec);

}  // namespace rmem::record
