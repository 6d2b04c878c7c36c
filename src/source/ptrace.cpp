// SPDX-License-Identifier: Apache-2.0
#include "source/ptrace.h"

#include <fmt/format.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>

#include "base/text.h"
#include "source/proc_host.h"
#include "source/proc_scan.h"
#include "source/ptrace_attach.h"
#include "source/ptrace_filter.h"
#include "source/ptrace_launch.h"
#include "source/ptrace_records.h"
#include "source/ptrace_tracer.h"

namespace gyr {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPause = std::chrono::milliseconds(50);  // of one next()
constexpr auto kGrace = std::chrono::seconds(5);        // between SIGTERM and SIGKILL
constexpr uint64_t kRoundsBetweenChecks = 256;
constexpr int kStepsMax = 1000;                      // without a record, of one next()
constexpr unsigned kSysPtrace = 19, kSysAdmin = 21;  // numbers of capabilities
constexpr size_t kStatusLimit = 64ul * 1024;

uint64_t own_capabilities(const Files& files) {
  constexpr std::string_view kKey = "CapEff:";
  uint64_t held = 0;
  const auto status = files.read("/proc/self/status", kStatusLimit);
  if (!status) return 0;
  for (const std::string_view line : split(*status, '\n')) {
    if (!line.starts_with(kKey)) continue;
    const std::string_view text = trim(line.substr(kKey.size()));
    std::from_chars(text.data(), text.data() + text.size(), held, 16);
  }
  return held;
}

bool kernel_has_filters() {
  const uint32_t action = SECCOMP_RET_TRACE;
  return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

class Follower final : public PtraceSource {
 public:
  explicit Follower(PtraceSettings settings)
      : settings_(std::move(settings)),
        files_(system_files("")),
        records_(*files_, settings_.snaplen) {
    records_.select(settings_.syscalls);
  }
  ~Follower() override;

  Result<void> start();
  std::vector<std::string> collect(const Collection& what) override;
  const std::vector<std::string>& warnings() const override { return warnings_; }
  int64_t own_pid() const override { return getpid(); }
  std::optional<int> command_status() const override { return tracer_->remembered_status(); }

  Result<Snapshot> take_snapshot() override {
    return on_host_named(scan_proc(*files_, *system_users("")), settings_.hostname);
  }
  SourceStatus next(Record* record) override;
  const Error& error() const override { return error_; }
  SourceCounters counters() const override;
  bool is_live() const override { return true; }

 private:
  Result<void> start_command();
  Result<void> attach();
  void end_if_asked();

  PtraceSettings settings_;
  std::unique_ptr<Files> files_;
  TraceRecords records_;
  std::optional<Tracer> tracer_;
  std::optional<Launch> launch_;
  std::vector<std::string> warnings_;
  Error error_;
  uint64_t delivered_ = 0;
  uint64_t rounds_ = 0;
  bool told_to_end_ = false;
  Clock::time_point started_{};
  std::optional<Clock::time_point> kill_at_;
};

Follower::~Follower() {
  if (!tracer_) return;
  if (launch_) {
    tracer_->kill_all();  // without us, their calls would fail
  } else {
    tracer_->detach_all();
  }
}

Result<void> Follower::start_command() {
  const uint64_t held = own_capabilities(*files_);
  const bool admin = (held >> kSysAdmin & 1) != 0;
  const bool tracer = (held >> kSysPtrace & 1) != 0;
  // A filter needs either CAP_SYS_ADMIN or the promise to gain no privileges. Whom we may not trace
  // with more privileges gains none anyway, so that the promise takes nothing away; but a tracer
  // that could follow a setuid program does not give it.
  const bool filtered = !settings_.every_call_stops && kernel_has_filters() && (admin || !tracer);
  tracer_.emplace(records_, *files_, filtered ? TraceMode::Filtered : TraceMode::All);
  auto launch =
      Launch::start(settings_.command,
                    filtered ? trace_filter(records_.calls()) : std::vector<FilterStep>{}, !admin);
  if (!launch) return launch.error();
  launch_.emplace(*std::move(launch));
  if (const int failed = tracer_->start_following(launch_->pid(), true); failed != 0) {
    return refusal(*files_, launch_->pid(), failed);
  }
  tracer_->remember(launch_->pid());
  launch_->let_go();
  // A command that does not start shall be an error, not a run without events. What it does first
  // has to wait for next().
  while (!tracer_->remembered_started() && !tracer_->done()) {
    if (tracer_->step()) continue;
    end_if_asked();
    tracer_->wait(kPause);
  }
  if (!tracer_->remembered_started()) return launch_->failure();
  if (!filtered && !settings_.every_call_stops) {
    warnings_.emplace_back(
        "system calls cannot be filtered (seccomp): every call of the command stops twice, and it "
        "is slow");
  }
  return {};
}

Result<void> Follower::attach() {
  tracer_.emplace(records_, *files_, TraceMode::All);
  for (const int64_t pid : settings_.pids) {
    if (auto done = attach_tree(*tracer_, *files_, pid, &warnings_); !done) return done;
  }
  tracer_->remember(static_cast<pid_t>(settings_.pids.front()));
  return {};
}

Result<void> Follower::start() {
  if (settings_.command.empty() == settings_.pids.empty()) {
    return Error{"either a command or processes to attach to are needed"};
  }
  const auto self = files_->read_link("/proc/self");
  if (!self || *self != std::to_string(getpid())) {
    return Error{"/proc is not that of our own pid namespace: mount it (mount -t proc proc /proc)"};
  }
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &children, nullptr);  // waited for in Tracer::wait
  started_ = Clock::now();
  return settings_.command.empty() ? attach() : start_command();
}

std::vector<std::string> Follower::collect(const Collection& what) {
  records_.select(what.syscalls);
  tracer_->watch_all_calls();
  return {};
}

// Tells the command to end when it is time, or lets everybody go.
void Follower::end_if_asked() {
  const auto now = Clock::now();
  if (kill_at_ && now >= *kill_at_) {
    kill_at_.reset();
    tracer_->signal_all(SIGKILL);
    return;
  }
  if (told_to_end_) return;
  const bool over = settings_.duration_ns > 0 &&
                    now - started_ >= std::chrono::nanoseconds(settings_.duration_ns);
  const auto signal = settings_.end_signal ? settings_.end_signal() : std::nullopt;
  if (!over && !signal) return;
  told_to_end_ = true;
  if (!launch_) {
    tracer_->detach_all();
  } else if (over) {
    kill(launch_->pid(), SIGTERM);
    kill_at_ = now + kGrace;
  } else if (*signal > 0) {
    kill(launch_->pid(), *signal);
  }
}

SourceStatus Follower::next(Record* record) {
  if (++rounds_ % kRoundsBetweenChecks == 0) end_if_asked();
  bool waited = false;
  for (int steps = 0; steps < kStepsMax; ++steps) {
    if (records_.next(record)) {
      ++delivered_;
      return SourceStatus::Event;
    }
    if (tracer_->step()) continue;
    if (waited) break;
    end_if_asked();
    if (tracer_->done()) return SourceStatus::End;
    tracer_->wait(kPause);
    waited = true;
  }
  return SourceStatus::Idle;
}

SourceCounters Follower::counters() const {
  const TraceRecords::Counters& made = records_.counters();
  SourceCounters counters;
  counters.events = delivered_;
  counters.seen = made.seen;
  counters.lost_other = made.too_big;
  counters.unmapped_32bit = made.unmapped_32bit;
  std::vector<std::string> details;
  const auto add = [&](uint64_t count, std::string_view what) {
    if (count > 0) details.push_back(fmt::format("{} {}", count, what));
  };
  add(made.too_big, "lost because they were too big");
  add(made.x32, "x32 calls");
  add(made.unreadable, "parameters whose memory could not be read");
  add(tracer_->not_followed(), "stops of threads beyond the limit");
  counters.lost_detail = join(details, ", ");
  return counters;
}

}  // namespace

Result<std::unique_ptr<PtraceSource>> open_ptrace(PtraceSettings settings) {
  auto source = std::make_unique<Follower>(std::move(settings));
  if (auto started = source->start(); !started) return started.error();
  return std::unique_ptr<PtraceSource>(std::move(source));
}

}  // namespace gyr
