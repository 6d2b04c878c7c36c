// SPDX-License-Identifier: Apache-2.0
#include "app/commands.h"

#include <fmt/format.h>

#include "base/text.h"

namespace gyr::app {
namespace {

std::string list_words() { return std::string(kListTopics); }
std::string shell_words() { return std::string(kShells); }
std::string command_words() {
  std::string names;
  for (const Command& command : commands()) {
    names += (names.empty() ? "" : " ") + std::string(command.name);
  }
  return names;
}

// The order is that of the help.
constexpr Command kCommands[] = {
    {.name = "run",
     .usage = "[OPTIONS]\n--replay FILE [OPTIONS]\n-u [OPTIONS] -- COMMAND...",
     .summary = "detect on this host, in a capture file, or in a command; the default",
     .description =
         "Watches the system calls of this host, evaluates rules on them and prints alerts. With "
         "--replay it takes the events from a capture file, with -u from a command that it "
         "starts; both need neither the probe nor privileges.\n\n"
         "Alerts and the statistics at the end go to standard output, everything else to standard "
         "error. SIGINT and SIGTERM end with the statistics; a second one ends at once.",
     .options = run_lines,
     .examples = "sudo gyr  # with the built-in rules; then: sudo cat /etc/shadow\n"
                 "sudo gyr -r my_rules.yaml -o json_output=true -M 60\n"
                 "gyr --replay trace.scap -o rule_matching=all\n"
                 "sudo gyr -o gyr.record.file=seen.scap.gz  # detect, and keep what was seen\n"
                 "gyr -u -- make test  # detect in a command, without the probe",
     .statuses =
         "0 the capture ended, the time was over, or a signal asked for the end\n"
         "1 options, configuration, rules, a capture or an output was wrong, or a recording "
         "is not complete\n"
         "255 the file of -P could not be written\n"
         "other with -u: the status of the command",
     .run = run_detection},
    {.name = "check",
     .usage = "check [FILE...] [OPTIONS]",
     .summary = "check rules files: faults, and rules that cannot do what they say",
     .description =
         "Loads the rules files, each on top of those before it, and reports the loader's errors "
         "and warnings and findings of its own: rules that are never reached or can never match, "
         "outputs without a value, exceptions without effect and others (gyr list checks). "
         "Without a FILE the configured rules are checked, or the built-in ones.",
     .options = check_lines,
     .examples = "gyr check my_rules.yaml\n"
                 "gyr check falco_rules.yaml my_rules.yaml --warnings-as-errors  # in CI\n"
                 "gyr check rules.d --format sarif > rules.sarif\n"
                 "gyr check my_rules.yaml --ignore LOAD_UNUSED_MACRO",
     .statuses = "0 no errors, and with --warnings-as-errors no warnings either\n"
                 "1 findings of that kind\n"
                 "2 options or configuration were wrong, or there was nothing to check",
     .run = run_check,
     .words_are = Hint::File},
    {.name = "list",
     .usage = "list fields|events|ignored|plugins|rules|checks [OPTIONS]",
     .summary = "list fields, events, ignored events, plugins, rules or checks",
     .description = "",
     .options = list_lines,
     .examples = "gyr list fields | grep fd.  # the fields about descriptors\n"
                 "gyr list fields -N\n"
                 "gyr list events --format json\n"
                 "gyr list rules -r my_rules.yaml  # names alone",
     .statuses = "",
     .run = run_list,
     .words_are = Hint::Words,
     .word_name = "topic",
     .words = list_words},
    {.name = "describe",
     .usage = "describe [RULE] [OPTIONS]",
     .summary = "describe the rules, or one of them in full",
     .description = "",
     .options = describe_lines,
     .examples = "gyr describe\ngyr describe 'Read of account secrets' --json",
     .statuses = "",
     .run = run_describe,
     .words_are = Hint::Rule},
    {.name = "read",
     .usage = "read FILE [FILTER] [OPTIONS]",
     .summary = "print the events of a capture file, one line each",
     .description = "The filter is a condition without macros and lists.",
     .options = read_lines,
     .examples = "gyr read trace.scap\n"
                 "gyr read trace.scap 'fd.name contains /etc and evt.failed = true'\n"
                 "gyr read trace.scap evt.type=connect -p '%evt.num %proc.name %fd.name' -n 10\n"
                 "gyr read trace.scap evt.type=execve -j -p '%evt.time %proc.pid %proc.cmdline'",
     .statuses = "",
     .run = run_read,
     .words_are = Hint::Filter},
    {.name = "record",
     .usage = "record -w FILE [OPTIONS] [FILTER]",
     .summary = "record the events of this host in a capture file",
     .description =
         "Writes the state of all processes, then every system call the probe can see, or those "
         "that fit the filter. Ctrl-C ends it. What only keeps the state right is recorded "
         "whatever the filter says, and shown to nobody. Each of several files is a capture of "
         "its own.",
     .options = record_lines,
     .examples =
         "sudo gyr record -w host.scap.gz -M 60\n"
         "sudo gyr record -w opens.scap 'evt.type in (open, openat) and fd.name startswith /etc'\n"
         "sudo gyr record -w ring.scap -C 100 -W 10  # the last gigabyte, ring.scap00 to 09\n"
         "sudo gyr record -w 'day-%H.scap' -G 3600 -z\n"
         "gyr record -w part.scap -r host.scap.gz proc.name=nginx\n"
         "gyr --replay host.scap.gz  # detect in it",
     .statuses = "",
     .run = run_record,
     .words_are = Hint::Field},
    {.name = "syscalls",
     .usage = "syscalls [CALL...] [OPTIONS]",
     .summary = "which system calls detection collects, and why",
     .description = "Prints the calls that are collected with these rules and settings. With "
                    "--explain, or for the calls named, it says who asks for each.",
     .options = syscalls_lines,
     .examples = "gyr syscalls -r my_rules.yaml  # their names\n"
                 "gyr syscalls -r my_rules.yaml --explain\n"
                 "gyr syscalls read ptrace  # why these are collected or not\n"
                 "gyr syscalls -o 'base_syscalls.custom_set=[clone, execve, \"!mmap\"]' --explain",
     .statuses = "",
     .run = run_syscalls,
     .words_are = Hint::Syscall},
    {.name = "doctor",
     .usage = "doctor [OPTIONS]",
     .summary = "what this host allows live capture to do, and what to do about it",
     .description = "It loads and attaches the probe for a moment and changes nothing. Run it "
                    "where and as detection is to run.",
     .options = doctor_lines,
     .examples = "sudo gyr doctor\ngyr doctor --json",
     .statuses = "0 live capture works fully\n"
                 "1 it works, with the losses that are told\n"
                 "2 it does not work, or the options or the configuration are wrong",
     .run = run_doctor},
    {.name = "completion",
     .usage = "completion bash|zsh|fish",
     .summary = "print the completion of a shell",
     .description = "",
     .options = help_only_lines,
     .examples = "source <(gyr completion bash)\n"
                 "gyr completion zsh > /usr/local/share/zsh/site-functions/_gyr\n"
                 "gyr completion fish > ~/.config/fish/completions/gyr.fish",
     .statuses = "",
     .run = run_completion,
     .words_are = Hint::Words,
     .word_name = "shell",
     .words = shell_words},
    {.name = "man",
     .usage = "man [COMMAND]",
     .summary = "print the man page, of gyr or of one command, in troff",
     .description = "",
     .options = help_only_lines,
     .examples = "gyr man | man -l -\ngyr man check > gyr-check.1",
     .statuses = "",
     .run = run_man,
     .words_are = Hint::Words,
     .word_name = "command",
     .words = command_words},
    {.name = "version",
     .usage = "version [--json]",
     .summary = "print versions",
     .description = "",
     .options = version_lines,
     .examples = "gyr version --json",
     .statuses = "",
     .run = run_version},
    {.name = "help",
     .usage = "help [COMMAND]",
     .summary = "print what gyr or one of its commands does",
     .description = "",
     .options = help_only_lines,
     .examples = "gyr help check",
     .statuses = "",
     .run = run_help,
     .words_are = Hint::Words,
     .word_name = "command",
     .words = command_words},
};

}  // namespace

std::span<const Command> commands() { return kCommands; }

const Command* find_command(std::string_view name) {
  for (const Command& command : kCommands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

std::string unknown_command(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Command& command : kCommands) names.push_back(command.name);
  const std::string_view guess = closest(name, names);
  return fmt::format("there is no command '{}'; {}gyr help lists all", one_line(name),
                     guess.empty() ? "" : fmt::format("did you mean '{}'? ", guess));
}

std::string_view environment_lines() {
  return "HOST_ROOT\tFolder where the host's file system is mounted, when gyr runs in a "
         "container.\n"
         "FALCO_HOSTNAME\tName of the host in alerts.\n"
         "FALCO_CGROUP_MEM_PATH\tFile that tells the memory of gyr's control group, for metrics.";
}

}  // namespace gyr::app
