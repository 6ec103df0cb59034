#include "collector/collector.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <map>
#include <string_view>

#include "collector/live_population.h"
#include "collector/malloc_cost.h"
#include "trace/trace_error.h"

namespace rmem::record {
namespace {

constexpr std::uint64_t kLookAfterNs = 5'000'000;  // who has ended?
constexpr std::uint64_t kSearchNs = 50'000'000;    // for rings that were not announced
constexpr std::uint64_t kSampleNs = 50'000'000;    // unless it is told otherwise
constexpr std::uint64_t kComingNs = 1'000'000'000;
constexpr std::uint64_t kProgressNs = 250'000'000;
constexpr std::uint64_t kShortestSleepNs = 20'000;
constexpr std::uint64_t kLongestSleepNs = 5'000'000;
// A ring that was fuller than this wants to be visited more often, one that was emptier less.
constexpr double kFull = 0.25, kEmpty = 0.03;

std::atomic<bool> gAskedToStop{false};

/** Makes a new folder, in memory where there is such a place. Empty, and errno, where it can't. */
std::string MakeFolder() {
  const char* temporary = getenv("TMPDIR");
  for (const char* parent : {"/dev/shm", temporary != nullptr ? temporary : "/tmp"}) {
    std::string path = std::string(parent) + "/rustydb-mem-record-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) continue;
    // A server that is started by root often gives up being root before it works.
    if (geteuid() == 0) chmod(path.c_str(), 01733);
    return path;
  }
  return {};
}

/** The PID of a name `PID-N.rings`; 0 where it is not one. */
std::uint32_t PidOf(std::string_view name) {
  if (!name.ends_with(kRingsSuffix)) return 0;
  std::uint32_t pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  return error == std::errc() && *end == '-' ? pid : 0;
}

std::vector<std::string> FolderNames(const std::string& path) {
  std::vector<std::string> names;
  DIR* folder = opendir(path.c_str());
  if (folder == nullptr) return names;
  while (const dirent* entry = readdir(folder)) names.emplace_back(entry->d_name);
  closedir(folder);
  return names;
}

}  // namespace

void Collector::AskToStop() {
  gAskedToStop.store(true, std::memory_order_relaxed);
}

Collector::Collector(CollectorOptions options)
    : options_(std::move(options)), clock_(OperationClock::Calibrate()) {}

Collector::~Collector() {
  if (control_ != nullptr) {
    control_->mode.store(Mode::kStop);
    unlink((options_.folder + "/" + kControlName).c_str());
    munmap(control_, kControlBytes);
    // Rings of programs that started as we left, or were killed before they had made theirs whole; where the
    // folder is ours, also the link by which they found the recorder.
    for (const std::string& name : FolderNames(options_.folder)) {
      if (madeFolder_ || PidOf(name) != 0) unlink((options_.folder + "/" + name).c_str());
    }
  }
  if (madeFolder_) rmdir(options_.folder.c_str());
}

bool Collector::Prepare(int* error) {
  if (options_.folder.empty()) {
    options_.folder = MakeFolder();
    madeFolder_ = !options_.folder.empty();
  }
  const std::string path = options_.folder + "/" + kControlName;
  const int file =
      options_.folder.empty() ? -1 : open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  void* memory = MAP_FAILED;
  if (file >= 0 && ftruncate(file, kControlBytes) == 0)
    memory = mmap(nullptr, kControlBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  *error = errno;
  if (file >= 0 && geteuid() == 0) fchmod(file, 0666);
  if (file >= 0) close(file);
  if (memory == MAP_FAILED) return false;
  control_ = new (memory) Control{};
  control_->mode.store(options_.afterNs > 0 ? Mode::kWait : Mode::kRecord);
  control_->onFull = options_.onFull;
  control_->ringWords = options_.ringWords;
  control_->ticksPerSecond = static_cast<std::uint64_t>(1e9 / clock_.nsPerTick() + 0.5);
  control_->countsCycles = clock_.countsCycles() ? 1 : 0;
  std::atomic_thread_fence(std::memory_order_release);
  control_->magic = kControlMagic;
  return true;
}

bool Collector::Recording() const {
  return control_->mode.load(std::memory_order_relaxed) == Mode::kRecord;
}

void Collector::FindProcesses() {
  std::vector<std::unique_ptr<RecordedProcess>> found;
  for (const std::string& name : FolderNames(options_.folder)) {
    const std::uint32_t pid = PidOf(name);
    if (pid == 0 || met_.contains(name)) continue;
    // Null where it is not whole yet: next time.
    auto process = RecordedProcess::Open(options_.folder + "/" + name, *control_, pid);
    if (process == nullptr) continue;
    met_.insert(name);
    found.push_back(std::move(process));
  }
  // Parents before their children.
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a->header().startTicks < b->header().startTicks; });
  for (auto& process : found) Meet(std::move(process));
}

