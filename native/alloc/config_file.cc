#include "alloc/config_file.h"

#include <array>

#include "alloc/config_classes.h"
#include "alloc/config_keys.h"
#include "base/edit_distance.h"
#include "base/quantity_text.h"
#include "os/file_text.h"

namespace rmem {
namespace {

constexpr std::size_t kMaxTables = 32;
// Tables of the heap and a few slabs fit.
constexpr std::size_t kMinConfiguredReserveBytes = std::size_t{16} << 20;
constexpr std::size_t kNone = ~std::size_t{0};

using Path = FixedText<TomlReader::kMaxKeyBytes * 2>;

std::string_view Prefix(std::string_view text, std::size_t length) noexcept {
  return {text.data(), length};
}

std::string_view LastPart(std::string_view path) noexcept {
  const std::size_t dot = path.rfind('.');
  if (dot != std::string_view::npos) path.remove_prefix(dot + 1);
  return path;
}

std::size_t FindKey(std::string_view path) noexcept {
  const auto keys = ConfigKeys();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].path == path) return i;
  }
  return kNone;
}

std::size_t FindTable(std::string_view path) noexcept {
  const auto tables = ConfigTables();
  for (std::size_t i = 0; i < tables.size(); ++i) {
    if (tables[i].path == path) return i;
  }
  return kNone;
}

/** The least bad of what was seen, if it is near enough to be meant. */
class Nearest {
 public:
  explicit Nearest(std::string_view wanted) : wanted_(wanted) {}

  void See(std::string_view word) noexcept { SeeAs(word, word); }
  /** `shown` stands for it. */
  void SeeAs(std::string_view word, std::string_view shown) noexcept {
    const unsigned distance = EditDistance(wanted_, word);
    if (distance >= least_) return;
    least_ = distance;
    found_ = shown;
  }
  bool found() const noexcept { return least_ <= 2 && least_ < wanted_.size(); }
  std::string_view word() const noexcept { return found_; }

 private:
  std::string_view wanted_;
  std::string_view found_;
  unsigned least_ = ~0U;
};

class ConfigReader {
 public:
  ConfigReader(std::string_view text, HeapConfig* config, SizeClassTable* classes, TextMistake* mistake)
      : toml_(text, mistake), config_(*config), classes_(*classes) {}

  bool Read() noexcept {
    for (;;) {
      switch (toml_.Next()) {
        case TomlReader::Statement::kMistake:
          return false;
        case TomlReader::Statement::kEnd:
          return Agrees();
        case TomlReader::Statement::kTable:
          if (!OpenTable()) return false;
          break;
        case TomlReader::Statement::kArrayOfTables:
          if (!OpenElement()) return false;
          break;
        case TomlReader::Statement::kKey:
          if (!(inElement_ ? list_.TakeMember() : TakeMember(table_))) return false;
          break;
      }
    }
  }

  const HeapConfig& config() const noexcept { return config_; }
  const SizeClassTable& classes() const noexcept { return classes_; }

 private:
  /** How a table came to be; it decides what may still be added. */
  enum class Made : std::uint8_t { kNot, kByChild, kByHeader, kByDots, kInline };

  TextMistake& MistakeIn(const char* at, std::string_view key) noexcept {
    TextMistake& mistake = toml_.MistakeAt(at);
    mistake.key.AddLine(key);
    return mistake;
  }

  // Tables.

  bool OpenTable() noexcept {
    if (!EndElements()) return false;
    table_.Set(toml_.key());
    const std::size_t index = FindTable(table_.view());
    if (index == kNone) return RefuseTable();
    if (made_[index] != Made::kNot && made_[index] != Made::kByChild) {
      return TwiceTable(toml_.keyAt(), table_.view());
    }
    made_[index] = Made::kByHeader;
    return MakeParents(Made::kByChild, 0);
  }

  bool TwiceTable(const char* at, std::string_view path) noexcept {
    TextMistake& mistake = MistakeIn(at, path);
    mistake.what.Set("the table is defined a second time");
    mistake.remedy.Set("Put all of its keys in one place.");
    return false;
  }

