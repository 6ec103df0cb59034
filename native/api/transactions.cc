#include "api/api_heap.h"

using rmem::Answer;
using rmem::IsPossible;

namespace rmem {
namespace {

Transaction* Inner(rustydb_mem_transaction* transaction) noexcept {
  return reinterpret_cast<Transaction*>(transaction);
}

rustydb_mem_transaction* Handle(Transaction* transaction) noexcept {
  return reinterpret_cast<rustydb_mem_transaction*>(transaction);
}

}  // namespace
}  // namespace rmem

using rmem::Handle;
using rmem::Inner;

rustydb_mem_transaction* rustydb_mem_transaction_begin(rustydb_mem_heap* heap, std::uint32_t type,
                                                       std::uint64_t estimate_bytes) {
  return Answer(Handle(heap->heap.Begin(nullptr, type, estimate_bytes)));
}

rustydb_mem_transaction* rustydb_mem_transaction_savepoint(rustydb_mem_heap* heap,
                                                           rustydb_mem_transaction* parent) {
  return Answer(Handle(heap->heap.Begin(Inner(parent), Inner(parent)->type())));
}

void* rustydb_mem_transaction_allocate(rustydb_mem_heap* heap, rustydb_mem_transaction* transaction,
                                       std::size_t size, std::size_t alignment) {
  if (!IsPossible(size, alignment)) [[unlikely]]
    return nullptr;
  return Answer(heap->heap.Allocate(Inner(transaction), size, alignment, false));
}

void* rustydb_mem_transaction_allocate_zeroed(rustydb_mem_heap* heap, rustydb_mem_transaction* transaction,
                                              std::size_t size, std::size_t alignment) {
  if (!IsPossible(size, alignment)) [[unlikely]]
    return nullptr;
  return Answer(heap->heap.Allocate(Inner(transaction), size, alignment, true));
}

void rustydb_mem_transaction_free(rustydb_mem_heap* heap, rustydb_mem_transaction* transaction, void* block,
                                  std::size_t size) {
  if (block != nullptr) heap->heap.Free(Inner(transaction), block, size);
}

void* rustydb_mem_transaction_reallocate(rustydb_mem_heap* heap, rustydb_mem_transaction* transaction,
                                         void* block, std::size_t old_size, std::size_t new_size,
                                         std::size_t alignment) {
  if (block == nullptr) return rustydb_mem_transaction_allocate(heap, transaction, new_size, alignment);
  if (!IsPossible(new_size, alignment)) return nullptr;
  return Answer(heap->heap.Reallocate(Inner(transaction), block, old_size, new_size, alignment));
}

void rustydb_mem_transaction_commit(rustydb_mem_heap* heap, rustydb_mem_transaction* transaction) {
  heap->heap.Commit(Inner(transaction), true);
}

void rustydb_mem_transaction_rollback(rustydb_mem_heap* heap, rustydb_mem_transaction* transaction) {
  heap->heap.Abort(Inner(transaction));
}

void rustydb_mem_transaction_rollback_to(rustydb_mem_heap* heap, rustydb_mem_transaction* savepoint) {
  heap->heap.RollBack(Inner(savepoint));
}

int rustydb_mem_transaction_get_statistics(rustydb_mem_heap* heap, rustydb_mem_transaction* transaction,
                                           rustydb_mem_transaction_statistics* statistics) {
  const rmem::TransactionStats stats = heap->heap.StatsOf(Inner(transaction));
  rustydb_mem_transaction_statistics full{};
  full.held_bytes = stats.heldBytes;
  full.region_bytes = stats.regionBytes;
  full.waste_bytes = stats.wasteBytes;
  full.limit_bytes = stats.limitBytes;
  full.profile = stats.profile;
  return rmem::GiveStatistics(full, statistics);
}
