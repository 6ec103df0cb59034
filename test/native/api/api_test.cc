#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "include/rustydb_mem.h"

namespace {

class CLibrary : public testing::Test {
 protected:
  void SetUp() override {
    heap_ = rustydb_mem_heap_create(nullptr, nullptr, 0);
    ASSERT_NE(heap_, nullptr);
  }
  void TearDown() override { rustydb_mem_heap_destroy(heap_); }

  rustydb_mem_heap_statistics Statistics() {
    rustydb_mem_heap_statistics statistics;
    statistics.struct_bytes = sizeof(statistics);
    EXPECT_EQ(rustydb_mem_heap_get_statistics(heap_, &statistics), 0);
    return statistics;
  }

  rustydb_mem_heap* heap_ = nullptr;
};

TEST_F(CLibrary, RollsBackToASavepointAgainAndAgain) {
  rustydb_mem_transaction* transaction = rustydb_mem_transaction_begin(heap_, 1, 0);
  auto* kept = static_cast<char*>(rustydb_mem_transaction_allocate(heap_, transaction, 100, 0));
  std::memset(kept, 'k', 100);
  rustydb_mem_transaction* savepoint = rustydb_mem_transaction_savepoint(heap_, transaction);
  std::uint64_t live = 0;
  for (int round = 0; round < 100; ++round) {
    for (const std::size_t size : {10, 5000, 100'000, 300'000}) {
      void* p = rustydb_mem_transaction_allocate_zeroed(heap_, savepoint, size, 0);
      ASSERT_NE(p, nullptr);
      EXPECT_EQ(static_cast<char*>(p)[size - 1], 0);
      std::memset(p, 's', size);
    }
    rustydb_mem_transaction* inner = rustydb_mem_transaction_savepoint(heap_, savepoint);
    ASSERT_NE(rustydb_mem_transaction_allocate(heap_, inner, 10'000, 0), nullptr);
    rustydb_mem_transaction_rollback_to(heap_, savepoint);
    rustydb_mem_transaction_statistics statistics;
    statistics.struct_bytes = sizeof(statistics);
    EXPECT_EQ(rustydb_mem_transaction_get_statistics(heap_, savepoint, &statistics), 0);
    EXPECT_EQ(statistics.held_bytes, 0u);
    EXPECT_EQ(statistics.waste_bytes, 0u);
    // What it gave back serves the next round.
    if (round == 10) live = Statistics().live_bytes;
  }
  EXPECT_EQ(Statistics().live_bytes, live);
  EXPECT_EQ(kept[99], 'k');
  rustydb_mem_transaction_commit(heap_, transaction);
  rustydb_mem_heap_purge(heap_);
  EXPECT_EQ(Statistics().live_bytes, 0u);
}

TEST_F(CLibrary, CompactsAfterItHasShrunk) {
  std::vector<void*> blocks;
  for (int i = 0; i < 2000; ++i) blocks.push_back(rustydb_mem_allocate(heap_, 4096, 0));
  for (void* block : blocks) std::memset(block, 1, 4096);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i % 16 != 0) rustydb_mem_free(heap_, blocks[i], 4096, 0);
  }
  EXPECT_GE(rustydb_mem_heap_compact(heap_), 1000u * 4096);
  EXPECT_EQ(Statistics().dirty_bytes, 0u);
  for (std::size_t i = 0; i < blocks.size(); i += 16) {
    EXPECT_EQ(static_cast<char*>(blocks[i])[4095], 1);
    rustydb_mem_free(heap_, blocks[i], 4096, 0);
  }
}

TEST_F(CLibrary, RollsBackAWholeTransactionThatStaysOpen) {
  rustydb_mem_transaction* transaction = rustydb_mem_transaction_begin(heap_, 1, 0);
  ASSERT_NE(rustydb_mem_transaction_allocate(heap_, transaction, 100'000, 0), nullptr);
  rustydb_mem_transaction_rollback_to(heap_, transaction);
  ASSERT_NE(rustydb_mem_transaction_allocate(heap_, transaction, 100, 0), nullptr);
  rustydb_mem_transaction_rollback(heap_, transaction);
  EXPECT_EQ(Statistics().transactions_rolled_back, 2u);
}

TEST_F(CLibrary, ServesTransactionsOfManyThreads) {
  std::vector<std::thread> threads;
  for (unsigned number = 0; number < 4; ++number) {
    threads.emplace_back([this, number] {
      for (int round = 0; round < 500; ++round) {
        rustydb_mem_transaction* transaction = rustydb_mem_transaction_begin(heap_, number, 0);
        rustydb_mem_transaction* savepoint = rustydb_mem_transaction_savepoint(heap_, transaction);
        void* p = rustydb_mem_transaction_allocate(heap_, savepoint, 1000, 0);
        std::memset(p, static_cast<int>(number), 1000);
        if (round % 3 == 0) rustydb_mem_transaction_rollback_to(heap_, savepoint);
        void* block = rustydb_mem_allocate(heap_, static_cast<std::size_t>(round) * 100, 0);
        rustydb_mem_transaction_commit(heap_, transaction);
        rustydb_mem_free_unsized(heap_, block);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Statistics().transactions_committed, 2000u);
}

TEST_F(CLibrary, SharesATransactionBetweenThreads) {
  rustydb_mem_transaction* transaction = rustydb_mem_transaction_begin(heap_, 1, 0);
  std::vector<std::thread> threads;
  for (int number = 0; number < 4; ++number) {
    threads.emplace_back([&, number] {
      for (std::size_t round = 1; round < 1000; ++round) {
        auto* p = static_cast<char*>(rustydb_mem_transaction_allocate(heap_, transaction, round, 0));
        std::memset(p, number, round);
        EXPECT_EQ(p[round / 2], number);
        if (round % 2 == 0) rustydb_mem_transaction_free(heap_, transaction, p, round);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  rustydb_mem_transaction_commit(heap_, transaction);
}

TEST(CLibraryHeaps, AreManyAndLeaveNothing) {
  for (int round = 0; round < 50; ++round) {
    std::vector<rustydb_mem_heap*> heaps;
    for (int i = 0; i < 20; ++i) {
      heaps.push_back(rustydb_mem_heap_create_from_text("heap.reserve = '64 MiB'", 23, nullptr, 0));
      ASSERT_NE(heaps.back(), nullptr);
      ASSERT_NE(rustydb_mem_allocate(heaps.back(), 100, 0), nullptr);
      ASSERT_NE(rustydb_mem_transaction_begin(heaps.back(), 0, 0), nullptr);
    }
    for (rustydb_mem_heap* heap : heaps) rustydb_mem_heap_destroy(heap);
  }
}

TEST(CLibraryHeaps, KeepTheirSizeClasses) {
  const std::string text = "slab.classes = [{ bytes = 64, magazine = 2 }, { bytes = 256, magazine = 2 }]";
  rustydb_mem_heap* heap = rustydb_mem_heap_create_from_text(text.data(), text.size(), nullptr, 0);
  void* p = rustydb_mem_allocate(heap, 65, 0);
  EXPECT_EQ(rustydb_mem_usable_size(heap, p), 256u);
  rustydb_mem_free(heap, p, 65, 0);
  p = rustydb_mem_allocate(heap, 257, 0);
  EXPECT_GE(rustydb_mem_usable_size(heap, p), 257u);
  rustydb_mem_free(heap, p, 257, 0);
  rustydb_mem_heap_destroy(heap);
}

}  // namespace
