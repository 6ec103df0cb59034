#pragma once

#include <pthread.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "replay/route_table.h"

namespace rmem {

/** What a JournalRoute was asked, by whom, in the order it happened. */
struct JournalEntry {
  std::string what;  // "alloc 64", "free 64", …
  std::thread::id thread;
  void* block = nullptr;
};

class Journal {
 public:
  static Journal& Get() {
    static Journal journal;
    return journal;
  }
  void Clear() {
    entries.clear();
    onEntry = nullptr;
  }
  void Add(const std::string& what, void* block = nullptr) {
    if (onEntry) onEntry(what);
    const std::lock_guard lock(mutex_);
    entries.push_back({what, std::this_thread::get_id(), block});
  }
  std::vector<std::string> Texts() const {
    std::vector<std::string> texts;
    for (const JournalEntry& entry : entries) texts.push_back(entry.what);
    return texts;
  }

  std::vector<JournalEntry> entries;
  std::function<void(const std::string&)> onEntry;  // on the thread that is about to be written down

 private:
  std::mutex mutex_;
};

/** malloc, and a journal of the calls. */
class JournalRoute {
 public:
  static constexpr bool kTouches = true;
  static constexpr bool kTransactions = false;

  static JournalRoute* Create(const HeapConfig&) {
    static JournalRoute route;
    return &route;
  }
  void* Allocate(std::size_t size, std::size_t alignment, bool zeroed) {
    std::string what = "alloc " + std::to_string(size);
    if (alignment != 0) what += " aligned " + std::to_string(alignment);
    if (zeroed) what += " zeroed";
    void* block = zeroed           ? std::calloc(1, size)
                  : alignment != 0 ? aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment)
                                   : std::malloc(size);
    Journal::Get().Add(what, block);
    return block;
  }
  void Free(void* block, std::size_t size, std::size_t alignment) {
    std::string what = "free " + std::to_string(size);
    if (alignment != 0) what += " aligned " + std::to_string(alignment);
    Journal::Get().Add(what, block);
    std::free(block);
  }
  void* Reallocate(void* block, std::size_t oldSize, std::size_t newSize, std::size_t) {
    Journal::Get().Add("realloc " + std::to_string(oldSize) + " to " + std::to_string(newSize), block);
    return std::realloc(block, newSize);
  }
  static const char* ReliefName() { return "journal"; }
  void Relieve(Relief relief) { Journal::Get().Add(relief == Relief::kCompact ? "compact" : "purge"); }

  void VisitStats(const StatVisitor& visit) {
    visit.take(visit.sink, "calls", Journal::Get().entries.size());
  }
};

/** Also has transactions, which it tells apart by number; what lives in one is malloc's all the same. */
class JournalArenaRoute : public JournalRoute {
 public:
  static constexpr bool kTransactions = true;
  static JournalArenaRoute* Create(const HeapConfig&) {
    static JournalArenaRoute route;
    route.begun_ = 0;
    return &route;
  }
  using JournalRoute::Allocate;
  using JournalRoute::Free;
  using JournalRoute::Reallocate;

  Transaction* Begin(Transaction* parent, std::uint32_t type) {
    Journal::Get().Add("begin type " + std::to_string(type) + Inside(parent));
    return reinterpret_cast<Transaction*>(++begun_);
  }
  void* Allocate(Transaction* transaction, std::size_t size, std::size_t, bool) {
    Journal::Get().Add("alloc " + std::to_string(size) + Inside(transaction));
    return kept_.emplace_back(std::make_unique<char[]>(size + 1)).get();
  }
  void Free(Transaction* transaction, void*, std::size_t size) {
    Journal::Get().Add("free " + std::to_string(size) + Inside(transaction));
  }
  void* Reallocate(Transaction* transaction, void* block, std::size_t oldSize, std::size_t newSize,
                   std::size_t) {
    Journal::Get().Add("realloc " + std::to_string(oldSize) + " to " + std::to_string(newSize) +
                       Inside(transaction));
    char* grown = kept_.emplace_back(std::make_unique<char[]>(newSize + 1)).get();
    std::memcpy(grown, block, std::min(oldSize, newSize));
    return grown;
  }
  void Commit(Transaction* transaction, bool inherit) {
    Journal::Get().Add((inherit ? "hand over" : "commit") + Inside(transaction));
  }
  void Abort(Transaction* transaction) { Journal::Get().Add("abort" + Inside(transaction)); }

 private:
  static std::string Inside(Transaction* transaction) {
    return transaction == nullptr ? ""
                                  : " in " + std::to_string(reinterpret_cast<std::uintptr_t>(transaction));
  }
  std::uintptr_t begun_ = 0;
  std::vector<std::unique_ptr<char[]>> kept_;
};

}  // namespace rmem
