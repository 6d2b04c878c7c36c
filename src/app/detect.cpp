// SPDX-License-Identifier: Apache-2.0
#include "app/detect.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <functional>
#include <thread>
#include <utility>

#include "app/configured.h"
#include "app/environment.h"
#include "app/live.h"
#include "app/memory_bounds.h"
#include "app/privileges.h"
#include "app/record.h"
#include "app/reload.h"
#include "app/signals.h"
#include "app/terminal.h"
#include "base/text.h"
#include "source/replay.h"

namespace gyr::app {
namespace {

EngineSetup engine_settings(const DetectSettings& settings, StateSettings state) {
  EngineSetup engine;
  engine.stream.state = std::move(state);
  engine.stream.state.thread_limit = settings.thread_limit;
  engine.stream.state.purge_interval_ns = settings.purge_interval_ns;
  engine.stream.state.thread_timeout_ns = settings.thread_timeout_ns;
  engine.stream.fields.buffers = settings.buffers;
  engine.alert = {.hostname = alert_hostname(), .iso_8601 = settings.outputs.format.iso_8601};
  // What is followed ends by itself: the source sees to it.
  engine.duration_ns = settings.follow ? 0 : settings.duration_ns;
  engine.capture = settings.capture_choice;
  engine.drops = settings.drops;
  engine.silent_rounds = settings.silent_rounds;
  return engine;
}

// Captures, and recordings in more than one file.
std::vector<std::string> written_later(const DetectSettings& settings) {
  std::vector<std::string> paths;
  if (settings.captures) paths.push_back(settings.captures->path_prefix);
  if (settings.record.rotation.is_on()) paths.push_back(settings.record.path);
  return paths;
}

void say_what_is_watched(const DetectSettings& settings, const LiveHost& host, size_t rules) {
  if (settings.follow) {
    say(fmt::format("gyr: following {} ({}, {} rules)\n",
                    settings.command.empty() ? "running processes" : settings.command.front(),
                    host.description(), rules));
    return;
  }
  say(fmt::format("gyr: watching this host ({}, {} rules); Ctrl-C ends\n", host.description(),
                  rules));
  if (settings.built_in_rules) {
    say("gyr: try: sudo cat /etc/shadow in another terminal\n");
  }
}

void report(const DetectSettings& settings, const Engine& engine, const Source& source,
            uint64_t run_ns, const Logger& logger) {
  const SourceCounters counters = source.counters();
  const uint64_t lost = counters.lost();
  if (lost > 0) {
    logger->warn("{} events were lost ({} because the ring was full){}{}", lost,
                 counters.lost_ring_full, counters.lost_detail.empty() ? "" : ": ",
                 counters.lost_detail);
  }
  if (counters.unknown_types > 0) {
    logger->warn("{} events of types that this version does not know were passed over",
                 counters.unknown_types);
  }
  if (counters.unmapped_32bit > 0) {
    logger->warn("{} calls of 32-bit programs have no counterpart and were not seen",
                 counters.unmapped_32bit);
  }
  if (const std::string losses = engine.state_losses(); !losses.empty()) {
    logger->warn("{}", losses);
  }
  if (const std::string drops = engine.drops().text(); !drops.empty()) logger->warn("{}", drops);
  for (const auto& [rule, left_out] : engine.suppressed()) {
    logger->warn(
        "rule '{}': {} alerts were left out as gyr.storms asks: {} repeats, {} above a limit",
        one_line(rule), left_out.repeated + left_out.above_limit, left_out.repeated,
        left_out.above_limit);
  }
  if (!settings.verbose) return;
  const uint64_t events = counters.events + counters.filtered;
  logger->info(
      "{} events, {:.0f} a second, {} dropped; {} of them consumed before anybody saw them; {} "
      "threads known at the end",
      events,
      static_cast<double>(events) / (static_cast<double>(std::max<uint64_t>(run_ns, 1)) / 1e9),
      lost, counters.filtered, engine.state().thread_count());
  if (counters.seen > 0) {
    const StateCounters& state = engine.state().counters();
    logger->info(
        "probe: {} events were wanted, {} sent, {} delivered, {} lost, {} given up; state: {} "
        "threads "
        "and {} descriptors looked up, {} threads corrected, {} threads unknown",
        counters.seen, counters.sent, counters.events, lost, counters.shed, state.threads_recovered,
        state.fds_recovered, state.threads_corrected, state.threads_unknown);
  }
  if (const std::string looks = counters.looks.text(); !looks.empty()) {
    logger->info("state of the host: {}", looks);
  }
  for (const Engine::RuleCount& rule : engine.rule_counts()) {
    if (rule.counters.evaluated == 0) continue;
    logger->info("rule '{}': tested on {} events, matched {}", rule.rule.name,
                 rule.counters.evaluated, rule.counters.matched);
  }
}

void report_containers(const ContainerFinder& finder, const Logger& logger) {
  const std::string missing = finder.missing().text();
  if (missing.empty()) return;
  logger->info("containers: {} were looked for; not known: {}", finder.containers(), missing);
}

// As a shell tells how a command ended.
int status_of_command(std::optional<int> status) {
  if (!status) return 0;
  return WIFSIGNALED(*status) ? 128 + WTERMSIG(*status) : WEXITSTATUS(*status);
}

uint64_t lost_alerts(const Outputs& outputs) {
  uint64_t lost = 0;
  for (const OutputCounters& sink : outputs.counters()) lost += sink.lost_total();
  return lost;
}

// What a run needs, in the order it must be made and, backwards, unmade.
struct Run {
  const DetectSettings& settings;
  const std::shared_ptr<const PreparedRules>& rules;
  Reloader& reloader;
  const Logger& logger;
  SignalWatcher& signals;
  Outputs& outputs;
  Observer& observer;
  const std::function<bool()> give_up = signals.give_up(settings.duration_ns);
  const std::atomic<bool> never{false};
  Recording* recording_ = nullptr;

