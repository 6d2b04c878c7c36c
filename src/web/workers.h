// SPDX-License-Identifier: Apache-2.0
// One thread for each open connection, started when it is first needed. When there is none, the
// oldest connection that has not asked is cut off, so that the new one waits not long.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "web/connections.h"

namespace gyr {

class Workers {
 public:
  // `serve` runs on many threads, which inherit what the caller of take() may do. The connection is
  // closed when it returns; it throws nothing.
  Workers(Connections* connections, std::function<void(Connections::Entry)> serve)
      : connections_(*connections), serve_(std::move(serve)) {}
  ~Workers() { stop(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Closes the connection at once when too many wait already.
  void take(int fd);
  // Cuts all connections and waits for the threads. Not together with take().
  void stop();

 private:
  void start_one();
  void work();

  Connections& connections_;
  std::function<void(Connections::Entry)> serve_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Connections::Entry> waiting_;  // for a thread
  std::vector<std::thread> threads_;        // of whoever calls take()
  bool done_ = false;
};

}  // namespace gyr
