#include "trace/generator.h"

#include <array>
#include <cmath>
#include <deque>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/random.h"
#include "trace/event_batch.h"

namespace rmem {
namespace {

// The ten object kinds of a database engine and their sizes, and memory for sorts, which has many.
enum Kind : int {
  kLockEntry,
  kPageHeader,
  kVersion,
  kSmallRow,
  kTransactionMetadata,
  kMediumRow,
  kSmallIndexNode,
  kLargeRow,
  kMediumIndexNode,
  kPage,
  kWorkBuffer,
  kKinds
};
struct KindOf {
  const char* name;
  std::uint32_t bytes;
};
constexpr std::array<KindOf, kKinds> kKindTable = {{{"lock-entry", 64},
                                                    {"page-header", 128},
                                                    {"version", 192},
                                                    {"small-row", 256},
                                                    {"transaction-metadata", 384},
                                                    {"medium-row", 512},
                                                    {"small-index-node", 512},
                                                    {"large-row", 1024},
                                                    {"medium-index-node", 2048},
                                                    {"page", 4096},
                                                    {"work-buffer", 0}}};

// Shares and lengths after the TPC-C mix: new-order reads and writes ten lines, payment is short, the last
// two are rare and long.
struct TransactionOf {
  const char* name;
  std::uint32_t percent;
  std::uint32_t statements;  // at least; up to twice as many
  std::uint32_t operations;  // of a statement, about
  std::uint32_t savepointPercent;
};
constexpr std::array<TransactionOf, 5> kMix = {{{"new-order", 45, 6, 10, 30},
                                                {"payment", 43, 3, 8, 10},
                                                {"order-status", 4, 2, 8, 0},
                                                {"delivery", 4, 10, 12, 30},
                                                {"stock-level", 4, 4, 20, 0}}};
constexpr std::uint32_t kRollbackToSavepointPercent = 8;
constexpr std::uint32_t kAbortPercent = 3;
constexpr std::size_t kCollectorBatch = 64;
constexpr std::size_t kMostTemporaries = 8;
constexpr std::size_t kRowSizes = 32;  // different sizes of one kind of row

class Oltp {
 public:
  Oltp(const OltpOptions& options, TraceInfo& info, EventSink& sink)
      : options_(options), out_(sink), random_(options.seed), sessions_(options.threads) {
    for (int kind = 0; kind < kKinds; ++kind)
      kindNames_[kind] = info.names.kinds.Intern(kKindTable[kind].name);
    for (std::size_t type = 0; type < kMix.size(); ++type) {
      typeNames_[type] = info.names.transactionTypes.Intern(kMix[type].name);
    }
    savepointName_ = info.names.transactionTypes.Intern("savepoint");
    startMark_ = info.names.marks.Intern("start");
    stopMark_ = info.names.marks.Intern("stop");
    info.header = {{"workload", "oltp"},
                   {"seed", std::to_string(options.seed)},
                   {"threads", std::to_string(options.threads)},
                   {"liveBytes", std::to_string(options.liveBytes)},
                   {"clock", "made up"}};
    MakeRowSizes();
    // Three quarters of what lives long are cached pages; the opening population is at most a tenth of the
    // trace.
    const std::uint64_t pageBytes = kKindTable[kPage].bytes + kKindTable[kPageHeader].bytes;
    const std::uint64_t pages = std::min(options.liveBytes / 4 * 3 / pageBytes, options.events / 20);
    pages_.reserve(pages);
    pageTarget_ = pages;
    versionTarget_ = options.liveBytes / 4 / kKindTable[kVersion].bytes;
    for (std::uint32_t thread = 0; thread < options.threads; ++thread) StartThread(thread);
  }

  bool Step(std::size_t events) {
    for (const std::uint64_t until = events_ + events; events_ < until;) {
      if (!started_) {
        LoadPages();
      } else if (!Burst()) {
        out_.Finish();
        return false;
      }
    }
    return true;
  }

 private:
  struct Session {
    std::uint64_t transaction = 0;  // 0: idle
    std::uint64_t savepoint = 0;
    std::uint64_t metadata = 0;
    std::uint32_t type = 0;
    std::uint32_t statements = 0;    // left
    std::uint32_t operations = 0;    // left of this statement
    std::size_t versionsBefore = 0;  // the savepoint
    bool ended = false;
    std::vector<std::uint64_t> temporaries;
    std::vector<std::uint64_t> versions;  // of this transaction
  };

