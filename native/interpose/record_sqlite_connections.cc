#include "interpose/record_sqlite_connections.h"

#include <pthread.h>
#include <sys/mman.h>

#include <atomic>
#include <cstring>
#include <new>

#include "interpose/record_log.h"

namespace rmem::record {
namespace {

constexpr std::size_t kBuckets = 256;
constexpr std::size_t kChunkBytes = 64 << 10;
// Away from the handles that an engine gives with rustydb_mem_mark.h.
constexpr std::uint64_t kFirstHandle = std::uint64_t{1} << 62;

constinit pthread_mutex_t gMutex = PTHREAD_MUTEX_INITIALIZER;  // of the table and the pools
constinit SqliteConnection* gTable[kBuckets]{};
constinit std::atomic<std::uint64_t> gNextHandle{kFirstHandle};
// What the resolver holds to be the transaction of this thread.
constinit thread_local std::uint64_t tWorksFor = 0;

class Locked {
 public:
  Locked() { pthread_mutex_lock(&gMutex); }
  ~Locked() { pthread_mutex_unlock(&gMutex); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
};

/** Objects of one type out of mapped memory, because what we allocate must not be recorded. */
template <class T>
class MappedPool {
 public:
  T* Take() {
    const Locked locked;
    if (free_ == nullptr && !Grow()) return nullptr;
    Slot* slot = free_;
    free_ = slot->next;
    return new (slot) T{};
  }

  void Give(T* object) {
    const Locked locked;
    auto* slot = new (object) Slot{free_};
    free_ = slot;
  }

 private:
  struct Slot {
    Slot* next;
  };
  static_assert(sizeof(T) >= sizeof(Slot));

