// SPDX-License-Identifier: Apache-2.0
#include "web/connections.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace gyr {
namespace {

void cut(Connections::Connection* connection) {
  connection->cut = true;
  ::shutdown(connection->fd, SHUT_RDWR);
}

}  // namespace

size_t Connections::count() const {
  const std::lock_guard lock(mutex_);
  return open_.size();
}

size_t Connections::count_uncut() const {
  const std::lock_guard lock(mutex_);
  return static_cast<size_t>(
      std::count_if(open_.begin(), open_.end(), [](const Connection& each) { return !each.cut; }));
}

Connections::Entry Connections::add(int fd) {
  const std::lock_guard lock(mutex_);
  return open_.insert(open_.end(), {.fd = fd});
}

void Connections::set_asked(Entry entry) {
  const std::lock_guard lock(mutex_);
  entry->asked = true;
}

void Connections::close(Entry entry) {
  const std::lock_guard lock(mutex_);
  ::close(entry->fd);
  open_.erase(entry);
}

void Connections::cut_oldest() {
  const std::lock_guard lock(mutex_);
  const auto oldest = std::find_if(open_.begin(), open_.end(),
                                   [](const Connection& each) { return !each.asked && !each.cut; });
  if (oldest != open_.end()) cut(&*oldest);
}

void Connections::cut_all() {
  const std::lock_guard lock(mutex_);
  for (Connection& each : open_) cut(&each);
}

}  // namespace gyr
