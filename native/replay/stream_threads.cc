#include "replay/stream_threads.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "trace/trace_error.h"

namespace rmem {
namespace {

constexpr std::size_t kGuardBytes = 4096;
// The loops need little, but all thread-local storage lies here too, that of preloaded libraries and
// sanitizers included. Costs address space only.
constexpr std::size_t kStackBytes = std::size_t{2} << 20;
// Populated beforehand, from the top: as much as was ever seen in use.
constexpr std::size_t kWarmBytes = std::size_t{32} << 10;
constexpr std::size_t kStride = kGuardBytes + kStackBytes;

}  // namespace

StreamThreads::StreamThreads(std::uint32_t count) : threads_(count) {
  void* start = mmap(nullptr, count * kStride, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) {
    throw TraceError("no-memory", "can't map the stacks of " + std::to_string(count) + " threads (" +
                                      std::strerror(errno) + "): replay on fewer, with --threads N");
  }
  stacks_ = static_cast<std::byte*>(start);
  for (std::uint32_t stream = 0; stream < count; ++stream) {
    std::byte* stack = StackOf(stream);
    mprotect(stack - kGuardBytes, kGuardBytes, PROT_NONE);
    for (std::size_t at = kStackBytes - kWarmBytes; at < kStackBytes; at += 4096) {
      *reinterpret_cast<volatile char*>(stack + at) = 0;
    }
  }
}

StreamThreads::~StreamThreads() {
  munmap(stacks_, threads_.size() * kStride);
}

std::byte* StreamThreads::StackOf(std::uint32_t stream) const {
  return stacks_ + stream * kStride + kGuardBytes;
}

bool StreamThreads::Start(std::uint32_t stream, void* (*body)(void*), void* argument,
                          FailureRecord* failures) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  int error = pthread_attr_setstack(&attributes, StackOf(stream), kStackBytes);
  if (error == 0) error = pthread_create(&threads_[stream].id, &attributes, body, argument);
  pthread_attr_destroy(&attributes);
  if (error != 0) {
    failures->Set(
        "no-thread",
        "can't start thread %u of %u (%s): raise the limit of processes (ulimit -u, pids.max), or replay on "
        "fewer threads with --threads N",
        stream + 1, count(), strerrordesc_np(error));
    return false;
  }
  threads_[stream].running = true;
  return true;
}

void StreamThreads::Join(std::uint32_t stream) {
  pthread_join(threads_[stream].id, nullptr);
  threads_[stream].running = false;
}

}  // namespace rmem
