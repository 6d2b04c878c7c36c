// SPDX-License-Identifier: Apache-2.0
#include "source/live.h"

#include <algorithm>

#include "source/machine.h"

namespace gyr {

bool is_collected(Sc sc) {
  const ScInfo* info = sc_info(static_cast<uint16_t>(sc));
  if (!info) return false;
  const bool packed = sc == Sc::SEND || sc == Sc::RECV;  // within socketcall
  const bool tracepoint = (info->flags & SC_TRACEPOINT) != 0;
  // A 32-bit call that equals another is collected as that one.
  const bool narrow = info->ia32 >= 0 && syscall_of_ia32(info->ia32) == info;
  const bool by_32_bit = kMaps32BitCalls && (narrow || packed);
  if (machine_number(*info) < 0 && !by_32_bit && !tracepoint) return false;
  const auto params = event_info(info->event).params();
  return std::all_of(params.begin(), params.end(),
                     [](const ParamInfo& param) { return param.collect != Collect::none; });
}

}  // namespace gyr

#if !GYR_PROBE

namespace gyr {
Result<std::unique_ptr<LiveSource>> open_live(const LiveSettings&) {
  return Error{
      "this gyr was built without live capture (GYR_PROBE=OFF); capture files work: gyr read FILE"};
}
}  // namespace gyr

#else

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <malloc.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "shared.h"
//
#include "base/add_once.h"
#include "base/system.h"
#include "base/text.h"
#include "gyr_probe.skel.h"
#include "source/call_exits.h"
#include "source/call_table.h"
#include "source/kernel_types.h"
#include "source/live_checks.h"
#include "source/probe_load.h"
#include "source/probe_losses.h"
#include "source/probe_notes.h"
#include "source/probe_rings.h"
#include "source/proc_host.h"
#include "source/ring_memory.h"
#include "source/ring_merge.h"
#include "source/uring_support.h"

namespace gyr {
namespace {

static_assert(kSnaplenMax == GYR_SNAPLEN_MAX);
static_assert(kMarkArgsChanged == GYR_MARK_ARGS_CHANGED);
static_assert(kMarkNumberReused == GYR_MARK_NUMBER_REUSED);
// How long to wait before looking again: after some events, at most when there are none, and right
// after one has woken us (its CPU may not be done with it). Whoever has waited long enough falls
// asleep until an event wakes him: a wake-up costs the CPU that sends it much, so there is one a
// sleep. Sleep ends after kSleepMs, so that the caller looks at its stop flag and a wake-up
// that crossed our falling asleep is no loss.
constexpr uint32_t kPauseBusyUs = 1000;
constexpr uint32_t kPauseIdleUs = 20'000;
constexpr int kSleepMs = 100;
constexpr uint32_t kPauseWokenUs = 50;
constexpr uint32_t kAsleepAfterUs = 4000;
// A round with this many events means that more are waiting already.
constexpr size_t kBusyRound = 2000;

// Whether this kernel may preempt a program at a tracepoint: Linux 7.0 and newer.
bool programs_are_preempted() { return !running_kernel().before(7, 0); }

// What the kernel counts of each program. `missed`: times it skipped one because the same was under
// way on the CPU. Page faults do not count there: they are skipped when they are of our own making.
void count_runs(const gyr_probe& probe, SourceCounters* sum) {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, probe.obj) {
    bpf_prog_info info{};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) != 0) continue;
    sum->programs.push_back(
        {.name = bpf_program__name(program), .runs = info.run_cnt, .time_ns = info.run_time_ns});
    if (program == probe.progs.page_fault_user || program == probe.progs.page_fault_kernel)
      continue;
    sum->missed += info.recursion_misses;
  }
}

// Programs that the kernel may refuse, and what is not seen then.
struct Part {
  const char* program;
  const char* cost;
};
constexpr Part kParts[] = {
    {"sys_enter", "whether arguments change during a call is not seen"},
    {"process_exit", "the end of processes is not seen"},
    {"process_exec", "the file name of a started program is not known"},
    {"new_task", "new threads are known from their parent's call only"},
    {"signal_delivered", "the delivery of signals is not seen"},
    {"page_fault_user", "page faults of programs are not seen"},
    {"page_fault_kernel", "page faults within the kernel are not seen"},
    {"uring_complete", "work submitted through io_uring is not seen"},
    {"uring_submit", "work submitted through io_uring is not seen"},
    {"uring_submit_old", "work submitted through io_uring is not seen"},
};

