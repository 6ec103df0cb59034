#include "trace/call_sites.h"

#include <algorithm>
#include <cmath>

#include "trace/json_text.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

/** Without control characters, which would take six bytes each in JSON. */
std::string Printable(std::string_view text, std::size_t most) {
  std::string result(text.substr(0, most));
  for (char& c : result) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
  }
  return result;
}

[[noreturn]] void DamagedCallSites() {
  throw TraceError("damaged-block", "the call sites in the trailer of the trace are damaged");
}

std::uint32_t Small(JsonReader& in, std::size_t limit) {
  const std::uint64_t value = in.Number();
  if (value >= limit) DamagedCallSites();
  return static_cast<std::uint32_t>(value);
}

}  // namespace

CallSites::CallSites() : modules_(1), nodes_(1) {}

bool CallSites::TakeText(std::size_t bytes) {
  if (bytes > kMaxCallTextBytes - textBytes_) return false;
  textBytes_ += bytes;
  return true;
}

std::uint32_t CallSites::Module(std::string_view path, std::string_view buildId, std::string_view layout) {
  CallModule module{Printable(path, kMaxSymbolBytes), Printable(buildId, 64),
                    Printable(layout, kMaxSymbolBytes)};
  const auto key = std::tie(module.path, module.buildId, module.layout);
  if (const auto found = moduleIndex_.find(key); found != moduleIndex_.end()) return found->second;
  if (modules_.size() == kMaxCallModules ||
      !TakeText(module.path.size() + module.buildId.size() + module.layout.size())) {
    return 0;
  }
  const auto index = static_cast<std::uint32_t>(modules_.size());
  moduleIndex_.emplace(key, index);
  modules_.push_back(std::move(module));
  return index;
}

std::uint32_t CallSites::Frame(std::uint32_t module, std::uint64_t offset, std::string_view symbol) {
  std::string text = Printable(symbol, kMaxSymbolBytes);
  const auto key = std::tie(module, offset, text);
  if (const auto found = frameIndex_.find(key); found != frameIndex_.end()) return found->second;
  if (frames_.size() == kMaxCallFrames || !TakeText(text.size())) return kNoFrame;
  const auto index = static_cast<std::uint32_t>(frames_.size());
  frameIndex_.emplace(key, index);
  frames_.push_back({module, offset, std::move(text)});
  return index;
}

std::uint32_t CallSites::Node(std::uint32_t parent, std::uint32_t frame) {
  const auto [place, isNew] = nodeIndex_.try_emplace({parent, frame}, 0);
  if (!isNew) return place->second;
  if (nodes_.size() == kMaxCallNodes || frame >= frames_.size()) {
    nodeIndex_.erase(place);
    return 0;
  }
  nodes_.push_back({parent, frame});
  return place->second = static_cast<std::uint32_t>(nodes_.size() - 1);
}

std::uint32_t CallSites::Stack(std::span<const std::uint32_t> frames) {
  std::uint32_t node = 0;
  for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) {
    node = Node(node, *frame);
    if (node == 0) return 0;
  }
  return node;
}

bool CallSites::Name(std::uint32_t frame, std::string_view symbol) {
  std::string text = Printable(symbol, kMaxSymbolBytes);
  if (!TakeText(text.size())) return false;
  frames_[frame].symbol = std::move(text);
  return true;
}

void CallSites::Found(std::uint32_t module, std::string_view buildId) {
  modules_[module].buildId = buildId;
  modules_[module].layout.clear();
}

void CallSites::Lost(std::uint32_t module) {
  std::string& path = modules_[module].path;
  path.erase(0, path.rfind('/') + 1);
  modules_[module].layout.clear();
}

void CallSites::Invent(std::uint32_t last) {
  if (last < nodes_.size()) return;
  // The last frame of a full table has to serve.
  if (frames_.size() < kMaxCallFrames) frames_.push_back({0, 0, "lost-call-site"});
  const auto frame = static_cast<std::uint32_t>(frames_.size() - 1);
  nodes_.resize(std::min<std::size_t>(last + std::size_t{1}, kMaxCallNodes), {0, frame});
}

CallSites CallSites::Anonymous() const {
  CallSites result;
  for (std::size_t module = 1; module < modules_.size(); ++module)
    result.modules_.push_back({"module" + std::to_string(module), "", ""});
  // Calls of one function stay calls of one function.
  std::map<std::pair<std::uint32_t, std::string>, std::size_t> functions;
  for (const CallFrame& frame : frames_) {
    const std::string own = frame.symbol.empty() ? std::to_string(frame.offset) : frame.symbol;
    const auto [place, isNew] = functions.try_emplace({frame.module, own}, functions.size() + 1);
    result.frames_.push_back({frame.module, 0, "function" + std::to_string(place->second)});
  }
  result.nodes_ = nodes_;
  return result;
}

std::string CallSites::ToJson() const {
  std::string json = "{\"modules\":[";
  const auto comma = [&json] {
    if (json.back() != '[') json += ',';
  };
  for (std::size_t module = 1; module < modules_.size(); ++module) {
    comma();
    json.append(JsonString(modules_[module].path)).append(",").append(JsonString(modules_[module].buildId));
  }
  json += "],\"frames\":[";
  for (const CallFrame& frame : frames_) {
    comma();
    json.append(std::to_string(frame.module)).append(",").append(std::to_string(frame.offset));
    json.append(",").append(JsonString(frame.symbol));
  }
  json += "],\"nodes\":[";
  for (std::size_t node = 1; node < nodes_.size(); ++node) {
    comma();
    json.append(std::to_string(nodes_[node].parent)).append(",").append(std::to_string(nodes_[node].frame));
  }
  return json += "]}";
}

void CallSites::ReadJson(JsonReader& in) {
  *this = CallSites();
  std::string key;
  for (in.Enter('{'); in.More(&key);) {
    if (key == "modules") {
      for (in.Enter('['); in.More();) {
        CallModule module{in.Text(), "", ""};
        if (!in.More() || modules_.size() == kMaxCallModules) DamagedCallSites();
        module.buildId = in.Text();
        modules_.push_back(std::move(module));
      }
    } else if (key == "frames") {
      for (in.Enter('['); in.More();) {
        CallFrame frame;
        frame.module = Small(in, modules_.size());
        if (!in.More()) DamagedCallSites();
        frame.offset = in.Number();
        if (!in.More() || frames_.size() == kMaxCallFrames) DamagedCallSites();
        frame.symbol = Printable(in.Text(), kMaxSymbolBytes);
        frames_.push_back(std::move(frame));
      }
    } else if (key == "nodes") {
      for (in.Enter('['); in.More();) {
        CallNode node;
        node.parent = Small(in, nodes_.size());
        if (!in.More() || nodes_.size() == kMaxCallNodes) DamagedCallSites();
        node.frame = Small(in, frames_.size());
        nodes_.push_back(node);
      }
    } else {
      in.Skip();
    }
  }
}

double StackWeight(std::uint64_t size, std::uint64_t stackBytes) {
  if (stackBytes == 0) return 1;
  const double bytes = static_cast<double>(size) + 1;
  return -1 / std::expm1(-bytes / static_cast<double>(stackBytes));
}

}  // namespace rmem
