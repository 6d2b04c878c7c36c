// SPDX-License-Identifier: Apache-2.0
// Completion scripts. What is fixed (commands, options, words, keys) is written into them; names of
// rules and fields are asked from the program, with the -c, -o and -r that stand on the line.
#include <fmt/format.h>

#include <map>

#include "app/help.h"
#include "base/text.h"
#include "config/options.h"
#include "schema/schema.h"

namespace gyr::app {
namespace {

std::string config_keys() {
  std::string keys;
  for (const config::OptionRow& row : config::option_rows()) {
    if (row.path.find('[') == std::string_view::npos) keys += fmt::format("{}= ", row.path);
  }
  return keys;
}

std::string syscall_words() {
  std::string names;
  for (const ScInfo& call : all_syscalls()) names += fmt::format("{} ", call.name);
  return names;
}

std::vector<std::string> spellings(const OptionLine& option) {
  std::vector<std::string> all;
  if (option.letter != 0) all.push_back(fmt::format("-{}", option.letter));
  if (!option.name.empty()) all.push_back(fmt::format("--{}", option.name));
  return all;
}

bool has_value(const OptionLine& option) { return option.takes != Takes::Nothing; }

// What stands beside an option in a menu.
std::string short_help(const OptionLine& option) {
  if (option.retired.is()) return retirement_text(option);
  const size_t end = option.help.find(". ");
  std::string_view first = option.help.substr(0, end);
  if (first.ends_with('.')) first.remove_suffix(1);
  return std::string(first);
}

// How each shell asks for a value. "{}" stands for the words there are.
struct ShellWords {
  std::string_view bash;
  std::string_view zsh;
  std::string_view fish;
};

ShellWords shell_words(Hint hint) {
  switch (hint) {
    case Hint::None:
      break;
    case Hint::File:
      return {"_gyr_files", "_files", "-r -F"};
    case Hint::Words:
    case Hint::Syscall:
      return {"_gyr_words '{}'", "({})", "-x -a '{}'"};
    case Hint::Key:
      return {"_gyr_keys", "_gyr_keys", "-x -a '$__gyr_keys'"};
    case Hint::Rule:
      return {"_gyr_rules", "_gyr_rules", "-x -a '(__gyr_rules)'"};
    case Hint::Field:
      return {"_gyr_fields", "_gyr_fields", "-x -a '(gyr list fields -N 2>/dev/null)'"};
    case Hint::Filter:
      return {"_gyr_files; _gyr_fields", "_gyr_filter",
              "-r -F -a '(gyr list fields -N 2>/dev/null)'"};
  }
  return {":", " ", "-x"};
}

std::string ask(std::string_view ShellWords::*shell, Hint hint, std::string_view words) {
  const std::string calls = hint == Hint::Syscall ? syscall_words() : std::string();
  return fmt::format(fmt::runtime(shell_words(hint).*shell), calls.empty() ? words : calls);
}

// ---- bash

constexpr std::string_view kBashHead = R"sh(# bash completion of gyr; made by: gyr completion bash
_gyr_words() { COMPREPLY+=($(compgen -W "$1" -- "$cur")); }
_gyr_files() {
  compopt -o filenames 2>/dev/null
  local line
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$cur")
}
# The options on the line that say which rules there are.
_gyr_settings() {
  settings=()
  local i
  for ((i = 1; i < COMP_CWORD - 1; i++)); do
    case ${COMP_WORDS[i]} in
      -c | -r) settings+=("${COMP_WORDS[i]}" "${COMP_WORDS[i + 1]}") ;;
    esac
  done
}
_gyr_rules() {
  local settings line word=$cur quoted=
  case $word in \'* | \"*) word=${word:1} quoted=1 ;; esac
  word=${word//\\/}
  _gyr_settings
  while IFS= read -r line; do
    [[ $line == "$word"* ]] || continue
    if [[ $quoted ]]; then COMPREPLY+=("$line"); else COMPREPLY+=("$(printf %q "$line")"); fi
  done < <("$program" list rules "${settings[@]}" 2>/dev/null)
}
# The last word of a filter or format; what stands before it stays.
_gyr_fields() {
  local word=${cur##*[ \'\"%(]} field
  local before=${cur%"$word"}
  compopt -o nospace 2>/dev/null
  while IFS= read -r field; do
    [[ $field == "$word"* ]] && COMPREPLY+=("${before#[\'\"]}$field")
  done < <("$program" list fields -N 2>/dev/null)
}
_gyr_keys() {
  compopt -o nospace 2>/dev/null
  _gyr_words "$gyr_keys"
}
)sh";

constexpr std::string_view kBashTail = R"sh(
complete -F _gyr gyr
)sh";

constexpr std::string_view kBashFind = R"sh(# bash makes the "=" behind an option a word of its own.
_gyr() {
  local program=$1 cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=run
  COMPREPLY=()
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = && $COMP_CWORD -gt 2 ]]; then
    prev=${COMP_WORDS[COMP_CWORD - 2]}
  fi
)sh";

