#include "binding/source_thread.h"

#include <utility>

#include "trace/trace_error.h"

namespace rmem {

SourceThread::~SourceThread() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    abandoned_ = true;
    if (turn_ != Turn::kOver) turn_ = Turn::kSource;
  }
  changed_.notify_all();
  thread_.join();
}

bool SourceThread::Step() {
  std::unique_lock lock(mutex_);
  if (turn_ == Turn::kOver) return false;
  turn_ = Turn::kSource;
  if (thread_.joinable()) {
    changed_.notify_all();
  } else {
    thread_ = std::thread([this] { Run(); });
  }
  changed_.wait(lock, [this] { return turn_ != Turn::kSource; });
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  return turn_ != Turn::kOver;
}

void SourceThread::Pause() {
  std::unique_lock lock(mutex_);
  turn_ = Turn::kOwner;
  changed_.notify_all();
  changed_.wait(lock, [this] { return turn_ == Turn::kSource; });
  if (abandoned_) throw TraceError("stopped", "stopped");
}

void SourceThread::Run() {
  std::exception_ptr failure;
  try {
    work_();
  } catch (...) {
    failure = std::current_exception();
  }
  std::lock_guard lock(mutex_);
  failure_ = failure;
  turn_ = Turn::kOver;
  changed_.notify_all();
}

}  // namespace rmem
