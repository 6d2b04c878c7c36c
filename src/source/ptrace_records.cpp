// SPDX-License-Identifier: Apache-2.0
#include "source/ptrace_records.h"

#include <algorithm>
#include <cstring>

#include "source/call_table.h"
#include "source/live.h"
#include "source/proc_host.h"

namespace gyr {
namespace {

constexpr uint32_t kX32Bit = 0x40000000;
constexpr uint64_t kOpenCreates = 0x40;  // O_CREAT of every machine
constexpr int kMessagesMax = 1024;       // of one sendmmsg or recvmmsg: the kernel takes no more

bool is_exec(uint16_t event) {
  return event == static_cast<uint16_t>(Ev::EXECVE_19_X) ||
         event == static_cast<uint16_t>(Ev::EXECVEAT_X);
}

}  // namespace

TraceRecords::TraceRecords(const Files& files, uint32_t snaplen)
    : files_(files),
      snaplen_(std::min(snaplen, kSnaplenMax)),
      boot_ns_(boot_time_ns()),
      threads_(files),
      workshop_(gyr_workshop_new()) {
  GYR_CHECK(workshop_ != nullptr);
}

void TraceRecords::select(std::span<const Sc> syscalls) {
  calls_ = call_table(syscalls);
  const auto has = [&](Sc sc) {
    return is_collected(sc) && std::find(syscalls.begin(), syscalls.end(), sc) != syscalls.end();
  };
  ends_wanted_ = has(Sc::SCHED_PROCESS_EXIT);
  signals_wanted_ = has(Sc::SIGNAL_DELIVER);
}

bool TraceRecords::wants(const TracedCall& call) {
  if (call.nr >= GYR_CALLS) {
    if (call.compat) {
      ++counters_.unmapped_32bit;
    } else if ((call.nr & kX32Bit) != 0 && call.nr != ~0u) {
      ++counters_.x32;
    }
    return false;
  }
  const gyr_call& found = calls_.calls[call.compat ? 1 : 0][call.nr];
  if (call.compat && found.sc == 0) ++counters_.unmapped_32bit;
  return found.event != 0;
}

gyr_tracee TraceRecords::about(const TracedThread& thread) {
  bytes_.clear();
  sizes_.clear();
  next_ = 0;
  offset_ = 0;
  return {.files = files_,
          .threads = threads_,
          .pid = thread.pid,
          .tid = thread.tid,
          .hints = {.parent_tid = thread.parent_tid, .clone_flags = thread.clone_flags}};
}

// Does the call ask for a file to be made if there is none?
bool TraceRecords::may_create(const gyr_call_end& end) const {
  for (const ParamInfo& param : event_info(static_cast<Ev>(end.event)).params()) {
    if (param.collect == Collect::creat_flags) return true;
    const int at = static_cast<unsigned char>(param.argument);
    if (at >= static_cast<int>(std::size(end.args))) continue;  // none, or not in a register
    if (param.collect == Collect::open_flags) return (end.args[at] & kOpenCreates) != 0;
    uint64_t flags = 0;
    if (param.collect == Collect::how_flags) {
      return read_memory(end.tid, end.args[at], &flags, sizeof(flags)) &&
             (flags & kOpenCreates) != 0;
    }
  }
  return false;
}

void TraceRecords::build(gyr_tracee* tracee, const gyr_call_end& end) {
  const uint8_t* record = nullptr;
  ++counters_.seen;
  const uint32_t size =
      gyr_build_record(workshop_.get(), tracee, &end, &record, &counters_.unreadable);
  if (size == 0) {
    ++counters_.too_big;
    return;
  }
  bytes_.insert(bytes_.end(), record, record + size);
  sizes_.push_back(size);
}

// One event per message, its length as the result.
void TraceRecords::build_messages(gyr_tracee* tracee, gyr_call_end end) {
  const int64_t messages = std::min<int64_t>(end.ret, kMessagesMax);
  const uint64_t step = end.compat ? 32 : 64;  // struct mmsghdr
  const uint64_t length_at = step - (end.compat ? 4 : 8);
  const uint64_t first = end.args[1];
  for (int64_t i = 0; i < messages; ++i) {
    end.args[1] = first + static_cast<uint64_t>(i) * step;
    uint32_t length = 0;
    if (!read_memory(end.tid, end.args[1] + length_at, &length, sizeof(length))) length = 0;
    end.ret = length;
    build(tracee, end);
  }
}

void TraceRecords::call_ended(const TracedThread& thread, const TracedCall& call, int64_t result) {
  if (call.nr >= GYR_CALLS) return;
  gyr_tracee tracee = about(thread);
  gyr_call_end end{};
  end.ts_ns = boot_ns_ + since_boot_ns();
  std::copy(call.args.begin(), call.args.end(), end.args);
  end.ret = result;
  end.tid = thread.tid;
  end.nr = call.nr;
  end.snap = snaplen_;
  end.compat = call.compat ? 1 : 0;
  const gyr_call made = call.compat ? gyr_unpack_32bit(workshop_.get(), &tracee, &calls_, &end,
                                                       &counters_.unmapped_32bit)
                                    : calls_.calls[0][call.nr];
  // A successful exec was reported when its program started.
  if (made.event == 0 || (is_exec(made.event) && result == 0)) return;
  end.sc = made.sc;
  end.event = made.event;
  tracee.hints.entered_ns = call.entered_ns;
  tracee.hints.may_create = result >= 0 && may_create(end);
  const auto event = static_cast<Ev>(made.event);
  if ((event == Ev::SENDMMSG_X || event == Ev::RECVMMSG_X) && result > 0) {
    build_messages(&tracee, end);
  } else {
    build(&tracee, end);
  }
}

void TraceRecords::program_started(const TracedThread& thread, bool compat) {
  const ScInfo* exec = sc_info(static_cast<uint16_t>(Sc::EXECVE));
  const gyr_call& call = calls_.calls[0][exec->x86_64];
  if (call.event == 0) return;
  gyr_tracee tracee = about(thread);
  const std::string path = started_path(files_, thread.tid, compat);
  gyr_call_end end{};
  end.ts_ns = boot_ns_ + since_boot_ns();
  end.tid = thread.tid;
  end.nr = static_cast<uint32_t>(exec->x86_64);
  end.snap = snaplen_;
  end.sc = call.sc;
  end.event = call.event;
  end.exec_filename = path.c_str();
  build(&tracee, end);
}

void TraceRecords::thread_ended(const TracedThread& thread, uint32_t code, int64_t reaper) {
  if (!ends_wanted_) return;
  gyr_tracee tracee = about(thread);
  tracee.hints.exit_code = code;
  tracee.hints.reaper = reaper;
  gyr_call_end end{};
  end.ts_ns = boot_ns_ + since_boot_ns();
  end.tid = thread.tid;
  end.sc = static_cast<uint16_t>(Sc::SCHED_PROCESS_EXIT);
  end.event = static_cast<uint16_t>(Ev::PROCEXIT_1_E);
  build(&tracee, end);
}

void TraceRecords::signal_delivered(const TracedThread& thread, int signal, int64_t sender) {
  gyr_tracee tracee = about(thread);
  gyr_call_end end{};
  end.ts_ns = boot_ns_ + since_boot_ns();
  end.args[0] = static_cast<uint64_t>(sender);
  end.args[1] = static_cast<uint64_t>(signal);
  end.tid = thread.tid;
  end.sc = static_cast<uint16_t>(Sc::SIGNAL_DELIVER);
  end.event = static_cast<uint16_t>(Ev::SIGNALDELIVER_E);
  build(&tracee, end);
}

bool TraceRecords::next(Record* record) {
  if (next_ >= sizes_.size()) return false;
  const size_t size = sizes_[next_++];
  *record = {.bytes = Bytes(bytes_.data() + offset_, size)};
  offset_ += size;
  return true;
}

}  // namespace gyr
