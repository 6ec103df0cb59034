#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace rmem {

/** `text` as a JSON string, in quotes. Bytes beyond ASCII stay as they are. */
std::string JsonString(std::string_view text);

/**
 * Reads the JSON of a `.rmt` header or trailer piece by piece, so that no tree is built of what a file
 * claims. Every method throws TraceError `damaged-block` where the text is not what was asked for.
 *
 *   JsonReader in(text);
 *   for (in.Enter('{'); in.More(&key);) …exactly one of Text, Number, Bool, Skip or Enter…More
 */
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  /** Takes the bracket that opens an object, '{', or an array, '['. */
  void Enter(char bracket);
  /** In an object: takes the next key; false, and the closing bracket is taken, where there is none. */
  bool More(std::string* key);
  /** The same in an array. */
  bool More();

  std::string Text();
  std::uint64_t Number();
  bool Bool();
  /** Takes any value. */
  void Skip();
  /** Throws unless the text has been taken whole. */
  void End();

 private:
  char Peek();
  void Take(char expected);
  bool TakeIf(char c);
  bool Next(char closing);

  std::string_view text_;
  std::size_t at_ = 0;
  bool first_ = false;  // nothing of the entered object or array was taken yet
};

/** A flat object of texts, such as the header of a `.rmt`. Throws as JsonReader. */
std::map<std::string, std::string> ParseJsonTexts(std::string_view json);
std::string WriteJsonTexts(const std::map<std::string, std::string>& texts);

}  // namespace rmem