// What it finds is in the probe's memory then; without it the probe guesses.
void run_once(bpf_program* program) {
  if (!bpf_program__autoload(program)) return;
  bpf_test_run_opts options{};
  options.sz = sizeof options;
  bpf_prog_test_run_opts(bpf_program__fd(program), &options);
}

// libbpf tells it without saying on whose behalf: the thread that calls it knows.
thread_local const Logger* library_log = nullptr;

spdlog::level::level_enum level_of(libbpf_print_level level) {
  switch (level) {
    case LIBBPF_WARN:
      return spdlog::level::warn;
    case LIBBPF_INFO:
      return spdlog::level::info;
    case LIBBPF_DEBUG:
      break;
  }
  return spdlog::level::debug;
}

// A message may hold the whole log of the kernel's verifier, whose end says what is wrong.
int tell(libbpf_print_level level, const char* format, va_list arguments) {
  constexpr size_t kHead = 200;
  constexpr size_t kTail = 1500;
  if (library_log == nullptr || !(*library_log)->should_log(level_of(level))) return 0;
  char* text = nullptr;
  const int size = vasprintf(&text, format, arguments);
  if (size < 0) return 0;
  std::string_view all = trim({text, static_cast<size_t>(size)});
  std::string cut;
  if (all.size() > kHead + kTail) {
    cut = fmt::format("{} … {}", all.substr(0, kHead), all.substr(all.size() - kTail));
    all = cut;
  }
  (*library_log)->log(level_of(level), "{}", one_line(all));
  free(text);  // NOLINT(cppcoreguidelines-no-malloc): vasprintf's
  return 0;
}

class BpfSource final : public LiveSource, public LoadControl {
 public:
  explicit BpfSource(const LiveSettings& settings)
      : settings_(settings),
        files_(system_files(settings.host_root)),
        users_(system_users(settings.host_root)),
        look_(*files_, *users_, settings.iterators) {}

  Result<void> start();
  std::vector<std::string> collect(const Collection& what) override;
  const std::vector<std::string>& warnings() const override { return warnings_; }
  std::vector<LiveFeature> features() const override { return features_; }
  int64_t own_pid() const override { return own_pid_; }

  Result<Snapshot> take_snapshot() override;
  Result<Snapshot> look_again() override;
  SourceStatus next(Record* record) override;
  Finding take_finding() override { return lost_; }
  const Error& error() const override { return error_; }
  SourceCounters counters() const override;
  bool is_live() const override { return true; }
  LoadControl* load_control() override { return this; }
  Load take_load() override;
  void shed(const Shedding& what) override;

 private:
  Result<void> load();
  Result<LoadedProbe> load_programs(const KernelTypes& kernel, bool typed);
  Result<LoadedProbe> load_best(const KernelTypes& kernel);
  Result<LoadedProbe> load_in_attach_mode(const KernelTypes& kernel);
  void prepare(gyr_probe& probe, bool typed) const;
  Result<void> open_rings();
  Result<void> make_rings(std::span<gyr_cpu> cpus);
  void attach();
  bpf_link* attach_part(bpf_program* program);
  void lose_part(std::string_view program, std::string_view reason);
  void attach_wanted(const std::vector<bool>& chosen);
  void attach_uring(const std::vector<bool>& chosen);
  void fill_tables();
  void learn_anew();
  uint64_t event_time_ns() const {  // of an event that happens now
    return clock_ns(CLOCK_BOOTTIME) + probe_->rodata->boot_to_epoch_ns;
  }
  void pause();
  void sleep();
  size_t drain();
  bool is_resync_due();
  SourceStatus take_next(Record* record);

  LiveSettings settings_;
  std::unique_ptr<Files> files_;
  std::unique_ptr<Users> users_;
  HostLook look_;
  int64_t own_pid_ = -1;
  size_t cpu_count_ = 0;
  bool has_rdonly_cast_ = false;
  Probe probe_;
  ProbeRings rings_;
  RingOrder ring_order_;
  Mapping cpus_memory_, losses_memory_;
  std::span<const gyr_cpu> cpus_;
  std::optional<RingMerge> merge_;
  std::optional<ProbeLosses> losses_;
  LostEvents lost_;
  bool is_attached_ = false;
  bool wants_resync_ = false;
  uint64_t look_again_at_ns_ = 0;  // of the monotonic clock, at the earliest
  uint64_t look_pause_ns_ = 0;     // after the last look
  std::vector<bpf_link*> links_;
  UringSupport uring_;
  std::array<bpf_link*, 2> uring_links_{};
  std::optional<CallExits> exits_;
  bpf_link* entry_link_ = nullptr;
  std::vector<std::string> left_out_;     // programs that are not even loaded
  std::map<Sc, bpf_link*> wanted_links_;  // of tracepoints that are attached when wanted
  Collection wanted_;
  std::vector<Sc> shed_of_all_;
  std::vector<LiveFeature> features_;
  std::vector<std::string> warnings_;
  Error error_;
  uint64_t delivered_ = 0;
  size_t round_ = 0;  // events since the last pause
  uint32_t pause_us_ = kPauseBusyUs;

