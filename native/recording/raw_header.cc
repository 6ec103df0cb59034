#include "recording/raw_header.h"

#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>

namespace rmem::record {
namespace {

bool IsPlain(char c) {
  return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

/** Text for a JSON string: what is unusual becomes '?'. */
void Plain(const char* from, std::span<char> to) {
  std::size_t at = 0;
  for (; at + 1 < to.size() && from[at] != '\0'; ++at) to[at] = IsPlain(from[at]) ? from[at] : '?';
  to[at] = '\0';
}

}  // namespace

std::size_t WriteRawJson(const SessionHeader& session, const Control& control, std::span<char> out) {
  char program[sizeof(session.program)];
  Plain(session.program, program);
  program[sizeof(program) - 1] = '\0';
  utsname system{};
  uname(&system);
  char host[65];
  Plain(system.nodename, host);
  char parent[64] = "";
  if (session.forked != 0)
    snprintf(parent, sizeof(parent), R"("parent":"%u","forked":"1",)", session.parentPid);
  char stacks[48] = "";
  if (session.stackBytes >= 0)
    snprintf(stacks, sizeof(stacks), R"("stackBytes":"%lld",)", static_cast<long long>(session.stackBytes));
  const int length = snprintf(
      out.data(), out.size(),
      R"({"program":"%s","pid":"%u",%s%s"host":"%s","cpus":"%ld","clock":"%s","startNs":"%llu","ticksPerSecond":"%llu","startTicks":"%llu"})",
      program, session.pid, parent, stacks, host, sysconf(_SC_NPROCESSORS_ONLN),
      control.countsCycles != 0 ? "cycle counter" : "CLOCK_MONOTONIC",
      static_cast<unsigned long long>(session.startNs),
      static_cast<unsigned long long>(control.ticksPerSecond),
      static_cast<unsigned long long>(session.startTicks));
  return std::min(static_cast<std::size_t>(length), out.size() - 1);
}

}  // namespace rmem::record
