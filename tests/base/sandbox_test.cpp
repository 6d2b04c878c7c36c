// SPDX-License-Identifier: Apache-2.0
// What a confined thread can and cannot do, while the thread that made it stays as it was.
#include "base/sandbox.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/system.h"
#include "base/text.h"

namespace gyr {
namespace {

constexpr unsigned kSetpcap = 8;

std::string status_line(const std::string& key) {
  const auto text = system_files("")->read("/proc/thread-self/status", 65536);
  if (!text) return "";
  for (const std::string_view line : split(*text, '\n')) {
    if (line.starts_with(key + ":")) return std::string(trim(line.substr(key.size() + 1)));
  }
  return "";
}

uint64_t set_of(const std::string& key) {
  const std::string text = status_line(key);
  uint64_t bits = ~uint64_t{0};
  std::from_chars(text.data(), text.data() + text.size(), bits, 16);
  return bits;
}

template <class Work>
void in_thread(const Work& work) {
  std::thread(work).join();
}

// 0, or the reason.
int try_open(const std::string& path, int flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC, 0644);
  if (fd < 0) return errno;
  close(fd);
  return 0;
}

class Sandbox : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "gyr-sandbox-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    write("file", "content");
    mkdir((folder_ + "/inner").c_str(), 0755);
    mkdir((folder_ + "/outer").c_str(), 0755);
    write("inner/one", "1");
    write("outer/two", "2");
  }
  void TearDown() override {
    const std::string command = "rm -rf '" + folder_ + "'";
    EXPECT_EQ(system(command.c_str()), 0);
  }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
  }
  std::string folder_;
};

TEST_F(Sandbox, KeepsWhatItHasAndIsToldToKeep) {
  const Capabilities given = permitted_capabilities();
  const uint64_t bounded = set_of("CapBnd");
  const Capabilities wanted = {Capability::SysPtrace, Capability::Bpf};
  in_thread([&] {
    ASSERT_TRUE(keep_only(wanted));
    const uint64_t left = (wanted & given).bits();
    EXPECT_EQ(permitted_capabilities().bits(), left);
    EXPECT_EQ(set_of("CapPrm"), left);
    EXPECT_EQ(set_of("CapEff"), left);
    EXPECT_EQ(set_of("CapInh"), 0u);
    EXPECT_EQ(set_of("CapAmb"), 0u);
    EXPECT_EQ(status_line("NoNewPrivs"), "1");
    EXPECT_EQ(set_of("CapBnd"), given.has_number(kSetpcap) ? wanted.bits() & bounded : bounded);
    // Again, for more than before: nothing comes back.
    ASSERT_TRUE(keep_only({Capability::SysPtrace, Capability::SysAdmin}));
    EXPECT_EQ(permitted_capabilities(), given & Capabilities{Capability::SysPtrace});
    // A thread that it makes has no more than it.
    in_thread([] { EXPECT_EQ(set_of("CapPrm") & ~(1ull << 19), 0u); });
  });
  EXPECT_EQ(permitted_capabilities(), given);
  EXPECT_EQ(set_of("CapBnd"), bounded);
  EXPECT_EQ(status_line("NoNewPrivs"), "0");
}

TEST_F(Sandbox, ProgramsThatItStartsGetNothing) {
  in_thread([] {
    ASSERT_TRUE(confine_thread("t", {.all_files = true}));
    FILE* shown = popen("cat /proc/self/status", "r");
    ASSERT_NE(shown, nullptr);
    std::string text;
    std::array<char, 4096> block;
    while (const size_t got = fread(block.data(), 1, block.size(), shown)) {
      text.append(block.data(), got);
    }
    EXPECT_EQ(pclose(shown), 0);
    EXPECT_THAT(text, testing::HasSubstr("CapPrm:\t0000000000000000"));
    EXPECT_THAT(text, testing::HasSubstr("NoNewPrivs:\t1"));
  });
}

TEST_F(Sandbox, AsksWithoutACapability) {
  const Capabilities given = permitted_capabilities();
  const bool had = given.has(Capability::DacOverride);
  const auto in_effect = [] {
    return (set_of("CapEff") & Capabilities{Capability::DacOverride}.bits()) != 0;
  };
  EXPECT_FALSE(works_without({Capability::DacOverride}, in_effect));
  EXPECT_EQ(in_effect(), had);
  EXPECT_EQ(permitted_capabilities(), given);
}

