// SPDX-License-Identifier: Apache-2.0
#include "app/app.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "app/background.h"
#include "app/commands.h"
#include "app/configured.h"
#include "app/detect.h"
#include "app/help.h"
#include "app/listings.h"
#include "app/pidfile.h"
#include "app/plugins.h"
#include "app/reload.h"
#include "app/rule_use.h"
#include "app/rules_command.h"
#include "app/sources.h"
#include "app/support.h"
#include "app/terminal.h"
#include "base/log.h"
#include "base/system.h"
#include "base/text.h"
#include "config/loader.h"
#include "field/listing.h"
#include "field/static_fields.h"
#include "source/live.h"

namespace gyr::app {
namespace {

// What `gyr run` prints without a configuration. Nothing when none was asked for.
std::optional<int> run_plain_listing(const Options& options) {
  if (options.help) return print_result(help_text());
  if (options.page_size) return print_result(fmt::format("{}\n", sysconf(_SC_PAGESIZE)));
  return print_plain_listing(options);
}

OutputSettings output_settings(const Settings& settings, bool replay) {
  return {.format = {.json = settings.json_output,
                     .include_output = settings.json_include_output_property,
                     .include_message = settings.json_include_message_property,
                     .include_output_fields = settings.json_include_output_fields_property,
                     .include_tags = settings.json_include_tags_property,
                     .iso_8601 = settings.time_format_iso_8601},
          .queue_capacity = settings.outputs_queue_capacity,
          .wait_when_full = replay,
          .buffered = settings.buffered_outputs,
          .finish_timeout_ms = settings.output_timeout_ms};
}

AlertCaptureSettings capture_settings(const Settings& settings) {
  constexpr uint64_t kMegabyte = 1u << 20;
  constexpr uint64_t kSecond = 1'000'000'000;
  const GyrSettings& ours = settings.gyr;
  AlertCaptureSettings to;
  to.path_prefix = settings.capture.path_prefix;
  to.max_file_bytes = settings.capture.max_file_size_mb * kMegabyte;
  to.compression = ours.capture_compress ? Compression::Gzip : Compression::None;
  if (ours.capture_overwrite) to.if_there = capture::IfThere::Replace;
  to.keep_files = ours.capture_keep_files;
  to.disk = {.total_bytes = ours.capture_total_mb * kMegabyte,
             .free_percent = ours.capture_keep_free};
  // What stands before the alert leaves room for what comes behind it, and for some more files.
  uint64_t most = ours.capture_before_mb * kMegabyte;
  if (to.max_file_bytes > 0) most = std::min(most, to.max_file_bytes / 2);
  if (to.disk.total_bytes > 0) most = std::min(most, to.disk.total_bytes / 4);
  to.before = {.bytes = most, .period_ns = ours.capture_before_seconds * kSecond};
  return to;
}

DropSettings drop_settings(const EventDropSettings& settings) {
  DropSettings to{.threshold = settings.threshold,
                  .rate = settings.rate,
                  .max_burst = settings.max_burst,
                  .simulate = settings.simulate_drops};
  for (const std::string& action : settings.actions) {
    const std::string word = to_lower(action);
    to.log = to.log || word == "log";
    to.alert = to.alert || word == "alert";
    to.exit = to.exit || word == "exit";
  }
  return to;
}

DetectSettings detect_settings(const Settings& settings, const Options& options) {
  constexpr uint64_t kSecond = 1'000'000'000;
  constexpr uint64_t kMegabyte = 1'000'000;
  DetectSettings detect;
  if (settings.engine.kind == EngineKind::Replay) {
    detect.capture_file = settings.engine.replay_capture_file;
  }
  detect.record = {.path = settings.gyr.record_file,
                   .source_path = detect.capture_file.value_or(""),
                   .compression = compression_of(settings.gyr.record_file),
                   .if_there = settings.gyr.record_overwrite ? capture::IfThere::Replace
                                                             : capture::IfThere::Refuse,
                   .rotation = {.bytes = settings.gyr.record_rotate_mb * kMegabyte,
                                .period_ns = settings.gyr.record_rotate_seconds * kSecond,
                                .events = 0,
                                .files = settings.gyr.record_rotate_files},
                   .disk = {.total_bytes = settings.gyr.record_total_mb * kMegabyte,
                            .free_percent = settings.gyr.record_keep_free}};
  if (settings.capture.enabled) {
    detect.captures = capture_settings(settings);
    detect.captures->source_path = detect.capture_file.value_or("");
    detect.capture_choice = {.all_rules = settings.capture.mode == CaptureMode::AllRules,
                             .duration_ms = settings.capture.default_duration_ms,
                             .max_file_mb = settings.capture.max_file_size_mb};
  }
  detect.no_source = settings.engine.kind == EngineKind::NoDriver;
  detect.follow = settings.engine.kind == EngineKind::Ptrace;
  detect.command = options.command;
  detect.attach = options.attach;
  detect.outputs = output_settings(settings, detect.capture_file.has_value());
  detect.sinks = sink_choice(settings);
  if (settings.buffer_format_base64) detect.buffers = BufferFormat::Base64;
  detect.duration_ns = options.duration_s * kSecond;
  detect.snaplen = snaplen(settings);
  detect.ring_bytes = ring_bytes(settings.engine.probe());
  detect.cpus_per_ring = settings.engine.modern_ebpf.cpus_for_each_buffer;
  detect.drop_failed = settings.engine.probe().drop_failed_exit;
  detect.attach_mode = settings.gyr.attach_mode;
  detect.disable_iterators = settings.engine.modern_ebpf.disable_iterators;
  detect.thread_limit = settings.falco_libs.thread_table_size;
  detect.purge_interval_ns = settings.falco_libs.thread_table_auto_purging_interval_s * kSecond;
  detect.thread_timeout_ns =
      settings.falco_libs.thread_table_auto_purging_thread_timeout_s * kSecond;
  detect.drops = drop_settings(settings.event_drops);
  detect.silent_rounds = settings.event_timeouts_max_consecutives;
  if (settings.libs_logger_enabled)
    detect.library_severity = to_lower(settings.libs_logger_severity);
  detect.verbose = options.verbose;
  detect.dry_run = options.dry_run;
  return detect;
}

// Settings that contradict each other.
Result<void> check_supported(const ConfigResult& config, const Options& options) {
  const Settings& settings = config.settings;
  // By a way that the options' own check does not see: -o 'engine={kind: kmod}'.
  const EngineSettings& engine = settings.engine;
  if (options.capture_file &&
      (engine.kind != EngineKind::Replay || engine.replay_capture_file != *options.capture_file)) {
    return Error{fmt::format(
        "--replay (-e) asks for a replay of {}, but other settings of 'engine' take that back: {}",
        *options.capture_file, config.place_of("engine.kind"))};
  }
  if (options.userspace && engine.kind != EngineKind::Ptrace) {
    return Error{
        fmt::format("-u asks for engine.kind=ptrace, but other settings take that back: {}",
                    config.place_of("engine.kind"))};
  }
  if (engine.kind == EngineKind::Ptrace && !options.userspace) {
    return Error{
        "engine.kind is ptrace, but there is nothing to follow: gyr -u -- COMMAND starts a "
        "command, gyr --attach PID follows running processes"};
  }
  if (settings.engine.kind == EngineKind::Replay && settings.engine.replay_capture_file.empty()) {
    return Error{"engine.kind is replay, but engine.replay.capture_file is not set"};
  }
  return {};
}

// Settings that ask for something this version does not do. Rules see and report the same without
// them, so they are no error: the reference's own configuration sets some.
void warn_of_settings_without_effect(const ConfigResult& config, const Logger& logger) {
  const Settings& settings = config.settings;
  const bool live = settings.engine.kind != EngineKind::Replay;
  const WebserverSettings& web = settings.webserver;
  if (web.enabled && live && web.prometheus_metrics_enabled && !settings.metrics.enabled) {
    logger->warn("{} has no effect without metrics.enabled",
                 config.place_of("webserver.prometheus_metrics_enabled"));
  }
  if (live && settings.falco_libs.snaplen > kSnaplenMax) {
    logger->warn("{}: at most {} bytes of a buffer are kept", config.place_of("falco_libs.snaplen"),
                 kSnaplenMax);
  }
}

// False after an error. Releases of the reference that had -d wrote a file nobody asked for, which
// units of their time name.
bool write_pidfile(const Options& options, const Logger& logger, Pidfile* pidfile) {
  constexpr const char* kOldPidfile = "/var/run/falco.pid";
  const bool asked = !options.pidfile.empty();
  if (options.dry_run || (!asked && !(options.as_falco && options.daemon))) return true;
  const Result<void> written = pidfile->write(asked ? options.pidfile : kOldPidfile);
  if (written) return true;
  if (asked) {
    print_error(fmt::format("-P: {}", written.error().message));
  } else {
    logger->warn("-d: {}", written.error().message);
  }
  return !asked;
}

// Detection, once everything that prints and ends is done.
int run_detection_with(const ConfigResult& config, const Options& options, const RulesToUse& rules,
                       Reloader& reloader, const Logger& logger, Background* background) {
  const Settings& settings = config.settings;
  if (const Result<void> supported = check_supported(config, options); !supported) {
    return print_error(supported.error().message);
  }
  const bool replay = settings.engine.kind == EngineKind::Replay;
  if (const Result<void> sources = check_sources(options, replay, logger); !sources) {
    return print_error(sources.error().message);
  }
  warn_of_settings_without_effect(config, logger);
  if (const Result<void> named = check_load_plugins(config); !named) {
    return print_error(named.error().message);
  }
  warn_of_plugins(config, logger);
  if (!settings.gyr.rule_caches) {
    logger->warn("{}: no answer of a rule is kept, which costs CPU: for diagnosis only",
                 config.place_of("gyr.rules.caches"));
  }
  DetectSettings detection = detect_settings(settings, options);
  auto apis = container_settings(config, logger);
  if (!apis) return print_error(apis.error().message);
  if (!options.cri_sockets.empty()) {
    (*apis)[ContainerApi::Cri] = {.enabled = true, .sockets = options.cri_sockets};
  }
  detection.container_apis = *std::move(apis);
  auto observer = observer_settings(config, rules.digests);
  if (!observer) return print_error(observer.error().message);
  detection.observer = *std::move(observer);
  detection.built_in_rules = rules.built_in;
  if (options.daemon && settings.stdout_enabled) {
    logger->warn("-d: in the background nobody reads standard output; alerts go to other outputs");
  }
  detection.on_started = [background] { background->ready(); };
  Pidfile pidfile;
  if (!write_pidfile(options, logger, &pidfile)) return kNoPidfile;
  const SyscallPlan plan = plan_calls(settings, *rules.ruleset);
  if (settings.engine.is_live() && !options.dry_run) log_plan(plan, logger);
  return detect(detection, prepare_rules(rules.ruleset, rule_use(settings, rules, plan)), reloader,
                logger);
}

int run_with_settings(const ConfigResult& config, const Options& options, const Logger& logger,
                      Background* background) {
  const Settings& settings = config.settings;
  if (options.version) {
    return print_result(settings.json_output ? version_json() : version_text());
  }
  const FieldSet fields(settings.static_fields);
  if (options.list_fields) return print_fields(options, fields);
  const RulesRequest request{.settings = settings, .options = options, .fields = fields};
  if (!options.validate.empty()) return validate(request);
  Reloader reloader(options, config, logger);
  const RulesToUse rules = load_rules_to_use(request, !config.files.empty(), logger);
  if (!rules.ruleset) return print_faults(rules);
  if (options.describe_all || options.describe_rule) {
    return describe(request, *rules.ruleset);
  }
  if (options.support) return print_support(config, options, request);
  return run_detection_with(config, options, rules, reloader, logger, background);
}

// A standard descriptor that is closed would be the next file that is opened, a recording perhaps,
// and messages would go into it. What fills the gap here refuses reads and writes as a closed one.
// And writers see the error of a closed pipe or of a limit instead of a signal.
void prepare_standard_streams() {
  for (const int number : {SIGPIPE, SIGXFSZ}) std::signal(number, SIG_IGN);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    [[maybe_unused]] const int filler = open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

}  // namespace

int run_detection(const Invocation& call) {
  Result<Options> options = parse_options(call.arguments);
  if (!options) return print_error(options.error().message);
  options->as_falco = call.as_falco;
  if (const std::optional<int> status = run_plain_listing(*options)) {
    log_notes(*options, make_logger({}));
    return *status;
  }
  Background background;
  if (options->daemon && !prints_only(*options) && !options->dry_run) {
    if (const std::optional<int> status = background.enter()) return *status;
  }
  return with_configuration(*options, [&](const ConfigResult& config, const Logger& logger) {
    return run_with_settings(config, *options, logger, &background);
  });
}

int run(std::string_view program, Arguments arguments) {
  prepare_standard_streams();
  const std::string_view name = program.substr(program.rfind('/') + 1);
  const bool as_falco = name == "falco";
  const std::string_view first = arguments.empty() ? "" : arguments[0];
  // Everything in front of the options is a command.
  if (first.empty() || first.starts_with('-')) return run_detection({arguments, as_falco});
  const Command* command = find_command(first);
  if (command == nullptr) return print_error(unknown_command(first));
  return command->run({arguments.subspan(1), as_falco});
}

}  // namespace gyr::app
