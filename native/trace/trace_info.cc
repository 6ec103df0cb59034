#include "trace/trace_info.h"

#include <charconv>

#include "trace/trace_error.h"

namespace rmem {

std::uint64_t StackBytesOf(const std::map<std::string, std::string>& header) {
  const auto found = header.find(kStackBytesField);
  std::uint64_t bytes = 0;
  if (found == header.end()) return 0;
  const char* const end = found->second.data() + found->second.size();
  const auto result = std::from_chars(found->second.data(), end, bytes);
  return result.ec == std::errc() && result.ptr == end ? bytes : 0;
}

std::uint16_t NameTable::Intern(std::string_view text) {
  std::string key(text);
  if (auto found = index_.find(key); found != index_.end()) return found->second;
  if (texts_.size() > UINT16_MAX) {
    throw TraceError("too-many-names", "the trace names more than 65,535 kinds, types or marks");
  }
  auto index = static_cast<std::uint16_t>(texts_.size());
  texts_.push_back(key);
  index_.emplace(std::move(key), index);
  return index;
}

void ImportReport::Count(const std::string& category, bool dropped, std::uint64_t position,
                         std::uint64_t times) {
  Repair& repair = repairs[category];
  repair.count += times;
  repair.dropped = dropped;
  if (repair.firstPositions.size() < 5) repair.firstPositions.push_back(position);
}

std::uint64_t ImportReport::Dropped() const {
  std::uint64_t sum = 0;
  for (const auto& [category, repair] : repairs) sum += repair.dropped ? repair.count : 0;
  return sum;
}

std::uint64_t ImportReport::Repaired() const {
  std::uint64_t sum = 0;
  for (const auto& [category, repair] : repairs) sum += repair.dropped ? 0 : repair.count;
  return sum;
}

}  // namespace rmem
