// SPDX-License-Identifier: Apache-2.0
#include "app/filter.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/terminal.h"
#include "field/fields.h"

namespace gyr::app {
namespace {

Dialect dialect() { return {.fields = all_fields(), .event_types = kEventCount}; }

// The first fault that is not a mere warning.
std::optional<TextFault> first_error(const std::vector<TextFault>& faults) {
  for (const TextFault& fault : faults) {
    if (fault.severity == Severity::Error) return fault;
  }
  return std::nullopt;
}

Error error_in(std::string_view what, std::string_view text, const std::vector<TextFault>& faults) {
  const std::optional<TextFault> fault = first_error(faults);
  if (!fault) return {fmt::format("{}: not understood", what)};
  return {fault_text(what, text, *fault)};
}

}  // namespace

Result<std::unique_ptr<EventFilter>> compile_filter(std::string_view text) {
  if (text.empty()) return std::unique_ptr<EventFilter>();
  std::vector<TextFault> faults;
  ExprPtr expr = parse_condition(text, &faults);
  if (expr) {
    expr = expand_macros(
        expr, [](std::string_view) { return ExprPtr(); }, &faults);
  }
  const CheckedPtr checked = expr ? check_condition(expr, dialect(), &faults) : nullptr;
  if (!checked || first_error(faults)) return error_in("filter", text, faults);
  return std::make_unique<EventFilter>(checked);
}

Result<std::shared_ptr<const OutputTemplate>> parse_format(std::string_view text) {
  std::vector<TextFault> faults;
  auto format = OutputTemplate::parse(text, dialect(), &faults);
  if (!format) return error_in("format", text, faults);
  return format;
}

}  // namespace gyr::app
