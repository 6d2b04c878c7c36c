// SPDX-License-Identifier: Apache-2.0
// gyr help, man, completion and version.
#include "app/help.h"
#include "app/listings.h"
#include "app/terminal.h"

namespace gyr::app {
namespace {

// The word behind the command, "" if there is none, or its end with this exit status.
struct Word {
  std::string word;
  std::optional<int> status;
};

Word word_of(std::string_view command, const Invocation& call) {
  const Result<Options> options = parse_word_options(command, call.arguments);
  if (!options) return {"", print_error(options.error().message)};
  if (options->help) return {"", print_result(help_text(*find_command(command)))};
  return {options->words.empty() ? "" : options->words.front(), std::nullopt};
}

}  // namespace

int run_help(const Invocation& call) {
  const Word about = word_of("help", call);
  if (about.status) return *about.status;
  return print_result(about.word.empty() ? help_text() : help_text(*find_command(about.word)));
}

int run_man(const Invocation& call) {
  const Word about = word_of("man", call);
  if (about.status) return *about.status;
  return print_result(about.word.empty() ? man_page() : man_page(*find_command(about.word)));
}

int run_completion(const Invocation& call) {
  const Word shell = word_of("completion", call);
  if (shell.status) return *shell.status;
  if (shell.word.empty()) return print_error("gyr completion needs a shell: bash, zsh or fish");
  return print_result(completion_script(shell.word));
}

int run_version(const Invocation& call) {
  const Result<Options> options = parse_version_options(call.arguments);
  if (!options) return print_error(options.error().message);
  if (options->help) return print_result(help_text(*find_command("version")));
  return print_result(options->json ? version_json() : version_text());
}

}  // namespace gyr::app
