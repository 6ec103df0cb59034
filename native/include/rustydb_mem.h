#ifndef RUSTYDB_MEM_H
#define RUSTYDB_MEM_H

/*
 * The heap of rustydb-mem for an engine to link: librustydb_mem.so or librustydb_mem.a (the latter with
 * -lpthread -lm). C99 and newer, C++. Needs no C++ library. docs/c-api.md has a Rust binding.
 *
 *   char error[512];
 *   rustydb_mem_heap* heap = rustydb_mem_heap_create("heap.toml", error, sizeof error);   // or NULL:
 * defaults void* page = rustydb_mem_allocate(heap, 4096, 0); rustydb_mem_free(heap, page, 4096, 0);
 *
 *   rustydb_mem_transaction* t = rustydb_mem_transaction_begin(heap, NEW_ORDER, 0);
 *   row = rustydb_mem_transaction_allocate(heap, t, 200, 0);
 *   rustydb_mem_transaction_commit(heap, t);               // all of it is free again, in O(chunks)
 *
 * Units: sizes are bytes, alignments powers of two in bytes; alignment 0 is malloc's own (16, or 8 for up to
 * 8 bytes). A size of 0 is a block, too, of no usable byte.
 *
 * Errors: what gives a pointer gives NULL, with errno ENOMEM where memory, address space or the limit of a
 * transaction is exhausted, and EINVAL for an alignment that is no power of two; nothing is changed then. A
 * broken rule that is seen (a double free, a foreign pointer) ends the program with one line on standard
 * error and SIGABRT; not all are seen.
 *
 * Threads: any thread may call anything on any heap, with these exceptions. Destroying a heap needs all other
 * calls on it to have returned. A transaction may be allocated from, freed to and asked by several threads at
 * a time, but its begin, savepoints, commit and rollbacks are for one thread at a time, while no other uses
 * it. In a child made by fork() a heap may be used if no other thread was inside of a call at that moment.
 *
 * A program has some hundred heaps at most (each takes two of the system's keys of thread-specific data).
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define RUSTYDB_MEM_API __attribute__((visibility("default")))
#else
#define RUSTYDB_MEM_API
#endif

/* Of this header; rustydb_mem_version() tells the library's. Functions and fields are only ever added. */
#define RUSTYDB_MEM_VERSION 1

RUSTYDB_MEM_API uint32_t rustydb_mem_version(void);

/* Heaps. ------------------------------------------------------------------------------------------------ */

typedef struct rustydb_mem_heap rustydb_mem_heap;

/*
 * Makes a heap, configured by a file (docs/configuration.md), or by the defaults where `config_path` is NULL.
 * NULL: the file is wrong (errno EINVAL), or the system grants no address space (ENOMEM); `error`, unless it
 * is NULL, then has one line that says what, where and what to do, cut to `error_bytes` with its NUL.
 */
RUSTYDB_MEM_API rustydb_mem_heap* rustydb_mem_heap_create(const char* config_path, char* error,
                                                          size_t error_bytes);

/* The same with the text of such a file, `bytes` long; it is not needed afterwards. */
RUSTYDB_MEM_API rustydb_mem_heap* rustydb_mem_heap_create_from_text(const char* text, size_t bytes,
                                                                    char* error, size_t error_bytes);

/* Gives everything back, with all blocks and transactions in it. NULL is allowed. */
RUSTYDB_MEM_API void rustydb_mem_heap_destroy(rustydb_mem_heap* heap);

/* Blocks. Those of whole pages (above the largest size class, 64 KiB by default) are large objects.
 * ---------- */

RUSTYDB_MEM_API void* rustydb_mem_allocate(rustydb_mem_heap* heap, size_t size, size_t alignment);
/* All bytes zero; fresh pages are not touched for it. */
RUSTYDB_MEM_API void* rustydb_mem_allocate_zeroed(rustydb_mem_heap* heap, size_t size, size_t alignment);
/*
 * Frees a block told size and alignment as they were asked for (after a reallocation the new ones), which is
 * faster than finding them. NULL is allowed.
 */
RUSTYDB_MEM_API void rustydb_mem_free(rustydb_mem_heap* heap, void* block, size_t size, size_t alignment);
/* Frees a block whose size is not known. NULL is allowed. */
RUSTYDB_MEM_API void rustydb_mem_free_unsized(rustydb_mem_heap* heap, void* block);
/*
 * Moves or resizes a block, keeping what is in it up to the smaller size. NULL: the block is as it was. A
 * NULL block is an allocation.
 */
