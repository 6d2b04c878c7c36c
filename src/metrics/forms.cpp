// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <unordered_map>

#include "alert/format.h"
#include "base/text.h"
#include "metrics/table.h"

namespace gyr {
namespace {

using metrics::Group;
using metrics::Labels;
using metrics::Row;
using metrics::Type;
using metrics::Unit;

constexpr double kMib = 1u << 20;
constexpr double kKib = 1024;

// With `part` for '*'.
std::string filled(std::string_view pattern, std::string_view part) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return std::string(pattern);
  return fmt::format("{}{}{}", pattern.substr(0, star), part, pattern.substr(star + 1));
}

double number_of(const AlertValue& value) {
  if (const auto* whole = std::get_if<uint64_t>(&value.data)) return static_cast<double>(*whole);
  const auto* real = std::get_if<double>(&value.data);
  return real != nullptr ? *real : 0;
}

double one_decimal(double value) { return std::round(value * 10) / 10; }

// --- Fields of a snapshot.

struct Field {
  std::string key;
  AlertValue value;
};

Field field_of(const Row& row, std::string_view part, const AlertValue& value, bool megabytes) {
  const bool memory = row.unit == Unit::Kibibytes || row.unit == Unit::Bytes;
  if (memory && megabytes) {
    return {filled(row.key, "mb"), {one_decimal(number_of(value) / kMib)}};
  }
  if (row.unit == Unit::Kibibytes) {
    return {filled(row.key, "kb"), {static_cast<uint64_t>(number_of(value) / kKib)}};
  }
  if (row.unit == Unit::Bytes) return {filled(row.key, "bytes"), value};
  if (std::holds_alternative<double>(value.data)) {
    return {filled(row.key, part), {one_decimal(number_of(value))}};
  }
  return {filled(row.key, part), value};
}

bool is_empty(const AlertValue& value) {
  if (const auto* text = std::get_if<std::string>(&value.data)) return text->empty();
  return number_of(value) == 0;
}

// Names that differ can have one key.
void add_field(Field field, std::map<std::string, AlertValue>* fields) {
  const auto [at, fresh] = fields->try_emplace(std::move(field.key), field.value);
  if (fresh) return;
  auto* sum = std::get_if<uint64_t>(&at->second.data);
  const auto* more = std::get_if<uint64_t>(&field.value.data);
  if (sum != nullptr && more != nullptr) *sum += *more;
}

// --- Prometheus.

std::string escaped_label(std::string_view text) {
  std::string cut = to_valid_utf8(text.substr(0, kLabelBytesMax));
  // A character that was cut in the middle is not there.
  if (text.size() > kLabelBytesMax) {
    while (cut.ends_with("\xef\xbf\xbd")) cut.resize(cut.size() - 3);
  }
  std::string out;
  for (const char c : cut) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string label_text(const Labels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    out += fmt::format("{}{}=\"{}\"", out.empty() ? "{" : ",", name, escaped_label(value));
  }
  return out.empty() ? out : out + "}";
}

std::string number_text(const Row& row, const AlertValue& value) {
  if (row.type == Type::Info) return "1";
  if (const auto* whole = std::get_if<uint64_t>(&value.data)) return std::to_string(*whole);
  const double number = number_of(value);
  return fmt::format("{}", row.unit == Unit::Percent ? number / 100 : number);
}

struct Series {
  std::string labels;
  AlertValue value;
};
struct Family {
  std::string name;
  std::vector<Series> series;  // of different labels
  std::unordered_map<std::string, size_t> known;
};

class Exposition {
 public:
  void add(const Row& row, const MetricsView& view) {
    families_.clear();
    row.read(view, [&](std::string_view part, const Labels& labels, const AlertValue& value) {
      add_series(filled(row.name, part), label_text(labels), value);
    });
    for (const Family& family : families_) write(row, family);
  }
  std::string finish() {
    text_ += fmt::format(
        "# HELP gyr_metrics_series_left_out Series left out of this answer because their metric "
        "has "
        "more than {}\n# TYPE gyr_metrics_series_left_out gauge\ngyr_metrics_series_left_out {}\n",
        kSeriesMax, left_out_);
    return std::move(text_);
  }