void Collector::Meet(std::unique_ptr<RecordedProcess> process) {
  const std::uint32_t pid = process->header().pid;
  // The same process with another program: what was there before exec is over.
  for (const auto& each : processes_) {
    if (each->header().pid == pid && !each->finished()) Finish(*each);
  }
  std::string path = options_.out;
  if (!processes_.empty()) path += "." + std::to_string(pid);
  const auto taken = [this](const std::string& wanted) {
    return std::any_of(processes_.begin(), processes_.end(),
                       [&](const auto& each) { return each->path() == wanted; });
  };
  for (int image = 2; taken(path); ++image)
    path = options_.out + "." + std::to_string(pid) + "-" + std::to_string(image);
  if (!process->Begin(path, *control_)) {
    SayFailure("output", "could not create " + path + ": " + OutputErrorText(process->output().error()));
    Stop(nullptr);
  }
  if (firstMetNs_ == 0) firstMetNs_ = MonotonicNs();
  processes_.push_back(std::move(process));
}

double Collector::Drain() {
  const bool discard = stopped_;
  double fullest = 0;
  for (const auto& process : processes_) {
    if (process->finished()) continue;
    if (discard)
      process->Discard();
    else
      fullest = std::max(fullest, process->Drain());
    if (process->output().error() != 0 && !stopped_) {
      SayFailure("output",
                 "could not write " + process->path() + ": " + OutputErrorText(process->output().error()));
      Stop(nullptr);
    }
  }
  return fullest;
}

void Collector::Stop(const char* why) {
  if (stopped_) return;
  control_->mode.store(Mode::kStop);
  // What was in the rings before belongs to the recording.
  for (const auto& process : processes_) {
    if (process->finished()) continue;
    process->DrainAll();
    process->Flush();
  }
  stopped_ = true;
  if (why != nullptr) SayStopped(why);
}

CollectorTotals Collector::Totals() const {
  CollectorTotals totals;
  for (const auto& process : processes_) {
    totals.events += process->events();
    totals.bytes += process->output().bytes();
    totals.dropped += process->Dropped();
    ++totals.processes;
    if (process->finished()) continue;
    ++totals.alive;
    totals.residentBytes += process->status().residentBytes;
  }
  return totals;
}

void Collector::KeepLimits() {
  if (stopped_ || (options_.maxEvents == 0 && options_.maxBytes == 0)) return;
  const CollectorTotals totals = Totals();
  if (options_.maxEvents != 0 && totals.events >= options_.maxEvents)
    Stop("max-events");
  else if (options_.maxBytes != 0 && totals.bytes >= options_.maxBytes)
    Stop("max-size");
}

void Collector::KeepTime(std::uint64_t nowNs) {
  if (gAskedToStop.load(std::memory_order_relaxed)) Leave();
  if (firstMetNs_ == 0 || stopped_) return;
  if (recordingSinceNs_ == 0 && nowNs - firstMetNs_ >= options_.afterNs) {
    recordingSinceNs_ = nowNs;
    control_->mode.store(Mode::kRecord);
  }
  if (options_.forNs != 0 && recordingSinceNs_ != 0 && nowNs - recordingSinceNs_ >= options_.forNs)
    Stop("for");
}

void Collector::Finish(RecordedProcess& process) {
  if (process.finished()) return;
  if (stopped_) process.Discard();
  // The next image of the process may take the name.
  if (process.Finish()) met_.erase(process.ringsPath().substr(options_.folder.size() + 1));
  if (process.output().error() != 0 && !stopped_) {
    SayFailure("output",
               "could not write " + process.path() + ": " + OutputErrorText(process.output().error()));
    Stop(nullptr);
  }
}

void Collector::LookAfter(std::uint64_t nowNs) {
  for (const auto& process : processes_) {
    if (process->finished() || !process->HasEnded()) continue;
    Finish(*process);
  }
  const std::uint64_t everyNs = options_.sampleNs != 0 ? options_.sampleNs : kSampleNs;
  // A program that ends soon has been looked at once at least.
  const bool young = firstMetNs_ != 0 && nowNs - firstMetNs_ < 500'000'000 && options_.sampleNs == 0;
  if (nowNs - sampledNs_ >= (young ? kLookAfterNs : everyNs)) {
    sampledNs_ = nowNs;
    const bool keep = options_.sampleNs != 0 && Recording();
    for (const auto& process : processes_) {
      if (!process->finished()) process->Sample(keep, clock_.Before());
    }
  }
}

bool Collector::AnyAlive() const {
  return std::any_of(processes_.begin(), processes_.end(),
                     [](const auto& each) { return !each->finished(); });
}

bool Collector::AnyComing(std::uint64_t nowNs) {
  if (stopped_) return false;
  if (overSinceNs_ == 0) overSinceNs_ = nowNs;
  // What is linked statically, or cleared its environment, never comes.
  if (nowNs - overSinceNs_ > kComingNs) return false;
  const bool any = !ProcessesWith(std::string(kFolderVariable) + "=" + options_.folder).empty();
  // In the middle of an exec a process has no environment: one look does not tell.
  looksInVain_ = any ? 0 : looksInVain_ + 1;
  return looksInVain_ < 2;
}

