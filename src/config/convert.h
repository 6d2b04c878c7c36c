// SPDX-License-Identifier: Apache-2.0
// Reading and printing of every type a setting can have. One set of overloads per type: type_name()
// for people, read() from a configuration value, print() as YAML.
#pragma once

#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/text.h"
#include "config/options.h"

namespace gyr::config {

// Whether `words`, separated by blanks, hold `word` in any case; "" holds all.
bool has_word(std::string_view words, std::string_view word);
std::optional<size_t> index_of_word(std::string_view words, std::string_view word);
std::string join_words(std::string_view words, std::string_view separator);

// The words a setting of type T can be, separated by blanks; "" where it is no word.
template <class T>
constexpr std::string_view words_of() {
  if constexpr (std::is_same_v<T, EngineKind>)
    return "modern_ebpf kmod ebpf ptrace replay nodriver";
  if constexpr (std::is_same_v<T, RuleMatching>) return "first all";
  if constexpr (std::is_same_v<T, CaptureMode>) return "rules all_rules";
  if constexpr (std::is_same_v<T, BatchForm>) return "array lines";
  if constexpr (std::is_same_v<T, AttachMode>) return "auto raw per_syscall";
  if constexpr (std::is_same_v<T, RulesOnError>) return "stop skip";
  if constexpr (std::is_same_v<T, MergeStrategy>) return "append override add-only";
  if constexpr (std::is_same_v<T, Priority>)
    return "emergency alert critical error warning notice informational info debug";
  return "";
}

// Complaints about one value.
class Reader {
 public:
  Reader(std::string_view path, const Bounds& bounds, Problems* problems)
      : path_(path), bounds_(bounds), problems_(*problems) {}

  // Of a text or a list of texts: whether each is among `words`, "" for any.
  bool check_words(const Value& value, std::string_view words);

  bool read(const Value& value, bool* out);
  bool read(const Value& value, double* out);
  bool read(const Value& value, uint64_t* out);
  bool read(const Value& value, std::string* out);
  bool read(const Value& value, std::vector<std::string>* out);
  bool read(const Value& value, std::map<std::string, std::string>* out);
  bool read(const Value& value, EngineKind* out);
  bool read(const Value& value, Priority* out);
  bool read(const Value& value, std::vector<ConfigInclude>* out);
  bool read(const Value& value, std::vector<RuleSelection>* out);
  bool read(const Value& value, std::vector<AppendOutput>* out);
  bool read(const Value& value, std::vector<StormLimit>* out);
  bool read(const Value& value, std::vector<PluginSettings>* out);
  template <class T>
  requires std::is_enum_v<T>
  bool read(const Value& value, T* out) { return read_word(value, out); }
  bool read(const Value& value, uint32_t* out) { return narrow(value, out); }
  bool read(const Value& value, uint16_t* out) { return narrow(value, out); }

 private:
  bool fail_above(const Value& value, uint64_t most);
  template <class T>
  bool narrow(const Value& value, T* out) {
    uint64_t wide = 0;
    if (!read(value, &wide)) return false;
    if (wide > T(-1)) return fail_above(value, T(-1));
    *out = static_cast<T>(wide);
    return true;
  }
  // The order of the words is that of the enumeration.
  template <class T>
  bool read_word(const Value& value, T* out) {
    const auto index = index_of_word(words_of<T>(), value.text);
    if (!value.is_scalar() || !index) return fail_word(value, words_of<T>());
    *out = static_cast<T>(*index);
    return true;
  }
  bool fail_word(const Value& value, std::string_view words);
  template <class T>
  bool read_list(const Value& value, std::vector<T>* out);
  bool read_one(const Value& value, ConfigInclude* out);
  bool read_one(const Value& value, RuleSelection* out);
  bool read_one(const Value& value, AppendOutput* out);
  bool read_one(const Value& value, StormLimit* out);
  bool read_one(const Value& value, PluginSettings* out);
  bool read_match(const Value& value, AppendOutput* out);
  bool read_extra_fields(const Value& value, AppendOutput* out);
  bool check_values(const Value& map, std::string_view object);
  bool check_kind(const Value& value, const ObjectKey& key);
  bool is_tag_by_accident(const Value& value);
  bool is_octal(const Value& value);
  bool check_bounds(const Value& value, double number);
  // Warns of keys of `map` that the object lacks, and of those inside them.
  void check_keys(const Value& map, std::string_view object);

  bool fail(const Value& value, std::string message);
  void warn(const Origin& origin, std::string message);

  std::string_view path_;
  Bounds bounds_;
  Problems& problems_;
};

std::string print(bool value);
std::string print(double value);
std::string print(uint64_t value);
std::string print(const std::string& value);
std::string print(const std::vector<std::string>& value);
std::string print(Priority value);
template <class T>
requires std::is_enum_v<T> std::string print(T value) {
  return std::string(split(words_of<T>(), ' ')[static_cast<size_t>(value)]);
}
inline std::string print(uint32_t value) { return print(uint64_t{value}); }
inline std::string print(uint16_t value) { return print(uint64_t{value}); }
// Objects have no short form; their defaults are empty.
template <class T>
std::string print(const std::vector<T>&) {
  return "[]";
}
inline std::string print(const std::map<std::string, std::string>&) { return "{}"; }

// `words` are those that the setting's row names itself.
template <class T>
constexpr ValueKind kind_of(std::string_view words) {
  if constexpr (std::is_same_v<T, bool>) return ValueKind::Boolean;
  if constexpr (std::is_same_v<T, std::string>)
    return words.empty() ? ValueKind::Text : ValueKind::Word;
  if constexpr (std::is_same_v<T, std::vector<std::string>>)
    return words.empty() ? ValueKind::TextList : ValueKind::WordList;
  if constexpr (std::is_same_v<T, std::map<std::string, std::string>>) return ValueKind::TextMap;
  if constexpr (std::is_enum_v<T>) return ValueKind::Word;
  if constexpr (std::is_floating_point_v<T>) return ValueKind::Number;
  if constexpr (std::is_integral_v<T>) return ValueKind::WholeNumber;
  return ValueKind::ObjectList;
}

// The largest number that fits in T, 0 where that is no matter.
template <class T>
constexpr double largest_of() {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool> && sizeof(T) < 8)
    return static_cast<double>(std::numeric_limits<T>::max());
  return 0;
}

}  // namespace gyr::config
