#include "replay/halt.h"

#include <signal.h>
#include <sys/prctl.h>

namespace rmem {
namespace {

static_assert(std::atomic<Halt>::is_always_lock_free, "a signal handler raises it");

void OnStopSignal(int) {
  RaiseHalt(Halt::kStopped);
}

}  // namespace

void InstallStopSignals() {
  struct sigaction action = {};
  action.sa_handler = OnStopSignal;
  sigemptyset(&action.sa_mask);
  // No SA_RESTART: a blocked write to a pipe nobody reads must come back.
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaction(number, &action, nullptr);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
}

void DieWithParent() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

}  // namespace rmem
