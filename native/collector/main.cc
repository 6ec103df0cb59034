#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <string>

#include "collector/collector.h"
#include "collector/collector_frames.h"
#include "collector/collector_options.h"

/** The collector of the recorder: see collector.h for what it does, collector_frames.h for what it says. */
int main(int count, char** words) {
  using namespace rmem::record;  // NOLINT(google-build-using-namespace)
  CollectorOptions options;
  std::string complaint;
  if (!ParseCollectorOptions(count, words, &options, &complaint)) {
    fprintf(stderr, "rustydb-mem-collector: %s\n", complaint.c_str());
    return 2;
  }
  // Ctrl-C is for the program; what it still does belongs to the recording.
  // A limit on the size of files (SIGXFSZ) is an error to write of.
  for (const int signal : {SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ}) ::signal(signal, SIG_IGN);
  ::signal(SIGTERM, [](int) { Collector::AskToStop(); });
  prctl(PR_SET_TIMERSLACK, 1);
  // Woken by a thread of the program it is not to take the place of that thread.
  const sched_param none{};
  sched_setscheduler(0, SCHED_BATCH, &none);
  // Where it may: on a busy machine the program would wait for it otherwise.
  setpriority(PRIO_PROCESS, 0, -10);
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;  // a file for each process
    setrlimit(RLIMIT_NOFILE, &files);
  }
  Collector collector(options);
  int error = 0;
  if (!collector.Prepare(&error)) {
    SayFailure("folder", std::string("could not make shared memory: ") + strerror(error));
    return 1;
  }
  SayReady(collector.folder());
  collector.Run();
  return 0;
}
