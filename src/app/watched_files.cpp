// SPDX-License-Identifier: Apache-2.0
#include "app/watched_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "base/system.h"
#include "rules/files.h"
#include "yaml/document.h"

namespace gyr::app {
namespace {

int64_t nanoseconds(const timespec& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; }

// Also says whether it is a folder.
std::pair<FileStamp, bool> stamp_of(const std::string& path) {
  FileStamp stamp{.path = path};
  struct stat st {};
  if (stat(path.c_str(), &st) != 0) return {stamp, false};
  stamp.exists = true;
  stamp.device = st.st_dev;
  stamp.inode = st.st_ino;
  stamp.size = static_cast<uint64_t>(st.st_size);
  stamp.modified_ns = nanoseconds(st.st_mtim);
  stamp.changed_ns = nanoseconds(st.st_ctim);
  return {stamp, S_ISDIR(st.st_mode)};
}

// Other files may come and go in a folder: that is no change.
void add_folder(const std::string& path, std::vector<FileStamp>* stamps) {
  auto names = system_files("")->list(path);
  if (!names) return;
  std::erase_if(*names, [](const std::string& name) { return !yaml::has_yaml_extension(name); });
  std::sort(names->begin(), names->end());
  names->resize(std::min(names->size(), kMaxFilesInFolder));
  const std::string folder = path.ends_with('/') ? path : path + "/";
  for (const std::string& name : *names) stamps->push_back(stamp_of(folder + name).first);
}

}  // namespace

std::vector<FileStamp> stamps_of(const std::vector<std::string>& paths) {
  std::vector<FileStamp> stamps;
  for (const std::string& path : paths) {
    const auto [stamp, is_folder] = stamp_of(path);
    if (is_folder) {
      stamps.push_back({.path = path, .exists = true});
      add_folder(path, &stamps);
    } else {
      stamps.push_back(stamp);
    }
  }
  return stamps;
}

void WatchedFiles::reset(std::vector<std::string> paths) {
  paths_ = std::move(paths);
  known_ = stamps_of(paths_);
  last_ = known_;
}

void WatchedFiles::while_read(const std::function<std::vector<std::string>()>& read) {
  // Each round more needs a file that names others to be changed in the short time of the last.
  constexpr int kRounds = 4;
  reset(std::move(paths_));
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::string> paths = read();
    if (paths == paths_) return;
    reset(std::move(paths));
  }
}

bool WatchedFiles::look() {
  std::vector<FileStamp> now = stamps_of(paths_);
  const bool settled = now == last_;
  last_ = std::move(now);
  if (!settled || last_ == known_) return false;
  known_ = last_;
  return true;
}

}  // namespace gyr::app
