#include "interpose/record_symbols.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <span>

#include "interpose/record_births.h"
#include "interpose/record_log.h"

namespace rmem::record {
namespace {

#if defined(__x86_64__)
constexpr unsigned kJumpSlot = R_X86_64_JUMP_SLOT, kGlobalData = R_X86_64_GLOB_DAT;
#elif defined(__aarch64__)
constexpr unsigned kJumpSlot = R_AARCH64_JUMP_SLOT, kGlobalData = R_AARCH64_GLOB_DAT;
#else
constexpr unsigned kJumpSlot = ~0u, kGlobalData = ~0u;  // known for no other machine yet
#endif

struct Prefixed {
  void* (*malloc)(size_t);
  void* (*calloc)(size_t, size_t);
  void* (*realloc)(void*, size_t);
  void (*free)(void*);
  int (*posix_memalign)(void**, size_t, size_t);
  void* (*aligned_alloc)(size_t, size_t);
  void* (*memalign)(size_t, size_t);
};
constinit Prefixed gPrefixed{};

void* Born(void* block, size_t size, size_t alignment, bool zeroed) {
  if (block != nullptr && Recording()) RecordBirth(block, size, alignment, zeroed);
  return block;
}

void* PrefixedMalloc(size_t size) {
  return Born(gPrefixed.malloc(size), size, 0, false);
}

void* PrefixedCalloc(size_t count, size_t size) {
  return Born(gPrefixed.calloc(count, size), count * size, 0, true);
}

void PrefixedFree(void* block) {
  if (block != nullptr && Recording()) Free(Clock().Now(), block);
  gPrefixed.free(block);
}

void* PrefixedRealloc(void* old, size_t size) {
  if (old == nullptr) return Born(gPrefixed.realloc(nullptr, size), size, 0, false);
  if (!Recording()) return gPrefixed.realloc(old, size);
  const std::uint64_t before = Clock().Now();
  void* block = gPrefixed.realloc(old, size);
  if (block != nullptr || size == 0) RecordRealloc(before, old, block, size);
  return block;
}

int PrefixedPosixMemalign(void** block, size_t alignment, size_t size) {
  const int error = gPrefixed.posix_memalign(block, alignment, size);
  if (error == 0) Born(*block, size, alignment, false);
  return error;
}

void* PrefixedAlignedAlloc(size_t alignment, size_t size) {
  return Born(gPrefixed.aligned_alloc(alignment, size), size, alignment, false);
}

void* PrefixedMemalign(size_t alignment, size_t size) {
  return Born(gPrefixed.memalign(alignment, size), size, alignment, false);
}

struct Replacement {
  const char* name;
  void* ours;
  void** theirs;
};

template <class Function>
Replacement Replace(const char* name, Function* ours, Function** theirs) {
  return {name, reinterpret_cast<void*>(ours), reinterpret_cast<void**>(theirs)};
}

/** Made at the first call, for the constructors of this library run in no certain order. */
std::span<const Replacement> Replacements() {
  static const Replacement kReplacements[] = {
      Replace("malloc", PrefixedMalloc, &gPrefixed.malloc),
      Replace("calloc", PrefixedCalloc, &gPrefixed.calloc),
      Replace("realloc", PrefixedRealloc, &gPrefixed.realloc),
      Replace("free", PrefixedFree, &gPrefixed.free),
      Replace("posix_memalign", PrefixedPosixMemalign, &gPrefixed.posix_memalign),
      Replace("aligned_alloc", PrefixedAlignedAlloc, &gPrefixed.aligned_alloc),
      Replace("memalign", PrefixedMemalign, &gPrefixed.memalign),
  };
  return kReplacements;
}

/** The dynamic section of one module. */
struct Dynamic {
  const ElfW(Sym) * symbols = nullptr;
  const char* names = nullptr;
  const ElfW(Rela) * calls = nullptr;
  std::size_t callBytes = 0;
  const ElfW(Rela) * data = nullptr;
  std::size_t dataBytes = 0;
};

bool Contains(const dl_phdr_info& module, const void* address) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  for (int i = 0; i < module.dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = module.dlpi_phdr[i];
    const std::uintptr_t start = module.dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_LOAD && at >= start && at < start + header.p_memsz) return true;
  }
  return false;
}

