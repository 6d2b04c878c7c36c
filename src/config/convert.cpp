// SPDX-License-Identifier: Apache-2.0
#include "config/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"

namespace gyr::config {
namespace {

template <class T>
struct Word {
  std::string_view text;
  T value;
};

constexpr auto kEngineKinds = std::to_array<Word<EngineKind>>({
    {"modern_ebpf", EngineKind::ModernEbpf},
    {"kmod", EngineKind::Kmod},
    {"ebpf", EngineKind::Ebpf},
    {"ptrace", EngineKind::Ptrace},
    {"replay", EngineKind::Replay},
    {"nodriver", EngineKind::NoDriver},
});
constexpr auto kMatchings =
    std::to_array<Word<RuleMatching>>({{"first", RuleMatching::First}, {"all", RuleMatching::All}});
constexpr auto kCaptureModes = std::to_array<Word<CaptureMode>>(
    {{"rules", CaptureMode::Rules}, {"all_rules", CaptureMode::AllRules}});
constexpr auto kAttachModes =
    std::to_array<Word<AttachMode>>({{"auto", AttachMode::Auto},
                                     {"raw", AttachMode::Raw},
                                     {"per_syscall", AttachMode::PerSyscall}});
constexpr auto kBatchForms =
    std::to_array<Word<BatchForm>>({{"array", BatchForm::Array}, {"lines", BatchForm::Lines}});
constexpr auto kStrategies = std::to_array<Word<MergeStrategy>>({
    {"append", MergeStrategy::Append},
    {"override", MergeStrategy::Override},
    {"add-only", MergeStrategy::AddOnly},
});

template <class T, size_t N>
bool find_word(const std::array<Word<T>, N>& words, std::string_view text, T* out) {
  for (const Word<T>& word : words) {
    if (word.text != text) continue;
    *out = word.value;
    return true;
  }
  return false;
}

template <class T, size_t N>
std::string word_of(const std::array<Word<T>, N>& words, T value) {
  for (const Word<T>& word : words) {
    if (word.value == value) return std::string(word.text);
  }
  return "";
}

template <class T, size_t N>
std::string choices(const std::array<Word<T>, N>& words) {
  std::vector<std::string> texts;
  texts.reserve(N);
  for (const Word<T>& word : words) texts.emplace_back(word.text);
  return join(texts, ", ");
}

}  // namespace

bool Reader::fail(const Value& value, std::string message) {
  problems_.push_back({true, value.origin, fmt::format("{}: {}", path_, message)});
  return false;
}

void Reader::warn(const Origin& origin, std::string message) {
  problems_.push_back({false, origin, fmt::format("{}: {}", path_, message)});
}

bool Reader::check_bounds(const Value& value, double number) {
  if (bounds_.max <= 0 && bounds_.min <= 0) return true;
  if (number >= bounds_.min && number <= bounds_.max) return true;
  return fail(value, fmt::format("must be from {} to {}", bounds_.min, bounds_.max));
}

void Reader::check_keys(const Value& map, std::initializer_list<std::string_view> known) {
  for (const Entry& entry : map.entries) {
    if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
    const std::string_view guess = closest(entry.key, {known.begin(), known.size()});
    warn(entry.origin, guess.empty()
                           ? fmt::format("unknown key '{}'", entry.key)
                           : fmt::format("unknown key '{}'; did you mean '{}'?", entry.key, guess));
  }
}

bool Reader::read(const Value& value, bool* out) {
  yaml::Node node;
  node.kind = value.kind;
  node.text = value.text;
  const yaml::Truth truth = yaml::truth(node);
  if (truth == yaml::Truth::Neither) return fail(value, "must be true or false");
  *out = truth == yaml::Truth::True;
  return true;
}

bool Reader::read(const Value& value, double* out) {
  double number = 0;
  const char* end = value.text.data() + value.text.size();
  const auto [stop, error] = std::from_chars(value.text.data(), end, number);
  if (!value.is_scalar() || error != std::errc() || stop != end || !(number >= 0))
    return fail(value, "must be a number that is not negative");
  if (!check_bounds(value, number)) return false;
  *out = number;
  return true;
}

bool Reader::read(const Value& value, uint64_t* out) {
  uint64_t number = 0;
  const char* end = value.text.data() + value.text.size();
  const auto [stop, error] = std::from_chars(value.text.data(), end, number);
  if (!value.is_scalar() || error != std::errc() || stop != end)
    return fail(value, "must be a whole number that is not negative");
  if (!check_bounds(value, static_cast<double>(number))) return false;
  *out = number;
  return true;
}

// An unquoted "!name" is a YAML tag, and the name is gone.
bool Reader::is_tag_by_accident(const Value& value) {
  if (value.tag.empty() || !value.text.empty() || !value.is_scalar()) return false;
  return !fail(value, fmt::format("'{}' without quotes is a YAML tag, not text: write \"{}\"",
                                  value.tag, value.tag));
}

bool Reader::read(const Value& value, std::string* out) {
  if (is_tag_by_accident(value)) return false;
  if (!value.is_scalar() && !value.is_null()) return fail(value, "must be text");
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
    return fail(value, "must be a list of texts");
  }
  *out = std::move(texts);
  return true;
}