RUSTYDB_MEM_API void* rustydb_mem_reallocate(rustydb_mem_heap* heap, void* block, size_t old_size,
                                             size_t new_size, size_t alignment);
/* Bytes that may be used of a live block; at least its size. Not for blocks of transactions. */
RUSTYDB_MEM_API size_t rustydb_mem_usable_size(rustydb_mem_heap* heap, const void* block);

/* Transactions. ----------------------------------------------------------------------------------------- */

/*
 * A transaction, or a savepoint within one: an arena. All of its blocks go at its end, whether they were
 * freed or not. Commit and rollback take a time that depends on the number of chunks alone, and make no
 * system call.
 */
typedef struct rustydb_mem_transaction rustydb_mem_transaction;

/*
 * `type` is any number, such as that of a prepared statement: how much memory to start with is learned per
 * type (256 are kept apart). `estimate_bytes`: what it will use, where that is known; 0: learn.
 */
RUSTYDB_MEM_API rustydb_mem_transaction* rustydb_mem_transaction_begin(rustydb_mem_heap* heap, uint32_t type,
                                                                       uint64_t estimate_bytes);
/* A savepoint within a transaction or another savepoint; what is allocated from it goes with it. */
RUSTYDB_MEM_API rustydb_mem_transaction* rustydb_mem_transaction_savepoint(rustydb_mem_heap* heap,
                                                                           rustydb_mem_transaction* parent);

RUSTYDB_MEM_API void* rustydb_mem_transaction_allocate(rustydb_mem_heap* heap,
                                                       rustydb_mem_transaction* transaction, size_t size,
                                                       size_t alignment);
RUSTYDB_MEM_API void* rustydb_mem_transaction_allocate_zeroed(rustydb_mem_heap* heap,
                                                              rustydb_mem_transaction* transaction,
                                                              size_t size, size_t alignment);
/*
 * Frees a block through the transaction that holds it now (its parent, after the commit of a savepoint). The
 * last block, and one above arena.oversized, is used again; others wait for the end. NULL is allowed.
 */
RUSTYDB_MEM_API void rustydb_mem_transaction_free(rustydb_mem_heap* heap,
                                                  rustydb_mem_transaction* transaction, void* block,
                                                  size_t size);
RUSTYDB_MEM_API void* rustydb_mem_transaction_reallocate(rustydb_mem_heap* heap,
                                                         rustydb_mem_transaction* transaction, void* block,
                                                         size_t old_size, size_t new_size, size_t alignment);

/*
 * Ends it; the pointer is of no more use. What is open inside of it is rolled back first. The memory of a
 * savepoint passes to its parent, that of a transaction is freed.
 */
RUSTYDB_MEM_API void rustydb_mem_transaction_commit(rustydb_mem_heap* heap,
                                                    rustydb_mem_transaction* transaction);
/* Ends it, with all that is open inside of it, and frees its memory. */
RUSTYDB_MEM_API void rustydb_mem_transaction_rollback(rustydb_mem_heap* heap,
                                                      rustydb_mem_transaction* transaction);
/* ROLLBACK TO: frees what was allocated since it began, and ends what is open inside of it; it stays open. */
RUSTYDB_MEM_API void rustydb_mem_transaction_rollback_to(rustydb_mem_heap* heap,
                                                         rustydb_mem_transaction* savepoint);

/* Statistics. A caller sets `struct_bytes` to the size that it was compiled with; no more than that is
   written, and what the library does not know yet is 0. ------------------------------------------------- */

typedef struct rustydb_mem_transaction_statistics {
  size_t struct_bytes;
  uint64_t held_bytes;   /* of chunks and regions, those of committed savepoints included, open ones not */
  uint64_t region_bytes; /* ever asked for in blocks that got a region of their own */
  uint64_t waste_bytes;  /* freed, and waiting for the end */
  uint64_t limit_bytes;  /* of its profile now */
  uint32_t profile;      /* 0 tiny, 1 small, 2 medium, 3 large, 4 huge */
} rustydb_mem_transaction_statistics;

