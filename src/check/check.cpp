// SPDX-License-Identifier: Apache-2.0
#include "check/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "check/parts.h"

namespace gyr::check {
namespace {

// Of the innermost thing with a name that the diagnostic is about.
std::string item_of(const Diagnostic& diagnostic) {
  for (const Location& location : diagnostic.locations) {
    if (location.item_name.empty()) continue;
    return fmt::format("{} '{}'", location.item_type, location.item_name);
  }
  return "";
}

// A condition without types costs: how much, the loader does not say.
std::string cost_of(const Diagnostic& diagnostic, const LoadResult& result) {
  if (diagnostic.code != Code::NoEventType || !result.ruleset) return "";
  const std::string item = item_of(diagnostic);
  for (const Rule& rule : result.ruleset->rules) {
    if (item != fmt::format("rule '{}'", rule.name)) continue;
    const auto count =
        std::count_if(all_events().begin(), all_events().end(), [&](const EventInfo& event) {
          return arrives(event) && rule.needs.types.test(static_cast<size_t>(event.type));
        });
    return fmt::format(
        ": {} types of event are collected for it, and it is asked about each event of these, "
        "where a rule that names its types is asked about those alone",
        count);
  }
  return "";
}

Finding from_loader(const FileReport& file, const Diagnostic& diagnostic,
                    const LoadResult& result) {
  Finding finding;
  finding.code = code_text(diagnostic.code);
  finding.severity = diagnostic.severity;
  finding.message = diagnostic.message + cost_of(diagnostic, result);
  finding.item = item_of(diagnostic);
  finding.position = diagnostic.locations.empty() ? Position{file.name, 0, 0, 0}
                                                  : diagnostic.locations.back().position;
  finding.line_text = diagnostic.line_text;
  finding.underline_from = diagnostic.underline_from;
  finding.underline_size = diagnostic.underline_size;
  return finding;
}

}  // namespace

std::string_view Sources::line_at(const Position& position) const {
  for (const RuleSource& source : sources_) {
    if (source.name != position.file || position.offset > source.text.size()) continue;
    const std::string_view text = source.text;
    const size_t before =
        position.offset == 0 ? std::string_view::npos : text.rfind('\n', position.offset - 1);
    const size_t begin = before == std::string_view::npos ? 0 : before + 1;
    return text.substr(begin, text.find('\n', begin) - begin);
  }
  return {};
}

Finding Sources::at(Kind kind, std::string message, std::string item,
                    const Position& position) const {
  Finding finding;
  finding.code = info_of(kind).code;
  finding.message = std::move(message);
  finding.item = std::move(item);
  finding.position = position;
  finding.line_text = line_at(position);
  finding.underline_from = position.column > 0 ? position.column - 1 : 0;
  const size_t size = finding.line_text.size();
  finding.underline_size =
      static_cast<uint32_t>(size - std::min<size_t>(size, finding.underline_from));
  return finding;
}

std::vector<Finding> find_all(std::span<const RuleSource> sources, const LoadResult& result,
                              const CheckSettings& settings) {
  std::vector<Finding> found;
  for (const FileReport& file : result.files) {
    for (const auto* list : {&file.errors, &file.warnings}) {
      for (const Diagnostic& one : *list) found.push_back(from_loader(file, one, result));
    }
  }
  const Sources index(sources);
  for (const RuleSource& source : sources) check_text(source, index, &found);
  if (result.ruleset) check_conditions(*result.ruleset, settings, index, &found);
  std::vector<std::string_view> order;
  for (const RuleSource& source : sources) order.push_back(source.name);
  const auto key = [&](const Finding& finding) {
    const auto at = std::find(order.begin(), order.end(), finding.position.file) - order.begin();
    return std::tuple(at, finding.position.line, finding.position.column);
  };
  std::stable_sort(found.begin(), found.end(),
                   [&](const Finding& a, const Finding& b) { return key(a) < key(b); });
  return found;
}

}  // namespace gyr::check