  /** The tables between `from` bytes of table_ and its last part. */
  bool MakeParents(Made how, std::size_t from) noexcept {
    const std::string_view path = table_.view();
    for (std::size_t dot = path.find('.', from); dot != std::string_view::npos;
         dot = path.find('.', dot + 1)) {
      if (!MakeTable(Prefix(path, dot), how, toml_.keyAt())) return false;
    }
    return true;
  }

  bool MakeTable(std::string_view path, Made how, const char* at) noexcept {
    const std::size_t index = FindTable(path);
    if (index == kNone) return true;  // what is below it is not known either, and said so
    if (made_[index] == Made::kInline) return TwiceTable(at, path);
    if (made_[index] == Made::kNot) made_[index] = how;
    if (how == Made::kByDots && made_[index] == Made::kByHeader) return TwiceTable(at, path);
    return true;
  }

  bool RefuseTable() noexcept {
    const std::string_view path = table_.view();
    TextMistake& mistake = MistakeIn(toml_.keyAt(), path);
    if (FindKey(path) != kNone) {
      mistake.what.Set("this is the name of a value, not of a table");
      SuggestForm(ConfigKeys()[FindKey(path)], &mistake);
      return false;
    }
    mistake.what.Set("there is no such table");
    Nearest nearest(path);
    for (const ConfigTable& table : ConfigTables()) nearest.See(table.path);
    if (nearest.found()) {
      mistake.remedy.Set("Did you mean [", nearest.word(), "]?");
    } else {
      mistake.remedy.Set("Known are ");
      const char* between = "";
      for (const ConfigTable& table : ConfigTables()) {
        if (table.path.find('.') != std::string_view::npos) continue;
        mistake.remedy.Add(between, table.path);
        between = ", ";
      }
      mistake.remedy.Add(".");
    }
    return false;
  }

  // Keys.

  /** The value of the key just read, within the table `table`. */
  bool TakeMember(const Path& table) noexcept {
    Path path;
    if (!table.empty()) path.Add(table, ".");
    const std::size_t inherited = path.view().size();
    path.Add(toml_.key());
    const char* at = toml_.keyAt();
    const std::size_t key = FindKey(path.view());
    const std::size_t inner = FindTable(path.view());
    if (key == kNone && inner == kNone) return RefuseKey(path.view(), at);
    const std::string_view whole = path.view();
    for (std::size_t dot = whole.find('.', inherited); dot != std::string_view::npos;
         dot = whole.find('.', dot + 1)) {
      if (!MakeTable(Prefix(whole, dot), Made::kByDots, at)) return false;
    }
    return key != kNone ? TakeValue(key, at) : TakeInlineTable(path, inner, at);
  }

  bool TakeInlineTable(const Path& path, std::size_t index, const char* at) noexcept {
    TomlValue value;
    if (!toml_.ReadValue(&value)) return false;
    if (value.type != TomlValue::Type::kTable) {
      TextMistake& mistake = MistakeIn(value.at, path.view());
      mistake.what.Set("this is a table, not ", TomlTypeName(value.type));
      mistake.remedy.Set("Write its keys below [", path, "].");
      return false;
    }
    if (made_[index] != Made::kNot) return TwiceTable(at, path.view());
    for (bool first = true, more = true;;) {
      if (!toml_.NextMember(&first, &more)) return false;
      if (!more) break;
      if (!TakeMember(path)) return false;
    }
    // Only now closed: the members themselves were still its own.
    made_[index] = Made::kInline;
    return true;
  }

