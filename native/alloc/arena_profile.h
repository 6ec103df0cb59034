#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace rmem {

inline constexpr unsigned kArenaProfiles = 5;

/** How large a transaction of a profile starts, and how large it may become. */
struct ArenaProfile {
  std::size_t usualBytes;    // transactions expected to use less than this have the profile
  std::size_t initialBytes;  // at most, of the first chunk
  std::size_t limitBytes;    // of all chunks
};

/** What happens to a transaction at its limit. */
enum class ArenaGrowth : std::uint8_t {
  kRefuse,       // its request fails
  kGrow,         // it goes on with the next profile, which is counted; past the last its request fails
  kGrowPastAll,  // it goes on past the last profile too, which is counted again
};

struct ArenaConfig {
  std::array<ArenaProfile, kArenaProfiles> profiles{{
      {std::size_t{10} << 10, std::size_t{4} << 10, std::size_t{64} << 10},     // tiny
      {std::size_t{100} << 10, std::size_t{32} << 10, std::size_t{512} << 10},  // small
      {std::size_t{1} << 20, std::size_t{256} << 10, std::size_t{4} << 20},     // medium
      {std::size_t{10} << 20, std::size_t{2} << 20, std::size_t{32} << 20},     // large
      {~std::size_t{0}, std::size_t{16} << 20, std::size_t{256} << 20},         // huge
  }};
  ArenaGrowth growth = ArenaGrowth::kGrowPastAll;
  /** Requests above this get a region of their own, which goes back when they are freed. */
  std::size_t oversizedBytes = std::size_t{128} << 10;
  /** Chunks that a thread keeps for its next transactions. */
  std::size_t threadCacheBytes = std::size_t{1} << 20;
  /** Kept chunks that no transaction wanted for so long go back. */
  std::uint32_t staleMs = 10'000;
};

/** The usual memory of the transactions of one type: decayed mean and spread, as TCP estimates round trips
 * (Jacobson 1988). */
struct ArenaUsage {
  std::uint64_t meanBytes = 0;
  std::uint64_t spreadBytes = 0;  // mean absolute deviation

  bool known() const noexcept { return meanBytes != 0; }
  /** Enough for nearly all. */
  std::uint64_t estimateBytes() const noexcept { return meanBytes + 2 * spreadBytes; }
  void Observe(std::uint64_t bytes) noexcept;
};

/** The same, seen by many threads without a lock: of two that observe at the same time one may go unheard. */
class SharedArenaUsage {
 public:
  ArenaUsage Get() const noexcept {
    return {meanBytes_.load(std::memory_order_relaxed), spreadBytes_.load(std::memory_order_relaxed)};
  }
  void Observe(std::uint64_t bytes) noexcept {
    ArenaUsage usage = Get();
    usage.Observe(bytes);
    meanBytes_.store(usage.meanBytes, std::memory_order_relaxed);
    spreadBytes_.store(usage.spreadBytes, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> meanBytes_{0};
  std::atomic<std::uint64_t> spreadBytes_{0};
};

/** The profile, by number, for a transaction expected to use so much. */
unsigned ArenaProfileFor(const ArenaConfig& config, std::uint64_t estimateBytes) noexcept;

}  // namespace rmem
