#include "os/topology.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace rmem {
namespace {

class TopologyTest : public testing::Test {
 protected:
  TopologyTest()
      : root_(std::filesystem::temp_directory_path() / ("rmem-topology-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(root_);
  }
  ~TopologyTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  Topology Read() { return ReadTopology(root_.c_str()); }

  std::filesystem::path root_;
};

TEST_F(TopologyTest, ReadsTwoNodesWithGaps) {
  Write("devices/system/cpu/online", "0-3,8,10-11\n");
  Write("devices/system/node/node0/cpulist", "0-1,8\n");
  Write("devices/system/node/node2/cpulist", "2-3,10-11\n");
  const Topology topology = Read();
  EXPECT_EQ(topology.cpuCount, 7);
  EXPECT_EQ(topology.nodeCount, 2);
  EXPECT_TRUE(topology.cpuOnline[8]);
  EXPECT_FALSE(topology.cpuOnline[4]);
  EXPECT_EQ(topology.nodeOfCpu[1], 0);
  EXPECT_EQ(topology.nodeOfCpu[8], 0);
  EXPECT_EQ(topology.nodeOfCpu[11], 2);
}

TEST_F(TopologyTest, ANodeWithMemoryButNoCpusCounts) {
  Write("devices/system/cpu/online", "0\n");
  Write("devices/system/node/node0/cpulist", "0\n");
  Write("devices/system/node/node1/cpulist", "\n");
  EXPECT_EQ(Read().nodeCount, 2);
}

TEST_F(TopologyTest, WithoutNodesThereIsOne) {
  Write("devices/system/cpu/online", "0-1\n");
  const Topology topology = Read();
  EXPECT_EQ(topology.cpuCount, 2);
  EXPECT_EQ(topology.nodeCount, 1);
  EXPECT_EQ(topology.nodeOfCpu[1], 0);
}

TEST_F(TopologyTest, WithoutFilesTheSystemIsCounted) {
  const Topology topology = Read();
  EXPECT_EQ(topology.cpuCount, ::sysconf(_SC_NPROCESSORS_ONLN));
  EXPECT_EQ(topology.nodeCount, 1);
}

TEST_F(TopologyTest, StrangeListsAreReadAsFarAsTheyAreLists) {
  Write("devices/system/cpu/online", "0-1,99999999999-999999999999,5");
  EXPECT_EQ(Read().cpuCount, 3);
  Write("devices/system/cpu/online", "3-x");
  EXPECT_EQ(Read().cpuCount, ::sysconf(_SC_NPROCESSORS_ONLN));
  Write("devices/system/cpu/online", "2-1,4");
  EXPECT_EQ(Read().cpuCount, 1);
}

TEST_F(TopologyTest, ThisMachineHasACpuAndANode) {
  const Topology topology = ReadTopology();
  EXPECT_GE(topology.cpuCount, 1);
  EXPECT_GE(topology.nodeCount, 1);
}

}  // namespace
}  // namespace rmem
