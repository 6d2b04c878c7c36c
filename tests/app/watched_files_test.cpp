// SPDX-License-Identifier: Apache-2.0
#include "app/watched_files.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace gyr::app {
namespace {

namespace fs = std::filesystem;

struct Watched : testing::Test {
  Watched() {
    std::string name = fs::temp_directory_path() / "gyr-watched-XXXXXX";
    folder = mkdtemp(name.data());
  }
  ~Watched() override { fs::remove_all(folder); }
  std::string write(const std::string& name, const std::string& text) const {
    const fs::path path = folder / name;
    std::ofstream(path) << text;
    return path;
  }
  // A change is told by the second of two looks.
  bool is_changed() { return files.look() || files.look(); }

  fs::path folder;
  WatchedFiles files;
};

TEST_F(Watched, AChangeIsToldOnceWhenItIsOver) {
  const std::string path = write("a.yaml", "1");
  files.reset({path});
  EXPECT_FALSE(is_changed());
  write("a.yaml", "22");
  EXPECT_FALSE(files.look());  // it may go on
  write("a.yaml", "333");
  EXPECT_FALSE(files.look());  // it did
  EXPECT_TRUE(files.look());
  EXPECT_FALSE(is_changed());
}

TEST_F(Watched, ChangesThatAreTakenBackAreNone) {
  const std::string path = write("a.yaml", "1");
  files.reset({path});
  fs::rename(path, folder / "b");
  EXPECT_FALSE(files.look());
  fs::rename(folder / "b", path);  // its time of change is another
  EXPECT_FALSE(files.look());
  EXPECT_TRUE(files.look());
}

TEST_F(Watched, RemovedAndMadeAgain) {
  const std::string path = write("a.yaml", "1");
  files.reset({path});
  fs::remove(path);
  EXPECT_TRUE(is_changed());
  write("a.yaml", "1");
  EXPECT_TRUE(is_changed());
}

TEST_F(Watched, FoldersTellOfTheirYamlFilesOnly) {
  files.reset({folder});
  write("notes.txt", "1");
  EXPECT_FALSE(is_changed());
  write("more.yml", "1");
  EXPECT_TRUE(is_changed());
}

TEST_F(Watched, LinksAreFollowed) {
  write("one", "1");
  write("two", "1");
  const fs::path link = folder / "link.yaml";
  fs::create_symlink("one", link);
  files.reset({link});
  EXPECT_FALSE(is_changed());
  fs::create_symlink("two", folder / "next");
  fs::rename(folder / "next", link);
  EXPECT_TRUE(is_changed());
}

TEST_F(Watched, WhatChangesWhileItIsReadIsAChange) {
  const std::string path = write("a.yaml", "1");
  files.reset({path});
  files.while_read([&] {
    write("a.yaml", "22");  // behind the back of whoever has just read it
    return std::vector<std::string>{path};
  });
  EXPECT_TRUE(is_changed());
  files.while_read([&] { return std::vector<std::string>{path}; });
  EXPECT_FALSE(is_changed());
}

TEST_F(Watched, WhatWasNotKnownBeforeItWasReadIsReadAgain) {
  const std::string old = write("a.yaml", "1");
  const std::string added = write("b.yaml", "1");
  files.reset({old});
  int reads = 0;
  files.while_read([&] {
    write("b.yaml", std::string(static_cast<size_t>(++reads), 'x'));
    return std::vector<std::string>{old, added};
  });
  EXPECT_EQ(reads, 2);
  EXPECT_TRUE(is_changed()) << "the second time it was known";
}

TEST_F(Watched, NamesThatChangeEachTimeAreNotReadWithoutEnd) {
  int reads = 0;
  files.while_read([&] { return std::vector<std::string>{folder / std::to_string(++reads)}; });
  EXPECT_LT(reads, 10);
}

}  // namespace
}  // namespace gyr::app
