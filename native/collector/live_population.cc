#include "collector/live_population.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <unordered_map>

#include "trace/raw_block.h"
#include "trace/raw_file.h"
#include "trace/raw_rows.h"
#include "trace/trace_error.h"

namespace rmem::record {
namespace {

/** What happened last at an address. */
struct Last {
  std::uint64_t ticks;
  std::uint64_t size;
  bool alive;
};

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

class Population {
 public:
  explicit Population(std::uint64_t until) : until_(until) {}

  void Take(const RawRow& row) {
    switch (static_cast<EventType>(row.type)) {
      case EventType::kAlloc:
        Set(row.address, row.ticks, row.size, true);
        break;
      case EventType::kFree:
        Set(row.address, row.ticks, 0, false);
        break;
      case EventType::kRealloc:
        Set(row.address, row.ticks, 0, false);
        Set(row.newAddress, row.ticksAfter, row.size, true);
        break;
      default:
        break;
    }
  }

  std::vector<LiveBlock> Alive() const {
    std::vector<LiveBlock> blocks;
    for (const auto& [address, last] : last_) {
      if (last.alive) blocks.push_back({address, last.size});
    }
    std::sort(blocks.begin(), blocks.end(),
              [](const LiveBlock& a, const LiveBlock& b) { return a.address < b.address; });
    return blocks;
  }

 private:
  void Set(std::uint64_t address, std::uint64_t ticks, std::uint64_t size, bool alive) {
    if (address == 0 || ticks > until_) return;
    Last& last = last_[address];
    // At the same moment it died before it was born again.
    if (ticks > last.ticks || (ticks == last.ticks && alive)) last = {ticks, size, alive};
  }

  const std::uint64_t until_;
  std::unordered_map<std::uint64_t, Last> last_;
};

int WriteAll(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

/** Copies from `from` at its offset to its end. */
int CopyRest(int from, int to) {
  const auto buffer = std::make_unique<std::byte[]>(1 << 20);
  for (;;) {
    const ssize_t got = read(from, buffer.get(), 1 << 20);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) return 0;
    if (const int error = WriteAll(to, {buffer.get(), static_cast<std::size_t>(got)}); error != 0)
      return error;
  }
}

int CopyHeader(int from, int to) {
  RmtFileHeader header;
  if (read(from, &header, sizeof(header)) != static_cast<ssize_t>(sizeof(header))) return EIO;
  if (header.magic != kRmtMagic || header.jsonBytes > kMaxHeaderJsonBytes) return EIO;
  std::vector<std::byte> bytes(sizeof(header) + header.jsonBytes);
  std::memcpy(bytes.data(), &header, sizeof(header));
  if (read(from, bytes.data() + sizeof(header), header.jsonBytes) != static_cast<ssize_t>(header.jsonBytes))
    return EIO;
  return WriteAll(to, bytes);
}

int WriteBlocks(int to, const std::vector<LiveBlock>& blocks, std::uint64_t thread, std::uint64_t ticks) {
  const auto buffer = std::make_unique<std::byte[]>(kRawBlockBytes);
  const std::span<std::byte> room(buffer.get(), kRawBlockBytes);
  RawBlockWriter writer;
  writer.Start(room, thread, ticks);
  int error = 0;
  const auto put = [&](auto&& row) {
    if (row()) return;
    error = error != 0 ? error : WriteAll(to, room.first(writer.Finish()));
    writer.Start(room, thread, ticks);
    row();
  };
  for (const LiveBlock& block : blocks)
    put([&] { return writer.Alloc(ticks, block.address, block.size, 0, false); });
  put([&] { return writer.Mark(ticks, "start"); });
  return error != 0 ? error : WriteAll(to, room.first(writer.Finish()));
}

}  // namespace

std::vector<LiveBlock> LiveAt(const std::string& path, std::uint64_t ticks) {
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) throw TraceError("io", "the recording of the parent can't be read");
  ImportReport report;
  const RawFile raw(file.get(), {}, report);
  Population population(ticks);
  std::vector<std::byte> payload;
  RawRow row;
  for (const RawThread& thread : raw.threads()) {
    for (const RawBlockPlace& block : thread.blocks) {
      if (block.firstTicks > ticks) break;
      raw.Read(block, payload);
      for (RawRows rows(payload, block.firstTicks); !rows.AtEnd();) {
        rows.Next(&row);
        population.Take(row);
      }
    }
  }
  return population.Alive();
}

int PrependPopulation(const std::string& path, const std::vector<LiveBlock>& blocks, std::uint64_t thread,
                      std::uint64_t ticks) {
  const std::string partPath = path + ".part";
  const Fd from(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (from.get() < 0) return errno;
  const Fd to(open(partPath.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (to.get() < 0) return errno;
  int error = CopyHeader(from.get(), to.get());
  if (error == 0) error = WriteBlocks(to.get(), blocks, thread, ticks);
  if (error == 0) error = CopyRest(from.get(), to.get());
  if (error == 0 && rename(partPath.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) unlink(partPath.c_str());
  return error;
}

}  // namespace rmem::record
