#include "trace/phase_boundaries.h"

#include <stdexcept>

#include "base/varint.h"

namespace rmem {
namespace {

void Append(std::vector<std::byte>& bytes, std::uint64_t value) {
  std::byte varint[kMaxVarintBytes];
  bytes.insert(bytes.end(), varint, WriteVarint(varint, value));
}

std::uint64_t Cut(std::span<const std::byte>& left) {
  std::uint64_t value = 0;
  const std::byte* after = ReadVarint(left.data(), left.data() + left.size(), &value);
  if (after == nullptr) throw std::invalid_argument("the boundaries of the transactions are cut off");
  left = left.subspan(static_cast<std::size_t>(after - left.data()));
  return value;
}

}  // namespace

void ThreadBoundaries::Add(std::uint64_t first, std::uint64_t last) {
  Append(bytes_, first - at_);
  Append(bytes_, last - first);
  at_ = last;
}

void PhaseBoundaries::AddThread(const ThreadBoundaries& thread) {
  Append(bytes_, thread.bytes().size());
  bytes_.insert(bytes_.end(), thread.bytes().begin(), thread.bytes().end());
}

void BoundaryCursor::Next() {
  if (left_.empty()) {
    first_ = last_ = 0;
    return;
  }
  first_ = last_ + Cut(left_);
  last_ = first_ + Cut(left_);
}

std::vector<BoundaryCursor> ReadBoundaries(std::span<const std::byte> bytes) {
  std::vector<BoundaryCursor> threads;
  while (!bytes.empty()) {
    const std::uint64_t length = Cut(bytes);
    if (length > bytes.size()) throw std::invalid_argument("the boundaries of a thread are cut off");
    threads.emplace_back(bytes.first(static_cast<std::size_t>(length)));
    bytes = bytes.subspan(static_cast<std::size_t>(length));
  }
  return threads;
}

}  // namespace rmem
