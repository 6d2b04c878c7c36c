// SPDX-License-Identifier: Apache-2.0
#include "app/background.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "app/terminal.h"

namespace gyr::app {
namespace {

int failed(const char* what) {
  return print_error(fmt::format("-d: {}: {}", what, std::strerror(errno)));
}

// Of the first process: what becomes of the other decides.
int wait_for(pid_t child, int ready_fd) {
  char byte = 0;
  ssize_t got = 0;
  do {
    got = read(ready_fd, &byte, 1);
  } while (got < 0 && errno == EINTR);
  if (got == 1) return 0;
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

Background::~Background() {
  if (ready_fd_ >= 0) close(ready_fd_);
}

std::optional<int> Background::enter() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return failed("pipe");
  const pid_t child = fork();
  if (child < 0) return failed("fork");
  if (child > 0) {
    close(ends[1]);
    return wait_for(child, ends[0]);
  }
  close(ends[0]);
  ready_fd_ = ends[1];
  setsid();
  return std::nullopt;
}

void Background::ready() {
  if (ready_fd_ < 0) return;
  const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (nowhere >= 0) dup2(nowhere, fd);
  }
  if (nowhere > STDERR_FILENO) close(nowhere);
  [[maybe_unused]] const ssize_t told = write(ready_fd_, "", 1);
  close(ready_fd_);
  ready_fd_ = -1;
}

}  // namespace gyr::app
