// SPDX-License-Identifier: Apache-2.0
// Starts a command that waits, just before its program, until it is let go.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "source/ptrace_filter.h"

namespace gyr {

// The file that a shell would run for the name: with a slash it is a path, else PATH is searched.
Result<std::string> find_program(const std::string& name);

class Launch {
 public:
  // Forks. The child shares our standard streams, terminal and process group; its signals are as a
  // new program expects them.
  static Result<Launch> start(const std::vector<std::string>& command,
                              const std::vector<FilterStep>& filter, bool no_new_privileges);
  Launch(Launch&& other) noexcept;
  Launch& operator=(Launch&& other) = delete;
  Launch(const Launch&) = delete;
  ~Launch();  // a child that was not let go ends

  pid_t pid() const { return pid_; }
  void let_go();
  // After the child has ended without starting its program: why.
  Error failure() const;

 private:
  Launch() = default;
  std::string program_;
  pid_t pid_ = -1;
  int go_ = -1;
  int failed_ = -1;
};

}  // namespace gyr
