#include "alloc/config_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <string>

#include "alloc/config_keys.h"
#include "alloc/config_show.h"
#include "alloc/heap.h"

namespace rmem {
namespace {

struct Parsed {
  explicit Parsed(std::string_view text) : good(ParseHeapConfig(text, &config, &classes, &mistake)) {}

  HeapConfig config;
  SizeClassTable classes;
  TextMistake mistake;
  bool good;

  std::string line() const {
    MistakeLine line;
    DescribeMistake("f", mistake, &line);
    return good ? "good" : std::string(line.view());
  }
};

std::string Mistake(std::string_view text) {
  return Parsed(text).line();
}

std::string Show(const HeapConfig& config) {
  auto text = std::make_unique<ConfigText>();
  ShowHeapConfig(config, text.get());
  EXPECT_FALSE(text->cut());
  return std::string(text->view());
}

TEST(HeapConfigFile, SaysNothingWhereItIsEmpty) {
  const Parsed parsed("");
  ASSERT_TRUE(parsed.good);
  EXPECT_EQ(parsed.config.sizeClasses, &parsed.classes);
  EXPECT_EQ(Show(parsed.config), Show(HeapConfig()));
}

TEST(HeapConfigFile, ReadsEveryKey) {
  const Parsed parsed(R"(
    heap.reserve = "64 GiB"
    [pages]
    fit = "worst"
    dirty_cap = 1_048_576
    dirty_cap_max = "32MiB"
    huge_pages = false
    [slab]
    max = 1024
    cache_cap = "3 MiB"
    classes = [
      { bytes = 8, magazine = 100 }, # the smallest
      { magazine = 50, bytes = "2 KiB" },
    ]
    [large]
    threshold = "128K"
    [arena]
    growth = "refuse"
    oversized = "64 KiB"
    thread_cache = 0
    stale = "1.5s"
    profiles.tiny = { usual = "8 KiB", initial = "8 KiB", limit = "32 KiB" }
    profiles.huge.limit = "1 GiB"
    [arena.profiles.small]
    limit = "1 MiB"
    [hardened]
    enabled = true
    quarantine = "2 MiB"
    guard_every = 50
  )");
  ASSERT_TRUE(parsed.good) << parsed.line();
  const HeapConfig& config = parsed.config;
  EXPECT_EQ(config.reserveBytes, std::size_t{64} << 30);
  EXPECT_EQ(config.fit, Fit::kWorst);
  EXPECT_EQ(config.dirtyCapBytes, 1048576u);
  EXPECT_EQ(config.dirtyCapMaxBytes, 32u << 20);
  EXPECT_FALSE(config.hugePages);
  EXPECT_EQ(config.slabMaxBytes, 1024u);
  EXPECT_EQ(config.cacheCapBytes, 3u << 20);
  ASSERT_EQ(config.sizeClasses->count(), 2u);
  EXPECT_EQ((*config.sizeClasses)[0].magazine, 100);
  EXPECT_EQ((*config.sizeClasses)[1].bytes, 2048u);
  EXPECT_EQ(config.largeThresholdBytes, 131072u);
  EXPECT_EQ(config.arena.growth, ArenaGrowth::kRefuse);
  EXPECT_EQ(config.arena.oversizedBytes, 65536u);
  EXPECT_EQ(config.arena.threadCacheBytes, 0u);
  EXPECT_EQ(config.arena.staleMs, 1500u);
  EXPECT_EQ(config.arena.profiles[0].usualBytes, 8192u);
  EXPECT_EQ(config.arena.profiles[0].initialBytes, 8192u);
  EXPECT_EQ(config.arena.profiles[0].limitBytes, 32768u);
  EXPECT_EQ(config.arena.profiles[1].limitBytes, 1u << 20);
  EXPECT_EQ(config.arena.profiles[4].limitBytes, 1u << 30);
  EXPECT_EQ(config.arena.profiles[4].usualBytes, ~std::size_t{0});
  EXPECT_TRUE(config.hardened.enabled);
  EXPECT_EQ(config.hardened.quarantineBytes, 2u << 20);
  EXPECT_EQ(config.hardened.guardEvery, 50u);
}

TEST(HeapConfigFile, ReadsClassesAsAnArrayOfTables) {
  const Parsed parsed(
      "[[slab.classes]]\nbytes = 16\nmagazine = 8\n[[slab.classes]]\nbytes = 64\nmagazine = 4\n[slab]\nmax = "
      "64\n");
  ASSERT_TRUE(parsed.good) << parsed.line();
  ASSERT_EQ(parsed.classes.count(), 2u);
  EXPECT_EQ(parsed.classes[1].bytes, 64u);
  EXPECT_EQ(parsed.config.slabMaxBytes, 64u);
}

TEST(HeapConfigFile, ShownAndReadAgainIsTheSame) {
  std::string shown = Show(HeapConfig());
  for (const char* changed :
       {"", "[pages]\nfit = \"first\"\ndirty_cap = 12345\n[arena]\nstale = \"1ms\"\n",
        "slab.classes = [{bytes = 65600, magazine = 1024}]\nheap.reserve = \"4 TiB\"\n"}) {
    const Parsed parsed(changed);
    ASSERT_TRUE(parsed.good) << parsed.line();
    const std::string once = Show(parsed.config);
    const Parsed again(once);
    ASSERT_TRUE(again.good) << again.line() << "\n" << once;
    EXPECT_EQ(Show(again.config), once);
    if (*changed == '\0') {
      EXPECT_EQ(once, shown);
    } else {
      EXPECT_NE(once, shown);
    }
  }
}

TEST(HeapConfigFile, ShowsEveryKeyOnce) {
  const std::string shown = "\n" + Show(HeapConfig());
  std::set<std::string_view> tables;
  for (const ConfigTable& table : ConfigTables()) tables.insert(table.path);
  for (const ConfigKey& key : ConfigKeys()) {
    EXPECT_TRUE(tables.count(key.table())) << key.path;
    std::size_t at = shown.find("\n[" + std::string(key.table()) + "]\n");
    ASSERT_NE(at, std::string::npos) << key.path;
    at = shown.find("\n" + std::string(key.name()) + " = ", at);
    ASSERT_NE(at, std::string::npos) << key.path;
  }
  std::size_t lines = 0;
  for (std::size_t at = shown.find(" = "); at != std::string::npos; at = shown.find(" = ", at + 1)) {
    const std::size_t start = shown.rfind('\n', at) + 1;
    lines += shown[start] != ' ' && shown[start] != '#' ? 1 : 0;
  }
  EXPECT_EQ(lines, ConfigKeys().size());
}

TEST(HeapConfigFile, StaysAsItWasWhereItIsWrong) {
  HeapConfig config;
  SizeClassTable classes;
  TextMistake mistake;
  EXPECT_FALSE(ParseHeapConfig("pages.fit = \"worst\"\nslab.classes = [{bytes=8,magazine=1}]\nx = 1", &config,
                               &classes, &mistake));
  EXPECT_EQ(config.fit, Fit::kBest);
  EXPECT_EQ(config.sizeClasses, &SizeClassTable::Default());
  EXPECT_EQ(classes.count(), 0u);
}

TEST(HeapConfigFile, NamesUnknownKeysAndWhatWasMeant) {
  EXPECT_EQ(Mistake("[pages]\nfitt = \"best\""),
            "f:2:1: pages.fitt: there is no such key. Did you mean pages.fit?");
  EXPECT_EQ(Mistake("[large]\ndirty_cap = 1"),
            "f:2:1: large.dirty_cap: there is no such key. Did you mean pages.dirty_cap?");
  EXPECT_EQ(Mistake("pagse.fit = 'best'"), "f:1:1: pagse.fit: there is no such key. Did you mean pages.fit?");
  EXPECT_EQ(Mistake("[large]\nqqq = 1"), "f:2:1: large.qqq: there is no such key. [large] has threshold.");
  EXPECT_EQ(Mistake("qqq = 1"),
            "f:1:1: qqq: there is no such key. `rustydb-mem config show` prints every key.");
  EXPECT_EQ(Mistake("'pages.fit' = 1"),
            "f:1:1: \"pages.fit\": there is no such key. Did you mean pages.fit?");
  EXPECT_EQ(Mistake("[page]"), "f:1:2: page: there is no such table. Did you mean [pages]?");
  EXPECT_EQ(Mistake("[qqqqq]"),
            "f:1:2: qqqqq: there is no such table. Known are heap, pages, slab, large, arena, hardened.");
  EXPECT_EQ(Mistake("[pages.fit]"),
            "f:1:2: pages.fit: this is the name of a value, not of a table. Write \"best\", \"first\" or "
            "\"worst\".");
  EXPECT_EQ(Mistake("[[pages]]"), "f:1:3: pages: there is only one such table. Write [pages].");
  EXPECT_EQ(Mistake("pages = 1"),
            "f:1:9: pages: this is a table, not an integer. Write its keys below [pages].");
}

TEST(HeapConfigFile, NamesValuesThatCannotBe) {
  EXPECT_EQ(Mistake("pages.fit = \"bset\""),
            "f:1:13: pages.fit: there is no fit \"bset\". Did you mean \"best\"?");
  EXPECT_EQ(Mistake("pages.fit = \"\""),
            "f:1:13: pages.fit: there is no fit \"\". Write \"best\", \"first\" or \"worst\".");
  EXPECT_EQ(Mistake("pages.fit = 1"),
            "f:1:13: pages.fit: it takes a word, not an integer. Write \"best\", \"first\" or \"worst\".");
  EXPECT_EQ(Mistake("pages.huge_pages = 1"),
            "f:1:20: pages.huge_pages: it takes true or false, not an integer. Write true or false.");
  EXPECT_EQ(Mistake("pages.dirty_cap = 1.5"),
            "f:1:19: pages.dirty_cap: it takes a size, not a float. Write a size from 0 to 4 TiB, such as "
            "\"64 KiB\".");
  EXPECT_EQ(
      Mistake("pages.dirty_cap = \"8 mb!\""),
      "f:1:19: pages.dirty_cap: \"8 mb!\" is not a size. Write a size from 0 to 4 TiB, such as \"64 KiB\".");
  EXPECT_EQ(
      Mistake("pages.dirty_cap = -1"),
      "f:1:19: pages.dirty_cap: \"-1\" is out of range. Write a size from 0 to 4 TiB, such as \"64 KiB\".");
  EXPECT_EQ(Mistake("slab.max = 7"),
            "f:1:12: slab.max: \"7\" is out of range. Write a size from 8 to 65600, such as \"64 KiB\".");
  EXPECT_EQ(Mistake("slab.max = 65601"),
            "f:1:12: slab.max: \"65601\" is out of range. Write a size from 8 to 65600, such as \"64 KiB\".");
  EXPECT_EQ(Mistake("arena.stale = 10"),
            "f:1:15: arena.stale: it takes a time, not an integer. Write a time from 0s to 2592000s in "
            "quotes, such as \"10s\".");
  EXPECT_EQ(Mistake("arena.stale = '10'"),
            "f:1:15: arena.stale: \"10\" is not a time. Write a time from 0s to 2592000s in quotes, such as "
            "\"10s\".");
  EXPECT_EQ(
      Mistake("arena.stale = '10us'"),
      "f:1:15: arena.stale: \"10us\" is no whole number of milliseconds. Write a time from 0s to 2592000s in "
      "quotes, such as \"10s\".");
  EXPECT_EQ(Mistake("arena.stale = '31d'"),
            "f:1:15: arena.stale: \"31d\" is out of range. Write a time from 0s to 2592000s in quotes, such "
            "as \"10s\".");
  EXPECT_EQ(Mistake("pages.fit = best"),
            "f:1:13: \"best\" is no value. A string needs quotes, sizes and times with a unit too.");
}

TEST(HeapConfigFile, NamesSizeClassesThatCannotBe) {
  const auto classes = [](const std::string& list) { return Mistake("slab.classes = [" + list + "]"); };
  EXPECT_EQ(classes(""),
            "f:1:16: slab.classes: there is no size class in the list. Write a list such as [{ bytes = 64, "
            "magazine = "
            "128 }].");
  EXPECT_EQ(classes("64"),
            "f:1:17: slab.classes: a size class is a table, not an integer. Write it like { bytes = 64, "
            "magazine = 128 }.");
  EXPECT_EQ(
      classes("{ bytes = 64 }"),
      "f:1:17: slab.classes: a size class lacks magazine. Write it like { bytes = 64, magazine = 128 }.");
  EXPECT_EQ(classes("{ bytes = 64, magazine = 0 }"),
            "f:1:42: slab.classes: magazine cannot be \"0\". Write a whole number from 1 to 1024.");
  EXPECT_EQ(classes("{ bytes = [], magazine = 1 }"),
            "f:1:27: slab.classes: bytes cannot be an array. Write a whole number from 8 to 65600.");
  EXPECT_EQ(classes("{ bytes = 64, size = 1 }"),
            "f:1:31: slab.classes: a size class has no key \"size\". It has bytes and magazine.");
  EXPECT_EQ(classes("{ bytes = 64, bytes = 64 }"),
            "f:1:31: slab.classes: bytes was set before in this size class. Remove one of the two.");
  EXPECT_EQ(classes("{ bytes = 64, magazine = 1 }, { bytes = 64, magazine = 1 }"),
            "f:1:57: slab.classes: the class of 64 bytes follows one of 64. Write the classes in ascending "
            "order, each "
            "size once.");
  EXPECT_EQ(
      classes("{ bytes = 16, magazine = 1 }, { bytes = 24, magazine = 1 }, { bytes = 32, magazine = 1 }"),
      "f:1:57: slab.classes: there can be no class of 24 bytes. The first may be 8; the others are multiples "
      "of "
      "16 up to 1024, and of 64 above it.");
  std::string many;
  for (int i = 1; i <= 97; ++i) many += "{ bytes = " + std::to_string(i * 64) + ", magazine = 1 },\n";
  EXPECT_EQ(classes(many), "f:97:1: slab.classes: there are more than 96 size classes. Leave some out.");
  EXPECT_EQ(
      Mistake("[[slab.classes]]\nbytes = 16\n"),
      "f:1:3: slab.classes: a size class lacks magazine. Write it like { bytes = 64, magazine = 128 }.");
  EXPECT_EQ(Mistake("slab.classes = [{ bytes = 64, magazine = 1 }]\n[[slab.classes]]\n"),
            "f:2:3: slab.classes: it was set before, in line 1. Write the classes in one place.");
}

TEST(HeapConfigFile, RefusesWhatIsSaidTwice) {
  EXPECT_EQ(Mistake("[pages]\nfit = 'best'\nfit = 'best'"),
            "f:3:1: pages.fit: it was set before, in line 2. Remove one of the two.");
  EXPECT_EQ(Mistake("[pages]\n[slab]\n[pages]"),
            "f:3:2: pages: the table is defined a second time. Put all of its keys in one place.");
  EXPECT_EQ(Mistake("pages.fit = 'best'\n[pages]"),
            "f:2:2: pages: the table is defined a second time. Put all of its keys in one place.");
  EXPECT_EQ(Mistake("arena = { growth = 'grow' }\n[arena.profiles.tiny]"),
            "f:2:2: arena: the table is defined a second time. Put all of its keys in one place.");
  EXPECT_EQ(
      Mistake("[arena.profiles.tiny]\n[arena]\nprofiles.tiny.limit = 4096"),
      "f:3:1: arena.profiles.tiny: the table is defined a second time. Put all of its keys in one place.");
  EXPECT_EQ(Mistake("[arena.profiles.tiny]\n[arena.profiles]\n[arena]\n"), "good");
  EXPECT_EQ(Mistake("[arena]\nprofiles.tiny.limit = '60 KiB'\n[arena.profiles.small]\n"), "good");
}

TEST(HeapConfigFile, RefusesWhatDoesNotGoTogether) {
  EXPECT_EQ(
      Mistake("[pages]\ndirty_cap = '128 MiB'"),
      "f:2:1: pages.dirty_cap: 128 MiB is more than pages.dirty_cap_max, which is 64 MiB. Lower the one or "
      "raise the other.");
  EXPECT_EQ(Mistake("[pages]\ndirty_cap_max = '4 MiB'"),
            "f:2:1: pages.dirty_cap: 8 MiB is more than pages.dirty_cap_max, which is 4 MiB. Lower the one "
            "or raise "
            "the other.");
  EXPECT_EQ(
      Mistake("arena.profiles.tiny.initial = '128 KiB'"),
      "f:1:1: arena.profiles.tiny.initial: 128 KiB is more than arena.profiles.tiny.limit, which is 64 KiB. "
      "Lower the one or raise the other.");
  EXPECT_EQ(Mistake("arena.profiles.tiny.limit = '1 MiB'"),
            "f:1:1: arena.profiles.tiny.limit: 1 MiB is more than arena.profiles.small.limit, which is 512 "
            "KiB. Lower "
            "the one or raise the other.");
  EXPECT_EQ(Mistake("arena.profiles.small.usual = '8 KiB'"),
            "f:1:1: arena.profiles.tiny.usual: 10 KiB is more than arena.profiles.small.usual, which is 8 "
            "KiB. Lower "
            "the one or raise the other.");
  EXPECT_EQ(Mistake("arena.profiles.large.usual = '1 GiB'"), "good");
  EXPECT_EQ(Mistake("heap.reserve = 4096"),
            "f:1:1: heap.reserve: 4 KiB is too little for a heap. Write 0, for 256 GiB, or at least 16 MiB.");
  const Parsed least("heap.reserve = '16 MiB'");
  ASSERT_TRUE(least.good);
  auto* heap = Heap<Preset::kRustydb>::Create(least.config);
  ASSERT_NE(heap, nullptr);
  EXPECT_NE(heap->Allocate(100), nullptr);
  EXPECT_NE(heap->Allocate(1 << 20), nullptr);
  Heap<Preset::kRustydb>::Destroy(heap);
}

TEST(HeapConfigFile, ReadsAFileAndNamesWhatIsWrongWithIt) {
  std::string path = testing::TempDir() + "config-XXXXXX";
  const int file = ::mkstemp(path.data());
  ASSERT_GE(file, 0);
  ::close(file);
  std::ofstream(path) << "[pages]\nfit = \"first\"\n";
  HeapConfig config;
  SizeClassTable classes;
  TextMistake mistake;
  EXPECT_TRUE(ReadHeapConfigFile(path.c_str(), &config, &classes, &mistake));
  EXPECT_EQ(config.fit, Fit::kFirst);
  ::unlink(path.c_str());
  EXPECT_FALSE(ReadHeapConfigFile(path.c_str(), &config, &classes, &mistake));
  EXPECT_EQ(mistake.line, 0u);
  MistakeLine line;
  DescribeMistake("a\nb", mistake, &line);
  EXPECT_EQ(
      line.view(),
      "a?b: the file does not exist. Name a configuration file, such as `rustydb-mem config show` prints.");
}

/** A heap takes what the file may say, at both ends of every range. */
TEST(HeapConfigFile, MakesAHeapAtTheEndsOfEveryRange) {
  for (const ConfigKey& key : ConfigKeys()) {
    if (key.kind == ConfigKind::kClasses) continue;
    for (const std::uint64_t value : {key.min, key.max}) {
      HeapConfig config;
      if (key.kind == ConfigKind::kSize) *key.field.size(config) = value;
      if (key.kind == ConfigKind::kTime) *key.field.ms(config) = static_cast<std::uint32_t>(value);
      if (key.kind == ConfigKind::kCount) *key.field.count(config) = static_cast<std::uint32_t>(value);
      if (key.kind == ConfigKind::kFlag) *key.field.flag(config) = value != 0;
      if (key.kind == ConfigKind::kChoice) *key.field.choice(config) = static_cast<std::uint8_t>(value);
      auto* heap = Heap<Preset::kRustydb>::Create(config);
      ASSERT_NE(heap, nullptr) << key.path << " " << value;
      Transaction* transaction = heap->Begin(nullptr, 1);
      for (std::size_t size = 1; size <= std::size_t{4} << 20; size *= 2) {
        void* p = heap->Allocate(size, 0, true);
        ASSERT_NE(p, nullptr) << key.path << " " << value;
        heap->Free(p, size);
        heap->Allocate(transaction, size, 0, true);
      }
      heap->Commit(transaction, false);
      EXPECT_TRUE(heap->IsConsistent(0));
      Heap<Preset::kRustydb>::Destroy(heap);
    }
  }
}

}  // namespace
}  // namespace rmem
