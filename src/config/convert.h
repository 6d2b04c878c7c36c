// SPDX-License-Identifier: Apache-2.0
// Reading and printing of every type a setting can have. One set of overloads per type: type_name()
// for people, read() from a configuration value, print() as YAML.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "config/options.h"

namespace gyr::config {

// Complaints about one value.
class Reader {
 public:
  Reader(std::string_view path, const Bounds& bounds, Problems* problems)
      : path_(path), bounds_(bounds), problems_(*problems) {}

  bool read(const Value& value, bool* out);
  bool read(const Value& value, double* out);
  bool read(const Value& value, uint64_t* out);
  bool read(const Value& value, std::string* out);
  bool read(const Value& value, std::vector<std::string>* out);
  bool read(const Value& value, std::map<std::string, std::string>* out);
  bool read(const Value& value, EngineKind* out);
  bool read(const Value& value, RuleMatching* out);
  bool read(const Value& value, CaptureMode* out);
  bool read(const Value& value, AttachMode* out);
  bool read(const Value& value, BatchForm* out);
  bool read(const Value& value, Priority* out);
  bool read(const Value& value, std::vector<ConfigInclude>* out);
  bool read(const Value& value, std::vector<RuleSelection>* out);
  bool read(const Value& value, std::vector<AppendOutput>* out);
  bool read(const Value& value, std::vector<PluginSettings>* out);
  bool read(const Value& value, uint32_t* out) { return narrow(value, out); }
  bool read(const Value& value, uint16_t* out) { return narrow(value, out); }

 private:
  template <class T>
  bool narrow(const Value& value, T* out) {
    uint64_t wide = 0;
    if (!read(value, &wide)) return false;
    if (wide > T(-1)) return fail(value, "the number is too large");
    *out = static_cast<T>(wide);
    return true;
  }
  template <class T>
  bool read_list(const Value& value, std::vector<T>* out);
  bool read_one(const Value& value, ConfigInclude* out);
  bool read_one(const Value& value, RuleSelection* out);
  bool read_one(const Value& value, AppendOutput* out);
  bool read_one(const Value& value, PluginSettings* out);
  bool read_match(const Value& value, AppendOutput* out);
  bool read_extra_fields(const Value& value, AppendOutput* out);
  bool is_tag_by_accident(const Value& value);
  bool check_bounds(const Value& value, double number);
  void check_keys(const Value& map, std::initializer_list<std::string_view> known);

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
std::string print(EngineKind value);
std::string print(RuleMatching value);
std::string print(CaptureMode value);
std::string print(AttachMode value);
std::string print(BatchForm value);
std::string print(Priority value);
inline std::string print(uint32_t value) { return print(uint64_t{value}); }
inline std::string print(uint16_t value) { return print(uint64_t{value}); }
// Objects have no short form; their defaults are empty.
template <class T>
std::string print(const std::vector<T>&) {
  return "[]";
}
inline std::string print(const std::map<std::string, std::string>&) { return "{}"; }

template <class T>
constexpr std::string_view type_name() {
  if constexpr (std::is_same_v<T, bool>) return "true or false";
  if constexpr (std::is_same_v<T, std::string>) return "text";
  if constexpr (std::is_same_v<T, EngineKind>)
    return "modern_ebpf, kmod, ebpf, ptrace, replay or nodriver";
  if constexpr (std::is_same_v<T, RuleMatching>) return "first or all";
  if constexpr (std::is_same_v<T, CaptureMode>) return "rules or all_rules";
  if constexpr (std::is_same_v<T, AttachMode>) return "auto, raw or per_syscall";
  if constexpr (std::is_same_v<T, BatchForm>) return "array or lines";
  if constexpr (std::is_same_v<T, Priority>) return "priority";
  if constexpr (std::is_same_v<T, std::vector<std::string>>) return "list of texts";
  if constexpr (std::is_same_v<T, std::map<std::string, std::string>>) return "map of texts";
  if constexpr (std::is_arithmetic_v<T>) return "number";
  return "list of objects";
}

}  // namespace gyr::config
