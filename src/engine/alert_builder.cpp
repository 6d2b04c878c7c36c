// SPDX-License-Identifier: Apache-2.0
#include "engine/alert_builder.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "lang/output.h"

namespace gyr {
namespace {

// Fields that print a moment; in JSON they all are the event's time in nanoseconds.
bool is_moment(std::string_view name) {
  return name == "evt.time" || name == "evt.time.s" || name == "evt.time.iso8601" ||
         name == "evt.datetime" || name == "evt.datetime.s" || name == "evt.outputtime";
}

// Padded digits, which only spans of time have, are numbers in JSON.
bool prints_as_text(Format format) { return format == Format::Hex || format == Format::Oct; }

AlertValue scalar(const Value& value, const FieldUse& use) {
  switch (value.kind) {
    case Value::Kind::Null:
      return {};
    case Value::Kind::Bool:
      return {value.b};
    case Value::Kind::Double:
      return {value.d};
    case Value::Kind::Text:
      return {std::string(value.as_text())};
    case Value::Kind::Int:
      if (!prints_as_text(use.info->format)) return {value.i};
      break;
    case Value::Kind::Uint:
      if (!prints_as_text(use.info->format)) return {value.u};
      break;
    case Value::Kind::Blob:
    case Value::Kind::Ip:
    case Value::Kind::List:
      break;
  }
  return {render_value(value, use.type, use.info->format)};
}

void add_extra_fields(const Rule& rule, const EvalContext& context, Alert* alert) {
  for (const ExtraField& extra : rule.extra_fields) {
    const auto fields = extra.value->fields();
    alert->fields[extra.name] = extra.raw && !fields.empty()
                                    ? alert_value(*fields.front().use, context)
                                    : AlertValue{extra.value->render(context)};
  }
}

}  // namespace

AlertValue alert_value(const FieldUse& use, const EvalContext& context) {
  if (is_moment(use.info->name)) return {static_cast<int64_t>(context.event.ts_ns())};
  const Value value = printed_value(context, use);
  if (value.kind != Value::Kind::List) return scalar(value, use);
  AlertValue::List list;
  for (const Value& element : value.as_list()) list.push_back(scalar(element, use));
  return {std::move(list)};
}

AlertPtr build_alert(const Rule& rule, const EvalContext& context, const AlertSettings& settings) {
  auto alert = std::make_shared<Alert>();
  alert->time_ns = context.event.ts_ns();
  alert->rule = rule.name;
  alert->priority = rule.priority;
  alert->source = rule.source;
  alert->tags = rule.tags;
  std::sort(alert->tags.begin(), alert->tags.end());
  alert->message = rule.output->render(context);
  for (const OutputField& field : rule.output->fields()) {
    if (field.in_json) alert->fields[field.name] = alert_value(*field.use, context);
  }
  alert->fields[settings.iso_8601 ? "evt.time.iso8601" : "evt.time"] = {
      static_cast<int64_t>(alert->time_ns)};
  add_extra_fields(rule, context, alert.get());
  alert->hostname = settings.hostname;
  return alert;
}

}  // namespace gyr
