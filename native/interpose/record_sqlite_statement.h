#pragma once

#include <cstddef>
#include <cstdint>

namespace rmem::record {

/** What a statement does to transactions. */
enum class StatementKind : std::uint8_t {
  kOther,
  kBegin,
  kCommit,
  kRollback,
  kSavepoint,
  kRelease,
  kRollbackTo
};

inline constexpr std::size_t kMaxTypeBytes = 48;

/** What the marker wants to know of the text of a statement. */
struct Statement {
  StatementKind kind = StatementKind::kOther;
  // SAVEPOINT, RELEASE, ROLLBACK TO: a hash of the savepoint's name, without quotes, in small letters.
  std::uint64_t savepoint = 0;
  // Ends in a zero. Verb in capitals and table as written ("INSERT orders"), never a literal; the name of a
  // savepoint with '#' for its numbers, which programs count up.
  char type[kMaxTypeBytes + 1] = {};
};

/** Reads the first words of `sql`. */
Statement ReadStatement(const char* sql);

}  // namespace rmem::record
