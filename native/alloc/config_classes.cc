#include "alloc/config_classes.h"

#include <cstdint>

#include "base/quantity_text.h"

namespace rmem {

TextMistake& ConfigClasses::MistakeAt(const char* at) noexcept {
  TextMistake& mistake = toml_.MistakeAt(at);
  mistake.key.Set("slab.classes");
  return mistake;
}

bool ConfigClasses::TakeArray(const char* at) noexcept {
  listAt_ = at;
  for (bool first = true, more = true;;) {
    if (!toml_.NextElement(&first, &more)) return false;
    if (!more) return true;
    TomlValue element;
    if (!toml_.ReadValue(&element)) return false;
    if (element.type != TomlValue::Type::kTable) {
      TextMistake& mistake = MistakeAt(element.at);
      mistake.what.Set("a size class is a table, not ", TomlTypeName(element.type));
      mistake.remedy.Set("Write it like { bytes = 64, magazine = 128 }.");
      return false;
    }
    if (!Begin(element.at)) return false;
    for (bool firstMember = true, moreMembers = true;;) {
      if (!toml_.NextMember(&firstMember, &moreMembers)) return false;
      if (!moreMembers) break;
      if (!TakeMember()) return false;
    }
    if (!End()) return false;
  }
}

bool ConfigClasses::Begin(const char* at) noexcept {
  if (count_ == rows_.size()) {
    TextMistake& mistake = MistakeAt(at);
    mistake.what.Set("there are more than ", rows_.size(), " size classes");
    mistake.remedy.Set("Leave some out.");
    return false;
  }
  row_ = {};
  rowAt_ = bytesAt_ = at;
  return true;
}

bool ConfigClasses::TakeMember() noexcept {
  const bool isBytes = toml_.key() == "bytes";
  const char* at = toml_.keyAt();
  if (!isBytes && toml_.key() != "magazine") {
    TextMistake& mistake = MistakeAt(at);
    mistake.what.Set("a size class has no key ", Quoted{toml_.key()});
    mistake.remedy.Set("It has bytes and magazine.");
    return false;
  }
  if ((isBytes ? row_.bytes : row_.magazine) != 0) {
    TextMistake& mistake = MistakeAt(at);
    mistake.what.Set(toml_.key(), " was set before in this size class");
    mistake.remedy.Set("Remove one of the two.");
    return false;
  }
  TomlValue value;
  if (!toml_.ReadValue(&value)) return false;
  std::uint64_t number = 0;
  if (value.type == TomlValue::Type::kInteger && value.integer > 0) {
    number = static_cast<std::uint64_t>(value.integer);
  } else if (value.type == TomlValue::Type::kString && isBytes) {
    number = ParseBytes(value.text).value_or(0);
  }
  constexpr std::uint64_t kMaxMagazine = 1024;
  const std::uint64_t most = isBytes ? SizeClassTable::kMaxBytes : kMaxMagazine;
  if (number == 0 || number > most) {
    TextMistake& mistake = MistakeAt(value.at);
    mistake.what.Set(isBytes ? "bytes" : "magazine", " cannot be ");
    if (value.text.empty()) {
      mistake.what.Add(TomlTypeName(value.type));
    } else {
      mistake.what.Add(Quoted{value.text});
    }
    mistake.remedy.Set("Write a whole number from ", isBytes ? 8 : 1, " to ", most, ".");
    return false;
  }
  if (isBytes) {
    row_.bytes = static_cast<std::uint32_t>(number);
    bytesAt_ = value.at;
  } else {
    row_.magazine = static_cast<std::uint16_t>(number);
  }
  return true;
}

bool ConfigClasses::End() noexcept {
  if (row_.bytes == 0 || row_.magazine == 0) {
    TextMistake& mistake = MistakeAt(rowAt_);
    mistake.what.Set("a size class lacks ", row_.bytes == 0 ? "bytes" : "magazine");
    mistake.remedy.Set("Write it like { bytes = 64, magazine = 128 }.");
    return false;
  }
  const std::uint32_t previous = count_ == 0 ? 0 : rows_[count_ - 1].bytes;
  if (row_.bytes <= previous) {
    TextMistake& mistake = MistakeAt(bytesAt_);
    mistake.what.Set("the class of ", row_.bytes, " bytes follows one of ", previous);
    mistake.remedy.Set("Write the classes in ascending order, each size once.");
    return false;
  }
  rowBytesAt_[count_] = bytesAt_;
  rows_[count_++] = row_;
  return true;
}

bool ConfigClasses::Build(SizeClassTable* table) noexcept {
  if (count_ == 0) {
    TextMistake& mistake = MistakeAt(listAt_);
    mistake.what.Set("there is no size class in the list");
    mistake.remedy.Set("Write a list such as [{ bytes = 64, magazine = 128 }].");
    return false;
  }
  if (SizeClassTable::Build({rows_.data(), count_}, table)) return true;
  // The table is the judge of what a class may be: asked of ever longer lists, it tells which row it minds.
  std::size_t count = 1;
  while (count < count_ && SizeClassTable::Build({rows_.data(), count}, table)) ++count;
  TextMistake& mistake = MistakeAt(rowBytesAt_[count - 1]);
  mistake.what.Set("there can be no class of ", rows_[count - 1].bytes, " bytes");
  mistake.remedy.Set("The first may be 8; the others are multiples of 16 up to 1024, and of 64 above it.");
  return false;
}

}  // namespace rmem
