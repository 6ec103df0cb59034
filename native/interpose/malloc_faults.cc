#include "interpose/malloc_faults.h"

#include <signal.h>

namespace rmem {
namespace {

void (*explainFault)(const void* address) = nullptr;

// Installed for one time: the instruction is tried again, and then the fault ends the program.
void OnFault(int number, siginfo_t* info, void*) noexcept {
  if (info->si_code > 0) return explainFault(info->si_addr);
  ::raise(number);  // one that somebody sent does not come by itself again
}

}  // namespace

void ReportFaults(void (*explain)(const void* address)) noexcept {
  struct sigaction current {};
  if (::sigaction(SIGSEGV, nullptr, &current) != 0 || current.sa_handler != SIG_DFL) return;
  explainFault = explain;
  struct sigaction wanted {};
  wanted.sa_sigaction = OnFault;
  wanted.sa_flags = static_cast<int>(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND);
  ::sigaction(SIGSEGV, &wanted, nullptr);
}

}  // namespace rmem
