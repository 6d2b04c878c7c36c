// SPDX-License-Identifier: Apache-2.0
// A client over a plain socket, for tests: sends any bytes, reads to the end.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

namespace gyr {

class Client {
 public:
  explicit Client(uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0;
  }
  ~Client() {
    if (fd_ >= 0) close(fd_);
  }
  Client(Client&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return connected_; }
  Client& say(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) break;
      text.remove_prefix(static_cast<size_t>(sent));
    }
    return *this;
  }
  // Says no more, and goes on hearing.
  Client& fall_silent() {
    shutdown(fd_, SHUT_WR);
    return *this;
  }
  // Everything until the server closes.
  std::string hear() {
    std::string all;
    std::array<char, 4096> part;
    for (;;) {
      const ssize_t got = recv(fd_, part.data(), part.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return all;
      all.append(part.data(), static_cast<size_t>(got));
    }
  }
  // The server has neither said anything nor closed.
  bool is_quiet() const {
    pollfd entry{.fd = fd_, .events = POLLIN, .revents = 0};
    return poll(&entry, 1, 0) == 0;
  }

 private:
  int fd_;
  bool connected_ = false;
};

inline std::string ask(uint16_t port, std::string_view path, std::string_view method = "GET") {
  std::string request(method);
  request += " ";
  request += path;
  request += " HTTP/1.1\r\nHost: x\r\n\r\n";
  return Client(port).say(request).hear();
}

}  // namespace gyr
