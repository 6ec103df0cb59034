#include "trace/decoder.h"

#include "trace/raw_block.h"
#include "trace/trace_testing.h"

namespace rmem::testing {
namespace {

std::optional<TraceFormat> Detect(std::string_view text) {
  return DetectFormat(AsBytes(text));
}

TEST(DetectFormat, KnowsEveryFormatByItsContent) {
  EXPECT_EQ(Detect("202: malloc 0xb4827400 1024\n"), TraceFormat::kAndroid);
  EXPECT_EQ(Detect("\r\n 7: thread_done 0x0"), TraceFormat::kAndroid);
  EXPECT_EQ(Detect("time_ns,thread,event,id,new_id\n"), TraceFormat::kCsv);
  EXPECT_EQ(Detect("\xef\xbb\xbf\"id\" , \"event\"\r\n1,alloc"), TraceFormat::kCsv);
  EXPECT_EQ(Detect(std::string_view("\x0a\x06\x0a\x04\x08\x00\x10\x05", 8)), TraceFormat::kMallocBench);
  EXPECT_EQ(Detect(std::string_view("\x0a\x02\x12\x00", 4)), TraceFormat::kMallocBench);
  EXPECT_EQ(DetectFormat(WriteRmt({}, {})), TraceFormat::kRmt);
  Bytes raw(RawFileHeaderBytes(2));
  ASSERT_EQ(WriteRawFileHeader("{}", raw), raw.size());
  EXPECT_EQ(DetectFormat(raw), TraceFormat::kRmtRaw);
}

TEST(DetectFormat, KnowsARmtThatIsCutInItsFirstBytes) {
  const Bytes file = WriteRmt({}, {});
  for (std::size_t cut = 1; cut < file.size(); ++cut) {
    EXPECT_EQ(DetectFormat(std::span<const std::byte>(file).first(cut)), TraceFormat::kRmt) << cut;
  }
}

TEST(DetectFormat, KnowsWhatIsNoTrace) {
  for (std::string_view text :
       {"", "\n", "Dear reader,\n", "202: hello 0x10", "202:", "event;id\n", "event,name\n", "\x0a",
        "\x0a\x06\x0a\x05\x08", "{\"event\": 1}", "\x1f\x8b\x08", "%PDF-1.4",
        "\x7f"
        "ELF"}) {
    EXPECT_EQ(Detect(text), std::nullopt) << text;
  }
}

TEST(DetectFormat, HasANameForEach) {
  for (TraceFormat format :
       {TraceFormat::kRmt, TraceFormat::kAndroid, TraceFormat::kMallocBench, TraceFormat::kCsv}) {
    EXPECT_EQ(FormatByName(FormatName(format)), format);
  }
  EXPECT_EQ(FormatName(TraceFormat::kRmtRaw), "rmt");
  EXPECT_EQ(FormatByName("elf"), std::nullopt);
}

TEST(MakeDecoder, HasNoneForRawRecordings) {
  TraceInfo info;
  Collector sink;
  EXPECT_EQ(ErrorOf([&] { MakeDecoder(TraceFormat::kRmtRaw, {}, info, sink); }).code(), "raw-profile");
  Bytes raw(RawFileHeaderBytes(2));
  WriteRawFileHeader("{}", raw);
  EXPECT_EQ(ErrorOf([&] { ReadRmt(raw, info); }).code(), "raw-profile");
}

}  // namespace
}  // namespace rmem::testing