 private:
  // Labels that became equal, cut or cleaned, are one series.
  void add_series(const std::string& name, std::string labels, const AlertValue& value) {
    auto family = std::find_if(families_.begin(), families_.end(),
                               [&](const Family& f) { return f.name == name; });
    if (family == families_.end()) {
      families_.push_back({name, {}, {}});
      family = std::prev(families_.end());
    }
    const auto known = family->known.find(labels);
    if (known != family->known.end()) return merge(&family->series[known->second].value, value);
    if (family->series.size() >= kSeriesMax) {
      ++left_out_;
      return;
    }
    family->known.emplace(labels, family->series.size());
    family->series.push_back({std::move(labels), value});
  }
  static void merge(AlertValue* sum, const AlertValue& more) {
    if (auto* whole = std::get_if<uint64_t>(&sum->data)) {
      const auto* other = std::get_if<uint64_t>(&more.data);
      *whole += other != nullptr ? *other : 0;
    } else if (auto* real = std::get_if<double>(&sum->data)) {
      *real += number_of(more);
    }
  }
  void write(const Row& row, const Family& family) {
    text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", family.name, row.doc, family.name,
                         row.type == Type::Counter ? "counter" : "gauge");
    for (const Series& series : family.series) {
      text_ += fmt::format("{}{} {}\n", family.name, series.labels, number_text(row, series.value));
    }
  }

  std::string text_;
  std::vector<Family> families_;  // of the row at hand
  uint64_t left_out_ = 0;
};

// --- The page.

std::string_view unit_text(Unit unit) {
  switch (unit) {
    case Unit::Number:
      return "";
    case Unit::Text:
      return "text";
    case Unit::Percent:
      return "percent; ratio";
    case Unit::Seconds:
      return "s";
    case Unit::Nanoseconds:
      return "ns";
    case Unit::Kibibytes:
      return "MB or KB; bytes";
    case Unit::Bytes:
      return "MB or bytes; bytes";
  }
  return "";
}

std::string_view type_text(Type type) {
  switch (type) {
    case Type::Counter:
      return "counter";
    case Type::Gauge:
      return "gauge";
    case Type::Info:
      return "info";
  }
  return "";
}

std::string code(std::string_view text) { return text.empty() ? "" : fmt::format("`{}`", text); }

}  // namespace

std::map<std::string, AlertValue> snapshot_fields(const MetricsView& view,
                                                  const MetricsSettings& settings) {
  std::map<std::string, AlertValue> fields;
  for (const Row& row : metrics::rows()) {
    if (row.key.empty() || !metrics::is_on(row.group, settings)) continue;
    row.read(view, [&](std::string_view part, const Labels&, const AlertValue& value) {
      // What it is, is never empty: only numbers of other groups are left out.
      const bool may_go = row.group != Group::Always && !settings.include_empty_values;
      if (may_go && is_empty(value)) return;
      add_field(field_of(row, part, value, settings.convert_memory_to_mb), &fields);
    });
  }
  return fields;
}

std::string prometheus_text(const MetricsView& view, const MetricsSettings& settings) {
  Exposition text;
  for (const Row& row : metrics::rows()) {
    if (!row.name.empty() && metrics::is_on(row.group, settings)) text.add(row, view);
  }
  return text.finish();
}

std::string metrics_page() {
  std::string page =
      "| Field of a snapshot | Prometheus | Kind | Unit | Switch | Meaning |\n"
      "|---|---|---|---|---|---|\n";
  for (const Row& row : metrics::rows()) {
    page += fmt::format("| {} | {} | {} | {} | {} | {} |\n", code(row.key), code(row.name),
                        type_text(row.type), unit_text(row.unit),
                        code(metrics::group_setting(row.group)), row.doc);
  }
  return page;
}

}  // namespace gyr
