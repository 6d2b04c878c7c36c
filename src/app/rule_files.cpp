// SPDX-License-Identifier: Apache-2.0
#include "app/rule_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "base/system.h"
#include "embedded/default_rules.h"
#include "yaml/document.h"

namespace gyr::app {
namespace {

constexpr size_t kMaxFilesInFolder = 10000;

bool has_yaml_extension(const std::string& name) {
  return name.ends_with(".yaml") || name.ends_with(".yml");
}

FileReport unreadable(const std::string& path, std::string message) {
  FileReport report;
  report.name = path;
  Diagnostic fault;
  fault.code = Code::FileRead;
  fault.message = std::move(message);
  fault.locations.push_back({"rules content", "", {.file = path}});
  report.errors.push_back(std::move(fault));
  return report;
}

bool is_folder(const std::string& path) {
  struct stat st {};
  return stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

void add_file(const Files& files, const std::string& path, RuleFiles* found) {
  Result<std::string> text = files.read(path, yaml::kMaxBytes + 1);
  if (!text) {
    found->unreadable.push_back(unreadable(path, text.error().message));
    return;
  }
  found->sources.push_back({path, *std::move(text)});
}

void add_folder(const Files& files, const std::string& path, RuleFiles* found) {
  Result<std::vector<std::string>> names = files.list(path);
  if (!names) {
    found->unreadable.push_back(unreadable(path, names.error().message));
    return;
  }
  if (names->size() > kMaxFilesInFolder) {
    found->unreadable.push_back(unreadable(path, "more files than a rules folder can have"));
    return;
  }
  std::sort(names->begin(), names->end());
  const std::string folder = path.ends_with('/') ? path : path + "/";
  for (const std::string& name : *names) {
    std::string file = folder;
    file += name;
    if (has_yaml_extension(name) && !is_folder(file)) add_file(files, file, found);
  }
}

}  // namespace

RuleFiles read_rule_files(const std::vector<std::string>& paths) {
  // Paths are the user's, relative to the working directory: no root in front of them.
  const std::unique_ptr<Files> files = system_files("");
  RuleFiles found;
  for (const std::string& path : paths) {
    if (is_folder(path)) {
      add_folder(*files, path, &found);
    } else {
      add_file(*files, path, &found);
    }
  }
  return found;
}

RuleSource built_in_rules() { return {"built-in rules", std::string(embedded::default_rules())}; }

}  // namespace gyr::app
