// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/text.h"
#include "lang/check.h"

namespace gyr {
namespace {

std::string unknown_field(const Dialect& dialect, std::string_view name) {
  std::vector<std::string_view> names;
  for (const FieldClass& family : dialect.fields) {
    for (const FieldInfo& field : family.fields) names.push_back(field.name);
  }
  const std::string_view best = closest(name, names);
  if (!best.empty()) return fmt::format("there is no field '{}'; did you mean '{}'?", name, best);
  if (name.starts_with("static.")) {
    return fmt::format("there is no field '{}'; static_fields of the configuration names none so",
                       name);
  }
  return fmt::format("there is no field '{}'", name);
}

}  // namespace

ResolvedField resolve_field(const Dialect& dialect, std::string_view name, bool has_argument,
                            std::string_view argument) {
  const FieldMatch match = find_field(dialect.fields, name);
  if (match.info == nullptr) return {nullptr, unknown_field(dialect, name), true};
  const FieldInfo& info = *match.info;
  FieldUse use;
  use.info = &info;
  use.type = info.type;
  use.has_argument = has_argument;
  use.argument = std::string(argument);
  if (!match.rest.empty()) {
    if (!match.has_dotted_argument() || has_argument) {
      return {nullptr, unknown_field(dialect, name), true};
    }
    use.has_argument = true;
    use.dotted = true;
    use.argument = std::string(match.rest.substr(1));
  }
  const bool required = (info.flags & kArgumentRequired) != 0;
  if (use.has_argument && !required &&
      (info.flags & (kArgumentAllowed | kArgumentIndex | kArgumentKey)) == 0) {
    return {nullptr, fmt::format("field '{}' takes no argument", info.name), false};
  }
  if (required && !use.has_argument && info.bind == nullptr) {
    return {nullptr, fmt::format("field '{}' needs an argument", info.name), false};
  }
  const bool stateful = (info.flags & kStateful) != 0;
  if (info.bind != nullptr && (use.has_argument || required || stateful)) {
    const Result<void> bound = info.bind(use);
    if (!bound) return {nullptr, fmt::format("field '{}': {}", info.name, bound.error().message)};
  }
  return {make_field(std::move(use)), {}, false};
}

}  // namespace gyr