 public:
  ~BpfSource() override {
    for (bpf_link* link : links_) bpf_link__destroy(link);
    for (const auto& [call, link] : wanted_links_) bpf_link__destroy(link);
    for (bpf_link* link : uring_links_) bpf_link__destroy(link);
    bpf_link__destroy(entry_link_);
  }
};

// `typed`: the probe that loads the kernel's fields directly, else the one that copies each.
void BpfSource::prepare(gyr_probe& probe, bool typed) const {
  const auto cpus = static_cast<uint32_t>(cpu_count_);
  for (bpf_map* each :
       {probe.maps.scratches, probe.maps.cpus, probe.maps.losses, probe.maps.request_drafts}) {
    bpf_map__set_max_entries(each, cpus);
  }
  bpf_map__set_max_entries(probe.maps.rings, cpus * (GYR_RING_PARTS + 1));  // at most
  probe.rodata->completion_by_pointer = uring_.completion_by_pointer ? 1 : 0;
  probe.rodata->own_tgid = static_cast<uint32_t>(own_pid_);
  probe.rodata->preemptible = programs_are_preempted() ? 1 : 0;
  probe.rodata->page_kib = static_cast<uint32_t>(sysconf(_SC_PAGESIZE) / 1024);
  probe.rodata->has_rdonly_cast = typed && has_rdonly_cast_ ? 1 : 0;
  probe.rodata->drop_failed = settings_.drop_failed ? 1 : 0;
  probe.rodata->snaplen = std::min(settings_.snaplen, kSnaplenMax);
  probe.rodata->boot_to_epoch_ns = boot_time_ns();
}

Result<LoadedProbe> BpfSource::load_programs(const KernelTypes& kernel, bool typed) {
  return load_probe({.kernel = kernel,
                     .typed = typed,
                     .exit_program = exits_->program(),
                     .left_out = left_out_,
                     .spoilt = settings_.spoilt,
                     .prepare = [&](gyr_probe& probe) { prepare(probe, typed); }});
}

// The probe for older kernels is taken where the other is refused, or where it loses less.
Result<LoadedProbe> BpfSource::load_best(const KernelTypes& kernel) {
  const bool typed = settings_.typed && kTypedProbe;
  Result<LoadedProbe> loaded = load_programs(kernel, typed);
  if (typed && (!loaded || !loaded->refused.empty())) {
    Result<LoadedProbe> portable = load_programs(kernel, false);
    if (portable && (!loaded || portable->refused.size() < loaded->refused.size())) {
      loaded = std::move(portable);
      warnings_.push_back(
          "the kernel refused the probe that loads fields directly (Linux 5.11 and newer): events "
          "cost more");
    }
  }
  return loaded;
}

Result<LoadedProbe> BpfSource::load_in_attach_mode(const KernelTypes& kernel) {
  const bool preempted = settings_.preempted || programs_are_preempted();
  exits_.emplace(settings_.attach_mode, preempted, settings_.host_root, kernel, &warnings_);
  auto loaded = load_best(kernel);
  while (!loaded && exits_->take_next()) loaded = load_best(kernel);
  return loaded;
}

Result<void> BpfSource::load() {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) return Error{"cannot tell the number of CPUs"};
  cpu_count_ = static_cast<size_t>(cpus);
  const KernelTypes kernel;
  has_rdonly_cast_ = kernel.has_function("bpf_rdonly_cast");
  uring_ = uring_support(kernel);
  left_out_ = uring_programs_of_no_use(uring_);
  auto loaded = load_in_attach_mode(kernel);
  if (!loaded) return loaded.error();
  probe_ = std::move(loaded->probe);
  run_once(probe_->progs.find_issue_defs);
  for (const Part& part : kParts) {
    if (!bpf_object__find_program_by_name(probe_->obj, part.program)) continue;
    if (std::find(left_out_.begin(), left_out_.end(), part.program) != left_out_.end()) continue;
    features_.push_back({.program = part.program, .cost = part.cost, .refusal = ""});
    const auto refused = loaded->refused.find(part.program);
    if (refused != loaded->refused.end()) lose_part(part.program, refused->second);
  }
  return open_rings();
}

