// SPDX-License-Identifier: Apache-2.0
// All threads, their groups and family tree. Guarantees: `parent`, `children`, `group` and
// `members` always point to records in the table; a thread's ptid names its parent, or 0, or a
// thread the table does not know. Everything that makes a Dependency::Thread value change raises a
// version here.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "event/snapshot.h"
#include "state/thread.h"

namespace gyr {

class ThreadTable {
 public:
  ThreadTable(uint32_t limit, int64_t own_pid) : limit_(limit), own_pid_(own_pid) {}
  ~ThreadTable();
  ThreadTable(const ThreadTable&) = delete;
  ThreadTable& operator=(const ThreadTable&) = delete;

  Thread* find(int64_t tid) const {
    Thread* found = last(tid);
    return found != nullptr ? found : find_slow(tid);
  }
  // What was found last, if it has this tid; else null.
  Thread* last(int64_t tid) const { return tid == last_tid_ ? last_ : nullptr; }
  bool has_room(int64_t tid) const { return threads_.size() < limit_ || tid == own_pid_; }

  // A blank record; give it to add() or discard().
  Thread* create();
  void discard(Thread* thread);
  // Puts a record in, replacing one with its tid, and links it. Null when the table is full (the
  // record is discarded).
  Thread* add(Thread* thread);
  // Puts it in without links; after all are in, link_all().
  Thread* add_unlinked(Thread* thread);
  void link_all();
  // Makes group and parent known (state-engine 3.3); nothing for invalid or linked threads
  // and for those that are not in.
  void link(Thread& thread);
  // Removes as state-engine 3.4 says: children find a reaper, a dead leader stays while others
  // live.
  void remove(int64_t tid);
  void clear();

  // Leader of the thread's group, null if none is known.
  Thread* leader(Thread& thread) const {
    return const_cast<Thread*>(leader(static_cast<const Thread&>(thread)));
  }
  const Thread* leader(const Thread& thread) const {
    if (thread.is_main()) return &thread;
    if (thread.group == nullptr || thread.group->members.empty()) return nullptr;
    const Thread* first = thread.group->members.front();
    return first->is_main() ? first : nullptr;
  }
  const Thread* parent(const Thread& thread) const {
    if (thread.parent != nullptr) return thread.parent;
    // Thread 0 is what threads without a parent find. While it is half known it must be the end:
    // what comes and goes above it would change what they see, and not their versions.
    if (thread.tid == 0 && thread.is_invalid()) return nullptr;
    return find(thread.ptid);
  }

  // To be called after each change of a value that a Dependency::Thread field can show.
  void changed(Thread& thread);
  void raise_epoch() { epoch_ = ++tick_; }
  uint64_t version_of(const Thread& thread) const {
    if (thread.group == nullptr) return tick_;  // half known: never take an answer as still true
    uint64_t version = thread.version > lineage_ ? thread.version : lineage_;
    if (epoch_ > version) version = epoch_;
    const Thread* head = leader(thread);
    return head != nullptr && head->version > version ? head->version : version;
  }

  size_t size() const { return threads_.size(); }
  uint64_t added() const { return added_; }
  uint64_t removed() const { return removed_; }
  uint64_t dropped() const { return dropped_; }
  const FdPool& fd_pool() const { return fd_pool_; }
  template <class Use>
  void for_each(Use use) const {
    for (const auto& [tid, thread] : threads_) use(*thread);
  }

 private:
  Thread* find_slow(int64_t tid) const;
  Thread* find_reaper(const Thread& thread) const;
  Thread* reaper_among_ancestors(const Thread& thread) const;
  void give_children_to(Thread& thread, Thread* reaper);
  void adopt(Thread& parent, Thread& child);
  void leave_parent(Thread& child);
  void leave_group(Thread& thread);
  void join_group(Thread& thread);
  void replace(Thread& old, Thread& fresh);
  void erase(Thread& thread);
  bool is_seen_by_others(const Thread& thread) const;
  void raise_lineage() { lineage_ = ++tick_; }

  static constexpr size_t kBlock = 32;
  const uint32_t limit_;
  const int64_t own_pid_;
  FdPool fd_pool_;
  absl::flat_hash_map<int64_t, Thread*> threads_;
  absl::flat_hash_map<int64_t, std::unique_ptr<ThreadGroup>> groups_;
  std::vector<std::unique_ptr<Thread[]>> blocks_;
  std::vector<Thread*> free_;
  mutable int64_t last_tid_ = -1;
  mutable Thread* last_ = nullptr;
  uint64_t tick_ = 0;
  uint64_t lineage_ = 0;
  uint64_t epoch_ = 0;
  uint64_t added_ = 0, removed_ = 0, dropped_ = 0;
};

// Who exited lately: a clone that names such a child is stale (state-engine 4.1).
class RecentExits {
 public:
  static constexpr size_t kEntries = 8192;
  static constexpr uint64_t kWindowNs = 2'000'000'000;
  RecentExits() : entries_(kEntries), heads_(kEntries) {}
  void add(int64_t ptid, int64_t tid, uint64_t ts_ns);
  bool contains(int64_t ptid, int64_t tid, uint64_t now_ns) const;
  void clear();
  // Calls use(const RecentExit&), the oldest first.
  template <class Use>
  void for_each(Use use) const {
    const uint64_t first = count_ >= kEntries ? count_ - kEntries + 1 : 1;
    for (uint64_t number = first; number <= count_; ++number) {
      const Entry& entry = entries_[number % kEntries];
      use(RecentExit{.ptid = entry.ptid, .tid = entry.tid, .ts_ns = entry.ts_ns});
    }
  }

 private:
  struct Entry {
    int64_t ptid = -1, tid = -1;
    uint64_t ts_ns = 0;
    uint64_t previous = 0;  // number of the entry before it in the same bucket, 0: none
  };
  static size_t bucket(int64_t tid) { return static_cast<uint64_t>(tid) % kEntries; }
  std::vector<Entry> entries_;
  std::vector<uint64_t> heads_;  // number of a bucket's last entry, from 1
  uint64_t count_ = 0;
};

}  // namespace gyr
