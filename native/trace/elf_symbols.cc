#include "trace/elf_symbols.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>

namespace rmem {
namespace {

// What a symbol table of a file may make us keep.
constexpr std::size_t kMaxFunctions = 4 << 20;

class MappedFile {
 public:
  explicit MappedFile(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return;
    struct stat status;
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
      bytes_ = static_cast<std::size_t>(status.st_size);
      void* memory = mmap(nullptr, bytes_, PROT_READ, MAP_PRIVATE, file, 0);
      if (memory != MAP_FAILED) memory_ = static_cast<const std::byte*>(memory);
    }
    ::close(file);
  }
  ~MappedFile() {
    if (memory_ != nullptr) munmap(const_cast<std::byte*>(memory_), bytes_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const {
    return memory_ == nullptr ? std::span<const std::byte>() : std::span(memory_, bytes_);
  }

 private:
  const std::byte* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

std::string Hexadecimal(std::span<const std::byte> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    text += kDigits[static_cast<unsigned>(byte) >> 4];
    text += kDigits[static_cast<unsigned>(byte) & 15];
  }
  return text;
}

}  // namespace

/** Reads the tables of one mapped file; every place is checked before it is read. */
class ElfReader {
 public:
  ElfReader(std::span<const std::byte> file, ElfSymbols& result) : file_(file), result_(result) {}

  bool Run() {
    const auto header = At<Elf64_Ehdr>(0);
    if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB) {
      return false;
    }
    for (unsigned i = 0; i < header->e_phnum; ++i) {
      const auto segment = At<Elf64_Phdr>(header->e_phoff + std::uint64_t{i} * sizeof(Elf64_Phdr));
      if (!segment) break;
      if (segment->p_type == PT_LOAD)
        result_.segments_.push_back(
            {segment->p_offset, segment->p_filesz, segment->p_vaddr, segment->p_memsz});
      if (segment->p_type == PT_NOTE) ReadNotes(segment->p_offset, segment->p_filesz);
    }
    for (unsigned i = 0; i < header->e_shnum; ++i) Section(*header, i);
    Order();
    return true;
  }

 private:
  template <class T>
  std::optional<T> At(std::uint64_t offset) const {
    if (offset > file_.size() || file_.size() - offset < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, file_.data() + offset, sizeof(T));
    return value;
  }

  std::span<const std::byte> Bytes(std::uint64_t offset, std::uint64_t bytes) const {
    if (offset > file_.size() || file_.size() - offset < bytes) return {};
    return file_.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(bytes));
  }

  void ReadNotes(std::uint64_t offset, std::uint64_t bytes) {
    const std::uint64_t end = offset + std::min<std::uint64_t>(bytes, file_.size());
    while (offset < end) {
      const auto note = At<Elf64_Nhdr>(offset);
      if (!note) return;
      const std::uint64_t name = offset + sizeof(Elf64_Nhdr);
      const std::uint64_t text = name + ((std::uint64_t{note->n_namesz} + 3) & ~std::uint64_t{3});
      if (note->n_type == NT_GNU_BUILD_ID && note->n_descsz <= 32 && result_.buildId_.empty())
        result_.buildId_ = Hexadecimal(Bytes(text, note->n_descsz));
      offset = text + ((std::uint64_t{note->n_descsz} + 3) & ~std::uint64_t{3});
    }
  }

  void Section(const Elf64_Ehdr& header, std::uint64_t index) {
    const auto section = At<Elf64_Shdr>(header.e_shoff + index * sizeof(Elf64_Shdr));
    if (!section || (section->sh_type != SHT_SYMTAB && section->sh_type != SHT_DYNSYM)) return;
    const auto names = At<Elf64_Shdr>(header.e_shoff + std::uint64_t{section->sh_link} * sizeof(Elf64_Shdr));
    if (!names || section->sh_entsize != sizeof(Elf64_Sym)) return;
    const auto texts = Bytes(names->sh_offset, names->sh_size);
    const auto symbols = Bytes(section->sh_offset, section->sh_size);
    for (std::size_t at = 0; symbols.size() - at >= sizeof(Elf64_Sym); at += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol;
      std::memcpy(&symbol, symbols.data() + at, sizeof(symbol));
      Symbol(symbol, texts);
    }
    result_.hasFullTable_ |= section->sh_type == SHT_SYMTAB && symbols.size() > sizeof(Elf64_Sym);
  }

  void Symbol(const Elf64_Sym& symbol, std::span<const std::byte> texts) {
    const unsigned type = ELF64_ST_TYPE(symbol.st_info);
    if ((type != STT_FUNC && type != STT_GNU_IFUNC) || symbol.st_shndx == SHN_UNDEF ||
        symbol.st_name >= texts.size() || result_.functions_.size() == kMaxFunctions) {
      return;
    }
    const char* const name = reinterpret_cast<const char*>(texts.data()) + symbol.st_name;
    const std::size_t length = strnlen(name, std::min<std::size_t>(texts.size() - symbol.st_name, 4096));
    if (length == 0) return;
    // Of aliases the global one that does not begin with _ is what people know.
    const int rank = (ELF64_ST_BIND(symbol.st_info) != STB_LOCAL ? 2 : 0) + (name[0] != '_' ? 1 : 0);
    result_.functions_.push_back({symbol.st_value, symbol.st_size, std::string(name, length), rank});
  }

  void Order() {
    auto& functions = result_.functions_;
    std::sort(functions.begin(), functions.end(), [](const auto& a, const auto& b) {
      if (a.start != b.start) return a.start < b.start;
      return a.rank != b.rank ? a.rank > b.rank : a.name < b.name;
    });
    const auto same = [](const auto& a, const auto& b) { return a.start == b.start; };
    functions.erase(std::unique(functions.begin(), functions.end(), same), functions.end());
  }

  std::span<const std::byte> file_;
  ElfSymbols& result_;
};

bool ElfSymbols::Read(const std::string& path) {
  const MappedFile file(path);
  return ElfReader(file.bytes(), *this).Run();
}

void ElfSymbols::TakeFunctions(ElfSymbols&& other) {
  functions_ = std::move(other.functions_);
  hasFullTable_ = other.hasFullTable_;
}

std::string_view ElfSymbols::At(std::uint64_t address) const {
  auto next = std::upper_bound(functions_.begin(), functions_.end(), address,
                               [](std::uint64_t value, const Function& f) { return value < f.start; });
  if (next == functions_.begin()) return {};
  const Function& found = *std::prev(next);
  return found.bytes == 0 || address - found.start < found.bytes ? std::string_view(found.name)
                                                                 : std::string_view();
}

std::optional<std::uint64_t> ElfSymbols::AddressOf(std::uint64_t fileOffset) const {
  for (const Segment& segment : segments_) {
    if (fileOffset >= segment.fileOffset && fileOffset - segment.fileOffset < segment.fileBytes)
      return fileOffset - segment.fileOffset + segment.address;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> ElfSymbols::FileOffsetOf(std::uint64_t address) const {
  for (const Segment& segment : segments_) {
    if (address >= segment.address && address - segment.address < segment.fileBytes)
      return address - segment.address + segment.fileOffset;
  }
  return std::nullopt;
}

std::string ElfSymbols::Layout() const {
  std::string text;
  for (const Segment& segment : segments_) {
    char numbers[2 * 16 + 3];
    std::snprintf(numbers, sizeof(numbers), " %" PRIx64 " %" PRIx64, segment.address, segment.bytes);
    text += numbers + (text.empty() ? 1 : 0);
  }
  return text;
}

}  // namespace rmem
