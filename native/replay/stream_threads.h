#pragma once

#include <pthread.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "replay/failure.h"

namespace rmem {

/**
 * The threads of streams, on stacks of their own in a shared mapping: so they are not in the anonymous memory
 * that is measured, and what they touch is there before.
 */
class StreamThreads {
 public:
  /** Throws TraceError `no-memory`. */
  explicit StreamThreads(std::uint32_t count);
  ~StreamThreads();
  StreamThreads(const StreamThreads&) = delete;
  StreamThreads& operator=(const StreamThreads&) = delete;

  /** False, and reported: the system has no thread left. */
  bool Start(std::uint32_t stream, void* (*body)(void*), void* argument, FailureRecord* failures);
  /** Only of a running one. */
  void Join(std::uint32_t stream);
  bool running(std::uint32_t stream) const { return threads_[stream].running; }
  std::uint32_t count() const { return static_cast<std::uint32_t>(threads_.size()); }

 private:
  struct Thread {
    pthread_t id{};
    bool running = false;
  };

  std::byte* StackOf(std::uint32_t stream) const;

  std::vector<Thread> threads_;
  std::byte* stacks_ = nullptr;
};

}  // namespace rmem
