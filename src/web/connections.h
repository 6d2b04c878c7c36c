// SPDX-License-Identifier: Apache-2.0
// The connections that are open, and the way to end one of them from another thread.
#pragma once

#include <cstddef>
#include <list>
#include <mutex>

namespace gyr {

// Thread-safe.
class Connections {
 public:
  struct Connection {
    const int fd;
    bool asked = false;  // its request is there
    bool cut = false;    // whoever reads from it sees its end
  };
  using Entry = std::list<Connection>::iterator;

  size_t count() const;
  size_t count_uncut() const;
  // Valid until it is closed.
  Entry add(int fd);
  void set_asked(Entry entry);
  void close(Entry entry);
  // The oldest of those that have not asked.
  void cut_oldest();
  void cut_all();

 private:
  mutable std::mutex mutex_;
  std::list<Connection> open_;  // oldest first
};

}  // namespace gyr
