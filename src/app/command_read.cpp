// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>
#include <utility>

#include "app/app.h"
#include "app/signals.h"
#include "app/terminal.h"
#include "engine/event_printer.h"
#include "field/fields.h"
#include "lang/compile.h"
#include "source/replay.h"

namespace gyr::app {
namespace {

constexpr std::string_view kDefaultFormat =
    "%evt.num %evt.time %evt.cpu %proc.name(%proc.pid) %evt.type %evt.args";

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
  if (!fault) return {std::string(what) + ": not understood"};
  return {fault_text(what, text, *fault)};
}

Result<Evaluator> compile_filter(std::string_view text) {
  std::vector<TextFault> faults;
  ExprPtr expr = parse_condition(text, &faults);
  if (expr) {
    expr = expand_macros(
        expr, [](std::string_view) { return ExprPtr(); }, &faults);
  }
  const CheckedPtr checked = expr ? check_condition(expr, dialect(), &faults) : nullptr;
  if (!checked || first_error(faults)) return error_in("filter", text, faults);
  return Evaluator(compile(std::span(&checked, 1), dialect()));
}

int finish(const PrintResult& result) {
  return result.end == RunEnd::Failed ? print_error(result.reason) : 0;
}

}  // namespace

int run_read(Arguments arguments) {
  const Result<ReadOptions> options = parse_read_options(arguments);
  if (!options) return print_error(options.error().message);
  if (options->help) return print_result(read_help_text());

  const std::string format = options->format.value_or(std::string(kDefaultFormat));
  std::vector<TextFault> faults;
  const auto output = OutputTemplate::parse(format, dialect(), &faults);
  if (!output) return print_error(error_in("format", format, faults).message);
  std::optional<Evaluator> filter;
  if (!options->filter.empty()) {
    Result<Evaluator> compiled = compile_filter(options->filter);
    if (!compiled) return print_error(compiled.error().message);
    filter = *std::move(compiled);
  }

  const SignalWatcher signals;
  Result<std::unique_ptr<Source>> source = open_replay(options->file);
  if (!source) return print_error(source.error().message);
  EventStream stream(**source, {});
  if (const Result<void> opened = stream.open(); !opened) {
    return print_error(opened.error().message);
  }
  const PrintRequest request{
      .format = *output, .filter = filter ? &*filter : nullptr, .limit = options->limit};
  return finish(print_events(stream, request, signals.stop()));
}

}  // namespace gyr::app
