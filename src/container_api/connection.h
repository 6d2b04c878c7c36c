// SPDX-License-Identifier: Apache-2.0
// A connection to the socket of a runtime: everything over it together ends in time, and at once
// when the asker is to stop.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "container/metadata.h"

namespace gyr {

// Of one socket. `root`: HOST_ROOT, "" for this file system. `stop_fd` becomes readable when all
// waiting is to end; -1: never.
struct ApiPlace {
  std::string root;
  std::string path;
  int stop_fd = -1;
  std::chrono::milliseconds timeout{1000};
};

// What came back, or why nothing did (then `why` is not Known).
struct ApiAnswer {
  WhyMissing why = WhyMissing::Known;
  std::string body{};
};

class ApiConnection {
 public:
  // Symbolic links on the path are resolved below the root and never lead out of it, so a path of
  // the host is never one of our own container. ok() tells whether it worked.
  explicit ApiConnection(const ApiPlace& place);
  ~ApiConnection();
  ApiConnection(const ApiConnection&) = delete;
  ApiConnection& operator=(const ApiConnection&) = delete;

  bool ok() const { return why_ == WhyMissing::Known; }
  WhyMissing why() const { return why_; }
  // False after a failure or when the time is over.
  bool send(std::string_view bytes);
  // So many bytes as came; 0 at the end of the answer and after a failure.
  size_t receive(std::span<char> into);

 private:
  WhyMissing connect_to(int socket_path) const;
  bool wait_for(short events);
  bool fail(WhyMissing why);

  const int stop_fd_;
  const std::chrono::steady_clock::time_point deadline_;
  int fd_ = -1;
  WhyMissing why_ = WhyMissing::Known;
};

}  // namespace gyr
