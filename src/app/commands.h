// SPDX-License-Identifier: Apache-2.0
// The table of commands: help, man pages, completions and the tables of docs/command-line.md are
// made from it and from the rows of options.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/app.h"
#include "app/option_table.h"
#include "app/options.h"

namespace gyr::app {

struct Command {
  std::string_view name;
  std::string_view usage;        // behind "gyr ": "read FILE [FILTER]"; lines for several ways
  std::string_view summary;      // one sentence without a full stop
  std::string_view description;  // paragraphs, parted by an empty line; "" = the summary says all
  std::vector<OptionLine> (*options)();
  std::string_view examples;  // a line each: "gyr …  # what it does"
  std::string_view statuses;  // a line each: "0 when …"; "" = 0 or 1 as everywhere
  int (*run)(const Invocation& call);
  Hint words_are = Hint::None;  // what stands behind the options
  std::string_view word_name{};
  std::string (*words)() = nullptr;  // of Hint::Words, parted by blanks
};

std::span<const Command> commands();
// Null if there is none of the name.
const Command* find_command(std::string_view name);
// "there is no command 'chek'; did you mean 'check'? …"
std::string unknown_command(std::string_view name);

// What `gyr list` and `gyr completion` take.
inline constexpr std::string_view kListTopics = "fields events ignored plugins rules checks";
inline constexpr std::string_view kShells = "bash zsh fish";

std::vector<OptionLine> run_lines();
std::vector<OptionLine> read_lines();
std::vector<OptionLine> record_lines();
std::vector<OptionLine> syscalls_lines();
std::vector<OptionLine> doctor_lines();
std::vector<OptionLine> check_lines();
std::vector<OptionLine> describe_lines();
std::vector<OptionLine> list_lines();
std::vector<OptionLine> version_lines();
std::vector<OptionLine> help_only_lines();

// Signals, files and variables of the environment; for man page and help: "NAME<tab>text" lines.
std::string_view environment_lines();

}  // namespace gyr::app
