// SPDX-License-Identifier: Apache-2.0
#include "web/listener.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "web/server.h"

namespace gyr {
namespace {

// What may come at once, until it is accepted.
constexpr int kBacklog = 2 * static_cast<int>(WebServer::kConnectionsMax);

struct Place {
  sockaddr_storage address{};
  socklen_t size = 0;
  in_port_t* port = nullptr;
};

// False when the text is no IP address.
bool fill(const std::string& text, Place* place) {
  auto* v4 = reinterpret_cast<sockaddr_in*>(&place->address);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    place->size = sizeof(*v4);
    place->port = &v4->sin_port;
    return true;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&place->address);
  if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) != 1) return false;
  v6->sin6_family = AF_INET6;
  place->size = sizeof(*v6);
  place->port = &v6->sin6_port;
  return true;
}

Error refused(const std::string& address, uint16_t port, const char* why) {
  const bool v6 = address.find(':') != std::string::npos;
  return Error{fmt::format("webserver: cannot listen at {}{}{}:{}: {}", v6 ? "[" : "", address,
                           v6 ? "]" : "", port, why)};
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(const std::string& address, uint16_t port) {
  Place place;
  if (!fill(address, &place)) return refused(address, port, "that is no IP address");
  *place.port = htons(port);
  const int family = place.address.ss_family;
  const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return refused(address, port, std::strerror(errno));
  std::unique_ptr<Listener> listener(new Listener(fd, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
  if (listener->wake_ < 0) return refused(address, port, std::strerror(errno));
  // Not SO_REUSEPORT, with which a second program could listen at the same port.
  const int yes = 1;
  const int no = 0;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
  auto* name = reinterpret_cast<sockaddr*>(&place.address);
  if (bind(fd, name, place.size) != 0 || ::listen(fd, kBacklog) != 0 ||
      getsockname(fd, name, &place.size) != 0) {
    return refused(address, port, std::strerror(errno));
  }
  listener->port_ = ntohs(*place.port);
  return listener;
}

Listener::~Listener() {
  if (fd_ >= 0) close(fd_);
  if (wake_ >= 0) close(wake_);
}

Result<int> Listener::accept() {
  for (;;) {
    std::array<pollfd, 2> entries = {pollfd{.fd = wake_, .events = POLLIN, .revents = 0},
                                     pollfd{.fd = fd_, .events = POLLIN, .revents = 0}};
    if (poll(entries.data(), entries.size(), -1) < 0 && errno != EINTR) break;
    if (stopped()) return Error{"stopped"};
    const int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) return fd;
    // One that was gone before it was accepted is none.
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) break;
  }
  return Error{std::strerror(errno)};
}

void Listener::pause(int ms) const {
  pollfd entry{.fd = wake_, .events = POLLIN, .revents = 0};
  poll(&entry, 1, ms);
}

void Listener::stop() {
  stopped_ = true;
  const uint64_t one = 1;
  // It can only fail when the counter is full, and then there is something to wake up for.
  [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof(one));
}

}  // namespace gyr
