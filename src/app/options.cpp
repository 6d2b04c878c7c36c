// SPDX-License-Identifier: Apache-2.0
#include "app/options.h"

#include <fmt/format.h>

#include <iterator>
#include <tuple>
#include <utility>

#include "app/option_table.h"
#include "base/text.h"

namespace gyr::app {
namespace {

Result<void> add_override(Options& o, std::string_view value) {
  if (value.find('=') == std::string_view::npos) {
    return Error{"'" + std::string(value) + "' is not KEY=VALUE"};
  }
  o.overrides.emplace_back(value);
  return {};
}

Result<void> set_format(Options& o, std::string_view value) {
  if (value == "text") {
    o.format = ListFormat::Text;
  } else if (value == "markdown") {
    o.format = ListFormat::Markdown;
  } else if (value == "json") {
    o.format = ListFormat::Json;
  } else {
    return Error{"'" + std::string(value) + "' is none of text, markdown, json"};
  }
  return {};
}

// The short forms for containers have had no effect since the reference's version 0.41.
Result<void> set_extra_output(Options& o, std::string_view value) {
  if (value == "c" || value == "container" || value == "k" || value == "kubernetes") {
    o.notes.push_back(
        fmt::format("-p{} has no effect any more, as in the reference; use "
                    "append_output",
                    value));
    return {};
  }
  o.extra_output = value;
  return {};
}

Result<void> set_duration(Options& o, std::string_view value) {
  const Result<uint64_t> seconds = parse_seconds(value);
  if (!seconds) return seconds.error();
  o.duration_s = *seconds;
  return {};
}

// An option that stands for a setting.
Result<void> imply(Options& o, std::string option, std::string setting) {
  o.overrides.push_back(setting);
  o.implied.push_back({std::move(option), std::move(setting)});
  return {};
}

Result<void> replay_file(Options& o, std::string_view value) {
  o.capture_file = value;
  const Result<void> kind = imply(o, "-e", "engine.kind=replay");
  return kind ? imply(o, "-e", "engine.replay.capture_file=" + std::string(value)) : kind;
}

Result<void> follow(Options& o, std::string option) {
  if (o.userspace) return {};
  o.userspace = true;
  return imply(o, std::move(option), "engine.kind=ptrace");
}

Result<void> attach_to(Options& o, std::string_view value) {
  for (const std::string_view text : split(value, ',')) {
    const Result<uint64_t> pid = parse_count(trim(text), 1, INT32_MAX);
    if (!pid) return pid.error();
    o.attach.push_back(static_cast<int64_t>(*pid));
  }
  return follow(o, "--attach");
}

using Row = Option<Options>;
using Text = std::string_view;

// The order is that of the help.
constexpr Row kOptions[] = {
    {'h', "help", Takes::Nothing, "", "Show this help.",
     [](Options& o, Text) -> Result<void> { return o.help = true, Result<void>{}; }},
    {'c', "", Takes::Value, "FILE",
     "Configuration file. Default: /etc/gyr/gyr.yaml or /etc/falco/falco.yaml if there is one, "
     "else built-in settings.",
     [](Options& o, Text v) -> Result<void> { return o.config_file = v, Result<void>{}; }},
    {'o', "option", Takes::Values, "KEY=VALUE",
     "Set one key of the configuration; may be repeated. engine.kind=replay, "
     "rules[].disable.tag=x, "
     "append_output[]={...}",
     add_override},
    {'r', "", Takes::Values, "PATH",
     "Rules file or folder instead of the configured ones (built-in without configuration); may be "
     "repeated.",
     [](Options& o, Text v) -> Result<void> { return o.rules.emplace_back(v), Result<void>{}; }},
    {'e', "", Takes::Value, "FILE",
     "Replay a capture file: -o engine.kind=replay -o engine.replay.capture_file=FILE.",
     replay_file},
    {'u', "userspace", Takes::Nothing, "",
     "Start the command behind -- and detect in it and in all that it starts, by ptrace, without "
     "the probe and without privileges; its exit status is gyr's. -o engine.kind=ptrace.",
     [](Options& o, Text) -> Result<void> { return follow(o, "-u"); }},
    {0, "attach", Takes::Values, "PID",
     "The same with running processes (PID,PID...), their threads and descendants.", attach_to},
    {'M', "", Takes::Value, "SECONDS", "Stop after so many seconds.", set_duration},
    {'A', "", Takes::Nothing, "",
     "Collect all system calls that rules ask for, also reads and writes: -o "
     "base_syscalls.all=true.",
     [](Options& o, Text) -> Result<void> { return imply(o, "-A", "base_syscalls.all=true"); }},
    {'D', "", Takes::Values, "SUBSTRING",
     "Disable the rules whose names contain it; may be repeated.",
     [](Options& o, Text v) -> Result<void> {
       return o.disabled_substrings.emplace_back(v), Result<void>{};
     }},
    {'t', "", Takes::Values, "TAG",
     "Use only rules with this tag; may be repeated. Not together with -T.",
     [](Options& o, Text v) -> Result<void> {
       return o.only_tags.emplace_back(v), Result<void>{};
     }},
    {'T', "", Takes::Values, "TAG", "Disable the rules with this tag; may be repeated.",
     [](Options& o, Text v) -> Result<void> {
       return o.disabled_tags.emplace_back(v), Result<void>{};
     }},
    {'p', "print", Takes::Value, "FORMAT", "Text with %fields to append to every alert.",
     set_extra_output},
    {'b', "print-base64", Takes::Nothing, "",
     "Show bytes that were read and written in base64: -o buffer_format_base64=true.",
     [](Options& o, Text) -> Result<void> { return imply(o, "-b", "buffer_format_base64=true"); }},
    {'U', "unbuffered", Takes::Nothing, "", "Write each alert at once: -o buffered_outputs=false.",
     [](Options& o, Text) -> Result<void> { return imply(o, "-U", "buffered_outputs=false"); }},
    {'v', "", Takes::Nothing, "", "Say more: all warnings, counters at the end.",
     [](Options& o, Text) -> Result<void> { return o.verbose = true, Result<void>{}; }},
    {0, "dry-run", Takes::Nothing, "",
     "Load and check everything, then stop before the first event.",
     [](Options& o, Text) -> Result<void> { return o.dry_run = true, Result<void>{}; }},
    {'V', "validate", Takes::Values, "FILE",
     "Check rules files, each on top of those before it, and stop; may be repeated.",
     [](Options& o, Text v) -> Result<void> { return o.validate.emplace_back(v), Result<void>{}; }},
    {'L', "", Takes::Nothing, "", "Describe all rules and stop; with -o json_output=true as JSON.",
     [](Options& o, Text) -> Result<void> { return o.describe_all = true, Result<void>{}; }},
    {'l', "", Takes::Value, "RULE", "Describe one rule and stop.",
     [](Options& o, Text v) -> Result<void> { return o.describe_rule = v, Result<void>{}; }},
    {0, "list", Takes::OptionalValue, "SOURCE",
     "List the fields for conditions and outputs, all or those of one event source.",
     [](Options& o, Text v) -> Result<void> {
       return o.list_fields = true, o.list_source = v, Result<void>{};
     }},
    {'N', "", Takes::Nothing, "", "With --list: only names.",
     [](Options& o, Text) -> Result<void> { return o.names_only = true, Result<void>{}; }},
    {0, "list-events", Takes::Nothing, "", "List the events with their parameters.",
     [](Options& o, Text) -> Result<void> { return o.list_events = true, Result<void>{}; }},
    {0, "list-syscall-events", Takes::Nothing, "", "",
     [](Options& o, Text) -> Result<void> { return o.list_events = true, Result<void>{}; }},
    {0, "format", Takes::Value, "FORMAT", "Of --list and --list-events: text, markdown or json.",
     set_format},
    {0, "markdown", Takes::Nothing, "", "The same as --format markdown.",
     [](Options& o, Text) -> Result<void> { return o.markdown = true, Result<void>{}; }},
    {'i', "", Takes::Nothing, "",
     "List the events that are ignored unless base_syscalls.all is set.",
     [](Options& o, Text) -> Result<void> { return o.list_ignored = true, Result<void>{}; }},
    {0, "page-size", Takes::Nothing, "", "Print the size of a memory page in bytes.",
     [](Options& o, Text) -> Result<void> { return o.page_size = true, Result<void>{}; }},
    {0, "version", Takes::Nothing, "", "Print versions; with -o json_output=true as JSON.",
     [](Options& o, Text) -> Result<void> { return o.version = true, Result<void>{}; }},
};

std::vector<Row> rows_with_letters(std::string_view letters) {
  std::vector<Row> rows;
  for (const Row& row : kOptions) {
    if (row.letter != 0 && letters.find(row.letter) != std::string_view::npos) rows.push_back(row);
  }
  return rows;
}

// What `gyr syscalls` takes: the options that decide about rules and configuration.
std::vector<Row> syscalls_rows() {
  std::vector<Row> rows = rows_with_letters("hcorADtTv");
  rows.push_back(
      {0, "explain", Takes::Nothing, "", "Say for each which rule, macro or setting decides.",
       [](Options& o, Text) -> Result<void> { return o.explain = true, Result<void>{}; }});
  return rows;
}

std::vector<Row> doctor_rows() {
  std::vector<Row> rows = rows_with_letters("hco");
  rows.push_back({0, "json", Takes::Nothing, "", "Print a JSON object instead of a table.",
                  [](Options& o, Text) -> Result<void> { return o.json = true, Result<void>{}; }});
  return rows;
}

// -o may not say the contrary of an option that stands for the same setting.
Result<void> check_contradictions(const Options& o) {
  for (const Options::Implied& implied : o.implied) {
    const std::string_view setting = implied.setting;
    const size_t key_size = setting.find('=') + 1;
    for (const std::string& other : o.overrides) {
      if (!other.starts_with(setting.substr(0, key_size)) || to_lower(other) == to_lower(setting)) {
        continue;
      }
      return Error{fmt::format("{} means {}, but -o {} says otherwise; give only one of them",
                               implied.option, setting, other)};
    }
  }
  return {};
}

// Options that print something and end, in the order the reference looks at them.
std::vector<std::string_view> print_commands(const Options& o) {
  const std::pair<bool, std::string_view> all[] = {
      {o.list_ignored, "-i"},    {o.list_events, "--list-events"},
      {o.version, "--version"},  {o.page_size, "--page-size"},
      {o.list_fields, "--list"}, {!o.validate.empty(), "-V"},
      {o.describe_all, "-L"},    {o.describe_rule.has_value(), "-l"},
  };
  std::vector<std::string_view> given;
  for (const auto& [is_given, option] : all) {
    if (is_given) given.push_back(option);
  }
  return given;
}

// What cannot be done at once is refused.
Result<void> check_effects(const Options& o) {
  const std::vector<std::string_view> commands = print_commands(o);
  const bool listing = o.list_fields || o.list_events;
  if (o.names_only && !o.list_fields) return Error{"-N has an effect with --list only"};
  if ((o.format || o.markdown) && !listing) {
    return Error{fmt::format("{} has an effect with --list and --list-events only",
                             o.markdown ? "--markdown" : "--format")};
  }
  // A report of -V may hold the description of -L or -l.
  const bool with_report = commands.size() == 2 && commands.front() == "-V" &&
                           (commands.back() == "-L" || commands.back() == "-l");
  if (commands.size() > 1 && !with_report) {
    return Error{fmt::format("{} cannot be used together with {}", commands[0], commands[1])};
  }
  return {};
}

// An option that does nothing beside one that prints: scripts give such to the reference, which
// passes over them; here it is said.
void note_useless_options(Options& o) {
  const std::vector<std::string_view> commands = print_commands(o);
  if (commands.empty()) return;
  const bool rules_read = !o.validate.empty() || o.describe_all || o.describe_rule;
  const std::tuple<bool, std::string_view, bool> without_effect[] = {
      {o.capture_file.has_value(), "-e", true},
      {o.duration_s > 0, "-M", true},
      {!o.rules.empty(), "-r", !rules_read || !o.validate.empty()},
      {!o.disabled_substrings.empty(), "-D", !rules_read},
      {!o.only_tags.empty(), "-t", !rules_read},
      {!o.disabled_tags.empty(), "-T", !rules_read},
      {!o.extra_output.empty(), "-p", !rules_read},
  };
  for (const auto& [given, option, useless] : without_effect) {
    if (!given || !useless) continue;
    o.notes.push_back(
        fmt::format("{} has no effect with {}{}", option, commands.front(),
                    option == "-r" && rules_read ? "; give all rules files to -V" : ""));
  }
}

Result<void> check_followed(const Options& o) {
  if (!o.userspace) return {};
  if (o.capture_file) return Error{"-e replays a capture, -u follows a command; give only one"};
  if (!o.command.empty() && !o.attach.empty()) {
    return Error{"--attach follows running processes; a command cannot be started as well"};
  }
  const bool prints = !print_commands(o).empty();
  if (o.command.empty() && o.attach.empty() && !prints) {
    return Error{"-u needs a command to follow: gyr -u -- COMMAND [ARGUMENT...]"};
  }
  if (prints && !o.command.empty()) {
    return Error{fmt::format("unexpected argument '{}' with {}; see --help", o.command.front(),
                             print_commands(o).front())};
  }
  return {};
}

Result<void> check(const Options& o) {
  if (o.help) return {};
  if (!o.only_tags.empty() && (!o.disabled_tags.empty() || !o.disabled_substrings.empty())) {
    return Error{"-t cannot be used together with -T or -D"};
  }
  if (o.markdown && o.format) return Error{"--markdown cannot be used together with --format"};
  if (Result<void> followed = check_followed(o); !followed) return followed;
  if (Result<void> effects = check_effects(o); !effects) return effects;
  return check_contradictions(o);
}

}  // namespace

Result<Options> parse_options(Arguments arguments) {
  Options options;
  OptionParser<Options> parser(kOptions, options);
  if (const Result<void> parsed = parser.parse(arguments); !parsed) return parsed.error();
  if (!parser.positional.empty() && !options.userspace) {
    return Error{fmt::format("unexpected argument '{}'; see --help", parser.positional.front())};
  }
  options.command = std::move(parser.positional);
  if (const Result<void> sound = check(options); !sound) return sound.error();
  note_useless_options(options);
  return options;
}

Result<Options> parse_syscalls_options(Arguments arguments) {
  Options options;
  const std::vector<Row> rows = syscalls_rows();
  OptionParser<Options> parser(rows, options);
  if (const Result<void> parsed = parser.parse(arguments); !parsed) return parsed.error();
  if (const Result<void> sound = check(options); !sound) return sound.error();
  options.calls = std::move(parser.positional);
  return options;
}

Result<Options> parse_doctor_options(Arguments arguments) {
  Options options;
  const std::vector<Row> rows = doctor_rows();
  OptionParser<Options> parser(rows, options);
  if (const Result<void> parsed = parser.parse(arguments); !parsed) return parsed.error();
  if (!parser.positional.empty()) {
    return Error{
        fmt::format("unexpected argument '{}'; see gyr doctor --help", parser.positional.front())};
  }
  return options;
}

std::string help_text() {
  return "Gyr watches the system calls of this host, evaluates rules on them and prints alerts.\n\n"
         "Usage:\n"
         "  gyr [OPTIONS]                    detect on this host, with the built-in rules\n"
         "  gyr -r RULES.yaml -e FILE.scap   detect in a capture file\n"
         "  gyr -u [OPTIONS] -- COMMAND...   run a command and detect in it, without the probe\n"
         "  gyr -V RULES.yaml                check rules\n"
         "  gyr read FILE [FILTER]           print the events of a capture file (gyr read --help)\n"
         "  gyr record -w FILE [FILTER]      record this host's events (gyr record --help)\n"
         "  gyr syscalls [--explain]         which system calls are collected, and why (gyr "
         "syscalls "
         "--help)\n"
         "  gyr doctor [--json]              what this host allows live capture to do, and what "
         "to do about it\n"
         "\nOptions:\n" +
         option_lines(lines_of<Options>(kOptions)) +
         "\nExamples:\n"
         "  sudo gyr                                     # then: sudo cat /etc/shadow\n"
         "  sudo gyr -r my_rules.yaml -o json_output=true -M 60\n"
         "  gyr -e trace.scap -o rule_matching=all -t network\n"
         "  sudo gyr -o gyr.record.file=seen.scap.gz     # detect, and keep what was seen\n"
         "  gyr --list | grep fd.                        # the fields about descriptors\n"
         "  gyr read trace.scap 'evt.type = execve' -p '%evt.time %proc.cmdline'\n"
         "\nAlerts go to standard output, everything else to standard error. Ctrl-C ends with "
         "statistics.\nDocumentation: docs/command-line.md\n";
}

std::string doctor_help_text() {
  return "Says what this host allows live capture to do, and what to do about what is missing. It "
         "loads and attaches\nthe probe for a moment and changes nothing.\n\n"
         "Usage: gyr doctor [OPTIONS]\n\nOptions:\n" +
         option_lines(lines_of<Options>(doctor_rows())) +
         "\nExit status: 0 live capture works fully; 1 it works, with the losses that are told; 2 "
         "it does not work,\nor the options or the configuration are wrong.\n"
         "HOST_ROOT is obeyed: run it where and as detection is to run.\n";
}

std::string syscalls_help_text() {
  return "Prints which system calls detection collects with these rules and settings.\n\n"
         "Usage: gyr syscalls [OPTIONS] [--explain] [CALL...]\n\nOptions:\n" +
         option_lines(lines_of<Options>(syscalls_rows())) +
         "\nExamples:\n"
         "  gyr syscalls -r my_rules.yaml                # their names\n"
         "  gyr syscalls -r my_rules.yaml --explain      # and which rule, macro or setting asks "
         "for "
         "each\n"
         "  gyr syscalls read ptrace                     # why these are collected or not\n"
         "  gyr syscalls -o 'base_syscalls.custom_set=[clone, execve, \"!mmap\"]' --explain\n";
}

}  // namespace gyr::app