  bool RefuseKey(std::string_view path, const char* at) noexcept {
    TextMistake& mistake = MistakeIn(at, path);
    mistake.what.Set("there is no such key");
    const std::string_view name = LastPart(path);
    const std::string_view table = Prefix(path, path.size() - name.size());
    Nearest inTable(name);
    Nearest anywhere(path);
    for (const ConfigKey& key : ConfigKeys()) {
      // A key of another table by its exact name is more likely meant than one of nearly that name here.
      if (key.name() == name && (name.size() > 3 || !inTable.found())) inTable.SeeAs(name, key.path);
      if (Prefix(key.path, key.path.size() - key.name().size()) == table) inTable.SeeAs(key.name(), key.path);
      anywhere.See(key.path);
    }
    if (inTable.found()) {
      mistake.remedy.Set("Did you mean ", inTable.word(), "?");
    } else if (anywhere.found()) {
      mistake.remedy.Set("Did you mean ", anywhere.word(), "?");
    } else {
      SuggestMembers(table, &mistake);
    }
    return false;
  }

  static void SuggestMembers(std::string_view table, TextMistake* mistake) noexcept {
    if (!table.empty()) table.remove_suffix(1);
    if (FindTable(table) == kNone) {
      mistake->remedy.Set("`rustydb-mem config show` prints every key.");
      return;
    }
    mistake->remedy.Set("[", table, "] has ");
    const char* between = "";
    for (const ConfigKey& key : ConfigKeys()) {
      if (key.table() != table) continue;
      mistake->remedy.Add(between, key.name());
      between = ", ";
    }
    mistake->remedy.Add(".");
  }

  bool TakeValue(std::size_t index, const char* at) noexcept {
    const ConfigKey& key = ConfigKeys()[index];
    if (at_[index] != nullptr) {
      TextMistake& mistake = MistakeIn(at, key.path);
      mistake.what.Set("it was set before, in line ", toml_.LineOf(at_[index]));
      mistake.remedy.Set("Remove one of the two.");
      return false;
    }
    at_[index] = at;
    TomlValue value;
    if (!toml_.ReadValue(&value)) return false;
    switch (key.kind) {
      case ConfigKind::kSize: {
        std::uint64_t bytes = 0;
        if (!TakeSize(key, value, &bytes)) return false;
        *key.field.size(config_) = bytes;
        return true;
      }
      case ConfigKind::kTime:
        return TakeTime(key, value);
      case ConfigKind::kCount: {
        if (value.type != TomlValue::Type::kInteger) return WrongType(key, value);
        std::uint64_t count = 0;
        if (!TakeInteger(key, value, &count)) return false;
        *key.field.count(config_) = static_cast<std::uint32_t>(count);
        return true;
      }
      case ConfigKind::kFlag:
        if (value.type != TomlValue::Type::kBoolean) return WrongType(key, value);
        *key.field.flag(config_) = value.boolean;
        return true;
      case ConfigKind::kChoice:
        return TakeChoice(key, value);
      case ConfigKind::kClasses:
        return TakeClasses(key, value);
    }
    return false;
  }

  bool WrongType(const ConfigKey& key, const TomlValue& value) noexcept {
    constexpr std::string_view kWanted[] = {"a size",        "a time", "a whole number",
                                            "true or false", "a word", "a list"};
    TextMistake& mistake = MistakeIn(value.at, key.path);
    mistake.what.Set("it takes ", kWanted[static_cast<int>(key.kind)], ", not ", TomlTypeName(value.type));
    SuggestForm(key, &mistake);
    return false;
  }

  bool OutOfRange(const ConfigKey& key, const TomlValue& value) noexcept {
    TextMistake& mistake = MistakeIn(value.at, key.path);
    mistake.what.Set(Quoted{value.text}, " is out of range");
    SuggestForm(key, &mistake);
    return false;
  }

  bool TakeInteger(const ConfigKey& key, const TomlValue& value, std::uint64_t* number) noexcept {
    if (value.integer < 0) return OutOfRange(key, value);
    *number = static_cast<std::uint64_t>(value.integer);
    return (*number >= key.min && *number <= key.max) || OutOfRange(key, value);
  }

