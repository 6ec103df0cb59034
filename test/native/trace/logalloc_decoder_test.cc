#include "trace/logalloc_decoder.h"

#include "trace/importing.h"

namespace rmem::testing {
namespace {

constexpr TraceFormat kFormat = TraceFormat::kLogalloc;

constexpr std::string_view kEverything =
    "12 12 malloc(42)=0x7f0c2c00\n"
    "12 13 calloc(4,42)=0x7f0c2c40\n"
    "12 12 realloc(0x7f0c2c00,96)=0x7f0c2d00\n"
    "12 12 posix_memalign(64,128)=0x7f0c2e00\n"
    "12 12 aligned_alloc(128,256)=0x7f0c2f00\n"
    "12 12 memalign(32,16)=0x7f0c2a00\n"
    "12 12 valloc(5)=0x7f0c3000\n"
    "12 12 free(0x7f0c2d00)\n"
    "12 12 free(0x0)\n"
    "12 12 malloc(4611686018427387904)=0x0\n"
    "12 12 jemalloc_stats()\n"
    "14 14 malloc(8)=0x7f0c2c40\n";

std::vector<Event> Everything() {
  return {ThreadStart(0, 12),
          Alloc(1, {.size = 42}),
          ThreadStart(1, 13),
          Alloc(2, {.thread = 1, .size = 168, .flags = kFlagZeroed}),
          Realloc(1, 3, {.size = 96}),
          Alloc(4, {.size = 128, .alignment = 64}),
          Alloc(5, {.size = 256, .alignment = 128}),
          Alloc(6, {.size = 16, .alignment = 32}),
          Alloc(7, {.size = 5, .alignment = 4096}),
          Free(3)};
}

TEST(LogallocDecoder, ReadsEveryCall) {
  const Imported imported = Import(kFormat, kEverything);
  EXPECT_EQ(imported.events, Everything());
  const auto& repairs = imported.info.report.repairs;
  EXPECT_EQ(repairs.at("free-of-null").firstPositions, std::vector<std::uint64_t>{9});
  EXPECT_EQ(repairs.at("failed-allocation").firstPositions, std::vector<std::uint64_t>{10});
  EXPECT_EQ(repairs.at("other-call").firstPositions, std::vector<std::uint64_t>{11});
  EXPECT_EQ(repairs.at("other-process").firstPositions, std::vector<std::uint64_t>{12});
  EXPECT_EQ(imported.info.report.warnings.size(), 1u);
}

TEST(LogallocDecoder, DoesNotCareWhereItIsCut) {
  ExpectPiecesDontMatter(kFormat, kEverything);
  ExpectCutsAreTaken(kFormat, kEverything);
}

TEST(LogallocDecoder, TakesNumberedBlocks) {
  EXPECT_EQ(
      Import(kFormat, "1 1 malloc(42)=#1\r\n1 1 realloc(#1, 8) = #1\r\n1 1 free(#1)\n1 1 free(#0)\n").events,
      (std::vector<Event>{ThreadStart(0, 1), Alloc(1, {.size = 42}), Realloc(1, 2, {.size = 8}), Free(2)}));
  // Number 16 is not address 16.
  EXPECT_EQ(Import(kFormat, "1 1 malloc(42)=#16\n1 1 free(0x10)\n").info.report.Dropped(), 1u);
}

TEST(LogallocDecoder, NamesTheLineThatIsWrong) {
  for (const char* bad :
       {"1", "1 1", "1 x malloc(8)=#2", "1 1 malloc", "1 1 malloc(8)", "1 1 malloc(8)=", "1 1 malloc(8)=2x",
        "1 1 malloc(x)=#2", "1 1 calloc(8)=#2", "1 1 realloc(#1)=#2", "1 1 free(8)", "1 1 free(#1)=#2",
        "1 1 (8)=#2", "1 1 mal loc(8)=#2", "1 1 malloc(8=#2", "1 1 malloc(8)=#9223372036854775808",
        "1 1 malloc(8)=0x11112222333344445", "1 99999999999999999999 free(#1)"}) {
    const TraceError error = ImportError(kFormat, std::string("1 1 malloc(8)=#1\n") + bad + "\n");
    EXPECT_EQ(error.code(), "bad-line") << bad;
    EXPECT_EQ(error.line(), 2u) << bad;
  }
  EXPECT_EQ(ImportError(kFormat, "1 1 malloc(140737488355329)=#1\n").code(), "bad-size");
  EXPECT_EQ(ImportError(kFormat, "1 1 calloc(4294967296,4294967296)=#1\n").code(), "bad-size");
  EXPECT_EQ(ImportError(kFormat, "1 1 memalign(48,8)=#1\n").code(), "bad-alignment");
  EXPECT_EQ(ImportError(kFormat, "1 1 memalign(8589934592,8)=#1\n").code(), "bad-alignment");
  EXPECT_EQ(ImportError(kFormat, "Dear reader\n").code(), "not-a-trace");
}

}  // namespace
}  // namespace rmem::testing
