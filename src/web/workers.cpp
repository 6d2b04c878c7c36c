// SPDX-License-Identifier: Apache-2.0
#include "web/workers.h"

#include <unistd.h>

#include "base/thread.h"
#include "web/server.h"

namespace gyr {
namespace {

// Connections beyond those that have a thread: those that were cut off and have not noticed yet,
// and where all others are being answered, those that wait for that.
constexpr size_t kWaitingMax = WebServer::kConnectionsMax;

}  // namespace

void Workers::take(int fd) {
  const size_t open = connections_.count();
  if (open >= threads_.size()) start_one();
  if (threads_.empty() || open >= WebServer::kConnectionsMax + kWaitingMax) {
    ::close(fd);
    return;
  }
  if (connections_.count_uncut() >= threads_.size()) connections_.cut_oldest();
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(connections_.add(fd));
  }
  changed_.notify_one();
}

// Where no more threads are to be had, those that there are take turns.
void Workers::start_one() {
  if (threads_.size() >= WebServer::kConnectionsMax) return;
  if (auto thread = start_thread([this] { work(); })) threads_.push_back(*std::move(thread));
}

void Workers::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return done_ || !waiting_.empty(); });
    if (done_) return;
    const Connections::Entry entry = waiting_.front();
    waiting_.pop_front();
    lock.unlock();
    serve_(entry);
    connections_.close(entry);
    lock.lock();
  }
}

void Workers::stop() {
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
    for (const Connections::Entry entry : std::exchange(waiting_, {})) connections_.close(entry);
  }
  changed_.notify_all();
  connections_.cut_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace gyr
