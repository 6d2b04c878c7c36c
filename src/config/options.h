// SPDX-License-Identifier: Apache-2.0
// The table of configuration keys (options.def) and how their values are read and printed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "config/settings.h"
#include "config/value.h"

namespace gyr::config {

struct Bounds {
  double min = 0;
  double max = 0;  // 0: none
};

struct OptionRow {
  std::string_view path;
  std::string_view type;  // for people: "true or false", "number" …
  std::string_view doc;
  Bounds bounds;
  std::string (*print)(const Settings& settings);
  // Reads `value` into its member; complaints go to `problems`, and the member stays as it is after
  // one.
  void (*load)(const Value& value, const Bounds& bounds, Settings* settings, Problems* problems);
};
std::span<const OptionRow> option_rows();

// Keys of the past.
struct RemovedRow {
  std::string_view path;
  std::string_view successor;  // path of the key that is set instead, or empty
  std::string_view advice;     // what to do when there is no successor
};
std::span<const RemovedRow> removed_rows();

// The reference page of all keys, as Markdown.
std::string reference_page();

}  // namespace gyr::config
