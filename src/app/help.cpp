// SPDX-License-Identifier: Apache-2.0
// --help, and the tables of docs/command-line.md.
#include "app/help.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/wrap.h"
#include "base/text.h"

namespace gyr::app {
namespace {

constexpr size_t kExampleColumn = 52;

std::string usage(const Command& command) {
  std::string text = "Usage:\n";
  for (const std::string_view line : split(command.usage, '\n')) {
    text += fmt::format("  gyr {}\n", line);
  }
  return text;
}

// "gyr …  # what it does", the comments below each other.
std::string examples(std::string_view lines) {
  if (lines.empty()) return "";
  std::string text = "\nExamples:\n";
  for (const std::string_view line : split(lines, '\n')) {
    const size_t comment = line.find("  # ");
    text += comment == std::string_view::npos
                ? fmt::format("  {}\n", line)
                : fmt::format("  {:<{}}  {}\n", line.substr(0, comment), kExampleColumn,
                              line.substr(comment + 2));
  }
  return text;
}

std::string statuses(std::string_view lines) {
  if (lines.empty()) return "\nExit status: 0, or 1 after an error.\n";
  std::string text = "\nExit status:\n";
  for (const std::string_view line : split(lines, '\n')) {
    const size_t blank = line.find(' ');
    text += fmt::format("  {:<6}{}\n", line.substr(0, blank), wrapped(line.substr(blank + 1), 8));
  }
  return text;
}

std::string environment() {
  std::string text = "\nEnvironment:\n";
  for (const std::string_view line : split(environment_lines(), '\n')) {
    const size_t tab = line.find('\t');
    text += fmt::format("  {:<22}{}\n", line.substr(0, tab), wrapped(line.substr(tab + 1), 24));
  }
  return text;
}

std::string sentence(std::string_view summary) {
  std::string text(summary);
  text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text + ".";
}

// In a cell of a table.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|' || c == '*' || c == '<') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string code(std::string_view text) {
  std::string quoted = "`";
  for (const char c : text) quoted += c == '|' ? std::string("\\|") : std::string(1, c);
  return quoted + "`";
}

}  // namespace

std::string help_text(const Command& command) {
  std::string text = wrapped(sentence(command.summary), 0) + "\n\n" + usage(command);
  if (!command.description.empty()) {
    for (const std::string_view paragraph : split(command.description, '\n')) {
      text += paragraph.empty() ? "" : "\n" + wrapped(paragraph, 0) + "\n";
    }
  }
  const std::vector<OptionLine> lines = command.options();
  if (lines.front().section.empty()) text += "\nOptions:\n";
  return text + option_lines(lines) + examples(command.examples) + statuses(command.statuses);
}

std::string help_text() {
  const Command& run = *find_command("run");
  std::string text =
      "Gyr watches the system calls of this host, evaluates rules on them and prints alerts.\n\n"
      "Usage:\n"
      "  gyr [OPTIONS]                    detect on this host, with the built-in rules\n"
      "  gyr --replay FILE [OPTIONS]      detect in a capture file\n"
      "  gyr -u [OPTIONS] -- COMMAND...   run a command and detect in it, without the probe\n"
      "  gyr COMMAND ...                  one of these; gyr help COMMAND says more\n\nCommands:\n";
  for (const Command& command : commands()) {
    text += fmt::format("  {:<12}{}\n", command.name, command.summary);
  }
  return text + option_lines(run.options()) + examples(run.examples) + statuses(run.statuses) +
         environment() +
         "\nDocumentation: gyr man COMMAND; every key: gyr --config-sample; pages: docs/ of the "
         "sources, /usr/share/doc/gyr of the package\n";
}

std::string option_table(const Command& command) {
  std::string text = "| option | meaning |\n|---|---|\n";
  for (const OptionLine& option : command.options()) {
    if (option.retired.is()) continue;
    text += fmt::format("| {} | {} |\n", code(spelled_fully(option)), cell(option.help));
  }
  return text;
}

std::string retired_table() {
  std::string text = "| option | gone since Falco | here |\n|---|---|---|\n";
  for (const OptionLine& option : find_command("run")->options()) {
    if (!option.retired.is()) continue;
    const Retirement& retired = option.retired;
    const std::string works =
        retired.successor.empty() ? "" : "works as " + code(retired.successor);
    text += fmt::format("| {} | {} | {}{}{} |\n", code(spelled_fully(option)), retired.since, works,
                        works.empty() || retired.remark.empty() ? "" : "; ", cell(retired.remark));
  }
  return text;
}

std::string command_table() {
  std::string text = "| command | what it does |\n|---|---|\n";
  for (const Command& command : commands()) {
    std::string usage;
    for (const std::string_view line : split(command.usage, '\n')) {
      usage += (usage.empty() ? "" : "<br>") + code(fmt::format("gyr {}", line));
    }
    text += fmt::format("| {} | {} |\n", usage, cell(command.summary));
  }
  return text;
}

}  // namespace gyr::app
