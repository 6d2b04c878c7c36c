// SPDX-License-Identifier: Apache-2.0
#include "source/ptrace_attach.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <set>

#include "base/text.h"

namespace gyr {
namespace {

constexpr size_t kFileLimit = 64ul * 1024;
constexpr size_t kListLimit = 4ul << 20;  // of children
constexpr int kRoundsMax = 100;           // threads may be made as fast as they are found

int64_t number(std::string_view text) {
  int64_t value = 0;
  text = trim(text);
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string line_of(const Files& files, int64_t pid, std::string_view key) {
  const auto status = files.read(fmt::format("/proc/{}/status", pid), kFileLimit);
  if (!status) return {};
  for (const std::string_view line : split(*status, '\n')) {
    if (line.starts_with(key)) return std::string(trim(line.substr(key.size())));
  }
  return {};
}

std::vector<int64_t> threads_of(const Files& files, int64_t pid) {
  std::vector<int64_t> tids;
  const auto names = files.list(fmt::format("/proc/{}/task", pid));
  if (!names) return tids;
  for (const std::string& name : *names) {
    if (const int64_t tid = number(name); tid > 0) tids.push_back(tid);
  }
  return tids;
}

void add_children(const Files& files, int64_t pid, int64_t tid, std::vector<int64_t>* to) {
  const auto text = files.read(fmt::format("/proc/{}/task/{}/children", pid, tid), kListLimit);
  if (!text) return;
  for (const std::string_view word : split(trim(*text), ' ')) {
    if (const int64_t child = number(word); child > 0) to->push_back(child);
  }
}

// One look at the tree; how many threads were new.
struct Round {
  Tracer& tracer;
  const Files& files;
  std::set<int64_t>& refused;
  size_t found = 0;

  void process(int64_t pid, int* why) {
    for (const int64_t tid : threads_of(files, pid)) {
      const auto id = static_cast<pid_t>(tid);
      if (tracer.follows(id) || refused.contains(tid)) continue;
      const int failed = tracer.start_following(id, false);
      if (failed == 0) {
        ++found;
      } else if (failed != ESRCH) {
        refused.insert(tid);
        *why = failed;
      }
    }
  }
};

}  // namespace

Error refusal(const Files& files, int64_t pid, int number_of_error) {
  const std::string name = line_of(files, pid, "Name:");
  if (name.empty()) return {fmt::format("there is no process {}", pid)};
  const std::string who = fmt::format("cannot follow process {} ({})", pid, name);
  if (const std::string tracer = line_of(files, pid, "TracerPid:");
      !tracer.empty() && tracer != "0" && number(tracer) != getpid()) {
    return {fmt::format("{}: process {} traces it already, and there can be only one tracer", who,
                        tracer)};
  }
  if (number_of_error != EPERM) {
    return {fmt::format("{}: {}", who, std::strerror(number_of_error))};
  }
  if (line_of(files, pid, "VmSize:").empty()) {
    return {fmt::format("{}: it is a thread of the kernel or has ended", who)};
  }
  const auto scope = files.read("/proc/sys/kernel/yama/ptrace_scope", kFileLimit);
  if (scope && number(*scope) > 0) {
    return {fmt::format(
        "{}: /proc/sys/kernel/yama/ptrace_scope is {}, which forbids it; run gyr as root (1 and "
        "2), or let gyr start the command: gyr -u -- COMMAND (1)",
        who, trim(*scope))};
  }
  return {fmt::format(
      "{}: it runs as another user, with more privileges, or is protected; run gyr as root "
      "(CAP_SYS_PTRACE)",
      who)};
}

Result<void> attach_tree(Tracer& tracer, const Files& files, int64_t pid,
                         std::vector<std::string>* warnings) {
  if (pid == getpid()) return Error{"gyr cannot follow itself"};
  if (const std::string group = line_of(files, pid, "Tgid:"); number(group) != pid) {
    if (group.empty()) return Error{fmt::format("there is no process {}", pid)};
    return Error{fmt::format("{} is a thread of process {}; give the process", pid, group)};
  }
  std::set<int64_t> refused;
  std::set<int64_t> told;
  for (int i = 0; i < kRoundsMax; ++i) {
    Round round{tracer, files, refused};
    std::vector<int64_t> processes{pid};
    std::set<int64_t> seen;
    for (size_t at = 0; at < processes.size(); ++at) {
      const int64_t one = processes[at];
      if (one == getpid() || !seen.insert(one).second) continue;
      int why = 0;
      round.process(one, &why);
      if (why != 0 && one == pid) return refusal(files, pid, why);
      if (why != 0 && told.insert(one).second) {
        warnings->push_back(refusal(files, one, why).message);
      }
      for (const int64_t tid : threads_of(files, one)) add_children(files, one, tid, &processes);
    }
    if (round.found == 0) break;
  }
  if (!tracer.follows(static_cast<pid_t>(pid))) {
    return Error{fmt::format("there is no process {}", pid)};
  }
  return {};
}

}  // namespace gyr
