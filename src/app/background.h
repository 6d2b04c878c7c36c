// SPDX-License-Identifier: Apache-2.0
// -d: detection in the background, as service units of type "forking" and old init scripts expect
// it: the process they start ends once detection runs, with 0, or with its status when it cannot.
#pragma once

#include <optional>

namespace gyr::app {

class Background {
 public:
  Background() = default;
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // Call it before there are threads. In the process that was started: its exit status, once the
  // other is ready or has ended. In the other, which has a session of its own: nothing.
  std::optional<int> enter();
  // Lets the first process end; standard streams lead nowhere from here on. Does nothing without
  // enter(), and when it is called again.
  void ready();

 private:
  int ready_fd_ = -1;
};

}  // namespace gyr::app
