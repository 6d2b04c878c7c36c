// SPDX-License-Identifier: Apache-2.0
#include "alert/format.h"

#include <fmt/format.h>

#include <cmath>
#include <ctime>

#include "base/text.h"

namespace gyr {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

bool is_plain_ascii(std::string_view text) {
  for (const char c : text) {
    if (static_cast<uint8_t>(c) < 0x20 || static_cast<uint8_t>(c) >= 0x7f) return false;
  }
  return true;
}

// `text` is valid UTF-8.
std::string escape(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (const size_t control = control_length(text.substr(i)); control > 0) {
      // The second of two bytes is the code.
      i += control - 1;
      append_control(static_cast<uint8_t>(text[i]), &out);
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string json_double(double value) {
  if (!std::isfinite(value)) return "null";
  std::string text = fmt::format("{}", value);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

std::tm broken_down(uint64_t time_ns, bool utc) {
  const auto seconds = static_cast<time_t>(time_ns / kSecond);
  std::tm parts{};
  if (utc) {
    gmtime_r(&seconds, &parts);
  } else {
    localtime_r(&seconds, &parts);
  }
  return parts;
}

std::string date_and_time(const std::tm& t, uint64_t ns) {
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}", t.tm_year + 1900, t.tm_mon + 1,
                     t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, ns);
}

std::string text_form(const Alert& alert, bool iso_8601) {
  return fmt::format("{}: {} {}", alert_time_text(alert.time_ns, iso_8601),
                     priority_name(alert.priority), alert.message);
}

// The message and its fields.
std::string internal_text_form(const Alert& alert) {
  std::string fields;
  for (const auto& [name, value] : alert.fields) {
    fields += fmt::format("{}{}={}", fields.empty() ? "" : " ", name, json_value(value));
  }
  return fmt::format("{} ({})", text_form(alert, false), fields);
}

std::string json_tags(const Alert& alert) {
  std::string out = "[";
  for (const std::string& tag : alert.tags) {
    if (out.size() > 1) out += ',';
    out += json_string(tag);
  }
  return out + "]";
}

// Keys in alphabetical order, as consumers of the reference's alerts see them.
std::string json_form(const Alert& alert, const AlertFormat& format, std::string_view id) {
  std::string out = "{";
  if (!id.empty()) out += "\"gyr_id\":" + json_string(id) + ",";
  out += "\"hostname\":" + json_string(alert.hostname);
  if (format.include_message) out += ",\"message\":" + json_string(alert.message);
  if (format.include_output) {
    const auto output = alert.is_internal ? alert.message : text_form(alert, format.iso_8601);
    out += ",\"output\":" + json_string(output);
  }
  if (format.include_output_fields) out += ",\"output_fields\":" + json_object(alert.fields);
  out += ",\"priority\":" + json_string(priority_name(alert.priority));
  out += ",\"rule\":" + json_string(alert.rule);
  out += ",\"source\":" + json_string(alert.source);
  if (format.include_tags && !alert.is_internal) out += ",\"tags\":" + json_tags(alert);
  const std::string time = date_and_time(broken_down(alert.time_ns, true), alert.time_ns % kSecond);
  return out + ",\"time\":\"" + time + "Z\"}";
}

struct JsonWriter {
  std::string operator()(std::monostate) const { return "null"; }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(int64_t value) const { return fmt::format("{}", value); }
  std::string operator()(uint64_t value) const { return fmt::format("{}", value); }
  std::string operator()(double value) const { return json_double(value); }
  std::string operator()(const std::string& value) const { return json_string(value); }
  // Lists hold scalars: fields have no lists of lists, so this does not go deep.
  std::string operator()(const AlertValue::List& list) const {
    std::string out = "[";
    for (const AlertValue& value : list) {
      if (out.size() > 1) out += ',';
      out += json_value(value);
    }
    return out + "]";
  }
};

}  // namespace

std::string alert_time_text(uint64_t time_ns, bool iso_8601) {
  const std::tm t = broken_down(time_ns, iso_8601);
  const uint64_t ns = time_ns % kSecond;
  if (iso_8601) return date_and_time(t, ns) + "+0000";
  return fmt::format("{:02}:{:02}:{:02}.{:09}", t.tm_hour, t.tm_min, t.tm_sec, ns);
}

std::string json_string(std::string_view text) {
  if (is_plain_ascii(text)) return '"' + escape(text) + '"';
  return '"' + escape(to_valid_utf8(text)) + '"';
}

std::string json_value(const AlertValue& value) { return std::visit(JsonWriter{}, value.data); }

std::string json_object(const std::map<std::string, AlertValue>& fields) {
  std::string out = "{";
  for (const auto& [name, value] : fields) {
    if (out.size() > 1) out += ',';
    out += json_string(name);
    out += ':';
    out += json_value(value);
  }
  return out + "}";
}

std::string format_alert(const Alert& alert, const AlertFormat& format, std::string_view id) {
  if (format.json) return json_form(alert, alert.is_internal ? AlertFormat() : format, id);
  if (alert.is_internal) return one_line(internal_text_form(alert));
  return one_line(text_form(alert, format.iso_8601));
}

}  // namespace gyr
