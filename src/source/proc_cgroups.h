// SPDX-License-Identifier: Apache-2.0
// The cgroups of a thread as "controller=path" entries that each end in NUL, from /proc/…/cgroup.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/system.h"

namespace gyr {

class CgroupPaths {
 public:
  explicit CgroupPaths(const Files& files);
  // `dir`: /proc/PID or /proc/PID/task/TID. Empty when it cannot be read.
  std::string of(const std::string& dir);

 private:
  const std::string& unified(const std::string& path);
  std::vector<std::string> controllers_at(const std::string& path) const;

  const Files& files_;
  std::string mount_;  // of the version 2 hierarchy
  std::unordered_map<std::string, std::string> unified_;
};

}  // namespace gyr