  bool Grow() {
    void* memory = mmap(nullptr, kChunkBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return false;
    auto* bytes = static_cast<std::byte*>(memory);
    for (std::size_t at = 0; at + sizeof(T) <= kChunkBytes; at += sizeof(T))
      free_ = new (bytes + at) Slot{free_};
    return true;
  }

  Slot* free_ = nullptr;
};

constinit MappedPool<SqliteConnection> gConnections;
constinit MappedPool<SqliteSavepoint> gSavepoints;
constinit MappedPool<SqliteOpenStatement> gStatements;

std::uint64_t NewHandle() {
  return gNextHandle.fetch_add(1, std::memory_order_relaxed);
}

SqliteConnection** Bucket(const sqlite3* db) {
  const auto address = reinterpret_cast<std::uintptr_t>(db);
  return &gTable[address / 64 * 0x9E3779B97F4A7C15 >> 56];
}

void CopyType(char (&to)[kMaxTypeBytes + 1], const char* from) {
  const std::size_t bytes = strnlen(from, kMaxTypeBytes);
  std::memcpy(to, from, bytes);
  to[bytes] = '\0';
}

void TellBegin(std::uint64_t handle, std::uint64_t parent, const char* type) {
  Begin(Clock().After(), handle, parent, type);
  tWorksFor = handle;
}

void TellEnd(std::uint64_t handle, std::uint64_t parent, bool commit, bool inherit) {
  if (commit)
    Commit(Clock().After(), handle, inherit);
  else
    Abort(Clock().After(), handle);
  if (tWorksFor == handle) tWorksFor = parent;
}

std::uint64_t ParentOf(const SqliteConnection& connection, const SqliteSavepoint& savepoint) {
  return savepoint.outer != nullptr ? savepoint.outer->handle : connection.transaction;
}

void PopSavepoint(SqliteConnection& connection, bool commit) {
  SqliteSavepoint* savepoint = connection.innermost;
  if (savepoint->begun) TellEnd(savepoint->handle, ParentOf(connection, *savepoint), commit, true);
  connection.innermost = savepoint->outer;
  gSavepoints.Give(savepoint);
}

const SqliteSavepoint* FindSavepoint(const SqliteConnection& connection, std::uint64_t name) {
  const SqliteSavepoint* savepoint = connection.innermost;
  while (savepoint != nullptr && savepoint->name != name) savepoint = savepoint->outer;
  return savepoint;
}

/** Outermost first; no recursion, because a program decides how deep they are. */
void TellSavepoints(SqliteConnection& connection) {
  SqliteSavepoint* told = nullptr;
  for (SqliteSavepoint* one = connection.innermost; one != nullptr && !one->begun; one = one->outer)
    told = one;
  while (told != nullptr) {
    TellBegin(told->handle, ParentOf(connection, *told), told->type);
    told->begun = true;
    SqliteSavepoint* inner = nullptr;
    for (SqliteSavepoint* one = connection.innermost; one != told; one = one->outer) inner = one;
    told = inner;
  }
}

}  // namespace

SqliteConnection* FindConnection(sqlite3* db) {
  const Locked locked;
  SqliteConnection* connection = *Bucket(db);
  while (connection != nullptr && connection->db != db) connection = connection->next;
  return connection;
}

SqliteConnection* FindOrAddConnection(sqlite3* db) {
  SqliteConnection* connection = FindConnection(db);
  if (connection != nullptr) return connection;
  connection = gConnections.Take();
  if (connection == nullptr) return nullptr;
  connection->db = db;
  LinkConnection(*connection);
  return connection;
}

void LinkConnection(SqliteConnection& connection) {
  const Locked locked;
  SqliteConnection** bucket = Bucket(connection.db);
  connection.next = *bucket;
  *bucket = &connection;
}

void UnlinkConnection(SqliteConnection& connection) {
  const Locked locked;
  SqliteConnection** at = Bucket(connection.db);
  while (*at != &connection) at = &(*at)->next;
  *at = connection.next;
}

void EndConnection(SqliteConnection& connection) {
  while (connection.statements != nullptr) EndStatement(connection, connection.statements, true);
  if (connection.transaction != 0) EndTransaction(connection, false);
  gConnections.Give(&connection);
}

void WorkFor(std::uint64_t handle) {
  if (tWorksFor == handle) return;
  Scope(Clock().After(), handle);
  tWorksFor = handle;
}

std::uint64_t WorkingTransaction(const SqliteConnection& connection) {
  for (const SqliteSavepoint* one = connection.innermost; one != nullptr; one = one->outer) {
    if (one->begun) return one->handle;
  }
  return connection.begun ? connection.transaction : 0;
}

void StartTransaction(SqliteConnection& connection, const char* type) {
  connection.transaction = NewHandle();
  connection.begun = false;
  CopyType(connection.type, type);
}

void TellBegins(SqliteConnection& connection, const char* type) {
  if (!connection.begun) {
    TellBegin(connection.transaction, 0, type != nullptr ? type : connection.type);
    connection.begun = true;
  }
  TellSavepoints(connection);
}

void EndTransaction(SqliteConnection& connection, bool commit) {
  TellBegins(connection, nullptr);
  while (connection.innermost != nullptr) PopSavepoint(connection, commit);
  TellEnd(connection.transaction, 0, commit, false);
  connection.transaction = 0;
  connection.begun = false;
}

void PushSavepoint(SqliteConnection& connection, const Statement& statement) {
  SqliteSavepoint* savepoint = gSavepoints.Take();
  if (savepoint == nullptr) return;
  savepoint->outer = connection.innermost;
  savepoint->handle = NewHandle();
  savepoint->name = statement.savepoint;
  CopyType(savepoint->type, statement.type);
  connection.innermost = savepoint;
}

void ReleaseSavepoint(SqliteConnection& connection, std::uint64_t name) {
  const SqliteSavepoint* last = FindSavepoint(connection, name);
  if (last == nullptr) return;
  while (connection.innermost != last) PopSavepoint(connection, true);
  PopSavepoint(connection, true);
}

void RollBackToSavepoint(SqliteConnection& connection, std::uint64_t name) {
  if (FindSavepoint(connection, name) == nullptr) return;
  while (connection.innermost->name != name) PopSavepoint(connection, false);
  SqliteSavepoint& again = *connection.innermost;
  if (again.begun) TellEnd(again.handle, ParentOf(connection, again), false, false);
  again.handle = NewHandle();
  again.begun = false;
}

SqliteOpenStatement* FindStatement(const SqliteConnection& connection, const sqlite3_stmt* statement) {
  SqliteOpenStatement* one = connection.statements;
  while (one != nullptr && one->statement != statement) one = one->next;
  return one;
}

SqliteOpenStatement* BeginStatement(SqliteConnection& connection, sqlite3_stmt* statement, std::uint64_t exec,
                                    const char* type) {
  SqliteOpenStatement* open = gStatements.Take();
  if (open == nullptr) return nullptr;
  open->statement = statement;
  open->handle = NewHandle();
  open->exec = exec;
  open->next = connection.statements;
  connection.statements = open;
  TellBegin(open->handle, 0, type);
  return open;
}

void EndStatement(SqliteConnection& connection, SqliteOpenStatement* statement, bool commit) {
  TellEnd(statement->handle, 0, commit, false);
  SqliteOpenStatement** at = &connection.statements;
  while (*at != statement) at = &(*at)->next;
  *at = statement->next;
  gStatements.Give(statement);
}

void EndStatementsOfExec(SqliteConnection& connection, std::uint64_t exec) {
  SqliteOpenStatement* next = nullptr;
  for (SqliteOpenStatement* one = connection.statements; one != nullptr; one = next) {
    next = one->next;
    if (one->exec == exec) EndStatement(connection, one, true);
  }
}

}  // namespace rmem::record
