// SPDX-License-Identifier: Apache-2.0
// gyr check: rules files for people and CI.
#include <fmt/format.h>

#include <algorithm>

#include "app/configured.h"
#include "app/help.h"
#include "app/rules_command.h"
#include "app/terminal.h"
#include "base/text.h"
#include "check/check.h"
#include "check/report.h"
#include "field/static_fields.h"

namespace gyr::app {
namespace {

using check::Finding;

constexpr int kClean = 0, kFound = 1, kFailed = 2;
constexpr size_t kErrorsOfFile = 100;

// The codes of --ignore exist, and are none of errors.
Result<void> check_ignored(const std::vector<std::string>& ignored) {
  for (const std::string& code : ignored) {
    const auto& all = check::all_codes();
    const auto found = std::ranges::find(all, code, &check::CodeInfo::code);
    if (found == all.end()) {
      std::vector<std::string_view> known;
      known.reserve(all.size());
      for (const check::CodeInfo& info : all) known.push_back(info.code);
      const std::string_view guess = closest(code, known);
      return Error{fmt::format("--ignore: there is no code '{}'{}; gyr list checks has them", code,
                               guess.empty() ? "" : fmt::format(", did you mean '{}'?", guess))};
    }
    if (found->error) return Error{fmt::format("--ignore: {} is an error, not a warning", code)};
  }
  return {};
}

std::string report(const std::vector<Finding>& findings, const Options& options) {
  if (options.report_format == "json") return check::findings_json(findings);
  if (options.report_format == "sarif") return check::findings_sarif(findings, GYR_VERSION);
  return check::findings_text(findings);
}

// For whoever looks at a terminal; programs read the formats for them.
std::string summary(size_t files, size_t errors, size_t warnings) {
  const auto counted = [](size_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
  };
  return fmt::format("{}: {}, {}\n", counted(files, "file"), counted(errors, "error"),
                     counted(warnings, "warning"));
}

int check_files(const ConfigResult& config, const Options& options) {
  const FieldSet fields(config.settings.static_fields);
  Options own = options;
  own.rules = options.words;
  const RulesRequest request{.settings = config.settings, .options = own, .fields = fields};
  const Result<RuleFiles> files = rule_files_to_use(request, !config.files.empty());
  if (!files) {
    print_error(files.error().message);
    return kFailed;
  }
  LoadSettings load = load_settings(request);
  load.max_errors = kErrorsOfFile;
  const LoadResult result = load_rules(files->sources, load);
  std::vector<Finding> findings =
      check::find_all(files->sources, result,
                      {.dialect = load.dialect,
                       .first_match = config.settings.rule_matching == RuleMatching::First});
  std::erase_if(findings, [&](const Finding& finding) {
    return std::ranges::find(options.ignored_codes, finding.code) != options.ignored_codes.end();
  });
  const auto errors =
      static_cast<size_t>(std::ranges::count(findings, Severity::Error, &Finding::severity));
  const size_t warnings = findings.size() - errors;
  if (print_result(report(findings, options)) != 0) return kFailed;
  if (options.report_format.empty() || options.report_format == "text") {
    say(summary(files->sources.size(), errors, warnings));
  }
  const bool bad = errors > 0 || (options.warnings_as_errors && warnings > 0);
  return bad ? kFound : kClean;
}

}  // namespace

int run_check(const Invocation& call) {
  Result<Options> options = parse_check_options(call.arguments);
  Result<void> ignored;
  if (options) ignored = check_ignored(options->ignored_codes);
  if (!options || !ignored) {
    print_error(options ? ignored.error().message : options.error().message);
    return kFailed;
  }
  if (options->help) return print_result(help_text(*find_command("check")));
  options->as_falco = call.as_falco;
  int status = kFailed;
  with_configuration(*options, [&](const ConfigResult& config, const Logger&) {
    return status = check_files(config, *options);
  });
  return status;
}

}  // namespace gyr::app
