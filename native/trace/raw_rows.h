#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "trace/event.h"
#include "trace/raw_block.h"

namespace rmem {

/** One row of a raw block, see raw_block.h. */
struct RawRow {
  unsigned type = 0;             // EventType or RawOp
  std::uint8_t flags = 0;        // kRaw…
  std::uint64_t ticks = 0;       // of a realloc: before the call
  std::uint64_t ticksAfter = 0;  // of a realloc: after it
  std::uint64_t address = 0;     // of a realloc: the old one; of a transaction: its handle
  std::uint64_t newAddress = 0;  // of a realloc; of a begin: the parent's handle
  std::uint64_t size = 0;
  std::uint32_t alignment = 0;
  std::uint64_t total = 0;  // of a sample
  std::uint64_t swap = 0;
  std::string_view text;     // valid as long as the payload; of a module: its path
  std::string_view buildId;  // of a module, whose start, bytes and offset are address, size and newAddress
  std::span<const std::uint64_t> stack;  // return addresses, valid until the next row
};

/** Reads the rows of one payload, which may hold anything. */
class RawRows {
 public:
  RawRows() = default;
  RawRows(std::span<const std::byte> payload, std::uint64_t firstTicks)
      : at_(payload.data()), end_(payload.data() + payload.size()), ticks_(firstTicks) {}

  bool AtEnd() const { return at_ == end_; }
  /** Throws TraceError `damaged-block` (without a place) where there is no row. */
  void Next(RawRow* row);

 private:
  std::uint64_t Number();
  std::uint64_t Ticks();
  std::uint64_t Address();
  std::string_view Text();
  std::string_view Bytes(std::uint64_t bytes);
  void Stack(RawRow* row);
  void Module(RawRow* row);
  std::uint8_t Byte();

  const std::byte* at_ = nullptr;
  const std::byte* end_ = nullptr;
  std::uint64_t ticks_ = 0;
  std::uint64_t address_ = 0;
  std::array<std::uint64_t, kMaxStackFrames> stack_;
};

}  // namespace rmem
