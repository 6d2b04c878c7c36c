// SPDX-License-Identifier: Apache-2.0
// Makes records of what the tracer sees: calls that end, programs that start, threads that end.
// The rows of the schema decide what is in them, as for the probe (ptrace_collect.h).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/system.h"
#include "event/event_view.h"
#include "schema/schema.h"
#include "source/ptrace_tracee.h"

namespace gyr {

// A call, as its beginning showed it.
struct TracedCall {
  uint32_t nr = 0;
  bool compat = false;  // made the 32-bit way
  std::array<uint64_t, 6> args{};
  uint64_t entered_ns = 0;  // coarse time
};

struct TracedThread {
  int64_t pid = -1;
  int64_t tid = -1;
  int64_t parent_tid = -1;   // -1: as /proc says
  uint64_t clone_flags = 0;  // with which it was made; only while that is told
};

class TraceRecords {
 public:
  // `snaplen`: bytes of a buffer that are kept. `files` must outlive the object.
  TraceRecords(const Files& files, uint32_t snaplen);

  void select(std::span<const Sc> syscalls);
  const gyr_calls& calls() const { return calls_; }
  // Whether the end of the call has to be seen. Counts calls that cannot be mapped.
  bool wants(const TracedCall& call);
  bool wants_ends() const { return ends_wanted_; }
  bool wants_signals() const { return signals_wanted_; }

  void call_ended(const TracedThread& thread, const TracedCall& call, int64_t result);
  void program_started(const TracedThread& thread, bool compat);
  // `code`: as the kernel keeps it (a wait status). `reaper`: who gets the children, 0: there are
  // none.
  void thread_ended(const TracedThread& thread, uint32_t code, int64_t reaper);
  void signal_delivered(const TracedThread& thread, int signal, int64_t sender);

  // The next record that was made; valid until the next call of anything here.
  bool next(Record* record);

  struct Counters {
    uint64_t seen = 0;  // made or tried to
    uint64_t too_big = 0;
    uint64_t unreadable = 0;  // parameters left empty because the memory could not be read
    uint64_t unmapped_32bit = 0;
    uint64_t x32 = 0;
  };
  const Counters& counters() const { return counters_; }

 private:
  struct WorkshopDeleter {
    void operator()(gyr_workshop* workshop) const { gyr_workshop_delete(workshop); }
  };
  gyr_tracee about(const TracedThread& thread);
  void build(gyr_tracee* tracee, const gyr_call_end& end);
  void build_messages(gyr_tracee* tracee, gyr_call_end end);
  bool may_create(const gyr_call_end& end) const;

  const Files& files_;
  uint32_t snaplen_;
  uint64_t boot_ns_;
  ThreadReader threads_;
  std::unique_ptr<gyr_workshop, WorkshopDeleter> workshop_;
  gyr_calls calls_{};
  bool ends_wanted_ = false;
  bool signals_wanted_ = false;
  // Made and not handed out yet: one behind the other.
  std::vector<uint8_t> bytes_;
  std::vector<size_t> sizes_;
  size_t next_ = 0;
  size_t offset_ = 0;
  Counters counters_;
};

}  // namespace gyr