std::string bash_script() {
  std::string names, values, options, words;
  for (const Command& command : commands()) {
    names += (names.empty() ? "" : " ") + std::string(command.name);
    std::map<std::string, std::string> cases;  // what to reply → patterns
    std::string all;
    for (const OptionLine& option : command.options()) {
      for (const std::string& spelling : spellings(option)) {
        all += (all.empty() ? "" : " ") + spelling;
        if (!has_value(option)) continue;
        std::string& patterns = cases[ask(&ShellWords::bash, option.hint, option.words)];
        patterns += fmt::format("{}{}:{}", patterns.empty() ? "" : " | ", command.name, spelling);
      }
    }
    for (const auto& [reply, patterns] : cases) {
      values += fmt::format("    {}) {}; return ;;\n", patterns, reply);
    }
    options += fmt::format("      {}) _gyr_words '{}' ;;\n", command.name, all);
    if (command.words_are == Hint::None) continue;
    words += fmt::format(
        "    {}) {} ;;\n", command.name,
        ask(&ShellWords::bash, command.words_are, command.words ? command.words() : ""));
  }
  std::string pattern(names);
  for (size_t at = pattern.find(' '); at != std::string::npos; at = pattern.find(' ', at + 3)) {
    pattern.replace(at, 1, " | ");
  }
  return fmt::format(
      "{}gyr_keys='{}'\n{}"
      "  if ((COMP_CWORD > 1)); then\n    case ${{COMP_WORDS[1]}} in\n      {}) "
      "command=${{COMP_WORDS[1]}} ;;\n    esac\n  fi\n"
      "  case $command:$prev in\n{}  esac\n"
      "  if [[ $cur == -* ]]; then\n    case $command in\n{}    esac\n    return\n  fi\n"
      "  if ((COMP_CWORD == 1)); then\n    _gyr_words '{}'\n    return\n  fi\n"
      "  case $command in\n{}  esac\n}}{}",
      kBashHead, config_keys(), kBashFind, pattern, values, options, names, words, kBashTail);
}

// ---- zsh

std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return out;
}

std::string zsh_option(const OptionLine& option) {
  const std::vector<std::string> all = spellings(option);
  const bool repeats = option.takes == Takes::Values;
  std::string text;
  for (const std::string& spelling : all) {
    const bool is_long = spelling.starts_with("--");
    std::string spec = "'";
    if (repeats) {
      spec += "*";
    } else if (all.size() > 1) {
      spec += fmt::format("({} {})", all[0], all[1]);
    }
    spec += spelling;
    if (takes_value(option.takes)) spec += is_long ? "=" : "+";
    if (option.takes == Takes::OptionalValue) spec += "=-";
    spec += fmt::format("[{}]", zsh_text(short_help(option)));
    if (has_value(option)) {
      spec += fmt::format("{}{}:{}", option.takes == Takes::OptionalValue ? "::" : ":",
                          zsh_text(option.value_name),
                          ask(&ShellWords::zsh, option.hint, option.words));
    }
    text += fmt::format("        {}' \\\n", spec);
  }
  return text;
}

constexpr std::string_view kZshHead = R"sh(#compdef gyr
# zsh completion of gyr; made by: gyr completion zsh
# The options on the line that say which rules there are.
_gyr_settings() {
  settings=()
  local i
  for ((i = 2; i < CURRENT - 1; i++)); do
    case ${words[i]} in
      -c | -r) settings+=("${words[i]}" "${(Q)words[i + 1]}") ;;
    esac
  done
}
_gyr_rules() {
  local -a settings rules
  _gyr_settings
  rules=(${(f)"$(_call_program rules gyr list rules ${(q)settings} 2>/dev/null)"})
  compadd -a rules
}
_gyr_fields() {
  local -a fields
  fields=(${(f)"$(_call_program fields gyr list fields -N 2>/dev/null)"})
  compset -P '*[ %(]'
  compadd -S '' -a fields
}
_gyr_filter() { _files; _gyr_fields; }
)sh";