Dynamic ReadDynamic(const dl_phdr_info& module) {
  Dynamic found;
  for (int i = 0; i < module.dlpi_phnum; ++i) {
    if (module.dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
    const auto* entry = reinterpret_cast<const ElfW(Dyn)*>(module.dlpi_addr + module.dlpi_phdr[i].p_vaddr);
    for (; entry->d_tag != DT_NULL; ++entry) {
      const ElfW(Addr) at = entry->d_un.d_ptr;
      switch (entry->d_tag) {
        case DT_SYMTAB:
          found.symbols = reinterpret_cast<const ElfW(Sym)*>(at);
          break;
        case DT_STRTAB:
          found.names = reinterpret_cast<const char*>(at);
          break;
        case DT_JMPREL:
          found.calls = reinterpret_cast<const ElfW(Rela)*>(at);
          break;
        case DT_PLTRELSZ:
          found.callBytes = entry->d_un.d_val;
          break;
        case DT_RELA:
          found.data = reinterpret_cast<const ElfW(Rela)*>(at);
          break;
        case DT_RELASZ:
          found.dataBytes = entry->d_un.d_val;
          break;
        default:
          break;
      }
    }
  }
  // The kernel's own module has addresses that nobody has relocated.
  if (!Contains(module, found.symbols) || !Contains(module, found.names)) found.symbols = nullptr;
  return found;
}

/** Is the page of `slot` made read-only after relocation? */
bool IsReadOnly(const dl_phdr_info& module, std::uintptr_t slot) {
  for (int i = 0; i < module.dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = module.dlpi_phdr[i];
    const std::uintptr_t start = module.dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_GNU_RELRO && slot >= start && slot < start + header.p_memsz) return true;
  }
  return false;
}

void Patch(const dl_phdr_info& module, std::uintptr_t slot, void* ours) {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  void* start = reinterpret_cast<void*>(slot & ~(page - 1));
  const bool readOnly = IsReadOnly(module, slot);
  if (readOnly && mprotect(start, page, PROT_READ | PROT_WRITE) != 0) return;
  __atomic_store_n(reinterpret_cast<void**>(slot), ours, __ATOMIC_RELEASE);
  if (readOnly) mprotect(start, page, PROT_READ);
}

void PatchTable(const dl_phdr_info& module, const Dynamic& dynamic, const ElfW(Rela) * table,
                std::size_t bytes, const char* prefix) {
  const std::size_t length = strlen(prefix);
  for (std::size_t i = 0; i < bytes / sizeof(ElfW(Rela)); ++i) {
    const ElfW(Rela)& relocation = table[i];
    const auto type = static_cast<unsigned>(ELF64_R_TYPE(relocation.r_info));
    if (type != kJumpSlot && type != kGlobalData) continue;
    const char* name = dynamic.names + dynamic.symbols[ELF64_R_SYM(relocation.r_info)].st_name;
    if (strncmp(name, prefix, length) != 0) continue;
    for (const Replacement& each : Replacements()) {
      if (strcmp(name + length, each.name) == 0 && *each.theirs != nullptr)
        Patch(module, module.dlpi_addr + relocation.r_offset, each.ours);
    }
  }
}

int PatchModule(dl_phdr_info* module, std::size_t /*size*/, void* prefix) {
  // Neither in the library that has the functions nor in this one.
  if (Contains(*module, reinterpret_cast<void*>(gPrefixed.malloc)) ||
      Contains(*module, reinterpret_cast<void*>(&PatchModule)))
    return 0;
  const Dynamic dynamic = ReadDynamic(*module);
  if (dynamic.symbols == nullptr) return 0;
  PatchTable(*module, dynamic, dynamic.calls, dynamic.calls != nullptr ? dynamic.callBytes : 0,
             static_cast<const char*>(prefix));
  PatchTable(*module, dynamic, dynamic.data, dynamic.data != nullptr ? dynamic.dataBytes : 0,
             static_cast<const char*>(prefix));
  return 0;
}

}  // namespace

void RecordPrefixedSymbols() {
  const char* prefix = getenv("RUSTYDB_MEM_SYMBOLS");
  if (prefix == nullptr || *prefix == '\0' || strlen(prefix) > 64) return;
  for (const Replacement& each : Replacements()) {
    char name[96];
    snprintf(name, sizeof(name), "%s%s", prefix, each.name);
    *each.theirs = dlsym(RTLD_DEFAULT, name);
  }
  if (gPrefixed.malloc == nullptr || gPrefixed.free == nullptr) {
    fprintf(stderr,
            "rustydb-mem recorder: no loaded library has %smalloc and %sfree; these are not recorded\n",
            prefix, prefix);
    return;
  }
  char kept[65];
  strcpy(kept, prefix);
  dl_iterate_phdr(PatchModule, kept);
}

}  // namespace rmem::record
