#include "interpose/record_sqlite_exec.h"

#include <sys/mman.h>

#include <cstddef>

// Ours, which mark and pass on.
extern "C" int sqlite3_step(sqlite3_stmt*);
extern "C" int sqlite3_finalize(sqlite3_stmt*);
extern "C" int sqlite3_prepare_v2(sqlite3*, const char*, int, sqlite3_stmt**, const char**);

namespace rmem::record {
namespace {

/** Names and values of a row: two arrays of `columns`, out of mapped memory where the stack is too small. */
class RowTexts {
 public:
  explicit RowTexts(int columns) : count_(static_cast<std::size_t>(columns)) {
    if (2 * (count_ + 1) <= kInline) return;
    void* mapped = mmap(nullptr, Bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    texts_ = mapped == MAP_FAILED ? nullptr : static_cast<char**>(mapped);
  }
  ~RowTexts() {
    if (texts_ != nullptr && texts_ != inline_) munmap(texts_, Bytes());
  }
  RowTexts(const RowTexts&) = delete;
  RowTexts& operator=(const RowTexts&) = delete;

  bool ok() const { return texts_ != nullptr; }
  char** names() { return texts_; }
  char** values() { return texts_ + count_ + 1; }

 private:
  static constexpr std::size_t kInline = 128;
  std::size_t Bytes() const { return 2 * (count_ + 1) * sizeof(char*); }

  std::size_t count_;
  char* inline_[kInline] = {};
  char** texts_ = inline_;
};

/** Runs one statement to its end; SQLITE_OK, an error, or SQLITE_ABORT where the callback refused. */
int RunStatement(sqlite3_stmt* statement, SqliteCallback callback, void* argument) {
  const SqliteLibrary& sqlite = Sqlite();
  const int columns = sqlite.column_count(statement);
  RowTexts texts(columns);
  if (!texts.ok()) return kSqliteNoMemory;
  for (;;) {
    const int result = sqlite3_step(statement);
    if (result == kSqliteDone) return kSqliteOk;
    if (result != kSqliteRow) return result;
    if (callback == nullptr) continue;
    for (int i = 0; i < columns; ++i) {
      // sqlite3_exec gives them without const, and always did.
      texts.names()[i] = const_cast<char*>(sqlite.column_name(statement, i));
      texts.values()[i] =
          reinterpret_cast<char*>(const_cast<unsigned char*>(sqlite.column_text(statement, i)));
    }
    if (callback(argument, columns, texts.values(), texts.names()) != 0) return kSqliteAbort;
  }
}

}  // namespace

int ExecInSight(sqlite3* db, const char* sql, SqliteCallback callback, void* argument, char** error) {
  const SqliteLibrary& sqlite = Sqlite();
  sqlite3_mutex* mutex = sqlite.db_mutex(db);
  sqlite.mutex_enter(mutex);
  int result = kSqliteOk;
  const char* message = nullptr;
  for (const char* rest = sql == nullptr ? "" : sql; *rest != '\0' && result == kSqliteOk;) {
    sqlite3_stmt* statement = nullptr;
    result = sqlite3_prepare_v2(db, rest, -1, &statement, &rest);
    if (statement == nullptr) continue;  // an error, a comment or blanks
    result = RunStatement(statement, callback, argument);
    if (result == kSqliteAbort) message = "query aborted";
    const int finalized = sqlite3_finalize(statement);
    if (finalized != kSqliteOk) result = finalized;
  }
  if (error != nullptr) {
    *error = nullptr;
    if (result != kSqliteOk) *error = sqlite.mprintf("%s", message != nullptr ? message : sqlite.errmsg(db));
  }
  sqlite.mutex_leave(mutex);
  return result;
}

}  // namespace rmem::record
