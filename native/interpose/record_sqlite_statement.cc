#include "interpose/record_sqlite_statement.h"

#include <string_view>

#include "base/ascii.h"

namespace rmem::record {
namespace {

constexpr char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
constexpr char Upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}
/** As SQLite has it: everything beyond ASCII is a letter. */
constexpr bool IsWord(char c) {
  return (Lower(c) >= 'a' && Lower(c) <= 'z') || IsDigit(c) || c == '_' || c == '$' || (c & 0x80) != 0;
}

struct Token {
  enum Kind : std::uint8_t { kEnd, kWord, kQuoted, kText, kSign } kind = kEnd;
  std::string_view text;  // without the quotes

  bool Is(std::string_view word) const {
    if (kind != kWord || text.size() != word.size()) return false;
    for (std::size_t i = 0; i < word.size(); ++i) {
      if (Upper(text[i]) != word[i]) return false;
    }
    return true;
  }
  bool IsName() const { return (kind == kWord && !IsDigit(text[0])) || kind == kQuoted; }
};

/** The words of a statement: no comments, no spaces. */
class Tokens {
 public:
  explicit Tokens(const char* sql) : at_(sql) {}

  Token Next() {
    SkipBlank();
    const char* const start = at_;
    const char c = *at_;
    if (c == '\0' || c == ';') return {};
    if (IsWord(c)) {
      while (IsWord(*at_)) ++at_;
      return {Token::kWord, {start, static_cast<std::size_t>(at_ - start)}};
    }
    ++at_;
    if (c == '"' || c == '`' || c == '[') return {Token::kQuoted, Quoted(c == '[' ? ']' : c)};
    if (c == '\'') return {Token::kText, Quoted(c)};
    return {Token::kSign, {start, 1}};
  }

 private:
  void SkipBlank() {
    for (;;) {
      if (*at_ == ' ' || (*at_ >= '\t' && *at_ <= '\r')) {
        ++at_;
      } else if (at_[0] == '-' && at_[1] == '-') {
        while (*at_ != '\0' && *at_ != '\n') ++at_;
      } else if (at_[0] == '/' && at_[1] == '*') {
        at_ += 2;
        while (*at_ != '\0' && !(at_[0] == '*' && at_[1] == '/')) ++at_;
        if (*at_ != '\0') at_ += 2;
      } else {
        return;
      }
    }
  }

  std::string_view Quoted(char end) {
    const char* const start = at_;
    while (*at_ != '\0' && (*at_ != end || at_[1] == end)) at_ += *at_ == end ? 2 : 1;
    const std::string_view text(start, static_cast<std::size_t>(at_ - start));
    if (*at_ != '\0') ++at_;
    return text;
  }

  const char* at_;
};

/** The type of a statement, put together word by word; what does not fit is cut off at a whole letter. */
class Type {
 public:
  explicit Type(char* out) : out_(out) {}

  void Verb(std::string_view word) {
    Space();
    for (const char c : word) Put(Upper(c));
  }
  void Name(std::string_view word, bool numbers) {
    Space();
    Append(word, numbers);
  }
  /** Behind the dot of `schema.table`. */
  void Append(std::string_view word, bool numbers) {
    char before = '\0';
    for (const char c : word) {
      if (numbers || !IsDigit(c))
        Put(c < ' ' && (c & 0x80) == 0 ? '?' : c);
      else if (!IsDigit(before))
        Put('#');
      before = c;
    }
  }
  void Put(char c) {
    if (full_ || used_ == kMaxTypeBytes) {
      if (!full_ && (c & 0xC0) == 0x80) CutLetter();
      full_ = true;
      return;
    }
    out_[used_++] = c;
    out_[used_] = '\0';
  }

 private:
  void Space() {
    if (used_ > 0) Put(' ');
  }
  void CutLetter() {
    while (used_ > 0 && (out_[used_ - 1] & 0xC0) == 0x80) --used_;
    if (used_ > 0) --used_;
    out_[used_] = '\0';
  }

  char* out_;
  std::size_t used_ = 0;
  bool full_ = false;
};

std::uint64_t NameHash(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(Lower(c))) * 0x100000001b3;
  return hash;
}

