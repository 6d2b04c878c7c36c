// SPDX-License-Identifier: Apache-2.0
// The command line: one row per option (options.cpp, file_options.cpp), from which parsing, help
// and suggestions follow. Spelling and meaning are the reference's; what is ours is said in the
// row.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "field/listing.h"

namespace gyr::app {

// What the user asked for. Options that stand for settings of the configuration are kept as
// "key=value" in `overrides`, in the order given.
struct Options {
  bool help = false;
  bool version = false;
  bool page_size = false;
  bool config_schema = false;
  bool rule_schema = false;
  bool config_sample = false;
  bool verbose = false;
  bool dry_run = false;
  bool list_fields = false;
  std::string list_source;  // of --list=SOURCE, "" = all
  bool list_events = false;
  bool list_ignored = false;
  bool list_plugins = false;
  bool list_rules = false;  // names alone: for completion
  bool list_checks = false;
  bool support = false;
  std::optional<std::string> plugin_info;
  bool names_only = false;
  std::optional<ListFormat> format;  // --format
  bool markdown = false;             // --markdown, which --format excludes
  bool describe_all = false;
  std::optional<std::string> describe_rule;
  bool describe_full = false;  // of `gyr describe`: more of one rule than -l prints
  std::optional<std::string> config_file;
  std::vector<std::string> rules;     // -r, replaces rules_files
  std::vector<std::string> validate;  // -V
  std::vector<std::string> overrides;
  std::vector<std::string> disabled_substrings;  // -D
  std::vector<std::string> only_tags;            // -t
  std::vector<std::string> disabled_tags;        // -T
  std::vector<std::string> enabled_sources;      // --enable-source
  std::vector<std::string> disabled_sources;     // --disable-source
  std::string extra_output;                      // -p
  std::string pidfile;                           // -P, "" = none
  std::vector<std::string> cri_sockets;          // --cri
  bool daemon = false;                           // -d
  uint64_t duration_s = 0;                       // -M
  std::vector<std::string> notes;                // about options without effect, for the log
  std::optional<std::string> capture_file;       // -e, --replay
  bool userspace = false;                        // -u, and with --attach
  std::vector<std::string> command;              // what to start and follow
  std::vector<int64_t> attach;                   // --attach
  // What options that stand for settings ask for, so that -o cannot take it back unnoticed.
  struct Implied {
    std::string option;   // "-A"
    std::string setting;  // "base_syscalls.all=true", also in `overrides`
  };
  std::vector<Implied> implied;
  bool json = false;  // --json of commands that have it
  // What stands behind the options of other commands than `run`: calls, files, rules, a topic.
  std::vector<std::string> words;
  bool explain = false;                    // --explain of `gyr syscalls`
  bool warnings_as_errors = false;         // of `gyr check`
  std::string report_format;               // the same: "text", "json", "sarif"; "" = text
  std::vector<std::string> ignored_codes;  // the same
  bool as_falco = false;  // started under that name: its defaults where they differ
};

struct ReadOptions {
  bool help = false;
  std::string file;
  std::string filter;
  std::optional<std::string> format;
  bool json = false;
  uint64_t limit = 0;
};

struct RecordOptions {
  bool help = false;
  std::string file;  // -w
  std::string filter;
  std::optional<std::string> from;  // -r: another capture instead of this host
  bool compress = false;
  bool overwrite = false;
  // When another file begins, and how many are kept; 0: not, all.
  uint64_t file_megabytes = 0;
  uint64_t file_seconds = 0;
  uint64_t file_events = 0;
  uint32_t files = 0;
  uint64_t disk_megabytes = 0;  // of all files; 0: no limit
  uint32_t keep_free_percent = 5;
  uint32_t snaplen = 80;
  bool has_snaplen = false;  // it was given
  uint64_t duration_s = 0;
  uint64_t limit = 0;
};

using Arguments = std::span<const char* const>;

// Each is about the arguments behind the command's name. An error is one sentence for the user.
Result<Options> parse_options(Arguments arguments);  // of `run`, the default
Result<Options> parse_syscalls_options(Arguments arguments);
Result<Options> parse_doctor_options(Arguments arguments);
Result<Options> parse_check_options(Arguments arguments);
Result<Options> parse_describe_options(Arguments arguments);
// Whether it prints something and ends, instead of detecting.
bool prints_only(const Options& options);
// `list TOPIC`: as if the option of that listing had been given.
Result<Options> parse_list_options(Arguments arguments);
Result<Options> parse_version_options(Arguments arguments);
// `completion SHELL`, `man [COMMAND]`, `help [COMMAND]`: at most one word.
Result<Options> parse_word_options(std::string_view command, Arguments arguments);
Result<ReadOptions> parse_read_options(Arguments arguments);
Result<RecordOptions> parse_record_options(Arguments arguments);

}  // namespace gyr::app
