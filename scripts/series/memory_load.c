/* Loads whose memory is worth watching: memory_load MODE SEED FILE, until it is stopped. */
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MIB (1024.0 * 1024.0)
#define TICK_S 0.1

static uint64_t state;

/* Uniform below 1 (splitmix64). */
static double uniform(void) {
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static double between(double low, double high) { return low + (high - low) * uniform(); }

static double seconds(void) {
  static struct timespec first;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (first.tv_sec == 0) first = now;
  return (double)(now.tv_sec - first.tv_sec) + (double)(now.tv_nsec - first.tv_nsec) / 1e9;
}

static void pause_for(double s) {
  struct timespec wait = {(time_t)s, (long)((s - floor(s)) * 1e9)};
  nanosleep(&wait, NULL);
}

static void fail(const char* what) {
  perror(what);
  exit(1);
}

/* Memory that is really there. */
static char* filled(size_t bytes) {
  char* block = malloc(bytes);
  if (block == NULL) fail("malloc");
  memset(block, 1, bytes);
  return block;
}

struct request {
  char* block;
  double until;
};

/* Requests live for half a minute or so; of one in twenty the block is never freed. */
static void leak(void) {
  enum { kMost = 20000 };
  static struct request open[kMost];
  size_t count = 0;
  double owed = 0;
  filled((size_t)(60 * MIB));
  for (;; pause_for(TICK_S)) {
    const double now = seconds();
    for (size_t at = 0; at < count;) {
      if (open[at].until > now) {
        ++at;
        continue;
      }
      if (uniform() > 0.05) free(open[at].block);
      open[at] = open[--count];
    }
    const double wave = 1 + 0.7 * sin(now / 150) + (fmod(now, 700) < 40 ? 1.5 : 0);
    owed += 60 * wave * TICK_S;
    for (; owed >= 1 && count < kMost; --owed) {
      open[count].block = filled((size_t)exp(between(7, 13)));
      open[count++].until = now - log(1 - uniform()) * 25;
    }
  }
}

/* A job grows at a speed of its own, stays, and is gone; the next begins after a while. */
static void batch_jobs(void) {
  enum { kMost = 4096 };
  static char* blocks[kMost];
  filled((size_t)(120 * MIB));
  int last = 0;
  for (;;) {
    pause_for(between(20, 150));
    double bytes = fmin(150 * exp(1.1 * (uniform() + uniform() + uniform() - 1.5) * 2), 950) * MIB;
    if (!last && seconds() > 31 * 60) {
      bytes = 1500 * MIB;
      last = 1;
    }
    const double piece = fmax(bytes / 1000, 65536);
    const double speed = bytes / between(4, 60);
    int count = 0;
    double made = 0;
    for (const double since = seconds(); made < bytes && count < kMost; pause_for(0.05)) {
      while (made < (seconds() - since) * speed && made < bytes && count < kMost) {
        blocks[count++] = filled((size_t)piece);
        made += piece;
      }
    }
    pause_for(between(2, 40));
    while (count > 0) free(blocks[--count]);
  }
}

/* Buffered writes and reads and a mapping of the same file: the kernel's memory, which it takes back. */
static void page_cache(const char* path) {
  const size_t size = (size_t)(2048 * MIB), step = (size_t)MIB;
  const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) fail(path);
  char* buffer = filled(step);
  for (size_t at = 0; at < size; at += step) {
    if (pwrite(fd, buffer, step, (off_t)at) != (ssize_t)step) fail("pwrite");
    pause_for(0.05);
  }
  const char* map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
  if (map == MAP_FAILED) fail("mmap");
  char* own = NULL;
  size_t ownBytes = 0;
  volatile long sum = 0;
  for (double next = 0;; pause_for(TICK_S)) {
    for (int reads = 0; reads < 3; ++reads) {
      const off_t at = (off_t)(uniform() * (double)(size / step)) * (off_t)step;
      if (pread(fd, buffer, step, at) != (ssize_t)step) fail("pread");
    }
    if (uniform() < 0.1 && pwrite(fd, buffer, step, (off_t)((size_t)(uniform() * 2047) * step)) < 0) fail("pwrite");
    for (int pages = 0; pages < 500; ++pages) sum += map[(size_t)(uniform() * (double)(size - 1))];
    if (seconds() < next) continue;
    next = seconds() + between(5, 60);
    free(own);
    ownBytes = (size_t)(between(20, 160) * MIB);
    own = filled(ownBytes);
  }
}

int main(int argc, char** argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: memory_load leak|batch-jobs|page-cache SEED FILE\n");
    return 2;
  }
  state = strtoull(argv[2], NULL, 10);
  if (strcmp(argv[1], "leak") == 0) leak();
  if (strcmp(argv[1], "batch-jobs") == 0) batch_jobs();
  if (strcmp(argv[1], "page-cache") == 0) page_cache(argv[3]);
  fprintf(stderr, "no such load: %s\n", argv[1]);
  return 2;
}