/* 0, or EINVAL where struct_bytes cannot be right. */
RUSTYDB_MEM_API int rustydb_mem_transaction_get_statistics(rustydb_mem_heap* heap,
                                                           rustydb_mem_transaction* transaction,
                                                           rustydb_mem_transaction_statistics* statistics);

typedef struct rustydb_mem_heap_statistics {
  size_t struct_bytes;
  uint64_t reserved_bytes;  /* address space */
  uint64_t committed_bytes; /* of it usable */
  uint64_t live_bytes;      /* of pages in use: slabs, large objects, chunks of arenas */
  uint64_t dirty_bytes;     /* of free pages that are still resident */
  uint64_t clean_bytes;     /* of free pages that were given back to the system */
  uint64_t huge_advised_bytes;
  uint64_t metadata_bytes;
  uint64_t largest_free_bytes; /* of the free regions */
  uint64_t free_region_bytes;
  uint64_t purged_bytes; /* ever given back to the system */
  uint64_t slab_bytes;
  uint64_t slab_free_bytes;   /* of it in no magazine and not in use */
  uint64_t large_live_bytes;  /* of large objects */
  uint64_t large_allocations; /* ever */
  uint64_t large_frees;
  uint64_t transactions_committed; /* savepoints included */
  uint64_t transactions_rolled_back;
  uint64_t transaction_requests_refused; /* by the limit of a profile */
} rustydb_mem_heap_statistics;

RUSTYDB_MEM_API int rustydb_mem_heap_get_statistics(rustydb_mem_heap* heap,
                                                    rustydb_mem_heap_statistics* statistics);

/* All figures there are, as names that end with their unit (`dirtyBytes`, `magazineRefills`). */
typedef void (*rustydb_mem_statistics_visitor)(void* context, const char* name, uint64_t value);
RUSTYDB_MEM_API void rustydb_mem_heap_visit_statistics(rustydb_mem_heap* heap,
                                                       rustydb_mem_statistics_visitor visit, void* context);

/* Gives what the calling thread caches, what arenas keep and all free pages back to the system. Returns the
 * bytes. */
RUSTYDB_MEM_API uint64_t rustydb_mem_heap_purge(rustydb_mem_heap* heap);

/* The same, and shortens the heap's own tables to what is in use. Blocks stay where they are. For when the
 * program has shrunk for good: what comes next pays for it. */
RUSTYDB_MEM_API uint64_t rustydb_mem_heap_compact(rustydb_mem_heap* heap);

/* Memory pressure. -------------------------------------------------------------------------------------- */

/* How serious it is, and what is to be done about it by then. */
/* NOLINTBEGIN(readability-identifier-naming): constants of C. */
enum {
  RUSTYDB_MEM_NORMAL = 0,   /* nothing */
  RUSTYDB_MEM_WARNING = 1,  /* monitor */
  RUSTYDB_MEM_HIGH = 2,     /* gentle eviction */
  RUSTYDB_MEM_CRITICAL = 3, /* aggressive eviction */
  RUSTYDB_MEM_EMERGENCY = 4 /* emergency clean-up */
};
/* NOLINTEND(readability-identifier-naming) */

/* What the heap has to give at a level: nothing below high, from high on what rustydb_mem_heap_purge gives,
 * from critical on what rustydb_mem_heap_compact gives. Returns the bytes. What the engine itself can evict,
 * it evicts first. */
RUSTYDB_MEM_API uint64_t rustydb_mem_heap_relieve(rustydb_mem_heap* heap, int level);

/*
 * Forecasts the use of memory, and warns before it reaches a limit. It is told how much is used now and then,
 * once a second or so; less than a microsecond each. What counts as used is the caller's to say: of a whole
 * process its resident anonymous memory, of a part with a budget of its own what it took of it.
 *
 *   rustydb_mem_monitor_options options = {sizeof options};
 *   options.limit_bytes = 8.0 * 1024 * 1024 * 1024;
 *   monitor = rustydb_mem_monitor_create(&options);
 *   ...
 *   level = rustydb_mem_monitor_observe(monitor, &sample);
 *   if (level >= RUSTYDB_MEM_HIGH) rustydb_mem_heap_relieve(heap, level);
 *
 * A monitor is for one thread at a time. Its memory is pages of its own: a shortage of the heap is none of
 * it.
 */
typedef struct rustydb_mem_monitor rustydb_mem_monitor;

