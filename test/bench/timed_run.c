#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * Runs a program and prints its wall time and its CPU time in ms, a tenth of a microsecond exact where the
 * kernel is: from the fork to the end, whatever else starts and ends around it.
 *
 *   timed_run INPUT PROGRAM ARGUMENTS...
 *
 * The program reads the file INPUT and its output is thrown away.
 */

static double Milliseconds(struct timespec time) {
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static double OfCpu(struct timeval time) {
  return (double)time.tv_sec * 1e3 + (double)time.tv_usec / 1e3;
}

int main(int count, char** words) {
  if (count < 3) return 2;
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  const pid_t child = fork();
  if (child == 0) {
    const int input = open(words[1], O_RDONLY), output = open("/dev/null", O_WRONLY);
    if (input < 0 || output < 0 || dup2(input, 0) < 0 || dup2(output, 1) < 0) _exit(126);
    execvp(words[2], words + 2);
    _exit(127);
  }
  int status;
  struct rusage usage;
  if (child < 0 || wait4(child, &status, 0, &usage) != child) return 1;
  clock_gettime(CLOCK_MONOTONIC, &end);
  printf("%.4f %.4f\n", Milliseconds(end) - Milliseconds(start),
         OfCpu(usage.ru_utime) + OfCpu(usage.ru_stime));
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
