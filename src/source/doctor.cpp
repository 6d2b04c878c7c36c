// SPDX-License-Identifier: Apache-2.0
#include "source/doctor.h"

#include <fmt/format.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "base/text.h"
#include "container/finder.h"
#include "source/kernel_types.h"
#include "source/probe_rings.h"
#include "source/ring_memory.h"

namespace gyr {
namespace {

using Outcome = LiveCheck::Result;
constexpr size_t kFileLimit = 256ul * 1024;
constexpr size_t kOthersLimit = 1000;  // processes that are looked at
constexpr uint64_t kLargestRing = 512ull << 20;

// "MemAvailable:  123 kB" of /proc/meminfo, in bytes.
uint64_t available_memory(const Files& files) {
  constexpr std::string_view kKey = "MemAvailable:";
  const auto text = files.read("/proc/meminfo", kFileLimit);
  if (!text) return 0;
  const size_t at = text->find(kKey);
  if (at == std::string::npos) return 0;
  return std::strtoull(text->c_str() + at + kKey.size(), nullptr, 10) << 10;
}

class Examination {
 public:
  explicit Examination(LiveSettings settings)
      : settings_(std::move(settings)),
        files_(system_files(settings_.host_root)),
        own_(system_files("")) {
    uname(&kernel_);
  }

  std::vector<LiveCheck> run() {
    kernel();
    add(check_type_information());
    const LiveCheck proc = check_proc();
    add(proc);
    status_ = own_status();
    if (status_) privileges();
    policies();
    locked_memory();
    memory_limit();
    iterators();
    if (status_) processes();
    typed_access();
    hooks();
    attach_mode();
    tracefs();
    probe();
    rings();
    runtimes();
    tracing();
    return std::move(checks_);
  }

 private:
  void add(LiveCheck check) { checks_.push_back(std::move(check)); }
  void add(std::string name, Outcome result, std::string found, std::string effect = "",
           std::string remedy = "") {
    checks_.push_back({.name = std::move(name),
                       .result = result,
                       .found = std::move(found),
                       .effect = std::move(effect),
                       .remedy = std::move(remedy)});
  }
  bool impossible() const {
    return std::any_of(checks_.begin(), checks_.end(),
                       [](const LiveCheck& check) { return check.result == Outcome::Fault; });
  }
  bool has(Capability capability) const { return status_ && status_->has(capability); }
  // A small file of the kernel's, without the newline; empty: not there, or not for us.
  std::optional<std::string> setting(std::string_view path) const {
    const auto text = own_->read(path, kFileLimit);
    if (!text) return std::nullopt;
    return std::string(trim(*text));
  }

  void kernel();
  void privileges();
  void policies();
  void lockdown();
  void locked_memory();
  void memory_limit();
  void processes();
  void hidden_processes();
  void other_users_processes();
  void typed_access();
  void hooks();
  void attach_mode();
  void tracefs();
  void iterators();
  void probe();
  void rings();
  void runtimes();
  void tracing();