/* NOLINTBEGIN(readability-identifier-naming): constants of C. */
enum {
  RUSTYDB_MEM_MODEL_ADAPTIVE = 0,
  RUSTYDB_MEM_MODEL_PERSISTENCE = 1, /* no change: what the others have to beat */
  RUSTYDB_MEM_MODEL_LINEAR = 2,
  RUSTYDB_MEM_MODEL_HOLT = 3,
  RUSTYDB_MEM_MODEL_THEIL_SEN = 4
};
/* NOLINTEND(readability-identifier-naming) */

/* What is 0 has its default. Shares are of the limit; the four are those of warning, high, critical,
 * emergency. */
typedef struct rustydb_mem_monitor_options {
  size_t struct_bytes;
  double limit_bytes;      /* of all samples; 0: the total of each. Without either there are no levels */
  double thresholds[4];    /* of usage; rising. 0.70, 0.80, 0.90, 0.95 */
  double chances[4];       /* of reaching the limit soon, whatever usage is; rising. 0.20, 0.40, 0.50, 0.95 */
  double ahead_seconds;    /* what soon is: 30, 60 or 120. 60 */
  double leave_seconds;    /* a level is left, one at a time, when usage was 5 points lower for so long. 30 */
  double cooldown_seconds; /* until a level that was left is entered by chance alone again. 60 */
  uint32_t samples_to_enter; /* in a row that a level is due. 2 */
  uint32_t model;
  uint32_t by_usage_alone; /* 1: as static alarms do */
} rustydb_mem_monitor_options;

/* NULL `options` are the defaults. NULL, with errno EINVAL where an option is impossible, ENOMEM where there
 * are no pages. */
RUSTYDB_MEM_API rustydb_mem_monitor* rustydb_mem_monitor_create(const rustydb_mem_monitor_options* options);
/* NULL is allowed. */
RUSTYDB_MEM_API void rustydb_mem_monitor_destroy(rustydb_mem_monitor* monitor);

/* One reading. What is not known is 0; of allocated and freed bytes both are, or neither. */
typedef struct rustydb_mem_sample {
  size_t struct_bytes;
  double seconds; /* of a clock that goes on: CLOCK_MONOTONIC, say. One that stands still or goes back begins
                     anew */
  double used_bytes;
  double total_bytes;
  double allocated_bytes; /* ever, from any start; they sharpen the forecast */
  double freed_bytes;
} rustydb_mem_sample;

/* Returns the level, or -1, and does nothing, where used_bytes or seconds cannot be or struct_bytes is wrong.
 */
RUSTYDB_MEM_API int rustydb_mem_monitor_observe(rustydb_mem_monitor* monitor,
                                                const rustydb_mem_sample* sample);

typedef struct rustydb_mem_horizon {
  double seconds; /* from the last sample */
  double used_bytes;
  double low_bytes; /* between these in nine cases of ten */
  double high_bytes;
  double highest_bytes; /* of all until then, in nineteen cases of twenty below this */
  double chance;        /* of reaching the limit until then; -1: there is none */
  double skill; /* 1 - mean error over that of "no change"; at or below 0: no better. -2: not known yet */
} rustydb_mem_horizon;

typedef struct rustydb_mem_forecast {
  size_t struct_bytes;
  uint32_t ready; /* 0: too few samples for a forecast, and the horizons are 0 */
  uint32_t level;
  uint32_t changed;   /* 1: the last sample changed the level */
  uint32_t by_chance; /* 1: the level follows from the chance, before usage is there */
  double used_bytes;
  double limit_bytes;               /* 0: none */
  double slope_bytes_per_second;    /* over the last minute */
  double critical_earliest_seconds; /* until usage is critical; -1: it is not heading there */
  double critical_latest_seconds;   /* -1: perhaps never */
  double confidence; /* that the forecast of a minute is off by at most a hundredth of the limit; -1: not
                        known */
  rustydb_mem_horizon horizons[3]; /* 30, 60 and 120 s */
} rustydb_mem_forecast;

/* From the samples so far. 0, or EINVAL where struct_bytes cannot be right. */
RUSTYDB_MEM_API int rustydb_mem_monitor_get_forecast(const rustydb_mem_monitor* monitor,
                                                     rustydb_mem_forecast* forecast);

#ifdef __cplusplus
}
#endif

#endif
