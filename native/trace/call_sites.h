#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace rmem {

/** A file that code was loaded from. */
struct CallModule {
  std::string path;
  std::string buildId;  // hexadecimal, or empty
  /** Where the source tells no build id but how the file was loaded: virtual address and bytes of each
   * segment, hexadecimal. Until Symbolise has looked for the file, offsets in it are virtual addresses. */
  std::string layout;

  bool operator==(const CallModule&) const = default;
};

/** A place in the code: the call that was under way there. */
struct CallFrame {
  std::uint32_t module = 0;  // index; 0 where no module is known, then `offset` is an address
  std::uint64_t offset = 0;  // in the file of the module, of the last byte of the call
  std::string symbol;        // the function, demangled; empty where nobody knows

  bool operator==(const CallFrame&) const = default;
};

/** A call stack: `frame`, called from the stack `parent`. Node 0 is the empty stack. */
struct CallNode {
  std::uint32_t parent = 0;
  std::uint32_t frame = 0;
};

inline constexpr std::size_t kMaxCallNodes = 512 << 10;
inline constexpr std::size_t kMaxCallFrames = 128 << 10;
inline constexpr std::size_t kMaxCallModules = 4096;
inline constexpr std::size_t kMaxSymbolBytes = 1024;
inline constexpr std::size_t kMaxCallTextBytes = 8 << 20;  // of all symbols and paths together

/**
 * The call stacks of a trace as a tree, in which stacks that begin alike share their beginning: the site of
 * an event is the number of the node of its innermost frame. Memory follows the distinct stacks and is
 * bounded by the constants above, so that the whole table fits into the trailer of a `.rmt`.
 */
class CallSites {
 public:
  CallSites();

  /** The index of a module, of a frame or of a stack, added if new; 0 (no module, the empty stack), or frame
   * kNoFrame, where there is no more room. */
  std::uint32_t Module(std::string_view path, std::string_view buildId, std::string_view layout = {});
  std::uint32_t Frame(std::uint32_t module, std::uint64_t offset, std::string_view symbol);
  std::uint32_t Node(std::uint32_t parent, std::uint32_t frame);
  /** Of frames, the innermost first. */
  std::uint32_t Stack(std::span<const std::uint32_t> frames);
  static constexpr std::uint32_t kNoFrame = ~std::uint32_t{0};

  /** Gives a frame its symbol. False where the texts have no more room. */
  bool Name(std::uint32_t frame, std::string_view symbol);

  /** The frame lies there in the file of its module. */
  void Place(std::uint32_t frame, std::uint64_t offset) { frames_[frame].offset = offset; }
  /** Ends that offsets in a module are virtual addresses: its file was found, and has this build id. */
  void Found(std::uint32_t module, std::string_view buildId);
  /** Its file was not found: without its folder nobody will take these addresses for offsets in it. */
  void Lost(std::uint32_t module);

  bool empty() const { return nodes_.size() == 1; }
  const std::vector<CallModule>& modules() const { return modules_; }
  const std::vector<CallFrame>& frames() const { return frames_; }
  const std::vector<CallNode>& nodes() const { return nodes_; }

  /** Makes up the stacks whose tables were lost, so that all numbers up to `last` stand for one. */
  void Invent(std::uint32_t last);

  /** The same tree with modules and frames that say nothing but which are the same. */
  CallSites Anonymous() const;

  /** For the trailer of a `.rmt`: an object of three flat arrays. Reading throws TraceError `damaged-block`.
   */
  std::string ToJson() const;
  void ReadJson(class JsonReader& in);

 private:
  bool TakeText(std::size_t bytes);

  std::vector<CallModule> modules_;
  std::vector<CallFrame> frames_;
  std::vector<CallNode> nodes_;
  std::size_t textBytes_ = 0;
  std::map<std::tuple<std::string, std::string, std::string>, std::uint32_t> moduleIndex_;
  std::map<std::tuple<std::uint32_t, std::uint64_t, std::string>, std::uint32_t> frameIndex_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> nodeIndex_;
};

/**
 * How many allocations of this size one that was given a stack stands for, where stacks were taken by a
 * Poisson process of one in `stackBytes` bytes on average (0: at every allocation): the inverse of the
 * chance to be taken, 1 - exp(-(size + 1) / stackBytes), which makes sums of weights unbiased (Horvitz and
 * Thompson 1952; as in the profiles of gperftools and jemalloc). The byte more lets empty blocks count too.
 */
double StackWeight(std::uint64_t size, std::uint64_t stackBytes);

}  // namespace rmem
