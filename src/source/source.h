// SPDX-License-Identifier: Apache-2.0
// Where events come from: the kernel probe, a capture file, later plugins. The engine pulls; a
// record is used where it lies and is valid until the next call of next().
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "event/event_view.h"
#include "event/snapshot.h"
#include "source/look_counters.h"

namespace gyr {

enum class SourceStatus : uint8_t {
  Event,    // *record is set
  Idle,     // nothing now (live); the call waited a bounded time, at most ~100 ms
  Dropped,  // an event that no one sees was consumed (it takes no event number)
  Found,    // what a recorded state learnt at this place: take_finding() (no event number either)
  Resync,   // critical events were lost: look_again() tells what is true now
  Restart,  // a new section begins: state is rebuilt from take_snapshot(); the event number goes on
  End,      // no more events, all was read
  Failed,   // error() says what and where; what came before stays valid
};

// Why an event that was wanted did not come.
enum class LossReason : uint8_t {
  RingFull,
  TooBig,
  Nested,       // it happened while another event of its CPU was being built
  Yielded,      // its process talks most, and the ring was half full (Shedding)
  NotFollowed,  // work submitted through io_uring whose end was not seen
};
struct LossRow {
  uint16_t cpu = 0;
  Sc call = Sc::UNKNOWN;
  LossReason reason = LossReason::RingFull;
  uint64_t count = 0;
};

// Of one CPU, since the start.
struct CpuCounters {
  uint64_t seen = 0;  // events that were wanted, lost ones included
  uint64_t lost = 0;
};
// Of a program of the probe, as the kernel counts (kernel.bpf_stats_enabled).
struct ProgramRuns {
  std::string name;
  uint64_t runs = 0;
  uint64_t time_ns = 0;
};

struct SourceCounters {
  uint64_t events = 0;  // delivered
  uint64_t seen = 0;    // live: events that were wanted, = delivered + shed + lost + still underway
  uint64_t filtered = 0;        // consumed and shown to nobody
  uint64_t unknown_types = 0;   // records of types this version does not know, skipped
  uint64_t lost_ring_full = 0;  // events lost because the ring was full
  uint64_t lost_other = 0;      // lost for any other reason (see lost_detail)
  uint64_t missed = 0;          // live: calls, wanted or not, at which the kernel skipped the probe
  uint64_t unmapped_32bit = 0;  // 32-bit calls that could not be mapped
  uint64_t sent = 0;            // live: by the probe; those not delivered yet are in the rings
  uint64_t shed = 0;            // given up on purpose (LoadControl)
  uint64_t lost_critical = 0;   // of the lost ones, those of the critical class
  std::vector<LossRow> losses;  // no row for nothing
  LookCounters looks;           // live: how snapshots were made
  std::vector<CpuCounters> cpus;      // by number; live only
  std::vector<ProgramRuns> programs;  // live only
  std::string lost_detail;            // human-readable, "" if nothing was lost

  uint64_t lost() const { return lost_ring_full + lost_other + missed; }
};

// How hard a live source is pressed. The counters only grow.
struct Load {
  uint64_t cpu_ns = 0;   // of our process
  uint64_t lost = 0;     // events, without those that talkers lost on purpose
  double ring_fill = 0;  // of the fullest ring since this was asked last, 0 to 1
};
// What a live source gives up for the time being.
struct Shedding {
  // These processes lose `calls`, and their other bulk events while a ring is half full.
  std::vector<int64_t> talkers;
  std::vector<Sc> calls;
  bool of_everybody = false;  // all processes lose `calls`
};
// What a live source collects; SCHED_PROCESS_EXIT among it.
struct Collection {
  std::vector<Sc> syscalls{};
  bool real_paths = false;     // of opened files (Record::note)
  std::vector<Sc> compared{};  // calls whose texts and addresses are compared at entry and exit
};

class LoadControl {
 public:
  virtual ~LoadControl() = default;
  virtual Load take_load() = 0;
  virtual void shed(const Shedding& what) = 0;  // instead of what was shed before
};

class Source {
 public:
  virtual ~Source() = default;
  // State as of the first event. Called once before the first next() and once after each Restart.
  virtual Result<Snapshot> take_snapshot() = 0;
  virtual SourceStatus next(Record* record) = 0;
  // After Resync; nothing else becomes of it.
  virtual Result<Snapshot> look_again() { return Error{"this source cannot look again"}; }
  virtual Finding take_finding() { return {}; }  // once after each Found
  // EventView::decode() refused the record handed out last: what is wrong with it. Nothing follows.
  virtual Error damaged_event() { return {"an event is damaged"}; }
  virtual const Error& error() const = 0;  // after Failed
  virtual SourceCounters counters() const = 0;
  virtual bool is_live() const = 0;
  virtual LoadControl* load_control() { return nullptr; }  // null: it is never pressed
  // Live, between two calls of next(): replaces what is collected, at once and without a gap for
  // what stays. If calls that the state follows are new, next() says that the state is to be learnt
  // again (Found, Resync). What cannot be collected, one sentence each. Others collect what they
  // hold.
  virtual std::vector<std::string> collect(const Collection& /*what*/) { return {}; }
};

// Hands on what another source gives, which must outlive it.
class ForwardingSource : public Source {
 public:
  explicit ForwardingSource(Source& inner) : inner_(inner) {}
  Result<Snapshot> take_snapshot() override { return inner_.take_snapshot(); }
  SourceStatus next(Record* record) override { return inner_.next(record); }
  Result<Snapshot> look_again() override { return inner_.look_again(); }
  Finding take_finding() override { return inner_.take_finding(); }
  Error damaged_event() override { return inner_.damaged_event(); }
  const Error& error() const override { return inner_.error(); }
  SourceCounters counters() const override { return inner_.counters(); }
  bool is_live() const override { return inner_.is_live(); }
  LoadControl* load_control() override { return inner_.load_control(); }
  std::vector<std::string> collect(const Collection& what) override { return inner_.collect(what); }

 protected:
  Source& inner_;
};

}  // namespace gyr
