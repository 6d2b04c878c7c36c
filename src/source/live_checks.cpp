// SPDX-License-Identifier: Apache-2.0
#include "source/live_checks.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>
#include <vector>

#include "base/text.h"

namespace gyr {
namespace {

constexpr std::string_view kInstead =
    " Without privileges a capture file works: gyr -o engine.kind=replay -o "
    "engine.replay.capture_file=FILE, or gyr read FILE.";
constexpr unsigned kSysAdmin = 21, kPerfmon = 38, kBpf = 39;  // numbers of capabilities
// Inode of the first pid namespace: fixed in the kernel (PROC_PID_INIT_INO).
constexpr std::string_view kInitPidNamespace = "pid:[4026531836]";
constexpr size_t kStatusLimit = 64ul * 1024;

std::string_view line_of(std::string_view status, std::string_view key) {
  for (const std::string_view line : split(status, '\n')) {
    if (line.starts_with(key)) return trim(line.substr(key.size()));
  }
  return {};
}

Result<void> check_capabilities(std::string_view status) {
  const std::string_view text = line_of(status, "CapEff:");
  uint64_t held = 0;
  std::from_chars(text.data(), text.data() + text.size(), held, 16);
  const auto has = [&](unsigned capability) { return (held >> capability & 1) != 0; };
  if (has(kSysAdmin)) return {};
  std::vector<std::string> missing;
  if (!has(kBpf)) missing.emplace_back("CAP_BPF");
  if (!has(kPerfmon)) missing.emplace_back("CAP_PERFMON");
  if (missing.empty()) return {};
  return Error{fmt::format("live capture needs {}, which this process lacks: run gyr as root.{}",
                           join(missing, " and "), kInstead)};
}

// Whether a /proc is that of the first pid namespace, the only one with the kernel's own threads.
bool shows_kernel_threads(const Files& files) {
  const auto comm = files.read("/proc/2/comm", kStatusLimit);
  const auto command = files.read("/proc/2/cmdline", kStatusLimit);
  return comm && trim(*comm) == "kthreadd" && command && command->empty();
}

// `at_home`: we are in the host's pid namespace.
Result<int64_t> own_pid_of_host(const Files& files, bool at_home) {
  if (at_home) {
    const auto host = files.read(fmt::format("/proc/{}/status", getpid()), kStatusLimit);
    if (host) return int64_t{getpid()};
    return Error{
        fmt::format("the host's /proc does not show this process ({}): mount the host's "
                    "/proc below HOST_ROOT",
                    host.error().message)};
  }
  // A /proc answers in the numbers of the namespace it was mounted in.
  const auto self = files.read_link("/proc/self");
  int64_t pid = 0;
  if (self) std::from_chars(self->data(), self->data() + self->size(), pid);
  if (pid > 0 && shows_kernel_threads(files)) return pid;
  return Error{fmt::format(
      "gyr runs in a pid namespace of its own, where the host's processes cannot be told apart: "
      "start it in the host's (docker run --pid=host, hostPID: true), or mount the host's /proc "
      "below HOST_ROOT.{}",
      kInstead)};
}

}  // namespace

Result<int64_t> check_live_host(const Files& files) {
  // Our own privileges and namespace are in our own /proc, whatever the host's root is.
  const auto own = system_files("");
  const auto status = own->read("/proc/self/status", kStatusLimit);
  if (!status) {
    return Error{
        fmt::format("/proc is not mounted ({}): live capture reads the running processes "
                    "there. Mount it: mount -t proc proc /proc",
                    status.error().message)};
  }
  if (auto able = check_capabilities(*status); !able) return able.error();
  if (access("/sys/kernel/btf/vmlinux", R_OK) != 0) {
    return Error{
        fmt::format("this kernel has no type information (/sys/kernel/btf/vmlinux: {}): "
                    "live capture needs CONFIG_DEBUG_INFO_BTF.{}",
                    std::strerror(errno), kInstead)};
  }
  const auto ns = own->read_link("/proc/self/ns/pid");
  return own_pid_of_host(files, !ns || *ns == kInitPidNamespace);
}

Error load_error(int number) {
  std::string_view cause = "the kernel refused the eBPF probe";
  if (number == EPERM || number == EACCES) {
    cause =
        "the kernel refused the eBPF probe: CAP_BPF and CAP_PERFMON are needed (and no lockdown "
        "of the kernel against eBPF); before Linux 5.11 also memory that may be locked (ulimit -l)";
  } else if (number == EINVAL || number == ENOTSUP || number == ENOENT) {
    cause = "the kernel lacks what the eBPF probe needs: Linux 5.10 has it all";
  } else if (number == ENOMEM) {
    cause = "not enough memory for the ring buffer";
  }
  return Error{fmt::format("{} ({}).{}", cause, std::strerror(number), kInstead)};
}

}  // namespace gyr
