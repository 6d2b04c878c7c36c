// SPDX-License-Identifier: Apache-2.0
// A watched host for tests: events are made by hand and given to a State.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "event/event_view.h"
#include "state/state.h"

namespace gyr::test {

struct Missing {};

// A parameter: integers take the width that the event's table row asks for, text gets its NUL.
struct Param {
  std::variant<Missing, int64_t, std::string, std::vector<uint8_t>> value;
  Param(Missing) {}                                                // NOLINT: implicit
  Param(int number) : value(int64_t{number}) {}                    // NOLINT: implicit
  Param(int64_t number) : value(number) {}                         // NOLINT: implicit
  Param(uint32_t number) : value(int64_t{number}) {}               // NOLINT: implicit
  Param(uint64_t number) : value(static_cast<int64_t>(number)) {}  // NOLINT: implicit
  Param(const char* text) : value(std::string(text)) {}            // NOLINT: implicit
  Param(std::string_view text) : value(std::string(text)) {}       // NOLINT: implicit
  Param(std::string text) : value(std::move(text)) {}              // NOLINT: implicit
  Param(std::vector<uint8_t> bytes) : value(std::move(bytes)) {}   // NOLINT: implicit
};
using Params = std::vector<Param>;

inline std::vector<uint8_t> raw(std::string_view bytes) { return {bytes.begin(), bytes.end()}; }

// Entries that each end in NUL.
inline std::vector<uint8_t> list(std::initializer_list<std::string_view> entries) {
  std::vector<uint8_t> bytes;
  for (const std::string_view entry : entries) {
    bytes.insert(bytes.end(), entry.begin(), entry.end());
    bytes.push_back(0);
  }
  return bytes;
}

template <class T>
void append(std::vector<uint8_t>& bytes, T value) {
  const auto* at = reinterpret_cast<const uint8_t*>(&value);
  bytes.insert(bytes.end(), at, at + sizeof value);
}

struct End {
  std::vector<uint8_t> ip;
  uint16_t port;
};
inline End v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port) {
  return {{a, b, c, d}, port};
}
inline End v6(std::initializer_list<uint8_t> last_bytes, uint16_t port) {
  std::vector<uint8_t> ip(16 - last_bytes.size());
  ip.insert(ip.end(), last_bytes);
  return {ip, port};
}
inline std::vector<uint8_t> sockaddr(const End& end) {
  std::vector<uint8_t> bytes{static_cast<uint8_t>(end.ip.size() == 4 ? 2 : 10)};
  bytes.insert(bytes.end(), end.ip.begin(), end.ip.end());
  append(bytes, end.port);
  return bytes;
}
inline std::vector<uint8_t> tuple(const End& source, const End& dest) {
  std::vector<uint8_t> bytes{static_cast<uint8_t>(source.ip.size() == 4 ? 2 : 10)};
  for (const End* end : {&source, &dest}) {
    bytes.insert(bytes.end(), end->ip.begin(), end->ip.end());
    append(bytes, end->port);
  }
  return bytes;
}
inline std::vector<uint8_t> unix_tuple(uint64_t source, uint64_t dest, std::string_view path) {
  std::vector<uint8_t> bytes{1};
  append(bytes, source);
  append(bytes, dest);
  bytes.insert(bytes.end(), path.begin(), path.end());
  bytes.push_back(0);
  return bytes;
}
inline std::vector<uint8_t> unix_addr(std::string_view path) {
  std::vector<uint8_t> bytes{1};
  bytes.insert(bytes.end(), path.begin(), path.end());
  bytes.push_back(0);
  return bytes;
}

struct CloneSpec {
  int64_t result = 0;
  int64_t tid = 0, pid = 0, ptid = 1;
  uint32_t flags = 0;
  std::string comm = "child";
  std::string exe = "child";
  Param cgroups = Missing{};
  uint32_t uid = 0, gid = 0;
  Param vtid = Missing{}, vpid = Missing{};
  Param pidns_start = Missing{};
  Ev type = Ev::CLONE_20_X;
};

struct ExecSpec {
  int64_t pid = 0, ptid = 1;
  std::string comm = "prog", exe = "/bin/prog";
  std::vector<uint8_t> args;
  Param cgroups = Missing{}, env = Missing{}, trusted_exepath = Missing{}, pgid = Missing{};
  Param uid = Missing{}, gid = Missing{}, flags = Missing{}, vpgid = Missing{};
  Ev type = Ev::EXECVE_19_X;
};

class Host {
 public:
  explicit Host(StateSettings settings = {}) : state(std::move(settings), pool) {}

  // Threads of the snapshot that load() takes; each alone in its process unless pid says otherwise.
  SnapshotThread& had(int64_t tid, int64_t ptid, std::string comm, int64_t pid = -1) {
    SnapshotThread thread;
    thread.tid = thread.vtid = tid;
    thread.pid = thread.vpid = pid < 0 ? tid : pid;
    thread.ptid = ptid;
    thread.comm = comm;
    thread.exe = comm;
    thread.exepath = "/bin/" + comm;
    thread.cwd = "/home";
    thread.fdlimit = 1024;
    if (thread.tid != thread.pid) thread.flags = kCloneThread | kCloneFiles;
    snapshot.threads.push_back(thread);
    return snapshot.threads.back();
  }
  void load() { state.load(snapshot); }
  // init (1) and a shell (100) with working directory /home.
  void load_shell() {
    had(1, 0, "init");
    had(100, 1, "sh");
    load();
  }

