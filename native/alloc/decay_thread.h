#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>

namespace rmem {

/**
 * A thread that calls a function every so often, with all signals blocked. A child made by fork does not have
 * it until it starts one of its own. Start and Stop are for one caller at a time; neither may be called under
 * a lock that the function takes.
 */
class DecayThread {
 public:
  using Function = void (*)(void* context) noexcept;

  /** True when it runs, be it since before; false when the system grants no thread. */
  bool Start(std::uint64_t periodMs, Function function, void* context) noexcept;
  /** Returns when the function will not be called again. */
  void Stop() noexcept;
  /** In this process. */
  bool running() const noexcept;

 private:
  static void* Run(void* argument);

  pthread_t thread_{};
  pid_t process_ = 0;  // that started it; 0: nobody
  std::atomic<std::uint32_t> stop_{0};
  std::uint64_t periodMs_ = 0;
  Function function_ = nullptr;
  void* context_ = nullptr;
};

}  // namespace rmem
