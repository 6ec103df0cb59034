#include "trace/gperftools_decoder.h"

#include "trace/importing.h"

namespace rmem::testing {
namespace {

constexpr TraceFormat kFormat = TraceFormat::kGperftools;

std::string Record(std::uint8_t type, std::uint64_t reg, std::uint64_t a = 0, std::uint64_t b = 0) {
  const std::uint64_t words[3] = {reg << 8 | type, a, b};
  return {reinterpret_cast<const char*>(words), sizeof(words)};
}

std::string Everything() {
  return Record(5, 0, 7) + Record(7, 0, 100) + Record(0, 0, 32) + Record(3, 1, 100, 64) + Record(5, 0, 9) +
         Record(7, 0, 200) + Record(4, 0, 2, 48) + Record(2, 1, 100) + Record(1, 2) + Record(1, 5) +
         Record(6, 0, 7) + Record(6, 0);
}

TEST(GperftoolsDecoder, ReadsEveryRecord) {
  const Imported imported = Import(kFormat, Everything());
  Event first = ThreadStart(0, 7);
  first.timeNs = 100;
  Event second = ThreadStart(1, 9);
  second.timeNs = 200;
  Event firstEnd = ThreadEnd(0);
  firstEnd.timeNs = 200;
  Event secondEnd = ThreadEnd(1);
  secondEnd.timeNs = 200;
  EXPECT_EQ(imported.events,
            (std::vector<Event>{first, Alloc(1, {.size = 32, .timeNs = 100}),
                                Alloc(2, {.size = 100, .alignment = 64, .timeNs = 100}), second,
                                Realloc(1, 3, {.thread = 1, .size = 48, .timeNs = 200}),
                                Free(2, {.thread = 1, .size = 100, .flags = kFlagSizeTold, .timeNs = 200}),
                                Free(3, {.thread = 1, .timeNs = 200}), firstEnd, secondEnd}));
  EXPECT_EQ(imported.info.report.repairs.at("free-of-unknown-block").firstPositions,
            std::vector<std::uint64_t>{10});
  EXPECT_EQ(imported.info.report.linesRead, 12u);
}

TEST(GperftoolsDecoder, DoesNotCareWhereItIsCut) {
  ExpectPiecesDontMatter(kFormat, Everything());
  ExpectCutsAreTaken(kFormat, Everything());
}

TEST(GperftoolsDecoder, SaysWhereItIsCutOff) {
  const std::string cut = Everything().substr(0, 24 * 4 + 5);
  EXPECT_EQ(Import(kFormat, cut).info.report.warnings.size(), 1u);
  const TraceError error = ImportError(kFormat, cut, {.strict = true});
  EXPECT_EQ(error.code(), "truncated");
  EXPECT_EQ(error.byte(), 24u * 4);
}

TEST(GperftoolsDecoder, NamesTheRecordThatIsWrong) {
  for (const std::string& bad :
       {Record(8, 0), Record(4, 0, std::uint64_t{1} << 56, 8), Record(3, 0, 8, std::uint64_t{1} << 33)}) {
    const TraceError error = ImportError(kFormat, Record(0, 0, 8) + bad);
    EXPECT_EQ(error.code(), "bad-record");
    EXPECT_EQ(error.byte(), 24u);
  }
  EXPECT_EQ(ImportError(kFormat, Record(8, 0)).code(), "not-a-trace");
  EXPECT_EQ(ImportError(kFormat, Record(0, 0, std::uint64_t{1} << 48)).code(), "bad-size");
  EXPECT_EQ(ImportError(kFormat, Record(3, 0, 8, 48)).code(), "bad-alignment");
  EXPECT_EQ(ImportError(kFormat, "").code(), "empty");
}

}  // namespace
}  // namespace rmem::testing
