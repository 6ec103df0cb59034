#include "trace/transaction_counts.h"

#include <algorithm>
#include <string>
#include <utility>

namespace rmem {
namespace {

// A profile takes 75 KiB.
constexpr std::size_t kTypeProfiles = 32;

[[noreturn]] void RefuseCounts(const std::string& what) {
  throw TraceError("bad-transaction", what);
}

}  // namespace

TransactionCounts::Transaction& TransactionCounts::Open(std::uint64_t id, const char* what) {
  const auto found = open_.find(id);
  if (found == open_.end()) {
    RefuseCounts(std::string(what) + " names transaction " + std::to_string(id) + ", which is not open");
  }
  return found->second;
}

TransactionTypeActivity& TransactionCounts::Type(std::uint16_t index) {
  if (index >= a_.transactionTypes.size()) a_.transactionTypes.resize(std::size_t{index} + 1);
  return a_.transactionTypes[index];
}

void TransactionCounts::Begin(const Event& event, std::uint64_t at) {
  if (event.id != begins_ + 1) {
    RefuseCounts("transaction " + std::to_string(event.id) + " begins where transaction " +
                 std::to_string(begins_ + 1) + " should");
  }
  begins_ = event.id;
  Transaction begun;
  begun.parent = event.scope;
  begun.type = event.name;
  begun.beginEvent = at;
  begun.beginTimeNs = event.timeNs;
  if (event.scope == 0) {
    ++a_.transactions;
  } else {
    Transaction& parent = Open(event.scope, "a savepoint");
    ++parent.children;
    begun.depth = parent.depth + 1;
    ++a_.savepoints;
  }
  a_.deepestNesting = std::max(a_.deepestNesting, begun.depth);
  ++Type(event.name).begins;
  open_.emplace(event.id, std::move(begun));
  a_.mostOpen = std::max<std::uint64_t>(a_.mostOpen, open_.size());
}

void TransactionCounts::Born(std::uint64_t id, const Event& event) {
  Transaction& scope = Open(event.scope, "a block");
  ++scope.blocks;
  scope.bytes = SaturatingAdd(scope.bytes, event.size);
  ++a_.scopedBlocks;
  a_.scopedBytes = SaturatingAdd(a_.scopedBytes, event.size);
  TransactionTypeActivity& type = Type(scope.type);
  ++type.blocks;
  type.bytes = SaturatingAdd(type.bytes, event.size);
  Join(event.scope, scope, id);
}

void TransactionCounts::Join(std::uint64_t id, Transaction& transaction, std::uint64_t block) {
  if (transaction.members.size() >= transaction.sweepAt) {
    std::erase_if(transaction.members, [&](std::uint64_t member) {
      const AnalysedBlock* found = live_.Find(member);
      return found == nullptr || found->scope != id;
    });
    transaction.sweepAt = std::max<std::size_t>(64, transaction.members.size() * 2);
  }
  transaction.members.push_back(block);
}

bool TransactionCounts::CheckEnd(const Event& event, const Transaction& ended) const {
  if (ended.children != 0) {
    RefuseCounts("transaction " + std::to_string(event.id) + " ends before its savepoints");
  }
  const bool inherit = event.type == EventType::kCommit && (event.flags & kFlagInherit) != 0;
  if (inherit && ended.parent == 0) {
    RefuseCounts("transaction " + std::to_string(event.id) + " hands on to a parent it does not have");
  }
  return inherit;
}

void TransactionCounts::Close(const Event& event, std::uint64_t at, const Transaction& ended,
                              Transaction* parent, std::uint64_t survivors) {
  TransactionTypeActivity& type = Type(ended.type);
  if (event.type == EventType::kAbort) {
    ++a_.aborts;
    ++type.aborts;
  } else {
    ++((event.flags & kFlagInherit) != 0 ? a_.releases : a_.commits);
    ++type.commits;
  }
  a_.outlivingBlocks += survivors;
  if (type.profile < 0 && a_.typeProfiles.size() < kTypeProfiles) {
    type.profile = static_cast<std::int32_t>(a_.typeProfiles.size());
    a_.typeProfiles.emplace_back();
  }
  const auto count = [&](TransactionProfile& profile) {
    profile.blocks.Add(ended.blocks);
    profile.bytes.Add(ended.bytes);
    profile.survivors.Add(survivors);
    profile.durationEvents.Add(at - ended.beginEvent);
    if (event.timeNs != kNoTime && ended.beginTimeNs != kNoTime) {
      // Clocks of several threads may disagree by a little.
      profile.durationNs.Add(event.timeNs > ended.beginTimeNs ? event.timeNs - ended.beginTimeNs : 0);
    }
  };
  if (type.profile >= 0) count(a_.typeProfiles[static_cast<std::size_t>(type.profile)]);
  if (parent == nullptr) {
    count(a_.profile);
  } else {
    --parent->children;
    parent->blocks += ended.blocks;
    parent->bytes = SaturatingAdd(parent->bytes, ended.bytes);
  }
  open_.erase(event.id);
}

}  // namespace rmem
