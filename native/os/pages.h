#pragma once

#include <cstddef>
#include <cstdint>

namespace rmem {

inline constexpr std::size_t kPageBytes = 4096;
inline constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

/** The requests to the kernel that can fail, for a test that makes them fail. */
enum class PageCall : std::uint8_t { kReserve, kCommit, kPurge, kAdvise, kMove, kForbid };

/**
 * Ranges of address space. All sizes are multiples of kPageBytes; nothing throws, nothing calls malloc, and a
 * refusal of the kernel comes back as null or false with the range as it was.
 */

/** Address space that holds no memory and cannot be touched; aligned to `alignment`, a power of two. */
void* ReservePages(std::size_t bytes, std::size_t alignment = kPageBytes) noexcept;

/** Makes a part of a reservation readable and writable. Its pages are zero and take memory when first
 * touched. */
bool CommitPages(void* start, std::size_t bytes) noexcept;

/** Makes a committed range untouchable until it is committed again. It keeps its memory and contents. */
bool ForbidPages(void* start, std::size_t bytes) noexcept;

/** Gives the memory of a committed range back. The range stays committed, and reads as zero. */
bool PurgePages(void* start, std::size_t bytes) noexcept;

/** How much of a mapped range is in memory; 0 when the system does not tell. */
std::size_t ResidentBytes(const void* start, std::size_t bytes) noexcept;

/** Gives a range of address space back. */
void ReleasePages(void* start, std::size_t bytes) noexcept;

/** Asks for huge pages in a committed range (or no longer), where the system leaves that to advice. */
bool AdviseHugePages(void* start, std::size_t bytes, bool wanted) noexcept;

/**
 * Moves the pages of a committed range to another committed range without copying. What `to` held is lost;
 * `from` stays committed and reads as zero.
 */
bool MovePages(void* from, void* to, std::size_t bytes) noexcept;

/** The largest reservation, up to `wanted`, that leaves half of what RLIMIT_AS still allows to others. */
std::size_t ReservableBytes(std::size_t wanted) noexcept;

/** For tests: every call asks `hook` first and fails where it says true. Null: none. */
using PageFailureHook = bool (*)(PageCall call) noexcept;
void SetPageFailureHook(PageFailureHook hook) noexcept;

}  // namespace rmem
