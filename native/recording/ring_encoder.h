#pragma once

#include <cstddef>
#include <cstdint>

#include "recording/raw_output.h"
#include "recording/shared_layout.h"
#include "trace/raw_block.h"

namespace rmem::record {

/** What was read out of rings. */
struct DrainCounts {
  std::uint64_t events = 0;   // rows but scopes and stacks
  std::uint64_t threads = 0;  // that wrote something
  std::uint64_t damaged = 0;  // rings that held what no writer writes; the rest of such a ring is given up
  std::uint64_t lastTicks = 0;
};

/**
 * The reading end of one ring: takes its records and encodes them into raw blocks of `out`. One reader a ring
 * at a time. Allocates nothing; large (a block lies in it).
 *
 * A thread's end is written when its ring passes on or Finish() is called, not when it comes: the C library
 * still frees memory after the last moment at which a thread can say that it ends.
 */
class RingEncoder {
 public:
  RingEncoder(RingHeader& ring, const std::uint64_t* words, std::uint64_t ringWords, std::uint64_t startTicks,
              RawOutput& out, DrainCounts& counts)
      : ring_(ring),
        words_(words),
        mask_(ringWords - 1),
        startTicks_(startTicks),
        out_(out),
        counts_(counts) {}

  /** Reads up to what is written now, at most `maxWords`; returns the words read. */
  std::uint64_t Drain(std::uint64_t maxWords = ~std::uint64_t{0});

  /** Reads what is there and makes it harmless: the recording has stopped. */
  void Discard();

  /** Writes the unfinished block. */
  void Flush();

  /** Flush, after the end of the thread where it has ended. */
  void Finish();

  /** TID of the thread whose records come now; 0 before the first. */
  std::uint32_t thread() const { return thread_; }

 private:
  std::uint64_t Word(std::uint64_t position) const { return words_[position & mask_]; }
  /** Reads one record; returns its words, 0 where there is none that makes sense. */
  std::uint64_t Take(std::uint64_t at, std::uint64_t end);
  void StartThread(std::uint32_t thread, std::uint64_t ticks);
  void EndThread();
  /** Reads a text of at most `most` bytes; returns its words, 0 where there is none. */
  std::uint64_t Text(std::uint64_t at, std::uint64_t end, char* text, std::size_t* bytes,
                     std::size_t most = RawBlockWriter::kMaxRawTextBytes) const;
  /** Keeps the stack until its allocation comes: a block is written out whenever the ring is empty. */
  std::uint64_t TakeStack(std::uint64_t at, std::uint64_t left);
  std::uint64_t TakeModule(std::uint64_t at, std::uint64_t end, std::uint64_t ticks);
  template <class Row>
  void Append(std::uint64_t ticks, Row&& row);
  /** Append, behind the stack that waits for this row and in one block with it. */
  template <class Row>
  void AppendWithStack(std::uint64_t ticks, Row&& row);

  RingHeader& ring_;
  const std::uint64_t* words_;
  const std::uint64_t mask_;
  const std::uint64_t startTicks_;
  RawOutput& out_;
  DrainCounts& counts_;
  std::uint32_t thread_ = 0;
  bool open_ = false;    // a block was started
  bool ending_ = false;  // the thread has said that it ends
  bool damaged_ = false;
  std::uint64_t lastTicks_ = 0;
  bool hasStack_ = false;
  std::size_t stackFrames_ = 0;
  std::uint64_t stack_[kMaxStackFrames];
  RawBlockWriter writer_;
  std::byte buffer_[kRawBlockBytes];
};

}  // namespace rmem::record