bool Reader::read(const Value& value, std::map<std::string, std::string>* out) {
  if (!value.is_map() && !value.is_null()) return fail(value, "must be a map of names to texts");
  std::map<std::string, std::string> map;
  for (const Entry& entry : value.entries) {
    if (!read(entry.value, &map[entry.key])) return false;
  }
  *out = std::move(map);
  return true;
}

bool Reader::read(const Value& value, EngineKind* out) {
  if (value.is_scalar() && find_word(kEngineKinds, value.text, out)) return true;
  return fail(value, fmt::format("'{}' is no kind of engine; there are {}", value.text,
                                 choices(kEngineKinds)));
}

bool Reader::read(const Value& value, RuleMatching* out) {
  if (value.is_scalar() && find_word(kMatchings, value.text, out)) return true;
  return fail(value, fmt::format("must be one of {}", choices(kMatchings)));
}

bool Reader::read(const Value& value, CaptureMode* out) {
  if (value.is_scalar() && find_word(kCaptureModes, value.text, out)) return true;
  return fail(value, fmt::format("must be one of {}", choices(kCaptureModes)));
}

bool Reader::read(const Value& value, AttachMode* out) {
  if (value.is_scalar() && find_word(kAttachModes, value.text, out)) return true;
  return fail(value, fmt::format("must be one of {}", choices(kAttachModes)));
}

bool Reader::read(const Value& value, BatchForm* out) {
  if (value.is_scalar() && find_word(kBatchForms, value.text, out)) return true;
  return fail(value, fmt::format("must be one of {}", choices(kBatchForms)));
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
bool Reader::read(const Value& value, std::vector<PluginSettings>* out) {
  return read_list(value, out);
}

bool Reader::read_one(const Value& value, ConfigInclude* out) {
  if (value.is_scalar()) return read(value, &out->path);
  if (!value.is_map()) return fail(value, "an entry is a path or {path, strategy}");
  check_keys(value, {"path", "strategy"});
  const Value* path = value.find("path");
  if (path == nullptr) return fail(value, "the key 'path' is missing");
  const Value* strategy = value.find("strategy");
  if (strategy != nullptr && !find_word(kStrategies, strategy->text, &out->strategy))
    return fail(*strategy, fmt::format("must be one of {}", choices(kStrategies)));
  return read(*path, &out->path);
}

bool Reader::read_one(const Value& value, RuleSelection* out) {
  const Value* enable = value.find("enable");
  const Value* disable = value.find("disable");
  const Value* chosen = enable != nullptr ? enable : disable;
  if (!value.is_map() || chosen == nullptr || (enable != nullptr && disable != nullptr))
    return fail(value, "an entry has either 'enable' or 'disable'");
  check_keys(value, {"enable", "disable"});
  check_keys(*chosen, {"rule", "tag"});
  const Value* rule = chosen->find("rule");
  const Value* tag = chosen->find("tag");
  if ((rule == nullptr) == (tag == nullptr)) return fail(*chosen, "needs 'rule' or 'tag'");
  out->enable = enable != nullptr;
  return rule != nullptr ? read(*rule, &out->rule) : read(*tag, &out->tag);
}

bool Reader::read_match(const Value& value, AppendOutput* out) {
  if (!value.is_map()) return fail(value, "'match' is a map");
  check_keys(value, {"rule", "source", "tags"});
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
  if (!value.is_map()) return fail(value, "an entry is a map");
  check_keys(value, {"match", "extra_output", "extra_fields", "suggested_output"});
  const Value* match = value.find("match");
  const Value* output = value.find("extra_output");
  const Value* fields = value.find("extra_fields");
  const Value* suggested = value.find("suggested_output");
  return (match == nullptr || read_match(*match, out)) &&
         (output == nullptr || read(*output, &out->extra_output)) &&
         (fields == nullptr || read_extra_fields(*fields, out)) &&
         (suggested == nullptr || read(*suggested, &out->suggested_output));
}

bool Reader::read_one(const Value& value, PluginSettings* out) {
  if (!value.is_map()) return fail(value, "an entry is a map");
  check_keys(value, {"name", "library_path", "init_config", "open_params"});
  const Value* name = value.find("name");
  if (name == nullptr) return fail(value, "the key 'name' is missing");
  const Value* library = value.find("library_path");
  const Value* init = value.find("init_config");
  const Value* open = value.find("open_params");
  if (init != nullptr && !init->is_scalar() && !init->is_null()) {
    out->init_config = to_json(*init);
    init = nullptr;
  }
  return read(*name, &out->name) && (library == nullptr || read(*library, &out->library_path)) &&
         (init == nullptr || read(*init, &out->init_config)) &&
         (open == nullptr || read(*open, &out->open_params));
}

std::string print(bool value) { return value ? "true" : "false"; }
std::string print(double value) { return fmt::format("{}", value); }
std::string print(uint64_t value) { return std::to_string(value); }
std::string print(const std::string& value) { return value.empty() ? "\"\"" : value; }
std::string print(const std::vector<std::string>& value) { return "[" + join(value, ", ") + "]"; }
std::string print(EngineKind value) { return word_of(kEngineKinds, value); }
std::string print(RuleMatching value) { return word_of(kMatchings, value); }
std::string print(CaptureMode value) { return word_of(kCaptureModes, value); }
std::string print(AttachMode value) { return word_of(kAttachModes, value); }
std::string print(BatchForm value) { return word_of(kBatchForms, value); }
std::string print(Priority value) { return to_lower(priority_name(value)); }

}  // namespace gyr::config
