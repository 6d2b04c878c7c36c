// SPDX-License-Identifier: Apache-2.0
#include "base/system.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/openat2.h>
#include <poll.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstring>
#include <ctime>
#include <functional>

#include "base/text.h"

namespace gyr {
namespace {

class SystemClock final : public Clock {
 public:
  uint64_t now_ns() const override { return clock_ns(CLOCK_REALTIME); }
  uint64_t monotonic_ns() const override { return clock_ns(CLOCK_MONOTONIC); }
};

Error failure(const char* what, const std::string& path) {
  return {std::string(what) + " " + path + ": " + std::strerror(errno)};
}

uint64_t to_ns(const timespec& ts) {
  return static_cast<uint64_t>(ts.tv_sec) * 1'000'000'000ULL + static_cast<uint64_t>(ts.tv_nsec);
}

class SystemFiles final : public Files {
 public:
  explicit SystemFiles(std::string root) : root_(std::move(root)) {}

  Result<std::string> read(std::string_view path, size_t limit) const override {
    const std::string full = root_ + std::string(path);
    const int fd = open(full.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return failure("cannot open", full);
    return read_open(fd, full, limit);
  }

  Result<std::string> read_in_time(std::string_view path, size_t limit,
                                   uint64_t timeout_ms) const override {
    const std::string full = root_ + std::string(path);
    // Opening a pipe without this waits for somebody who writes.
    const int fd = open(full.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) return failure("cannot open", full);
    struct stat st {};
    const bool waits = fstat(fd, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
    return read_open(fd, full, limit, waits ? std::optional(timeout_ms) : std::nullopt);
  }

  Result<std::string> read_inside(std::string_view folder, std::string_view path,
                                  size_t limit) const override {
    const std::string inside = root_ + std::string(folder) + "/";
    const std::string full = inside + std::string(path);
    const int root = open(inside.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) return failure("cannot open", inside);
    open_how how{};
    how.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    const std::string relative(path);
    const auto fd =
        static_cast<int>(syscall(SYS_openat2, root, relative.c_str(), &how, sizeof(how)));
    const int error = errno;
    close(root);
    errno = error;
    if (fd < 0) return failure("cannot open", full);
    struct stat st {};
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
      close(fd);
      return Error{full + " is not a regular file"};
    }
    return read_open(fd, full, limit);
  }

  Result<std::vector<std::string>> list(std::string_view path) const override {
    const std::string full = root_ + std::string(path);
    DIR* dir = opendir(full.c_str());
    if (dir == nullptr) return failure("cannot list", full);
    std::vector<std::string> names;
    while (const dirent* entry = readdir(dir)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    closedir(dir);
    return names;
  }

  Result<std::string> read_link(std::string_view path) const override {
    const std::string full = root_ + std::string(path);
    std::array<char, PATH_MAX> target;
    const ssize_t got = readlink(full.c_str(), target.data(), target.size());
    if (got < 0) return failure("cannot read link", full);
    return std::string(target.data(), static_cast<size_t>(got));
  }

  Result<FileStat> stat(std::string_view path, bool follow) const override {
    const std::string full = root_ + std::string(path);
    struct stat st {};
    if ((follow ? ::stat(full.c_str(), &st) : lstat(full.c_str(), &st)) != 0) {
      return failure("cannot stat", full);
    }
    return FileStat{.inode = st.st_ino,
                    .mode = st.st_mode,
                    .uid = st.st_uid,
                    .gid = st.st_gid,
                    .size = static_cast<uint64_t>(st.st_size),
                    .device = st.st_dev,
                    .mtime_ns = to_ns(st.st_mtim),
                    .ctime_ns = to_ns(st.st_ctim)};
  }

 private:
  // Takes the descriptor. With a timeout each read waits for something to come.
  static Result<std::string> read_open(int fd, const std::string& full, size_t limit,
                                       std::optional<uint64_t> timeout_ms = {}) {
    std::string text;
    std::array<char, 8192> block;
    while (text.size() < limit) {
      if (timeout_ms && !wait_for_input(fd, *timeout_ms)) {
        close(fd);
        return Error{
            fmt::format("cannot read {}: nothing came for {} s", full, *timeout_ms / 1000)};
      }
      const ssize_t got = ::read(fd, block.data(), std::min(block.size(), limit - text.size()));
      if (got < 0 && (errno == EINTR || (errno == EAGAIN && timeout_ms))) continue;
      if (got < 0) {
        const Error error = failure("cannot read", full);
        close(fd);
        return error;
      }
      if (got == 0) break;
      text.append(block.data(), static_cast<size_t>(got));
    }
    close(fd);
    return text;
  }

  static bool wait_for_input(int fd, uint64_t timeout_ms) {
    const uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + timeout_ms * 1'000'000;
    while (true) {
      const uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
      if (now_ns >= end_ns) return false;
      pollfd wanted{fd, POLLIN, 0};
      const int ready = poll(&wanted, 1, static_cast<int>((end_ns - now_ns) / 1'000'000) + 1);
      if (ready > 0) return true;
      if (ready < 0 && errno != EINTR) return true;  // read() tells what is wrong
    }
  }

  std::string root_;
};

UserEntry to_entry(const passwd& pw) {
  return {.uid = pw.pw_uid,
          .gid = pw.pw_gid,
          .name = pw.pw_name,
          .home = pw.pw_dir,
          .shell = pw.pw_shell};
}

// The name services of the host. Called from one thread.
class NssUsers final : public Users {
 public:
  std::optional<UserEntry> user(uint32_t uid) const override {
    passwd pw{};
    passwd* found = nullptr;
    std::array<char, 16384> buffer;
    if (getpwuid_r(uid, &pw, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
      return std::nullopt;
    }
    return to_entry(pw);
  }
  std::optional<GroupEntry> group(uint32_t gid) const override {
    struct group gr {};
    struct group* found = nullptr;
    std::array<char, 65536> buffer;
    if (getgrgid_r(gid, &gr, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
      return std::nullopt;
    }
    return GroupEntry{.gid = gr.gr_gid, .name = gr.gr_name};
  }
  std::vector<UserEntry> all_users() const override {
    std::vector<UserEntry> users;
    setpwent();
    while (const passwd* pw = getpwent()) users.push_back(to_entry(*pw));  // NOLINT: one thread
    endpwent();
    return users;
  }
  std::vector<GroupEntry> all_groups() const override {
    std::vector<GroupEntry> groups;
    setgrent();
    while (const struct group* gr = getgrent()) {  // NOLINT: one thread
      groups.push_back({.gid = gr->gr_gid, .name = gr->gr_name});
    }
    endgrent();
    return groups;
  }
};

constexpr size_t kPasswdLimit = 4 << 20;

std::optional<uint32_t> number(std::string_view text) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// /etc/passwd and /etc/group below a root; malformed lines are passed over, as NSS does.
class FileUsers final : public Users {
 public:
  explicit FileUsers(std::string root) : files_(std::move(root)) {}

  std::optional<UserEntry> user(uint32_t uid) const override {
    for (UserEntry& entry : all_users()) {
      if (entry.uid == uid) return std::move(entry);
    }
    return std::nullopt;
  }
  std::optional<GroupEntry> group(uint32_t gid) const override {
    for (GroupEntry& entry : all_groups()) {
      if (entry.gid == gid) return std::move(entry);
    }
    return std::nullopt;
  }
  std::vector<UserEntry> all_users() const override {
    std::vector<UserEntry> users;
    each_line("/etc/passwd", [&](const std::vector<std::string_view>& part) {
      if (part.size() < 7) return;
      const auto uid = number(part[2]);
      const auto gid = number(part[3]);
      if (!uid || !gid) return;
      users.push_back({.uid = *uid,
                       .gid = *gid,
                       .name = std::string(part[0]),
                       .home = std::string(part[5]),
                       .shell = std::string(part[6])});
    });
    return users;
  }
  std::vector<GroupEntry> all_groups() const override {
    std::vector<GroupEntry> groups;
    each_line("/etc/group", [&](const std::vector<std::string_view>& part) {
      if (part.size() < 3) return;
      if (const auto gid = number(part[2])) groups.push_back({*gid, std::string(part[0])});
    });
    return groups;
  }

 private:
  void each_line(const char* path,
                 const std::function<void(const std::vector<std::string_view>&)>& use) const {
    const Result<std::string> text = files_.read(path, kPasswdLimit);
    if (!text) return;
    for (const std::string_view line : split(*text, '\n')) use(split(line, ':'));
  }
  SystemFiles files_;
};

}  // namespace

uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return to_ns(now);
}

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

std::unique_ptr<Files> system_files(std::string root) {
  return std::make_unique<SystemFiles>(std::move(root));
}

std::unique_ptr<Users> system_users(std::string root) {
  if (root.empty()) return std::make_unique<NssUsers>();
  return std::make_unique<FileUsers>(std::move(root));
}

}  // namespace gyr
