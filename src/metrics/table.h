// SPDX-License-Identifier: Apache-2.0
// The table of metrics (metrics.def): one row has a metric's names, unit, switch, meaning and how
// its values are read. All forms follow from it: fields of the snapshot, Prometheus' text, and the
// reference page.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alert/alert.h"
#include "config/settings.h"
#include "metrics/sample.h"

namespace gyr {

// What the forms are made of. Everything outlives the view.
struct MetricsView {
  const MetricsIdentity& identity;
  const MetricsSample& now;
  const MetricsSample* before = nullptr;  // the snapshot before this one, for rates
  const Resources& resources;
  uint64_t loop_silent_ns = 0;  // since the event loop moved last
  uint64_t shown_at_ns = 0;     // of the monotonic clock, >= now.monotonic_ns
};

namespace metrics {

enum class Type : uint8_t { Counter, Gauge, Info };
// What a value is given in, and what becomes of it.
enum class Unit : uint8_t {
  Number,
  Text,
  Percent,      // Prometheus: a ratio
  Seconds,      //
  Nanoseconds,  // Prometheus: as they are
  Kibibytes,    // given in bytes; fields: kb or mb, Prometheus: bytes
  Bytes,        // given in bytes; fields: bytes or mb
};
// The setting below `metrics.` that switches it.
enum class Group : uint8_t {
  Always,
  Rules,
  Resources,
  State,
  Kernel,
  KernelPerCpu,
  Libbpf,
  Plugins,
  Iterators
};
std::string_view group_setting(Group group);  // "" for Always
bool is_on(Group group, const MetricsSettings& settings);

using Labels = std::vector<std::pair<std::string_view, std::string>>;
// One value of a row. `part` takes the place of '*' in the row's key and name.
using Emit =
    std::function<void(std::string_view part, const Labels& labels, const AlertValue& value)>;

struct Row {
  std::string_view key;   // of the snapshot; "" where it has none
  std::string_view name;  // Prometheus'; "" where it has none
  Type type;
  Unit unit;
  Group group;
  std::string_view doc;
  void (*read)(const MetricsView& view, const Emit& emit);
};
std::span<const Row> rows();

}  // namespace metrics

// A label has at most so many bytes, a metric so many series. What is more is left out and counted
// (gyr_metrics_series_left_out).
inline constexpr size_t kLabelBytesMax = 512;
inline constexpr size_t kSeriesMax = 10'000;

// The fields of "Falco internal: metrics snapshot" and of the lines of metrics.output_file.
std::map<std::string, AlertValue> snapshot_fields(const MetricsView& view,
                                                  const MetricsSettings& settings);
// Text exposition format 0.0.4. Zero values are always there: a counter that comes into being with
// its first event cannot be alerted on.
std::string prometheus_text(const MetricsView& view, const MetricsSettings& settings);
// As Markdown.
std::string metrics_page();

}  // namespace gyr
