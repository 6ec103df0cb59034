#include "collector/recorded_process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "recording/raw_header.h"
#include "recording/ring.h"

namespace rmem::record {
namespace {

// A ring in its turn, so that a loud thread does not keep a silent one waiting.
constexpr std::uint64_t kTurnWords = std::uint64_t{1} << 16;
// Samples belong to no thread of the program.
constexpr std::uint64_t kSampleThread = 0;

}  // namespace

std::unique_ptr<RecordedProcess> RecordedProcess::Open(const std::string& ringsPath, const Control& control,
                                                       std::uint32_t pid) {
  const int file = open(ringsPath.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return nullptr;
  const std::size_t bytes = SessionBytes(control.ringWords);
  struct stat status;
  void* memory = MAP_FAILED;
  if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
      static_cast<std::uint64_t>(status.st_size) == bytes) {
    memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
  }
  close(file);
  if (memory == MAP_FAILED) return nullptr;
  const Session session(memory, control.ringWords);
  if (session.header().magic != kSessionMagic || session.header().ringWords != control.ringWords ||
      session.header().pid != pid) {
    munmap(memory, bytes);
    return nullptr;
  }
  return std::unique_ptr<RecordedProcess>(new RecordedProcess(session, bytes, ringsPath, pid));
}

RecordedProcess::RecordedProcess(Session session, std::size_t bytes, std::string ringsPath, std::uint32_t pid)
    : session_(session), mappedBytes_(bytes), ringsPath_(std::move(ringsPath)), end_(pid) {}

RecordedProcess::~RecordedProcess() {
  munmap(session_.memory(), mappedBytes_);
}

bool RecordedProcess::Begin(const std::string& path, const Control& control) {
  path_ = path;
  char json[1024];
  const std::size_t bytes = WriteRawJson(session_.header(), control, json);
  return output_.Open(path.c_str(), {json, bytes});
}

void RecordedProcess::MeetRings() {
  const std::size_t used =
      std::min<std::size_t>(session_.header().ringsUsed.load(std::memory_order_acquire), kMaxRings);
  while (rings_.size() < used) {
    const std::size_t index = rings_.size();
    rings_.push_back(std::make_unique<RingEncoder>(session_.ring(index), session_.words(index),
                                                   session_.ringWords(), session_.header().startTicks,
                                                   output_, counts_));
  }
}

double RecordedProcess::Drain() {
  MeetRings();
  std::uint64_t most = 0;
  for (const auto& ring : rings_) most = std::max(most, ring->Drain(kTurnWords));
  return static_cast<double>(most) /
         static_cast<double>(std::min<std::uint64_t>(session_.ringWords(), kTurnWords));
}

bool RecordedProcess::HasMuch() const {
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    if (Unread(session_.ring(i)) > session_.ringWords() / 4) return true;
  }
  return false;
}

void RecordedProcess::DrainAll() {
  MeetRings();
  for (const auto& ring : rings_) {
    // What a thread goes on to write meanwhile is not waited for.
    for (std::uint64_t left = session_.ringWords(); left > 0;) {
      const std::uint64_t read = ring->Drain(left);
      if (read == 0) break;
      left -= std::min(left, read);
    }
  }
}

void RecordedProcess::Discard() {
  MeetRings();
  for (const auto& ring : rings_) ring->Discard();
}

void RecordedProcess::WriteSamples() {
  if (!samplesOpen_) return;
  samplesOpen_ = false;
  const std::size_t bytes = sampleWriter_.Finish();
  if (bytes > 0) output_.Write({sampleBuffer_.get(), bytes});
}

void RecordedProcess::Flush() {
  for (const auto& ring : rings_) ring->Flush();
  WriteSamples();
}

std::uint64_t RecordedProcess::RingBytes() const {
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    const std::uint64_t words =
        std::min<std::uint64_t>(session_.ring(i).tail.load(std::memory_order_relaxed), session_.ringWords());
    bytes += (words * sizeof(std::uint64_t) + 4095) / 4096 * 4096;
  }
  return bytes;
}

void RecordedProcess::Sample(bool keep, std::uint64_t ticks) {
  ProcessStatus now;
  if (!ReadProcessStatus(header().pid, &now)) return;
  // The rings are ours, not the program's.
  const std::uint64_t ours = RingBytes();
  now.residentBytes -= std::min(now.residentBytes, ours);
  now.peakResidentBytes -= std::min(now.peakResidentBytes, ours);
  now.peakResidentBytes = std::max({now.peakResidentBytes, now.residentBytes, status_.peakResidentBytes});
  status_ = now;
  if (!keep) return;
  if (sampleBuffer_ == nullptr) sampleBuffer_ = std::make_unique<std::byte[]>(kRawBlockBytes);
  static const std::uint64_t total = TotalMemory();
  const auto put = [&] { return sampleWriter_.Sample(ticks, now.residentBytes, total, now.swapBytes); };
  ++samples_;
  if (samplesOpen_ && put()) return;
  WriteSamples();
  sampleWriter_.Start({sampleBuffer_.get(), kRawBlockBytes}, kSampleThread, ticks);
  samplesOpen_ = true;
  put();
}

std::uint64_t RecordedProcess::Dropped() const {
  std::uint64_t dropped = session_.header().unheard.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < rings_.size(); ++i)
    dropped += session_.ring(i).dropped.load(std::memory_order_relaxed);
  return dropped;
}

bool RecordedProcess::Finish() {
  if (finished_) return false;
  DrainAll();
  for (const auto& ring : rings_) ring->Finish();
  WriteSamples();
  output_.Close();
  std::uint64_t cpuNs;
  if (ReadProcessCpu(header().pid, &cpuNs)) status_.cpuNs = std::max(status_.cpuNs, cpuNs);
  status_.cpuNs = std::max<std::uint64_t>(status_.cpuNs, header().cpuNs.load());
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  endedNs_ = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
  finished_ = true;
  return unlink(ringsPath_.c_str()) == 0;
}

}  // namespace rmem::record
