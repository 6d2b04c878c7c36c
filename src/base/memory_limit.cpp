// SPDX-License-Identifier: Apache-2.0
#include "base/memory_limit.h"

#include <charconv>
#include <string_view>

#include "base/text.h"

namespace gyr {
namespace {

constexpr size_t kFileLimit = 64ul * 1024;
constexpr std::string_view kGroups = "/sys/fs/cgroup";
// Version 1 writes "no limit" as the largest number of whole pages.
constexpr uint64_t kNoLimit = 1ull << 60;

std::optional<uint64_t> limit_in(const Files& files, const std::string& path) {
  const auto text = files.read(path, kFileLimit);
  if (!text) return std::nullopt;
  const std::string_view number = trim(*text);
  uint64_t bytes = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), bytes);
  if (read.ec != std::errc{} || bytes >= kNoLimit) return std::nullopt;
  return bytes;
}

// Of the group `path` below `mount` and all above it.
void add_limits(const Files& files, const std::string& mount, std::string path,
                std::string_view name, std::optional<MemoryLimit>* least) {
  if (path.find("/..") != std::string::npos) path.clear();  // of another namespace of groups
  while (path.ends_with('/')) path.pop_back();
  for (;;) {
    const std::string file = mount + path + "/" + std::string(name);
    const auto bytes = limit_in(files, file);
    if (bytes && (!*least || *bytes < (*least)->bytes)) *least = MemoryLimit{*bytes, file};
    if (path.empty()) return;
    path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
  }
}

}  // namespace

std::optional<MemoryLimit> memory_limit(const Files& own) {
  const auto groups = own.read("/proc/self/cgroup", kFileLimit);
  if (!groups) return std::nullopt;
  std::optional<MemoryLimit> least;
  for (const std::string_view line : split(*groups, '\n')) {
    const std::vector<std::string_view> parts = split(line, ':');
    if (parts.size() < 3) continue;
    const std::string path(line.substr(parts[0].size() + parts[1].size() + 2));
    const std::string top(kGroups);
    if (parts[1].empty()) {
      add_limits(own, top, path, "memory.max", &least);
      add_limits(own, top + "/unified", path, "memory.max", &least);
    }
    for (const std::string_view controller : split(parts[1], ',')) {
      if (controller != "memory") continue;
      add_limits(own, top + "/memory", path, "memory.limit_in_bytes", &least);
    }
  }
  return least;
}

}  // namespace gyr
