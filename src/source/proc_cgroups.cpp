// SPDX-License-Identifier: Apache-2.0
#include "source/proc_cgroups.h"

#include <algorithm>

#include "base/text.h"

namespace gyr {
namespace {
constexpr size_t kFileLimit = 64ul * 1024;
constexpr size_t kPathsMax = 4096;  // remembered; then the memory starts anew
}  // namespace

CgroupPaths::CgroupPaths(const Files& files) : files_(files) {
  for (const char* mount : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    if (files_.read(std::string(mount) + "/cgroup.controllers", kFileLimit)) mount_ = mount;
  }
}

std::vector<std::string> CgroupPaths::controllers_at(const std::string& path) const {
  std::vector<std::string> names;
  const auto text = files_.read(mount_ + path + "/cgroup.controllers", kFileLimit);
  if (!text) return names;
  for (const std::string_view name : split(trim(*text), ' ')) {
    if (!name.empty()) names.emplace_back(name);
  }
  return names;
}

// A controller counts where it is first met on the way up: a group may leave it to its parent.
const std::string& CgroupPaths::unified(const std::string& path) {
  if (unified_.size() >= kPathsMax) unified_.clear();
  const auto [entry, fresh] = unified_.try_emplace(path);
  if (!fresh || mount_.empty()) return entry->second;
  const std::vector<std::string> all = controllers_at("");
  std::vector<std::string> met;
  std::string at = path;
  while (met.size() < all.size()) {
    for (std::string& name : controllers_at(at == "/" ? "" : at)) {
      if (std::find(met.begin(), met.end(), name) != met.end()) continue;
      entry->second.append(name).append(1, '=').append(at).append(1, '\0');
      met.push_back(std::move(name));
    }
    if (at.empty() || at == "/") break;
    const size_t slash = at.rfind('/');
    at = slash == 0 || slash == std::string::npos ? "/" : at.substr(0, slash);
  }
  return entry->second;
}

std::string CgroupPaths::of(const std::string& dir) {
  std::string list;
  const auto text = files_.read(dir + "/cgroup", kFileLimit);
  if (!text) return list;
  for (const std::string_view line : split(*text, '\n')) {
    const size_t first = line.find(':');
    if (first == std::string_view::npos) continue;
    const size_t second = line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string path(line.substr(second + 1));
    if (controllers.empty()) {
      if (line.starts_with("0:")) list += unified(path);
      continue;
    }
    for (const std::string_view name : split(controllers, ',')) {
      if (name.starts_with("name=")) continue;  // a hierarchy without a controller
      list += std::string(name) + "=" + path + '\0';
    }
  }
  return list;
}

}  // namespace gyr
