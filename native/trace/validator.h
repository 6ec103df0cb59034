#pragma once

#include "trace/event_sink.h"
#include "trace/live_blocks.h"
#include "trace/open_transactions.h"

namespace rmem {

/**
 * Passes canonical events on and checks on the way that they are one trace: births and begins are numbered
 * without a gap, only live blocks are freed or moved, only open transactions end, and not before their
 * children. Throws TraceError with the event's position as event number: `double-free` (the block has been,
 * and is dead), `unknown-block` (never born), `bad-birth`, `bad-transaction`, `bad-size`, `bad-alignment`.
 * Memory: the live blocks and open transactions.
 */
class Validator : public EventSink {
 public:
  explicit Validator(EventSink& next) : next_(next) {}

  void Consume(std::span<const Event> events) override;
  void Finish() override { next_.Finish(); }

 private:
  void Check(const Event& event);
  void Born(const Event& event, std::uint64_t id);
  void Dies(std::uint64_t id);

  struct Nothing {};
  EventSink& next_;
  LiveBlocks<Nothing> live_;
  OpenTransactions open_;
  std::uint64_t births_ = 0;
  std::uint64_t begins_ = 0;
};

}  // namespace rmem
