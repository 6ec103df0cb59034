#include "collector/collector_frames.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <string>

#include "trace/json_text.h"

namespace rmem::record {
namespace {

class Frame {
 public:
  explicit Frame(std::string_view name) { Text("frame", name); }

  Frame& Text(std::string_view key, std::string_view value) { return Raw(key, JsonString(value)); }
  Frame& Number(std::string_view key, std::uint64_t value) { return Raw(key, std::to_string(value)); }
  Frame& Decimal(std::string_view key, double value) { return Raw(key, std::to_string(value)); }
  Frame& Truth(std::string_view key, bool value) { return Raw(key, value ? "true" : "false"); }

  /** Says nothing where the listener has fallen so far behind that it would have to be waited for. */
  void SayIfHeard() {
    pollfd output{STDOUT_FILENO, POLLOUT, 0};
    if (poll(&output, 1, 0) > 0) Say();
  }

  /** A closed pipe is nothing to stop for. */
  void Say() {
    text_ += "}\n";
    std::string_view rest = text_;
    while (!rest.empty()) {
      const ssize_t written = write(STDOUT_FILENO, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return;
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
  }

 private:
  Frame& Raw(std::string_view key, std::string_view value) {
    text_ += text_.empty() ? '{' : ',';
    text_ += JsonString(key);
    text_ += ':';
    text_ += value;
    return *this;
  }

  std::string text_;
};

}  // namespace

void SayReady(std::string_view folder) {
  Frame("ready").Text("folder", folder).Say();
}

void SayProgress(const CollectorTotals& totals, bool recording) {
  Frame("progress")
      .Number("events", totals.events)
      .Number("bytes", totals.bytes)
      .Number("dropped", totals.dropped)
      .Number("processes", totals.processes)
      .Number("alive", totals.alive)
      .Number("residentBytes", totals.residentBytes)
      .Truth("recording", recording)
      .SayIfHeard();
}

void SayStopped(std::string_view why) {
  Frame("stopped").Text("why", why).Say();
}

void SayFailure(std::string_view code, std::string_view message) {
  Frame("failure").Text("code", code).Text("message", message).Say();
}

void SayProcess(const RecordedProcess& process, std::uint64_t inherited) {
  const SessionHeader& header = process.header();
  char program[sizeof(header.program) + 1] = {};
  for (std::size_t i = 0; i < sizeof(header.program); ++i) program[i] = header.program[i];
  const std::uint64_t endedNs = process.endedNs();
  Frame("process")
      .Text("path", process.path())
      .Number("pid", header.pid)
      .Number("parentPid", header.parentPid)
      .Truth("forked", header.forked != 0)
      .Text("program", program)
      .Number("events", process.events())
      .Number("threads", process.counts().threads)
      .Number("dropped", process.Dropped())
      .Number("damagedRings", process.counts().damaged)
      .Truth("gaveUp", header.gaveUp.load() != 0)
      .Number("inheritedBlocks", inherited)
      .Number("durationNs", endedNs > header.startNs ? endedNs - header.startNs : 0)
      .Number("cpuNs", process.status().cpuNs)
      .Number("residentBytes", process.status().residentBytes)
      .Number("peakResidentBytes", process.status().peakResidentBytes)
      .Number("bytes", process.output().bytes())
      .Say();
}

void SayEnd(double mallocNsPerEvent) {
  Frame("end").Decimal("mallocNsPerEvent", mallocNsPerEvent).Say();
}

}  // namespace rmem::record