  struct Page {
    std::uint64_t page;
    std::uint64_t header;
  };

  /** Rows: lognormal about 0.6 of their class's size and never above it, in steps of eight bytes. */
  void MakeRowSizes() {
    Random random(options_.seed ^ 0x726f7773);
    const Kind rows[] = {kSmallRow, kMediumRow, kLargeRow};
    for (std::size_t row = 0; row < 3; ++row) {
      for (std::uint32_t& bytes : rowSizes_[row]) {
        double sum = -6;  // of twelve uniform numbers: a normal one (Irwin-Hall)
        for (int i = 0; i < 12; ++i) sum += static_cast<double>(random.Next() >> 11) * 0x1p-53;
        const double most = kKindTable[rows[row]].bytes;
        const double size = std::min(0.6 * most * std::exp(0.35 * sum), most);
        bytes = std::max(16u, (static_cast<std::uint32_t>(size) + 7) & ~7u);
      }
    }
  }

  void LoadPages() {
    if (pages_.size() < pageTarget_) {
      pages_.push_back(NewPage(0));
      return;
    }
    started_ = true;
    Mark(0, startMark_);
  }

  /** A few operations of one thread; false when all threads have ended. */
  bool Burst() {
    if (running_ == 0) return false;
    std::uint32_t thread = random_.Below(options_.threads);
    while (sessions_[thread].ended) thread = (thread + 1) % options_.threads;
    Session& session = sessions_[thread];
    for (std::uint32_t left = 1 + random_.Below(8); left > 0; --left) {
      if (session.transaction != 0) {
        Work(thread, session);
      } else if (events_ < options_.events) {
        CollectVersions(thread);
        BeginTransaction(thread, session);
      } else {
        EndThread(thread, session);
        break;
      }
    }
    return true;
  }

  void BeginTransaction(std::uint32_t thread, Session& session) {
    std::uint32_t share = random_.Below(100);
    session.type = 0;
    while (share >= kMix[session.type].percent) share -= kMix[session.type++].percent;
    const TransactionOf& type = kMix[session.type];
    session.statements = type.statements + random_.Below(type.statements + 1);
    session.transaction = Begin(thread, 0, typeNames_[session.type]);
    session.metadata =
        Alloc(thread, kTransactionMetadata, kKindTable[kTransactionMetadata].bytes, session.transaction, 0);
    BeginStatement(thread, session);
  }

  void BeginStatement(std::uint32_t thread, Session& session) {
    const TransactionOf& type = kMix[session.type];
    session.operations = type.operations / 2 + random_.Below(type.operations);
    if (type.savepointPercent == 0 || !random_.Percent(type.savepointPercent)) return;
    session.savepoint = Begin(thread, session.transaction, savepointName_);
    session.versionsBefore = session.versions.size();
  }

  void Work(std::uint32_t thread, Session& session) {
    if (session.operations > 0) {
      --session.operations;
      Operate(thread, session);
      return;
    }
    EndStatement(thread, session);
    if (--session.statements > 0) {
      BeginStatement(thread, session);
    } else {
      EndTransaction(thread, session);
    }
  }

