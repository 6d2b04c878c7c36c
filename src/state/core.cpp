// SPDX-License-Identifier: Apache-2.0
// What several handlers share: tables of a thread, and the setters of its record.
#include "state/core.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/check.h"
#include "container/cgroup_path.h"

namespace gyr {

StateCore::StateCore(StateSettings given, StrPool& strings)
    : settings(std::move(given)),
      pool(strings),
      paths(strings),
      threads(settings.thread_limit, settings.own_pid),
      users(settings, strings),
      containers(strings),
      not_available(strings.intern("<NA>")),
      no_leader_cwd(strings.intern("./")),
      own_pid_(settings.live && settings.own_pid >= 0 ? settings.own_pid : kNoPid) {
  of_our_own = settings.live;
  paths.join_as_reference(!of_our_own);
}

const FdTable& StateCore::shared_fds(const Thread& of) const {
  if (of.joint_fds != nullptr) return *of.joint_fds;
  const Thread* leader = threads.leader(of);
  if (leader == nullptr) return no_fds;
  return leader->joint_fds == nullptr ? leader->own_fds : *leader->joint_fds;
}

void StateCore::unshare_fds(Thread& of) {
  if (!of_our_own) return;
  const FdTable* before = &std::as_const(*this).fds(of);
  if (before == &no_fds) return;
  if (of.is_main() && of.group != nullptr && std::exchange(of.group->fds_followed, false) &&
      of.group->members.size() > 1) {
    // Its threads keep what it leaves, and nobody leads them there.
    if (of.joint_fds == nullptr) of.joint_fds = std::make_shared<FdTable>(of.own_fds);
    before = of.joint_fds.get();
    for (Thread* member : of.group->members) {
      const bool follows = !member->is_main() && !has_own_fds(*member);
      if (follows && member->joint_fds == nullptr) member->joint_fds = of.joint_fds;
    }
  }
  if (before != &of.own_fds) of.own_fds.share(*before);
  of.joint_fds.reset();
  of.flags &= ~kCloneFiles;
}

void StateCore::share_fds(Thread& with, Thread& other) {
  Thread* owner = has_own_fds(with) || with.joint_fds != nullptr ? &with : threads.leader(with);
  if (owner == nullptr || owner == &other) return;
  if (owner->joint_fds == nullptr) {
    owner->joint_fds = std::make_shared<FdTable>(owner->own_fds);
    owner->own_fds.clear();
  }
  other.joint_fds = owner->joint_fds;
  other.own_fds.clear();
}

const Str& StateCore::cwd(const Thread& of) const {
  if (of.joint_cwd != nullptr) [[unlikely]]
    return *of.joint_cwd;
  const Thread* leader = threads.leader(of);
  if (leader == nullptr) return no_leader_cwd;
  return leader->joint_cwd == nullptr ? leader->own_cwd : *leader->joint_cwd;
}

void StateCore::unshare_cwd(Thread& of) {
  if (!of_our_own) return;
  const Str place = cwd(of);
  of.flags &= ~kCloneFs;
  if (!of.is_main()) {
    of.joint_cwd = std::make_shared<Str>(place);  // joint with nobody: a leader's is never asked
    return;
  }
  if (of.group != nullptr && std::exchange(of.group->cwd_followed, false) &&
      of.group->members.size() > 1) {
    if (of.joint_cwd == nullptr) of.joint_cwd = std::make_shared<Str>(place);
    for (Thread* member : of.group->members) {
      if (!member->is_main() && member->joint_cwd == nullptr) member->joint_cwd = of.joint_cwd;
    }
  }
  of.own_cwd = place;
  of.joint_cwd.reset();
}

void StateCore::share_cwd(Thread& with, Thread& other) {
  Thread* owner = with.joint_cwd != nullptr ? &with : threads.leader(with);
  if (owner == nullptr || owner == &other) return;
  if (owner->joint_cwd == nullptr) owner->joint_cwd = std::make_shared<Str>(owner->own_cwd);
  const bool moves = cwd(other) != *owner->joint_cwd;
  other.joint_cwd = owner->joint_cwd;
  if (moves) threads.changed(other);
}

const Str& StateCore::command_line(const Thread& of) const {
  if (of.command_line_known) return of.command_line;
  auto& entry = command_lines.at(of.comm, of.args);
  if (!entry.known) {
    std::string text(of.comm.view());
    std::string_view args = of.args.view();
    if (!args.empty()) {
      if (args.back() == '\0') args.remove_suffix(1);
      text.push_back(' ');
      text.append(args);
      std::replace(text.begin(), text.end(), '\0', ' ');
    }
    entry.result = pool.intern(text);
    entry.known = true;
  }
  of.command_line = entry.result;
  of.command_line_known = true;
  return of.command_line;
}

const Str& StateCore::resolve_dirfd(const Thread* of, std::string_view path, int64_t dirfd) {
  if (!path.empty() && path.front() == '/') return paths.dot;
  if (of == nullptr) return paths.unknown;
  if (dirfd == kAtFdcwd) return cwd(*of);
  const FdInfo* info = fds(*of).find(dirfd);
  if (info == nullptr) return paths.unknown;
  return paths.with_slash(info->name);
}

FdInfo* StateCore::add_fd_to(Thread& owner, int64_t fd, FdKind kind) {
  FdTable& table = fds(owner);
  FdInfo* info = &table == &no_fds ? nullptr : table.add_blank(fd);
  if (info == nullptr) {
    if (fd >= 0) ++counts.fds_dropped_full;
    return nullptr;
  }
  ++counts.fds_added;
  info->kind = kind;
  info->added_us = low_us(event_ns);
  return info;
}

void StateCore::keep_old_name() {
  if (std::exchange(now.fd_edited, true)) return;
  if (now.fd != nullptr) now.old_fd_name = now.fd->name;
}

FdInfo* StateCore::add_fd(int64_t fd, FdKind kind) {
  keep_old_name();
  FdInfo* info = add_fd_to(*thread, fd, kind);
  thread->last_fd = fd;
  now.fd = info;
  return info;
}

FdInfo& StateCore::edit_fd() {
  keep_old_name();
  FdInfo* info = fds(*thread).edit(thread->last_fd);
  GYR_CHECK(info != nullptr);  // now.fd was found there
  now.fd = info;
  return *info;
}

void StateCore::settle(int64_t tid, uint64_t as_of_ns) {
  constexpr uint64_t kLongAgoNs = 60'000'000'000;  // no event waits in a ring for so long
  if (as_of_ns == 0) return;
  if (as_of_ns > settled_until_ns + kLongAgoNs) settled_as_of.clear();
  settled_as_of[tid] = as_of_ns;
  settled_until_ns = std::max(settled_until_ns, as_of_ns);
}

bool StateCore::was_settled(int64_t tid, uint64_t ts_ns) const {
  const auto at = settled_as_of.find(tid);
  return at != settled_as_of.end() && ts_ns <= at->second;
}

void StateCore::set_cwd(Thread& of, const Str& path) {
  Thread* leader = threads.leader(of);
  if (leader == nullptr) return;
  // The reference resolves against the calling entry's own directory, which only leaders have.
  const Str joined = paths.join(of_our_own ? cwd(of) : of.own_cwd, path);
  const Str& with_slash = joined.empty() ? paths.slash : paths.with_slash(joined);
  if (cwd(of) == with_slash) return;
  if (Str* joint = of.joint_cwd != nullptr ? of.joint_cwd.get() : leader->joint_cwd.get()) {
    *joint = with_slash;
    return threads.raise_epoch();  // whoever has it sees another
  }
  leader->own_cwd = with_slash;
  threads.changed(*leader);
}

void StateCore::set_exepath(Thread& of, std::string_view path) {
  constexpr std::string_view kDeleted = " (deleted)";
  if (path.size() > kDeleted.size() && path.ends_with(kDeleted)) {
    path.remove_suffix(kDeleted.size());
  }
  of.exepath = intern(path);
}

namespace {

std::string_view subsystem_name(std::string_view name) {
  constexpr std::string_view kSuffix = "_cgroup";
  if (name.ends_with(kSuffix)) name.remove_suffix(kSuffix.size());
  if (name == "perf") return "perf_event";
  if (name == "mem") return "memory";
  if (name == "io") return "blkio";
  return name;
}

// Empty when an entry lacks its "=": one bad entry spoils the update.
std::optional<std::string> with_known_subsystems(std::string_view cgroups) {
  std::string text;
  while (!cgroups.empty()) {
    const std::string_view entry = cgroups.substr(0, cgroups.find('\0'));
    cgroups.remove_prefix(entry.size() < cgroups.size() ? entry.size() + 1 : entry.size());
    const size_t equals = entry.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    text.append(subsystem_name(entry.substr(0, equals)));
    text.append(entry.substr(equals));
    text.push_back('\0');
  }
  return text;
}

}  // namespace

void StateCore::set_cgroups(Thread& of, std::string_view cgroups) {
  auto& entry = cgroup_lists.at(intern(cgroups), Str());
  if (!entry.known) {
    const std::optional<std::string> text = with_known_subsystems(cgroups);
    entry.result = text ? intern(*text) : Str();
    entry.known = true;
  }
  if (!entry.result.empty()) of.cgroups = entry.result;
}

void StateCore::set_container(Thread& of, uint64_t now_ns) {
  auto& entry = container_ids.at(of.cgroups, Str());
  if (!entry.known) {
    entry.result = intern(container_id_of(of.cgroups.view()));
    entry.known = true;
  }
  if (of.container_id != entry.result) {
    of.container_id = entry.result;
    if (of.group != nullptr) threads.changed(of);
  }
  if (!of.container_id.empty() && settings.find_container) ask_about_container(of, now_ns);
}

void StateCore::ask_about_container(const Thread& of, uint64_t now_ns) {
  if (now_ns < containers.ask_at_ns(of.container_id)) return;
  const ContainerAnswer answer =
      settings.find_container(of.container_id.view(), of.cgroups.view(), of.pid, now_ns);
  containers.set_ask_at(of.container_id, answer.ask_again_ns);
  if (!answer.json.empty()) found_container(answer.json);
}

void StateCore::found_container(const std::string& json) {
  if (settings.on_finding) settings.on_finding(FoundContainer{json});
  add_container(json);
}

void StateCore::add_container(std::string_view json) {
  if (containers.add_json(json, [this] { return containers_in_use(); }) != nullptr)
    threads.raise_epoch();
}

Containers::Ids StateCore::containers_in_use() {
  Containers::Ids ids;
  threads.for_each([&](const Thread& each) { ids.insert(each.container_id.rep()); });
  return ids;
}

void StateCore::forget_containers() {
  const std::vector<Str> gone = containers.keep(containers_in_use());
  for (const Str& id : gone) {
    users.remove_container(id);
    if (settings.forget_container) settings.forget_container(id.view());
  }
  if (!gone.empty()) threads.raise_epoch();
}

void StateCore::note_users(const Thread& of) {
  if (users.note(of.container_id, of.pid, of.uid, of.gid)) threads.raise_epoch();
}

}  // namespace gyr
