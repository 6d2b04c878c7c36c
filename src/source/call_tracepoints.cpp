// SPDX-License-Identifier: Apache-2.0
#include "source/call_tracepoints.h"

#if GYR_PROBE

#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/thread.h"

namespace gyr {
namespace {

constexpr size_t kIdLimit = 64;

// Where the kernel's function, which gives the tracepoint its name, is called otherwise.
struct Renamed {
  Sc call;
  std::string_view name;
};
constexpr Renamed kRenamed[] = {
    {Sc::STAT, "newstat"},   {Sc::FSTAT, "newfstat"},      {Sc::LSTAT, "newlstat"},
    {Sc::UNAME, "newuname"}, {Sc::SENDFILE, "sendfile64"}, {Sc::UMOUNT2, "umount"},
};

// Of the tracepoint at one side of a call.
std::string name_of(const ScInfo& call, CallTracepoints::Side side) {
  std::string_view name = call.name;
  for (const Renamed& renamed : kRenamed) {
    if (renamed.call == call.sc) name = renamed.name;
  }
  return fmt::format("syscalls/sys_{}_{}", side == CallTracepoints::Side::Enter ? "enter" : "exit",
                     name);
}

const ScInfo& close_call() { return *sc_info(static_cast<uint16_t>(Sc::CLOSE)); }

// A tracefs that no path leads to; -1, with errno, when it is not allowed.
int mount_tracefs() {
  const int context = fsopen("tracefs", FSOPEN_CLOEXEC);
  if (context < 0) return -1;
  int mounted = -1;
  if (fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0) {
    mounted = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
  }
  const int fault = errno;
  ::close(context);
  errno = fault;
  return mounted;
}

// The kernel waits at each until no CPU can be running the program.
void close_all(const std::vector<int>& events) {
  for (const int event : events) ::close(event);
}

// In a thread, which is returned, or at once where there can be none.
std::thread close_aside(const std::vector<int>& events) {
  auto thread = start_thread([events] { close_all(events); });
  if (thread) return *std::move(thread);
  close_all(events);
  return {};
}

}  // namespace

CallTracepoints::CallTracepoints(CallTracepoints&& other) noexcept
    : files_(std::move(other.files_)),
      folder_(std::move(other.folder_)),
      mount_(std::exchange(other.mount_, -1)) {}

CallTracepoints::~CallTracepoints() {
  if (mount_ >= 0) ::close(mount_);
}

bool CallTracepoints::holds_calls(std::string folder) {
  folder_ = std::move(folder) + "/events";
  return files_->read(folder_ + "/" + name_of(close_call(), Side::Exit) + "/id", kIdLimit)
      .has_value();
}

Result<CallTracepoints> CallTracepoints::open(const std::string& host_root) {
  CallTracepoints calls;
  const bool mounted = calls.holds_calls(host_root + "/sys/kernel/tracing") ||
                       calls.holds_calls(host_root + "/sys/kernel/debug/tracing") ||
                       calls.holds_calls("/sys/kernel/tracing");
  if (!mounted) {
    calls.mount_ = mount_tracefs();
    if (calls.mount_ < 0) {
      return Error{
          fmt::format("tracefs is not mounted or not readable, and may not be mounted ({})",
                      std::strerror(errno))};
    }
    if (!calls.holds_calls(fmt::format("/proc/self/fd/{}", calls.mount_))) {
      return Error{"this kernel has no tracepoints of single calls (CONFIG_FTRACE_SYSCALLS)"};
    }
  }
  const auto tried = calls.open_event(name_of(close_call(), Side::Exit));
  if (!tried) return tried.error();
  ::close(*tried);
  return calls;
}

Result<int> CallTracepoints::open_event(const std::string& name) const {
  const auto id = files_->read(fmt::format("{}/{}/id", folder_, name), kIdLimit);
  if (!id) return id.error();
  perf_event_attr wanted{};
  wanted.size = sizeof wanted;
  wanted.type = PERF_TYPE_TRACEPOINT;
  std::from_chars(id->data(), id->data() + id->size(), wanted.config);
  // A program runs on every CPU, whichever the event is of.
  const long event = syscall(SYS_perf_event_open, &wanted, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
  if (event < 0) {
    return Error{fmt::format("the kernel does not let us use tracepoints (perf_event_open: {})",
                             std::strerror(errno))};
  }
  return static_cast<int>(event);
}

Result<int> CallTracepoints::attach(const bpf_program* program, const ScInfo& call,
                                    Side side) const {
  return attach(program, name_of(call, side));
}

Result<int> CallTracepoints::attach_to_all(const bpf_program* program) const {
  return attach(program, "raw_syscalls/sys_exit");
}

Result<int> CallTracepoints::attach(const bpf_program* program, const std::string& name) const {
  auto event = open_event(name);
  if (!event || ioctl(*event, PERF_EVENT_IOC_SET_BPF, bpf_program__fd(program)) == 0) return event;
  const Error refused{
      fmt::format("the kernel refused the program at the tracepoint ({})", std::strerror(errno))};
  ::close(*event);
  return refused;
}

std::vector<std::string> CallHooks::follow(const bpf_program* program, std::span<const Sc> calls) {
  // A tracepoint takes a program once, so what is on its way out must be gone before it is back.
  if (closer_.joinable()) closer_.join();
  std::vector<int> dropped;
  std::erase_if(events_, [&](const auto& each) {
    if (std::find(calls.begin(), calls.end(), each.first) != calls.end()) return false;
    dropped.push_back(each.second);
    return true;
  });
  if (!dropped.empty()) closer_ = close_aside(dropped);
  std::vector<std::string> missing;
  for (const Sc sc : calls) {
    if (events_.contains(sc)) continue;
    const ScInfo& call = *sc_info(static_cast<uint16_t>(sc));
    const auto event = tracepoints_.attach(program, call, side_);
    if (event) {
      events_.emplace(sc, *event);
    } else {
      missing.emplace_back(call.name);
    }
  }
  return missing;
}

// Half of the time is waiting that several can do at once.
CallHooks::~CallHooks() {
  constexpr size_t kThreads = 8;
  std::array<std::vector<int>, kThreads> shares;
  size_t next = 0;
  for (const auto& [call, event] : events_) shares[next++ % kThreads].push_back(event);
  std::vector<std::thread> threads;
  for (const std::vector<int>& share : shares) {
    if (!share.empty()) threads.push_back(close_aside(share));
  }
  threads.push_back(std::move(closer_));
  for (std::thread& thread : threads) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace gyr

#endif