/** The words that stand between a verb and the name of what it works on. */
bool IsBetween(const Token& token) {
  constexpr std::string_view kWords[] = {"OR",     "REPLACE", "ROLLBACK", "ABORT",  "FAIL",
                                         "IGNORE", "IF",      "NOT",      "EXISTS", "TEMP",
                                         "UNIQUE", "ONLY",    "FROM",     "INTO",   "TEMPORARY"};
  for (const std::string_view word : kWords) {
    if (token.Is(word)) return true;
  }
  return false;
}

void TableName(Token token, Tokens& tokens, Type& type) {
  if (!token.IsName() && token.kind != Token::kText) return;
  type.Name(token.text, true);
  Tokens ahead = tokens;
  if (ahead.Next().text == ".") {
    token = ahead.Next();
    if (!token.IsName()) return;
    type.Put('.');
    type.Append(token.text, true);
  }
}

/** Goes to the first FROM outside of brackets, and takes the name behind it; none of a subquery. */
void TableBehind(std::string_view word, Tokens& tokens, Type& type) {
  int depth = 0;
  for (Token token = tokens.Next(); token.kind != Token::kEnd; token = tokens.Next()) {
    if (token.kind == Token::kSign) depth += token.text == "(" ? 1 : token.text == ")" ? -1 : 0;
    if (depth == 0 && token.Is(word)) return TableName(tokens.Next(), tokens, type);
  }
}

/** The verb behind the common tables of a WITH. */
Token VerbBehindWith(Tokens& tokens) {
  int depth = 0;
  for (Token token = tokens.Next(); token.kind != Token::kEnd; token = tokens.Next()) {
    if (token.kind == Token::kSign) depth += token.text == "(" ? 1 : token.text == ")" ? -1 : 0;
    if (depth == 0 && (token.Is("SELECT") || token.Is("INSERT") || token.Is("UPDATE") || token.Is("DELETE") ||
                       token.Is("REPLACE") || token.Is("VALUES")))
      return token;
  }
  return {};
}

void SavepointName(const Token& name, Statement& statement, Type& type) {
  statement.savepoint = NameHash(name.text);
  type.Verb("SAVEPOINT");
  type.Name(name.text, false);
}

void OtherStatement(Token verb, Tokens& tokens, Type& type) {
  if (verb.Is("WITH")) verb = VerbBehindWith(tokens);
  type.Verb(verb.kind == Token::kWord ? verb.text : "OTHER");
  if (verb.Is("SELECT")) return TableBehind("FROM", tokens, type);
  if (verb.Is("EXPLAIN") || verb.Is("VALUES") || verb.Is("VACUUM") || verb.Is("ATTACH")) return;
  Token token = tokens.Next();
  if (verb.Is("CREATE") || verb.Is("DROP") || verb.Is("ALTER")) {
    while (IsBetween(token)) token = tokens.Next();
    if (token.kind == Token::kWord) type.Verb(token.text);  // TABLE, INDEX, VIEW, TRIGGER
    token = tokens.Next();
  }
  while (IsBetween(token)) token = tokens.Next();
  TableName(token, tokens, type);
}

}  // namespace

Statement ReadStatement(const char* sql) {
  Statement statement;
  Type type(statement.type);
  while (*sql == ';') ++sql;
  Tokens tokens(sql);
  const Token verb = tokens.Next();
  if (verb.Is("BEGIN")) {
    statement.kind = StatementKind::kBegin;
    type.Verb(verb.text);
    const Token how = tokens.Next();
    if (how.Is("IMMEDIATE") || how.Is("EXCLUSIVE")) type.Verb(how.text);
  } else if (verb.Is("COMMIT") || verb.Is("END")) {
    statement.kind = StatementKind::kCommit;
  } else if (verb.Is("SAVEPOINT")) {
    statement.kind = StatementKind::kSavepoint;
    SavepointName(tokens.Next(), statement, type);
  } else if (verb.Is("RELEASE")) {
    statement.kind = StatementKind::kRelease;
    Token name = tokens.Next();
    if (name.Is("SAVEPOINT")) name = tokens.Next();
    SavepointName(name, statement, type);
  } else if (verb.Is("ROLLBACK")) {
    statement.kind = StatementKind::kRollback;
    Token next = tokens.Next();
    if (next.Is("TRANSACTION")) next = tokens.Next();
    if (next.Is("TO")) {
      statement.kind = StatementKind::kRollbackTo;
      next = tokens.Next();
      if (next.Is("SAVEPOINT")) next = tokens.Next();
      SavepointName(next, statement, type);
    }
  } else {
    OtherStatement(verb, tokens, type);
  }
  return statement;
}

}  // namespace rmem::record