std::string zsh_script() {
  std::string described, cases;
  for (const Command& command : commands()) {
    described += fmt::format("    '{}:{}'\n", command.name, zsh_text(command.summary));
    cases += fmt::format("    {})\n      _arguments -s -S : \\\n", command.name);
    for (const OptionLine& option : command.options()) cases += zsh_option(option);
    std::string words = command.name == "run" ? "'*::command:_normal'" : "'*: :'";
    if (command.words_are != Hint::None) {
      words = fmt::format("'*:{}:{}'",
                          zsh_text(command.word_name.empty() ? "argument" : command.word_name),
                          ask(&ShellWords::zsh, command.words_are,
                              command.words != nullptr ? command.words() : ""));
    }
    cases += fmt::format("        {}\n      ;;\n", words);
  }
  return fmt::format(
      "{}_gyr_keys() {{ local -a keys; keys=({}); compadd -S '' -a keys; }}\n"
      "_gyr() {{\n  local -a commands\n  commands=(\n{}  )\n"
      "  if ((CURRENT == 2)) && [[ ${{words[2]}} != -* ]]; then\n    _describe command commands\n"
      "    return\n  fi\n"
      "  local command=run\n"
      "  if [[ -n ${{(M)commands:#${{words[2]}}:*}} ]]; then\n    command=${{words[2]}}\n"
      "    shift words\n    ((CURRENT--))\n  fi\n"
      "  case $command in\n{}  esac\n}}\n"
      "if [[ $funcstack[1] == _gyr ]]; then _gyr \"$@\"; else compdef _gyr gyr; fi\n",
      kZshHead, config_keys(), described, cases);
}

// ---- fish

std::string fish_text(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string fish_option(const Command& command, const OptionLine& option) {
  std::string text = fmt::format("complete -c gyr -n '__gyr_in {}'", command.name);
  if (option.letter != 0) text += fmt::format(" -s {}", option.letter);
  if (!option.name.empty()) text += fmt::format(" -l {}", option.name);
  if (takes_value(option.takes)) text += " " + ask(&ShellWords::fish, option.hint, option.words);
  if (option.takes == Takes::OptionalValue && !option.words.empty()) {
    text += fmt::format(" -a {}", fish_text(option.words));
  }
  return text + fmt::format(" -d {}\n", fish_text(short_help(option)));
}

constexpr std::string_view kFishHead = R"sh(# fish completion of gyr; made by: gyr completion fish
complete -c gyr -f
function __gyr_first
  test (count (commandline -opc)) -eq 1
end
function __gyr_in
  set -l words (commandline -opc)
  set -l command run
  if test (count $words) -gt 1; and contains -- $words[2] $__gyr_commands
    set command $words[2]
  end
  test $command = $argv[1]
end
# With the options on the line that say which rules there are.
function __gyr_rules
  set -l words (commandline -opc)
  set -l settings
  for i in (seq 2 (math (count $words) - 1))
    if contains -- $words[$i] -c -r
      set -a settings $words[$i] $words[(math $i + 1)]
    end
  end
  gyr list rules $settings 2>/dev/null
end
)sh";

std::string fish_script() {
  std::string names, text;
  for (const Command& command : commands()) {
    names += fmt::format(" {}", command.name);
    text += fmt::format("complete -c gyr -n __gyr_first -a {} -d {}\n", command.name,
                        fish_text(command.summary));
    for (const OptionLine& option : command.options()) text += fish_option(command, option);
    if (command.words_are == Hint::None) continue;
    // Behind "-x " or "-r ", which is about the value of an option.
    const std::string action = ask(&ShellWords::fish, command.words_are,
                                   command.words != nullptr ? command.words() : std::string());
    text += fmt::format("complete -c gyr -n '__gyr_in {}; and not __gyr_first' {}\n", command.name,
                        action.substr(3));
  }
  return fmt::format("{}set -g __gyr_commands{}\nset -g __gyr_keys {}\n{}", kFishHead, names,
                     config_keys(), text);
}

}  // namespace

std::string completion_script(std::string_view shell) {
  if (shell == "zsh") return zsh_script();
  if (shell == "fish") return fish_script();
  return bash_script();
}

}  // namespace gyr::app
