#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * What threads ask of a malloc, whichever is preloaded:
 *
 *   threads_load handover BLOCKS BYTES   one thread allocates, another frees all: ns a block, less what
 * handing over costs by itself; the best of five runs each threads_load local THREADS PAIRS     each thread
 * for itself, 1000 of its blocks at random: ns a pair threads_load storm THREADS           threads that come,
 * allocate, free half and go, others free the rest; anonymous KiB before, after the first tenth, and at the
 * end
 */

enum { kRing = 1 << 12, kLine = 64 };

struct Ring {
  _Alignas(kLine) atomic_size_t written;
  _Alignas(kLine) atomic_size_t read;
  _Alignas(kLine) void* slots[kRing];
};

static struct Ring ring;
static size_t blocks, bytes;
static int withMalloc;

static double Now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* Indices are published every so many blocks, so that handing over costs little. */
enum { kPublish = 64 };

static void* Consume(void* unused) {
  size_t seen = 0;
  for (size_t at = 0; at < blocks;) {
    for (int spins = 0; seen == at; ++spins) {
      if (spins > 1000) sched_yield();
      seen = atomic_load_explicit(&ring.written, memory_order_acquire);
    }
    for (; at < seen; ++at) {
      void* p = ring.slots[at % kRing];
      if (withMalloc) {
        free(p);
      } else {
        *(volatile char*)p;
      }
    }
    atomic_store_explicit(&ring.read, at, memory_order_release);
  }
  return unused;
}

static double HandOver(void) {
  static char one[4096];
  pthread_t consumer;
  atomic_store(&ring.written, 0);
  atomic_store(&ring.read, 0);
  const double start = Now();
  pthread_create(&consumer, NULL, Consume, NULL);
  for (size_t at = 0; at < blocks; ++at) {
    char* p = withMalloc ? malloc(bytes) : one;
    if (p == NULL) abort();
    *(volatile char*)p = 1;
    if (at % kPublish == 0) {
      atomic_store_explicit(&ring.written, at, memory_order_release);
      for (int spins = 0; at - atomic_load_explicit(&ring.read, memory_order_acquire) >= kRing - kPublish;
           ++spins) {
        if (spins > 1000) sched_yield();
      }
    }
    ring.slots[at % kRing] = p;
  }
  atomic_store_explicit(&ring.written, blocks, memory_order_release);
  pthread_join(consumer, NULL);
  return (Now() - start) / (double)blocks;
}

static size_t pairs;

static void* Local(void* seed) {
  enum { kHeld = 1000 };
  void* held[kHeld] = {0};
  unsigned long state = (unsigned long)seed * 2654435761u + 1;
  for (size_t i = 0; i < pairs; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    void** slot = &held[(state >> 33) % kHeld];
    free(*slot);
    *slot = malloc(16 + (state >> 50) % 1000);
    *(volatile char*)*slot = 1;
  }
  for (int i = 0; i < kHeld; ++i) free(held[i]);
  return NULL;
}

static void* left[1 << 16];
static atomic_size_t leftCount;

static void* Storm(void* seed) {
  enum { kBlocks = 64 };
  void* mine[kBlocks];
  unsigned long state = (unsigned long)seed;
  for (int i = 0; i < kBlocks; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const size_t size = 16 + (state >> 40) % (i % 8 == 0 ? 60000 : 2000);
    mine[i] = malloc(size);
    memset(mine[i], 1, size);
  }
  for (int i = 0; i < kBlocks; ++i) {
    if (i % 2 == 0) {
      free(mine[i]);
    } else {
      left[atomic_fetch_add(&leftCount, 1) % (sizeof(left) / sizeof(*left))] = mine[i];
    }
  }
  return NULL;
}

static long AnonymousKib(void) {
  FILE* file = fopen("/proc/self/status", "r");
  char line[256];
  long kib = -1;
  while (fgets(line, sizeof(line), file) != NULL) sscanf(line, "RssAnon: %ld", &kib);
  fclose(file);
  return kib;
}

static void RunStorm(size_t threads) {
  enum { kTogether = 50 };
  pthread_t ids[kTogether];
  AnonymousKib();
  printf("%ld", AnonymousKib());
  for (size_t done = 0; done < threads; done += kTogether) {
    for (size_t i = 0; i < kTogether; ++i) pthread_create(&ids[i], NULL, Storm, (void*)(done + i + 1));
    for (size_t i = 0; i < kTogether; ++i) pthread_join(ids[i], NULL);
    const size_t count = atomic_load(&leftCount);
    for (size_t i = 0; i < count; ++i) free(left[i]);
    atomic_store(&leftCount, 0);
    if (done == threads / 10) printf(" %ld", AnonymousKib());
  }
  printf(" %ld\n", AnonymousKib());
}

int main(int count, char** words) {
  if (count == 4 && strcmp(words[1], "handover") == 0) {
    blocks = strtoul(words[2], NULL, 10);
    bytes = strtoul(words[3], NULL, 10);
    double least[2] = {1e9, 1e9};
    for (int round = 0; round < 10; ++round) {
      withMalloc = round % 2;
      const double took = HandOver();
      if (took < least[withMalloc]) least[withMalloc] = took;
    }
    printf("%.3f %.3f\n", least[1] - least[0], least[0]);
    return 0;
  }
  if (count == 4 && strcmp(words[1], "local") == 0) {
    const size_t threads = strtoul(words[2], NULL, 10);
    pairs = strtoul(words[3], NULL, 10);
    pthread_t ids[64];
    if (threads == 0 || threads > 64) return 2;
    const double start = Now();
    for (size_t i = 0; i < threads; ++i) pthread_create(&ids[i], NULL, Local, (void*)(i + 1));
    for (size_t i = 0; i < threads; ++i) pthread_join(ids[i], NULL);
    printf("%.3f\n", (Now() - start) / (double)pairs);
    return 0;
  }
  if (count == 3 && strcmp(words[1], "storm") == 0) {
    RunStorm(strtoul(words[2], NULL, 10));
    return 0;
  }
  return 2;
}
