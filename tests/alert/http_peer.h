// SPDX-License-Identifier: Apache-2.0
// An HTTP server on 127.0.0.1 that answers as badly as a test wants.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "alert/alert_fixtures.h"

namespace gyr {

struct HttpRequest {
  std::string head;
  std::string body;

  std::string header(const std::string& name) const {
    const size_t at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "";
    const size_t begin = at + name.size() + 4;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
};

class HttpPeer {
 public:
  // Answers request `number` (from 0) on `fd`; what it leaves open is closed for it.
  using Script = std::function<void(HttpPeer& peer, int fd, size_t number)>;

  explicit HttpPeer(Script script, uint16_t port = 0) : script_(std::move(script)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~HttpPeer() {
    stop_ = true;
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  HttpPeer(const HttpPeer&) = delete;
  HttpPeer& operator=(const HttpPeer&) = delete;

  uint16_t port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/alerts"; }
  bool stopped() const { return stop_; }
  std::vector<HttpRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  size_t count() const { return requests().size(); }

  static void say(int fd, const std::string& text) {
    [[maybe_unused]] const ssize_t ignored = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
  }
  static void answer(int fd, const std::string& status, const std::string& headers = "",
                     const std::string& body = "") {
    say(fd, "HTTP/1.1 " + status + "\r\n" + headers +
                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  // A port where nobody listens.
  static uint16_t free_port() {
    return HttpPeer([](HttpPeer&, int, size_t) {}).port();
  }

 private:
  void serve() {
    while (!stop_) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      // Whoever waits for nothing looks up now and then.
      const timeval pause{.tv_sec = 0, .tv_usec = 20'000};
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof pause);
      std::string unread;
      HttpRequest request;
      while (!stop_ && receive(fd, &unread, &request)) {
        size_t number = 0;
        {
          const std::lock_guard lock(mutex_);
          number = requests_.size();
          requests_.push_back(request);
        }
        script_(*this, fd, number);
      }
      close(fd);
    }
  }
  bool receive(int fd, std::string* unread, HttpRequest* request) {
    for (;;) {
      const size_t end = unread->find("\r\n\r\n");
      if (end != std::string::npos) {
        request->head = unread->substr(0, end + 2);
        const size_t length = std::stoul("0" + request->header("Content-Length"));
        if (unread->size() >= end + 4 + length) {
          request->body = unread->substr(end + 4, length);
          unread->erase(0, end + 4 + length);
          return true;
        }
      }
      char bytes[65536];
      const ssize_t got = recv(fd, bytes, sizeof bytes, 0);
      if (got > 0) unread->append(bytes, static_cast<size_t>(got));
      if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR) || stop_) return false;
    }
  }

  Script script_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::vector<HttpRequest> requests_;
  std::thread thread_;
};

}  // namespace gyr
