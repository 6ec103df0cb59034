#include "alloc/config_keys.h"

#include "base/quantity_text.h"

namespace rmem {
namespace {

constexpr std::uint64_t kKiB = std::uint64_t{1} << 10;
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
constexpr std::uint64_t kTiB = std::uint64_t{1} << 40;
constexpr std::uint64_t kDayMs = 24 * 3600 * 1000;

// In the order of the enumerations.
constexpr std::string_view kFits[] = {"best", "first", "worst"};
static_assert(static_cast<int>(Fit::kBest) == 0 && static_cast<int>(Fit::kWorst) == 2);
constexpr std::string_view kGrowths[] = {"refuse", "grow", "grow-past-all"};
static_assert(static_cast<int>(ArenaGrowth::kRefuse) == 0 &&
              static_cast<int>(ArenaGrowth::kGrowPastAll) == 2);

constexpr ConfigKey Size(std::string_view path, std::size_t* (*field)(HeapConfig&), std::uint64_t min,
                         std::uint64_t max, std::string_view meaning) {
  return {path, ConfigKind::kSize, {.size = field}, min, max, {}, meaning};
}

constexpr ConfigKey Time(std::string_view path, std::uint32_t* (*field)(HeapConfig&), std::uint64_t minMs,
                         std::uint64_t maxMs, std::string_view meaning) {
  return {path, ConfigKind::kTime, {.ms = field}, minMs, maxMs, {}, meaning};
}

constexpr ConfigKey Count(std::string_view path, std::uint32_t* (*field)(HeapConfig&), std::uint64_t min,
                          std::uint64_t max, std::string_view meaning) {
  return {path, ConfigKind::kCount, {.count = field}, min, max, {}, meaning};
}

constexpr ConfigKey Flag(std::string_view path, bool* (*field)(HeapConfig&), std::string_view meaning) {
  return {path, ConfigKind::kFlag, {.flag = field}, 0, 1, {}, meaning};
}

constexpr ConfigKey Choice(std::string_view path, std::uint8_t* (*field)(HeapConfig&),
                           std::span<const std::string_view> names, std::string_view meaning) {
  return {path, ConfigKind::kChoice, {.choice = field}, 0, names.size() - 1, names, meaning};
}

constexpr ConfigKey Classes(std::string_view path, std::string_view meaning) {
  return {path, ConfigKind::kClasses, {}, 1, SizeClassTable::kMaxClasses, {}, meaning};
}

/** An enumeration of one byte, as a number. */
template <class E>
std::uint8_t* Number(E& value) noexcept {
  static_assert(sizeof(E) == 1);
  return reinterpret_cast<std::uint8_t*>(&value);
}

template <unsigned kProfile>
constexpr ConfigKey Usual(std::string_view path) {
  return Size(
      path, [](HeapConfig& c) { return &c.arena.profiles[kProfile].usualBytes; }, 4 * kKiB, kTiB,
      "Transactions expected to use less than this have the profile.");
}

template <unsigned kProfile>
constexpr ConfigKey Initial(std::string_view path) {
  return Size(
      path, [](HeapConfig& c) { return &c.arena.profiles[kProfile].initialBytes; }, 4 * kKiB, kGiB,
      "The first chunk is at most so large.");
}

template <unsigned kProfile>
constexpr ConfigKey Limit(std::string_view path) {
  return Size(
      path, [](HeapConfig& c) { return &c.arena.profiles[kProfile].limitBytes; }, 4 * kKiB, kTiB,
      "All chunks of a transaction together; what happens at it is arena.growth.");
}

constexpr ConfigTable kTables[] = {
    {"heap", "The heap as a whole."},
    {"pages", "The page heap below slabs, arenas and large objects: which free pages are reused, and kept."},
    {"slab", "Small blocks, by size class."},
    {"large", "Objects of whole pages."},
    {"arena", "The memory of transactions."},
    {"arena.profiles", "How large transactions start, and may become."},
    {"arena.profiles.tiny", "The smallest transactions."},
    {"arena.profiles.small", "The next ones."},
    {"arena.profiles.medium", "The next ones."},
    {"arena.profiles.large", "The next ones."},
    {"arena.profiles.huge", "All that are larger."},
    {"hardened", "Finds faults in the use of memory, and stops the program, at a cost."},
};

// A new key is a line here, and a section of docs/configuration.md.
constexpr ConfigKey kKeys[] = {
    Size(
        "heap.reserve", [](HeapConfig& c) { return &c.reserveBytes; }, 0, 4 * kTiB,
        "Address space to reserve, which costs no memory; the system may allow less. 0: 256 GiB; else at "
        "least "
        "16 MiB."),
    Size(
        "heap.cache_budget", [](HeapConfig& c) { return &c.cacheBudgetBytes; }, 0, 4 * kTiB,
        "What all caches hold together: magazines of threads, kept chunks of arenas, and in what these "
        "leave, free pages."),

    Choice(
        "pages.fit", [](HeapConfig& c) { return Number(c.fit); }, kFits,
        "Which of the free regions that are large enough is taken: the smallest, the lowest, the largest."),
    Size(
        "pages.dirty_cap", [](HeapConfig& c) { return &c.dirtyCapBytes; }, 0, 4 * kTiB,
        "Free memory kept resident for reuse. What exceeds half of it then goes back to the system."),
    Size(
        "pages.dirty_cap_max", [](HeapConfig& c) { return &c.dirtyCapMaxBytes; }, 0, 4 * kTiB,
        "What it grows to where the program misses what went back; else it shrinks, down to a quarter."),
    Time(
        "pages.decay", [](HeapConfig& c) { return &c.decayMs; }, 0, 30 * kDayMs,
        "Kept pages that nobody has needed for so long go back. 0: never."),
    Count(
        "pages.decay_calls", [](HeapConfig& c) { return &c.decayCalls; }, 0, kGiB,
        "So many calls of the page heap count as much as that time. 0: only time counts."),
    Flag(
        "pages.background_decay", [](HeapConfig& c) { return &c.backgroundDecay; },
        "A thread sees to it while the program sleeps; else it happens on calls. Not in children by fork."),
    Flag(
        "pages.huge_pages", [](HeapConfig& c) { return &c.hugePages; },
        "Align large objects of 2 MiB and more to huge pages, and advise the system to use them."),

    Size(
        "slab.max", [](HeapConfig& c) { return &c.slabMaxBytes; }, 8, SizeClassTable::kMaxBytes,
        "Largest request that the preset slab serves; the preset rustydb uses all classes."),
    Classes("slab.classes",
            "Sizes of blocks in bytes, ascending, and how many a thread's magazine holds; it may hold two."),
    Size(
        "slab.cache_cap", [](HeapConfig& c) { return &c.cacheCapBytes; }, 0, kTiB,
        "What the magazines of all threads hold in all before they stop growing beyond their first size."),
    Count(
        "slab.own_magazines", [](HeapConfig& c) { return &c.ownMagazines; }, 0, 65'536,
        "So many threads have magazines of their own; those beyond share the magazines of CPUs. 0: sixteen a "
        "CPU."),

    Size(
        "large.threshold", [](HeapConfig& c) { return &c.largeThresholdBytes; }, 4 * kKiB, kTiB,
        "Requests above this are large objects in the preset large; in the preset rustydb, all that no class "
        "serves."),

    Choice(
        "arena.growth", [](HeapConfig& c) { return Number(c.arena.growth); }, kGrowths,
        "At the limit of its profile a transaction is refused memory, goes on with the next profile up to "
        "the last, or goes on past that too."),
    Size(
        "arena.oversized", [](HeapConfig& c) { return &c.arena.oversizedBytes; }, 4 * kKiB, 16 * kMiB,
        "Requests above this get a region of their own, which goes back when they are freed."),
    Size(
        "arena.thread_cache", [](HeapConfig& c) { return &c.arena.threadCacheBytes; }, 0, kTiB,
        "Chunks that a thread keeps for its next transactions."),
    Time(
        "arena.stale", [](HeapConfig& c) { return &c.arena.staleMs; }, 0, 30 * kDayMs,
        "Kept chunks that no transaction wanted for so long go back."),

    Usual<0>("arena.profiles.tiny.usual"),
    Initial<0>("arena.profiles.tiny.initial"),
    Limit<0>("arena.profiles.tiny.limit"),
    Usual<1>("arena.profiles.small.usual"),
    Initial<1>("arena.profiles.small.initial"),
    Limit<1>("arena.profiles.small.limit"),
    Usual<2>("arena.profiles.medium.usual"),
    Initial<2>("arena.profiles.medium.initial"),
    Limit<2>("arena.profiles.medium.limit"),
    Usual<3>("arena.profiles.large.usual"),
    Initial<3>("arena.profiles.large.initial"),
    Limit<3>("arena.profiles.large.limit"),
    Initial<4>("arena.profiles.huge.initial"),
    Limit<4>("arena.profiles.huge.limit"),

    Flag(
        "hardened.enabled", [](HeapConfig& c) { return &c.hardened.enabled; },
        "Check every block for being freed twice, overrun, or written after it was freed."),
    Size(
        "hardened.quarantine", [](HeapConfig& c) { return &c.hardened.quarantineBytes; }, 0, kGiB,
        "What freed blocks hold, poisoned, before they are used again; of small ones at most 8192 wait."),
    Count(
        "hardened.guard_every", [](HeapConfig& c) { return &c.hardened.guardEvery; }, 0, 1'000'000'000,
        "Each block of this number gets pages of its own, before one that cannot be touched; 0: none but "
        "those without a size class."),
};
static_assert(std::size(kKeys) <= kMaxConfigKeys);

}  // namespace

std::string_view ConfigKey::table() const noexcept {
  return {path.data(), path.rfind('.')};
}

std::string_view ConfigKey::name() const noexcept {
  std::string_view rest = path;
  rest.remove_prefix(path.rfind('.') + 1);
  return rest;
}

std::span<const ConfigKey> ConfigKeys() noexcept {
  return kKeys;
}

std::span<const ConfigTable> ConfigTables() noexcept {
  return kTables;
}

void SuggestForm(const ConfigKey& key, TextMistake* mistake) noexcept {
  auto& remedy = mistake->remedy;
  switch (key.kind) {
    case ConfigKind::kSize:
      remedy.Set("Write a size from ", ExactBytes(key.min), " to ", ExactBytes(key.max),
                 ", such as \"64 KiB\".");
      break;
    case ConfigKind::kTime:
      remedy.Set("Write a time from ", ExactMs(key.min), " to ", ExactMs(key.max),
                 " in quotes, such as \"10s\".");
      break;
    case ConfigKind::kCount:
      remedy.Set("Write a whole number from ", key.min, " to ", key.max, ".");
      break;
    case ConfigKind::kFlag:
      remedy.Set("Write true or false.");
      break;
    case ConfigKind::kChoice:
      remedy.Set("Write ");
      for (std::size_t i = 0; i < key.names.size(); ++i) {
        remedy.Add(i == 0 ? "" : i + 1 == key.names.size() ? " or " : ", ", "\"", key.names[i], "\"");
      }
      remedy.Add(".");
      break;
    case ConfigKind::kClasses:
      remedy.Set("Write a list such as [{ bytes = 64, magazine = 128 }].");
      break;
  }
}

}  // namespace rmem
