#include "replay/check_pattern.h"

#include <algorithm>
#include <cstring>

namespace rmem {
namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);

std::uint64_t WordAt(std::uint64_t seed, std::size_t index) {
  // An odd multiplier: every word of a block differs from every other.
  return seed + index * 0x9e3779b97f4a7c15;
}

unsigned char ByteAt(std::uint64_t seed, std::size_t offset) {
  return static_cast<unsigned char>(WordAt(seed, offset / kWord) >> (offset % kWord * 8));
}

}  // namespace

void FillPattern(void* block, std::uint64_t seed, std::size_t from, std::size_t to) {
  unsigned char* bytes = static_cast<unsigned char*>(block);
  std::size_t at = from;
  for (; at < to && at % kWord != 0; ++at) bytes[at] = ByteAt(seed, at);
  for (; at + kWord <= to; at += kWord) {
    const std::uint64_t word = WordAt(seed, at / kWord);
    std::memcpy(bytes + at, &word, kWord);
  }
  for (; at < to; ++at) bytes[at] = ByteAt(seed, at);
}

std::size_t FindMismatch(const void* block, std::uint64_t seed, std::size_t size) {
  const unsigned char* bytes = static_cast<const unsigned char*>(block);
  std::size_t at = 0;
  for (; at + kWord <= size; at += kWord) {
    std::uint64_t word;
    std::memcpy(&word, bytes + at, kWord);
    if (word != WordAt(seed, at / kWord)) break;
  }
  for (; at < size; ++at) {
    if (bytes[at] != ByteAt(seed, at)) return at;
  }
  return kNoMismatch;
}

std::size_t FindNonZero(const void* block, std::size_t size) {
  const unsigned char* bytes = static_cast<const unsigned char*>(block);
  const unsigned char* found =
      std::find_if(bytes, bytes + size, [](unsigned char byte) { return byte != 0; });
  return found == bytes + size ? kNoMismatch : static_cast<std::size_t>(found - bytes);
}

}  // namespace rmem
