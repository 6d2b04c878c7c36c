// SPDX-License-Identifier: Apache-2.0
// -P: a file with the process id while detection runs. A lock on it tells a running process from
// the file that a killed one left; nothing but a pid file is ever written over.
#pragma once

#include <string>

#include "base/result.h"

namespace gyr::app {

inline constexpr int kNoPidfile = 255;  // exit status, as the reference's

class Pidfile {
 public:
  Pidfile() = default;
  // Removes the file, if it still is the one that was written.
  ~Pidfile();
  Pidfile(const Pidfile&) = delete;
  Pidfile& operator=(const Pidfile&) = delete;

  // An error names the file: it cannot be opened, is a symbolic link, has several names, holds
  // something else than a number, or belongs to a process that runs.
  Result<void> write(const std::string& path);

 private:
  std::string path_;
  int fd_ = -1;
};

}  // namespace gyr::app
