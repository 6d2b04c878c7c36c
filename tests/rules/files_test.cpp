// SPDX-License-Identifier: Apache-2.0
// Rule files as users name them: files, folders in alphabetical order, and what cannot be read.
#include "rules/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace gyr {
namespace {

using testing::ElementsAre;

TEST(RuleFiles, FoldersGiveTheirYamlFilesInOrder) {
  namespace fs = std::filesystem;
  const fs::path folder =
      fs::path(testing::TempDir()) / ("gyr_rule_files_" + std::to_string(getpid()));
  fs::create_directories(folder / "nested.yaml");
  for (const char* name : {"b.yml", "a.yaml", "c.txt", "nested.yaml/d.yaml"}) {
    std::ofstream(folder / name) << "text of " << name;
  }
  const std::string gone = (folder / "gone.yaml").string();
  std::vector<std::string> found;
  for (const RuleSource& source : read_rule_files({(folder / "c.txt"), gone, folder.string()})) {
    found.push_back(fs::path(source.name).filename().string() + ": " + source.text);
    EXPECT_EQ(source.read_error.empty(), source.name != gone);
  }
  fs::remove_all(folder);
  EXPECT_THAT(found, ElementsAre("c.txt: text of c.txt", "gone.yaml: ", "a.yaml: text of a.yaml",
                                 "b.yml: text of b.yml"));
}

}  // namespace
}  // namespace gyr
