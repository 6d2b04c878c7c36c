// SPDX-License-Identifier: Apache-2.0
#include "alert/sinks/fd_writer.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace gyr {
namespace {

// The other end of a non-blocking stdout is slow: wait instead of spinning.
void wait_writable(int fd) {
  pollfd entry{.fd = fd, .events = POLLOUT, .revents = 0};
  poll(&entry, 1, 1000);
}

// A file begun anew has no cut line.
bool is_empty_file(int fd) {
  struct stat st {};
  return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0;
}

}  // namespace

void FdWriter::add_line(std::string_view line) {
  buffer_ += line;
  buffer_ += '\n';
}

SinkStatus FdWriter::flush(std::string* reason) {
  if (cut_ && !buffer_.empty() && !is_empty_file(fd_)) buffer_.insert(buffer_.begin(), '\n');
  std::string_view left = buffer_;
  SinkStatus status = SinkStatus::Ok;
  while (!left.empty() && status == SinkStatus::Ok) {
    const ssize_t written = ::write(fd_, left.data(), left.size());
    if (written >= 0) {
      left.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      wait_writable(fd_);
    } else if (errno == EPIPE) {
      status = SinkStatus::Closed;
    } else if (errno != EINTR) {
      *reason = std::strerror(errno);
      status = SinkStatus::Failed;
    }
  }
  const size_t written = buffer_.size() - left.size();
  if (written > 0) cut_ = buffer_[written - 1] != '\n';
  buffer_.clear();
  return status;
}

}  // namespace gyr