void BpfSource::lose_part(std::string_view program, std::string_view reason) {
  for (LiveFeature& feature : features_) {
    if (feature.program != program || !feature.refusal.empty()) continue;
    feature.refusal = reason;
    warnings_.push_back(fmt::format("{}: {}", feature.cost, reason));
  }
}

// Smaller rings than wanted are better than none.
Result<void> BpfSource::make_rings(std::span<gyr_cpu> cpus) {
  const auto online = online_cpus();
  const auto places = place_cpus(online, cpus.size(), settings_.cpus_per_ring);
  const size_t groups = ring_groups(online.size(), settings_.cpus_per_ring);
  const size_t together =
      groups == 1 ? online.size() : std::min<size_t>(online.size(), settings_.cpus_per_ring);
  const uint64_t wanted = settings_.ring_bytes;
  for (uint64_t bytes = wanted;; bytes /= 2) {
    ring_order_.parts = ring_parts(bytes, together);
    const RingLayout layout{.groups = groups,
                            .bulk_bytes = bytes,
                            .critical_bytes = critical_ring_bytes(bytes),
                            .order = ring_order_};
    auto made = rings_.make(bpf_map__fd(probe_->maps.rings), layout);
    if (!made && bytes / 2 >= kRingBytesMin) continue;
    for (size_t i = 0; i < cpus.size(); ++i) assign_rings(places[i], ring_order_, &cpus[i]);
    if (made && bytes < wanted) {
      warnings_.push_back(
          fmt::format("the kernel has no memory for rings of {} KiB: those of {} KiB that it gave "
                      "overflow sooner",
                      wanted >> 10, bytes >> 10));
    }
    return made;
  }
}

Result<void> BpfSource::open_rings() {
  const size_t cpus = cpu_count_;
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const auto whole_pages = [&](size_t bytes) { return (bytes + page - 1) / page * page; };
  const auto& maps = probe_->maps;
  auto mapped =
      cpus_memory_.open(bpf_map__fd(maps.cpus), whole_pages(cpus * sizeof(gyr_cpu)), true, 0);
  if (mapped) {
    mapped = losses_memory_.open(bpf_map__fd(maps.losses), whole_pages(cpus * sizeof(gyr_losses)),
                                 true, 0);
  }
  if (!mapped) return mapped;
  auto* states = static_cast<gyr_cpu*>(cpus_memory_.at());
  if (auto made = make_rings({states, cpus}); !made) return made;
  auto readers = rings_.open_readers();
  if (!readers) return readers.error();
  cpus_ = {states, cpus};
  merge_.emplace(*std::move(readers), ring_order_, cpus_, probe_->rodata->boot_to_epoch_ns);
  losses_.emplace(cpus_, std::span(static_cast<const gyr_losses*>(losses_memory_.at()), cpus),
                  loser_map(bpf_map__fd(maps.losers)), [this] { return event_time_ns(); });
  return {};
}

// Null when the kernel refuses, or has refused to load it: that is told once.
bpf_link* BpfSource::attach_part(bpf_program* program) {
  if (!bpf_program__autoload(program)) return nullptr;
  bpf_link* link = bpf_program__attach(program);
  if (!link) lose_part(bpf_program__name(program), std::strerror(errno));
  return link;
}

void BpfSource::attach() {
  const auto& programs = probe_->progs;
  if (bpf_link* exits = attach_part(programs.process_exit)) links_.push_back(exits);
  bpf_link* execs = attach_part(programs.process_exec);
  if (execs) links_.push_back(execs);
  probe_->bss->exec_by_tracepoint = execs ? 1 : 0;
  // Only where a new thread does not come by the exit of its clone (probe/machine_arm64.h).
  if (bpf_program* tasks = bpf_object__find_program_by_name(probe_->obj, "new_task")) {
    if (bpf_link* news = attach_part(tasks)) links_.push_back(news);
  }
}

