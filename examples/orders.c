/*
 * An engine that takes orders: each is a transaction, each of its lines a savepoint. Its page cache grows with them, until the
 * monitor says that it nears the limit of the engine.
 *
 *   cc -std=c99 -I native examples/orders.c build/Release/librustydb_mem.a -lpthread -lm -o orders
 *   ./orders [heap.toml]
 */
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "include/rustydb_mem.h"

enum { kNewOrder = 1, kOrders = 1000, kLines = 8, kPageBytes = 16384, kLimitBytes = 8 << 20 };

/** A page for each order, as long as there is memory for it. */
static void* cache[kOrders];
static int cachedFrom, cachedTo;

static void Evict(rustydb_mem_heap* heap, int pages) {
  for (; pages > 0 && cachedFrom < cachedTo; --pages)
    rustydb_mem_free(heap, cache[cachedFrom++], kPageBytes, 4096);
}

/** What the heap has of the system is looked at; returns how many pages were evicted. */
static int Watch(rustydb_mem_heap* heap, rustydb_mem_monitor* monitor) {
  rustydb_mem_heap_statistics statistics;
  rustydb_mem_sample sample = {sizeof sample, 0, 0, 0, 0, 0};
  struct timespec now;
  const int before = cachedFrom;
  int level;
  clock_gettime(CLOCK_MONOTONIC, &now);
  statistics.struct_bytes = sizeof statistics;
  rustydb_mem_heap_get_statistics(heap, &statistics);
  sample.seconds = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
  sample.used_bytes = (double)(statistics.live_bytes + statistics.dirty_bytes);
  level = rustydb_mem_monitor_observe(monitor, &sample);
  /* A level stands for half a minute after usage has fallen: there may be nothing left to do. */
  if (level < RUSTYDB_MEM_HIGH || sample.used_bytes < 0.7 * kLimitBytes) return 0;
  Evict(heap, (cachedTo - cachedFrom) / (level == RUSTYDB_MEM_HIGH ? 4 : 2));
  rustydb_mem_heap_relieve(heap, level);
  return cachedFrom - before;
}

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
  rustydb_mem_monitor_options options = {sizeof options, kLimitBytes, {0}, {0}, 0, 0, 0, 0, 0, 0};
  rustydb_mem_monitor* monitor = rustydb_mem_monitor_create(&options);
  int number, rolledBack = 0, evicted = 0;
  if (heap == NULL || monitor == NULL) {
    fprintf(stderr, "%s\n", heap == NULL ? error : "no memory for the monitor");
    return 1;
  }
  for (number = 0; number < kOrders; ++number) {
    if (!TakeOrder(heap, number)) {
      fprintf(stderr, "no memory for order %d\n", number);
      return 1;
    }
    rolledBack += number % 10 == 0;
    /* Outlives the transaction. */
    cache[cachedTo] = rustydb_mem_allocate(heap, kPageBytes, 4096);
    if (cache[cachedTo] != NULL) memset(cache[cachedTo++], number, kPageBytes);
    if (number % 10 == 0) evicted += Watch(heap, monitor);
  }
  statistics.struct_bytes = sizeof statistics;
  rustydb_mem_heap_get_statistics(heap, &statistics);
  printf("%d orders, %d of them rolled back; %.0f KiB in use, %.0f KiB kept for reuse, %d pages evicted\n", kOrders, rolledBack,
         (double)statistics.live_bytes / 1024, (double)statistics.dirty_bytes / 1024, evicted);
  Evict(heap, kOrders);
  rustydb_mem_monitor_destroy(monitor);
  rustydb_mem_heap_destroy(heap);
  return 0;
}
