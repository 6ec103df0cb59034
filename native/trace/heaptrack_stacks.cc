#include "trace/heaptrack_stacks.h"

#include "trace/call_sites.h"

namespace rmem {

void HeaptrackStacks::LoadSegment(std::string_view path, std::string_view layout, std::uint64_t base,
                                  std::uint64_t address, std::uint64_t bytes, std::uint64_t line) {
  if (loaded_.size() == kMaxSegments) {
    info_.report.Count("module-without-room", true, line);
    return;
  }
  loaded_.Load(
      base + address, bytes, address,
      {std::string(path.substr(0, kMaxSymbolBytes)), "", std::string(layout.substr(0, kMaxSymbolBytes))});
}

void HeaptrackStacks::AddStack(std::uint64_t address, std::uint64_t caller, std::uint64_t line) {
  std::uint32_t node = Caller(caller, line);
  if (address != 0) node = Node(node, loaded_.Frame(address, info_.callSites));
  EndStack(node);
}

void HeaptrackStacks::AddText(std::string_view text, std::uint64_t line) {
  ++textCount_;
  text = text.substr(0, kMaxSymbolBytes);
  if (texts_.size() + text.size() > kMaxTextBytes || textEnds_.size() == kMaxTexts) {
    info_.report.Count("name-without-room", false, line);
    if (textEnds_.size() == kMaxTexts) return;
    text = {};
  }
  texts_.append(text);
  textEnds_.push_back(static_cast<std::uint32_t>(texts_.size()));
}

std::string_view HeaptrackStacks::Text(std::uint64_t number, std::uint64_t line) {
  if (number > textCount_) info_.report.Count("unknown-name", false, line);
  if (number == 0 || number > textEnds_.size()) return {};
  const std::size_t begin = number == 1 ? 0 : textEnds_[number - 2];
  return std::string_view(texts_).substr(begin, textEnds_[number - 1] - begin);
}

void HeaptrackStacks::AddInstruction(std::uint64_t address, std::uint64_t module,
                                     std::span<const std::uint64_t> functions, std::uint64_t line) {
  ++instructionCount_;
  if (frameEnds_.size() == kMaxInstructions || frames_.size() >= kMaxInstructionFrames) return;
  if (functions.size() > kMaxInlined) {
    info_.report.Count("inlined-calls-cut", false, line);
    functions = functions.first(kMaxInlined);
  }
  CallSites& sites = info_.callSites;
  const std::string_view path = Text(module, line);
  const std::uint32_t file = path.empty() ? 0 : sites.Module(path, "");
  for (const std::uint64_t function : functions) {
    // Where the file lay is not told, so that functions have no offsets in it.
    if (const std::string_view name = Text(function, line); !name.empty())
      frames_.push_back(sites.Frame(file, 0, name));
  }
  const std::size_t begin = frameEnds_.empty() ? 0 : frameEnds_.back();
  if (frames_.size() == begin) {
    if (path.empty()) {
      if (address != 0) frames_.push_back(sites.Frame(0, address - 1, ""));
    } else {
      // The address is another one in every run, the name of the file is not.
      const std::string name = "[" + std::string(path.substr(path.rfind('/') + 1)) + "]";
      frames_.push_back(sites.Frame(file, 0, name));
    }
  }
  frameEnds_.push_back(static_cast<std::uint32_t>(frames_.size()));
}

void HeaptrackStacks::AddInterpretedStack(std::uint64_t instruction, std::uint64_t caller,
                                          std::uint64_t line) {
  std::uint32_t node = Caller(caller, line);
  if (instruction > instructionCount_) {
    info_.report.Count("unknown-stack", false, line);
  } else if (instruction > frameEnds_.size()) {
    node = kNoRoom;
  } else if (instruction != 0) {
    const std::size_t begin = instruction == 1 ? 0 : frameEnds_[instruction - 2];
    for (std::size_t frame = frameEnds_[instruction - 1]; frame-- > begin;) node = Node(node, frames_[frame]);
  }
  EndStack(node);
}

std::uint32_t HeaptrackStacks::Caller(std::uint64_t caller, std::uint64_t line) {
  if (caller == 0) return 0;
  if (caller > stackCount_) {
    info_.report.Count("unknown-stack", false, line);
    return 0;
  }
  return caller > stacks_.size() ? kNoRoom : stacks_[caller - 1];
}

std::uint32_t HeaptrackStacks::Node(std::uint32_t parent, std::uint32_t frame) {
  if (parent == kNoRoom || frame == CallSites::kNoFrame) return kNoRoom;
  const std::uint32_t node = info_.callSites.Node(parent, frame);
  return node == 0 ? kNoRoom : node;
}

void HeaptrackStacks::EndStack(std::uint32_t node) {
  ++stackCount_;
  if (stacks_.size() < kMaxStacks) stacks_.push_back(node);
}

std::uint32_t HeaptrackStacks::Site(std::uint64_t stack, std::uint64_t line) {
  const std::uint32_t node = Caller(stack, line);
  if (node != kNoRoom) return node;
  info_.report.Count("stack-without-room", true, line);
  return 0;
}

}  // namespace rmem
