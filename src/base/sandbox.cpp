// SPDX-License-Identifier: Apache-2.0
#include "base/sandbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include "base/system.h"

namespace gyr {
namespace {

// Rights by version of Landlock; the headers of Debian 12 know the first two.
constexpr uint64_t kTruncate = 1ull << 14;
constexpr uint64_t kFirstVersion = (1ull << 13) - 1;
constexpr int kVersionOfRefer = 2;
constexpr int kVersionOfTruncate = 3;

constexpr uint64_t kReadFile = LANDLOCK_ACCESS_FS_READ_FILE;
constexpr uint64_t kWriteFile = LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate;
constexpr uint64_t kReadFolder = kReadFile | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr uint64_t kWriteFolder =
    kWriteFile | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE;

// What the C library reads on its own: the local time, for one.
const char* const kForAll[] = {"/etc/localtime", "/usr/share/zoneinfo", "/dev/urandom"};

uint64_t handled_rights() {
  uint64_t rights = kFirstVersion;
  if (landlock_version() >= kVersionOfRefer) rights |= LANDLOCK_ACCESS_FS_REFER;
  if (landlock_version() >= kVersionOfTruncate) rights |= kTruncate;
  return rights;
}

// False: the kernel refused, errno says why.
bool allow(int ruleset, const std::string& path, uint64_t of_file, uint64_t of_folder) {
  const int fd = open(path.c_str(), O_PATH | O_CLOEXEC);
  if (fd < 0) return true;  // not there
  struct stat about {};
  const bool is_folder = fstat(fd, &about) == 0 && S_ISDIR(about.st_mode);
  landlock_path_beneath_attr rule{};
  rule.allowed_access = (is_folder ? of_folder : of_file) & handled_rights();
  rule.parent_fd = fd;
  const long done = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  const int error = errno;
  close(fd);
  errno = error;
  // A pipe or the like without a path, as /dev/stdout may be: Landlock does not limit these.
  return done == 0 || error == EBADFD;
}

bool allow_all_of(int ruleset, const Allowed& allowed) {
  for (const char* path : kForAll) {
    if (!allow(ruleset, path, kReadFile, kReadFolder)) return false;
  }
  if (!allow(ruleset, "/dev/null", kReadFile | kWriteFile, 0)) return false;
  for (const std::string& path : allowed.read) {
    if (!allow(ruleset, path, kReadFile, kReadFolder)) return false;
  }
  for (const std::string& path : allowed.write) {
    if (!allow(ruleset, path, kWriteFile, kWriteFolder)) return false;
  }
  return true;
}

Result<void> limit_files(const Allowed& allowed) {
  if (allowed.all_files || landlock_version() == 0) return {};
  const auto failed = [](const char* what) {
    return Error{
        fmt::format("the files of a thread cannot be limited: {}: {}", what, std::strerror(errno))};
  };
  const landlock_ruleset_attr wanted{.handled_access_fs = handled_rights()};
  // Of the structure only its first member is told: newer headers have more of them.
  const auto ruleset =
      static_cast<int>(syscall(SYS_landlock_create_ruleset, &wanted, sizeof(uint64_t), 0));
  if (ruleset < 0) return failed("landlock_create_ruleset");
  Result<void> done;
  if (!allow_all_of(ruleset, allowed)) {
    done = failed("landlock_add_rule");
  } else if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) {
    done = failed("landlock_restrict_self");
  }
  close(ruleset);
  return done;
}

}  // namespace

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::vector<std::string> folders_of(const std::string& path) {
  std::vector<std::string> folders = {folder_of(path)};
  std::array<char, PATH_MAX> target;
  // What is no regular file (a pipe, a terminal) is opened, and never made.
  struct stat about {};
  const bool there = stat(path.c_str(), &about) == 0;
  if (there && !S_ISREG(about.st_mode)) return {path};
  if (realpath(path.c_str(), target.data()) != nullptr) {
    folders.push_back(folder_of(target.data()));
  }
  return folders;
}

const std::vector<std::string>& network_files() {
  static const std::vector<std::string> kFiles = {
      "/etc/resolv.conf",
      "/etc/hosts",
      "/etc/nsswitch.conf",
      "/etc/host.conf",
      "/etc/gai.conf",
      "/etc/services",
      "/etc/protocols",
      "/etc/ld.so.cache",
      "/lib",
      "/lib64",
      "/usr/lib",
      "/usr/lib64",
      "/usr/local/lib",
      "/usr/share",
      "/usr/local/share",
      "/etc/ssl/certs",
      "/etc/ssl/cert.pem",
      "/etc/ssl/openssl.cnf",
      "/etc/pki/tls/certs",
      "/etc/pki/tls/cert.pem",
      "/etc/pki/ca-trust",
      "/etc/crypto-policies",
      "/var/lib/sss/mc",
      "/dev/random",
      "/sys/devices/system/cpu",
  };
  return kFiles;
}

int landlock_version() {
  static const int kVersion = [] {
    const long found =
        syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return found > 0 ? static_cast<int>(found) : 0;
  }();
  return kVersion;
}

Result<void> confine_thread(const char* name, const Allowed& allowed) {
  pthread_setname_np(pthread_self(), name);
  if (Result<void> given_up = keep_only(allowed.capabilities); !given_up) return given_up;
  return limit_files(allowed);
}

AllowedFiles::AllowedFiles(const Allowed& allowed) : looked_ns_(clock_ns(CLOCK_MONOTONIC)) {
  if (allowed.all_files || landlock_version() == 0) return;
  for (const auto* paths : {&allowed.read, &allowed.write}) {
    for (const std::string& path : *paths) files_.push_back(look(path));
  }
}

AllowedFiles::File AllowedFiles::look(std::string path) {
  struct stat about {};
  const bool there = stat(path.c_str(), &about) == 0;
  return {.path = std::move(path),
          .device = there ? about.st_dev : 0,
          .inode = there ? about.st_ino : 0};
}

bool AllowedFiles::replaced() {
  constexpr uint64_t kPauseNs = 50'000'000;
  const uint64_t now = clock_ns(CLOCK_MONOTONIC);
  if (now - looked_ns_ < kPauseNs) return false;
  looked_ns_ = now;
  for (const File& file : files_) {
    if (look(file.path) != file) return true;
  }
  return false;
}

void run_confined(const char* name, const std::function<Allowed()>& allowed,
                  const std::function<void(const Error&)>& failed,
                  const std::function<bool(AllowedFiles& files)>& work) {
  constexpr auto kNoThreadPause = std::chrono::seconds(1);
  Allowed now = allowed();
  const bool any_file = now.all_files || landlock_version() == 0;
  if (auto confined = confine_thread(name, {.capabilities = now.capabilities, .all_files = true});
      !confined) {
    failed(confined.error());
  }
  bool done = false;
  const auto confined_work = [&] {
    AllowedFiles files(now);  // before the rules are made: what is replaced meanwhile is noticed
    if (auto limited = confine_thread(name, now); !limited) failed(limited.error());
    done = work(files);
  };
  while (any_file && !done) confined_work();
  while (!done) {
    try {
      std::thread(confined_work).join();
    } catch (const std::system_error&) {  // no more threads for now
      std::this_thread::sleep_for(kNoThreadPause);
    }
    if (!done) now = allowed();
  }
}

}  // namespace gyr
