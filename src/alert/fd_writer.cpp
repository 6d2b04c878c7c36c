// SPDX-License-Identifier: Apache-2.0
#include "alert/fd_writer.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace gyr {
namespace {

// The other end of a non-blocking stdout is slow: wait instead of spinning.
void wait_writable(int fd) {
  pollfd entry{.fd = fd, .events = POLLOUT, .revents = 0};
  poll(&entry, 1, 1000);
}

}  // namespace

WriteEnd FdWriter::flush(std::string* reason) {
  std::string_view left = buffer_;
  WriteEnd end = WriteEnd::Ok;
  while (!left.empty() && end == WriteEnd::Ok) {
    const ssize_t written = ::write(fd_, left.data(), left.size());
    if (written >= 0) {
      left.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      wait_writable(fd_);
    } else if (errno == EPIPE) {
      end = WriteEnd::Closed;
    } else if (errno != EINTR) {
      *reason = std::strerror(errno);
      end = WriteEnd::Failed;
    }
  }
  buffer_.clear();
  return end;
}

}  // namespace gyr
