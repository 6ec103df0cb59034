#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trace/loaded_modules.h"
#include "trace/trace_info.h"

namespace rmem {

/**
 * The call stacks of a heaptrack file: takes what its lines define, in their order, and puts the stacks into
 * `info.callSites`. heaptrack numbers texts, instructions and stacks from 1; 0 is none. A number that was not
 * defined before is counted (`unknown-stack`, `unknown-name`) and stands for none.
 *
 * Memory is bounded by the constants below, whatever a file defines (about 130 MB in all, beside what
 * CallSites takes), and counted is what finds no room: `stack-without-room`, `name-without-room`,
 * `module-without-room`.
 */
class HeaptrackStacks {
 public:
  explicit HeaptrackStacks(TraceInfo& info) : info_(info) {}

  /** Raw: nothing is loaded any more. */
  void UnloadModules() { loaded_.Clear(); }
  /** Raw: `bytes` bytes of the file `path` lie where its virtual address `address` is, moved by `base`; no
   * sum of the three overflows. `layout` has all segments of the file, as CallModule has it. */
  void LoadSegment(std::string_view path, std::string_view layout, std::uint64_t base, std::uint64_t address,
                   std::uint64_t bytes, std::uint64_t line);
  /** Raw: the next stack returns to `address`, called from the stack `caller`. */
  void AddStack(std::uint64_t address, std::uint64_t caller, std::uint64_t line);

  /** Interpreted: the next text. */
  void AddText(std::string_view text, std::uint64_t line);
  /** Interpreted: the next instruction, in the file whose name is the text `module`, in these functions, the
   * innermost first: all but the last were inlined. */
  void AddInstruction(std::uint64_t address, std::uint64_t module, std::span<const std::uint64_t> functions,
                      std::uint64_t line);
  /** Interpreted: the next stack is in `instruction`, called from the stack `caller`. */
  void AddInterpretedStack(std::uint64_t instruction, std::uint64_t caller, std::uint64_t line);

  /** The call site of the births at `line` that have this stack; 0 where there is none. */
  std::uint32_t Site(std::uint64_t stack, std::uint64_t line);

  static constexpr std::size_t kMaxStacks = std::size_t{1} << 22;
  static constexpr std::size_t kMaxInstructions = std::size_t{1} << 21;
  static constexpr std::size_t kMaxInstructionFrames = std::size_t{1} << 22;
  static constexpr std::size_t kMaxInlined = 64;  // of one instruction: the innermost (`inlined-calls-cut`)
  static constexpr std::size_t kMaxTexts = std::size_t{1} << 22;
  static constexpr std::size_t kMaxTextBytes = std::size_t{64} << 20;
  static constexpr std::size_t kMaxSegments = 4 * kMaxCallModules;

 private:
  static constexpr std::uint32_t kNoRoom = ~std::uint32_t{0};

  std::string_view Text(std::uint64_t number, std::uint64_t line);
  /** Begins a stack: the node of its caller, kNoRoom where that found none. */
  std::uint32_t Caller(std::uint64_t caller, std::uint64_t line);
  void EndStack(std::uint32_t node);
  std::uint32_t Node(std::uint32_t parent, std::uint32_t frame);

  TraceInfo& info_;
  LoadedModules loaded_;
  std::vector<std::uint32_t> stacks_;  // their nodes, or kNoRoom
  std::uint64_t stackCount_ = 0;       // with those that found no room in stacks_

  std::string texts_;
  std::vector<std::uint32_t> textEnds_;
  std::uint64_t textCount_ = 0;

  std::vector<std::uint32_t> frames_;  // of the instructions, innermost first
  std::vector<std::uint32_t> frameEnds_;
  std::uint64_t instructionCount_ = 0;
};

}  // namespace rmem
