#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "trace/event_sink.h"
#include "trace/rmt_format.h"
#include "trace/trace_info.h"

namespace rmem {

/**
 * The payload of a block of canonical events:
 *
 *   names     varint count; each: table (0 kinds, 1 transaction types, 2 marks), varint bytes, text. They
 * take the next index of their table. shapes    varint count; the commonest allocs of the block: bits
 * (kShape…), varint size, log2 of the alignment and varint kind where the bits say so columns   their lengths
 * as varints, then each, one after the other; see CanonicalColumn
 *
 * Columns keep like with like, which is what makes gzip pack them. What changes rarely is said only when it
 * changes: the current thread, and for each thread the current transaction: set by a begin and by kOpScope,
 * and after an end the ended one's parent where it began in the same block with a parent, else none. Threads
 * and current transactions start anew with every block, so that each can be read by itself.
 */
enum CanonicalColumn : int {
  kColumnOps,     // one byte an op
  kColumnTimes,   // varint: time units since the event before
  kColumnNear,    // one byte: births since the freed block's, less kFirstNear
  kColumnMidLow,  // two bytes in two columns: the same, less kFirstMid
  kColumnMidHigh,
  kColumnFar,         // varint: births since the freed or reallocated block's
  kColumnSizes,       // varint: sizes of rare allocs, of reallocs and told with a free
  kColumnBits,        // one byte: kShape… of rare allocs and reallocs
  kColumnAlignments,  // one byte: log2, of rare allocs
  kColumnNames,       // varint: kinds of rare allocs and reallocs, transaction types, marks
  kColumnScopes,      // varint: begins since that of kOpScope's transaction
  kColumnThreads,     // varint: number of the thread within the block; a new one is followed by its index
  kColumnNumbers,     // varint: TIDs, samples, steps back in time, call sites
  kCanonicalColumns
};

/** Op bytes: below kFirstSmallFree as named, then frees by distance, then allocs by shape. */
enum CanonicalOp : std::uint8_t {
  kOpAlloc,  // bits, size, alignment and kind as the bits say
  kOpFreeNear,
  kOpFreeMid,
  kOpFreeFar,
  kOpFreeSized,    // far, size
  kOpRealloc,      // far, bits, size, kind as the bits say
  kOpBegin,        // name; no parent
  kOpBeginInside,  // name; the parent is the current transaction
  kOpCommit,       // of the current transaction
  kOpCommitInherit,
  kOpAbort,
  kOpThreadStart,  // number: TID
  kOpThreadEnd,
  kOpMark,      // name
  kOpSample,    // numbers: used, total, swap + 1, PSI + 1
  kOpScope,     // no event: another current transaction
  kOpThread,    // no event: another current thread
  kOpTimeBack,  // no event: number of units to go back
  kOpSite,      // no event: number of the call site of the alloc or realloc that follows
  kOpCount
};
inline constexpr unsigned kFirstSmallFree = 32;
inline constexpr unsigned kFirstShape = 64;
inline constexpr unsigned kMaxShapes = 256 - kFirstShape;
inline constexpr std::uint64_t kFirstNear = kFirstShape - kFirstSmallFree;
inline constexpr std::uint64_t kFirstMid = kFirstNear + 256;
inline constexpr std::uint64_t kFirstFar = kFirstMid + 65536;

inline constexpr std::uint8_t kShapeZeroed = kFlagZeroed;
inline constexpr std::uint8_t kShapeDiesWithScope = kFlagDiesWithScope;
inline constexpr std::uint8_t kShapeInScope = 4;  // born in the current transaction
inline constexpr std::uint8_t kShapeAligned = 8;
inline constexpr std::uint8_t kShapeKind = 16;  // not kind 0
inline constexpr int kAllocBits =
    kShapeZeroed | kShapeDiesWithScope | kShapeInScope | kShapeAligned | kShapeKind;
inline constexpr int kReallocBits = kShapeDiesWithScope | kShapeInScope | kShapeKind;

/** Where writer and reader stand between two blocks. */
struct CanonicalCounters {
  std::uint64_t events = 0;
  std::uint64_t births = 0;
  std::uint64_t begins = 0;
  std::uint64_t timeNs = 0;  // of the last event with a time
  std::uint32_t threads = 0;
  std::array<std::uint32_t, 3> names = {1, 1, 1};  // kinds, transaction types, marks

