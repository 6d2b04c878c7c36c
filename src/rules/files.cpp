// SPDX-License-Identifier: Apache-2.0
#include "rules/files.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "base/system.h"
#include "yaml/document.h"

namespace gyr {
namespace {

bool is_folder(const std::string& path) {
  struct stat st {};
  return stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

void add_file(const Files& files, const std::string& path, std::vector<RuleSource>* found) {
  constexpr uint64_t kMostWaitMs = 10'000;  // for a pipe
  Result<std::string> text = files.read_in_time(path, yaml::kMaxBytes + 1, kMostWaitMs);
  if (!text) {
    found->push_back({path, "", text.error().message});
    return;
  }
  found->push_back({path, *std::move(text)});
}

void add_folder(const Files& files, const std::string& path, std::vector<RuleSource>* found) {
  Result<std::vector<std::string>> names = files.list(path);
  if (!names) {
    found->push_back({path, "", names.error().message});
    return;
  }
  if (names->size() > kMaxFilesInFolder) {
    found->push_back({path, "", "more files than a rules folder can have"});
    return;
  }
  std::sort(names->begin(), names->end());
  const std::string folder = path.ends_with('/') ? path : path + "/";
  for (const std::string& name : *names) {
    std::string file = folder;
    file += name;
    if (yaml::has_yaml_extension(name) && !is_folder(file)) add_file(files, file, found);
  }
}

}  // namespace

std::vector<RuleSource> read_rule_files(const std::vector<std::string>& paths) {
  // Paths are the user's, relative to the working directory: no root in front of them.
  const std::unique_ptr<Files> files = system_files("");
  std::vector<RuleSource> found;
  for (const std::string& path : paths) {
    if (is_folder(path)) {
      add_folder(*files, path, &found);
    } else {
      add_file(*files, path, &found);
    }
  }
  return found;
}

}  // namespace gyr
