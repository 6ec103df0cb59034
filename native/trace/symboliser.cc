#include "trace/symboliser.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <vector>

#include "trace/elf_symbols.h"

namespace rmem {
namespace {

/** `17h` and 16 hexadecimal digits, as the legacy mangling of Rust ends names. */
bool IsRustHash(std::string_view part) {
  return part.size() == 17 && part[0] == 'h' &&
         part.find_first_not_of("0123456789abcdef", 1) == std::string_view::npos;
}

void Replace(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

/** Rust's v0 mangling, `_R…`: the identifiers of its path in their order; its generic arguments are left out.
 */
std::string RustPath(std::string_view mangled) {
  std::string path;
  for (std::size_t at = 2; at < mangled.size();) {
    if (mangled[at] == 's' && at + 1 < mangled.size()) {  // a disambiguator: s, base 62, _
      const std::size_t end = mangled.find('_', at);
      if (end == std::string_view::npos) break;
      at = end + 1;
      continue;
    }
    if (mangled[at] == 'I') {
      ++at;
      continue;
    }
    if (mangled[at] == 'N' || mangled[at] == 'C' || mangled[at] == 'M' || mangled[at] == 'X') {
      at += mangled[at] == 'N' ? 2 : 1;
      continue;
    }
    if (mangled[at] < '0' || mangled[at] > '9') break;
    std::size_t length = 0;
    while (at < mangled.size() && mangled[at] >= '0' && mangled[at] <= '9' && length < 4096)
      length = length * 10 + static_cast<std::size_t>(mangled[at++] - '0');
    if (at < mangled.size() && mangled[at] == '_') ++at;
    if (length > mangled.size() - at) break;
    if (length > 0) {
      if (!path.empty()) path += "::";
      path.append(mangled.substr(at, length));
    }
    at += length;
  }
  return path;
}

/** The module and what describes it on this machine, read once. */
class Modules {
 public:
  Modules(TraceInfo& info, bool warn) : info_(info), warn_(warn), symbols_(info.callSites.modules().size()) {}

  const ElfSymbols* Find(std::uint32_t module) {
    std::unique_ptr<Read>& read = symbols_[module];
    if (read == nullptr) {
      read = std::make_unique<Read>();
      Load(info_.callSites.modules()[module], *read);
    }
    return read->usable ? &read->symbols : nullptr;
  }

 private:
  struct Read {
    ElfSymbols symbols;
    bool usable = false;
  };

  void Load(const CallModule& module, Read& read) {
    if (module.path.empty() || module.path[0] != '/') return;  // the kernel's own, say linux-vdso.so.1
    if (!read.symbols.Read(module.path)) {
      Warn(module, "is not on this machine, or no ELF file");
      return;
    }
    if (!module.buildId.empty() && read.symbols.buildId() != module.buildId) {
      Warn(module, "is another one than the program was run with (its build id differs)");
      return;
    }
    if (!module.layout.empty() && read.symbols.Layout() != module.layout) {
      Warn(module, "is another one than the program was run with (its segments differ)");
      return;
    }
    read.usable = true;
    const std::string& id = read.symbols.buildId();
    if (read.symbols.hasFullTable() || id.size() < 4) return;
    ElfSymbols debug;
    if (debug.Read("/usr/lib/debug/.build-id/" + id.substr(0, 2) + "/" + id.substr(2) + ".debug") &&
        debug.hasFunctions() && debug.buildId() == id) {
      read.symbols.TakeFunctions(std::move(debug));
    }
  }

  void Warn(const CallModule& module, const char* what) {
    if (warn_)
      info_.report.warnings.push_back("call sites in " + module.path + " keep their offsets: it " + what);
  }

  TraceInfo& info_;
  const bool warn_;
  std::vector<std::unique_ptr<Read>> symbols_;
};

}  // namespace

std::string Demangled(std::string_view symbol) {
  // A symbol's version, as in memcpy@@GLIBC_2.14.
  const std::string name(symbol.substr(0, symbol.find('@')));
  if (name.starts_with("_R")) {
    std::string path = RustPath(name);
    return path.empty() ? name : path;
  }
  if (!name.starts_with("_Z")) return name;
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), &std::free);
  if (status != 0 || text == nullptr) return name;
  std::string result(text.get());
  if (const std::size_t last = result.rfind("::");
      last != std::string::npos && IsRustHash(std::string_view(result).substr(last + 2))) {
    result.resize(last);
    Replace(result, "$LT$", "<");
    Replace(result, "$GT$", ">");
    Replace(result, "$u20$", " ");
    Replace(result, "$RF$", "&");
    Replace(result, "$C$", ",");
    Replace(result, "..", "::");
  }
  return result;
}

void Symbolise(TraceInfo& info, bool warn) {
  Modules modules(info, warn);
  CallSites& sites = info.callSites;
  bool full = false;
  for (std::uint32_t index = 0; index < sites.frames().size(); ++index) {
    const CallFrame& frame = sites.frames()[index];
    if (frame.module == 0 || !frame.symbol.empty()) continue;
    const ElfSymbols* symbols = modules.Find(frame.module);
    if (symbols == nullptr) continue;
    std::optional<std::uint64_t> address = frame.offset;
    if (sites.modules()[frame.module].layout.empty()) {
      address = symbols->AddressOf(frame.offset);
    } else if (const auto offset = symbols->FileOffsetOf(frame.offset)) {
      sites.Place(index, *offset);
    }
    if (!address || full) continue;
    const std::string_view mangled = symbols->At(*address);
    if (mangled.empty() || sites.Name(index, Demangled(mangled))) continue;
    full = true;
    if (warn) info.report.warnings.emplace_back("the symbols of the call sites are too long to keep all");
  }
  for (std::uint32_t module = 1; module < sites.modules().size(); ++module) {
    if (sites.modules()[module].layout.empty()) continue;
    if (const ElfSymbols* symbols = modules.Find(module)) {
      sites.Found(module, symbols->buildId());
    } else {
      sites.Lost(module);
    }
  }
}

}  // namespace rmem
