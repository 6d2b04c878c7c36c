// SPDX-License-Identifier: Apache-2.0
// Follows threads with ptrace(2) and all that they make, and tells TraceRecords what happens. One
// thread only: who makes the object must start or attach to the threads and call everything here.
//
// Guarantees: signals, job control and exit statuses reach everybody as if nobody traced; a stopped
// thread is resumed before step() returns; nothing waits for a thread that may be gone. Reaps every
// child of the calling thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

#include "source/ptrace_records.h"

namespace gyr {

// Whether the tracer has to see the call, to follow what it makes.
bool makes_threads(const gyr_call& call);
// The process of a thread; the thread itself if it is gone.
int64_t group_of(const Files& files, int64_t tid);

enum class TraceMode : uint8_t {
  Filtered,  // a seccomp filter stops the wanted calls
  All,       // every call stops, twice
};

class Tracer {
 public:
  static constexpr size_t kThreadsMax = 262'144;  // more are not followed, counted

  Tracer(TraceRecords& records, const Files& files, TraceMode mode)
      : records_(records), files_(files), mode_(mode) {}
  ~Tracer();
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  // Takes a thread that is not traced yet. Gives errno.
  int start_following(pid_t tid, bool ends_with_us);
  bool follows(pid_t tid) const { return threads_.contains(tid); }
  // From now on every call stops: the filter does not know what is wanted now.
  void watch_all_calls();

  // Deals with one stop that has been reported; records_ may have records afterwards. False when
  // none was waiting.
  bool step();
  // Waits until something may have stopped.
  void wait(std::chrono::milliseconds most);
  // Nobody is left, and nobody who was made is still to come.
  bool done() const { return threads_.empty() && makers_.empty() && stops_.empty(); }

  // Lets everybody go on without us.
  void detach_all();
  void kill_all();
  void signal_all(int signal);

  // Of a thread group that has ended: its wait status.
  void remember(pid_t pid) { remembered_ = pid; }
  std::optional<int> remembered_status() const { return remembered_status_; }
  bool remembered_started() const { return remembered_started_; }  // a program

  uint64_t not_followed() const { return not_followed_; }
  size_t count() const { return threads_.size(); }

 private:
  struct Thread {
    TracedThread who;
    bool is_new = true;    // its first stop is still to come
    bool is_born = false;  // a traced thread made it: that stop is the end of its clone
    bool in_call = false;  // the end of `call` has to be seen
    bool ended = false;    // and that was told
    TracedCall call;
    // Its end cannot be told before it is known who got its children.
    std::optional<uint32_t> exit_code;
    int64_t child = 0;
    bool flags_changed = false;  // of its clone, so that it cannot make a thread that is not traced
  };
  struct Stop {
    pid_t tid;
    int status;
  };

  void collect();
  Thread* thread_at(pid_t tid);
  void stopped(pid_t tid, int status);
  void on_event(pid_t tid, Thread* thread, int event);
  void gone(pid_t tid, int status);
  void resume(pid_t tid, const Thread& thread, int signal = 0) const;
  TracedThread whom(const Thread& thread) const;

  void on_birth(Thread* thread);
  void on_syscall(Thread* thread);
  void on_signal(const Thread& thread, int signal);
  void on_new_thread(pid_t maker);
  void on_exec(Thread* thread);
  void on_ending(Thread* thread);
  void tell_end(Thread* thread, uint32_t code, int64_t reaper);
  int64_t heir_in_group(const Thread& thread) const;
  // Until nobody is left or time is up, gives every stop to `answer`.
  void settle(void (*answer)(pid_t tid, int status));

  TraceRecords& records_;
  const Files& files_;
  TraceMode mode_;
  std::unordered_map<pid_t, Thread> threads_;
  // Threads whose maker has told of them before their first stop came.
  struct Maker {
    pid_t tid;
    uint64_t flags;  // of its call
  };
  std::unordered_map<pid_t, Maker> makers_;
  std::deque<Stop> stops_;
  pid_t remembered_ = -1;
  std::optional<int> remembered_status_;
  bool remembered_started_ = false;
  uint64_t not_followed_ = 0;
};

}  // namespace gyr