  bool TakeSize(const ConfigKey& key, const TomlValue& value, std::uint64_t* bytes) noexcept {
    if (value.type == TomlValue::Type::kInteger) return TakeInteger(key, value, bytes);
    if (value.type != TomlValue::Type::kString) return WrongType(key, value);
    const auto parsed = ParseBytes(value.text);
    if (!parsed) {
      TextMistake& mistake = MistakeIn(value.at, key.path);
      mistake.what.Set(Quoted{value.text}, " is not a size");
      SuggestForm(key, &mistake);
      return false;
    }
    *bytes = *parsed;
    return (*bytes >= key.min && *bytes <= key.max) || OutOfRange(key, value);
  }

  bool TakeTime(const ConfigKey& key, const TomlValue& value) noexcept {
    constexpr std::uint64_t kNsPerMs = 1000'000;
    if (value.type != TomlValue::Type::kString) return WrongType(key, value);
    const auto ns = ParseDurationNs(value.text);
    if (!ns || *ns % kNsPerMs != 0) {
      TextMistake& mistake = MistakeIn(value.at, key.path);
      mistake.what.Set(Quoted{value.text}, ns ? " is no whole number of milliseconds" : " is not a time");
      SuggestForm(key, &mistake);
      return false;
    }
    const std::uint64_t ms = *ns / kNsPerMs;
    if (ms < key.min || ms > key.max) return OutOfRange(key, value);
    *key.field.ms(config_) = static_cast<std::uint32_t>(ms);
    return true;
  }

  bool TakeChoice(const ConfigKey& key, const TomlValue& value) noexcept {
    if (value.type != TomlValue::Type::kString) return WrongType(key, value);
    Nearest nearest(value.text);
    for (std::size_t i = 0; i < key.names.size(); ++i) {
      if (key.names[i] == value.text) {
        *key.field.choice(config_) = static_cast<std::uint8_t>(i);
        return true;
      }
      nearest.See(key.names[i]);
    }
    TextMistake& mistake = MistakeIn(value.at, key.path);
    mistake.what.Set("there is no ", key.name(), " ", Quoted{value.text});
    SuggestForm(key, &mistake);
    if (nearest.found()) mistake.remedy.Set("Did you mean \"", nearest.word(), "\"?");
    return false;
  }

  // Size classes: an array of inline tables, or [[slab.classes]].

  bool TakeClasses(const ConfigKey& key, const TomlValue& array) noexcept {
    if (array.type != TomlValue::Type::kArray) return WrongType(key, array);
    return list_.TakeArray(array.at) && list_.Build(&classes_);
  }

  bool OpenElement() noexcept {
    table_.Set(toml_.key());
    const std::size_t index = FindKey(table_.view());
    if (index == kNone || ConfigKeys()[index].kind != ConfigKind::kClasses) {
      if (FindTable(table_.view()) == kNone) return RefuseTable();
      TextMistake& mistake = MistakeIn(toml_.keyAt(), table_.view());
      mistake.what.Set("there is only one such table");
      mistake.remedy.Set("Write [", table_, "].");
      return false;
    }
    if (at_[index] == nullptr) {
      if (!MakeParents(Made::kByChild, 0)) return false;
      at_[index] = toml_.keyAt();
    } else if (!inElement_) {
      TextMistake& mistake = MistakeIn(toml_.keyAt(), table_.view());
      mistake.what.Set("it was set before, in line ", toml_.LineOf(at_[index]));
      mistake.remedy.Set("Write the classes in one place.");
      return false;
    } else if (!list_.End()) {
      return false;
    }
    inElement_ = true;
    return list_.Begin(toml_.keyAt());
  }

  bool EndElements() noexcept {
    if (!inElement_) return true;
    inElement_ = false;
    return list_.End() && list_.Build(&classes_);
  }

  // What keys say together.

  /** Where `path` was set, or what it disagrees with. */
  const char* PlaceOf(std::string_view path, std::string_view other) const noexcept {
    const char* at = at_[FindKey(path)];
    return at != nullptr ? at : at_[FindKey(other)];
  }