// Tracepoints that cost too much to be attached for nobody.
void BpfSource::attach_wanted(const std::vector<bool>& chosen) {
  const auto& programs = probe_->progs;
  const auto follow = [&](Sc call, bpf_program* program) {
    const auto found = wanted_links_.find(call);
    const bool wanted = chosen[static_cast<size_t>(call)];
    if (wanted == (found != wanted_links_.end())) return;
    if (!wanted) {
      bpf_link__destroy(found->second);
      wanted_links_.erase(found);
    } else if (bpf_link* link = attach_part(program)) {
      wanted_links_.emplace(call, link);
    }
  };
  follow(Sc::SIGNAL_DELIVER, programs.signal_delivered);
  follow(Sc::PAGE_FAULT_USER, programs.page_fault_user);
  follow(Sc::PAGE_FAULT_KERNEL, programs.page_fault_kernel);
}

// Of the two the end of requests is attached first and detached last: none is noted whose end would
// not be seen. Those still under way when it is detached are forgotten.
void BpfSource::attach_uring(const std::vector<bool>& chosen) {
  bool wanted = false;
  for (size_t sc = 0; sc < chosen.size(); ++sc) {
    wanted = wanted || (chosen[sc] && is_uring_call(static_cast<Sc>(sc)));
  }
  if (!uring_.exists || wanted == (uring_links_[0] != nullptr)) return;
  for (size_t i = uring_links_.size(); i-- > 0;) {
    bpf_link__destroy(std::exchange(uring_links_[i], nullptr));
  }
  forget_requests(*probe_);
  if (!wanted) return;
  if (!uring_.requests) {
    add_once(&warnings_, std::string("work submitted through io_uring is not seen: the kernel "
                                     "tells too little of it (6.0 does)"));
    return;
  }
  const auto& programs = probe_->progs;
  uring_links_[0] = attach_part(programs.uring_complete);
  if (!uring_links_[0]) return;
  uring_links_[1] =
      attach_part(uring_.submit_sqe ? programs.uring_submit_old : programs.uring_submit);
}

Result<void> BpfSource::start() {
  settings_.ring_bytes = whole_ring_bytes(settings_.ring_bytes);
  wanted_ = {settings_.syscalls, settings_.real_paths, settings_.compared};
  const auto own_pid = check_live_host(*files_);
  if (!own_pid) return own_pid.error();
  own_pid_ = *own_pid;
  libbpf_set_print(tell);
  library_log = settings_.library_log ? &settings_.library_log : nullptr;
  const auto silence = std::unique_ptr<const Logger*, void (*)(const Logger**)>(
      &library_log, [](const Logger** log) { *log = nullptr; });
  if (auto loaded = load(); !loaded) return loaded;
  fill_tables();
  attach();
  if (auto attached = exits_->attach(*probe_); !attached) return attached;
  is_attached_ = true;
  malloc_trim(0);  // of the kernel's type information, which took some ten megabytes
  return {};
}

// Whether the state follows the call: what it knows of it is wrong while nobody collects it.
bool maintains_state(Sc sc) {
  const ScInfo& call = *sc_info(static_cast<uint16_t>(sc));
  return call.event != Ev::GENERIC_X && event_info(call.event).has(EF_MODIFIES_STATE);
}

std::vector<std::string> BpfSource::collect(const Collection& what) {
  const std::vector<Sc> before = std::exchange(wanted_, what).syscalls;
  const size_t warned = warnings_.size();
  fill_tables();
  const bool learns_anew = std::any_of(what.syscalls.begin(), what.syscalls.end(), [&](Sc sc) {
    return maintains_state(sc) && std::find(before.begin(), before.end(), sc) == before.end();
  });
  if (learns_anew) learn_anew();
  return {warnings_.begin() + static_cast<ptrdiff_t>(warned), warnings_.end()};
}

void BpfSource::learn_anew() {
  const uint64_t now_ns = event_time_ns();
  losses_->add(now_ns, {.pid = LostEvents::kAnyProcess, .until_ns = now_ns});
  wants_resync_ = true;
}

