// SPDX-License-Identifier: Apache-2.0
#include "app/run_options.h"

#include <fmt/format.h>

#include <utility>

#include "app/sources.h"
#include "base/text.h"

namespace gyr::app {
namespace {

using Row = Option<Options>;
using Text = std::string_view;
using Done = Result<void>;

Done add_override(Options& o, Text value) {
  if (value.find('=') == Text::npos) {
    return Error{fmt::format("'{}' is not KEY=VALUE", value)};
  }
  o.overrides.emplace_back(value);
  return {};
}

// The short forms for containers have had no effect since the reference's version 0.41.
Done set_extra_output(Options& o, Text value) {
  if (value == "c" || value == "container" || value == "k" || value == "kubernetes") {
    o.notes.push_back(
        fmt::format("-p{} has no effect any more, as in Falco; use append_output", value));
    return {};
  }
  o.extra_output = value;
  return {};
}

Done set_duration(Options& o, Text value) {
  const Result<uint64_t> seconds = parse_seconds(value);
  if (!seconds) return seconds.error();
  o.duration_s = *seconds;
  return {};
}

// An option that stands for a setting.
Done imply(Options& o, std::string option, std::string setting) {
  o.overrides.push_back(setting);
  o.implied.push_back({std::move(option), std::move(setting)});
  return {};
}

Done replay_file(Options& o, const std::string& option, Text value) {
  if (o.capture_file) {
    return Error{"a capture file is named already; only one can be replayed"};
  }
  o.capture_file = value;
  const Done kind = imply(o, option, "engine.kind=replay");
  return kind ? imply(o, option, fmt::format("engine.replay.capture_file={}", value)) : kind;
}

Done follow(Options& o, std::string option) {
  if (o.userspace) return {};
  o.userspace = true;
  return imply(o, std::move(option), "engine.kind=ptrace");
}

Done attach_to(Options& o, Text value) {
  for (const Text text : split(value, ',')) {
    const Result<uint64_t> pid = parse_count(trim(text), 1, INT32_MAX);
    if (!pid) return pid.error();
    o.attach.push_back(static_cast<int64_t>(*pid));
  }
  return follow(o, "--attach");
}

Done set_snaplen(Options& o, Text value) {
  const Result<uint64_t> bytes = parse_count(value, 0, UINT16_MAX);
  if (!bytes) return bytes.error();
  return imply(o, "-S", fmt::format("falco_libs.snaplen={}", *bytes));
}

Done set_stats_file(Options& o, Text value) {
  const Done enabled = imply(o, "-s", "metrics.enabled=true");
  return enabled ? imply(o, "-s", fmt::format("metrics.output_file={}", value)) : enabled;
}

Done set_stats_interval(Options& o, Text value) {
  const Result<uint64_t> ms = parse_count(value, 100, UINT32_MAX);
  if (!ms) return ms.error();
  return imply(o, "--stats-interval", fmt::format("metrics.interval={}ms", *ms));
}

Done set_list_source(Options& o, Text value) {
  o.list_fields = true;
  o.list_source = value;
  return {};
}

Done add_cri_socket(Options& o, Text value) {
  if (!value.starts_with('/')) return Error{fmt::format("'{}' is no absolute path", value)};
  o.cri_sockets.emplace_back(value);
  return {};
}

Done pass(Options&, Text) { return {}; }

// Where another program would have been configured by what is printed, detection may not begin.
Done refuse_gvisor_config(Options&, Text) {
  return Error{
      "there is no gVisor engine any more (gone since Falco 0.44), so no configuration can be "
      "made for it"};
}

constexpr Text kNoGvisor = "has no effect: there is no gVisor engine, sandboxes are not seen";
constexpr Text kNoKubernetes =
    "has no effect: no Kubernetes API is asked; what runtimes tell about pods fills k8s.*";

// The order is that of the help. A section's name stands in its first row.
constexpr Row kOptions[] = {
    {{.letter = 'c',
      .name = "config",
      .takes = Takes::Value,
      .value_name = "FILE",
      .help = "Configuration file. Default: /etc/gyr/gyr.yaml or /etc/falco/falco.yaml if there is "
              "one, else built-in settings.",
      .hint = Hint::File,
      .section = "What to watch"},
     set_text<&Options::config_file>},
    {{.letter = 'o',
      .name = "option",
      .takes = Takes::Values,
      .value_name = "KEY=VALUE",
      .help = "Set one key of the configuration; may be repeated. json_output=true, "
              "rules[].disable.tag=x, append_output[]={...}",
      .hint = Hint::Key},
     add_override},
    {{.name = "replay",
      .takes = Takes::Value,
      .value_name = "FILE",
      .help = "Replay a capture file instead of watching this host: -o engine.kind=replay -o "
              "engine.replay.capture_file=FILE.",
      .hint = Hint::File},
     [](Options& o, Text v) -> Done { return replay_file(o, "--replay", v); }},
    {{.letter = 'u',
      .name = "userspace",
      .help = "Start the command behind -- and detect in it and in all that it starts, by ptrace, "
              "without the probe and without privileges; its exit status is gyr's. -o "
              "engine.kind=ptrace."},
     [](Options& o, Text) -> Done { return follow(o, "-u"); }},
    {{.name = "attach",
      .takes = Takes::Values,
      .value_name = "PID",
      .help = "The same with running processes (PID,PID...), their threads and descendants."},
     attach_to},
    {{.name = "enable-source",
      .takes = Takes::Values,
      .value_name = "SOURCE",
      .help = "Take events of this source only; may be repeated. No effect in a replay. Not "
              "together with --disable-source.",
      .hint = Hint::Words,
      .words = kEventSources},
     add_text<&Options::enabled_sources>},
    {{.name = "disable-source",
      .takes = Takes::Values,
      .value_name = "SOURCE",
      .help = "Take no events of this source; may be repeated, but one source must be left. No "
              "effect in a replay.",
      .hint = Hint::Words,
      .words = kEventSources},
     add_text<&Options::disabled_sources>},
    {{.letter = 'M',
      .takes = Takes::Value,
      .value_name = "SECONDS",
      .help = "Stop after so many seconds."},
     set_duration},
    {{.letter = 'P',
      .name = "pidfile",
      .takes = Takes::Value,
      .value_name = "FILE",
      .help = "Write the process id there while detection runs. Exit status 255 when that is not "
              "possible.",
      .hint = Hint::File},
     set_text<&Options::pidfile>},
    {{.name = "dry-run", .help = "Load and check everything, then stop before the first event."},
     set_flag<&Options::dry_run>},
    {{.letter = 'r',
      .name = "rules",
      .takes = Takes::Values,
      .value_name = "PATH",
      .help = "Rules file, or folder of .yaml and .yml files, instead of the configured ones "
              "(built-in without configuration); may be repeated.",
      .hint = Hint::File,
      .section = "Rules and alerts"},
     add_text<&Options::rules>},
    {{.letter = 'p',
      .name = "print",
      .takes = Takes::Value,
      .value_name = "FORMAT",
      .help = "Text with %fields to append to every alert. -pc and -pk are accepted and have no "
              "effect.",
      .hint = Hint::Field},
     set_extra_output},
    {{.letter = 'U',
      .name = "unbuffered",
      .help = "Write each alert at once: -o buffered_outputs=false."},
     [](Options& o, Text) -> Done { return imply(o, "-U", "buffered_outputs=false"); }},
    {{.letter = 'v', .name = "verbose", .help = "Say more: all warnings, counters at the end."},
     set_flag<&Options::verbose>},
    {{.letter = 'h',
      .name = "help",
      .help = "Show this help.",
      .section = "Print something and end"},
     set_flag<&Options::help>},
    {{.letter = 'V',
      .name = "validate",
      .takes = Takes::Values,
      .value_name = "FILE",
      .help = "Check rules files, each on top of those before it; may be repeated.",
      .hint = Hint::File},
     add_text<&Options::validate>},
    {{.letter = 'L', .help = "Describe all rules; with -o json_output=true as JSON."},
     set_flag<&Options::describe_all>},
    {{.letter = 'l',
      .takes = Takes::Value,
      .value_name = "RULE",
      .help = "Describe one rule.",
      .hint = Hint::Rule},
     set_text<&Options::describe_rule>},
    {{.name = "list",
      .takes = Takes::OptionalValue,
      .value_name = "SOURCE",
      .help = "List the fields for conditions and outputs, all or those of one event source.",
      .hint = Hint::Words,
      .words = kEventSources},
     set_list_source},
    {{.letter = 'N', .help = "With --list: only names."}, set_flag<&Options::names_only>},
    {{.name = "list-events", .help = "List the events with their parameters."},
     set_flag<&Options::list_events>},
    {{.name = "format",
      .takes = Takes::Value,
      .value_name = "FORMAT",
      .help = "Of --list and --list-events: text, markdown or json.",
      .hint = Hint::Words,
      .words = "text markdown json"},
     set_list_format},
    {{.letter = 'i', .help = "List the events that are ignored unless base_syscalls.all is set."},
     set_flag<&Options::list_ignored>},
    {{.name = "list-plugins",
      .help = "List plugins: none is loaded in this version, so those whose fields are built in."},
     set_flag<&Options::list_plugins>},
    {{.name = "plugin-info",
      .takes = Takes::Value,
      .value_name = "NAME",
      .help = "Describe one of them, and what its init_config may hold.",
      .hint = Hint::Words,
      .words = kBuiltInPlugins},
     set_text<&Options::plugin_info>},
    {{.name = "support",
      .help = "Print as JSON what somebody who helps needs: versions, system, command line, "
              "configuration, rules. Passwords, tokens and the like are masked."},
     set_flag<&Options::support>},
    {{.name = "config-schema", .help = "Print the JSON schema of configuration files."},
     set_flag<&Options::config_schema>},
    {{.name = "rule-schema", .help = "Print the JSON schema of rules files."},
     set_flag<&Options::rule_schema>},
    {{.name = "config-sample",
      .help = "Print a configuration file with every key explained and at its default."},
     set_flag<&Options::config_sample>},
    {{.name = "page-size", .help = "Print the size of a memory page in bytes."},
     set_flag<&Options::page_size>},
    {{.name = "version", .help = "Print versions; with -o json_output=true as JSON."},
     set_flag<&Options::version>},
    {{.letter = 'A',
      .retired = {.since = "0.41", .successor = "-o base_syscalls.all=true"},
      .section = "Retired by Falco, still understood; a line in the log names the successor"},
     [](Options& o, Text) -> Done { return imply(o, "-A", "base_syscalls.all=true"); }},
    {{.letter = 'b',
      .name = "print-base64",
      .retired = {.since = "0.41", .successor = "-o buffer_format_base64=true"}},
     [](Options& o, Text) -> Done { return imply(o, "-b", "buffer_format_base64=true"); }},
    {{.name = "cri",
      .takes = Takes::Values,
      .value_name = "SOCKET",
      .hint = Hint::File,
      .retired = {.since = "0.40",
                  .successor = "engines.cri.sockets in init_config of the plugin 'container'"}},
     add_cri_socket},
    {{.letter = 'd',
      .name = "daemon",
      .retired = {.since = "0.36",
                  .remark = "a service manager does that; the program still goes to the background "
                            "once it watches"}},
     set_flag<&Options::daemon>},
    {{.name = "disable-cri-async",
      .retired = {.since = "0.40",
                  .remark = "has no effect: what runtimes keep on disk is always read at once"}},
     pass},
    {{.letter = 'D',
      .takes = Takes::Values,
      .value_name = "SUBSTRING",
      .retired = {.since = "0.39", .successor = "-o 'rules[].disable.rule=*SUBSTRING*'"}},
     add_text<&Options::disabled_substrings>},
    {{.letter = 'e',
      .takes = Takes::Value,
      .value_name = "FILE",
      .hint = Hint::File,
      .retired = {.since = "0.38",
                  .successor = "--replay FILE (-o engine.kind=replay -o "
                               "engine.replay.capture_file=FILE)"}},
     [](Options& o, Text v) -> Done { return replay_file(o, "-e", v); }},
    {{.name = "list-syscall-events", .retired = {.since = "0.36", .successor = "--list-events"}},
     set_flag<&Options::list_events>},
    {{.name = "markdown",
      .retired = {.since = "0.44 (deprecated)", .successor = "--format markdown"}},
     set_flag<&Options::markdown>},
    {{.name = "nodriver", .retired = {.since = "0.38", .successor = "-o engine.kind=nodriver"}},
     [](Options& o, Text) -> Done { return imply(o, "--nodriver", "engine.kind=nodriver"); }},
    {{.name = "modern-bpf",
      .retired = {.since = "0.38",
                  .successor = "-o engine.kind=modern_ebpf, which is the default"}},
     [](Options& o, Text) -> Done { return imply(o, "--modern-bpf", "engine.kind=modern_ebpf"); }},
    {{.letter = 's',
      .takes = Takes::Value,
      .value_name = "FILE",
      .hint = Hint::File,
      .retired = {.since = "0.36",
                  .successor = "-o metrics.enabled=true -o metrics.output_file=FILE"}},
     set_stats_file},
    {{.name = "stats-interval",
      .takes = Takes::Value,
      .value_name = "MS",
      .retired = {.since = "0.36", .successor = "-o metrics.interval=MSms"}},
     set_stats_interval},
    {{.letter = 'S',
      .name = "snaplen",
      .takes = Takes::Value,
      .value_name = "BYTES",
      .retired = {.since = "0.41", .successor = "-o falco_libs.snaplen=BYTES"}},
     set_snaplen},
    {{.letter = 't',
      .takes = Takes::Values,
      .value_name = "TAG",
      .retired = {.since = "0.39",
                  .successor = "-o 'rules[].disable.rule=*' -o 'rules[].enable.tag=TAG'"}},
     add_text<&Options::only_tags>},
    {{.letter = 'T',
      .takes = Takes::Values,
      .value_name = "TAG",
      .retired = {.since = "0.39", .successor = "-o 'rules[].disable.tag=TAG'"}},
     add_text<&Options::disabled_tags>},
    {{.letter = 'k',
      .name = "k8s-api",
      .takes = Takes::Value,
      .value_name = "URL",
      .retired = {.since = "0.37", .remark = kNoKubernetes}},
     pass},
    {{.letter = 'K',
      .name = "k8s-api-cert",
      .takes = Takes::Value,
      .value_name = "FILE",
      .hint = Hint::File,
      .retired = {.since = "0.37", .remark = kNoKubernetes}},
     pass},
    {{.name = "k8s-node",
      .takes = Takes::Value,
      .value_name = "NODE",
      .retired = {.since = "0.37", .remark = kNoKubernetes}},
     pass},
    {{.letter = 'g',
      .name = "gvisor-config",
      .takes = Takes::Value,
      .value_name = "FILE",
      .hint = Hint::File,
      .retired = {.since = "0.38", .remark = kNoGvisor}},
     pass},
    {{.name = "gvisor-root",
      .takes = Takes::Value,
      .value_name = "FOLDER",
      .hint = Hint::File,
      .retired = {.since = "0.38", .remark = kNoGvisor}},
     pass},
    {{.name = "gvisor-generate-config",
      .takes = Takes::OptionalValue,
      .value_name = "SOCKET",
      .hint = Hint::File,
      .retired = {.since = "0.44", .remark = "an error: no configuration for gVisor can be made"}},
     refuse_gvisor_config},
};

}  // namespace

std::span<const Option<Options>> run_options() { return kOptions; }

std::vector<Option<Options>> run_options_with(std::string_view letters) {
  std::vector<Row> rows;
  for (const Row& row : kOptions) {
    if (row.letter == 0 || letters.find(row.letter) == std::string_view::npos) continue;
    rows.push_back(row);
    rows.back().section = {};
  }
  return rows;
}

Result<void> set_list_format(Options& o, std::string_view value) {
  if (value == "text") {
    o.format = ListFormat::Text;
  } else if (value == "markdown") {
    o.format = ListFormat::Markdown;
  } else if (value == "json") {
    o.format = ListFormat::Json;
  } else {
    return Error{fmt::format("'{}' is none of text, markdown, json", value)};
  }
  return {};
}

}  // namespace gyr::app