  const EventState& send(Ev type, int64_t tid, const Params& params, uint32_t flags = 0,
                         Bytes note = {}) {
    const auto& rows = event_info(type).params();
    builder_.begin(type, ts_ns, tid);
    for (size_t i = 0; i < params.size(); ++i) add(params[i], rows[i].type);
    const Bytes bytes = builder_.finish();
    record_.assign(bytes.begin(), bytes.end());
    const bool sound = event.decode({.bytes = record_, .cpu = 0, .flags = flags, .note = note});
    if (!sound) std::abort();
    ts_ns += 1000;
    return state.apply(event);
  }
  const EventState& openat(int64_t tid, int64_t fd, std::string name, uint32_t flags = 1,
                           int64_t dirfd = kAtFdcwd) {
    return send(Ev::OPENAT_2_X, tid, {fd, dirfd, std::move(name), flags, 0, 5, 77});
  }
  const EventState& close(int64_t tid, int64_t fd, int64_t result = 0) {
    return send(Ev::CLOSE_X, tid, {result, fd});
  }
  // When it ended, the number was in use again.
  const EventState& slow_close(int64_t tid, int64_t fd) {
    return send(Ev::CLOSE_X, tid, {0, fd}, 0, Bytes(&kMarkNumberReused, 1));
  }
  const EventState& clone(const CloneSpec& spec) {
    return send(
        spec.type, spec.tid,
        {spec.result,  spec.exe,   Missing{}, spec.tid, spec.pid,  spec.ptid, "",
         1024,         1,          2,         10,       20,        30,        spec.comm,
         spec.cgroups, spec.flags, spec.uid,  spec.gid, spec.vtid, spec.vpid, spec.pidns_start});
  }
  // The child's own report of a new process.
  const EventState& fork(int64_t parent, int64_t child, std::string comm = "child") {
    CloneSpec spec;
    spec.tid = spec.pid = child;
    spec.ptid = parent;
    spec.comm = spec.exe = std::move(comm);
    spec.vtid = spec.vpid = child;
    return clone(spec);
  }
  const EventState& new_thread(int64_t leader, int64_t tid, std::string comm = "worker") {
    CloneSpec spec;
    spec.tid = tid;
    spec.pid = leader;
    spec.flags = kCloneThread | kCloneFiles | kCloneFs;
    spec.comm = spec.exe = std::move(comm);
    spec.vtid = tid;
    spec.vpid = leader;
    const Thread* head = state.find(leader);
    spec.ptid = head != nullptr ? head->ptid : 1;
    return clone(spec);
  }
  const EventState& exec(int64_t tid, const ExecSpec& spec, int64_t result = 0) {
    return send(spec.type, tid,
                {result,
                 spec.exe,
                 spec.args,
                 tid,
                 spec.pid == 0 ? tid : spec.pid,
                 spec.ptid,
                 "",
                 2048,
                 3,
                 4,
                 100,
                 200,
                 300,
                 spec.comm,
                 spec.cgroups,
                 spec.env,
                 34816,
                 spec.vpgid,
                 1000,
                 spec.flags,
                 1,
                 2,
                 3,
                 42,
                 5000,
                 6000,
                 spec.uid,
                 spec.trusted_exepath,
                 spec.pgid,
                 spec.gid});
  }
  const EventState& exit(int64_t tid, Param reaper = Missing{}) {
    return send(Ev::PROCEXIT_1_E, tid, {0, 0, 0, 0, reaper});
  }
  // Any event without effect: what was deferred happens.
  void tick() { send(Ev::CPU_HOTPLUG_E, -1, {0, 0}); }

  const Thread& thread(int64_t tid) const { return *state.find(tid); }
  std::string cwd(int64_t tid) const { return std::string(state.cwd(thread(tid)).view()); }
  const FdInfo* fd(int64_t tid, int64_t number) const {
    return state.fds(thread(tid)).find(number);
  }
  std::string name(int64_t tid, int64_t number) const {
    const FdInfo* info = fd(tid, number);
    return info != nullptr ? std::string(info->name.view()) : "no such descriptor";
  }

  StrPool pool;
  State state;
  Snapshot snapshot;
  EventView event;
  uint64_t ts_ns = 1'000'000'000'000;

 private:
  void add(const Param& param, Type type) {
    if (std::holds_alternative<Missing>(param.value)) return builder_.add({});
    if (const auto* text = std::get_if<std::string>(&param.value)) return builder_.add_text(*text);
    if (const auto* bytes = std::get_if<std::vector<uint8_t>>(&param.value)) {
      return builder_.add(*bytes);
    }
    const int64_t number = std::get<int64_t>(param.value);
    const size_t width = type_info(type).size_min;
    if (width == 0 || width > 8) std::abort();  // the row wants text or bytes here
    builder_.add({reinterpret_cast<const uint8_t*>(&number), width});
  }
  EventBuilder builder_;
  std::vector<uint8_t> record_;
};

}  // namespace gyr::test
