#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "interpose/record_log.h"
#include "interpose/record_sqlite_connections.h"
#include "interpose/record_sqlite_exec.h"
#include "interpose/record_sqlite_library.h"
#include "interpose/record_sqlite_statement.h"

/**
 * Marks the transactions of programs that use libsqlite3 as a shared library, where the environment variable
 * RUSTYDB_MEM_MARKERS is `sqlite`: the functions of the same names stand in front of the library's. Otherwise
 * they pass straight on.
 *
 * A statement after which autocommit is off began a transaction, and one after which it is on again ended it;
 * a statement while it is on is a transaction of its own, from its first step until it is done or reset.
 * What SQLite runs inside of a step (its own statements, functions of the program) belongs to that step.
 * Between two calls a thread works for no transaction.
 */

namespace rmem::record {
namespace {

constinit bool gMarkers = false;
// Inside of a function of the library; what comes to us then was called by it.
constinit thread_local int tDepth = 0;
// The run of sqlite3_exec whose statements we see, by number, or 0.
constinit thread_local std::uint64_t tExec = 0;
constinit thread_local std::uint64_t tExecs = 0;

__attribute__((constructor)) void ReadEnvironment() {
  const char* markers = getenv("RUSTYDB_MEM_MARKERS");
  if (markers == nullptr || *markers == '\0') return;
  gMarkers = strcmp(markers, "sqlite") == 0;
  if (gMarkers) return;
  constexpr char kText[] =
      "rustydb-mem recorder: RUSTYDB_MEM_MARKERS can only be sqlite; transactions are not marked\n";
  [[maybe_unused]] const long written = syscall(SYS_write, STDERR_FILENO, kText, sizeof(kText) - 1);
}

/** Is this a call of the program's that has to be marked? */
bool Marking() {
  return gMarkers && tDepth == 0 && Recording() && Sqlite().complete;
}

class Inside {
 public:
  Inside() { ++tDepth; }
  ~Inside() { --tDepth; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
};

/** Holds the mutex of a connection, as each call of the library does anyway; none where `db` is null. */
class Held {
 public:
  explicit Held(sqlite3* db) : mutex_(db == nullptr ? nullptr : Sqlite().db_mutex(db)) {
    if (mutex_ != nullptr) Sqlite().mutex_enter(mutex_);
  }
  ~Held() {
    if (mutex_ != nullptr) Sqlite().mutex_leave(mutex_);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

 private:
  sqlite3_mutex* mutex_;
};

bool InTransaction(const SqliteConnection& connection) {
  return Sqlite().get_autocommit(connection.db) == 0;
}

/** Of what began or ended where we did not see it: before the recording, or inside of another call. */
void CatchUp(SqliteConnection& connection) {
  const bool now = InTransaction(connection);
  if (now && connection.transaction == 0) StartTransaction(connection, "BEGIN");
  if (!now && connection.transaction != 0) EndTransaction(connection, false);
}

/** After a step that ended without an error, and in a transaction before and behind it. */
void FollowSavepoints(SqliteConnection& connection, const Statement& statement) {
  if (statement.kind == StatementKind::kSavepoint) PushSavepoint(connection, statement);
  if (statement.kind == StatementKind::kRelease) ReleaseSavepoint(connection, statement.savepoint);
  if (statement.kind == StatementKind::kRollbackTo) RollBackToSavepoint(connection, statement.savepoint);
}

int Step(SqliteConnection& connection, sqlite3_stmt* statement) {
  CatchUp(connection);
  const bool goesOn = Sqlite().stmt_busy(statement) != 0;
  SqliteOpenStatement* own = FindStatement(connection, statement);
  if (own != nullptr && !goesOn) {
    // It was reset inside of another call.
    EndStatement(connection, own, true);
    own = nullptr;
  }
  const Statement text = goesOn ? Statement{} : ReadStatement(Sqlite().sql(statement));
  const bool before = connection.transaction != 0;
  if (before && !goesOn && text.kind != StatementKind::kSavepoint) {
    TellBegins(connection, text.kind == StatementKind::kOther ? text.type : nullptr);
  } else if (!before && !goesOn && text.kind == StatementKind::kOther) {
    own = BeginStatement(connection, statement, tExec, text.type);
  }
  WorkFor(own != nullptr ? own->handle : WorkingTransaction(connection));
  int result;
  {
    const Inside inside;
    result = Sqlite().step(statement);
  }
  const bool done = result == kSqliteDone;
  const bool after = InTransaction(connection);
  if (before && !after) {
    // A rollback by the statement, or by SQLite itself after an error, is everything but these two.
    const bool commits = text.kind == StatementKind::kCommit || text.kind == StatementKind::kRelease;
    EndTransaction(connection, done && commits);
  } else if (after) {
    if (!before) StartTransaction(connection, text.kind == StatementKind::kBegin ? text.type : "BEGIN");
    if (done) FollowSavepoints(connection, text);
  }
  if (own != nullptr && result != kSqliteRow) EndStatement(connection, own, done);
  WorkFor(0);
  return result;
}

/** A call that ends a statement: sqlite3_reset or sqlite3_finalize. */
template <class Call>
int EndingCall(SqliteConnection& connection, sqlite3_stmt* statement, Call&& call) {
  SqliteOpenStatement* own = FindStatement(connection, statement);
  WorkFor(own != nullptr ? own->handle : WorkingTransaction(connection));
  const int result = call(statement);
  if (own != nullptr) EndStatement(connection, own, result == kSqliteOk);
  return result;
}

int Finalize(SqliteConnection& connection, sqlite3_stmt* statement) {
  const auto finalize = [](sqlite3_stmt* one) {
    const Inside inside;
    return Sqlite().finalize(one);
  };
  if (!connection.closed) {
    const Held held(connection.db);
    const int result = EndingCall(connection, statement, finalize);
    CatchUp(connection);
    WorkFor(0);
    return result;
  }
  // The last statement of a closed connection takes it, and its mutex, along.
  const bool last = Sqlite().next_stmt(connection.db, nullptr) == statement &&
                    Sqlite().next_stmt(connection.db, statement) == nullptr;
  if (last) UnlinkConnection(connection);
  const int result = EndingCall(connection, statement, finalize);
  if (last) EndConnection(connection);
  WorkFor(0);
  return result;
}

int Close(sqlite3* db, int (*close)(sqlite3*), bool waitsForStatements) {
  const bool hasStatements = Sqlite().next_stmt(db, nullptr) != nullptr;
  const bool livesOn = waitsForStatements && hasStatements;
  // Also one that we have not met: a later step of its statements must find that it is closed.
  SqliteConnection* connection = livesOn ? FindOrAddConnection(db) : FindConnection(db);
  if (connection == nullptr) return close(db);
  WorkFor(WorkingTransaction(*connection));
  if (livesOn)
    connection->closed = true;
  else
    UnlinkConnection(*connection);
  int result;
  {
    const Inside inside;
    result = close(db);
  }
  if (!livesOn) {
    if (result == kSqliteOk)
      EndConnection(*connection);
    else
      LinkConnection(*connection);
  }
  WorkFor(0);
  return result;
}

/** What the program gave to sqlite3_exec: what it does in there is not the run's. */
struct Row {
  SqliteCallback callback;
  void* argument;
};

int CallBack(void* row, int columns, char** values, char** names) {
  const std::uint64_t exec = tExec;
  tExec = 0;
  const auto* of = static_cast<const Row*>(row);
  const int result = of->callback(of->argument, columns, values, names);
  tExec = exec;
  return result;
}

/** The library's own, whose steps we see; that it finalizes a statement we do not. */
int ExecSeen(sqlite3* db, const char* sql, SqliteCallback callback, void* argument, char** error) {
  Row row{callback, argument};
  const std::uint64_t outer = tExec;
  const std::uint64_t exec = tExec = ++tExecs;
  const int result = Sqlite().exec(db, sql, callback == nullptr ? nullptr : CallBack, &row, error);
  tExec = outer;
  if (SqliteConnection* connection = FindConnection(db); connection != nullptr && !connection->closed) {
    const Held held(db);
    EndStatementsOfExec(*connection, exec);
    CatchUp(*connection);
    WorkFor(0);
  }
  return result;
}

}  // namespace
}  // namespace rmem::record

using namespace rmem::record;  // NOLINT(google-build-using-namespace): SQLite's functions are global by
                               // nature

#define RMEM_EXPORT extern "C" __attribute__((visibility("default")))

RMEM_EXPORT int sqlite3_step(sqlite3_stmt* statement) {
  if (Sqlite().step == nullptr) return kSqliteError;
  if (!Marking() || statement == nullptr) return Sqlite().step(statement);
  sqlite3* db = Sqlite().db_handle(statement);
  SqliteConnection* connection = db == nullptr ? nullptr : FindOrAddConnection(db);
  // One without a text is the library's own, to read the schema or for an open blob.
  if (connection == nullptr || Sqlite().sql(statement) == nullptr) return Sqlite().step(statement);
  const Held held(db);
  return Step(*connection, statement);
}

RMEM_EXPORT int sqlite3_reset(sqlite3_stmt* statement) {
  if (Sqlite().reset == nullptr) return kSqliteError;
  if (!Marking() || statement == nullptr) return Sqlite().reset(statement);
  SqliteConnection* connection = FindConnection(Sqlite().db_handle(statement));
  if (connection == nullptr) return Sqlite().reset(statement);
  const Held held(connection->db);
  const int result = EndingCall(*connection, statement, [](sqlite3_stmt* one) {
    const Inside inside;
    return Sqlite().reset(one);
  });
  CatchUp(*connection);
  WorkFor(0);
  return result;
}

RMEM_EXPORT int sqlite3_finalize(sqlite3_stmt* statement) {
  if (Sqlite().finalize == nullptr) return kSqliteError;
  if (!Marking() || statement == nullptr) return Sqlite().finalize(statement);
  SqliteConnection* connection = FindConnection(Sqlite().db_handle(statement));
  return connection == nullptr ? Sqlite().finalize(statement) : Finalize(*connection, statement);
}

RMEM_EXPORT int sqlite3_close(sqlite3* db) {
  if (Sqlite().close == nullptr) return kSqliteError;
  if (!Marking() || db == nullptr) return Sqlite().close(db);
  return Close(db, Sqlite().close, false);
}

RMEM_EXPORT int sqlite3_close_v2(sqlite3* db) {
  if (Sqlite().close_v2 == nullptr) return kSqliteError;
  if (!Marking() || db == nullptr) return Sqlite().close_v2(db);
  return Close(db, Sqlite().close_v2, true);
}

RMEM_EXPORT int sqlite3_exec(sqlite3* db, const char* sql, SqliteCallback callback, void* argument,
                             char** error) {
  if (Sqlite().exec == nullptr) return kSqliteError;
  if (!Marking() || db == nullptr) return Sqlite().exec(db, sql, callback, argument, error);
  return Sqlite().callsAreSeen ? ExecSeen(db, sql, callback, argument, error)
                               : ExecInSight(db, sql, callback, argument, error);
}

namespace {

/** To prepare a statement is work for the transaction that is open. */
template <class Call>
int Prepare(sqlite3* db, Call&& call) {
  if (!Marking() || db == nullptr) return call();
  const Inside inside;  // the first one steps through the schema
  SqliteConnection* connection = FindConnection(db);
  if (connection == nullptr || connection->closed) return call();
  const Held held(db);
  WorkFor(WorkingTransaction(*connection));
  const int result = call();
  WorkFor(0);
  return result;
}

}  // namespace

RMEM_EXPORT int sqlite3_prepare(sqlite3* db, const char* sql, int bytes, sqlite3_stmt** statement,
                                const char** rest) {
  if (Sqlite().prepare == nullptr) return kSqliteError;
  return Prepare(db, [=] { return Sqlite().prepare(db, sql, bytes, statement, rest); });
}

RMEM_EXPORT int sqlite3_prepare_v2(sqlite3* db, const char* sql, int bytes, sqlite3_stmt** statement,
                                   const char** rest) {
  if (Sqlite().prepare_v2 == nullptr) return kSqliteError;
  return Prepare(db, [=] { return Sqlite().prepare_v2(db, sql, bytes, statement, rest); });
}

RMEM_EXPORT int sqlite3_prepare_v3(sqlite3* db, const char* sql, int bytes, unsigned flags,
                                   sqlite3_stmt** statement, const char** rest) {
  if (Sqlite().prepare_v3 == nullptr) return kSqliteError;
  return Prepare(db, [=] { return Sqlite().prepare_v3(db, sql, bytes, flags, statement, rest); });
}