  bool NotAbove(std::string_view low, std::size_t lowBytes, std::string_view high,
                std::size_t highBytes) noexcept {
    if (lowBytes <= highBytes) return true;
    TextMistake& mistake = MistakeIn(PlaceOf(low, high), low);
    mistake.what.Set(ExactBytes(lowBytes), " is more than ", high, ", which is ", ExactBytes(highBytes));
    mistake.remedy.Set("Lower the one or raise the other.");
    return false;
  }

  /** `arena.profiles.tiny.limit` of tiny and limit. */
  static Path ProfilePath(unsigned profile, std::string_view name) noexcept {
    constexpr std::string_view kProfiles[kArenaProfiles] = {"tiny", "small", "medium", "large", "huge"};
    return Path().Add("arena.profiles.", kProfiles[profile], ".", name);
  }

  bool Agrees() noexcept {
    if (!EndElements()) return false;
    if (config_.reserveBytes != 0 && config_.reserveBytes < kMinConfiguredReserveBytes) {
      TextMistake& mistake = MistakeIn(at_[FindKey("heap.reserve")], "heap.reserve");
      mistake.what.Set(ExactBytes(config_.reserveBytes), " is too little for a heap");
      mistake.remedy.Set("Write 0, for 256 GiB, or at least ", ExactBytes(kMinConfiguredReserveBytes), ".");
      return false;
    }
    if (!NotAbove("pages.dirty_cap", config_.dirtyCapBytes, "pages.dirty_cap_max", config_.dirtyCapMaxBytes))
      return false;
    const auto& profiles = config_.arena.profiles;
    for (unsigned i = 0; i < kArenaProfiles; ++i) {
      const auto path = [&](unsigned profile, std::string_view name) { return ProfilePath(profile, name); };
      if (!NotAbove(path(i, "initial").view(), profiles[i].initialBytes, path(i, "limit").view(),
                    profiles[i].limitBytes))
        return false;
      if (i + 1 == kArenaProfiles) break;
      if (!NotAbove(path(i, "limit").view(), profiles[i].limitBytes, path(i + 1, "limit").view(),
                    profiles[i + 1].limitBytes))
        return false;
      // The last profile takes all that is larger.
      if (i + 2 < kArenaProfiles && !NotAbove(path(i, "usual").view(), profiles[i].usualBytes,
                                              path(i + 1, "usual").view(), profiles[i + 1].usualBytes))
        return false;
    }
    return true;
  }

  TomlReader toml_;
  HeapConfig config_;
  SizeClassTable classes_;
  ConfigClasses list_{&toml_};

  Path table_;              // of the last header
  bool inElement_ = false;  // which was [[slab.classes]]
  std::array<Made, kMaxTables> made_{};
  std::array<const char*, kMaxConfigKeys> at_{};  // where a key was set
};

}  // namespace

bool ParseHeapConfig(std::string_view text, HeapConfig* config, SizeClassTable* classes,
                     TextMistake* mistake) noexcept {
  *mistake = TextMistake();
  SizeClassTable table = *config->sizeClasses;
  ConfigReader reader(text, config, &table, mistake);
  if (!reader.Read()) return false;
  *classes = reader.classes();
  *config = reader.config();
  config->sizeClasses = classes;
  return true;
}

bool ReadHeapConfigFile(const char* path, HeapConfig* config, SizeClassTable* classes,
                        TextMistake* mistake) noexcept {
  FileText file;
  const char* wrong = file.Read(path);
  if (wrong == nullptr) return ParseHeapConfig(file.text(), config, classes, mistake);
  *mistake = TextMistake();
  mistake->what.Set("the file ", wrong);
  mistake->remedy.Set("Name a configuration file, such as `rustydb-mem config show` prints.");
  return false;
}

void DescribeMistake(std::string_view path, const TextMistake& mistake, MistakeLine* line) noexcept {
  line->Clear();
  line->AddLine(path);
  if (mistake.line != 0) line->Add(":", mistake.line, ":", mistake.column);
  line->Add(": ");
  if (!mistake.key.empty()) line->Add(mistake.key, ": ");
  line->Add(mistake.what, ".");
  if (!mistake.remedy.empty()) line->Add(" ", mistake.remedy);
}

}  // namespace rmem