  int with_source(Source& source, StateSettings state, const LiveHost* host) {
    if (settings.record.path.empty() || settings.dry_run) {
      return with_captures(source, std::move(state), host);
    }
    auto recording = Recording::start(source, settings.record, logger);
    if (!recording) return print_error(recording.error().message);
    state.on_finding = [&](const Finding& finding) { (*recording)->found(finding); };
    recording_ = recording->get();
    const int status = with_captures(**recording, std::move(state), host);
    recording_ = nullptr;
    const int recorded = finish_recording(**recording, logger);
    return status != 0 ? status : recorded;
  }

  int with_captures(Source& source, StateSettings state, const LiveHost* host) {
    if (!settings.captures || settings.dry_run) {
      return with_engine(source, std::move(state), host, nullptr);
    }
    auto capture = AlertCapture::create(source, *settings.captures, logger);
    if (!capture) return print_error(capture.error().message);
    const auto recorder = std::move(state.on_finding);
    state.on_finding = [&](const Finding& finding) {
      if (recorder) recorder(finding);
      (*capture)->found(finding);
    };
    const int status = with_engine(**capture, std::move(state), host, capture->get());
    const int captured = report_captures(**capture, settings.captures->path_prefix, logger);
    return status != 0 ? status : captured;
  }

  int with_engine(Source& source, StateSettings state, const LiveHost* host,
                  AlertCapture* capture) {
    EngineSetup setup = engine_settings(settings, std::move(state));
    if (host != nullptr) {
      setup.why_missing = [host](std::string_view id) { return host->containers().missing_of(id); };
    }
    setup.between_events = [this] { observer.between_events(); };
    Engine engine(std::move(setup), rules,
                  {.source = source,
                   .outputs = outputs,
                   .clock = system_clock(),
                   .logger = logger,
                   .capture = capture});
    if (capture != nullptr && !any_rule_captures()) {
      logger->warn(
          "capture.enabled: no enabled rule says 'capture: true' and capture.mode is rules, so "
          "nothing will be captured");
    }
    if (recording_ != nullptr && settings.record.rotation.is_on()) {
      recording_->on_next_file([&engine] { return engine.dump_state(); });
    }
    if (engine.rule_count() == 0) logger->warn("no rule is enabled: nothing can be detected");
    if (settings.dry_run) {
      return end_dry_run(fmt::format("{} is a capture file, no event was read",
                                     settings.capture_file.value_or("")));
    }
    if (const Result<void> opened = engine.open(); !opened) {
      return print_error(opened.error().message);
    }
    if (host != nullptr && !settings.follow) give_up_privileges(written_later(settings), logger);
    observer.attach(
        {.engine = &engine, .source = &source, .host = host, .rules = engine.rule_count()});
    observer.begin();
    if (host != nullptr) say_what_is_watched(settings, *host, engine.rule_count());
    if (settings.on_started) settings.on_started();
    if (settings.reloads()) reloader.start(&engine);
    const uint64_t begun_ns = system_clock().monotonic_ns();
    const RunEnd end = engine.run(settings.follow ? never : signals.stop());
    const uint64_t run_ns = system_clock().monotonic_ns() - begun_ns;
    reloader.stop();
    observer.detach();
    // What a damaged capture has given is complete so far; a host that is watched no more has
    // nothing to wait for.
    const bool complete = end == RunEnd::Finished || (end == RunEnd::Failed && host == nullptr);
    outputs.finish([&] { return !complete || give_up(); });
    if (end == RunEnd::ReaderGone || outputs.reader_gone()) return 0;
    report(settings, engine, source, run_ns, logger);
    if (host != nullptr) report_containers(host->containers(), logger);
    int printed = print_result(engine.statistics().to_text());
    // A replay can be run again, so whoever started it must not take this one for complete.
    if (host == nullptr && lost_alerts(outputs) > 0) printed = 1;
    if (end == RunEnd::Failed) return print_error(engine.error().message);
    if (end == RunEnd::TooManyLost) {
      return print_error("too many events were lost, and syscall_event_drops.actions says 'exit'");
    }
    return printed;
  }

