// SPDX-License-Identifier: Apache-2.0
// Whether files or the files of folders have changed, told by looking at them again: a look is some
// system calls, and unlike inotify it sees what is behind symbolic links that are swapped
// (Kubernetes ConfigMaps), network file systems and mounts, and needs no resource that may run out.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace gyr::app {

// Of one file: what changes when its content is replaced or written.
struct FileStamp {
  std::string path;
  bool exists = false;
  uint64_t device = 0, inode = 0, size = 0;
  int64_t modified_ns = 0, changed_ns = 0;  // since the epoch
  bool operator==(const FileStamp&) const = default;
};

// Of each path, links followed; of a folder also of the YAML files in it (10,000 at most), in
// alphabetical order.
std::vector<FileStamp> stamps_of(const std::vector<std::string>& paths);

// Tells a change once it is over: when two looks in a row find the same, which is not what was
// found when reset() was called.
class WatchedFiles {
 public:
  // What is there now is the state of the art. `paths` may be others than before.
  void reset(std::vector<std::string> paths);
  // Calls `read`, which reads files and says which, as reset() would name them: what changes while
  // they are read, or after that, is a change. Calls it again where there was one that it did not
  // know of before: only what is looked at before it is read can be told to have changed.
  void while_read(const std::function<std::vector<std::string>()>& read);
  // True once for each change, as soon as it is over.
  bool look();

 private:
  std::vector<std::string> paths_;
  std::vector<FileStamp> known_;
  std::vector<FileStamp> last_;
};

}  // namespace gyr::app
