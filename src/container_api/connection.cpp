// SPDX-License-Identifier: Apache-2.0
#include "container_api/connection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace gyr {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

WhyMissing why_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return WhyMissing::ApiAbsent;
    case EAGAIN:  // its queue of connections is full
      return WhyMissing::ApiTimeout;
    default:
      return WhyMissing::ApiRefused;
  }
}

// A descriptor that stands for the socket's path, or the error number less than 0.
int open_path(const ApiPlace& place) {
  const std::string root_path = place.root.empty() ? "/" : place.root;
  const int root = open(root_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) return -errno;
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const auto fd =
      static_cast<int>(syscall(SYS_openat2, root, place.path.c_str(), &how, sizeof how));
  const int error = errno;
  close(root);
  return fd < 0 ? -error : fd;
}

}  // namespace

ApiConnection::ApiConnection(const ApiPlace& place)
    : stop_fd_(place.stop_fd), deadline_(steady_clock::now() + place.timeout) {
  const int path = open_path(place);
  if (path < 0) {
    why_ = why_of(-path);
    return;
  }
  struct stat st {};
  if (fstat(path, &st) != 0 || !S_ISSOCK(st.st_mode)) {
    why_ = WhyMissing::ApiRefused;
  } else {
    fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    why_ = fd_ < 0 ? WhyMissing::ApiRefused : connect_to(path);
  }
  close(path);
}

ApiConnection::~ApiConnection() {
  if (fd_ >= 0) close(fd_);
}

// By the descriptor: the socket that was looked at is the one that is asked, however long its name.
WhyMissing ApiConnection::connect_to(int socket_path) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = fmt::format("/proc/self/fd/{}", socket_path);
  std::memcpy(address.sun_path, name.data(), std::min(name.size(), sizeof address.sun_path - 1));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  return connect(fd_, generic, sizeof address) == 0 ? WhyMissing::Known : why_of(errno);
}

bool ApiConnection::fail(WhyMissing why) {
  if (ok()) why_ = why;
  return false;
}

bool ApiConnection::wait_for(short events) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline_ - steady_clock::now());
    if (left <= milliseconds(0)) return fail(WhyMissing::ApiTimeout);
    pollfd waits[] = {{.fd = fd_, .events = events, .revents = 0},
                      {.fd = stop_fd_, .events = POLLIN, .revents = 0}};
    const int ready = poll(waits, 2, static_cast<int>(left.count()));
    if (ready < 0 && errno != EINTR) return fail(WhyMissing::ApiRefused);
    if (ready > 0 && waits[1].revents != 0) return fail(WhyMissing::ApiTimeout);
    if (ready > 0) return true;
  }
}

bool ApiConnection::send(std::string_view bytes) {
  while (ok() && !bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      if (!wait_for(POLLOUT)) return false;
    } else if (errno != EINTR) {
      return fail(WhyMissing::ApiDamaged);
    }
  }
  return ok();
}

size_t ApiConnection::receive(std::span<char> into) {
  while (ok() && wait_for(POLLIN)) {
    const ssize_t got = recv(fd_, into.data(), into.size(), 0);
    if (got >= 0) return static_cast<size_t>(got);
    if (errno != EAGAIN && errno != EINTR) fail(WhyMissing::ApiDamaged);
  }
  return 0;
}

}  // namespace gyr
