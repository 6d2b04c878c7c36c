// SPDX-License-Identifier: Apache-2.0
#include "alert/sinks/line_writer.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace gyr {
namespace {

// Whether the other end of a non-blocking descriptor has room again.
bool wait_writable(int fd, int timeout_ms) {
  pollfd entry{.fd = fd, .events = POLLOUT, .revents = 0};
  return poll(&entry, 1, timeout_ms) != 0;
}

// A file begun anew has no cut line.
bool is_empty_file(int fd) {
  struct stat st {};
  return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0;
}

// Of `batch` the lines that end within the first `bytes` bytes behind `before`.
size_t lines_within(std::span<const Outgoing> batch, size_t before, size_t bytes) {
  size_t count = 0;
  for (size_t end = before; count < batch.size(); ++count) {
    end += batch[count].line.size() + 1;
    if (end > bytes) break;
  }
  return count;
}

}  // namespace

SinkResult LineWriter::write(std::span<const Outgoing> batch, int patience_ms) {
  std::string text;
  // A rest belongs to the first of the batch, which was offered before.
  size_t before = 0;
  const bool goes_on = !rest_.empty();
  if (goes_on) {
    text = std::move(rest_);
    rest_.clear();
  } else if (cut_ && !is_empty_file(fd_)) {
    text = "\n";
    before = 1;
  }
  for (const Outgoing& alert : goes_on ? batch.subspan(1) : batch) {
    text += alert.line;
    text += '\n';
  }
  const size_t first = goes_on ? text.find('\n') + 1 : 0;
  std::string_view left = text;
  SinkResult result;
  while (!left.empty() && result.status == SinkStatus::Ok) {
    const ssize_t got = ::write(fd_, left.data(), left.size());
    if (got >= 0) {
      left.remove_prefix(static_cast<size_t>(got));
    } else if (errno == EAGAIN) {
      if (!wait_writable(fd_, patience_ms)) result.status = SinkStatus::Busy;
    } else if (errno == EPIPE) {
      result = {.status = SinkStatus::Closed, .reason = "nobody reads it"};
    } else if (errno != EINTR) {
      result = {.status = SinkStatus::Failed, .reason = std::strerror(errno)};
    }
  }
  const size_t done = text.size() - left.size();
  written_ += done;
  if (done > 0) cut_ = text[done - 1] != '\n';
  if (result.status == SinkStatus::Ok) return result;
  if (goes_on) {
    result.accepted = done >= first ? 1 + lines_within(batch.subspan(1), first, done) : 0;
  } else {
    result.accepted = lines_within(batch, before, done);
  }
  if (result.status == SinkStatus::Busy && cut_) {
    rest_ = left.substr(0, left.find('\n') + 1);
  }
  return result;
}

}  // namespace gyr
