#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rmem {

/**
 * The functions of an ELF file (64 bits, of this machine's byte order): .symtab where it has one, else
 * .dynsym. The file may hold anything; what makes no sense is left out.
 */
class ElfSymbols {
 public:
  /** Reads `path`; false where it is no such file, or can't be read. Adds to what was read before. */
  bool Read(const std::string& path);

  const std::string& buildId() const { return buildId_; }  // hexadecimal, or empty
  bool hasFunctions() const { return !functions_.empty(); }
  bool hasFullTable() const { return hasFullTable_; }

  /** Takes the place of the functions of `other`, which describes the same code: a separate debug file. */
  void TakeFunctions(ElfSymbols&& other);

  /** The mangled name of the function that holds what lies at this virtual address of the file; empty where
   * there is none. */
  std::string_view At(std::uint64_t address) const;
  /** From one to the other; none where no segment has it. */
  std::optional<std::uint64_t> AddressOf(std::uint64_t fileOffset) const;
  std::optional<std::uint64_t> FileOffsetOf(std::uint64_t address) const;

  /** The virtual address and the bytes in memory of each segment that is loaded, hexadecimal: `0 718 1000
   * 20d`. */
  std::string Layout() const;

 private:
  struct Function {
    std::uint64_t start;  // virtual address in the file
    std::uint64_t bytes;  // 0: up to the next
    std::string name;
    int rank;  // of names at one address the highest is taken
  };
  struct Segment {
    std::uint64_t fileOffset, fileBytes, address, bytes;
  };
  friend class ElfReader;

  std::vector<Function> functions_;  // by start, one at each
  std::vector<Segment> segments_;
  std::string buildId_;
  bool hasFullTable_ = false;
};

}  // namespace rmem
