// SPDX-License-Identifier: Apache-2.0
#include "metrics/resources.h"

#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"

namespace gyr {
namespace {

constexpr size_t kLimit = 1u << 20;
constexpr uint64_t kKib = 1024;
constexpr std::string_view kGroups = "/sys/fs/cgroup";

std::optional<uint64_t> number(std::string_view text) {
  text = trim(text);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

// The number behind "Name:" or "name " at the beginning of a line.
uint64_t number_after(std::string_view text, std::string_view name) {
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with(name)) return number(line.substr(name.size())).value_or(0);
  }
  return 0;
}

std::string content(const Files& files, std::string_view path) {
  return files.read(path, kLimit).value_or("");
}

// Of all CPUs, from "cpu  user nice system idle iowait irq softirq steal …" in ticks; what guests
// used is in `user` already.
double busy_percent(std::string_view stat) {
  constexpr size_t kIdle = 4;
  constexpr size_t kCounted = 9;  // "cpu" and eight numbers
  std::vector<std::string_view> words;
  for (const std::string_view word : split(stat.substr(0, stat.find('\n')), ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  if (words.size() < kCounted || words[0] != "cpu") return 0;
  double all = 0;
  double idle = 0;
  for (size_t i = 1; i < kCounted; ++i) {
    const auto ticks = static_cast<double>(number(words[i]).value_or(0));
    all += ticks;
    if (i == kIdle) idle = ticks;
  }
  return all > 0 ? 100 * (all - idle) / all : 0;
}

uint64_t used_memory(std::string_view meminfo) {
  const uint64_t total = number_after(meminfo, "MemTotal:");
  const uint64_t spare = number_after(meminfo, "MemFree:") + number_after(meminfo, "Buffers:") +
                         number_after(meminfo, "Cached:");
  return total > spare ? (total - spare) * kKib : 0;
}

}  // namespace

// "0::/path" of version 2, or "7:memory:/path" of version 1. Within a container the path is often
// that of the host, while its own group is mounted at the top.
std::string find_memory_file(const Files& files) {
  std::vector<std::string> candidates;
  const std::string groups = content(files, "/proc/self/cgroup");
  for (const std::string_view line : split(groups, '\n')) {
    const std::vector<std::string_view> parts = split(line, ':');
    if (parts.size() < 3) continue;
    const std::string path(line.substr(parts[0].size() + parts[1].size() + 2));
    if (parts[1].empty()) {
      candidates.push_back(std::string(kGroups) + path + "/memory.current");
    } else if (parts[1] == "memory") {
      candidates.push_back(std::string(kGroups) + "/memory" + path + "/memory.usage_in_bytes");
    }
  }
  candidates.push_back(std::string(kGroups) + "/memory.current");
  candidates.push_back(std::string(kGroups) + "/memory/memory.usage_in_bytes");
  for (std::string& candidate : candidates) {
    if (number(content(files, candidate))) return std::move(candidate);
  }
  return "";
}

uint64_t host_boot_ns(const Files& host) {
  return number_after(content(host, "/proc/stat"), "btime ") * 1'000'000'000;
}

ResourceReader::ResourceReader(const Files& own, const Files& host, std::string group_file)
    : own_(own),
      host_(host),
      group_file_(group_file.empty() ? find_memory_file(own) : std::move(group_file)),
      start_ns_(clock_ns(CLOCK_MONOTONIC)) {}

Resources ResourceReader::read() const {
  Resources now;
  const uint64_t passed = clock_ns(CLOCK_MONOTONIC) - start_ns_;
  if (passed > 0) {
    now.cpu_percent =
        100 * static_cast<double>(clock_ns(CLOCK_PROCESS_CPUTIME_ID)) / static_cast<double>(passed);
  }
  const std::string status = content(own_, "/proc/self/status");
  now.rss_bytes = number_after(status, "VmRSS:") * kKib;
  now.vsz_bytes = number_after(status, "VmSize:") * kKib;
  now.pss_bytes = number_after(content(own_, "/proc/self/smaps_rollup"), "Pss:") * kKib;
  if (!group_file_.empty()) now.container_bytes = number(content(own_, group_file_)).value_or(0);
  const std::string stat = content(host_, "/proc/stat");
  now.host_cpu_percent = busy_percent(stat);
  now.host_running = number_after(stat, "procs_running ");
  now.host_memory_bytes = used_memory(content(host_, "/proc/meminfo"));
  now.host_fds = number(content(host_, "/proc/sys/fs/file-nr")).value_or(0);
  return now;
}

}  // namespace gyr
