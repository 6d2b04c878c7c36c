// SPDX-License-Identifier: Apache-2.0
// A strict reader of Prometheus' text format 0.0.4, for tests: it accepts what a server must accept
// and nothing else, and complains about what a server would drop silently.
#pragma once

#include <charconv>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace gyr::prometheus {

struct Series {
  std::map<std::string, std::string> labels;
  double value = 0;
};
struct Family {
  std::string help;
  std::string type;
  std::vector<Series> series;
};

class Parser {
 public:
  // The families by name. `fault` is empty, or says what is wrong in which line.
  std::map<std::string, Family> families;
  std::string fault;

  explicit Parser(std::string_view text) {
    if (!text.empty() && text.back() != '\n') fail("no newline at the end");
    while (!text.empty() && fault.empty()) {
      ++line_;
      const size_t end = text.find('\n');
      line(text.substr(0, end));
      text.remove_prefix(end + 1);
    }
  }
  const Series* find(const std::string& name,
                     const std::map<std::string, std::string>& labels = {}) const {
    const auto family = families.find(name);
    if (family == families.end()) return nullptr;
    for (const Series& each : family->second.series) {
      if (each.labels == labels) return &each;
    }
    return nullptr;
  }

 private:
  void fail(std::string why) {
    if (fault.empty()) fault = "line " + std::to_string(line_) + ": " + std::move(why);
  }
  static bool is_name(std::string_view text, bool colons) {
    if (text.empty()) return false;
    for (size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      const bool letter =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colons && c == ':');
      if (!letter && (i == 0 || c < '0' || c > '9')) return false;
    }
    return true;
  }
  void line(std::string_view text) {
    if (text.starts_with("# HELP ")) return help(text.substr(7));
    if (text.starts_with("# TYPE ")) return type(text.substr(7));
    if (text.empty() || text[0] == '#') return fail("neither help, type nor sample");
    sample(text);
  }
  void help(std::string_view text) {
    const size_t blank = text.find(' ');
    const std::string name(text.substr(0, blank));
    if (!is_name(name, true) || blank == std::string_view::npos) return fail("bad help");
    if (!families.try_emplace(name).second) return fail(name + " comes twice");
    for (size_t i = blank; i < text.size(); ++i) {
      if (text[i] != '\\') continue;
      if (++i == text.size() || (text[i] != '\\' && text[i] != 'n')) return fail("bad escape");
    }
    families[name].help = text.substr(blank + 1);
    open_ = name;
  }
  void type(std::string_view text) {
    const size_t blank = text.find(' ');
    if (blank == std::string_view::npos || text.substr(0, blank) != open_) {
      return fail("a type that does not follow its help");
    }
    Family& family = families[open_];
    family.type = text.substr(blank + 1);
    if (!family.series.empty()) return fail("a type behind samples");
    if (family.type != "counter" && family.type != "gauge") return fail("unknown type");
  }
  void sample(std::string_view text) {
    const size_t end = text.find_first_of("{ ");
    const std::string name(text.substr(0, end));
    if (end == std::string_view::npos || !is_name(name, true)) return fail("bad name " + name);
    if (name != open_ || families[open_].type.empty()) return fail(name + " outside its family");
    Series series;
    text.remove_prefix(end);
    if (text[0] == '{' && !labels(&text, &series)) return;
    if (text.empty() || text[0] != ' ') return fail("no blank before the value");
    text.remove_prefix(1);
    const auto [stop, error] =
        std::from_chars(text.data(), text.data() + text.size(), series.value);
    if (error != std::errc() || stop != text.data() + text.size()) {
      return fail("bad value " + std::string(text));
    }
    if (families[open_].type == "counter" && series.value < 0) return fail("a counter below 0");
    if (!known_.insert({name, series.labels}).second) return fail("a series comes twice");
    families[open_].series.push_back(std::move(series));
  }
  bool labels(std::string_view* text, Series* series) {
    text->remove_prefix(1);
    while (!text->empty() && text->front() != '}') {
      const size_t equals = text->find('=');
      const std::string name(text->substr(0, equals));
      if (equals == std::string_view::npos || !is_name(name, false) || name.starts_with("__")) {
        fail("bad label " + name);
        return false;
      }
      text->remove_prefix(equals + 1);
      std::string value;
      if (!quoted(text, &value)) return false;
      if (!series->labels.emplace(name, value).second) {
        fail("label " + name + " comes twice");
        return false;
      }
      if (!text->empty() && text->front() == ',') text->remove_prefix(1);
    }
    if (text->empty()) {
      fail("labels without end");
      return false;
    }
    text->remove_prefix(1);
    return true;
  }
  bool quoted(std::string_view* text, std::string* value) {
    if (text->empty() || text->front() != '"') {
      fail("a label's value without quotes");
      return false;
    }
    for (size_t i = 1; i < text->size(); ++i) {
      char c = (*text)[i];
      if (c == '"') {
        text->remove_prefix(i + 1);
        return true;
      }
      if (c == '\\') {
        c = ++i < text->size() ? (*text)[i] : '\0';
        if (c != '\\' && c != '"' && c != 'n') break;
        if (c == 'n') c = '\n';
      }
      *value += c;
    }
    fail("a label's value that is not closed, or a bad escape");
    return false;
  }

  size_t line_ = 0;
  std::string open_;
  std::set<std::pair<std::string, std::map<std::string, std::string>>> known_;
};

}  // namespace gyr::prometheus
