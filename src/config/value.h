// SPDX-License-Identifier: Apache-2.0
// A configuration as a tree that can be merged and overridden, each value with the place it came
// from.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "yaml/document.h"

namespace gyr::config {

// Where a value was written. For an override: the option's text, line 1. Line 0: the file as such.
struct Origin {
  std::string file;
  uint32_t line = 1;
  uint32_t column = 1;
};

struct Problem {
  bool error = false;
  Origin origin;
  std::string message;
  bool about_schema = false;  // unknown key, wrong type or value: what a JSON schema would refuse

  std::string text() const;  // "file:line:column: message"
};
using Problems = std::vector<Problem>;

struct Entry;

struct Value {
  yaml::Kind kind = yaml::Kind::Null;
  std::string text;  // of a scalar, variables expanded
  std::string tag;
  bool quoted = false;
  bool is_unset = false;  // text is empty because its variables are
  Origin origin;
  std::vector<Value> items;
  std::vector<Entry> entries;

  bool is_null() const { return kind == yaml::Kind::Null; }
  bool is_scalar() const { return kind == yaml::Kind::Scalar; }
  bool is_sequence() const { return kind == yaml::Kind::Sequence; }
  bool is_map() const { return kind == yaml::Kind::Map; }
  const Value* find(std::string_view key) const;
  Value* find(std::string_view key);
  // By dotted path, through maps.
  const Value* find_path(std::string_view path) const;
};

struct Entry {
  std::string key;
  Origin origin;
  Value value;
};

using Environment = std::function<std::optional<std::string>(std::string_view)>;

// "${NAME}" becomes the variable's value, or nothing when it is not set; "$${NAME}" becomes
// "${NAME}".
std::string expand_variables(std::string_view text, const Environment& environment);

// Of one file or option; at most so many values, aliases written out, and keys of one map.
inline constexpr size_t kMaxValues = 200'000;
inline constexpr size_t kMaxKeys = 10'000;

// The node as a value. Of keys that stand twice in a map the first one stays, with a warning. Past
// a limit there is an error and nothing. The origin of the first line is `column` bytes further
// right.
std::optional<Value> from_yaml(const yaml::Node& node, const std::string& file,
                               const Environment& environment, Problems* problems,
                               uint32_t column = 0);

// Applies "key.path[0].x[]=value". Faults are added to `problems` and change nothing.
void apply_override(std::string_view option, const Environment& environment, Value* root,
                    Problems* problems);

// As compact JSON: unquoted numbers, booleans and nulls stay what they are, everything else is
// text.
std::string to_json(const Value& value);

}  // namespace gyr::config
