// SPDX-License-Identifier: Apache-2.0
#include "alert/otlp_record.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <variant>

#include "alert/format.h"

namespace gyr {
namespace {

std::string string_value(std::string_view text) {
  return "{\"stringValue\":" + json_string(text) + "}";
}

// Values of protobuf's AnyValue.
struct AnyValue {
  std::string operator()(std::monostate) const { return "{}"; }
  std::string operator()(bool value) const { return fmt::format("{{\"boolValue\":{}}}", value); }
  std::string operator()(int64_t value) const {
    return fmt::format("{{\"intValue\":\"{}\"}}", value);
  }
  std::string operator()(uint64_t value) const {
    if (value > INT64_MAX) return fmt::format("{{\"stringValue\":\"{}\"}}", value);
    return fmt::format("{{\"intValue\":\"{}\"}}", value);
  }
  std::string operator()(double value) const {
    if (!std::isfinite(value)) return fmt::format("{{\"stringValue\":\"{}\"}}", value);
    return fmt::format("{{\"doubleValue\":{}}}", value);
  }
  std::string operator()(const std::string& value) const { return string_value(value); }
  // Lists hold scalars, so this does not go deep.
  std::string operator()(const AlertValue::List& list) const {
    std::string values;
    for (const AlertValue& value : list) {
      if (!values.empty()) values += ',';
      values += std::visit(AnyValue{}, value.data);
    }
    return "{\"arrayValue\":{\"values\":[" + values + "]}}";
  }
};

std::string attribute(std::string_view key, std::string_view any_value) {
  return fmt::format("{{\"key\":{},\"value\":{}}}", json_string(key), any_value);
}

}  // namespace

int otlp_severity(Priority priority) {
  constexpr std::array kNumbers = {21, 19, 18, 17, 13, 10, 9, 5};
  return kNumbers[static_cast<size_t>(priority)];
}

std::string otlp_record(const Alert& alert, std::string_view id) {
  std::string attributes = attribute("gyr.rule", string_value(alert.rule));
  attributes += ',' + attribute("gyr.source", string_value(alert.source));
  if (!id.empty()) attributes += ',' + attribute("log.record.uid", string_value(id));
  if (!alert.tags.empty()) {
    AlertValue::List tags;
    for (const std::string& tag : alert.tags) tags.push_back({tag});
    attributes += ',' + attribute("gyr.tags", AnyValue{}(tags));
  }
  for (const auto& [name, value] : alert.fields) {
    if (std::holds_alternative<std::monostate>(value.data)) continue;  // absent, not empty
    attributes += ',' + attribute(name, std::visit(AnyValue{}, value.data));
  }
  return fmt::format(
      "{{\"timeUnixNano\":\"{0}\",\"observedTimeUnixNano\":\"{0}\",\"severityNumber\":{1},"
      "\"severityText\":\"{2}\",\"body\":{3},\"attributes\":[{4}]}}",
      alert.time_ns, otlp_severity(alert.priority), priority_name(alert.priority),
      string_value(alert.message), attributes);
}

std::string otlp_request(std::string_view hostname, std::string_view version,
                         std::string_view records) {
  std::string resource = attribute("service.name", string_value("gyr"));
  if (!hostname.empty()) resource += ',' + attribute("host.name", string_value(hostname));
  return fmt::format(
      "{{\"resourceLogs\":[{{\"resource\":{{\"attributes\":[{}]}},\"scopeLogs\":[{{\"scope\":"
      "{{\"name\":\"gyr\",\"version\":{}}},\"logRecords\":[{}]}}]}}]}}",
      resource, json_string(version), records);
}

}  // namespace gyr
