#pragma once

#include <cstdint>
#include <vector>

#include "trace/event_batch.h"
#include "trace/event_sink.h"
#include "trace/live_blocks.h"
#include "trace/open_transactions.h"
#include "trace/trace_info.h"

namespace rmem {

/**
 * Turns events identified by the addresses or handles of a source (recycled at will, 0 being NULL) into
 * events identified by birth numbers, and mends what can't be, each repair counted in the report with the
 * position it happened at:
 *
 *   dropped   free-of-unknown-block       also a second free of the same block
 *             late-free                   the free that a born-twice repair already made, logged late by its
 * thread failed-allocation           the source's malloc returned NULL failed-reallocation         the
 * source's realloc returned NULL; the old block lives on end-of-unknown-transaction  commit or abort of what
 * is not open thread-event-repeated       a thread started twice or ended twice mended    free-of-null a call
 * that does nothing; there is nothing to replay block-born-twice            a free of the older block at this
 * address is put in before realloc-of-unknown-block    becomes an alloc transaction-begun-twice     the older
 * one is aborted before open-children-at-end        the children are aborted before their parent ends
 *             unknown-parent              a savepoint in no open transaction becomes a transaction
 *             unknown-scope               a block in no open transaction gets none
 *             inherit-without-parent      the commit of a transaction that has no parent passes nothing on
 *             scope-missing               a block that should die with its scope has none; it lives until it
 * is freed time-went-back              the time of the event before is taken instead
 *
 * A realloc of NULL is an alloc and one that returns NULL for size 0 a free, as in C: no repairs. The abort
 * of a transaction with open children aborts them before it, as events of their own. Throws TraceError, with
 * the position as place: `bad-size` for a block beyond kMaxBlockBytes, `bad-alignment` for an alignment that
 * is no power of two, `bad-transaction` for one with the handle 0. Memory: the live blocks, open transactions
 * and threads.
 */
class Normaliser : public EventSink {
 public:
  /** What the positions of the source count, for the place of an error. */
  enum class Positions { kLines, kEvents };

  Normaliser(TraceInfo& info, EventSink& next, Positions positions = Positions::kLines)
      : info_(info), out_(next), positions_(positions) {}

  void Consume(std::span<const Event> events) override;
  void Finish() override;

 private:
  struct Live {
    std::uint64_t birth;
    std::uint32_t thread;     // that bore it
    std::uint32_t lateFrees;  // frees put in at births at its address; the source's own are still to come
  };
  struct InRealloc {
    Live block;
    bool known;
    bool dies;  // with its scope
  };
  struct Thread {
    std::uint32_t index = 0;  // in the result, from 1; 0: it has not appeared
    bool started = false;
    bool ended = false;
  };

  void Take(Event event);
  void Alloc(Event& event);
  void Free(Event& event);
  void Realloc(Event& event);
  void Begin(Event& event);
  void End(Event& event);
  void AbortDescendants(std::uint64_t transaction, const Event& because);
  void Abort(std::uint64_t transaction, const Event& because);
  void StartOrEndThread(const Event& event);

  void Die(const Live& block, Event& event);
  std::uint64_t Born(std::uint64_t address, const Event& event);
  void DiesWithScope(std::uint64_t birth);
  void ResolveScope(Event& event, std::uint64_t birth, std::uint64_t address);
  Thread& ThreadOf(const Event& event);
  void Emit(Event event);
  void Mended(const char* category, const Event& event) {
    info_.report.Count(category, false, event.position);
  }
  void Dropped(const char* category, const Event& event) {
    info_.report.Count(category, true, event.position);
  }

  TraceInfo& info_;
  EventBatch out_;
  const Positions positions_;
  LiveBlocks<Live, AddressHash> live_;  // by address
  LiveBlocks<InRealloc> inRealloc_;     // by thread + 1: what a kFlagReallocStart took out
  LiveBlocks<std::uint64_t>
      dyingAddresses_;  // by birth: addresses of the live blocks that die with their scope
  OpenTransactions open_;
  LiveBlocks<std::uint64_t, AddressHash> numberOf_;  // handle of an open transaction → its number
  LiveBlocks<std::uint64_t> handleOf_;               // the other way round
  std::vector<Thread> threads_;                      // by the index in the source
  std::uint32_t threadCount_ = 0;
  std::uint64_t births_ = 0;
  std::uint64_t begins_ = 0;
  std::uint64_t lastTimeNs_ = 0;
};

/**
 * Only between the raw resolver and the normaliser: a realloc was entered. Its old address may be reused by
 * others from here on; the realloc of the same thread that follows completes it.
 */
inline constexpr std::uint8_t kFlagReallocStart = 64;

}  // namespace rmem