void BpfSource::fill_tables() {
  std::vector<Sc> syscalls = wanted_.syscalls;
  std::erase_if(syscalls, [&](Sc sc) {
    return std::find(shed_of_all_.begin(), shed_of_all_.end(), sc) != shed_of_all_.end();
  });
  std::vector<bool> chosen(kScLimit);
  for (const Sc sc : syscalls) {
    if (is_collected(sc)) chosen[static_cast<size_t>(sc)] = true;
  }
  const gyr_calls table = call_table(syscalls);
  std::memcpy(probe_->bss->calls, table.calls, sizeof(table.calls));
  std::memcpy(probe_->bss->packed_calls, table.packed, sizeof(table.packed));
  // A 32-bit call that cannot be mapped is looked at too: it is counted.
  for (int i = 0; i < GYR_CALLS; ++i) {
    const gyr_call& narrow = table.calls[1][i];
    const bool looks = table.calls[0][i].event || narrow.event || !narrow.sc;
    probe_->bss->looks[i] = looks ? 1 : 0;
  }
  const bool compares = ask_for_notes(*probe_, table, {wanted_.real_paths, wanted_.compared});
  if (compares != (entry_link_ != nullptr)) {
    if (!compares) bpf_link__destroy(entry_link_);
    entry_link_ = compares ? attach_part(probe_->progs.sys_enter) : nullptr;
  }
  probe_->bss->process_exit_wanted = chosen[static_cast<size_t>(Sc::SCHED_PROCESS_EXIT)] ? 1 : 0;
  const auto uring = uring_call_table(syscalls);
  std::memcpy(probe_->bss->uring_calls, uring.data(), sizeof(uring));
  attach_wanted(chosen);
  attach_uring(chosen);
  if (is_attached_) exits_->follow(*probe_);
}

Load BpfSource::take_load() {
  Load load{.cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID), .ring_fill = merge_->take_peak_fill()};
  for (const gyr_cpu& cpu : cpus_) {
    const uint64_t yielded = counted(cpu.yielded);  // first: each of them is counted as lost before
    load.lost += counted(cpu.lost[GYR_BULK]) + counted(cpu.lost[GYR_CRITICAL_CLASS]) - yielded;
  }
  return load;
}

void BpfSource::shed(const Shedding& what) {
  const int talkers = bpf_map__fd(probe_->maps.talkers);
  uint32_t pid = 0;
  while (bpf_map_get_next_key(talkers, nullptr, &pid) == 0) bpf_map_delete_elem(talkers, &pid);
  const uint8_t yes = 1;
  for (const int64_t talker : what.talkers) {
    pid = static_cast<uint32_t>(talker);
    bpf_map_update_elem(talkers, &pid, &yes, BPF_ANY);
  }
  for (uint8_t& shed : probe_->bss->shed_calls) shed = 0;
  for (const Sc sc : what.calls) {
    // These two hold others, which important rules may need.
    const bool holds_others = sc == Sc::SOCKETCALL || sc == Sc::IPC;
    if (!holds_others) probe_->bss->shed_calls[static_cast<size_t>(sc)] = 1;
  }
  probe_->bss->has_talkers = what.talkers.empty() ? 0 : 1;
  shed_of_all_ = what.of_everybody ? what.calls : std::vector<Sc>();
  fill_tables();
}

Result<Snapshot> BpfSource::take_snapshot() {
  return on_host_named(look_.take(false), settings_.hostname);
}

// A look takes long on a host with many processes, so it takes a share of the time at most.
Result<Snapshot> BpfSource::look_again() {
  constexpr uint64_t kPauseFactor = 10;
  constexpr uint64_t kPauseMinNs = 1'000'000'000;
  constexpr uint64_t kPauseMaxNs = 600 * kPauseMinNs;
  const uint64_t begin = clock_ns(CLOCK_MONOTONIC);
  auto snapshot = on_host_named(look_.take(true), settings_.hostname);
  const uint64_t end = clock_ns(CLOCK_MONOTONIC);
  // While we look nobody reads the rings: a look that is needed soon after the last one may have
  // been made necessary by it, so the pauses grow.
  const bool soon = begin < look_again_at_ns_ + look_pause_ns_;
  const uint64_t least = std::max(kPauseMinNs, (end - begin) * kPauseFactor);
  look_pause_ns_ =
      soon ? std::clamp(look_pause_ns_ * 2, least, std::max(least, kPauseMaxNs)) : least;
  look_again_at_ns_ = end + look_pause_ns_;
  return snapshot;
}

bool BpfSource::is_resync_due() {
  if (losses_->take_critical()) wants_resync_ = true;
  if (!wants_resync_ || clock_ns(CLOCK_MONOTONIC) < look_again_at_ns_) return false;
  wants_resync_ = false;
  return true;
}

