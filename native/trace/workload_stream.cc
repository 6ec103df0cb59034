#include "trace/workload_stream.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "trace/trace_error.h"

namespace rmem {

bool WorkloadStream::Fill() {
  if (next_ == end_) return false;
  buffer_.resize(bufferBytes_);
  const std::size_t wanted = std::min<std::uint64_t>(bufferBytes_, end_ - next_);
  ssize_t got;
  do {
    got = pread(fd_, buffer_.data(), wanted, static_cast<off_t>(next_));
  } while (got < 0 && errno == EINTR);
  if (got < 0)
    throw TraceError("io", std::string("the workload can't be read: ").append(std::strerror(errno)));
  if (got == 0) throw TraceError("io", "the workload became shorter while it was read");
  at_ = 0;
  filled_ = static_cast<std::size_t>(got);
  next_ += filled_;
  return true;
}

void WorkloadStream::Overflow() const {
  throw TraceError("bad-record", "a number does not fit into 64 bits").AtByte(offset());
}

}  // namespace rmem
