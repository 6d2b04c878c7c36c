// SPDX-License-Identifier: Apache-2.0
#include "state/state.h"

#include <utility>

#include "state/core.h"

namespace gyr {

struct State::Impl : StateCore {
  using StateCore::StateCore;
};

State::State(StateSettings settings, StrPool& pool)
    : impl_(std::make_unique<Impl>(std::move(settings), pool)) {}
State::~State() = default;

void State::load(const Snapshot& snapshot) { load_snapshot(*impl_, snapshot); }

const EventState& State::apply(const EventView& event) {
  impl_->apply(event);
  return impl_->now;
}

const EventState& State::current() const { return impl_->now; }
uint64_t State::last_ns() const { return impl_->event_ns; }

void State::reconcile(const Snapshot& snapshot) { reconcile_snapshot(*impl_, snapshot); }
void State::learn(const Finding& finding) { learn_finding(*impl_, finding); }

void State::take_late() {
  if (!impl_->settings.late_container) return;
  for (std::string json; !(json = impl_->settings.late_container()).empty();) {
    impl_->found_container(json);
  }
}

const Thread* State::find(int64_t tid) const { return impl_->threads.find(tid); }

const Thread* State::leader(const Thread& thread) const {
  return std::as_const(impl_->threads).leader(thread);
}

const Thread* State::parent(const Thread& thread) const { return impl_->threads.parent(thread); }

const FdTable& State::fds(const Thread& thread) const { return std::as_const(*impl_).fds(thread); }

const Str& State::cwd(const Thread& thread) const { return impl_->cwd(thread); }

const Str& State::env(const Thread& thread) const {
  const Thread* head = leader(thread);
  return head != nullptr ? head->own_env : thread.own_env;
}

const Str& State::command_line(const Thread& thread) const { return impl_->command_line(thread); }

const UserInfo* State::user(const Str& container_id, uint32_t uid) const {
  return impl_->users.user(container_id, uid);
}

const GroupInfo* State::group(const Str& container_id, uint32_t gid) const {
  return impl_->users.group(container_id, gid);
}

const ContainerInfo* State::container(const Str& container_id) const {
  return impl_->containers.find(container_id);
}

const std::vector<InterfaceInfo>& State::interfaces() const { return impl_->interfaces.all(); }

bool State::is_local(const IpAddress& address, const Thread* thread) const {
  if (thread != nullptr && !thread->container_id.empty()) {
    if (address.v6) return false;
    const ContainerInfo* container = impl_->containers.find(thread->container_id);
    const Str text = impl_->intern(ip_text(address));
    if (container == nullptr || container->ip.empty()) return impl_->containers.any_has_ip(text);
    if (container->ip == text) return true;
  }
  return impl_->interfaces.is_local(address);
}

const MachineInfo& State::machine() const { return impl_->machine; }
uint64_t State::thread_count() const { return impl_->threads.size(); }

void State::for_each_thread(const std::function<void(const Thread&)>& use) const {
  impl_->threads.for_each(use);
}

StateCounters State::counters() const {
  StateCounters result = impl_->counts;
  result.threads_added = impl_->threads.added();
  result.threads_removed = impl_->threads.removed();
  result.threads_dropped_full = impl_->threads.dropped();
  result.fds_dropped_full += impl_->threads.fd_pool().replaced();
  result.containers_dropped_full = impl_->containers.dropped_full();
  return result;
}

StrPool& State::pool() const { return impl_->pool; }

Str State::join_path(const Str& base, const Str& path) const {
  return impl_->paths.join(base, path);
}

Str State::join_path(const Str& base, std::string_view path) const {
  return impl_->paths.join(base, impl_->intern(path));
}

Str State::resolve_dirfd(const Thread* thread, std::string_view path, int64_t dirfd) const {
  return impl_->resolve_dirfd(thread, path, dirfd);
}

Str State::directory_of(const Str& name) const { return impl_->paths.directory_of(name); }

uint64_t State::version_of(const Thread& thread) const { return impl_->threads.version_of(thread); }

void State::raise_epoch() { impl_->threads.raise_epoch(); }

Snapshot State::dump() {
  impl_->finish_deferred();
  return dump_snapshot(*impl_);
}

}  // namespace gyr
