// SPDX-License-Identifier: Apache-2.0
#include "config/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/text.h"

namespace gyr::config {
namespace {

std::string choices(std::string_view words) { return join_words(words, ", "); }

// ", but is …", so that nobody has to open the file.
std::string found(const Value& value) {
  if (!value.is_scalar()) return fmt::format(", but is {}", kind_name(value.kind));
  constexpr size_t kShown = 60;
  if (value.text.size() <= kShown) return fmt::format(", but is '{}'", value.text);
  return fmt::format(", but is '{}...'", value.text.substr(0, kShown));
}

}  // namespace

bool Reader::fail(const Value& value, std::string message) {
  problems_.push_back({true, value.origin, fmt::format("{}: {}", path_, message), true});
  return false;
}

void Reader::warn(const Origin& origin, std::string message) {
  problems_.push_back({false, origin, fmt::format("{}: {}", path_, message), true});
}

bool Reader::check_bounds(const Value& value, double number) {
  if (bounds_.max <= 0 && bounds_.min <= 0) return true;
  if (number >= bounds_.min && number <= bounds_.max) return true;
  return fail(value,
              fmt::format("must be from {} to {:.0f}{}", bounds_.min, bounds_.max, found(value)));
}

bool Reader::fail_above(const Value& value, uint64_t most) {
  return fail(value, fmt::format("must be from 0 to {}{}", most, found(value)));
}

void Reader::check_keys(const Value& map, std::string_view object) {
  const std::vector<ObjectKey> known = object_keys(object);
  std::vector<std::string_view> names;
  names.reserve(known.size());
  for (const ObjectKey& key : known) names.push_back(key.key);
  for (const Entry& entry : map.entries) {
    const auto key = std::find_if(known.begin(), known.end(),
                                  [&](const ObjectKey& row) { return row.key == entry.key; });
    if (key != known.end()) {
      if (key->kind == ValueKind::Object && entry.value.is_map()) {
        check_keys(entry.value, key->detail);
      }
      continue;
    }
    const std::string_view guess = closest(entry.key, names);
    warn(entry.origin,
         guess.empty()
             ? fmt::format("unknown key '{}'; there are {}", entry.key, fmt::join(names, ", "))
             : fmt::format("unknown key '{}'; did you mean '{}'?", entry.key, guess));
  }
}

bool Reader::read(const Value& value, bool* out) {
  yaml::Node node;
  node.kind = value.kind;
  node.text = value.text;
  const yaml::Truth truth = yaml::truth(node);
  if (truth == yaml::Truth::Neither) return fail(value, "must be true or false" + found(value));
  *out = truth == yaml::Truth::True;
  return true;
}

bool Reader::read(const Value& value, double* out) {
  double number = 0;
  const char* end = value.text.data() + value.text.size();
  const auto [stop, error] = std::from_chars(value.text.data(), end, number);
  if (!value.is_scalar() || error != std::errc() || stop != end || !(number >= 0) ||
      !std::isfinite(number))
    return fail(value, "must be a number that is not negative" + found(value));
  if (!check_bounds(value, number)) return false;
  *out = number;
  return true;
}

// YAML 1.1, which the reference reads, takes a leading zero for octal; YAML 1.2 does not.
bool Reader::is_octal(const Value& value) {
  const std::string& text = value.text;
  if (text.size() < 2 || text[0] != '0' || text.find_first_not_of("01234567") != text.npos)
    return false;
  return !fail(value,
               fmt::format("'{}' has a leading zero, which some read as octal: write {}", text,
                           text.substr(std::min(text.find_first_not_of('0'), text.size() - 1))));
}

bool Reader::read(const Value& value, uint64_t* out) {
  if (value.is_scalar() && is_octal(value)) return false;
  uint64_t number = 0;
  const bool hex = value.text.starts_with("0x") || value.text.starts_with("0X");
  const char* begin = value.text.data() + (hex ? 2 : 0);
  const char* end = value.text.data() + value.text.size();
  const auto [stop, error] = std::from_chars(begin, end, number, hex ? 16 : 10);
  if (!value.is_scalar() || error != std::errc() || stop != end)
    return fail(value, "must be a whole number that is not negative" + found(value));
  if (!check_bounds(value, static_cast<double>(number))) return false;
  *out = number;
  return true;
}

// An unquoted "!name" is a YAML tag, and the name is gone. Tags of YAML's own ("!!str") begin
// otherwise.
bool Reader::is_tag_by_accident(const Value& value) {
  if (!value.is_scalar() || !value.tag.starts_with('!')) return false;
  const std::string meant =
      value.text.empty() ? value.tag : fmt::format("{} {}", value.tag, value.text);
  return !fail(value, fmt::format("'{}' without quotes is a YAML tag, not text: write \"{}\"",
                                  value.tag, meant));
}

bool Reader::read(const Value& value, std::string* out) {
  if (is_tag_by_accident(value)) return false;
  if (!value.is_scalar() && !value.is_null()) return fail(value, "must be text" + found(value));
  *out = value.text;
  return true;
}

bool Reader::read(const Value& value, std::vector<std::string>* out) {
  std::vector<std::string> texts;
  if (value.is_scalar()) {
    texts.emplace_back();
    if (!read(value, &texts.back())) return false;
  } else if (value.is_sequence()) {
    for (const Value& item : value.items) {
      texts.emplace_back();
      if (!read(item, &texts.back())) return false;
    }
  } else if (!value.is_null()) {
    return fail(value, "must be a list of texts" + found(value));
  }
  *out = std::move(texts);
  return true;
}

bool Reader::read(const Value& value, std::map<std::string, std::string>* out) {
  if (!value.is_map() && !value.is_null())
    return fail(value, "must be a map of names to texts" + found(value));
  std::map<std::string, std::string> map;
  for (const Entry& entry : value.entries) {
    if (!read(entry.value, &map[entry.key])) return false;
  }
  *out = std::move(map);
  return true;
}

bool Reader::read(const Value& value, EngineKind* out) {
  if (value.text == "ebpf") {
    warn(value.origin,
         "'ebpf' was removed from Falco in 0.44; the probe takes its place: write "
         "modern_ebpf");
  }
  if (value.text == "gvisor") {
    return fail(value,
                "'gvisor' was removed from Falco in 0.44 and nothing takes its place: the probe "
                "does not see into gVisor's sandboxes; modern_ebpf watches the host");
  }
  return read_word(value, out);
}

bool Reader::read(const Value& value, Priority* out) {
  const auto priority = parse_priority(value.text);
  if (!value.is_scalar() || !priority)
    return fail(value, fmt::format("'{}' is no priority; there are emergency, alert, critical, "
                                   "error, warning, notice, info, debug",
                                   value.text));
  *out = *priority;
  return true;
}

template <class T>
bool Reader::read_list(const Value& value, std::vector<T>* out) {
  std::vector<T> list;
  // A single object stands for a list of one.
  if (value.is_map() || value.is_scalar()) {
    list.emplace_back();
    if (!read_one(value, &list.back())) return false;
  }
  for (const Value& item : value.items) {
    list.emplace_back();
    if (!read_one(item, &list.back())) return false;
  }
  *out = std::move(list);
  return true;
}

bool Reader::read(const Value& value, std::vector<ConfigInclude>* out) {
  return read_list(value, out);
}
bool Reader::read(const Value& value, std::vector<RuleSelection>* out) {
  return read_list(value, out);
}
bool Reader::read(const Value& value, std::vector<AppendOutput>* out) {
  return read_list(value, out);
}

bool Reader::read(const Value& value, std::vector<StormLimit>* out) {
  return read_list(value, out);
}
bool Reader::read(const Value& value, std::vector<PluginSettings>* out) {
  return read_list(value, out);
}

bool Reader::read_one(const Value& value, ConfigInclude* out) {
  if (value.is_scalar()) return read(value, &out->path);
  if (!value.is_map()) return fail(value, "an entry is a path or {path, strategy}" + found(value));
  check_keys(value, "config_files");
  const Value* path = value.find("path");
  if (path == nullptr) return fail(value, "the key 'path' is missing");
  const Value* strategy = value.find("strategy");
  if (strategy != nullptr && !read_word(*strategy, &out->strategy)) return false;
  return read(*path, &out->path);
}

bool Reader::read_one(const Value& value, RuleSelection* out) {
  const Value* enable = value.find("enable");
  const Value* disable = value.find("disable");
  const Value* chosen = enable != nullptr ? enable : disable;
  if (!value.is_map()) {
    return fail(value, "an entry is a map with 'enable' or 'disable'" + found(value));
  }
  check_keys(value, "rules");
  if (chosen == nullptr || (enable != nullptr && disable != nullptr))
    return fail(value, "an entry has either 'enable' or 'disable'");
  const Value* rule = chosen->find("rule");
  const Value* tag = chosen->find("tag");
  if (rule == nullptr && tag == nullptr) return fail(*chosen, "needs 'rule' or 'tag'");
  if (rule != nullptr && tag != nullptr) {
    return fail(*chosen, "has both 'rule' and 'tag': write one entry for each");
  }
  out->enable = enable != nullptr;
  const bool good = rule != nullptr ? read(*rule, &out->rule) : read(*tag, &out->tag);
  if (good && out->rule.empty() && out->tag.empty())
    return fail(*chosen, "names nothing: what is to be enabled or disabled?");
  return good;
}

bool Reader::read_match(const Value& value, AppendOutput* out) {
  if (!value.is_map()) return fail(value, "'match' is a map");
  const Value* rule = value.find("rule");
  const Value* source = value.find("source");
  const Value* tags = value.find("tags");
  return (rule == nullptr || read(*rule, &out->rule)) &&
         (source == nullptr || read(*source, &out->source)) &&
         (tags == nullptr || read(*tags, &out->tags));
}

bool Reader::read_extra_fields(const Value& value, AppendOutput* out) {
  if (!value.is_sequence()) return fail(value, "'extra_fields' is a list");
  for (const Value& item : value.items) {
    AppendOutput::Field field;
    if (item.is_map()) {
      if (item.entries.size() != 1) return fail(item, "a field is its name or {name: format}");
      field.name = item.entries[0].key;
      if (!read(item.entries[0].value, &field.format)) return false;
    } else if (!read(item, &field.name)) {
      return false;
    }
    out->extra_fields.push_back(std::move(field));
  }
  return true;
}

bool Reader::read_one(const Value& value, AppendOutput* out) {
  if (!value.is_map()) return fail(value, "an entry is a map" + found(value));
  check_keys(value, "append_output");
  const Value* match = value.find("match");
  const Value* output = value.find("extra_output");
  const Value* fields = value.find("extra_fields");
  const Value* suggested = value.find("suggested_output");
  return (match == nullptr || read_match(*match, out)) &&
         (output == nullptr || read(*output, &out->extra_output)) &&
         (fields == nullptr || read_extra_fields(*fields, out)) &&
         (suggested == nullptr || read(*suggested, &out->suggested_output));
}

// The kinds of the values of an object that others read.
bool Reader::check_values(const Value& map, std::string_view object) {
  if (!map.is_map()) return fail(map, "must be a map" + found(map));
  for (const ObjectKey& key : object_keys(object)) {
    const Value* value = map.find(key.key);
    if (value == nullptr || value->is_null()) continue;
    if (!check_kind(*value, key)) return false;
  }
  return true;
}

bool Reader::check_kind(const Value& value, const ObjectKey& key) {
  bool truth = false;
  uint64_t number = 0;
  std::vector<std::string> texts;
  const std::string path = fmt::format("{}.{}", path_, key.key);
  Reader inner(path, bounds_, &problems_);
  switch (key.kind) {
    case ValueKind::Boolean:
      return inner.read(value, &truth);
    case ValueKind::WholeNumber:
      return inner.read(value, &number);
    case ValueKind::Object:
      return inner.check_values(value, key.detail);
    case ValueKind::TextList:
    case ValueKind::WordList:
      if (!inner.read(value, &texts)) return false;
      for (const std::string& text : texts) {
        if (!has_word(key.detail, text)) {
          return inner.fail(value, fmt::format("'{}' is none of {}", text, choices(key.detail)));
        }
      }
      return true;
    default:
      return true;
  }
}

bool Reader::read_one(const Value& value, StormLimit* out) {
  constexpr uint64_t kLongestWindow = 31'536'000;
  if (!value.is_map())
    return fail(value, "an entry is a map with rule, tag, key, window_seconds …" + found(value));
  check_keys(value, "gyr.storms.limits");
  const auto take = [&](std::string_view key, auto* member) {
    const Value* found = value.find(key);
    return found == nullptr || read(*found, member);
  };
  if (!take("rule", &out->rule) || !take("tag", &out->tag) || !take("key", &out->key) ||
      !take("window_seconds", &out->window_seconds) ||
      !take("max_per_second", &out->max_per_second) || !take("burst", &out->burst)) {
    return false;
  }
  if (out->window_seconds > kLongestWindow) return fail(value, "a window lasts a year at most");
  if (out->max_per_second < 0 || out->burst == 0) {
    return fail(value, "max_per_second is 0 or more, burst 1 or more");
  }
  if (out->window_seconds == 0 && out->max_per_second == 0) {
    return fail(value, "needs window_seconds or max_per_second");
  }
  return true;
}

bool Reader::read_one(const Value& value, PluginSettings* out) {
  if (!value.is_map()) return fail(value, "an entry is a map" + found(value));
  check_keys(value, "plugins");
  const Value* name = value.find("name");
  if (name == nullptr) return fail(value, "the key 'name' is missing");
  const Value* library = value.find("library_path");
  const Value* init = value.find("init_config");
  const Value* open = value.find("open_params");
  if (init != nullptr && !init->is_scalar() && !init->is_null()) {
    if (name->text == "container" && init->is_map()) {
      check_keys(*init, "container_init");
      if (!check_values(*init, "container_init")) return false;
    }
    out->init_config = to_json(*init);
    init = nullptr;
  }
  return read(*name, &out->name) && (library == nullptr || read(*library, &out->library_path)) &&
         (init == nullptr || read(*init, &out->init_config)) &&
         (open == nullptr || read(*open, &out->open_params));
}

std::optional<size_t> index_of_word(std::string_view words, std::string_view word) {
  const std::string lower = to_lower(word);
  const auto all = split(words, ' ');
  const auto at = std::find(all.begin(), all.end(), lower);
  if (at == all.end()) return std::nullopt;
  return static_cast<size_t>(at - all.begin());
}

std::string join_words(std::string_view words, std::string_view separator) {
  std::string text;
  for (const std::string_view word : split(words, ' ')) {
    if (!text.empty()) text += separator;
    text += word;
  }
  return text;
}

bool Reader::check_words(const Value& value, std::string_view words) {
  if (words.empty() || value.is_map()) return true;
  const Value* bad = value.is_scalar() && !has_word(words, value.text) ? &value : nullptr;
  for (const Value& item : value.items) {
    if (!has_word(words, item.text)) bad = &item;
  }
  if (bad == nullptr) return true;
  return fail(*bad, fmt::format("'{}' is none of {}", bad->text, choices(words)));
}

bool Reader::fail_word(const Value& value, std::string_view words) {
  return fail(value, fmt::format("must be one of {}{}", choices(words), found(value)));
}

bool has_word(std::string_view words, std::string_view word) {
  return words.empty() || index_of_word(words, word).has_value();
}

std::string print(bool value) { return value ? "true" : "false"; }
std::string print(double value) { return fmt::format("{}", value); }
std::string print(uint64_t value) { return std::to_string(value); }
std::string print(const std::string& value) { return value.empty() ? "\"\"" : value; }
std::string print(const std::vector<std::string>& value) { return "[" + join(value, ", ") + "]"; }
std::string print(Priority value) { return to_lower(priority_name(value)); }

}  // namespace gyr::config
