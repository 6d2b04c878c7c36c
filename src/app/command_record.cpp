// SPDX-License-Identifier: Apache-2.0
// gyr record: events of this host, or of another capture, into a capture file.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <utility>

#include "app/app.h"
#include "app/environment.h"
#include "app/filter.h"
#include "app/help.h"
#include "app/live.h"
#include "app/privileges.h"
#include "app/record.h"
#include "app/signals.h"
#include "app/terminal.h"
#include "engine/event_stream.h"
#include "engine/syscall_selection.h"
#include "source/live.h"
#include "source/replay.h"

namespace gyr::app {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

using Keep = Recording::Keep;
using std::chrono::steady_clock;

// Everything the probe can see but page faults, or what the filter can fit and the state needs.
SyscallSet wanted_syscalls(const EventFilter* filter) {
  if (filter != nullptr && !filter->needs().all) {
    return syscalls_of_needs(filter->needs()) | state_syscalls();
  }
  SyscallSet all;
  for (const ScInfo& call : all_syscalls()) {
    if (!is_collected(call.sc) || call.event == Ev::PAGE_FAULT_E) continue;
    all.set(static_cast<size_t>(call.sc));
  }
  return all;
}

// What a capture must keep of an event that the filter does not fit. Reads and writes are many and
// seldom change a descriptor, so of them only those that did.
Keep without_fit(const EventStream& stream) {
  const EventInfo& info = stream.event().info();
  const bool transfers = info.has(EF_READS_FROM_FD | EF_WRITES_TO_FD);
  const bool changes = info.has(EF_MODIFIES_STATE) || stream.event_state().fd_edited ||
                       (!transfers && State::is_changed_by(stream.type()));
  return changes ? Keep::StateOnly : Keep::Nothing;
}

struct RecordRun {
  const RecordOptions& options;
  EventFilter* filter;
  const Logger& logger;
  SignalWatcher& signals;
  uint64_t kept = 0;  // events that the filter fits

  int live() {
    LiveHost host(environment("HOST_ROOT"));
    const bool compares = filter != nullptr && filter->reads("evt.args_changed");
    // What a replay will ask for is not known yet.
    Collection collection{.syscalls = syscall_list(wanted_syscalls(filter)), .real_paths = true};
    if (compares) collection.compared = syscall_list(syscalls_of_needs(filter->needs()));
    auto source =
        host.open({.collection = std::move(collection), .snaplen = options.snaplen}, logger);
    if (!source) return print_error(source.error().message);
    return record(**source, host.state_settings(), &host);
  }

  int copy() {
    auto source = open_replay(*options.from, signals.give_up(options.duration_s * kSecond));
    if (!source) return print_error(source.error().message);
    return record(**source, {}, nullptr);
  }

 private:
  int record(Source& source, StateSettings state, const LiveHost* host) {
    auto recording = Recording::start(source, settings(), logger);
    if (!recording) return print_error(recording.error().message);
    state.on_finding = [&](const Finding& finding) { (*recording)->found(finding); };
    EventStream stream(**recording, {.state = std::move(state), .fields = {}});
    (*recording)->on_next_file([&stream] { return stream.dump_state(); });
    if (const Result<void> opened = stream.open(); !opened) {
      return print_error(opened.error().message);
    }
    if (host != nullptr) {
      give_up_privileges({options.file}, logger);
      say(fmt::format("gyr: recording this host ({}) in {}; Ctrl-C ends\n", host->description(),
                      options.file));
    }
    const bool whole = run(stream, **recording);
    report_losses(source.counters());
    const int status = finish_recording(**recording, logger, kept);
    return whole ? status : print_error(stream.error().message);
  }

  RecordingSettings settings() const {
    constexpr uint64_t kMegabyte = 1'000'000;
    RecordingSettings to;
    to.path = options.file;
    to.source_path = options.from.value_or("");
    to.compression = options.compress ? Compression::Gzip : compression_of(options.file);
    if (options.overwrite) to.if_there = capture::IfThere::Replace;
    to.rotation = {.bytes = options.file_megabytes * kMegabyte,
                   .period_ns = options.file_seconds * kSecond,
                   .events = options.file_events,
                   .files = options.files};
    to.disk = {.total_bytes = options.disk_megabytes * kMegabyte,
               .free_percent = options.keep_free_percent};
    return to;
  }

  // False after a fault of the source.
  bool run(EventStream& stream, Recording& recording) {
    const auto start = steady_clock::now();
    uint32_t until_look = 1;
    while (!signals.stop() && !recording.has_failed()) {
      switch (stream.next()) {
        case StreamStatus::Event:
          if (filter != nullptr && !filter->matches(stream)) {
            recording.keep(without_fit(stream));
          } else if (++kept == options.limit) {
            return true;
          }
          break;
        case StreamStatus::Skipped:
          break;
        case StreamStatus::Idle:
          until_look = 1;
          break;
        case StreamStatus::End:
          return true;
        case StreamStatus::Failed:
          return false;
      }
      constexpr uint32_t kEventsBetweenLooks = 4096;
      if (options.duration_s == 0 || --until_look > 0) continue;
      until_look = kEventsBetweenLooks;
      if (steady_clock::now() - start >= std::chrono::seconds(options.duration_s)) return true;
    }
    return true;
  }

  void report_losses(const SourceCounters& counters) const {
    const uint64_t lost = counters.lost();
    if (lost == 0) return;
    logger->warn("{} events were lost before they could be recorded: {}", lost,
                 counters.lost_detail);
  }
};

}  // namespace

int run_record(const Invocation& call) {
  const Result<RecordOptions> options = parse_record_options(call.arguments);
  if (!options) return print_error(options.error().message);
  if (options->help) return print_result(help_text(*find_command("record")));
  const Result<std::unique_ptr<EventFilter>> filter = compile_filter(options->filter);
  if (!filter) return print_error(filter.error().message);
  const Logger logger = make_logger({});
  SignalWatcher signals;
  if (!signals.started()) return print_error(signals.started().error().message);
  RecordRun run{*options, filter->get(), logger, signals};
  return options->from ? run.copy() : run.live();
}

}  // namespace gyr::app