void Collector::Sleep(std::uint64_t ns) {
  control_->asleep.store(1);
  // Who passed the half of a ring before that did not wake us.
  const bool much = std::any_of(processes_.begin(), processes_.end(),
                                [](const auto& each) { return !each->finished() && each->HasMuch(); });
  const timespec longest{0, static_cast<long>(ns)};
  if (!much) syscall(SYS_futex, &control_->asleep, FUTEX_WAIT, 1, &longest, nullptr, 0);
  control_->asleep.store(0);
}

void Collector::Listen() {
  pollfd input{inputEnded_ ? -1 : STDIN_FILENO, POLLIN, 0};
  if (poll(&input, 1, 0) <= 0) return;
  char text[256];
  const ssize_t got = read(STDIN_FILENO, text, sizeof(text));
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got <= 0)
    inputEnded_ = true;
  else if (std::string_view(text, static_cast<std::size_t>(got)).find("stop") != std::string_view::npos)
    Leave();
}

void Collector::Leave() {
  Stop("asked");
  leaving_ = true;
}

void Collector::Run() {
  std::uint64_t sleepNs = kLongestSleepNs;
  for (;;) {
    const std::uint64_t nowNs = MonotonicNs();
    control_->heartbeat.fetch_add(1, std::memory_order_relaxed);
    const std::uint64_t announced = control_->announced.load(std::memory_order_acquire);
    if (announced != announced_ || nowNs - searchedNs_ >= kSearchNs) {
      announced_ = announced;
      searchedNs_ = nowNs;
      FindProcesses();
    }
    const double fullest = Drain();
    KeepTime(nowNs);
    KeepLimits();
    if (nowNs - lookedAfterNs_ >= kLookAfterNs) {
      lookedAfterNs_ = nowNs;
      LookAfter(nowNs);
    }
    if (nowNs - saidNs_ >= kProgressNs) {
      saidNs_ = nowNs;
      SayProgress(Totals(), Recording());
    }
    if (leaving_) break;
    if (inputEnded_ && !AnyAlive()) {
      // In this order: who is not on the way any more has arrived, also if it came and went unseen.
      const bool anyComing = AnyComing(nowNs);
      FindProcesses();
      if (!anyComing && !AnyAlive()) break;
    }
    if (fullest > kFull)
      sleepNs = std::max(kShortestSleepNs, sleepNs / 2);
    else if (fullest < kEmpty)
      sleepNs = std::min(kLongestSleepNs, sleepNs + sleepNs / 4);
    if (fullest < 1) Sleep(sleepNs);
    Listen();
  }
  control_->mode.store(Mode::kStop);
  for (const auto& process : processes_) Finish(*process);
  Conclude();
}

const RecordedProcess* Collector::ParentOf(const RecordedProcess& child) const {
  // The image that the parent was at the fork: it may have become another program since, or its number
  // another's.
  const RecordedProcess* parent = nullptr;
  for (const auto& each : processes_) {
    if (each.get() == &child || each->header().pid != child.header().parentPid) continue;
    const std::uint64_t start = each->header().startTicks;
    if (start <= child.header().startTicks && (parent == nullptr || start >= parent->header().startTicks))
      parent = each.get();
  }
  return parent;
}

std::uint64_t Collector::GivePopulation(const RecordedProcess& process) const {
  const RecordedProcess* parent = process.header().forked != 0 ? ParentOf(process) : nullptr;
  if (parent == nullptr || process.output().error() != 0) return 0;
  try {
    const std::uint64_t ticks = process.header().startTicks;
    const std::vector<LiveBlock> blocks = LiveAt(parent->path(), ticks);
    const int error = PrependPopulation(process.path(), blocks, process.header().pid, ticks);
    if (error == 0) return blocks.size();
    SayFailure("population",
               "could not give " + process.path() + " what its parent had: " + OutputErrorText(error));
  } catch (const TraceError& trouble) {
    SayFailure("population",
               "could not read what the parent of " + process.path() + " had: " + trouble.what());
  }
  return 0;
}

void Collector::Conclude() {
  std::vector<const RecordedProcess*> byStart;
  for (const auto& process : processes_) byStart.push_back(process.get());
  // A parent has to have its own parent's blocks before its children get theirs.
  std::stable_sort(byStart.begin(), byStart.end(), [](const auto* a, const auto* b) {
    return a->header().startTicks < b->header().startTicks;
  });
  std::map<const RecordedProcess*, std::uint64_t> inherited;
  for (const RecordedProcess* process : byStart) inherited[process] = GivePopulation(*process);
  for (const auto& process : processes_) SayProcess(*process, inherited[process.get()]);
  SayEnd(MallocNsPerEvent());
}

}  // namespace rmem::record