  void Operate(std::uint32_t thread, Session& session) {
    const std::uint64_t random = random_.Next();
    const std::uint64_t scope = session.savepoint != 0 ? session.savepoint : session.transaction;
    if (session.temporaries.size() >= kMostTemporaries) {
      FreeTemporary(thread, session, random >> 8);
      return;
    }
    switch (random & 31) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        Alloc(thread, kLockEntry, kKindTable[kLockEntry].bytes, scope, kFlagDiesWithScope);
        break;
      case 5:
      case 6:
      case 7:
      case 8:
      case 9:
      case 10:
        Row(thread, session, kSmallRow, 0, scope, random);
        break;
      case 11:
      case 12:
      case 13:
        Row(thread, session, kMediumRow, 1, scope, random);
        break;
      case 14:
        Row(thread, session, kLargeRow, 2, scope, random);
        break;
      case 15:
      case 16:
      case 17:
        session.temporaries.push_back(
            Alloc(thread, kSmallIndexNode, kKindTable[kSmallIndexNode].bytes, scope, 0));
        break;
      case 18:
        session.temporaries.push_back(
            Alloc(thread, kMediumIndexNode, kKindTable[kMediumIndexNode].bytes, scope, 0));
        break;
      case 19:
      case 20:
      case 21:
      case 22:
        session.versions.push_back(Alloc(thread, kVersion, kKindTable[kVersion].bytes, scope, 0));
        break;
      case 23:
        if ((random >> 8 & 3) == 0) TurnPage(thread, random >> 10);
        break;
      case 24:
        if (!session.temporaries.empty()) Grow(thread, session, scope, random >> 8);
        break;
      case 25:
        // Every now and then a sort: 4 KiB to 1 MiB, small ones more often.
        if ((random >> 8 & 15) == 0) {
          const std::uint64_t bytes = std::uint64_t{4096} << ((random >> 12 & 7) * (random >> 15 & 1));
          session.temporaries.push_back(
              Alloc(thread, kWorkBuffer, bytes + (random >> 16 & 15) * bytes / 16, scope, 0));
        }
        break;
      default:
        if (!session.temporaries.empty()) FreeTemporary(thread, session, random >> 8);
        break;
    }
  }

  void Row(std::uint32_t thread, Session& session, Kind kind, std::size_t sizes, std::uint64_t scope,
           std::uint64_t random) {
    const std::uint32_t bytes = rowSizes_[sizes][random >> 8 & (kRowSizes - 1)];
    // A third of the rows are results that live until the transaction ends.
    if ((random >> 16) % 3 == 0) {
      Alloc(thread, kind, bytes, scope, kFlagDiesWithScope);
    } else {
      session.temporaries.push_back(Alloc(thread, kind, bytes, scope, 0));
    }
  }

  /** Most often the newest, as stacks of buffers are used; sometimes any. */
  void FreeTemporary(std::uint32_t thread, Session& session, std::uint64_t random) {
    auto& temporaries = session.temporaries;
    std::size_t index = temporaries.size() - 1;
    if ((random & 3) == 0) index = (random >> 2) % temporaries.size();
    Free(thread, temporaries[index]);
    temporaries.erase(temporaries.begin() + static_cast<std::ptrdiff_t>(index));
  }

  void Grow(std::uint32_t thread, Session& session, std::uint64_t scope, std::uint64_t random) {
    Event event = At(thread, EventType::kRealloc);
    event.id = session.temporaries.back();
    event.newId = ++births_;
    event.size = 256u << (random & 3);
    event.scope = scope;
    event.name = kindNames_[kSmallRow];
    out_.Add(event);
    session.temporaries.back() = event.newId;
  }

  void EndStatement(std::uint32_t thread, Session& session) {
    while (!session.temporaries.empty()) FreeTemporary(thread, session, 1);
    if (session.savepoint == 0) return;
    if (random_.Percent(kRollbackToSavepointPercent)) {
      FreeVersions(thread, session, session.versionsBefore);
      End(thread, EventType::kAbort, session.savepoint, 0);
    } else {
      End(thread, EventType::kCommit, session.savepoint, kFlagInherit);
    }
    session.savepoint = 0;
  }

  void EndTransaction(std::uint32_t thread, Session& session) {
    Free(thread, session.metadata);
    if (random_.Percent(kAbortPercent)) {
      FreeVersions(thread, session, 0);
      End(thread, EventType::kAbort, session.transaction, 0);
    } else {
      for (std::uint64_t version : session.versions) versions_.push_back({version, thread});
      session.versions.clear();
      End(thread, EventType::kCommit, session.transaction, 0);
    }
    session.transaction = 0;
  }

  void FreeVersions(std::uint32_t thread, Session& session, std::size_t from) {
    for (; session.versions.size() > from; session.versions.pop_back()) Free(thread, session.versions.back());
  }

  /** Old versions that no reader can see any more go; on any thread but the one that made the oldest, if
   * there is another. */
  void CollectVersions(std::uint32_t thread) {
    if (versions_.size() <= versionTarget_ + kCollectorBatch) return;
    if (versions_.front().thread == thread && options_.threads > 1 && running_ > 1) return;
    for (std::size_t left = kCollectorBatch; left > 0; --left) {
      Free(thread, versions_.front().id);
      versions_.pop_front();
    }
  }

