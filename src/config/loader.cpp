// SPDX-License-Identifier: Apache-2.0
#include "config/loader.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>

#include "base/text.h"
#include "config/interval.h"
#include "config/options.h"
#include "yaml/document.h"

namespace gyr {
namespace {

using config::Entry;
using config::OptionRow;
using config::Origin;
using config::Problem;
using config::RemovedRow;
using config::Value;

constexpr std::array<std::string_view, 2> kSearched = {"/etc/gyr/gyr.yaml",
                                                       "/etc/falco/falco.yaml"};
constexpr size_t kMaxFileBytes = 4u << 20;
constexpr size_t kMaxIncludes = 1000;
constexpr uint64_t kMostWaitMs = 10'000;  // for a pipe that somebody writes a configuration into
constexpr uint32_t kDirectoryBit = 0040000;
constexpr uint32_t kTypeMask = 0170000;

// What the reference says when a key is wrong, for scripts that look for it; {} is the value.
constexpr std::pair<std::string_view, std::string_view> kKnownWords[] = {
    {"priority",
     "Unknown priority \"{}\"--must be one of emergency, alert, critical, error, warning, notice, "
     "informational, debug"},
    {"rule_matching", "Unknown rule matching strategy \"{}\"--must be one of first|all"},
    {"syscall_event_drops.threshold",
     "syscall event drops threshold must be a double in the range [0, 1]"},
    {"syscall_event_drops.actions",
     "available actions for syscall event drops are \"ignore\", \"log\", \"alert\", and \"exit\""},
};

std::optional<std::string> process_environment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

bool is_directory(const FileStat& stat) { return (stat.mode & kTypeMask) == kDirectoryBit; }

// What rules can write behind "static.".
bool is_field_name(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  bool begins = true;
  for (const char c : name) {
    if (begins ? !is_letter(c) : !is_letter(c) && !(c >= '0' && c <= '9') && c != '_' && c != '.') {
      return false;
    }
    begins = c == '.';
  }
  return !begins;
}

bool is_ip_address(const std::string& text) {
  std::array<uint8_t, 16> bytes{};
  return inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

// `path` is `key` or something below it.
bool is_below(std::string_view path, std::string_view key) {
  return path == key || (path.starts_with(key) && path[key.size()] == '.');
}

const OptionRow* find_option(std::string_view path) {
  for (const OptionRow& row : config::option_rows()) {
    if (row.path == path) return &row;
  }
  return nullptr;
}

const RemovedRow* find_removed(std::string_view path) {
  for (const RemovedRow& row : config::removed_rows()) {
    if (row.path == path) return &row;
  }
  return nullptr;
}

// Whether keys below `path` exist, now or in the past.
bool is_section(std::string_view path) {
  const auto inside = [&](const auto& row) { return row.path != path && is_below(row.path, path); };
  const auto options = config::option_rows();
  const auto removed = config::removed_rows();
  return std::any_of(options.begin(), options.end(), inside) ||
         std::any_of(removed.begin(), removed.end(), inside);
}

// Where a key stands that was written at the top: "engine.replay" for "replay".
std::string_view deeper_path(const std::string& key) {
  const std::string step = "." + key;
  for (const OptionRow& row : config::option_rows()) {
    const size_t at = row.path.find(step);
    if (at == std::string_view::npos) continue;
    const std::string_view rest = row.path.substr(at + step.size());
    if (rest.empty() || rest[0] == '.') return row.path.substr(0, at + step.size());
  }
  return {};
}

// The names that may stand in a section, for suggestions.
std::vector<std::string_view> names_in(std::string_view section) {
  std::vector<std::string_view> names;
  for (const OptionRow& row : config::option_rows()) {
    if (!section.empty() && (row.path == section || !is_below(row.path, section))) continue;
    const std::string_view rest = section.empty() ? row.path : row.path.substr(section.size() + 1);
    names.push_back(rest.substr(0, rest.find('.')));
  }
  return names;
}

void merge(const Value& from, MergeStrategy strategy, Value* into) {
  for (const Entry& entry : from.entries) {
    Value* old = into->find(entry.key);
    if (old == nullptr) {
      into->entries.push_back(entry);
    } else if (strategy == MergeStrategy::AddOnly) {
      continue;
    } else if (strategy == MergeStrategy::Append && old->is_sequence() &&
               entry.value.is_sequence()) {
      old->items.insert(old->items.end(), entry.value.items.begin(), entry.value.items.end());
    } else {
      *old = entry.value;
    }
  }
}

// Reads all keys of a configuration, with complaints about each that is wrong.
class Keys {
 public:
  Keys(const Value& root, Settings* settings, config::Problems* problems)
      : root_(root), settings_(*settings), problems_(*problems) {}

  void load() {
    if (root_.find("rules_file") != nullptr && root_.find("rules_files") != nullptr)
      problem(true, root_.find("rules_file")->origin,
              "rules_file and rules_files exclude each other");
    load_section(root_, "");
    check_values();
    check_static_names();
  }

 private:
  void problem(bool error, const Origin& origin, std::string message) {
    problems_.push_back({error, origin, std::move(message)});
  }
  void schema_problem(bool error, const Origin& origin, std::string message) {
    problems_.push_back({error, origin, std::move(message), true});
  }

  void load_section(const Value& map, std::string_view section) {
    for (const Entry& entry : map.entries) {
      const std::string path =
          section.empty() ? entry.key : fmt::format("{}.{}", section, entry.key);
      load_entry(entry, path, section);
    }
  }

  void load_entry(const Entry& entry, const std::string& path, std::string_view section) {
    if (const OptionRow* row = find_option(path)) {
      // A key without a value keeps its default.
      if (!entry.value.is_null()) load_option(*row, entry.value);
    } else if (const RemovedRow* removed = find_removed(path)) {
      load_removed(*removed, entry);
    } else if (!is_section(path)) {
      std::string_view guess = closest(entry.key, names_in(section));
      if (guess.empty() && section.empty()) guess = deeper_path(entry.key);
      schema_problem(false, entry.origin,
                     guess.empty()
                         ? fmt::format("unknown key '{}'", path)
                         : fmt::format("unknown key '{}'; did you mean '{}'?", path, guess));
    } else if (entry.value.is_map()) {
      load_section(entry.value, path);
    } else if (!entry.value.is_null()) {
      schema_problem(true, entry.value.origin, fmt::format("{}: must be a map", path));
    }
  }

  void load_option(const OptionRow& row, const Value& value) {
    if (value.is_unset && !is_good(row, value)) {
      return problem(false, value.origin,
                     fmt::format("{}: the variable in its value is empty or not set, so the "
                                 "default counts",
                                 row.path));
    }
    const size_t before = problems_.size();
    row.load(value, row.bounds, &settings_, &problems_);
    for (const auto& [path, words] : kKnownWords) {
      if (path == row.path && problems_.size() > before)
        problems_.back().message +=
            fmt::format(" ({})", fmt::format(fmt::runtime(words), value.text));
    }
  }

  static bool is_good(const OptionRow& row, const Value& value) {
    Settings settings;
    config::Problems faults;
    row.load(value, row.bounds, &settings, &faults);
    return std::none_of(faults.begin(), faults.end(), [](const Problem& p) { return p.error; });
  }

  void load_removed(const RemovedRow& row, const Entry& entry) {
    if (row.successor.empty()) {
      return problem(false, entry.origin,
                     fmt::format("'{}' was removed and has no effect: {}", row.path, row.advice));
    }
    problem(false, entry.origin, fmt::format("'{}' is now called '{}'", row.path, row.successor));
    if (root_.find_path(row.successor) == nullptr)
      load_option(*find_option(row.successor), entry.value);
  }

  // Texts with a form, and lists of words that exclude each other.
  void check_values() {
    const Settings& settings = settings_;
    const auto check = [&](std::string_view path, bool good, bool error, std::string message) {
      const Value* value = root_.find_path(path);
      if (value == nullptr || value->is_null() || good) return;
      problem(error, value->origin, fmt::format("{}: {}", path, message));
    };
    const std::string& interval = settings.metrics.interval;
    // Nobody waits for it while metrics are off.
    check("metrics.interval", parse_interval_ms(interval).has_value(), settings.metrics.enabled,
          fmt::format("'{}' is no interval of at least 100ms; write numbers with units, the larger "
                      "first: y, w, d, h, m, s, ms, for example 1h or 1m30s",
                      interval));
    const std::string& address = settings.webserver.listen_address;
    check("webserver.listen_address", is_ip_address(address), true,
          fmt::format("'{}' is no IP address; names are not looked up", address));
    const auto& files = settings.rules_files;
    check("rules_files", std::find(files.begin(), files.end(), "") == files.end(), true,
          "an entry is empty; each is the path of a file or directory");
    const std::vector<std::string>& actions = settings.event_drops.actions;
    const auto is_ignore = [](const std::string& action) { return to_lower(action) == "ignore"; };
    const auto other = std::find_if_not(actions.begin(), actions.end(), is_ignore);
    const bool ignores = std::any_of(actions.begin(), actions.end(), is_ignore);
    check("syscall_event_drops.actions", !ignores || other == actions.end(), true,
          fmt::format("syscall event drop action \"{}\" does not make sense with the \"ignore\" "
                      "action",
                      other == actions.end() ? "" : to_lower(*other)));
  }

  // A key that no rule could write is of no use.
  void check_static_names() {
    const Value* constants = root_.find("static_fields");
    if (constants == nullptr) return;
    for (const Entry& entry : constants->entries) {
      if (is_field_name(entry.key)) continue;
      problem(false, entry.origin,
              fmt::format("static_fields: rules cannot read '{}'; a name is letters, digits and "
                          "underscores, beginning with a letter, or several joined by dots",
                          entry.key));
    }
  }

  const Value& root_;
  Settings& settings_;
  config::Problems& problems_;
};

class Loader {
 public:
  Loader(const Files& files, const ConfigRequest& request) : files_(files), request_(request) {
    environment_ = request.environment ? request.environment : process_environment;
    root_.kind = yaml::Kind::Map;
  }

  ConfigResult load() {
    const std::string path = main_path();
    if (!path.empty()) {
      merge_file(path, MergeStrategy::Append, false);
      // A file that does not name standard output leaves it off, as it always did.
      result_.settings.stdout_enabled = false;
    }
    apply_overrides(true);
    load_includes();
    apply_overrides(false);
    Keys(root_, &result_.settings, &result_.problems).load();
    add_hidden_problems();
    result_.values = std::move(root_);
    return std::move(result_);
  }

 private:
  void problem(bool error, const Origin& origin, std::string message) {
    result_.problems.push_back({error, origin, std::move(message)});
  }

  std::string main_path() const {
    if (!request_.path.empty()) return request_.path;
    for (const std::string_view path : kSearched) {
      if (files_.stat(path, true)) return std::string(path);
    }
    return "";
  }

  // The file as a map; null when it is empty or was no good.
  std::optional<Value> read_file(const std::string& path) {
    const Origin origin{path, 0, 0};
    auto text = files_.read_in_time(path, kMaxFileBytes + 1, kMostWaitMs);
    if (!text) {
      problem(true, origin, text.error().message);
      return std::nullopt;
    }
    if (text->size() > kMaxFileBytes) {
      problem(true, origin, "more than 4 MiB; a configuration is smaller");
      return std::nullopt;
    }
    result_.files.push_back(path);
    result_.verdicts.emplace_back("none");
    const yaml::ParseResult parsed = yaml::parse(std::move(*text));
    if (!parsed.errors.empty()) {
      const yaml::Mark mark = parsed.errors[0].mark;
      problem(true, {path, mark.line, mark.column}, parsed.errors[0].message);
      return std::nullopt;
    }
    const auto& roots = parsed.document->roots();
    warn_of_more_documents(path, roots);
    if (roots.empty() || roots[0]->is_null()) return std::nullopt;
    if (!roots[0]->is_map()) {
      problem(true, place_of(path, *roots[0]),
              fmt::format("a configuration file is one map of keys to values, but this is {}",
                          kind_name(roots[0]->kind)));
      return std::nullopt;
    }
    auto value = config::from_yaml(*roots[0], path, environment_, &result_.problems);
    if (value) judge(*value);
    return value;
  }

  static Origin place_of(const std::string& path, const yaml::Node& node) {
    return {path, node.mark.line, node.mark.column};
  }

  // The reference reads the first one and passes over the others.
  void warn_of_more_documents(const std::string& path, const std::vector<yaml::NodePtr>& roots) {
    for (size_t i = 1; i < roots.size(); ++i) {
      if (roots[i]->is_null()) continue;
      return problem(false, place_of(path, *roots[i]),
                     "only the first document of a configuration file counts; this one, behind "
                     "'---', has no effect");
    }
  }

  // The file alone, as a schema sees it: what is merged over a fault of it would hide the fault.
  void judge(const Value& value) {
    Settings settings;
    config::Problems problems;
    Keys(value, &settings, &problems).load();
    std::vector<std::string> faults;
    for (const Problem& each : problems) {
      if (each.about_schema) faults.push_back(each.text());
    }
    result_.verdicts.back() = yaml::schema_verdict(faults);
    alone_.insert(alone_.end(), problems.begin(), problems.end());
  }

  // Faults of single files that are not among those of the merged result.
  void add_hidden_problems() {
    std::set<std::string> told;
    for (const Problem& problem : result_.problems) told.insert(problem.text());
    for (Problem& problem : alone_) {
      if (!problem.about_schema || told.contains(problem.text())) continue;
      problem.error = false;
      problem.message += " (without effect: another file or option replaces it)";
      result_.problems.push_back(std::move(problem));
    }
  }

  void merge_file(const std::string& path, MergeStrategy strategy, bool included) {
    const std::optional<Value> value = read_file(path);
    if (!value) return;
    const Value* nested = included ? value->find("config_files") : nullptr;
    if (nested != nullptr) {
      problem(true, nested->origin, "an included file cannot include others");
      return;
    }
    merge(*value, strategy, &root_);
  }

  void load_includes() {
    const Value* value = root_.find("config_files");
    if (value == nullptr) return;
    config::Problems complaints;
    Settings settings;
    const OptionRow& row = *find_option("config_files");
    // Complaints are made once, when all keys are loaded.
    row.load(*value, row.bounds, &settings, &complaints);
    for (const ConfigInclude& include : settings.config_files) {
      for (const std::string& path : include_paths(include.path)) {
        if (result_.files.size() > kMaxIncludes) {
          return problem(true, value->origin, "too many included files");
        }
        merge_file(path, include.strategy, true);
      }
    }
  }

  // The files an entry stands for; a path that does not exist stands for none.
  std::vector<std::string> include_paths(const std::string& path) {
    const auto stat = files_.stat(path, true);
    if (!stat) return {};
    if (!is_directory(*stat)) return {path};
    auto names = files_.list(path);
    if (!names) {
      problem(true, {path, 0, 0}, names.error().message);
      return {};
    }
    std::sort(names->begin(), names->end());
    std::vector<std::string> paths;
    for (const std::string& name : *names) {
      std::string file = fmt::format("{}/{}", path, name);
      if (yaml::has_yaml_extension(name) && is_there(file)) paths.push_back(std::move(file));
    }
    return paths;
  }

  // A folder in a folder stands for nothing, and so does a link to nothing.
  bool is_there(const std::string& file) {
    const auto stat = files_.stat(file, true);
    if (stat) return !is_directory(*stat);
    if (!files_.stat(file, false)) return true;  // reading it tells why
    problem(false, {file, 0, 0}, "left out: it is a link that leads nowhere");
    return false;
  }

  // Overrides of config_files count before the includes, all others behind them.
  void apply_overrides(bool includes) {
    for (const std::string& option : request_.overrides) {
      if (option.starts_with("config_files") == includes)
        config::apply_override(option, environment_, &root_, &result_.problems);
    }
  }

  const Files& files_;
  const ConfigRequest& request_;
  config::Environment environment_;
  Value root_;
  config::Problems alone_;  // of each file as if it were the only one
  ConfigResult result_;
};

}  // namespace

bool ConfigResult::ok() const {
  return std::none_of(problems.begin(), problems.end(), [](const auto& p) { return p.error; });
}

std::string ConfigResult::place_of(std::string_view path) const {
  const Value* value = values.find_path(path);
  if (value == nullptr) return std::string(path);
  return Problem{false, value->origin, std::string(path)}.text();
}

ConfigResult load_config(const Files& files, const ConfigRequest& request) {
  return Loader(files, request).load();
}

}  // namespace gyr