TEST_F(Sandbox, OpensOnlyWhatIsAllowed) {
  if (landlock_version() == 0) GTEST_SKIP() << "this kernel has no Landlock";
  in_thread([this] {
    ASSERT_TRUE(confine_thread("gyr:test", {.read = {path("file")}, .write = {path("inner")}}));
    std::array<char, 16> name{};
    pthread_getname_np(pthread_self(), name.data(), name.size());
    EXPECT_STREQ(name.data(), "gyr:test");
    EXPECT_EQ(try_open(path("file"), O_RDONLY), 0);
    EXPECT_EQ(try_open(path("file"), O_WRONLY), EACCES);
    EXPECT_EQ(try_open(path("inner/one"), O_WRONLY | O_APPEND), 0);
    EXPECT_EQ(try_open(path("inner/one"), O_RDONLY), EACCES);
    EXPECT_EQ(try_open(path("inner/new"), O_WRONLY | O_CREAT), 0);
    EXPECT_EQ(rename(path("inner/new").c_str(), path("inner/newer").c_str()), 0);
    EXPECT_EQ(unlink(path("inner/newer").c_str()), 0);
    EXPECT_NE(rename(path("inner/one").c_str(), path("outer/one").c_str()), 0);
    EXPECT_EQ(try_open(path("outer/two"), O_RDONLY), EACCES);
    EXPECT_EQ(try_open(path("outer/new"), O_WRONLY | O_CREAT), EACCES);
    EXPECT_EQ(unlink(path("outer/two").c_str()), -1);
    EXPECT_EQ(try_open("/etc/shadow", O_RDONLY), EACCES);
    EXPECT_EQ(try_open("/etc/passwd", O_RDONLY), EACCES);
    EXPECT_EQ(try_open("/proc/self/environ", O_RDONLY), EACCES);
    EXPECT_EQ(try_open(folder_, O_RDONLY | O_DIRECTORY), EACCES);
    EXPECT_EQ(try_open("/dev/null", O_RDWR), 0);
    in_thread([this] { EXPECT_EQ(try_open(path("outer/two"), O_RDONLY), EACCES); });
  });
  EXPECT_EQ(try_open(path("outer/two"), O_RDONLY), 0);
  if (geteuid() == 0) {
    EXPECT_EQ(try_open("/etc/shadow", O_RDONLY), 0);
  }
}

TEST_F(Sandbox, NetworkFilesAreWhatNamesNeedAndNoSecrets) {
  if (landlock_version() == 0) GTEST_SKIP() << "this kernel has no Landlock";
  in_thread([] {
    ASSERT_TRUE(confine_thread("t", {.read = network_files()}));
    for (const char* path : {"/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf"}) {
      if (access(path, F_OK) != 0) continue;
      EXPECT_EQ(try_open(path, O_RDONLY), 0) << path;
    }
    for (const char* path : {"/etc/shadow", "/etc/passwd", "/etc/ssl/private", "/root", "/home"}) {
      if (access(path, F_OK) != 0) continue;
      EXPECT_EQ(try_open(path, O_RDONLY), EACCES) << path;
    }
  });
}

TEST_F(Sandbox, WhatHasNoPathIsNotLimited) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const std::string pipe_path = "/proc/self/fd/" + std::to_string(ends[1]);
  in_thread([&] {
    ASSERT_TRUE(confine_thread("t", {.write = {pipe_path, "/dev/stdout"}}));
    EXPECT_EQ(try_open(pipe_path, O_WRONLY), 0);
  });
  close(ends[0]);
  close(ends[1]);
}

TEST_F(Sandbox, AFileThatWasReplacedIsAllowedAgain) {
  if (landlock_version() == 0) GTEST_SKIP() << "this kernel has no Landlock";
  const auto allowed = [this] { return Allowed{.read = {path("file"), path("later")}}; };
  int rounds = 0;
  std::atomic<int> waiting{0};  // the round that waits for a change
  std::vector<std::string> faults;
  const auto failed = [&](const Error& error) { faults.push_back(error.message); };
  std::thread runner([&] {
    run_confined("t", allowed, failed, [&](AllowedFiles& files) {
      ++rounds;
      EXPECT_EQ(try_open(path("file"), O_RDONLY), 0);
      if (rounds == 3) {
        EXPECT_EQ(try_open(path("later"), O_RDONLY), 0);
        return true;
      }
      EXPECT_FALSE(files.replaced());
      EXPECT_EQ(try_open(path("later"), O_RDONLY), ENOENT);
      waiting = rounds;
      while (!files.replaced()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      return false;
    });
  });
  // By somebody who is not confined, as the writer of resolv.conf is.
  for (int round = 1; round <= 2; ++round) {
    while (waiting != round) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (round == 1) {
      write("other", "new content");
      EXPECT_EQ(rename(path("other").c_str(), path("file").c_str()), 0);
    } else {
      write("later", "it came");
    }
  }
  runner.join();
  EXPECT_EQ(rounds, 3);
  EXPECT_THAT(faults, testing::IsEmpty());
}

}  // namespace
}  // namespace gyr