  /** A page is read into the cache; another gives way. */
  void TurnPage(std::uint32_t thread, std::uint64_t random) {
    if (pages_.empty()) return;
    Page& page = pages_[random % pages_.size()];
    Free(thread, page.page);
    Free(thread, page.header);
    page = NewPage(thread);
  }

  Page NewPage(std::uint32_t thread) {
    const std::uint64_t header = Alloc(thread, kPageHeader, kKindTable[kPageHeader].bytes, 0, 0);
    return {Alloc(thread, kPage, kKindTable[kPage].bytes, 0, 0), header};
  }

  void StartThread(std::uint32_t thread) {
    Event event = At(thread, EventType::kThreadStart);
    event.id = thread + std::uint64_t{1};
    out_.Add(event);
    ++running_;
  }

  void EndThread(std::uint32_t thread, Session& session) {
    if (running_ == options_.threads) Mark(thread, stopMark_);
    out_.Add(At(thread, EventType::kThreadEnd));
    session.ended = true;
    --running_;
  }

  Event At(std::uint32_t thread, EventType type) {
    nowNs_ += 20 + (random_.Next() >> 58);
    ++events_;
    Event event;
    event.type = type;
    event.thread = thread;
    event.timeNs = nowNs_;
    event.position = events_;
    return event;
  }

  std::uint64_t Alloc(std::uint32_t thread, Kind kind, std::uint64_t bytes, std::uint64_t scope,
                      std::uint8_t flags) {
    Event event = At(thread, EventType::kAlloc);
    event.flags = flags;
    event.name = kindNames_[kind];
    event.id = ++births_;
    event.size = bytes;
    event.scope = scope;
    out_.Add(event);
    return event.id;
  }

  void Free(std::uint32_t thread, std::uint64_t id) {
    Event event = At(thread, EventType::kFree);
    event.id = id;
    out_.Add(event);
  }

  std::uint64_t Begin(std::uint32_t thread, std::uint64_t parent, std::uint16_t type) {
    Event event = At(thread, EventType::kBegin);
    event.name = type;
    event.id = ++begins_;
    event.scope = parent;
    out_.Add(event);
    return event.id;
  }

  void End(std::uint32_t thread, EventType type, std::uint64_t transaction, std::uint8_t flags) {
    Event event = At(thread, type);
    event.id = transaction;
    event.flags = flags;
    out_.Add(event);
  }

  void Mark(std::uint32_t thread, std::uint16_t text) {
    Event event = At(thread, EventType::kMark);
    event.name = text;
    out_.Add(event);
  }

  struct OldVersion {
    std::uint64_t id;
    std::uint32_t thread;
  };

  const OltpOptions options_;
  EventBatch out_;
  Random random_;
  std::vector<Session> sessions_;
  std::array<std::uint16_t, kKinds> kindNames_;
  std::array<std::uint16_t, kMix.size()> typeNames_;
  std::uint16_t savepointName_;
  std::uint16_t startMark_;
  std::uint16_t stopMark_;
  std::array<std::array<std::uint32_t, kRowSizes>, 3> rowSizes_;
  std::vector<Page> pages_;
  std::uint64_t pageTarget_;
  std::deque<OldVersion> versions_;  // of ended transactions, oldest first
  std::uint64_t versionTarget_;
  bool started_ = false;
  std::uint32_t running_ = 0;
  std::uint64_t nowNs_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t births_ = 0;
  std::uint64_t begins_ = 0;
};

}  // namespace

class OltpGenerator::Impl : public Oltp {
 public:
  using Oltp::Oltp;
};

OltpGenerator::OltpGenerator(const OltpOptions& options, TraceInfo& info, EventSink& sink) {
  if (options.threads < 1 || options.threads > 1024) throw std::invalid_argument("threads must be 1 to 1024");
  if (options.events < 1) throw std::invalid_argument("events must be at least 1");
  impl_ = std::make_unique<Impl>(options, info, sink);
}

OltpGenerator::~OltpGenerator() = default;

bool OltpGenerator::Step(std::size_t events) {
  return impl_->Step(events);
}

}  // namespace rmem
