// SPDX-License-Identifier: Apache-2.0
#include "config/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "config/convert.h"

namespace gyr::config {
namespace {

// Texts of which only some make sense.
struct PathWords {
  std::string_view path;
  std::string_view words;
};
constexpr PathWords kWords[] = {
    {"log_level", "emergency alert critical error warning notice info debug"},
    {"libs_logger.severity", "fatal critical error warning notice info debug trace"},
    {"syscall_event_drops.actions", "ignore log alert exit"},
};

constexpr std::string_view words_for(std::string_view path) {
  for (const PathWords& row : kWords) {
    if (row.path == path) return row.words;
  }
  return "";
}

constexpr std::string_view object_of(std::string_view path, ValueKind kind) {
  return kind == ValueKind::ObjectList ? path : std::string_view();
}

#define GYR_TYPE(member) std::remove_cvref_t<decltype(std::declval<Settings>().member)>
#define GYR_OPTION(path, member, min, max, doc)                                                    \
  OptionRow{path,                                                                                  \
            kind_of<GYR_TYPE(member)>(words_for(path)),                                            \
            words_for(path).empty() ? words_of<GYR_TYPE(member)>() : words_for(path),              \
            object_of(path, kind_of<GYR_TYPE(member)>("")),                                        \
            doc,                                                                                   \
            Bounds{min, max},                                                                      \
            largest_of<GYR_TYPE(member)>(),                                                        \
            [](const Settings& settings) { return print(settings.member); },                       \
            [](const Value& value, const Bounds& bounds, Settings* settings, Problems* problems) { \
              Reader reader(path, bounds, problems);                                               \
              if (reader.check_words(value, words_for(path))) {                                    \
                reader.read(value, &settings->member);                                             \
              }                                                                                    \
            }},
constexpr OptionRow kOptions[] = {
#include "config/options.def"
};
#undef GYR_OPTION

constexpr bool kRequired = true;
constexpr bool kOptional = false;
constexpr ObjectKey kObjectKeys[] = {
#define GYR_KEY(object, key, kind, detail, required, doc) \
  ObjectKey{object, key, ValueKind::kind, detail, required, doc},
#include "config/objects.def"
#undef GYR_KEY
};

constexpr RemovedRow kRemoved[] = {
#define GYR_RENAMED(path, successor) RemovedRow{path, successor, ""},
#define GYR_REMOVED(path, advice) RemovedRow{path, "", advice},
#include "config/removed.def"
#undef GYR_RENAMED
#undef GYR_REMOVED
};

}  // namespace

std::span<const OptionRow> option_rows() { return kOptions; }
std::span<const RemovedRow> removed_rows() { return kRemoved; }
std::span<const ObjectKey> all_object_keys() { return kObjectKeys; }

std::vector<ObjectKey> object_keys(std::string_view object) {
  std::vector<ObjectKey> keys;
  for (const ObjectKey& key : kObjectKeys) {
    if (key.object == object) keys.push_back(key);
  }
  return keys;
}

KeyTree key_tree() {
  KeyTree root;
  for (const OptionRow& row : kOptions) {
    KeyTree* at = &root;
    for (const std::string_view name : split(row.path, '.')) {
      const auto found = std::find_if(at->children.begin(), at->children.end(),
                                      [&](const KeyTree& child) { return child.name == name; });
      at = found != at->children.end() ? &*found : &at->children.emplace_back(KeyTree{name});
    }
    at->row = &row;
  }
  return root;
}

std::string_view text_form(std::string_view object) {
  return object == "config_files" ? "path" : "";
}

bool is_choice(std::string_view object) { return object == "rules" || object == "selector"; }

std::string kind_text(ValueKind kind, std::string_view words, const Bounds& bounds) {
  const std::string list = join_words(words, ", ");
  std::string number = "number";
  if (bounds.max > 0) number += fmt::format(", {} to {:.0f}", bounds.min, bounds.max);
  switch (kind) {
    case ValueKind::Boolean:
      return "true or false";
    case ValueKind::Number:
    case ValueKind::WholeNumber:
      return number;
    case ValueKind::Text:
      return "text";
    case ValueKind::Word:
      return "one of " + list;
    case ValueKind::TextList:
      return "list of texts";
    case ValueKind::WordList:
      return "list of " + list;
    case ValueKind::TextMap:
      return "map of texts";
    case ValueKind::Object:
      return "map";
    case ValueKind::ObjectList:
      return "list of maps";
    case ValueKind::FieldList:
      return "list of fields";
    case ValueKind::TextOrMap:
      return "text or map";
  }
  return "";
}

std::string reference_page() {
  const Settings defaults;
  std::string page = "| Key | Value | Default | Meaning |\n|---|---|---|---|\n";
  for (const OptionRow& row : option_rows()) {
    page += fmt::format("| `{}` | {} | `{}` | {} |\n", row.path,
                        kind_text(row.kind, row.words, row.bounds), row.print(defaults), row.doc);
  }
  page += "\n| Keys inside | Key | Value | Meaning |\n|---|---|---|---|\n";
  for (const ObjectKey& key : all_object_keys()) {
    page += fmt::format("| `{}` | `{}`{} | {} | {} |\n", key.object, key.key,
                        key.required ? ", needed" : "",
                        key.kind == ValueKind::Object ? fmt::format("`{}`", key.detail)
                                                      : kind_text(key.kind, key.detail, Bounds{}),
                        key.doc);
  }
  page += "\n| Key of the past | Now |\n|---|---|\n";
  for (const RemovedRow& row : removed_rows()) {
    page += row.successor.empty() ? fmt::format("| `{}` | no effect: {} |\n", row.path, row.advice)
                                  : fmt::format("| `{}` | sets `{}` |\n", row.path, row.successor);
  }
  return page;
}

}  // namespace gyr::config
