// SPDX-License-Identifier: Apache-2.0
#include "config/changes.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "config/options.h"

namespace gyr::config {
namespace {

ConfigResult configuration(std::vector<std::string> overrides) {
  ConfigResult result =
      load_config(*system_files("/nowhere"),
                  {.path = "", .overrides = std::move(overrides), .environment = {}});
  EXPECT_TRUE(result.ok());
  return result;
}

std::vector<std::string> paths(const std::vector<Change>& changes) {
  std::vector<std::string> found;
  for (const Change& change : changes) found.push_back(change.path);
  return found;
}

TEST(Changes, ValuesCountNotSpellings) {
  EXPECT_TRUE(changed_keys(configuration({}), configuration({"json_output=false"})).empty());
  const auto changes = changed_keys(
      configuration({"priority=debug"}),
      configuration({"priority=notice", "webserver.listen_port=9", "rules[].disable.tag=x"}));
  EXPECT_EQ(paths(changes),
            (std::vector<std::string>{"rules", "priority", "webserver.listen_port"}));
  EXPECT_EQ(changes[2].before, "8765");
  EXPECT_EQ(changes[2].after, "9");
}

TEST(Changes, ListsOfObjectsAreComparedAsWritten) {
  const auto one = configuration({"append_output[].extra_output=a"});
  const auto other = configuration({"append_output[].extra_output=b"});
  EXPECT_EQ(paths(changed_keys(one, other)), std::vector<std::string>{"append_output"});
  EXPECT_TRUE(changed_keys(one, one).empty());
}

TEST(Changes, AKeyAndAllBelowIt) {
  EXPECT_TRUE(applies_live("rules"));
  EXPECT_TRUE(applies_live("base_syscalls.repair"));
  EXPECT_FALSE(applies_live("rules_files_of_others"));
  EXPECT_FALSE(applies_live("json_output"));
}

// A key that is renamed must not stay in the list.
TEST(Changes, EveryLiveKeyExists) {
  for (const std::string& key : live_keys()) {
    const auto rows = option_rows();
    EXPECT_TRUE(std::any_of(rows.begin(), rows.end(), [&](const OptionRow& row) {
      return row.path == key || row.path.starts_with(key + ".");
    })) << key;
  }
}

}  // namespace
}  // namespace gyr::config
