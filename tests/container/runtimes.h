// SPDX-License-Identifier: Apache-2.0
// A host root in a temporary folder, with files as runtimes keep them.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/system.h"

namespace gyr::test {

inline const std::string kId(64, 'c');
inline const std::string kPodId(64, 'd');

class HostRoot {
 public:
  HostRoot() {
    std::string name = testing::TempDir() + "gyr_container_XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    root = name;
    files = system_files(root);
    process(1, 0, {"init"}, "/init.scope");
    space(1, "mnt", 1);
    space(1, "net", 1);
  }
  ~HostRoot() { std::filesystem::remove_all(root); }
  HostRoot(const HostRoot&) = delete;
  HostRoot& operator=(const HostRoot&) = delete;

  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root + path).parent_path());
    std::ofstream(root + path) << text;
  }
  void remove(const std::string& path) { std::filesystem::remove_all(root + path); }
  void link(const std::string& path, const std::string& target) {
    std::filesystem::create_directories(std::filesystem::path(root + path).parent_path());
    std::filesystem::remove(root + path);
    std::filesystem::create_symlink(target, root + path);
  }

  void process(int pid, int parent, const std::vector<std::string>& args,
               const std::string& cgroup) {
    const std::string dir = fmt::format("/proc/{}", pid);
    write(dir + "/stat", fmt::format("{} (a) b) S {} 1 1", pid, parent));
    std::string line;
    for (const std::string& arg : args) line.append(arg).push_back('\0');
    write(dir + "/cmdline", line);
    write(dir + "/cgroup", "0::" + cgroup + "\n");
  }
  void space(int pid, const std::string& kind, int number) {
    link(fmt::format("/proc/{}/ns/{}", pid, kind), fmt::format("{}:[{}]", kind, number));
  }
  void address(int pid, const std::string& text) {
    space(pid, "net", 4000 + pid);
    write(fmt::format("/proc/{}/net/fib_trie", pid),
          "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 127.0.0.1\n        /32 host LOCAL\n"
          "     |-- " +
              text + "\n        /32 host LOCAL\n");
  }

  std::string root;
  std::unique_ptr<Files> files;
};

// A bundle's configuration as runtimes write it, in part; `notes` are its annotations.
inline std::string oci(const std::string& notes, const std::string& more = "") {
  return R"({"ociVersion":"1.0.2","process":{"user":{"uid":33,"gid":33},"args":["/bin/app"],
    "capabilities":{"bounding":["CAP_CHOWN","CAP_KILL"]}},"root":{"path":"rootfs"},
    "mounts":[{"destination":"/proc","type":"proc","source":"proc"},
      {"destination":"/data","type":"bind","source":"/srv/data",
        "options":["rbind","rprivate","rw"]},
      {"destination":"/etc/hosts","type":"bind","source":"/srv/hosts","options":["bind","ro"]}],
    "annotations":{)" +
         notes + R"(},
    "linux":{"namespaces":[{"type":"pid"},{"type":"network"},{"type":"ipc"},{"type":"mount"}],
      "maskedPaths":["/proc/kcore"],
      "resources":{"devices":[{"allow":false,"access":"rwm"}]}})" +
         more + "}";
}

}  // namespace gyr::test
