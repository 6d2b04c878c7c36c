// SPDX-License-Identifier: Apache-2.0
// Everything that is printed about the command line, made from the tables of commands and options.
#pragma once

#include <string>
#include <string_view>

#include "app/commands.h"

namespace gyr::app {

std::string help_text();
std::string help_text(const Command& command);

// troff for man(1): gyr.1 with all commands, or gyr-COMMAND.1.
std::string man_page();
std::string man_page(const Command& command);

// A table of the command's options in Markdown, for docs/command-line.md; retired ones have a table
// of their own.
std::string option_table(const Command& command);
std::string retired_table();
std::string command_table();

// `shell` is one of kShells.
std::string completion_script(std::string_view shell);

}  // namespace gyr::app
