// SPDX-License-Identifier: Apache-2.0
#include "app/pidfile.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace gyr::app {
namespace {

constexpr size_t kLongestContent = 32;  // a number and blanks

// What the file holds may be thrown away: nothing, or a number.
bool is_pid(std::string_view content) {
  return content.size() < kLongestContent &&
         content.find_first_not_of("0123456789 \n") == std::string_view::npos;
}

// Why a file that could be opened and locked is not written over; "" if it may be.
std::string refusal(int fd) {
  struct stat st {};
  if (fstat(fd, &st) != 0) return std::strerror(errno);
  if (!S_ISREG(st.st_mode)) return "it is no regular file";
  if (st.st_nlink != 1) return "the file has other names (hard links) too";
  char content[kLongestContent];
  const ssize_t size = pread(fd, content, sizeof content, 0);
  if (size < 0) return std::strerror(errno);
  if (!is_pid({content, static_cast<size_t>(size)})) {
    return "it holds something else than a process id, and is left as it is";
  }
  return "";
}

std::string why_not_opened(int error) {
  if (error == ELOOP) return "it is a symbolic link, which is not followed";
  return std::strerror(error);
}

}  // namespace

Result<void> Pidfile::write(const std::string& path) {
  const auto failed = [&](std::string_view why) {
    return Error{fmt::format("cannot write the pid file {}: {}", path, why)};
  };
  // A pipe is not waited for.
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
  if (fd < 0) return failed(why_not_opened(errno));
  std::string why;
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    why = errno == EWOULDBLOCK ? "a process that runs holds it" : std::strerror(errno);
  } else {
    why = refusal(fd);
  }
  const std::string pid = fmt::format("{}\n", getpid());
  if (why.empty() && (ftruncate(fd, 0) != 0 ||
                      pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))) {
    why = std::strerror(errno);
  }
  if (!why.empty()) {
    close(fd);
    return failed(why);
  }
  path_ = path;
  fd_ = fd;
  return {};
}

Pidfile::~Pidfile() {
  if (fd_ < 0) return;
  struct stat ours {};
  struct stat there {};
  const bool same = fstat(fd_, &ours) == 0 && lstat(path_.c_str(), &there) == 0 &&
                    ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
  if (same) unlink(path_.c_str());
  close(fd_);
}

}  // namespace gyr::app
