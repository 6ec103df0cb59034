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

TEST(DetectFormat, DoesNotMistakeOneFormatForAnother) {
  constexpr auto kRecords = std::string_view("\0\0\0\0\0\0\0\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24);
  const std::pair<TraceFormat, std::vector<std::string_view>> formats[] = {
      {TraceFormat::kAndroid, {"1: malloc 0x10 8\n1: free 0x10\n", "12: free 0x0"}},
      {TraceFormat::kCsv, {"event,id,size\nalloc,1,8\n", "id,event\n"}},
      {TraceFormat::kHeaptrack, {"v 10400 3\n+ 8 1 10\n", "v 10400 3\r\na 8 1\r\n+ 0\n", "v 1\n"}},
      {TraceFormat::kMtrace,
       {"= Start\n+ 0x10 0x8\n", "+ 0x10 0x8\n", "- 0x10\r\n", "@ a:[0x10] - 0x20\n",
        "@ [0x10] + (nil) 0x8\n", "< 0x10\n> 0x20 0x8\n"}},
      {TraceFormat::kLogalloc, {"1 1 malloc(8)=#1\n", "12 13 free(0x10)\n", "1\t2 jemalloc_stats()\n"}},
      {TraceFormat::kMallocLab,
       {"2000\n1\n2\n1\na 0 8\nf 0\n", "1 1 2 0\nf -1\n", "1\r\n1\r\n2\r\n0\r\n\r\nr 0 8\r\n"}},
      {TraceFormat::kWorkload, {std::string_view("\x08\x64\x09\0\x0a\x01\x0b\x0a\x01\x01", 10)}},
      {TraceFormat::kGperftools, {kRecords}},
      {TraceFormat::kMallocBench, {std::string_view("\x0a\x06\x0a\x04\x08\x00\x10\x05", 8)}},
  };
  for (const auto& [format, examples] : formats) {
    for (const std::string_view example : examples) {
      EXPECT_EQ(Detect(example), format) << example;
      // The decoder of any other refuses it, so that --format can't make nonsense of it.
      for (const auto& row : formats) {
        const TraceFormat other = row.first;
        if (other == format || other == TraceFormat::kWorkload || other == TraceFormat::kCsv) continue;
        TraceInfo info;
        Collector sink;
        EXPECT_NE(ErrorOf([&] {
                    PushAll(*MakeDecoder(other, {.strict = true}, info, sink), AsBytes(example));
                  }).code(),
                  "none")
            << FormatName(other) << " takes " << example;
      }
    }
  }
}

TEST(DetectFormat, KnowsARmtThatIsCutInItsFirstBytes) {
  const Bytes file = WriteRmt({}, {});
  for (std::size_t cut = 1; cut < file.size(); ++cut) {
    EXPECT_EQ(DetectFormat(std::span<const std::byte>(file).first(cut)), TraceFormat::kRmt) << cut;
  }
}

TEST(DetectFormat, KnowsWhatIsNoTrace) {
  for (std::string_view text : std::initializer_list<std::string_view>{
           "1\n2\n3\n4\n",
           "1\n2\n3\nx\na 0 8\n",
           "1 2 three\n",
           "1 2 3 4 5\na 0 8\n",
           "v one\n",
           "v 1.2 is out\n",
           "+ 10 0x8\n",
           "@ home\n",
           "= Begin\n",
           "+ added\n- removed\n",
           "1 1 mallocs\n",
           std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32),
           std::string_view("\x08\x64\x09\0\x0a\x02\x0b\x0a\x01\x01", 10),
           "",
           "\n",
           "Dear reader,\n",
           "202: hello 0x10",
           "202:",
           "event;id\n",
           "event,name\n",
           "\x0a",
           "\x0a\x06\x0a\x05\x08",
           "{\"event\": 1}",
           "\x1f\x8b\x08",
           "%PDF-1.4",
           "\x7f"
           "ELF"}) {
    EXPECT_EQ(Detect(text), std::nullopt) << text;
  }
}

TEST(DetectFormat, HasANameForEach) {
  for (TraceFormat format : kNamedFormats) {
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

TEST(MakeDecoder, HasNoneForWorkloads) {
  TraceInfo info;
  Collector sink;
  EXPECT_EQ(ErrorOf([&] { MakeDecoder(TraceFormat::kWorkload, {}, info, sink); }).code(), "whole-file");
}

}  // namespace
}  // namespace rmem::testing
