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
  bool verbose = false;
  bool dry_run = false;
  bool list_fields = false;
  std::string list_source;  // of --list=SOURCE, "" = all
  bool list_events = false;
  bool list_ignored = false;
  bool names_only = false;
  std::optional<ListFormat> format;  // --format
  bool markdown = false;             // --markdown, which --format excludes
  bool describe_all = false;
  std::optional<std::string> describe_rule;
  std::optional<std::string> config_file;
  std::vector<std::string> rules;     // -r, replaces rules_files
  std::vector<std::string> validate;  // -V
  std::vector<std::string> overrides;
  std::vector<std::string> disabled_substrings;  // -D
  std::vector<std::string> only_tags;            // -t
  std::vector<std::string> disabled_tags;        // -T
  std::string extra_output;                      // -p
  uint64_t duration_s = 0;                       // -M
  std::vector<std::string> notes;                // about options without effect, for the log
  std::optional<std::string> capture_file;       // -e
  bool userspace = false;                        // -u, and with --attach
  std::vector<std::string> command;              // what to start and follow
  std::vector<int64_t> attach;                   // --attach
  // What options that stand for settings ask for, so that -o cannot take it back unnoticed.
  struct Implied {
    std::string option;   // "-A"
    std::string setting;  // "base_syscalls.all=true", also in `overrides`
  };
  std::vector<Implied> implied;
  // Of `gyr syscalls`:
  bool explain = false;            // --explain
  std::vector<std::string> calls;  // those to explain
  bool json = false;               // --json of `gyr doctor`
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

// `arguments` are those behind the program's name. An error is one sentence for the user.
Result<Options> parse_options(Arguments arguments);
// Those behind `syscalls`: options about rules and configuration, --explain, and names of calls.
Result<Options> parse_syscalls_options(Arguments arguments);
// Those behind `doctor`: the configuration, --json.
Result<Options> parse_doctor_options(Arguments arguments);
// Those behind `read`.
Result<ReadOptions> parse_read_options(Arguments arguments);
// Those behind `record`.
Result<RecordOptions> parse_record_options(Arguments arguments);

std::string help_text();
std::string syscalls_help_text();
std::string doctor_help_text();
std::string read_help_text();
std::string record_help_text();

}  // namespace gyr::app
