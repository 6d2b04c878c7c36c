// SPDX-License-Identifier: Apache-2.0
#include "app/rules_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "app/listings.h"
#include "app/terminal.h"
#include "base/text.h"
#include "embedded/default_rules.h"
#include "lang/output.h"
#include "metrics/digest.h"
#include "rules/describe.h"
#include "rules/files.h"
#include "rules/report.h"
#include "schema/schema.h"

namespace gyr::app {
namespace {

// -D, -t and -T are entries of `rules` behind those of the configuration.
void add_selection_of(const Options& options, std::vector<RuleSelector>* selection) {
  for (const std::string& part : options.disabled_substrings) {
    selection->push_back({.enable = false, .rule = "*" + part + "*", .tag = ""});
  }
  for (const std::string& tag : options.disabled_tags) {
    selection->push_back({.enable = false, .rule = "", .tag = tag});
  }
  if (options.only_tags.empty()) return;
  selection->push_back({.enable = false, .rule = "*", .tag = ""});
  for (const std::string& tag : options.only_tags) {
    selection->push_back({.enable = true, .rule = "", .tag = tag});
  }
}

OutputAddition addition_of(const AppendOutput& entry) {
  OutputAddition addition{.rule = entry.rule,
                          .source = entry.source,
                          .tags = entry.tags,
                          .text = entry.extra_output,
                          .fields = {},
                          .suggested = entry.suggested_output};
  for (const AppendOutput::Field& field : entry.extra_fields) {
    addition.fields.push_back({field.name, field.format});
  }
  return addition;
}

std::vector<std::string> faults_of(const LoadResult& result) {
  std::vector<std::string> faults;
  for (const FileReport& file : result.files) {
    for (const Diagnostic& fault : file.errors) {
      faults.push_back(diagnostic_text(fault));
      while (faults.back().ends_with('\n')) faults.back().pop_back();
    }
  }
  return faults;
}

void log_warnings(const LoadResult& result, const Logger& logger) {
  for (const FileReport& file : result.files) {
    for (const Diagnostic& warning : file.warnings) {
      logger->warn("{}", diagnostic_text(warning));
    }
  }
}

// Unused macros and lists are normal in rules files that others write.
bool is_worth_a_line(const Diagnostic& warning) {
  return warning.code != Code::UnusedMacro && warning.code != Code::UnusedList;
}

// With gyr.rules_on_error: skip. Each fault, and what it cost.
void log_skipped(const LoadResult& result, const Logger& logger) {
  size_t errors = 0;
  for (const FileReport& file : result.files) {
    for (const Diagnostic& fault : file.errors) logger->error("{}", diagnostic_text(fault));
    errors += file.errors.size();
    const bool cut = std::any_of(file.errors.begin(), file.errors.end(),
                                 [](const auto& fault) { return fault.code == Code::YamlParse; });
    if (cut) {
      logger->error("{}: what stands behind the fault is not loaded", one_line(file.name));
    }
  }
  if (errors == 0) return;
  logger->error(
      "gyr.rules_on_error: skip: {} errors; {} items of rules files are left out, {} rules are "
      "missing, {} are loaded",
      errors, result.items_skipped, result.ruleset->rules_skipped, result.ruleset->rules.size());
}

void log_verdicts(const LoadResult& result, const Logger& logger) {
  for (const FileReport& file : result.files) {
    logger->info("rules: {} | schema validation: {}", one_line(file.name), schema_verdict(file));
  }
}

// One line per file, as most warnings mean that something does not work as it was meant.
void log_warning_counts(const LoadResult& result, const Logger& logger) {
  std::string command = "gyr";
  for (const FileReport& file : result.files) {
    command += fmt::format(" -V {}", one_line(file.name));
    const auto count = std::count_if(file.warnings.begin(), file.warnings.end(), is_worth_a_line);
    if (count == 0) continue;
    logger->warn("{}: {} warning{}; {} shows {}", one_line(file.name), count, count == 1 ? "" : "s",
                 command, count == 1 ? "it" : "them");
  }
}

void print_warnings_of_valid(const LoadResult& result) {
  for (const FileReport& file : result.files) {
    if (!file.ok()) continue;
    for (const Diagnostic& warning : file.warnings) {
      say(diagnostic_text(warning) + "\n");
    }
  }
}

bool has_tag(const Rule& rule, const std::string& tag) {
  return std::find(rule.tags.begin(), rule.tags.end(), tag) != rule.tags.end();
}

bool fits(const AppendOutput& entry, const Rule& rule) {
  return (entry.rule.empty() || entry.rule == rule.name) &&
         (entry.source.empty() || entry.source == rule.source) &&
         std::all_of(entry.tags.begin(), entry.tags.end(),
                     [&](const std::string& tag) { return has_tag(rule, tag); });
}

// A misspelt name selects nothing, and looks as if it did.
void warn_of_what_fits_nothing(const Settings& settings, const Ruleset& ruleset,
                               const Logger& logger) {
  const auto& rules = ruleset.rules;
  for (size_t i = 0; i < settings.rules.size(); ++i) {
    const RuleSelection& entry = settings.rules[i];
    const bool by_name = !entry.rule.empty();
    const auto chosen = [&](const Rule& rule) {
      return by_name ? wildcard_match(entry.rule, rule.name) : has_tag(rule, entry.tag);
    };
    if (std::any_of(rules.begin(), rules.end(), chosen)) continue;
    logger->warn("rules[{}]: no rule {} '{}'", i, by_name ? "is called" : "has the tag",
                 one_line(by_name ? entry.rule : entry.tag));
  }
  for (size_t i = 0; i < settings.append_output.size(); ++i) {
    const AppendOutput& entry = settings.append_output[i];
    const auto chosen = [&](const Rule& rule) { return fits(entry, rule); };
    if (std::any_of(rules.begin(), rules.end(), chosen)) continue;
    logger->warn("append_output[{}]: no rule fits its match", i);
  }
}

Dialect dialect_of(const RulesRequest& request) {
  return {.fields = request.fields.classes(), .event_types = kEventCount};
}

// The text of -p, judged before it meets any rule: what is wrong with it, or nothing.
std::string fault_of_extra_output(const RulesRequest& request) {
  const std::string text = without_dead_token(request.options.extra_output);
  std::vector<TextFault> faults;
  if (OutputTemplate::parse(text, dialect_of(request), &faults) || faults.empty()) return {};
  return fault_text("-p", text, faults.front());
}

// The entries of gyr.storms.limits with their keys as templates, and what is wrong with those.
std::vector<AlertLimit> limits_of(const RulesRequest& request, std::vector<std::string>* wrong) {
  constexpr uint64_t kSecond = 1'000'000'000;
  std::vector<AlertLimit> limits;
  for (const StormLimit& entry : request.settings.gyr.storms_limits) {
    AlertLimit limit{.rule = entry.rule,
                     .tag = entry.tag,
                     .window_ns = entry.window_seconds * kSecond,
                     .max_per_second = entry.max_per_second,
                     .burst = entry.burst};
    std::vector<TextFault> faults;
    if (!entry.key.empty()) {
      limit.key = OutputTemplate::parse(entry.key, dialect_of(request), &faults);
    }
    if (!faults.empty()) {
      const std::string place = fmt::format("gyr.storms.limits[{}].key", limits.size());
      wrong->push_back(fault_text(place, entry.key, faults.front()));
    }
    limits.push_back(std::move(limit));
  }
  return limits;
}

std::vector<FileDigest> digests_of(const std::vector<RuleSource>& files) {
  std::vector<FileDigest> digests;
  digests.reserve(files.size());
  for (const RuleSource& file : files) {
    digests.push_back({.name = std::filesystem::path(file.name).filename().string(),
                       .sha256 = sha256(file.text)});
  }
  return digests;
}

// What -L or -l says: a JSON object without a newline, or lines.
Result<std::string> description(const RulesRequest& request, const Ruleset& ruleset) {
  const DescribeFormat format = request.settings.json_output    ? DescribeFormat::Json
                                : request.options.describe_full ? DescribeFormat::Full
                                                                : DescribeFormat::Text;
  return describe_rules(ruleset, dialect_of(request), request.options.describe_rule.value_or(""),
                        format);
}

}  // namespace

LoadSettings load_settings(const RulesRequest& request) {
  const Settings& settings = request.settings;
  const Options& options = request.options;
  LoadSettings load;
  load.dialect = dialect_of(request);
  load.min_priority = settings.priority;
  for (const RuleSelection& entry : settings.rules) {
    load.selection.push_back({.enable = entry.enable, .rule = entry.rule, .tag = entry.tag});
  }
  add_selection_of(options, &load.selection);
  for (const AppendOutput& entry : settings.append_output) {
    load.additions.push_back(addition_of(entry));
  }
  if (!options.extra_output.empty()) {
    OutputAddition addition;
    addition.text = options.extra_output;
    load.additions.push_back(std::move(addition));
  }
  return load;
}

Result<RuleFiles> rule_files_to_use(const RulesRequest& request, bool has_config) {
  const std::vector<std::string>& paths =
      request.options.rules.empty() ? request.settings.rules_files : request.options.rules;
  RuleFiles files{.sources = read_rule_files(paths)};
  if (paths.empty() && !has_config) {
    files.built_in = true;
    files.sources.push_back({"built-in rules", std::string(embedded::default_rules())});
  }
  if (!files.sources.empty()) return files;
  return Error{paths.empty()
                   ? "You must specify at least one rules file: with -r, or as rules_files in the "
                     "configuration"
                   : fmt::format("there is no rules file (.yaml, .yml) in {}", join(paths, ", "))};
}

RulesToUse load_rules_to_use(const RulesRequest& request, bool has_config, const Logger& logger) {
  RulesToUse use;
  if (std::string fault = fault_of_extra_output(request); !fault.empty()) {
    use.faults.push_back(std::move(fault));
    return use;
  }
  use.limits = limits_of(request, &use.faults);
  if (!use.faults.empty()) return use;
  const Result<RuleFiles> files = rule_files_to_use(request, has_config);
  if (!files) {
    use.faults.push_back(files.error().message);
    return use;
  }
  use.built_in = files->built_in;
  LoadSettings load = load_settings(request);
  load.on_error = request.settings.gyr.rules_on_error;
  LoadResult result = load_rules(files->sources, load);
  if (has_config) log_verdicts(result, logger);
  if (!result.ok()) {
    use.faults = faults_of(result);
    return use;
  }
  log_skipped(result, logger);
  warn_of_what_fits_nothing(request.settings, *result.ruleset, logger);
  if (request.options.verbose) {
    log_warnings(result, logger);
  } else {
    log_warning_counts(result, logger);
  }
  if (request.settings.metrics.enabled) use.digests = digests_of(files->sources);
  use.ruleset = std::move(result.ruleset);
  return use;
}

int print_faults(const RulesToUse& rules) {
  for (const std::string& fault : rules.faults) print_error(fault);
  return 1;
}

int validate(const RulesRequest& request) {
  const Settings& settings = request.settings;
  const Options& options = request.options;
  if (const std::string fault = fault_of_extra_output(request); !fault.empty()) {
    return print_error(fault);
  }
  const std::vector<RuleSource> files = read_rule_files(options.validate);
  if (files.empty()) {
    return print_error(
        fmt::format("there is no rules file (.yaml, .yml) in {}", join(options.validate, ", ")));
  }
  const LoadResult result = load_rules(files, load_settings(request));
  // Of valid files stdout has the verdict alone, for programs that read it; people see both.
  std::string text = settings.json_output ? report_json(result.files) + "\n"
                                          : report_text(result.files, {.warnings = false});
  if (!settings.json_output) print_warnings_of_valid(result);
  if (result.ok() && (options.describe_all || options.describe_rule)) {
    const Result<std::string> described = description(request, *result.ruleset);
    if (!described) return print_error(described.error().message);
    // Both are JSON objects: the description becomes a member of the report.
    text = settings.json_output ? "{\"falco_describe_results\":" + *described + "," + text.substr(1)
                                : text + *described;
  }
  const int printed = print_result(text);
  if (result.ok()) return printed;
  for (const FileReport& report : result.files) {
    if (!report.ok()) print_error(fmt::format("{}: {}", report.name, report_summary(report)));
  }
  return 1;
}

int describe(const RulesRequest& request, const Ruleset& ruleset) {
  const Result<std::string> text = description(request, ruleset);
  if (!text) return print_error(text.error().message);
  return print_result(request.settings.json_output ? *text + "\n" : *text);
}

}  // namespace gyr::app
