// SPDX-License-Identifier: Apache-2.0
#include "source/live_checks.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/text.h"

namespace gyr {
namespace {

constexpr std::string_view kInstead =
    " Without privileges a capture file works: gyr -o engine.kind=replay -o "
    "engine.replay.capture_file=FILE, or gyr read FILE.";
constexpr size_t kStatusLimit = 64ul * 1024;
constexpr const char* kTypeInformation = "/sys/kernel/btf/vmlinux";

LiveCheck fault(std::string name, std::string found, std::string effect, std::string remedy) {
  return {.name = std::move(name),
          .result = LiveCheck::Result::Fault,
          .found = std::move(found),
          .effect = std::move(effect),
          .remedy = std::move(remedy)};
}

LiveCheck fine(std::string name, std::string found) {
  return {.name = std::move(name),
          .result = LiveCheck::Result::Ok,
          .found = std::move(found),
          .effect = "",
          .remedy = ""};
}

// Whether a /proc is that of the first pid namespace, the only one with the kernel's own threads.
bool shows_kernel_threads(const Files& files) {
  const auto comm = files.read("/proc/2/comm", kStatusLimit);
  const auto command = files.read("/proc/2/cmdline", kStatusLimit);
  return comm && trim(*comm) == "kthreadd" && command && command->empty();
}

Error error_of(const LiveCheck& check) {
  return Error{fmt::format("{}: {}; {}.{}", check.found, check.effect, check.remedy, kInstead)};
}

}  // namespace

KernelVersion running_kernel() {
  utsname kernel{};
  uname(&kernel);
  KernelVersion version;
  char* end = nullptr;
  version.major = std::strtoul(kernel.release, &end, 10);
  if (*end == '.') version.minor = std::strtoul(end + 1, nullptr, 10);
  return version;
}

bool OwnStatus::has(Capability capability) const {
  const std::string_view text = line("CapEff:");
  uint64_t held = 0;
  std::from_chars(text.data(), text.data() + text.size(), held, 16);
  return (held >> static_cast<unsigned>(capability) & 1) != 0;
}

std::string_view OwnStatus::line(std::string_view key) const {
  for (const std::string_view line : split(text_, '\n')) {
    if (line.starts_with(key)) return trim(line.substr(key.size()));
  }
  return {};
}

std::optional<OwnStatus> own_status() {
  auto text = system_files("")->read("/proc/self/status", kStatusLimit);
  if (!text) return std::nullopt;
  return OwnStatus(*std::move(text));
}

LiveCheck check_proc() {
  const auto status = system_files("")->read("/proc/self/status", kStatusLimit);
  if (status) return fine("proc", "/proc is mounted");
  return fault("proc", fmt::format("/proc is not mounted ({})", status.error().message),
               "live capture reads the running processes there",
               "mount it: mount -t proc proc /proc");
}

LiveCheck check_capabilities(const OwnStatus& status) {
  if (status.has(Capability::SysAdmin)) return fine("capabilities", "CAP_SYS_ADMIN");
  std::vector<std::string> missing;
  if (!status.has(Capability::Bpf)) missing.emplace_back("CAP_BPF");
  if (!status.has(Capability::Perfmon)) missing.emplace_back("CAP_PERFMON");
  if (missing.empty()) return fine("capabilities", "CAP_BPF and CAP_PERFMON");
  return fault(
      "capabilities", fmt::format("this process has no {}", join(missing, " and no ")),
      fmt::format("live capture needs {} to load and attach the probe", join(missing, " and ")),
      "run gyr as root, or give it CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE (systemd: "
      "AmbientCapabilities=; docker: --cap-add); without any, gyr -u follows a command");
}

LiveCheck check_type_information() {
  if (access(kTypeInformation, R_OK) == 0) return fine("type information", kTypeInformation);
  return fault("type information",
               fmt::format("this kernel has no type information ({}: {})", kTypeInformation,
                           std::strerror(errno)),
               "live capture finds the kernel's fields by it",
               "mount /sys, or run a kernel that was built with CONFIG_DEBUG_INFO_BTF=y");
}

LiveCheck check_host_processes(const Files& files, int64_t* own_pid) {
  // Our own namespace is in our own /proc, whatever the host's root is.
  const auto ns = system_files("")->read_link("/proc/self/ns/pid");
  const bool at_home = !ns || *ns == kInitPidNamespace;
  if (at_home) {
    const auto host = files.read(fmt::format("/proc/{}/status", getpid()), kStatusLimit);
    *own_pid = getpid();
    if (host) return fine("pid namespace", "the host's");
    return fault(
        "pid namespace",
        fmt::format("the host's /proc does not show this process ({})", host.error().message),
        "live capture reads the running processes there", "mount the host's /proc below HOST_ROOT");
  }
  // A /proc answers in the numbers of the namespace it was mounted in.
  const auto self = files.read_link("/proc/self");
  int64_t pid = 0;
  if (self) std::from_chars(self->data(), self->data() + self->size(), pid);
  if (pid > 0 && shows_kernel_threads(files)) {
    *own_pid = pid;
    return fine("pid namespace", fmt::format("its own; the host's /proc shows us as {}", pid));
  }
  return fault("pid namespace", "gyr runs in a pid namespace of its own",
               "the host's processes cannot be told apart there",
               "start it in the host's (docker run --pid=host, hostPID: true), or mount the "
               "host's /proc below HOST_ROOT");
}

Result<int64_t> check_live_host(const Files& files) {
  const auto failed = [](const LiveCheck& check) {
    return check.result == LiveCheck::Result::Fault;
  };
  if (const LiveCheck proc = check_proc(); failed(proc)) return error_of(proc);
  const auto status = own_status();
  if (!status) return Error{"/proc/self/status cannot be read"};
  if (const LiveCheck able = check_capabilities(*status); failed(able)) return error_of(able);
  if (const LiveCheck types = check_type_information(); failed(types)) return error_of(types);
  int64_t own_pid = -1;
  if (const LiveCheck host = check_host_processes(files, &own_pid); failed(host)) {
    return error_of(host);
  }
  return own_pid;
}

Error load_error(int number) {
  std::string_view cause = "the kernel refused the eBPF probe";
  if (number == EPERM || number == EACCES) {
    cause =
        "the kernel refused the eBPF probe: CAP_BPF and CAP_PERFMON are needed, no lockdown of "
        "the kernel, no seccomp filter against bpf(2), and before Linux 5.11 a high limit of "
        "locked memory (ulimit -l)";
  } else if (number == EINVAL || number == ENOTSUP || number == ENOENT) {
    cause =
        "the kernel lacks what the eBPF probe needs: a ring buffer map (Linux 5.8), tracepoint "
        "programs and global functions";
  } else if (number == ENOMEM) {
    cause = "not enough memory for the ring buffer";
  }
  return Error{
      fmt::format("{} ({}); gyr doctor tells more.{}", cause, std::strerror(number), kInstead)};
}

}  // namespace gyr
