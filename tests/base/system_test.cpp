// SPDX-License-Identifier: Apache-2.0
#include "base/system.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace gyr {
namespace {

class TempRoot {
 public:
  TempRoot() : path_(std::filesystem::temp_directory_path() / "gyr-system-test-XXXXXX") {
    std::string name = path_.string();
    path_ = mkdtemp(name.data());
  }
  ~TempRoot() { std::filesystem::remove_all(path_); }
  std::string str() const { return path_.string(); }
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
  }

 private:
  std::filesystem::path path_;
};

TEST(Files, ReadsBelowTheRootUpToTheLimit) {
  const TempRoot root;
  root.write("a/b", "0123456789");
  const auto files = system_files(root.str());
  EXPECT_EQ(*files->read("/a/b", 100), "0123456789");
  EXPECT_EQ(*files->read("/a/b", 4), "0123");
  const auto missing = files->read("/a/c", 1);
  ASSERT_FALSE(missing.has_value());
  EXPECT_NE(missing.error().message.find("/a/c"), std::string::npos);
  EXPECT_NE(missing.error().message.find("No such file"), std::string::npos);
}

TEST(Users, HostRootFilesPassOverMalformedLines) {
  const TempRoot root;
  root.write(
      "etc/passwd",
      "root:x:0:0:r:/root:/bin/sh\nbroken\nu:x:12z:1::/:/\nbob:x:1000:100::/home/bob:/bin/zsh\n");
  root.write("etc/group", "root:x:0:\nusers:x:100:bob\n:x\n");
  const auto users = system_users(root.str());
  ASSERT_TRUE(users->user(1000).has_value());
  EXPECT_EQ(users->user(1000)->name, "bob");
  EXPECT_EQ(users->user(1000)->home, "/home/bob");
  EXPECT_EQ(users->user(1000)->shell, "/bin/zsh");
  EXPECT_FALSE(users->user(12).has_value());
  EXPECT_EQ(users->group(100)->name, "users");
  EXPECT_EQ(users->all_users().size(), 2u);
}

TEST(Users, HostKnowsRoot) {
  const auto users = system_users("");
  ASSERT_TRUE(users->user(0).has_value());
  EXPECT_EQ(users->user(0)->name, "root");
}

}  // namespace
}  // namespace gyr
