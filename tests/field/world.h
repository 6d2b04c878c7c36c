// SPDX-License-Identifier: Apache-2.0
// A small host for tests of fields: its state comes from a snapshot, its events from a builder, and
// fields are asked for by the text rules use.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "field/context.h"
#include "field/fields.h"
#include "state/state.h"

namespace gyr {

// "<null>" for no value; lists as "[a, b]"; blobs as their bytes.
inline std::string show(const Value& value) {
  switch (value.kind) {
    case Value::Kind::Null:
      return "<null>";
    case Value::Kind::Int:
      return std::to_string(value.i);
    case Value::Kind::Uint:
      return std::to_string(value.u);
    case Value::Kind::Double:
      return std::to_string(value.d);
    case Value::Kind::Bool:
      return value.b ? "true" : "false";
    case Value::Kind::Text:
    case Value::Kind::Blob:
      return std::string(value.as_text());
    case Value::Kind::Ip:
      return ip_text(value.as_ip());
    case Value::Kind::List:
      break;
  }
  std::string out = "[";
  for (const Value& item : value.as_list()) out += (out.size() > 1 ? ", " : "") + show(item);
  return out + "]";
}

// The field with its argument, bound. An error if the text names none or the argument is refused.
inline Result<FieldUse> use_of(std::string_view text) {
  const FieldMatch match = find_field(all_fields(), text);
  if (match.info == nullptr) return Error{"no such field"};
  FieldUse use;
  use.info = match.info;
  use.type = match.info->type;
  std::string_view rest = match.rest;
  if (!rest.empty()) {
    if (rest.front() == '[' && rest.back() == ']') {
      rest = rest.substr(1, rest.size() - 2);
    } else if (rest.front() == '.') {
      rest.remove_prefix(1);
    } else {
      return Error{"no such field"};
    }
    use.has_argument = true;
    use.argument = rest;
  }
  const bool asked = use.has_argument || (use.info->flags & (kArgumentRequired | kStateful)) != 0;
  if (asked && use.info->bind != nullptr) {
    if (Result<void> bound = use.info->bind(use); !bound) return bound.error();
  }
  return use;
}

class World {
 public:
  explicit World(const Snapshot& snapshot) : state_(settings(), pool_) { state_.load(snapshot); }

  // Builds an event, applies it, and makes it the one that fields are about.
  void event(Ev type, int64_t tid, const std::function<void(EventBuilder&)>& fill = {},
             uint64_t ts_ns = 1'700'000'000'123'456'789) {
    builder_.begin(type, ts_ns, tid);
    if (fill) fill(builder_);
    const Bytes bytes = builder_.finish();
    record_.assign(bytes.begin(), bytes.end());
    ASSERT_TRUE(view_.decode({record_, 1, 0, note}));
    arena_.reset();
    ++number_;
    event_state_ = &state_.apply(view_);
  }

  std::vector<uint8_t> note;  // of the events that follow

  EvalContext context() {
    return {.event = view_,
            .event_state = *event_state_,
            .state = state_,
            .number = number_,
            .first_ts_ns = 1'700'000'000'000'000'000,
            .arena = arena_,
            .memory = memory_,
            .settings = fields};
  }

  Value value(const FieldUse& use) { return use.info->extract(context(), use); }

  std::string get(std::string_view text) {
    const Result<FieldUse> use = use_of(text);
    return use ? show(value(*use)) : "error: " + use.error().message;
  }

  // What comparisons see.
  std::string each(std::string_view text) {
    const Result<FieldUse> use = use_of(text);
    if (!use || use->info->extract_each == nullptr) return "error";
    return show(use->info->extract_each(context(), *use));
  }

  const State& state() const { return state_; }
  FieldSettings fields;

 private:
  static StateSettings settings() { return {}; }

  StrPool pool_;
  State state_;
  Arena arena_;
  UseMemory memory_;
  EventBuilder builder_;
  std::vector<uint8_t> record_;
  EventView view_;
  const EventState* event_state_ = nullptr;
  uint64_t number_ = 0;
};

inline std::string entries(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += item + '\0';
  return out;
}

// init(1) ─ sshd(10) ─ bash(20) ─ cat(30, threads 30 and 31), in a session led by bash.
inline Snapshot small_host() {
  Snapshot snapshot;
  snapshot.machine.num_cpus = 2;
  snapshot.machine.hostname = "testhost";
  snapshot.machine.boot_ts_ns = 1'600'000'000'000'000'000;
  const auto add = [&](int64_t tid, int64_t pid, int64_t ptid, std::string comm,
                       std::string exepath, const std::vector<std::string>& args) {
    SnapshotThread thread;
    thread.tid = thread.vtid = tid;
    thread.pid = thread.vpid = pid;
    thread.ptid = ptid;
    thread.sid = 20;
    thread.vpgid = thread.pgid = 30;
    thread.comm = std::move(comm);
    thread.exepath = std::move(exepath);
    thread.exe = thread.exepath.substr(thread.exepath.rfind('/') + 1);
    thread.cwd = "/home/alice/";
    thread.root = "/";
    thread.args = entries(args);
    thread.env = entries({"HOME=/home/alice", "EMPTY=", "LANG= C "});
    thread.cgroups = entries({"cpuset=/", "memory=/user.slice"});
    thread.uid = 1000;
    thread.gid = 1000;
    thread.loginuid = 1000;
    thread.fdlimit = 1024;
    thread.vmsize_kb = 100;
    thread.vmrss_kb = 50;
    thread.cap_effective = thread.cap_permitted = 0x21;
    if (tid != pid) thread.flags = 8192 | kCloneFiles;  // CLONE_THREAD
    snapshot.threads.push_back(std::move(thread));
  };
  add(1, 1, 0, "systemd", "/usr/lib/systemd/systemd", {});
  add(10, 10, 1, "sshd", "/usr/sbin/sshd", {"-D"});
  add(20, 20, 10, "bash", "/bin/bash", {"-l"});
  add(30, 30, 20, "cat", "/bin/cat", {"a b", "c"});
  add(31, 30, 20, "cat-worker", "/bin/cat", {"a b", "c"});
  snapshot.users.push_back({1000, 1000, "alice", "/home/alice", "/bin/zsh"});
  snapshot.groups.push_back({1000, "users"});
  snapshot.has_users = true;
  const auto open = [&](int64_t fd, FdKind kind, std::string name) -> SnapshotFd& {
    SnapshotFd entry;
    entry.tid = 30;
    entry.fd = fd;
    entry.kind = kind;
    entry.name = std::move(name);
    snapshot.fds.push_back(std::move(entry));
    return snapshot.fds.back();
  };
  open(0, FdKind::File, "/dev/null");
  open(1, FdKind::Fifo, "pipe:[77]").ino = 77;
  SnapshotFd& file = open(3, FdKind::FileV2, "/etc/passwd");
  file.dev = 0xfe01;
  file.ino = 4242;
  open(4, FdKind::Directory, "/srv/data");
  SnapshotFd& socket = open(5, FdKind::Ipv4, "");
  socket.source_ip = {10, 0, 0, 1};
  socket.source_port = 40000;
  socket.dest_ip = {10, 0, 0, 2};
  socket.dest_port = 443;
  socket.l4 = 2;
  SnapshotFd& server = open(6, FdKind::Ipv4Server, "");
  server.source_ip = {0, 0, 0, 0};
  server.source_port = 22;
  server.l4 = 2;
  snapshot.fd_tids = {30};
  snapshot.interfaces.push_back({.name = "eth0", .address = {10, 0, 0, 1}, .netmask = {255}});
  return snapshot;
}

}  // namespace gyr
