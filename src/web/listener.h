// SPDX-License-Identifier: Apache-2.0
// The socket at which the server listens.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace gyr {

class Listener {
 public:
  // `address`: IPv4 or IPv6 ("::" takes both). Port 0: any free one. The port is ours alone: a
  // second program that would listen there is refused. The error names address and port.
  static Result<std::unique_ptr<Listener>> open(const std::string& address, uint16_t port);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  uint16_t port() const { return port_; }

  // Waits for a connection, which is non-blocking and the caller's. An error when there is none to
  // be had for now, because of a lack of descriptors, say, or after stop().
  Result<int> accept();
  // Returns after `ms`, or at once after stop().
  void pause(int ms) const;
  // From any thread: accept() and pause() return, now and later.
  void stop();
  bool stopped() const { return stopped_; }

 private:
  Listener(int fd, int wake) : fd_(fd), wake_(wake) {}

  int fd_;
  int wake_;  // an eventfd
  uint16_t port_ = 0;
  std::atomic<bool> stopped_ = false;
};

}  // namespace gyr
