// SPDX-License-Identifier: Apache-2.0
// Asks the APIs of the runtimes on a thread of its own.
//
// Guarantees: ask() and take() never wait. Each question that was taken is answered once: with what
// an API told, else with the reason of the last failure, after kAttempts attempts with pauses. One
// connection at a time; a socket that did not answer in time is left alone for a while. Only the
// configured sockets are ever connected to. Everything is bounded; the destructor waits for
// no answer.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "container/question.h"
#include "container_api/settings.h"

namespace gyr {

struct ContainerAskerTimes {
  using ms = std::chrono::milliseconds;
  ms timeout{1000};        // of one exchange
  ms first_pause{250};     // between attempts; four times as long each time
  ms shortest_rest{1000};  // of a socket that did not answer; doubles each time
  ms longest_rest{30000};
};

class ContainerAsker {
 public:
  // `root`: HOST_ROOT, "" for this file system.
  ContainerAsker(ContainerApiSettings settings, std::string root, ContainerAskerTimes times = {});
  ~ContainerAsker();
  ContainerAsker(const ContainerAsker&) = delete;
  ContainerAsker& operator=(const ContainerAsker&) = delete;

  static constexpr size_t kWaiting = 1024;  // questions that are not answered yet
  static constexpr int kAttempts = 4;

  // Starts its thread, which the first question does else. What it may do it takes from the calling
  // thread: to connect to sockets that belong to others (CAP_DAC_OVERRIDE), and nothing more.
  void start();
  // ApiPending: taken. ApiOff: none of its APIs is to be asked. ApiBusy: too many wait.
  WhyMissing ask(ContainerQuestion question);
  // An answer, if there is one. Cheap when there is none.
  std::optional<ContainerReply> take();

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace gyr
