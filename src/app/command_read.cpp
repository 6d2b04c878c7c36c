// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <utility>

#include "app/app.h"
#include "app/filter.h"
#include "app/help.h"
#include "app/signals.h"
#include "app/terminal.h"
#include "engine/event_printer.h"
#include "source/replay.h"

namespace gyr::app {
namespace {

constexpr std::string_view kDefaultFormat =
    "%evt.num %evt.time %evt.cpu %proc.name(%proc.pid) %evt.type %evt.args";

int finish(const PrintResult& result) {
  return result.end == RunEnd::Failed ? print_error(result.reason) : 0;
}

}  // namespace

int run_read(const Invocation& call) {
  const Result<ReadOptions> options = parse_read_options(call.arguments);
  if (!options) return print_error(options.error().message);
  if (options->help) return print_result(help_text(*find_command("read")));

  // A format of sysdig's that begins with "*" asks for events that lack a field too: so it is here.
  std::string_view format = options->format ? std::string_view(*options->format) : kDefaultFormat;
  if (format.starts_with('*')) format.remove_prefix(1);
  const auto output = parse_format(format);
  if (!output) return print_error(output.error().message);
  Result<std::unique_ptr<EventFilter>> filter = compile_filter(options->filter);
  if (!filter) return print_error(filter.error().message);

  const SignalWatcher signals;
  if (!signals.started()) return print_error(signals.started().error().message);
  Result<std::unique_ptr<Source>> source = open_replay(options->file, signals.give_up(0));
  if (!source) return print_error(source.error().message);
  EventStream stream(**source, {});
  if (const Result<void> opened = stream.open(); !opened) {
    return print_error(opened.error().message);
  }
  const PrintRequest request{
      .format = **output, .filter = filter->get(), .json = options->json, .limit = options->limit};
  return finish(print_events(stream, request, signals.stop()));
}

}  // namespace gyr::app
