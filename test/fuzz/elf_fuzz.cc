// The bytes are a file that a recorded program is said to have run; its symbols are asked for at many
// offsets. The seed is a library of two functions, of which the assembler made one global: as, then
// ld -shared --build-id -z noseparate-code -z max-page-size=4096.

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "trace/elf_symbols.h"
#include "trace/symboliser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const int fd = memfd_create("elf_fuzz", 0);
  if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != static_cast<ssize_t>(size)) return 0;
  rmem::ElfSymbols symbols;
  if (!symbols.Read("/proc/self/fd/" + std::to_string(fd))) return 0;
  for (std::uint64_t offset = 0; offset < 4 * size + 64; offset += 7) {
    const auto address = symbols.AddressOf(offset);
    if (const auto name = symbols.At(address.value_or(offset)); !name.empty()) rmem::Demangled(name);
    symbols.FileOffsetOf(offset);
  }
  symbols.Layout();
  return 0;
}
