// SPDX-License-Identifier: Apache-2.0
// What is made from the tables of commands and options is complete, and equal to the docs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "app/commands.h"
#include "app/help.h"

namespace gyr::app {
namespace {

using ::testing::HasSubstr;

std::string read_text(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::string table_of(const std::string& name) {
  if (name == "commands") return command_table();
  if (name == "retired") return retired_table();
  const Command* command = find_command(name);
  return command == nullptr ? "there is no such table\n" : option_table(*command);
}

// docs/command-line.md holds the tables between markers; GYR_UPDATE_GOLDEN=1 rewrites them.
TEST(CommandTable, ThePageIsCurrent) {
  const std::filesystem::path path = GYR_SOURCE_DIR "/docs/command-line.md";
  const std::string begin = "<!-- table: ";
  const std::string end = "<!-- end of table -->";
  const std::string page = read_text(path);
  std::string wanted;
  std::set<std::string> met;
  size_t at = 0;
  for (size_t marker = page.find(begin); marker != std::string::npos;
       marker = page.find(begin, at)) {
    const size_t name = marker + begin.size();
    const std::string which = page.substr(name, page.find(' ', name) - name);
    const size_t body = page.find('\n', marker) + 1;
    wanted += page.substr(at, body - at) + table_of(which);
    met.insert(which);
    at = page.find(end, body);
    ASSERT_NE(at, std::string::npos) << "the table of " << which << " has no end";
  }
  wanted += page.substr(at);
  if (std::getenv("GYR_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << wanted;
  EXPECT_EQ(read_text(path), wanted);
  for (const char* table : {"commands", "run", "retired", "check", "list", "describe", "read",
                            "record", "syscalls", "doctor"}) {
    EXPECT_TRUE(met.contains(table)) << table;
  }
}

TEST(CommandTable, EveryOptionIsExplainedOnce) {
  for (const Command& command : commands()) {
    std::set<std::string> spellings;
    for (const OptionLine& option : command.options()) {
      const std::string name = spelled(option);
      EXPECT_TRUE(spellings.insert(name).second) << command.name << " " << name;
      if (option.letter != 0 && !option.name.empty()) {
        EXPECT_TRUE(spellings.insert("--" + std::string(option.name)).second) << name;
      }
      const Retirement& retired = option.retired;
      EXPECT_EQ(option.help.empty(), retired.is()) << name;
      if (retired.is()) {
        EXPECT_FALSE(retired.successor.empty() && retired.remark.empty()) << name;
      }
      EXPECT_EQ(option.takes == Takes::Nothing, option.value_name.empty()) << name;
      EXPECT_EQ(option.hint == Hint::Words, !option.words.empty()) << name;
    }
    EXPECT_TRUE(spellings.contains("-h")) << command.name;
    EXPECT_EQ(command.words_are == Hint::Words, command.words != nullptr) << command.name;
  }
}

// Everything that shows options shows each of them.
TEST(CommandTable, HelpManAndCompletionsAreComplete) {
  const std::string man = man_page();
  const std::string shells[] = {completion_script("bash"), completion_script("zsh")};
  const std::string fish = completion_script("fish");
  for (const Command& command : commands()) {
    EXPECT_THAT(help_text(), HasSubstr("  " + std::string(command.name) + " "));
    EXPECT_THAT(man_page(command), HasSubstr(".SH SYNOPSIS"));
    for (const OptionLine& option : command.options()) {
      EXPECT_THAT(help_text(command), HasSubstr(spelled_fully(option)));
      const std::string name(option.name.empty() ? std::string(1, option.letter)
                                                 : std::string(option.name));
      for (const std::string& script : shells) EXPECT_THAT(script, HasSubstr("-" + name));
      const char* kind = option.name.empty() ? " -s " : " -l ";
      EXPECT_THAT(fish, HasSubstr("__gyr_in " + std::string(command.name) + "'"));
      EXPECT_THAT(fish, HasSubstr(kind + name));
      std::string escaped;
      for (const char c : name) escaped += c == '-' ? std::string("\\-") : std::string(1, c);
      EXPECT_THAT(man, HasSubstr("\\-" + escaped));
    }
  }
}

}  // namespace
}  // namespace gyr::app
