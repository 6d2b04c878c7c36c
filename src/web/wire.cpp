// SPDX-License-Identifier: Apache-2.0
#include "web/wire.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "web/server.h"

namespace gyr {

Wire::Wire(int fd)
    : fd_(fd), until_(Clock::now() + std::chrono::seconds(WebServer::kRequestSeconds)) {}

bool Wire::begin_tls(const Tls& tls) {
  tls_ = tls.begin(fd_);
  return tls_ != nullptr && run_tls([this] { return tls_->accept(); });
}

void Wire::begin_answer() {
  late_ = false;
  until_ = Clock::now() + std::chrono::seconds(WebServer::kAnswerSeconds);
}

// False when the time is over, or the poll failed.
bool Wire::wait_for(short events) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until_ - Clock::now()).count();
    late_ = left <= 0;
    if (late_) return false;
    pollfd entry{.fd = fd_, .events = events, .revents = 0};
    const int ready = poll(&entry, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

template <class Step>
bool Wire::run_tls(Step step) {
  for (;;) {
    switch (step()) {
      case TlsSession::Step::Done:
        return true;
      case TlsSession::Step::Failed:
        return false;
      case TlsSession::Step::WantsRead:
        if (!wait_for(POLLIN)) return false;
        break;
      case TlsSession::Step::WantsWrite:
        if (!wait_for(POLLOUT)) return false;
        break;
    }
  }
}

std::string_view Wire::read() { return {buffer_.data(), receive()}; }

size_t Wire::receive() {
  if (tls_ != nullptr) {
    size_t got = 0;
    const auto step = [&] { return tls_->read(buffer_.data(), buffer_.size(), &got); };
    return run_tls(step) ? got : 0;
  }
  for (;;) {
    if (!wait_for(POLLIN)) return 0;
    const ssize_t got = recv(fd_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got >= 0) return static_cast<size_t>(got);
    if (errno != EAGAIN && errno != EINTR) return 0;
  }
}

bool Wire::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t sent = send_some(bytes);
    if (sent == 0) return false;
    bytes.remove_prefix(sent);
  }
  return true;
}

size_t Wire::send_some(std::string_view bytes) {
  if (tls_ != nullptr) {
    size_t sent = 0;
    const auto step = [&] { return tls_->write(bytes.data(), bytes.size(), &sent); };
    return run_tls(step) ? sent : 0;
  }
  for (;;) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) return static_cast<size_t>(sent);
    if (errno != EAGAIN && errno != EINTR) return 0;
    if (!wait_for(POLLOUT)) return 0;
  }
}

void Wire::finish() {
  if (tls_ != nullptr) tls_->say_goodbye();
  ::shutdown(fd_, SHUT_WR);
  constexpr auto kLinger = std::chrono::milliseconds(200);
  constexpr int kRounds = 16;
  until_ = Clock::now() + kLinger;
  for (int i = 0; i < kRounds && wait_for(POLLIN); ++i) {
    if (recv(fd_, buffer_.data(), buffer_.size(), MSG_DONTWAIT) <= 0) return;
  }
}

}  // namespace gyr
