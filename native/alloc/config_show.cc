#include "alloc/config_show.h"

#include <string_view>

#include "alloc/config_keys.h"
#include "base/quantity_text.h"

namespace rmem {
namespace {

/** A comment of lines that are not too long. */
void AddComment(std::string_view text, ConfigText* out) noexcept {
  constexpr std::size_t kLineBytes = 100;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    const std::string_view word =
        space == std::string_view::npos ? text : std::string_view(text.data(), space);
    if (column != 0 && column + 1 + word.size() > kLineBytes) {
      out->Add("\n");
      column = 0;
    }
    out->Add(column == 0 ? "# " : " ", word);
    column += (column == 0 ? 2 : 1) + word.size();
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  }
  out->Add("\n");
}

void AddBytes(std::uint64_t bytes, ConfigText* out) noexcept {
  const QuantityText text = ExactBytes(bytes);
  const bool bare = text.view().find(' ') == std::string_view::npos;
  out->Add(bare ? "" : "\"", text, bare ? "" : "\"");
}

using Comment = FixedText<512>;

void AddRange(const ConfigKey& key, Comment* comment) noexcept {
  switch (key.kind) {
    case ConfigKind::kSize:
      comment->Add(" ", ExactBytes(key.min), " to ", ExactBytes(key.max), ".");
      break;
    case ConfigKind::kTime:
      comment->Add(" ", ExactMs(key.min), " to ", ExactMs(key.max), ".");
      break;
    case ConfigKind::kCount:
      comment->Add(" ", key.min, " to ", key.max, ".");
      break;
    case ConfigKind::kFlag:
      comment->Add(" true or false.");
      break;
    case ConfigKind::kChoice:
      for (std::size_t i = 0; i < key.names.size(); ++i) {
        comment->Add(i == 0 ? " " : i + 1 == key.names.size() ? " or " : ", ", "\"", key.names[i], "\"");
      }
      comment->Add(".");
      break;
    case ConfigKind::kClasses:
      comment->Add(" ", key.min, " to ", key.max, " classes.");
      break;
  }
}

void AddValue(const ConfigKey& key, HeapConfig& config, ConfigText* out) noexcept {
  switch (key.kind) {
    case ConfigKind::kSize:
      return AddBytes(*key.field.size(config), out);
    case ConfigKind::kTime:
      out->Add("\"", ExactMs(*key.field.ms(config)), "\"");
      return;
    case ConfigKind::kCount:
      out->Add(*key.field.count(config));
      return;
    case ConfigKind::kFlag:
      out->Add(*key.field.flag(config) ? "true" : "false");
      return;
    case ConfigKind::kChoice:
      out->Add("\"", key.names[*key.field.choice(config)], "\"");
      return;
    case ConfigKind::kClasses: {
      const SizeClassTable& classes = *config.sizeClasses;
      out->Add("[\n");
      for (unsigned i = 0; i < classes.count(); ++i) {
        out->Add("  { bytes = ", classes[i].bytes, ", magazine = ", classes[i].magazine, " },\n");
      }
      out->Add("]");
      return;
    }
  }
}

}  // namespace

void ShowHeapConfig(const HeapConfig& config, ConfigText* text) noexcept {
  HeapConfig shown = config;
  text->Set("# Configuration of a rustydb-mem heap. Sizes are bytes, or texts such as \"64 KiB\".\n");
  for (const ConfigTable& table : ConfigTables()) {
    bool opened = false;
    for (const ConfigKey& key : ConfigKeys()) {
      if (key.table() != table.path) continue;
      if (!opened) {
        text->Add("\n");
        AddComment(table.meaning, text);
        text->Add("[", table.path, "]\n");
        opened = true;
      }
      Comment comment;
      comment.Add(key.meaning);
      AddRange(key, &comment);
      AddComment(comment.view(), text);
      text->Add(key.name(), " = ");
      AddValue(key, shown, text);
      text->Add("\n");
    }
  }
}

}  // namespace rmem
