#include "trace/raw_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "trace/live_blocks.h"
#include "trace/rmt_decoder.h"
#include "trace/trace_error.h"

namespace rmem {
namespace {

constexpr std::size_t kSearchBytes = 64 << 10;

TraceError InputError(int error) {
  return TraceError("io", std::string("the recording can't be read: ").append(std::strerror(error)));
}

std::uint64_t RecordingBytes(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0) throw InputError(errno);
  if (!S_ISREG(status.st_mode))
    throw TraceError("io", "a raw recording can only be read from a regular file");
  return static_cast<std::uint64_t>(status.st_size);
}

}  // namespace

RawFile::RawFile(int fd, const ResolveOptions& options, ImportReport& report)
    : fd_(fd), fileBytes_(RecordingBytes(fd)) {
  ReadHeader();
  ReadBlocks(options, report);
}

void RawFile::ReadHeader() {
  if (fileBytes_ == 0) throw TraceError("empty", "the trace is empty: it has no bytes at all");
  std::vector<std::byte> bytes(sizeof(RmtFileHeader));
  const auto cut = [] { return TraceError("truncated", "the trace ends inside its header").AtByte(0); };
  if (fileBytes_ < bytes.size()) throw cut();
  ReadAt(0, bytes);
  const RmtStart start = ReadRmtStart(bytes);
  if (fileBytes_ < start.totalBytes) throw cut();
  bytes.resize(start.totalBytes);
  ReadAt(0, bytes);
  texts_ = ReadRmtTexts(start, bytes);
  if (start.header.profile != static_cast<std::uint16_t>(RmtProfile::kRaw)) {
    throw TraceError("not-raw", "this trace is no raw recording; it has one order already").AtByte(0);
  }
  firstBlock_ = start.totalBytes;
}

void RawFile::ReadBlocks(const ResolveOptions& options, ImportReport& report) {
  LiveBlocks<std::size_t, AddressHash> known;  // number + 1 → index in threads_
  for (std::uint64_t offset = firstBlock_; offset < fileBytes_;) {
    RmtBlockHeader header;
    const bool whole = fileBytes_ - offset >= sizeof(header);
    if (whole && !ReadBlockHeader(offset, &header)) {
      const TraceError damage =
          TraceError("damaged-block", "the header of a block is damaged").AtByte(offset);
      if (!options.skipDamaged) throw damage;
      report.warnings.push_back("the header of a block is damaged (at byte " + std::to_string(offset) +
                                "); skipped");
      offset = FindBlock(offset + 1);
      continue;
    }
    if (!whole || fileBytes_ - offset - sizeof(header) < header.payloadBytes) {
      if (options.strict)
        throw TraceError("truncated", "the recording is cut off inside a block").AtByte(offset);
      report.warnings.push_back("the recording is cut off inside its last block; what comes before was read");
      return;
    }
    const std::size_t* index = known.Find(header.births + 1);
    if (index == nullptr) {
      if (threads_.size() == kMaxThreads)
        throw TraceError("too-many-threads", "the trace has more than 1,048,576 threads");
      threads_.push_back({header.births, {}});
      index = known.Insert(header.births + 1, threads_.size() - 1);
    }
    threads_[*index].blocks.push_back(
        {offset + sizeof(header), header.begins, header.payloadBytes, header.payloadCrc, header.events, 0});
    offset += sizeof(header) + header.payloadBytes;
  }
}

std::uint64_t RawFile::FindBlock(std::uint64_t offset) const {
  std::vector<std::byte> window;
  while (fileBytes_ - std::min(offset, fileBytes_) >= sizeof(RmtBlockHeader)) {
    window.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kSearchBytes, fileBytes_ - offset)));
    ReadAt(offset, window);
    std::size_t at = 0;
    for (; at + sizeof(std::uint32_t) <= window.size(); ++at) {
      std::uint32_t sync;
      std::memcpy(&sync, window.data() + at, sizeof(sync));
      RmtBlockHeader header;
      if (sync == kBlockSync && fileBytes_ - offset - at >= sizeof(header) &&
          ReadBlockHeader(offset + at, &header)) {
        return offset + at;
      }
    }
    offset += at;
  }
  return fileBytes_;
}

bool RawFile::ReadBlockHeader(std::uint64_t offset, RmtBlockHeader* header) const {
  ReadAt(offset, std::as_writable_bytes(std::span(header, 1)));
  return header->sync == kBlockSync && header->type == static_cast<std::uint8_t>(RmtBlockType::kRawEvents) &&
         header->payloadBytes <= kMaxPayloadBytes && header->births != ~std::uint64_t{0} &&
         HeaderCrc(*header) == header->headerCrc;
}

void RawFile::Read(const RawBlockPlace& block, std::vector<std::byte>& payload) const {
  payload.resize(block.payloadBytes);
  ReadAt(block.offset, payload);
  if (Crc32c(payload) != block.payloadCrc) {
    throw TraceError("damaged-block", "a block of the recording is damaged: its checksum is wrong")
        .AtByte(block.offset - sizeof(RmtBlockHeader));
  }
}

void RawFile::ReadAt(std::uint64_t offset, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t got = pread(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw InputError(errno);
    if (got == 0) throw TraceError("truncated", "the recording got shorter while it was read").AtByte(offset);
    bytes = bytes.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
}

}  // namespace rmem
