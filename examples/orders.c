/*
 * An engine that takes orders: each is a transaction, each of its lines a savepoint.
 *
 *   cc -std=c99 -I native examples/orders.c build/Release/librustydb_mem.a -lpthread -o orders
 *   ./orders [heap.toml]
 */
#include <stdio.h>
#include <string.h>

#include "include/rustydb_mem.h"

enum { kNewOrder = 1, kOrders = 1000, kLines = 8 };

/** Whether the order could be taken. */
static int TakeOrder(rustydb_mem_heap* heap, int number) {
  rustydb_mem_transaction* order = rustydb_mem_transaction_begin(heap, kNewOrder, 0);
  int line;
  if (order == NULL) return 0;
  for (line = 0; line < kLines; ++line) {
    rustydb_mem_transaction* savepoint = rustydb_mem_transaction_savepoint(heap, order);
    char* row = savepoint == NULL ? NULL : rustydb_mem_transaction_allocate(heap, savepoint, 200, 0);
    if (row == NULL) {
      rustydb_mem_transaction_rollback(heap, order); /* with its open savepoint */
      return 0;
    }
    memset(row, line, 200);
    if (line == 3) {
      /* ROLLBACK TO: the line is made again; the rows before it stay. */
      rustydb_mem_transaction_rollback_to(heap, savepoint);
      row = rustydb_mem_transaction_allocate(heap, savepoint, 300, 0);
    }
    rustydb_mem_transaction_commit(heap, savepoint); /* its rows are the order's now */
  }
  if (number % 10 == 0) {
    rustydb_mem_transaction_rollback(heap, order);
  } else {
    rustydb_mem_transaction_commit(heap, order);
  }
  return 1;
}

int main(int argc, char** argv) {
  char error[512];
  rustydb_mem_heap_statistics statistics;
  rustydb_mem_heap* heap = rustydb_mem_heap_create(argc > 1 ? argv[1] : NULL, error, sizeof error);
  void* page;
  int number, rolledBack = 0;
  if (heap == NULL) {
    fprintf(stderr, "%s\n", error);
    return 1;
  }
  page = rustydb_mem_allocate(heap, 16384, 4096); /* of the page cache: outlives the transactions */
  for (number = 0; number < kOrders; ++number) {
    if (!TakeOrder(heap, number)) {
      fprintf(stderr, "no memory for order %d\n", number);
      return 1;
    }
    rolledBack += number % 10 == 0;
  }
  statistics.struct_bytes = sizeof statistics;
  rustydb_mem_heap_get_statistics(heap, &statistics);
  printf("%d orders, %d of them rolled back; %.0f KiB in use, %.0f KiB kept for reuse\n", kOrders, rolledBack,
         (double)statistics.live_bytes / 1024, (double)statistics.dirty_bytes / 1024);
  rustydb_mem_free(heap, page, 16384, 4096);
  rustydb_mem_heap_destroy(heap);
  return 0;
}
