#include "os/file_text.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>

namespace rmem {
namespace {

class FileTextTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "file-text-XXXXXX";
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/file";
  }
  void TearDown() override {
    ::unlink(path_.c_str());
    ::rmdir(folder_.c_str());
  }
  void Write(const std::string& text) { std::ofstream(path_, std::ios::binary) << text; }

  std::string folder_, path_;
};

TEST_F(FileTextTest, ReadsTheWholeAndLeavesErrnoAlone) {
  const std::string large(FileText::kMaxBytes, 'x');
  for (const std::string& text : {std::string(), std::string("a\0b", 3), large}) {
    Write(text);
    FileText file;
    errno = E2BIG;
    EXPECT_EQ(file.Read(path_.c_str()), nullptr);
    EXPECT_EQ(errno, E2BIG);
    EXPECT_EQ(file.text(), text);
  }
}

TEST_F(FileTextTest, SaysWhyItCannot) {
  FileText file;
  errno = E2BIG;
  EXPECT_STREQ(file.Read(path_.c_str()), "does not exist");
  EXPECT_STREQ(file.Read(folder_.c_str()), "is a folder");
  EXPECT_STREQ(file.Read("/dev/null"), "is no regular file");
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_STREQ(file.Read(path_.c_str()), "is no regular file");  // and does not wait for a writer
  ::unlink(path_.c_str());
  Write(std::string(FileText::kMaxBytes + 1, 'x'));
  EXPECT_STREQ(file.Read(path_.c_str()), "is larger than 1 MiB");
  EXPECT_EQ(errno, E2BIG);
}

}  // namespace
}  // namespace rmem
