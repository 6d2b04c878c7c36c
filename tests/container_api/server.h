// SPDX-License-Identifier: Apache-2.0
// A server at a unix socket that answers as a test wants it, and well-meaning and ill-meaning ways
// to answer.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace gyr::test {

class Folder {
 public:
  Folder() {
    std::string name = testing::TempDir() + "gyr_api_XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path;
};

// Serves one connection after the other until it goes. `serve` gets the connection's descriptor.
class Server {
 public:
  using Serve = std::function<void(int fd)>;
  Server(const std::string& path, Serve serve) : serve_(std::move(serve)) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    EXPECT_LT(path.size(), sizeof address.sun_path);
    std::memcpy(address.sun_path, path.c_str(), path.size());
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << path;
    EXPECT_EQ(listen(fd_, 16), 0);
    thread_ = std::thread([this] { run(); });
  }
  ~Server() {
    stop_ = true;
    thread_.join();
    close(fd_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  int connections() const { return connections_; }
  const std::atomic<bool>& stopping() const { return stop_; }

 private:
  void run() {
    while (!stop_) {
      pollfd wait{.fd = fd_, .events = POLLIN, .revents = 0};
      if (poll(&wait, 1, 20) <= 0) continue;
      const int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      ++connections_;
      serve_(fd);
      close(fd);
    }
  }
  Serve serve_;
  int fd_ = -1;
  std::atomic<bool> stop_ = false;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

inline bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

// --- ways to answer badly, whatever the protocol

inline Server::Serve hang_up() {
  return [](int) {};
}
inline Server::Serve silence(std::chrono::milliseconds how_long) {
  return [how_long](int) { std::this_thread::sleep_for(how_long); };
}
inline Server::Serve garbage() {
  return [](int fd) {
    std::string bytes(70000, '\0');
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7919 >> 3);
    send_all(fd, bytes);
  };
}
// `head`, then 100 MB.
inline Server::Serve flood(std::string head) {
  return [head = std::move(head)](int fd) {
    send_all(fd, head);
    const std::string block(1 << 20, 'x');
    for (int i = 0; i < 100 && send_all(fd, block); ++i) {
    }
  };
}
// A byte now and then, for ever: no single wait is long.
inline Server::Serve trickle(std::string bytes, std::chrono::milliseconds how_long) {
  return [bytes = std::move(bytes), how_long](int fd) {
    const auto end = std::chrono::steady_clock::now() + how_long;
    for (size_t i = 0; std::chrono::steady_clock::now() < end; ++i) {
      if (!send_all(fd, std::string_view(&bytes[i % bytes.size()], 1))) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  };
}

// --- HTTP

// As far as the empty line; without it, all that came.
inline std::string read_request(int fd) {
  std::string request;
  char buffer[4096];
  while (request.find("\r\n\r\n") == std::string::npos) {
    const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
    if (got <= 0) break;
    request.append(buffer, static_cast<size_t>(got));
  }
  return request;
}

// Answers by the path that is asked for; "" is 404.
inline Server::Serve http(std::function<std::string(const std::string& path)> answer) {
  return [answer = std::move(answer)](int fd) {
    const std::string request = read_request(fd);
    if (request.size() < 4) return;
    const std::string path = request.substr(4, request.find(' ', 4) - 4);
    const std::string body = answer(path);
    send_all(fd, body.empty() ? "HTTP/1.0 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"
                              : "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + body);
  };
}

}  // namespace gyr::test