  int end_dry_run(std::string_view why) const {
    const size_t all = rules->ruleset->rules.size();
    say(fmt::format("gyr: dry run: {} rule{} loaded, {} enabled; {}\n", all, all == 1 ? "" : "s",
                    rules->active.size(), why));
    return 0;
  }

  bool any_rule_captures() const {
    return settings.capture_choice.all_rules ||
           std::any_of(rules->active.begin(), rules->active.end(),
                       [](const Rule* rule) { return rule->capture; });
  }

  // A command, whose status becomes ours, or running processes; without the probe.
  int follow() {
    // Processes are numbered as in our own /proc.
    LiveHost host("", settings.container_apis, settings.container_apis.label_max_len);
    if (settings.dry_run) return end_dry_run("nothing was started");
    PtraceSettings what{.syscalls = {},
                        .snaplen = settings.snaplen,
                        .command = settings.command,
                        .pids = settings.attach,
                        .end_signal = [this] { return signals.end_signal(); },
                        .duration_ns = settings.duration_ns};
    auto source = host.follow(std::move(what), rules->use.collection.syscalls, logger);
    if (!source) return print_error(source.error().message);
    const int status = with_source(**source, host.state_settings(), &host);
    if (status != 0 || settings.command.empty()) return status;
    return status_of_command((*source)->command_status());
  }

  int live() {
    LiveHost host(environment("HOST_ROOT"), settings.container_apis,
                  settings.container_apis.label_max_len);
    if (settings.dry_run) return end_dry_run("the probe was not attached");
    Result<std::unique_ptr<Source>> source =
        host.open({.collection = rules->use.collection,
                   .snaplen = settings.snaplen,
                   .ring_bytes = settings.ring_bytes,
                   .cpus_per_ring = settings.cpus_per_ring,
                   .attach_mode = settings.attach_mode,
                   .drop_failed = settings.drop_failed,
                   .disable_iterators = settings.disable_iterators,
                   .library_log = library_log()},
                  logger);
    if (!source) return print_error(source.error().message);
    say_memory_bounds(settings, outputs.queue_bytes(), logger);
    return with_source(**source, host.state_settings(), &host);
  }

  Logger library_log() const {
    if (!settings.library_severity) return nullptr;
    return library_logger(logger, *settings.library_severity);
  }

  int replay() {
    Result<std::unique_ptr<Source>> source = open_replay(*settings.capture_file, give_up);
    if (!source) return print_error(source.error().message);
    StateSettings state;
    state.host_root = environment("HOST_ROOT");  // part of some names, as when it was recorded
    return with_source(**source, std::move(state), nullptr);
  }

  // Nothing to detect in; the outputs and whatever else was asked for run until the end.
  int idle() {
    if (settings.dry_run) return end_dry_run("engine.kind is nodriver, there are no events");
    const uint64_t start = system_clock().monotonic_ns();
    if (settings.on_started) settings.on_started();
    reloader.start(nullptr);
    observer.attach({.rules = rules->active.size()});
    observer.begin();
    while (!signals.stop()) {
      observer.between_events();
      if (std::string fault = reloader.take_fault(); !fault.empty()) {
        auto alert = failed_reload_alert(std::move(fault), system_clock().now_ns());
        mark_internal(alert_hostname(), alert.get());
        outputs.send(std::move(alert), [] { return true; });
      }
      const uint64_t passed = system_clock().monotonic_ns() - start;
      if (settings.duration_ns > 0 && passed >= settings.duration_ns) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    observer.detach();
    outputs.finish([] { return true; });
    return print_result(AlertStatistics().to_text());
  }
};

}  // namespace

int detect(const DetectSettings& settings, const std::shared_ptr<const PreparedRules>& rules,
           Reloader& reloader, const Logger& logger) {
  SignalWatcher signals;
  if (!signals.started()) return print_error(signals.started().error().message);
  Outputs outputs(settings.outputs, logger);
  SinkChoice sinks = settings.sinks;
  sinks.hostname = alert_hostname();
  // In a dry run there is none: it must neither send what waits in a spool nor disturb a daemon.
  const Result<void> added = settings.dry_run ? check_sinks(sinks) : add_sinks(sinks, &outputs);
  if (!added) return print_error(added.error().message);
  ObserverSettings observed = settings.observer;
  if (settings.dry_run) observed = {};
  auto observer = Observer::start(std::move(observed), outputs, logger);
  if (!observer) return print_error(observer.error().message);
  signals.on_reopen([&outputs] { outputs.reopen(); });
  reloader.on_loaded([&observer](const ConfigResult& config, const RulesToUse& loaded) {
    (*observer)->reloaded(config_digests(config), loaded.digests);
  });
  if (settings.reloads()) signals.on_reload([&reloader] { reloader.ask(); });
  Run run{settings, rules, reloader, logger, signals, outputs, **observer};
  const int status = settings.no_source      ? run.idle()
                     : settings.follow       ? run.follow()
                     : settings.capture_file ? run.replay()
                                             : run.live();
  signals.on_reopen({});
  signals.on_reload({});
  reloader.stop();
  return status;
}

}  // namespace gyr::app
