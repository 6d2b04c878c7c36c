// SPDX-License-Identifier: Apache-2.0
#include "state/thread_table.h"

#include <algorithm>
#include <utility>

namespace gyr {

ThreadTable::~ThreadTable() { clear(); }

Thread* ThreadTable::find_slow(int64_t tid) const {
  const auto at = threads_.find(tid);
  if (at == threads_.end()) return nullptr;
  last_tid_ = tid;
  last_ = at->second;
  return last_;
}

Thread* ThreadTable::create() {
  if (free_.empty()) {
    blocks_.push_back(std::make_unique<Thread[]>(kBlock));
    Thread* block = blocks_.back().get();
    free_.reserve(blocks_.size() * kBlock);
    for (size_t i = kBlock; i > 0; --i) free_.push_back(block + i - 1);
  }
  Thread* thread = free_.back();
  free_.pop_back();
  thread->own_fds = FdTable(&fd_pool_);
  return thread;
}

void ThreadTable::discard(Thread* thread) {
  // The evaluator's memory and the vectors' rooms serve the next thread.
  ThreadMemo memo = std::move(thread->memo);
  memo.version = 0;
  memo.generation = 0;
  std::vector<Thread*> children = std::move(thread->children);
  children.clear();
  std::vector<uint8_t> enter_event = std::move(thread->enter_event);
  enter_event.clear();
  thread->own_fds.clear();
  *thread = Thread{};
  thread->memo = std::move(memo);
  thread->children = std::move(children);
  thread->enter_event = std::move(enter_event);
  free_.push_back(thread);
}

Thread* ThreadTable::add_unlinked(Thread* thread) {
  const auto at = threads_.find(thread->tid);
  if (at == threads_.end() && !has_room(thread->tid)) {
    ++dropped_;
    discard(thread);
    return nullptr;
  }
  ++added_;
  thread->version = ++tick_;
  if (is_seen_by_others(*thread)) raise_lineage();
  if (at != threads_.end()) {
    Thread* old = at->second;
    at->second = thread;
    replace(*old, *thread);
  } else {
    threads_.emplace(thread->tid, thread);
  }
  last_tid_ = thread->tid;
  last_ = thread;
  return thread;
}

Thread* ThreadTable::add(Thread* thread) {
  if (add_unlinked(thread) == nullptr) return nullptr;
  link(*thread);
  return thread;
}

// The new record of a tid inherits the old one's children, so that they keep a parent.
void ThreadTable::replace(Thread& old, Thread& fresh) {
  ++removed_;
  if (!old.children.empty()) {
    for (Thread* child : old.children) child->parent = nullptr;
    for (Thread* child : std::exchange(old.children, {})) {
      if (!fresh.is_invalid() && child != &fresh) {
        adopt(fresh, *child);
      } else {
        child->ptid = 0;
      }
    }
    raise_lineage();
  }
  leave_parent(old);
  if (old.group != nullptr && !old.is_dead() && old.group->alive > 0) --old.group->alive;
  leave_group(old);
  discard(&old);
}

void ThreadTable::link_all() {
  std::vector<Thread*> all;
  all.reserve(threads_.size());
  for (const auto& [tid, thread] : threads_) all.push_back(thread);
  // In order of tids, so that two loads of one snapshot give the same groups.
  std::sort(all.begin(), all.end(),
            [](const Thread* a, const Thread* b) { return a->tid < b->tid; });
  for (Thread* thread : all) link(*thread);
}

void ThreadTable::link(Thread& thread) {
  if (thread.is_invalid() || thread.group != nullptr || find(thread.tid) != &thread) return;
  join_group(thread);
  if (thread.pid == 1) {
    thread.ptid = 0;  // nobody is above init
  } else {
    Thread* parent = thread.ptid == thread.tid ? nullptr : find(thread.ptid);
    if (parent == nullptr || parent->is_invalid()) {
      thread.ptid = 0;
    } else {
      adopt(*parent, thread);
    }
  }
  changed(thread);
}

void ThreadTable::join_group(Thread& thread) {
  std::unique_ptr<ThreadGroup>& group = groups_[thread.pid];
  if (group == nullptr) {
    group = std::make_unique<ThreadGroup>();
    group->pid = thread.pid;
    group->reaper = thread.pid == 1 || thread.vpid == 1;
  }
  thread.group = group.get();
  ++group->alive;
  group->fds_followed = group->cwd_followed = true;
  if (thread.is_main()) {
    if (!group->members.empty()) raise_lineage();  // the others have another leader now
    group->members.insert(group->members.begin(), &thread);
  } else {
    group->members.push_back(&thread);
  }
}

void ThreadTable::leave_group(Thread& thread) {
  ThreadGroup* group = std::exchange(thread.group, nullptr);
  if (group == nullptr) return;
  const bool was_first = group->members.front() == &thread;
  std::erase(group->members, &thread);
  if (group->members.empty()) {
    groups_.erase(group->pid);
  } else if (was_first) {
    raise_lineage();
  }
}

void ThreadTable::adopt(Thread& parent, Thread& child) {
  child.ptid = parent.tid;
  child.parent = &parent;
  child.child_index = static_cast<uint32_t>(parent.children.size());
  parent.children.push_back(&child);
}

void ThreadTable::leave_parent(Thread& child) {
  Thread* parent = std::exchange(child.parent, nullptr);
  if (parent == nullptr) return;
  Thread* last = parent->children.back();
  parent->children[child.child_index] = last;
  last->child_index = child.child_index;
  parent->children.pop_back();
}

bool ThreadTable::is_seen_by_others(const Thread& thread) const {
  if (!thread.children.empty()) return true;
  if (thread.group != nullptr && thread.group->members.size() > 1 &&
      thread.group->members.front() == &thread) {
    return true;
  }
  return thread.tid == 0;  // threads without a parent still find this one
}

void ThreadTable::changed(Thread& thread) {
  thread.version = ++tick_;
  if (is_seen_by_others(thread)) raise_lineage();
}

Thread* ThreadTable::reaper_among_ancestors(const Thread& thread) const {
  // A snapshot may hold a circle: `anchor` moves on in growing steps and is met again in one.
  const Thread* anchor = &thread;
  size_t steps = 0, limit = 1;
  for (const Thread* at = find(thread.ptid); at != nullptr && at != anchor; at = find(at->ptid)) {
    if (at->in_pid_namespace() != thread.in_pid_namespace()) return nullptr;
    if (at->group != nullptr && at->group->reaper && at->group->alive > 0) {
      for (Thread* member : at->group->members) {
        if (!member->is_dead() && member != &thread) return member;
      }
      return nullptr;
    }
    if (++steps == limit) {
      anchor = at;
      steps = 0;
      limit *= 2;
    }
  }
  return nullptr;
}

Thread* ThreadTable::find_reaper(const Thread& thread) const {
  if (thread.reaper_tid > 0) {
    Thread* given = find(thread.reaper_tid);
    if (given != nullptr && !given->is_invalid() && given != &thread) return given;
  }
  if (thread.group->alive > 0) {
    for (Thread* member : thread.group->members) {
      if (member != &thread && !member->is_dead()) return member;
    }
  }
  return reaper_among_ancestors(thread);
}

void ThreadTable::give_children_to(Thread& thread, Thread* reaper) {
  if (thread.children.empty()) return;
  if (reaper != nullptr && reaper->group != nullptr && reaper->pid != thread.pid) {
    reaper->group->reaper = true;
  }
  for (Thread* child : std::exchange(thread.children, {})) {
    child->parent = nullptr;
    if (reaper != nullptr && reaper != child) {
      adopt(*reaper, *child);
    } else {
      child->ptid = 0;
    }
    child->version = ++tick_;
  }
  raise_lineage();
}

void ThreadTable::erase(Thread& thread) {
  give_children_to(thread, nullptr);
  if (is_seen_by_others(thread)) raise_lineage();
  leave_parent(thread);
  leave_group(thread);
  threads_.erase(thread.tid);
  if (last_ == &thread) last_ = nullptr;
  ++tick_;
  ++removed_;
  discard(&thread);
}

void ThreadTable::remove(int64_t tid) {
  Thread* thread = find(tid);
  if (thread == nullptr) return;
  ThreadGroup* group = thread->group;
  if (thread->is_invalid() || group == nullptr) return erase(*thread);
  if (!thread->is_dead()) {
    if (group->alive > 0) --group->alive;
    thread->flags |= kThreadClosed;
  }
  if (!thread->children.empty()) give_children_to(*thread, find_reaper(*thread));
  const bool is_leader = thread->is_main();
  const bool last_alive = group->alive == 0;
  if (last_alive) {
    Thread* leader = find(group->pid);
    if (leader != nullptr && leader != thread && leader->group == group) erase(*leader);
  }
  if (last_alive || !is_leader) erase(*thread);
}

void ThreadTable::clear() {
  for (auto& [tid, thread] : threads_) {
    thread->group = nullptr;
    thread->parent = nullptr;
    thread->children.clear();
    discard(thread);
  }
  removed_ += threads_.size();
  threads_.clear();
  groups_.clear();
  last_ = nullptr;
  raise_epoch();
}

void RecentExits::add(int64_t ptid, int64_t tid, uint64_t ts_ns) {
  const uint64_t number = ++count_;
  Entry& entry = entries_[number % kEntries];
  uint64_t& head = heads_[bucket(tid)];
  entry = {.ptid = ptid, .tid = tid, .ts_ns = ts_ns, .previous = head};
  head = number;
}

bool RecentExits::contains(int64_t ptid, int64_t tid, uint64_t now_ns) const {
  for (uint64_t number = heads_[bucket(tid)]; number != 0 && number + kEntries > count_;
       number = entries_[number % kEntries].previous) {
    const Entry& entry = entries_[number % kEntries];
    if (entry.tid == tid && entry.ptid == ptid && now_ns <= entry.ts_ns + kWindowNs) return true;
  }
  return false;
}

void RecentExits::clear() {
  entries_.assign(kEntries, {});
  heads_.assign(kEntries, 0);
  count_ = 0;
}

}  // namespace gyr
