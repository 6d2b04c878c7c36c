// SPDX-License-Identifier: Apache-2.0
#include "base/thread.h"

#include <pthread.h>

#include <csignal>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace gyr {

Result<std::thread> start_thread(std::function<void()> run) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread;
  std::optional<Error> failed;
  try {
    thread = std::thread(std::move(run));
  } catch (const std::system_error& error) {
    failed = Error{std::string("cannot start a thread: ") + error.what()};
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (failed) return *std::move(failed);
  return thread;
}

}  // namespace gyr