  void Store(RmtBlockHeader* header) const;
  static CanonicalCounters Load(const RmtBlockHeader& header);
  bool operator==(const CanonicalCounters&) const = default;
};

/** So many events fit into a payload whatever they are, beside a full section of names. */
inline constexpr std::size_t kAlwaysFits = 512;

/**
 * Makes `section`, the names that `names` has beyond `counters`, and moves `counters` on. False where a
 * section can't take them all: write a block with it, and call again.
 */
bool MakeNamesSection(const TraceNames& names, CanonicalCounters& counters, std::vector<std::byte>& section);

/** Makes payloads of canonical blocks. */
class CanonicalBlockEncoder {
 public:
  explicit CanonicalBlockEncoder(std::uint32_t timeUnitNs);

  /**
   * Makes `payload` of a section of names and `events`, of which all have times or none, and moves `counters`
   * on. Throws TraceError `not-canonical`. With more than kAlwaysFits events the payload may get longer than
   * kMaxPayloadBytes: then try again with fewer, from the counters before.
   */
  void Encode(std::span<const std::byte> names, std::span<const Event> events, CanonicalCounters& counters,
              std::vector<std::byte>& payload);

 private:
  struct Shape {
    std::uint64_t size;
    std::uint32_t alignment;
    std::uint16_t kind;
    std::uint8_t bits;
    std::uint8_t op;  // 0: a rare one
    std::uint32_t count;
  };
  struct LocalThread {
    std::uint32_t number;  // within the block
    std::uint32_t block;   // of which block this is true
    std::uint64_t current;
  };

  void FindShapes(std::span<const Event> events, std::vector<std::byte>& payload);
  std::uint32_t ShapeOf(const Event& event);
  void Put(const Event& event, std::uint32_t shape);
  void PutAlloc(const Event& event, const Shape& shape);
  void PutFree(const Event& event);
  void PutRealloc(const Event& event);
  void PutBegin(const Event& event);
  void PutEnd(const Event& event);
  void SwitchThread(std::uint32_t thread);
  void SetScope(std::uint64_t scope);
  void PutTime(std::uint64_t timeNs);
  std::uint64_t Distance(std::uint64_t id) const;
  void CheckThread(const Event& event);

  void Op(unsigned op) { columns_[kColumnOps].push_back(static_cast<std::byte>(op)); }
  void Byte(CanonicalColumn column, std::uint64_t value) {
    columns_[column].push_back(static_cast<std::byte>(value));
  }
  void Number(CanonicalColumn column, std::uint64_t value);

  std::uint64_t timeUnitNs_;
  std::array<std::vector<std::byte>, kCanonicalColumns> columns_;

  // Valid during Encode.
  CanonicalCounters* counters_ = nullptr;
  std::vector<Shape> shapes_;
  std::vector<std::uint32_t> shapeTable_;    // open addressing: index into shapes_ + 1
  std::vector<std::uint32_t> shapeOfAlloc_;  // in the order of the allocs
  std::vector<LocalThread> threads_;         // by index
  std::vector<std::uint64_t> parents_;       // of the transactions begun in the block
  std::uint64_t firstBegin_ = 0;
  std::uint32_t block_ = 0;
  std::uint32_t localThreads_ = 0;
  LocalThread* thread_ = nullptr;
  std::uint32_t threadIndex_ = 0;
};

/** Reads payloads of canonical blocks, and interns the names they define. */
class CanonicalBlockDecoder {
 public:
  explicit CanonicalBlockDecoder(TraceNames& names) : names_(names) {}

  /**
   * Hands the events of a payload to `sink` and moves `counters` on from what the header says. The payload
   * may hold anything: throws TraceError `damaged-block` when it is no such block, having handed on at most
   * what came before the fault.
   */
  void Decode(const RmtBlockHeader& header, std::span<const std::byte> payload, std::uint32_t timeUnitNs,
              CanonicalCounters& counters, EventSink& sink);

  /** Gives the names lost with a damaged block stand-ins, up to the numbers that a later block tells. */
  void InventNames(const std::array<std::uint32_t, 3>& counts);

  /** The file is of a version whose events may have call sites; otherwise one is damage. */
  void AllowSites() { sitesAllowed_ = true; }

  /** The largest number of a call site so far, or 0. */
  std::uint32_t lastSite() const { return lastSite_; }

 private:
  class Cursor;
  struct LocalThread {
    std::uint32_t index;
    std::uint64_t current;
  };

  void ReadNames(Cursor& in, CanonicalCounters& counters);
  void ReadShapes(Cursor& in);
  void AddName(std::size_t table, std::string_view text);

  TraceNames& names_;
  std::array<std::vector<std::uint16_t>, 3> nameOf_ = {
      {{0}, {0}, {0}}};  // index in the file → index in names_
  bool sitesAllowed_ = false;
  std::uint32_t lastSite_ = 0;
  std::array<Event, kMaxShapes> shapes_;
  std::size_t shapeCount_ = 0;
  std::vector<LocalThread> threads_;
  std::vector<std::uint64_t> parents_;
};

}  // namespace rmem
