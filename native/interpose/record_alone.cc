#include "interpose/record_alone.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <new>

#include "recording/raw_header.h"
#include "recording/ring_encoder.h"

namespace rmem::record {
namespace {

struct Lone {
  Session session;
  std::uint64_t startTicks;
  RawOutput output;
  std::atomic<bool> complained{false};
};

/** A ring's reader and the lock of whoever empties it. */
struct Reader {
  explicit Reader(RingHeader& ring, const std::uint64_t* words, Lone& lone)
      : encoder(ring, words, lone.session.ringWords(), lone.startTicks, lone.output, counts) {}
  DrainCounts counts;
  RingEncoder encoder;
};

alignas(Lone) constinit std::byte gLoneMemory[sizeof(Lone)]{};
constinit Lone* gLone = nullptr;
constinit std::atomic<Reader*> gReaders[kMaxRings]{};
constinit std::atomic<bool> gHeld[kMaxRings]{};

class Held {
 public:
  explicit Held(std::atomic<bool>& held) : held_(held) {
    while (held_.exchange(true, std::memory_order_acquire)) sched_yield();
  }
  ~Held() { held_.store(false, std::memory_order_release); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

 private:
  std::atomic<bool>& held_;
};

/** Under the ring's lock. Null where there is no memory. */
Reader* ReaderOf(std::size_t index) {
  Reader* reader = gReaders[index].load(std::memory_order_relaxed);
  if (reader != nullptr) return reader;
  void* memory = mmap(nullptr, sizeof(Reader), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  reader = new (memory) Reader(gLone->session.ring(index), gLone->session.words(index), *gLone);
  gReaders[index].store(reader, std::memory_order_relaxed);
  return reader;
}

bool Written() {
  const int error = gLone->output.error();
  if (error == 0) return true;
  if (!gLone->complained.exchange(true)) {
    char text[256];
    const int length =
        snprintf(text, sizeof(text),
                 "rustydb-mem recorder: could not write the trace: %s (errno %d); recording stopped\n",
                 OutputErrorText(error), error);
    [[maybe_unused]] const long written =
        syscall(SYS_write, STDERR_FILENO, text, static_cast<std::size_t>(length));
  }
  return false;
}

template <class Work>
bool WithReader(std::size_t index, Work&& work) {
  const Held held(gHeld[index]);
  Reader* reader = ReaderOf(index);
  if (reader == nullptr) return false;
  reader->encoder.Drain();
  work(reader->encoder);
  return Written();
}

std::size_t IndexOf(const RingHeader& ring) {
  return static_cast<std::size_t>(&ring - &gLone->session.ring(0));
}

}  // namespace

int OpenAlone(Session session, const Control& control, const char* path) {
  gLone = new (gLoneMemory) Lone{session, session.header().startTicks, {}, {}};
  char json[1024];
  const std::size_t bytes = WriteRawJson(session.header(), control, json);
  return gLone->output.Open(path, {json, bytes}) ? 0 : gLone->output.error();
}

bool DrainAlone(RingHeader& ring) {
  return WithReader(IndexOf(ring), [](RingEncoder&) {});
}

bool FlushAlone(RingHeader& ring) {
  return WithReader(IndexOf(ring), [](RingEncoder& encoder) { encoder.Flush(); });
}

void CloseAlone(Session session) {
  const std::size_t used = std::min<std::size_t>(session.header().ringsUsed.load(), kMaxRings);
  for (std::size_t i = 0; i < used; ++i) {
    if (!WithReader(i, [](RingEncoder& encoder) { encoder.Finish(); })) break;
  }
  gLone->output.Close();
}

void ForgetAlone() {
  gLone->output.Close();
  for (std::size_t i = 0; i < kMaxRings; ++i) {
    Reader* reader = gReaders[i].exchange(nullptr, std::memory_order_relaxed);
    if (reader != nullptr) munmap(reader, sizeof(Reader));
    gHeld[i].store(false, std::memory_order_relaxed);
  }
}

}  // namespace rmem::record
