// SPDX-License-Identifier: Apache-2.0
// Man pages in troff's man macros.
#include <fmt/format.h>

#include "app/help.h"
#include "base/text.h"

namespace gyr::app {
namespace {

// Text of a page: a backslash is one, a dash stays a dash, no line is taken for a request.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

std::string title(std::string_view name, std::string_view summary) {
  std::string upper;
  for (const char c : name) upper += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return fmt::format(".TH {} 1 \"\" \"Gyr {}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n", upper,
                     GYR_VERSION, escaped(name), escaped(summary));
}

std::string synopsis(const Command& command) {
  std::string text;
  for (const std::string_view line : split(command.usage, '\n')) {
    text += fmt::format("{}.B gyr\n{}\n", text.empty() ? "" : ".br\n", escaped(line));
  }
  return text;
}

std::string paragraphs(std::string_view description) {
  std::string text;
  for (const std::string_view paragraph : split(description, '\n')) {
    if (!paragraph.empty()) text += ".PP\n" + escaped(paragraph) + "\n";
  }
  return text;
}

std::string item(std::string_view what, std::string_view meaning) {
  return fmt::format(".TP\n\\fB{}\\fR\n{}\n", escaped(what), escaped(meaning));
}

std::string options(const Command& command, std::string_view heading) {
  std::string text;
  for (const OptionLine& option : command.options()) {
    if (!option.section.empty()) text += fmt::format("{} {}\n", heading, escaped(option.section));
    const std::string meaning =
        option.retired.is() ? retirement_text(option) + "." : std::string(option.help);
    text += item(spelled_fully(option), meaning);
  }
  return text;
}

std::string examples(const Command& command) {
  std::string text;
  for (const std::string_view line : split(command.examples, '\n')) {
    text += fmt::format(".PP\n.nf\n.RS\n{}\n.RE\n.fi\n", escaped(line));
  }
  return text;
}

std::string statuses(const Command& command) {
  if (command.statuses.empty()) return ".PP\n0, or 1 after an error.\n";
  std::string text;
  for (const std::string_view line : split(command.statuses, '\n')) {
    const size_t blank = line.find(' ');
    text += item(line.substr(0, blank), line.substr(blank + 1));
  }
  return text;
}

std::string environment() {
  std::string text = ".SH ENVIRONMENT\n";
  for (const std::string_view line : split(environment_lines(), '\n')) {
    const size_t tab = line.find('\t');
    text += item(line.substr(0, tab), line.substr(tab + 1));
  }
  return text;
}

}  // namespace

std::string man_page(const Command& command) {
  std::string text = title(fmt::format("gyr-{}", command.name), command.summary);
  text += ".SH SYNOPSIS\n" + synopsis(command);
  if (!command.description.empty()) text += ".SH DESCRIPTION\n" + paragraphs(command.description);
  text += ".SH OPTIONS\n" + options(command, ".SS");
  if (!command.examples.empty()) text += ".SH EXAMPLES\n" + examples(command);
  return text + ".SH EXIT STATUS\n" + statuses(command) + environment() +
         ".SH SEE ALSO\n.BR gyr (1)\n";
}

std::string man_page() {
  const Command& run = *find_command("run");
  std::string text = title("gyr", "runtime security for Linux") + ".SH SYNOPSIS\n" + synopsis(run) +
                     ".br\n.B gyr\n.I COMMAND\n[OPTIONS]\n.SH DESCRIPTION\n" +
                     paragraphs(run.description) + ".SH COMMANDS\n";
  for (const Command& command : commands()) text += item(command.name, command.summary);
  text += ".SH OPTIONS\n" + options(run, ".SS") + ".SH EXAMPLES\n" + examples(run);
  text += ".SH EXIT STATUS\n" + statuses(run);
  for (const Command& command : commands()) {
    if (&command == &run) continue;
    std::string name(command.name);
    for (char& c : name) c = static_cast<char>(c - 'a' + 'A');
    text += fmt::format(".SH {}\n", escaped("GYR " + name)) + synopsis(command) +
            paragraphs(command.description) + options(command, ".SS");
    if (!command.statuses.empty()) text += ".PP\nExit status:\n" + statuses(command);
  }
  return text + environment() + ".SH FILES\n" +
         item("/etc/gyr/gyr.yaml, /etc/falco/falco.yaml",
              "The configuration: the "
              "first that exists. Under the name falco only the second is read.") +
         item("/usr/share/doc/gyr/docs", "The documentation, where the package is installed.");
}

}  // namespace gyr::app
