#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "os/process_fence.h"
#include "plan_builder.h"
#include "replay/halt.h"
#include "replay/round.h"
#include "replay/route_table_of.h"

namespace rmem {

/** A folder that is gone after the test. */
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rmem-test-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~ScratchFolder() { std::filesystem::remove_all(path_); }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/** What a round said, frame by frame, and its exit code. */
struct PlayedRound {
  int exitCode = -1;
  std::vector<std::string> frames;

  std::vector<std::string> Named(const std::string& name) const {
    std::vector<std::string> found;
    for (const std::string& frame : frames) {
      if (frame.starts_with("{\"frame\":\"" + name + "\"")) found.push_back(frame);
    }
    return found;
  }
  std::string Only(const std::string& name) const {
    const std::vector<std::string> found = Named(name);
    return found.size() == 1 ? found[0] : "not one " + name + " but " + std::to_string(found.size());
  }
  /** The number of a field, wherever it is in the frame. */
  static std::optional<double> Number(const std::string& frame, const std::string& key) {
    const std::size_t at = frame.find("\"" + key + "\":");
    if (at == std::string::npos) return std::nullopt;
    return std::stod(frame.substr(at + key.size() + 3));
  }
};

/** Plays rounds of one plan in this process. */
class RoundPlayer {
 public:
  explicit RoundPlayer(PlanBuilder& plan) { plan.Write(folder_.File("plan")); }
  explicit RoundPlayer(const std::string& planPath) : planPath_(planPath) {}

  template <class Route>
  RoundPlayer& On() {
    options.round.route = &RouteTableOf<Route>::kTable;
    options.routeName = "test";
    return *this;
  }
  RoundPlayer& In(ReplayMode mode, ReplayOrder order) {
    options.round.mode = mode;
    options.round.order = order;
    return *this;
  }
  RoundPlayer& Warm(std::uint32_t passes) {
    options.warmPasses = passes;
    return *this;
  }

  PlayedRound Play() {
    replayHalt.store(Halt::kNo);
    RegisterFences();
    options.plan = planPath_.empty() ? folder_.File("plan") : planPath_;
    const std::string output = folder_.File("frames");
    const int file = open(output.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const auto frames = std::make_unique<FrameWriter>(file);
    PlayedRound played;
    played.exitCode = PlayRound(options, *frames);
    replayHalt.store(Halt::kNo);
    close(file);
    std::ifstream lines(output);
    for (std::string line; std::getline(lines, line);) played.frames.push_back(line);
    return played;
  }

  ReplayOptions options;

 private:
  ScratchFolder folder_;
  std::string planPath_;
};

}  // namespace rmem
