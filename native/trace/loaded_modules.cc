#include "trace/loaded_modules.h"

#include <array>

namespace rmem {
namespace {

std::string Hexadecimal(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

}  // namespace

void LoadedModules::Load(const RawRow& module) {
  if (module.size == 0) return;
  const Code code{module.address + module.size, module.newAddress, std::string(module.text),
                  Hexadecimal(module.buildId)};
  if (const auto same = code_.find(module.address); same != code_.end() && same->second == code) return;
  auto at = code_.lower_bound(module.address);
  if (at != code_.begin()) {
    const auto before = std::prev(at);
    if (before->second.end > module.address) code_.erase(before);
  }
  while (at != code_.end() && at->first < code.end) at = code_.erase(at);
  code_.emplace(module.address, code);
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
    const std::uint32_t module = sites.Module(code.path, code.buildId);
    frame = sites.Frame(module, module == 0 ? call : call - at->first + code.fileOffset, "");
  } else {
    frame = sites.Frame(0, call, "");
  }
  if (frame != CallSites::kNoFrame && returnAddress != 0) frameIndex_.Insert(returnAddress, frame);
  return frame;
}

}  // namespace rmem
