#include "trace/loaded_modules.h"

#include <array>
#include <iterator>

#include "trace/raw_block.h"

namespace rmem {

void LoadedModules::Load(std::uint64_t start, std::uint64_t bytes, std::uint64_t offset,
                         const CallModule& module) {
  if (bytes == 0) return;
  const Code code{start + bytes, offset, module};
  if (const auto same = code_.find(start); same != code_.end() && same->second == code) return;
  auto at = code_.lower_bound(start);
  if (at != code_.begin()) {
    const auto before = std::prev(at);
    if (before->second.end > start) code_.erase(before);
  }
  while (at != code_.end() && at->first < code.end) at = code_.erase(at);
  code_.emplace(start, code);
  frameIndex_ = {};
}

void LoadedModules::Clear() {
  code_.clear();
  frameIndex_ = {};
}

std::uint32_t LoadedModules::Site(std::span<const std::uint64_t> returnAddresses, CallSites& sites) {
  std::array<std::uint32_t, kMaxStackFrames> frames;
  std::size_t count = 0;
  for (const std::uint64_t address : returnAddresses) {
    if ((frames[count++] = Frame(address, sites)) == CallSites::kNoFrame) return 0;
  }
  return sites.Stack(std::span<const std::uint32_t>(frames).first(count));
}

std::uint32_t LoadedModules::Frame(std::uint64_t returnAddress, CallSites& sites) {
  if (const std::uint32_t* known = frameIndex_.Find(returnAddress)) return *known;
  // The call is what lies before the address it returns to, which may be in the next function already.
  const std::uint64_t call = returnAddress - 1;
  std::uint32_t frame;
  auto at = code_.upper_bound(call);
  if (at != code_.begin() && call < (--at)->second.end) {
    const Code& code = at->second;
    const std::uint32_t module = sites.Module(code.module.path, code.module.buildId, code.module.layout);
    frame = sites.Frame(module, module == 0 ? call : call - at->first + code.offset, "");
  } else {
    frame = sites.Frame(0, call, "");
  }
  if (frame != CallSites::kNoFrame && returnAddress != 0) frameIndex_.Insert(returnAddress, frame);
  return frame;
}

}  // namespace rmem
