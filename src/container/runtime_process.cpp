// SPDX-License-Identifier: Apache-2.0
#include "container/runtime_process.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"

namespace gyr {
namespace {

constexpr int kAncestors = 6;
constexpr size_t kFileLimit = 64ul * 1024;

int64_t parent_of(const Files& files, int64_t pid) {
  const auto stat = files.read(fmt::format("/proc/{}/stat", pid), kFileLimit);
  if (!stat) return 0;
  // "7 (name) S 1 …": the name may hold anything.
  const size_t close = stat->rfind(") ");
  if (close == std::string::npos || close + 4 > stat->size()) return 0;
  const char* from = stat->data() + close + 4;
  int64_t parent = 0;
  std::from_chars(from, stat->data() + stat->size(), parent);
  return parent;
}

std::vector<std::string> arguments_of(const Files& files, int64_t pid) {
  std::vector<std::string> args;
  const auto text = files.read(fmt::format("/proc/{}/cmdline", pid), kFileLimit);
  if (!text) return args;
  for (const std::string_view one : split(*text, '\0')) args.emplace_back(one);
  return args;
}

// The value of an option in any of its spellings.
std::string option(const std::vector<std::string>& args, std::string_view brief,
                   std::string_view full) {
  for (size_t i = 0; i < args.size(); ++i) {
    const bool named = args[i] == brief || (!full.empty() && args[i] == full);
    if (named && i + 1 < args.size()) return args[i + 1];
    if (full.empty() || !args[i].starts_with(full)) continue;
    if (args[i].size() > full.size() && args[i][full.size()] == '=') {
      return args[i].substr(full.size() + 1);
    }
  }
  return "";
}

bool is_runtime(std::string_view program) {
  constexpr std::array kRuntimes = {"runc", "crun", "youki", "runsc", "docker-runc", "conmon"};
  program = program.substr(program.rfind('/') + 1);  // npos + 1 is 0
  return std::find(kRuntimes.begin(), kRuntimes.end(), program) != kRuntimes.end();
}

void read_command(const Files& files, std::string_view full_id, RuntimeProcess* process) {
  const std::vector<std::string> args = arguments_of(files, process->pid);
  if (args.empty() || std::find(args.begin(), args.end(), full_id) == args.end()) return;
  const auto program = files.read_link(fmt::format("/proc/{}/exe", process->pid));
  if (!is_runtime(args[0]) && !(program && is_runtime(*program))) return;
  process->bundle = option(args, "-b", "--bundle");
  if (args[0].ends_with("conmon")) process->name = option(args, "-n", "--name");
  if (process->bundle.starts_with('/')) return;
  const auto cwd = files.read_link(fmt::format("/proc/{}/cwd", process->pid));
  if (!cwd) return;
  process->bundle = process->bundle.empty() ? *cwd : *cwd + "/" + process->bundle;
}

// Whether a namespace of the process is another than that of the host's first one. Where
// that may not be looked at, a thread of the kernel stands for it, else ourselves.
bool has_own(const Files& files, int64_t pid, const char* space) {
  const auto own = files.read_link(fmt::format("/proc/{}/ns/{}", pid, space));
  for (const char* host : {"1", "2", "self"}) {
    const auto other = files.read_link(fmt::format("/proc/{}/ns/{}", host, space));
    if (other) return own && *own != *other;
  }
  return false;
}

}  // namespace

std::vector<RuntimeProcess> runtime_processes(const Files& files, int64_t pid,
                                              std::string_view full_id) {
  std::vector<RuntimeProcess> found;
  for (int i = 0; i < kAncestors && pid > 1; ++i) {
    pid = parent_of(files, pid);
    if (pid <= 1) break;
    const auto cgroup = files.read(fmt::format("/proc/{}/cgroup", pid), kFileLimit);
    if (!cgroup || cgroup->find(full_id) != std::string::npos) continue;
    RuntimeProcess process{.pid = pid, .bundle = "", .name = ""};
    read_command(files, full_id, &process);
    process.has_own_mounts = has_own(files, pid, "mnt");
    found.push_back(std::move(process));
  }
  return found;
}

std::optional<std::string> own_address(const Files& files, int64_t pid) {
  if (!has_own(files, pid, "net")) return std::nullopt;
  const auto table = files.read(fmt::format("/proc/{}/net/fib_trie", pid), kFileLimit);
  if (!table) return std::nullopt;
  std::string_view address;  // of the leaf that the following lines are about
  for (std::string_view line : split(*table, '\n')) {
    line = trim(line);
    if (line.starts_with("|-- ")) address = line.substr(4);
    if (line == "/32 host LOCAL" && !address.starts_with("127.")) return std::string(address);
  }
  return std::nullopt;
}

}  // namespace gyr
