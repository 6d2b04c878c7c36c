// SPDX-License-Identifier: Apache-2.0
// The three doors to the world that tests replace: clock, files, users database.
#pragma once

#include <time.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gyr {

// Of one of the kernel's clocks (clock_gettime(2)).
uint64_t clock_ns(clockid_t clock);

class Clock {
 public:
  virtual ~Clock() = default;
  virtual uint64_t now_ns() const = 0;        // since the epoch
  virtual uint64_t monotonic_ns() const = 0;  // never goes back
};

struct FileStat {
  uint64_t inode = 0;
  uint32_t mode = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint64_t size = 0;
  uint64_t device = 0;  // as stat(2) gives it
  uint64_t mtime_ns = 0;
  uint64_t ctime_ns = 0;
};

// Reads below a root (HOST_ROOT, or a folder of a test). Paths are absolute inside that root.
class Files {
 public:
  virtual ~Files() = default;
  // At most `limit` bytes; an error names the path and the reason.
  virtual Result<std::string> read(std::string_view path, size_t limit) const = 0;
  // As read(), also of a pipe, which is an error once nothing has come for so long. Test doubles
  // need not have it.
  virtual Result<std::string> read_in_time(std::string_view path, size_t limit,
                                           uint64_t timeout_ms) const {
    (void)timeout_ms;
    return read(path, limit);
  }
  virtual Result<std::vector<std::string>> list(std::string_view path) const = 0;
  virtual Result<std::string> read_link(std::string_view path) const = 0;
  virtual Result<FileStat> stat(std::string_view path, bool follow) const = 0;
  // As read(), for folders that somebody else fills: `path` is resolved as if `folder` ("" or
  // "/proc/7/root") were the root, so no symbolic link leads out of it, and only a regular file is
  // read, so a pipe is not waited for. Test doubles need not have it.
  virtual Result<std::string> read_inside(std::string_view folder, std::string_view path,
                                          size_t limit) const {
    return read(std::string(folder) + std::string(path), limit);
  }
};

struct UserEntry {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::string name;
  std::string home;
  std::string shell;
};
struct GroupEntry {
  uint32_t gid = 0;
  std::string name;
};

class Users {
 public:
  virtual ~Users() = default;
  virtual std::optional<UserEntry> user(uint32_t uid) const = 0;
  virtual std::optional<GroupEntry> group(uint32_t gid) const = 0;
  virtual std::vector<UserEntry> all_users() const = 0;
  virtual std::vector<GroupEntry> all_groups() const = 0;
};

// The real ones. `root` is a prefix such as HOST_ROOT, "" for the host itself. Users are read from
// NSS when root is empty and from root/etc/passwd and root/etc/group otherwise.
Clock& system_clock();
std::unique_ptr<Files> system_files(std::string root);
std::unique_ptr<Users> system_users(std::string root);

}  // namespace gyr