  LiveSettings settings_;
  std::unique_ptr<Files> files_, own_;
  const KernelTypes types_;
  utsname kernel_{};
  const KernelVersion version_ = running_kernel();
  std::optional<OwnStatus> status_;
  int64_t own_pid_ = -1;
  bool has_iterators_ = false;
  std::vector<LiveCheck> checks_;
};

void Examination::kernel() {
  const std::string found = fmt::format("Linux {} ({})", kernel_.release, kernel_.machine);
  if (version_.before(5, 10)) {
    add("kernel", Outcome::Fault, found, "the probe needs what Linux 5.10 and newer have",
        "run a newer kernel; gyr -u follows a command without the probe");
  } else if (version_.before(5, 11)) {
    add("kernel", Outcome::Note, found,
        "before Linux 5.11 the probe copies each field, so events cost more, and its memory "
        "counts as locked",
        "raise the limit of locked memory (below); a newer kernel needs neither");
  } else {
    add("kernel", Outcome::Ok, found);
  }
}

void Examination::privileges() {
  add(check_capabilities(*status_));
  const bool traces = has(Capability::SysPtrace);
  add("CAP_SYS_PTRACE", traces ? Outcome::Ok : Outcome::Loss, traces ? "held" : "missing",
      traces ? ""
             : "of processes that ran before gyr, executables, working directories and descriptors "
               "are unknown, and so are descriptors that are looked up after a loss",
      traces ? "" : "add CAP_SYS_PTRACE to the capabilities");
}

// What other parts of the system decide about eBPF.
void Examination::policies() {
  lockdown();
  const auto unprivileged = setting("/proc/sys/kernel/unprivileged_bpf_disabled");
  if (unprivileged) {
    add("unprivileged eBPF", Outcome::Ok,
        fmt::format("kernel.unprivileged_bpf_disabled is {}; gyr works with any value",
                    *unprivileged));
  }
  if (setting("/proc/sys/net/core/bpf_jit_enable").value_or("1") == "0") {
    add("eBPF compiler", Outcome::Note, "net.core.bpf_jit_enable is 0",
        "the probe is interpreted: events cost several times as much",
        "sysctl net.core.bpf_jit_enable=1");
  }
  if (status_ && status_->line("Seccomp:") == "2") {
    add("seccomp", Outcome::Note, "a filter is set on this process",
        "it may forbid bpf(2), perf_event_open(2) or ptrace(2); the results below tell",
        "docker: --security-opt seccomp=unconfined, or a profile that allows them");
  }
}

void Examination::lockdown() {
  const auto modes = setting("/sys/kernel/security/lockdown");
  if (!modes) {
    add("lockdown", Outcome::Ok, "not known: /sys/kernel/security/lockdown is not there");
    return;
  }
  const size_t from = modes->find('[');
  const size_t to = modes->find(']');
  const std::string mode =
      from != std::string::npos && to > from ? modes->substr(from + 1, to - from - 1) : *modes;
  if (mode != "confidentiality") {
    add("lockdown", Outcome::Ok, mode);
    return;
  }
  add("lockdown", Outcome::Fault, mode,
      "in this mode eBPF programs may not read the kernel's memory, so the probe cannot work",
      "start the kernel with lockdown=integrity or without lockdown");
}

void Examination::locked_memory() {
  rlimit limit{};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  const std::string has_now = limit.rlim_max == RLIM_INFINITY
                                  ? "unlimited"
                                  : fmt::format("at most {}", in_binary_units(limit.rlim_max));
  if (!version_.before(5, 11)) {
    add("locked memory", Outcome::Ok,
        fmt::format("{}; since Linux 5.11 the probe's memory does not count", has_now));
    return;
  }
  // libbpf raises the limit by itself where it may.
  const bool enough = limit.rlim_max == RLIM_INFINITY || has(Capability::SysResource);
  add("locked memory", enough ? Outcome::Ok : Outcome::Loss, has_now,
      enough
          ? ""
          : "before Linux 5.11 the probe's memory counts against this limit: rings become small, "
            "or nothing can be loaded",
      enough ? "" : "ulimit -l unlimited, systemd: LimitMEMLOCK=infinity, or CAP_SYS_RESOURCE");
}

// Of the control group of this process, which is gyr's own where it is asked within its container.
void Examination::memory_limit() {
  constexpr std::string_view kName = "memory limit";
  const auto limit = gyr::memory_limit(*own_);
  if (!limit) {
    add(std::string(kName), Outcome::Ok, "none");
    return;
  }
  const RingRequest wanted{.ring_bytes = settings_.ring_bytes,
                           .cpus_per_ring = settings_.cpus_per_ring,
                           .cpus = online_cpus().size()};
  const std::string found =
      fmt::format("{} ({}); rings of {} take {}", in_binary_units(limit->bytes), limit->file,
                  in_binary_units(settings_.ring_bytes), in_binary_units(memory_of_rings(wanted)));
  const auto fit = fit_rings(wanted, limit);
  if (!fit) {
    add(std::string(kName), Outcome::Fault, found, fit.error().message, "raise the limit");
  } else if (!fit->warning.empty()) {
    settings_.ring_bytes = fit->ring_bytes;
    add(std::string(kName), Outcome::Loss, found, fit->warning, "raise the limit");
  } else {
    add(std::string(kName), Outcome::Ok, found);
  }
}

void Examination::processes() {
  if (!check_proc().effect.empty()) return;
  add(check_host_processes(*files_, &own_pid_));
  hidden_processes();
  other_users_processes();
}

// /proc may show a user only his own processes.
void Examination::hidden_processes() {
  const auto mounts = files_->read("/proc/self/mountinfo", kFileLimit);
  if (!mounts) return;
  for (const std::string_view line : split(*mounts, '\n')) {
    const size_t hide = line.find("hidepid=");
    if (hide == std::string_view::npos || line.find(" - proc ") == std::string_view::npos) continue;
    const std::string_view mode = line.substr(hide, line.find_first_of(", ", hide) - hide);
    if (mode == "hidepid=0" || mode == "hidepid=off") continue;
    const bool sees = has(Capability::SysPtrace);
    add("hidepid", sees ? Outcome::Note : Outcome::Loss, fmt::format("/proc has {}", mode),
        sees ? "CAP_SYS_PTRACE sees all processes nevertheless"
             : "processes of other users that ran before gyr are unknown",
        sees ? "" : "add CAP_SYS_PTRACE, or gid= of the mount to gyr's groups");
    return;
  }
}

// Tried on those that run: the rights that are needed depend on the mount and on policies too.
void Examination::other_users_processes() {
  const auto names = files_->list("/proc");
  if (!names) return;
  size_t others = 0;
  size_t closed = 0;
  for (const std::string& name : *names) {
    if (name.find_first_not_of("0123456789") != std::string::npos || others >= kOthersLimit) {
      continue;
    }
    const std::string folder = "/proc/" + name;
    const auto stat = files_->stat(folder, true);
    if (!stat || stat->uid == geteuid()) continue;
    ++others;
    if (!files_->list(folder + "/fd") && files_->stat(folder, true)) ++closed;
  }
  if (closed == 0) {
    add("descriptors of others", Outcome::Ok,
        others == 0 ? "no process of another user runs"
                    : fmt::format("readable, of {} processes of other users", others));
    return;
  }
  add("descriptors of others", Outcome::Loss,
      fmt::format("unreadable, of {} of {} processes of other users", closed, others),
      has_iterators_
          ? "its environment is unknown, and a descriptor that is looked up after a loss "
            "has no name; what it had open before gyr started iterators tell"
          : "what such a process had open before gyr started has no name until it opens "
            "it again; its environment is unknown",
      "add CAP_DAC_READ_SEARCH to CAP_SYS_PTRACE");
}

void Examination::typed_access() {
  const bool typed = types_.has_tracepoint("sys_exit");
  const bool casts = types_.has_function("bpf_rdonly_cast");
  std::string found = typed ? "typed tracepoints" : "no typed tracepoints";
  found += casts ? ", bpf_rdonly_cast" : ", no bpf_rdonly_cast";
  add("direct access", typed && casts ? Outcome::Ok : Outcome::Note, found,
      typed && casts ? "" : "the probe copies fields by a helper: events cost more",
      typed && casts ? "" : "typed tracepoints come with Linux 5.11, bpf_rdonly_cast with 6.2");
}

// Of no use yet; where paths and addresses could be taken from the kernel's own objects.
void Examination::hooks() {
  const auto modules = setting("/sys/kernel/security/lsm");
  const bool built = types_.has_function("bpf_lsm_file_open");
  std::string lsm = "LSM programs: not built in";
  if (built) lsm = "LSM programs: built in";
  if (built && modules) {
    lsm += modules->find("bpf") != std::string::npos ? ", active" : ", not active (lsm=)";
  }
  const bool trampolines = types_.has_function("arch_prepare_bpf_trampoline");
  add("hooks", Outcome::Ok,
      fmt::format("fentry programs: {}; {}; live capture needs neither",
                  trampolines ? "possible" : "not possible", lsm));
}

// What the mode cannot do here the probe tells itself.
void Examination::attach_mode() {
  const bool runs_32bit = types_.runs_32bit_programs();
  const bool single = hooks_single_calls(settings_.attach_mode, runs_32bit);
  add("attach mode", Outcome::Ok,
      fmt::format("{}; this kernel runs {}32-bit programs, whose calls per_syscall does not see",
                  single ? "per_syscall" : "raw", runs_32bit ? "" : "no "));
}

void Examination::tracefs() {
  for (const char* place : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
    if (!own_->list(std::string(place) + "/events/syscalls")) continue;
    add("tracefs", Outcome::Ok, place);
    return;
  }
  add("tracefs", Outcome::Ok,
      "not mounted or not readable; only gyr.attach_mode=per_syscall and Linux 7.0 need it");
}

// Without them a look at the host is slower, no worse.
void Examination::iterators() {
  constexpr std::string_view kName = "iterators";
  if (settings_.iterators == IteratorUse::Never) {
    add(std::string(kName), Outcome::Ok, "not wanted: engine.modern_ebpf.disable_iterators");
    return;
  }
  if (impossible()) return;  // they need what the probe needs
  auto lists = open_iterators();
  size_t threads = 0, files = 0;
  Result<void> listed;
  if (lists) listed = (*lists)->each_task([&](const gyr_task_record&) { ++threads; });
  if (lists && listed) {
    listed = (*lists)->each_file([&](const gyr_file_record&, std::string_view) { ++files; });
  }
  has_iterators_ = lists && listed;
  if (has_iterators_) {
    add(std::string(kName), Outcome::Ok,
        fmt::format("the kernel listed {} threads and {} descriptors", threads, files));
    return;
  }
  add(std::string(kName), Outcome::Note, lists ? listed.error().message : lists.error().message,
      "the start and looks after losses read all of /proc, which on a host with thousands of "
      "processes takes six times as long; nothing is lost by it");
}

// Nothing explains as well as trying.
void Examination::probe() {
  if (impossible()) {
    add("probe", Outcome::Fault, "not tried", "what is missing above comes first");
    return;
  }
  settings_.syscalls.clear();
  for (const ScInfo& call : all_syscalls()) {
    if (is_collected(call.sc)) settings_.syscalls.push_back(call.sc);
  }
  const auto source = open_live(settings_);
  if (!source) {
    add("probe", Outcome::Fault, source.error().message, "live capture does not start",
        "gyr -u follows a command without the probe");
    return;
  }
  add("probe", Outcome::Ok,
      fmt::format("loaded and attached, {} system calls and tracepoints",
                  settings_.syscalls.size()));
  const std::vector<LiveFeature> features = (*source)->features();
  std::vector<std::string> told;
  for (const LiveFeature& feature : features) {
    const bool works = feature.refusal.empty();
    add("program " + feature.program, works ? Outcome::Ok : Outcome::Loss,
        works ? "loaded and attached" : feature.refusal, works ? "" : feature.cost,
        works ? "" : "the kernel's version or a policy forbids it; a bug report is welcome");
    told.push_back(fmt::format("{}: {}", feature.cost, feature.refusal));
  }
  for (const std::string& warning : (*source)->warnings()) {
    if (std::find(told.begin(), told.end(), warning) != told.end()) continue;
    add("probe", Outcome::Note, "it said", warning);
  }
}

void Examination::rings() {
  if (impossible()) return;
  uint64_t most = settings_.ring_bytes;
  for (uint64_t bytes = 1ull << 20; bytes <= kLargestRing; bytes *= 2) {
    if (bytes > available_memory(*own_) / 8 || !can_make_ring(bytes)) break;
    most = bytes;
  }
  add("rings", Outcome::Ok,
      fmt::format("{} wanted for every {} CPUs; one of {} can be made",
                  in_binary_units(settings_.ring_bytes),
                  settings_.cpus_per_ring == 0 ? "online" : std::to_string(settings_.cpus_per_ring),
                  in_binary_units(most)));
}

void Examination::runtimes() {
  std::vector<std::string> readable, closed;
  for (const std::string_view folder : runtime_folders()) {
    const std::string path(folder);
    if (files_->list(path)) {
      readable.push_back(path);
    } else if (files_->stat(path, true)) {
      closed.push_back(path);
    }
  }
  if (!closed.empty()) {
    add("container runtimes", Outcome::Loss, "unreadable: " + join(closed, ", "),
        "names, images and labels of their containers are unknown; their ids are",
        "run gyr as root, or add CAP_DAC_READ_SEARCH");
    return;
  }
  add("container runtimes", Outcome::Ok,
      readable.empty() ? "none keeps files here" : join(readable, ", "));
}

// Of gyr -u, which needs no privileges. A child asks to be traced, as there.
void Examination::tracing() {
  const std::string scope = setting("/proc/sys/kernel/yama/ptrace_scope").value_or("");
  const pid_t child = fork();
  if (child == 0) _exit(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0 ? 0 : 1);
  int status = 0;
  const bool traced = child > 0 && waitpid(child, &status, 0) == child && status == 0;
  const std::string yama =
      scope.empty() ? "" : fmt::format(" (kernel.yama.ptrace_scope is {})", scope);
  if (!traced) {
    add("gyr -u", Outcome::Note, "ptrace is forbidden" + yama,
        "commands cannot be followed without the probe (gyr -u, --attach)",
        scope == "3" ? "yama.ptrace_scope=3 lasts until the next boot"
                     : "allow ptrace(2) in the seccomp profile");
    return;
  }
  const bool attaches = has(Capability::SysPtrace) || scope.empty() || scope == "0";
  add("gyr -u", attaches ? Outcome::Ok : Outcome::Note, "commands can be followed" + yama,
      attaches ? "" : "--attach cannot follow processes that run already",
      attaches ? "" : "CAP_SYS_PTRACE, or sysctl kernel.yama.ptrace_scope=0");
}

}  // namespace

std::vector<LiveCheck> examine_host(LiveSettings settings) {
  return Examination(std::move(settings)).run();
}

}  // namespace gyr
