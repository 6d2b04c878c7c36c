// SPDX-License-Identifier: Apache-2.0
// The command line of `gyr read` and `gyr record`. Spelling and meaning are sysdig's; what is ours
// is said in docs/command-line.md.
#include <fmt/format.h>

#include <cstdint>
#include <utility>

#include "app/option_table.h"
#include "app/options.h"
#include "base/text.h"
#include "source/live.h"

namespace gyr::app {
namespace {

using Text = std::string_view;

// Stores a number from `least` to `most` in a member of the options.
template <auto member, uint64_t least, uint64_t most, class Target>
Result<void> set_number(Target& o, Text value) {
  const Result<uint64_t> number = parse_count(value, least, most);
  if (!number) return number.error();
  auto& stored = o.*member;
  stored = static_cast<std::remove_reference_t<decltype(stored)>>(*number);
  return {};
}

template <auto member, class Target>
Result<void> set_flag(Target& o, Text) {
  o.*member = true;
  return {};
}

constexpr uint64_t kMany = 1'000'000'000'000;
constexpr uint64_t kLongestSeconds = 1'000'000'000;

constexpr Option<ReadOptions> kReadOptions[] = {
    {'h', "help", Takes::Nothing, "", "Show this help.", set_flag<&ReadOptions::help>},
    {'p', "print", Takes::Value, "FORMAT",
     "What to print for each event: text with %fields. Default: number, time, CPU, process, event "
     "and its arguments.",
     [](ReadOptions& o, Text v) -> Result<void> { return o.format = v, Result<void>{}; }},
    {'j', "json", Takes::Nothing, "", "Print a JSON object of the format's fields for each event.",
     set_flag<&ReadOptions::json>},
    {'n', "numevents", Takes::Value, "COUNT", "Stop after so many lines.",
     set_number<&ReadOptions::limit, 1, UINT64_MAX>},
};

Result<void> set_duration(RecordOptions& o, Text value) {
  const Result<uint64_t> seconds = parse_seconds(value);
  if (!seconds) return seconds.error();
  o.duration_s = *seconds;
  return {};
}

Result<void> set_snaplen(RecordOptions& o, Text value) {
  const Result<uint64_t> bytes = parse_count(value);
  if (!bytes) return bytes.error();
  if (*bytes > kSnaplenMax) return Error{fmt::format("at most {} bytes", kSnaplenMax)};
  o.snaplen = static_cast<uint32_t>(*bytes);
  o.has_snaplen = true;
  return {};
}

constexpr Option<RecordOptions> kRecordOptions[] = {
    {'h', "help", Takes::Nothing, "", "Show this help.", set_flag<&RecordOptions::help>},
    {'w', "write", Takes::Value, "FILE", "The new capture file.",
     [](RecordOptions& o, Text v) -> Result<void> { return o.file = v, Result<void>{}; }},
    {'r', "read", Takes::Value, "FILE", "Take the events from a capture file, not from this host.",
     [](RecordOptions& o, Text v) -> Result<void> { return o.from = v, Result<void>{}; }},
    {'z', "compress", Takes::Nothing, "", "Write gzip, also when the name does not end in .gz.",
     set_flag<&RecordOptions::compress>},
    {0, "overwrite", Takes::Nothing, "",
     "Replace files that are there. Without it they are refused.",
     set_flag<&RecordOptions::overwrite>},
    {'M', "", Takes::Value, "SECONDS", "Stop after so many seconds.", set_duration},
    {'n', "numevents", Takes::Value, "COUNT", "Stop after so many events that fit the filter.",
     set_number<&RecordOptions::limit, 1, UINT64_MAX>},
    {'s', "snaplen", Takes::Value, "BYTES",
     "Keep so many bytes of what is read and written: 80 unless set, at most 16000.", set_snaplen},
    {'C', "file-size", Takes::Value, "MB",
     "Begin another file when one has more than so many millions of bytes. Files are named FILE0, "
     "FILE1 and so on.",
     set_number<&RecordOptions::file_megabytes, 1, kMany>},
    {'G', "seconds", Takes::Value, "SECONDS",
     "Begin another file after so many seconds. A strftime format in the name, as in %H%M, is "
     "filled in instead of a number.",
     set_number<&RecordOptions::file_seconds, 1, kLongestSeconds>},
    {'e', "", Takes::Value, "COUNT", "Begin another file after so many events that fit the filter.",
     set_number<&RecordOptions::file_events, 1, UINT64_MAX>},
    {'W', "limit", Takes::Value, "COUNT",
     "With -C, -G or -e: keep the newest so many files; numbers begin again at 0.",
     set_number<&RecordOptions::files, 1, 1'000'000>},
    {0, "disk-limit", Takes::Value, "MB",
     "All files together take at most so many millions of bytes: with -W the oldest are deleted, "
     "else the recording ends.",
     set_number<&RecordOptions::disk_megabytes, 1, kMany>},
    {0, "keep-free", Takes::Value, "PERCENT",
     "The same when less than this of the file system is free: 5 unless set.",
     set_number<&RecordOptions::keep_free_percent, 0, 99>},
};

Result<void> check(const RecordOptions& o) {
  if (o.file.empty()) {
    return Error{"gyr record needs the name of the new file: gyr record -w FILE [FILTER]"};
  }
  if (o.from && o.has_snaplen) {
    return Error{"-s has no effect with -r: the capture holds what it holds"};
  }
  if (o.files > 0 && o.file_megabytes == 0 && o.file_seconds == 0 && o.file_events == 0) {
    return Error{"-W has an effect with -C, -G or -e only"};
  }
  if (o.from && o.file_seconds > 0 && o.file.find('%') != std::string::npos) {
    return Error{
        "-w: a time in the names of files needs events of this host; without it, or with "
        "-r, they are numbered"};
  }
  return {};
}

}  // namespace

Result<ReadOptions> parse_read_options(Arguments arguments) {
  ReadOptions options;
  OptionParser<ReadOptions> parser(kReadOptions, options);
  if (const Result<void> parsed = parser.parse(arguments); !parsed) return parsed.error();
  if (options.help) return options;
  std::vector<std::string>& words = parser.positional;
  if (words.empty()) return Error{"gyr read needs a capture file: gyr read FILE [FILTER]"};
  options.file = words.front();
  words.erase(words.begin());
  options.filter = join(words, " ");
  return options;
}

Result<RecordOptions> parse_record_options(Arguments arguments) {
  RecordOptions options;
  OptionParser<RecordOptions> parser(kRecordOptions, options);
  if (const Result<void> parsed = parser.parse(arguments); !parsed) return parsed.error();
  if (options.help) return options;
  if (const Result<void> sound = check(options); !sound) return sound.error();
  options.filter = join(parser.positional, " ");
  return options;
}

std::string read_help_text() {
  return "Prints the events of a capture file, one line each.\n\n"
         "Usage: gyr read FILE [FILTER] [-p FORMAT] [-j] [-n COUNT]\n\nOptions:\n" +
         option_lines(lines_of<ReadOptions>(kReadOptions)) +
         "\nExamples:\n"
         "  gyr read trace.scap\n"
         "  gyr read trace.scap 'fd.name contains /etc and evt.failed = true'\n"
         "  gyr read trace.scap evt.type=connect -p '%evt.num %proc.name %fd.name' -n 10\n"
         "  gyr read trace.scap evt.type=execve -j -p '%evt.time %proc.pid %proc.cmdline'\n";
}

std::string record_help_text() {
  return "Records the events of this host in a capture file: the state of all processes, then "
         "every system\ncall the probe can see, or those that fit the filter. Ctrl-C ends it. What "
         "only keeps the state right\nis recorded whatever the filter says, and shown to nobody. "
         "Each of several files is a capture of its own.\n\n"
         "Usage: gyr record -w FILE [OPTIONS] [FILTER]\n"
         "\nOptions:\n" +
         option_lines(lines_of<RecordOptions>(kRecordOptions)) +
         "\nExamples:\n"
         "  sudo gyr record -w host.scap.gz -M 60\n"
         "  sudo gyr record -w opens.scap 'evt.type in (open, openat) and fd.name startswith "
         "/etc'\n"
         "  sudo gyr record -w ring.scap -C 100 -W 10    # the last gigabyte, ring.scap00 to 09\n"
         "  sudo gyr record -w 'day-%H.scap' -G 3600 -z\n"
         "  gyr record -w part.scap -r host.scap.gz proc.name=nginx\n"
         "  gyr -e host.scap.gz                          # detect in it\n";
}

}  // namespace gyr::app
