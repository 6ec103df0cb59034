#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace rmem {

/**
 * Runs a source that pushes (and can't be asked for a piece) in steps: it works on a thread of its own and
 * halts in Pause until the next Step. Only one of both threads runs at a time, so that they may share state
 * without locks.
 */
class SourceThread {
 public:
  explicit SourceThread(std::function<void()> work) : work_(std::move(work)) {}
  ~SourceThread();
  SourceThread(const SourceThread&) = delete;
  SourceThread& operator=(const SourceThread&) = delete;

  /** Lets the source work until it pauses. False when it has returned; rethrows what it threw. */
  bool Step();

  /** Called by the source: hands control back. Throws TraceError `stopped` where the owner has gone. */
  void Pause();

 private:
  enum class Turn { kOwner, kSource, kOver };

  void Run();

  std::function<void()> work_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Turn turn_ = Turn::kOwner;
  bool abandoned_ = false;
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace rmem
