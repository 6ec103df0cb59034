#include "interpose/record_modules.h"

#include <elf.h>
#include <limits.h>
#include <link.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <string_view>

#include "interpose/record_log.h"

namespace rmem::record {
namespace {

constinit std::uintptr_t gOwnStart = 0;
constinit std::uintptr_t gOwnEnd = 0;
// Loads and unloads that the recording knows of, as the loader counts them; starts with none.
constinit std::atomic<std::uint64_t> gTold{0};

constexpr unsigned kCallsALook = 8;

struct Loaded {
  std::uint64_t ticks;
  std::uint64_t told;
  bool changed;
};

/** The GNU build id among the notes of [at, end), as bytes. */
std::string_view BuildId(const char* at, const char* end) {
  while (static_cast<std::size_t>(end - at) >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    memcpy(&note, at, sizeof(note));
    at += sizeof(note);
    const std::size_t name = (note.n_namesz + std::size_t{3}) & ~std::size_t{3};
    const std::size_t text = (note.n_descsz + std::size_t{3}) & ~std::size_t{3};
    if (name + text > static_cast<std::size_t>(end - at)) break;
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(at, "GNU", 4) == 0)
      return {at + name, note.n_descsz};
    at += name + text;
  }
  return {};
}

std::string_view BuildId(const dl_phdr_info& module) {
  for (int i = 0; i < module.dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = module.dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    const auto* notes = reinterpret_cast<const char*>(module.dlpi_addr + segment.p_vaddr);
    if (const auto found = BuildId(notes, notes + segment.p_memsz); !found.empty()) return found;
  }
  return {};
}

int Tell(dl_phdr_info* module, std::size_t, void* argument) {
  auto* loaded = static_cast<Loaded*>(argument);
  if (!loaded->changed) {
    const std::uint64_t now = module->dlpi_adds + module->dlpi_subs + 1;
    if (now == loaded->told) return 1;
    loaded->told = now;
    loaded->changed = true;
  }
  char program[PATH_MAX];
  std::string_view path(module->dlpi_name);
  if (path.empty()) {
    const long length = syscall(SYS_readlink, "/proc/self/exe", program, sizeof(program));
    path = {program, length > 0 ? static_cast<std::size_t>(length) : 0};
  }
  const std::string_view buildId = BuildId(*module);
  for (int i = 0; i < module->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = module->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    Module(loaded->ticks, module->dlpi_addr + segment.p_vaddr, segment.p_memsz, segment.p_offset, path,
           buildId);
  }
  return 0;
}

int FindOwn(dl_phdr_info* module, std::size_t, void*) {
  const auto here = reinterpret_cast<std::uintptr_t>(&FindOwnCode);
  for (int i = 0; i < module->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = module->dlpi_phdr[i];
    const std::uintptr_t start = module->dlpi_addr + segment.p_vaddr;
    if (segment.p_type != PT_LOAD || here < start || here - start >= segment.p_memsz) continue;
    gOwnStart = start;
    gOwnEnd = start + segment.p_memsz;
    return 1;
  }
  return 0;
}

}  // namespace

bool TellModules(std::uint64_t ticks) {
  Loaded loaded{ticks, gTold.load(std::memory_order_acquire), false};
  dl_iterate_phdr(Tell, &loaded);
  // Only now, lest another thread's stack be in the recording before what it needs.
  if (loaded.changed) gTold.store(loaded.told, std::memory_order_release);
  return loaded.changed;
}

bool TellModulesAtTimes(std::uint64_t ticks) {
  static constinit thread_local unsigned calls = 0;
  const bool none = gTold.load(std::memory_order_relaxed) == 0;
  return (none || ++calls % kCallsALook == 0) && TellModules(ticks);
}

void ForgetModules() {
  gTold.store(0, std::memory_order_release);
}

void FindOwnCode() {
  dl_iterate_phdr(FindOwn, nullptr);
}

bool IsOwnCode(std::uint64_t address) {
  return address >= gOwnStart && address < gOwnEnd;
}

}  // namespace rmem::record
