// SPDX-License-Identifier: Apache-2.0
#include "engine/event_printer.h"

#include <map>
#include <optional>
#include <string>

#include "alert/fd_writer.h"
#include "alert/format.h"
#include "engine/alert_builder.h"

namespace gyr {
namespace {

class Printer {
 public:
  Printer(EventStream& stream, const PrintRequest& request) : stream_(stream), request_(request) {
    writer_.use(request.fd);
  }

  // A value when this event was the last one.
  std::optional<RunEnd> take_event() {
    if (request_.filter != nullptr && !request_.filter->matches(stream_)) return std::nullopt;
    if (request_.json) {
      add_json();
    } else {
      request_.format.render_to(stream_.context(), ControlBytes::Escape, &writer_.buffer());
    }
    writer_.buffer() += '\n';
    ++result_.lines;
    if (writer_.full() && !flush()) return result_.end;
    if (request_.limit > 0 && result_.lines >= request_.limit) return RunEnd::Finished;
    return std::nullopt;
  }

  PrintResult finish(RunEnd end) {
    result_.end = end;
    if (end == RunEnd::Failed && result_.reason.empty()) result_.reason = stream_.error().message;
    if (end != RunEnd::ReaderGone) flush();
    return std::move(result_);
  }

 private:
  void add_json() {
    std::map<std::string, AlertValue> fields;
    for (const OutputField& field : request_.format.fields()) {
      if (field.in_json) fields[field.name] = alert_value(*field.use, stream_.context());
    }
    writer_.buffer() += json_object(fields);
  }

  bool flush() {
    std::string reason;
    switch (writer_.flush(&reason)) {
      case WriteEnd::Ok:
        return true;
      case WriteEnd::Failed:
        result_.end = RunEnd::Failed;
        result_.reason = "cannot write the output: " + reason;
        return false;
      case WriteEnd::Closed:
        result_.end = RunEnd::ReaderGone;
        return false;
    }
    return false;
  }

  EventStream& stream_;
  const PrintRequest& request_;
  FdWriter writer_;
  PrintResult result_;
};

}  // namespace

PrintResult print_events(EventStream& stream, const PrintRequest& request,
                         const std::atomic<bool>& stop) {
  Printer printer(stream, request);
  while (!stop.load(std::memory_order_relaxed)) {
    switch (stream.next()) {
      case StreamStatus::Event:
        if (const std::optional<RunEnd> end = printer.take_event()) return printer.finish(*end);
        break;
      case StreamStatus::Skipped:
      case StreamStatus::Idle:
        break;
      case StreamStatus::End:
        return printer.finish(RunEnd::Finished);
      case StreamStatus::Failed:
        return printer.finish(RunEnd::Failed);
    }
  }
  return printer.finish(RunEnd::Stopped);
}

}  // namespace gyr
