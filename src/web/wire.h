// SPDX-License-Identifier: Apache-2.0
// One connection's bytes, plain or with TLS. Whoever is slow is left behind: the request as a
// whole, handshake included, has kRequestSeconds, and its answer kAnswerSeconds.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>

#include "web/tls.h"

namespace gyr {

class Wire {
 public:
  // The socket is non-blocking, and stays the caller's. The time of the request begins.
  explicit Wire(int fd);

  bool begin_tls(const Tls& tls);
  // Some bytes, valid until the next call; none when nothing more comes.
  std::string_view read();
  // Nothing more came because the time was over.
  bool is_late() const { return late_; }

  void begin_answer();
  // False when the other side takes no more, or not in time.
  bool write(std::string_view bytes);
  // So that the other side gets the answer and no reset, though it may have sent more than was
  // read.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;

  bool wait_for(short events);
  // Repeats a step of TLS until it is done, failed, or the time is over.
  template <class Step>
  bool run_tls(Step step);
  size_t receive();
  size_t send_some(std::string_view bytes);

  int fd_;
  std::unique_ptr<TlsSession> tls_;
  Clock::time_point until_;
  bool late_ = false;
  std::array<char, 4096> buffer_;
};

}  // namespace gyr
