// SPDX-License-Identifier: Apache-2.0
// What options mean together: contradictions, options without effect. The rows of detection are in
// run_options.cpp; those of commands that share its target are here.
#include "app/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "app/commands.h"
#include "app/run_options.h"
#include "app/sources.h"
#include "base/text.h"

namespace gyr::app {
namespace {

using Row = Option<Options>;

Result<void> set_report_format(Options& o, std::string_view value) {
  if (value != "text" && value != "json" && value != "sarif") {
    return Error{fmt::format("'{}' is none of text, json, sarif", value)};
  }
  o.report_format = value;
  return {};
}

// A command's own options, then those of detection that it takes too, retired ones last.
std::vector<Row> with_own(std::vector<Row> own, std::string_view letters) {
  std::vector<Row> retired;
  for (Row& row : run_options_with(letters)) (row.retired.is() ? retired : own).push_back(row);
  if (!retired.empty()) retired.front().section = "Retired by Falco, still understood";
  own.insert(own.end(), retired.begin(), retired.end());
  return own;
}

const Row kJson = {{.name = "json", .help = "Print JSON."}, set_flag<&Options::json>};

std::vector<Row> syscalls_rows() {
  return with_own(
      {{{.name = "explain", .help = "Say for each which rule, macro or setting decides."},
        set_flag<&Options::explain>}},
      "corvhADtT");
}

std::vector<Row> doctor_rows() {
  return with_own({{{.name = "json", .help = "Print a JSON object instead of a table."},
                    set_flag<&Options::json>}},
                  "coh");
}

std::vector<Row> check_rows() {
  return with_own(
      {{{.name = "format",
         .takes = Takes::Value,
         .value_name = "FORMAT",
         .help = "text (file:line:column: ...), json, or sarif (SARIF 2.1.0, for code review).",
         .hint = Hint::Words,
         .words = "text json sarif"},
        set_report_format},
       {{.name = "warnings-as-errors", .help = "Exit status 1 also for warnings."},
        set_flag<&Options::warnings_as_errors>},
       {{.name = "ignore",
         .takes = Takes::Values,
         .value_name = "CODE",
         .help = "Leave out the findings with this code; may be repeated. Errors of the loader "
                 "cannot be left out."},
        add_text<&Options::ignored_codes>}},
      "cohDtT");
}

std::vector<Row> describe_rows() { return with_own({kJson}, "corphDtT"); }

std::vector<Row> list_rows() {
  return with_own({{{.name = "format",
                     .takes = Takes::Value,
                     .value_name = "FORMAT",
                     .help = "Of fields and events: text, markdown or json.",
                     .hint = Hint::Words,
                     .words = "text markdown json"},
                    set_list_format},
                   {{.letter = 'N', .name = "names", .help = "Of fields: only their names."},
                    set_flag<&Options::names_only>},
                   {{.name = "source",
                     .takes = Takes::Value,
                     .value_name = "SOURCE",
                     .help = "Of fields: those of this event source.",
                     .hint = Hint::Words,
                     .words = kEventSources},
                    set_text<&Options::list_source>}},
                  "corhDtT");
}

std::vector<Row> version_rows() { return with_own({kJson}, "h"); }

// -o may not say the contrary of an option that stands for the same setting.
Result<void> check_contradictions(const Options& o) {
  for (const Options::Implied& implied : o.implied) {
    const std::string_view setting = implied.setting;
    const size_t key_size = setting.find('=') + 1;
    for (const std::string& other : o.overrides) {
      if (!other.starts_with(setting.substr(0, key_size)) || to_lower(other) == to_lower(setting)) {
        continue;
      }
      const auto by = std::ranges::find(o.implied, other, &Options::Implied::setting);
      const std::string said = by == o.implied.end()
                                   ? fmt::format("-o {} says otherwise", other)
                                   : fmt::format("{} means {}", by->option, other);
      return Error{
          fmt::format("{} means {}, but {}; give only one of them", implied.option, setting, said)};
    }
  }
  return {};
}

// Options that print something and end, in the order the reference looks at them.
std::vector<std::string_view> print_commands(const Options& o) {
  const std::pair<bool, std::string_view> all[] = {
      {o.config_schema, "--config-schema"}, {o.rule_schema, "--rule-schema"},
      {o.config_sample, "--config-sample"}, {o.list_ignored, "-i"},
      {o.list_events, "--list-events"},     {o.version, "--version"},
      {o.page_size, "--page-size"},         {o.plugin_info.has_value(), "--plugin-info"},
      {o.list_plugins, "--list-plugins"},   {o.list_fields, "--list"},
      {!o.validate.empty(), "-V"},          {o.describe_all, "-L"},
      {o.describe_rule.has_value(), "-l"},  {o.support, "--support"},
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
  const bool rules_read = !o.validate.empty() || o.describe_all || o.describe_rule || o.support;
  const std::tuple<bool, std::string_view, bool> without_effect[] = {
      {o.capture_file.has_value(), "a capture file", true},
      {o.duration_s > 0, "-M", true},
      {!o.pidfile.empty(), "-P", true},
      {o.daemon, "-d", true},
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

// Old service files give a -u without a command: they meant a driver that is gone.
void forget_old_userspace(Options& o, bool met_separator) {
  const bool alone = o.userspace && o.command.empty() && o.attach.empty() && !met_separator;
  if (!alone || !print_commands(o).empty()) return;
  o.userspace = false;
  for (const Options::Implied& implied : o.implied) {
    if (implied.option == "-u") std::erase(o.overrides, implied.setting);
  }
  std::erase_if(o.implied, [](const Options::Implied& implied) { return implied.option == "-u"; });
  o.notes.emplace_back(
      "-u without a command is gone since Falco 0.37: has no effect; gyr -u "
      "-- COMMAND follows a command without the probe");
}

Result<void> check_followed(const Options& o) {
  if (!o.userspace) return {};
  if (o.capture_file) {
    return Error{"--replay (-e) replays a capture, -u follows a command; give only one"};
  }
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
  if (!o.enabled_sources.empty() && !o.disabled_sources.empty()) {
    return Error{"--enable-source cannot be used together with --disable-source"};
  }
  if (Result<void> followed = check_followed(o); !followed) return followed;
  if (Result<void> effects = check_effects(o); !effects) return effects;
  return check_contradictions(o);
}

Error unexpected(std::string_view command, const std::string& word) {
  const bool is_command = find_command(word) != nullptr;
  if (command.empty() && is_command) {
    return {fmt::format("unexpected argument '{0}'; the command stands first: gyr {0} [OPTIONS]",
                        word)};
  }
  return {fmt::format("unexpected argument '{}'; see {}", word,
                      command.empty() ? "--help" : fmt::format("gyr {} --help", command))};
}

// Parsed and checked, with the words behind the options, of which at most `words_max` may be given.
Result<Options> parse_with(std::span<const Row> rows, std::string_view command, size_t words_max,
                           Arguments arguments) {
  Options options;
  OptionParser<Options> parser(rows, options);
  if (const Result<void> parsed = parser.parse(arguments); !parsed) return parsed.error();
  if (parser.positional.size() > words_max) {
    return unexpected(command, parser.positional[words_max]);
  }
  options.words = std::move(parser.positional);
  for (std::string& note : parser.notes()) options.notes.push_back(std::move(note));
  return options;
}

constexpr size_t kAnyWords = SIZE_MAX;

// One of `choices`, or a refusal with a suggestion.
Result<void> check_word(std::string_view what, const std::string& word, std::string_view choices) {
  const std::vector<std::string_view> known = split(choices, ' ');
  if (std::ranges::find(known, word) != known.end()) return {};
  const std::string_view guess = closest(word, known);
  std::string all(choices);
  for (size_t at = all.find(' '); at != std::string::npos; at = all.find(' ', at + 2)) {
    all.replace(at, 1, ", ");
  }
  return Error{fmt::format("there is no {} '{}'; {}there are: {}", what, one_line(word),
                           guess.empty() ? "" : fmt::format("did you mean '{}'? ", guess), all)};
}

}  // namespace

Result<Options> parse_options(Arguments arguments) {
  Options options;
  OptionParser<Options> parser(run_options(), options);
  if (const Result<void> parsed = parser.parse(arguments); !parsed) return parsed.error();
  if (!parser.positional.empty() && !options.userspace) {
    return unexpected("", parser.positional.front());
  }
  options.command = std::move(parser.positional);
  for (std::string& note : parser.notes()) options.notes.push_back(std::move(note));
  forget_old_userspace(options, parser.met_separator);
  if (const Result<void> sound = check(options); !sound) return sound.error();
  note_useless_options(options);
  return options;
}

bool prints_only(const Options& options) {
  return options.help || !print_commands(options).empty();
}

Result<Options> parse_syscalls_options(Arguments arguments) {
  Result<Options> options = parse_with(syscalls_rows(), "syscalls", kAnyWords, arguments);
  if (!options) return options;
  if (const Result<void> sound = check(*options); !sound) return sound.error();
  return options;
}

Result<Options> parse_doctor_options(Arguments arguments) {
  return parse_with(doctor_rows(), "doctor", 0, arguments);
}

Result<Options> parse_check_options(Arguments arguments) {
  Result<Options> options = parse_with(check_rows(), "check", kAnyWords, arguments);
  if (!options) return options;
  if (const Result<void> sound = check(*options); !sound) return sound.error();
  return options;
}

Result<Options> parse_describe_options(Arguments arguments) {
  Result<Options> options = parse_with(describe_rows(), "describe", 1, arguments);
  if (!options) return options;
  if (options->words.empty()) {
    options->describe_all = true;
  } else {
    options->describe_rule = options->words.front();
    options->describe_full = true;
  }
  if (options->json) options->overrides.emplace_back("json_output=true");
  if (const Result<void> sound = check(*options); !sound) return sound.error();
  return options;
}

Result<Options> parse_list_options(Arguments arguments) {
  Result<Options> options = parse_with(list_rows(), "list", 1, arguments);
  if (!options || options->help) return options;
  if (options->words.empty()) {
    return Error{fmt::format("gyr list needs a topic: one of {}", kListTopics)};
  }
  const std::string topic = options->words.front();
  if (const Result<void> known = check_word("topic", topic, kListTopics); !known) {
    return known.error();
  }
  options->list_fields = topic == "fields";
  options->list_events = topic == "events";
  options->list_ignored = topic == "ignored";
  options->list_plugins = topic == "plugins";
  options->list_rules = topic == "rules";
  options->list_checks = topic == "checks";
  if (!options->list_fields && (options->names_only || !options->list_source.empty())) {
    return Error{fmt::format("{} has an effect with 'fields' only",
                             options->names_only ? "-N" : "--source")};
  }
  if (options->format && !options->list_fields && !options->list_events) {
    return Error{"--format has an effect with 'fields' and 'events' only"};
  }
  if (const Result<void> sound = check(*options); !sound) return sound.error();
  return options;
}

Result<Options> parse_version_options(Arguments arguments) {
  Result<Options> options = parse_with(version_rows(), "version", 0, arguments);
  if (!options) return options;
  options->version = true;
  return options;
}

Result<Options> parse_word_options(std::string_view command, Arguments arguments) {
  const Command* about = find_command(command);
  const std::vector<Row> rows = run_options_with("h");
  Result<Options> options = parse_with(rows, command, 1, arguments);
  if (!options || options->help || options->words.empty()) return options;
  const std::string& word = options->words.front();
  if (const Result<void> known = check_word(about->word_name, word, about->words()); !known) {
    return known.error();
  }
  return options;
}

std::vector<OptionLine> run_lines() { return lines_of<Options>(run_options()); }
std::vector<OptionLine> syscalls_lines() { return lines_of<Options>(syscalls_rows()); }
std::vector<OptionLine> doctor_lines() { return lines_of<Options>(doctor_rows()); }
std::vector<OptionLine> check_lines() { return lines_of<Options>(check_rows()); }
std::vector<OptionLine> describe_lines() { return lines_of<Options>(describe_rows()); }
std::vector<OptionLine> list_lines() { return lines_of<Options>(list_rows()); }
std::vector<OptionLine> version_lines() { return lines_of<Options>(version_rows()); }
std::vector<OptionLine> help_only_lines() { return lines_of<Options>(run_options_with("h")); }

}  // namespace gyr::app