void BpfSource::pause() {
  if (round_ >= kBusyRound) {
    pause_us_ = kPauseBusyUs;
  } else {
    pause_us_ = round_ ? kPauseBusyUs : std::min(pause_us_ * 2, kPauseIdleUs);
    if (pause_us_ > kAsleepAfterUs && merge_->is_empty()) {
      sleep();
    } else {
      timespec time{0, static_cast<long>(pause_us_) * 1000};
      nanosleep(&time, nullptr);  // a signal ends it early: the caller looks at its stop flag
    }
  }
  round_ = 0;
}

void BpfSource::sleep() {
  uint32_t* asleep = &probe_->bss->reader_asleep;
  __atomic_store_n(asleep, 1, __ATOMIC_SEQ_CST);
  // What is in the rings by now wakes nobody, but is found. A record on its way may do neither: it
  // waits for the next wake-up, kSleepMs at most.
  const bool woken = drain() > 0 || rings_.wait(kSleepMs);
  __atomic_store_n(asleep, 0, __ATOMIC_RELAXED);
  if (woken) pause_us_ = kPauseWokenUs;
}

// After that, losses among what happened until the bound of the merge are known.
size_t BpfSource::drain() {
  const size_t taken = merge_->drain();
  losses_->look(merge_->bound_ns());
  __atomic_store_n(&probe_->bss->losses_taken_ns, merge_->bound_ns(), __ATOMIC_RELEASE);
  return taken;
}

// The next record or loss, whichever is older.
SourceStatus BpfSource::take_next(Record* record) {
  const uint64_t next_ns = merge_->next_ns();
  if (losses_->next_ns() <= std::min(next_ns, merge_->bound_ns())) {
    lost_ = losses_->take();
    return SourceStatus::Found;
  }
  if (next_ns == RingMerge::kNever) return SourceStatus::Idle;
  *record = merge_->take();
  ++round_;
  ++delivered_;
  return SourceStatus::Event;
}

SourceStatus BpfSource::next(Record* record) {
  const SourceStatus status = take_next(record);
  if (status != SourceStatus::Idle) return status;
  pause();
  drain();
  if (is_resync_due()) return SourceStatus::Resync;
  return take_next(record);
}

SourceCounters BpfSource::counters() const {
  SourceCounters sum;
  sum.looks = look_.counters();
  sum.events = delivered_;
  gyr_cpu all{};
  for (const gyr_cpu& cpu : cpus_) {
    sum.cpus.push_back(
        {.seen = counted(cpu.seen),
         .lost = counted(cpu.lost[GYR_BULK]) + counted(cpu.lost[GYR_CRITICAL_CLASS])});
    sum.seen += counted(cpu.seen);
    sum.sent += counted(cpu.sent);
    sum.shed += counted(cpu.shed);
    sum.lost_critical += counted(cpu.lost[GYR_CRITICAL_CLASS]);
    sum.unmapped_32bit += counted(cpu.unmapped_32bit);
    all.unreadable += counted(cpu.unreadable);
    all.unresolved += counted(cpu.unresolved);
    all.changed += counted(cpu.changed);
    all.x32 += counted(cpu.x32);
  }
  sum.losses = losses_->table();
  for (const LossRow& row : sum.losses) {
    (row.reason == LossReason::RingFull ? sum.lost_ring_full : sum.lost_other) += row.count;
  }
  count_runs(*probe_, &sum);
  sum.lost_detail = losses_text(sum.losses);
  const auto tell = [&](uint64_t count, std::string_view what) {
    if (count == 0) return;
    sum.lost_detail += fmt::format("{}{} {}", sum.lost_detail.empty() ? "" : ", ", count, what);
  };
  tell(sum.missed, "calls, wanted or not, at which the kernel skipped the probe");
  tell(sum.unmapped_32bit, "32-bit calls without a 64-bit counterpart");
  tell(all.x32, "x32 calls");
  tell(all.unreadable, "parameters whose memory could not be read");
  tell(all.changed, "calls whose arguments changed meanwhile");
  tell(all.unresolved, "opened files whose path could not be told");
  tell(merge_->late(), "events out of order");
  return sum;
}

}  // namespace

Result<std::unique_ptr<LiveSource>> open_live(const LiveSettings& settings) {
  auto source = std::make_unique<BpfSource>(settings);
  if (auto started = source->start(); !started) return started.error();
  return std::unique_ptr<LiveSource>(std::move(source));
}

}  // namespace gyr

#endif
