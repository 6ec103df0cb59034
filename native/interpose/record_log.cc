#include "interpose/record_log.h"

#include <algorithm>

#include "interpose/record_sized_delete.h"

namespace rmem::record {
namespace {

constexpr char kUnknown = 0;

void PutAll(std::span<const std::uint64_t> words) {
  RingHeader* ring = tRing != nullptr ? tRing : TakeRing();
  if (ring == nullptr) return CountUnheard();
  if (!PutSpan(*ring, MakeRoom, words)) CountDropped(*ring);
}

std::uint64_t First(EventType type, std::uint64_t ticks, unsigned flags = 0) {
  return FirstWord(static_cast<unsigned>(type) | flags, ticks);
}

}  // namespace

constinit const char* gSingleThreaded = &kUnknown;

void FreeWithoutRing(std::uint64_t ticks, const void* block) {
  const ToldSize told = tTold;
  tTold = {};
  tRing = told.ring != nullptr ? told.ring : TakeRing();
  if (tRing == nullptr) return CountUnheard();
  if (told.ring != nullptr && told.block == block) return SizedFree(ticks, block, told.bytes);
  Put(First(EventType::kFree, ticks), AddressOf(block));
  if (told.ring == nullptr) return;
  // Of another block: what was told is for one that is still to come.
  tTold = told;
  tRing = nullptr;
}

void Begin(std::uint64_t ticks, std::uint64_t handle, std::uint64_t parent, std::string_view type) {
  std::uint64_t words[4 + kMaxTextWords] = {First(EventType::kBegin, ticks), handle, parent};
  PutAll({words, 3 + TextWords(type, words + 3)});
}

void Commit(std::uint64_t ticks, std::uint64_t handle, bool inherit) {
  Put(First(EventType::kCommit, ticks, inherit ? kRawInherit : 0u), handle);
}

void Abort(std::uint64_t ticks, std::uint64_t handle) {
  Put(First(EventType::kAbort, ticks), handle);
}

void Scope(std::uint64_t ticks, std::uint64_t handle) {
  Put(FirstWord(static_cast<unsigned>(RawOp::kScope), ticks), handle);
}

void Mark(std::uint64_t ticks, std::string_view text) {
  std::uint64_t words[2 + kMaxTextWords] = {First(EventType::kMark, ticks)};
  PutAll({words, 1 + TextWords(text, words + 1)});
}

void Stack(std::uint64_t ticks, std::span<const std::uint64_t> returnAddresses) {
  std::uint64_t words[kMaxRecordWords];
  const std::size_t frames = std::min(returnAddresses.size(), kMaxStackFrames);
  words[0] = FirstWord(static_cast<unsigned>(RawOp::kStack), ticks);
  words[1] = frames;
  std::copy_n(returnAddresses.begin(), frames, words + 2);
  PutAll({words, 2 + frames});
}

void Module(std::uint64_t ticks, std::uint64_t start, std::uint64_t bytes, std::uint64_t fileOffset,
            std::string_view path, std::string_view buildId) {
  std::uint64_t words[6 + kMaxPathWords + kMaxBuildIdWords];
  words[0] = FirstWord(static_cast<unsigned>(RawOp::kModule), ticks);
  words[1] = start;
  words[2] = bytes;
  words[3] = fileOffset;
  std::size_t count = 4;
  count += TextWords(path, words + count, RawBlockWriter::kMaxRawPathBytes);
  count += TextWords(buildId, words + count, RawBlockWriter::kMaxRawBuildIdBytes);
  PutAll({words, count});
}

}  // namespace rmem::record
