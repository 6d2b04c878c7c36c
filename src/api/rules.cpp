// SPDX-License-Identifier: Apache-2.0
#include "gyr/rules.h"

#include "api/access.h"
#include "rules/files.h"
#include "rules/loader.h"
#include "rules/report.h"
#include "schema/schema.h"

namespace gyr::api {
namespace {

void add_diagnostics(const std::vector<gyr::Diagnostic>& from, const std::string& file,
                     std::vector<Diagnostic>* to) {
  for (const gyr::Diagnostic& d : from) {
    Diagnostic told{.error = d.severity == Severity::Error,
                    .code = std::string(code_text(d.code)),
                    .message = d.message,
                    .file = file,
                    .line = 1,
                    .column = 1};
    if (!d.locations.empty()) {
      const Position& position = d.locations.back().position;
      told.file = position.file;
      told.line = std::max<uint32_t>(position.line, 1);  // 0: the file could not be read
      told.column = std::max<uint32_t>(position.column, 1);
    }
    to->push_back(std::move(told));
  }
}

LoadedRules load(const std::vector<RuleSource>& files, const RuleSettings& settings) {
  auto impl = std::make_shared<RulesAccess::Impl>();
  impl->fields = std::make_unique<const FieldSet>(settings.static_fields);
  LoadSettings request;
  request.dialect = {.fields = impl->fields->classes(), .event_types = kEventCount};
  for (const RuleSelection& entry : settings.selection) {
    request.selection.push_back({.enable = entry.enable, .rule = entry.rule, .tag = entry.tag});
  }
  LoadResult result = gyr::load_rules(files, request);
  LoadedRules loaded{.rules = std::nullopt, .diagnostics = {}, .report = report_text(result.files)};
  for (const FileReport& report : result.files) {
    add_diagnostics(report.errors, report.name, &loaded.diagnostics);
    add_diagnostics(report.warnings, report.name, &loaded.diagnostics);
  }
  if (result.ok()) {
    impl->ruleset = std::move(result.ruleset);
    loaded.rules = RulesAccess::make(std::move(impl));
  }
  return loaded;
}

}  // namespace

Rules::Rules(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

size_t Rules::size() const { return impl_->ruleset->rules.size(); }

LoadedRules load_rules(const std::vector<RuleText>& texts, const RuleSettings& settings) {
  std::vector<RuleSource> files;
  files.reserve(texts.size());
  for (const RuleText& text : texts) files.push_back({text.name, text.text});
  return load(files, settings);
}

LoadedRules load_rule_files(const std::vector<std::string>& paths, const RuleSettings& settings) {
  return load(read_rule_files(paths), settings);
}

}  // namespace gyr::api
