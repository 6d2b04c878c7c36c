// SPDX-License-Identifier: Apache-2.0
// The command line of `gyr read` and `gyr record`. Spelling and meaning are sysdig's; what is ours
// is said in docs/command-line.md.
#include <fmt/format.h>

#include <cstdint>
#include <utility>

#include "app/commands.h"
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

constexpr uint64_t kMany = 1'000'000'000'000;
constexpr uint64_t kLongestSeconds = 1'000'000'000;

constexpr Option<ReadOptions> kReadOptions[] = {
    {{.letter = 'h', .name = "help", .help = "Show this help."}, set_flag<&ReadOptions::help>},
    {{.letter = 'p',
      .name = "print",
      .takes = Takes::Value,
      .value_name = "FORMAT",
      .help = "What to print for each event: text with %fields. Default: number, time, CPU, "
              "process, event "
              "and its arguments."},
     [](ReadOptions& o, Text v) -> Result<void> { return o.format = v, Result<void>{}; }},
    {{.letter = 'j',
      .name = "json",
      .help = "Print a JSON object of the format's fields for each event."},
     set_flag<&ReadOptions::json>},
    {{.letter = 'n',
      .name = "numevents",
      .takes = Takes::Value,
      .value_name = "COUNT",
      .help = "Stop after so many lines."},
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
    {{.letter = 'h', .name = "help", .help = "Show this help."}, set_flag<&RecordOptions::help>},
    {{.letter = 'w',
      .name = "write",
      .takes = Takes::Value,
      .value_name = "FILE",
      .help = "The new capture file.",
      .hint = Hint::File},
     [](RecordOptions& o, Text v) -> Result<void> { return o.file = v, Result<void>{}; }},
    {{.letter = 'r',
      .name = "read",
      .takes = Takes::Value,
      .value_name = "FILE",
      .help = "Take the events from a capture file, not from this host.",
      .hint = Hint::File},
     [](RecordOptions& o, Text v) -> Result<void> { return o.from = v, Result<void>{}; }},
    {{.letter = 'z',
      .name = "compress",
      .help = "Write gzip, also when the name does not end in .gz."},
     set_flag<&RecordOptions::compress>},
    {{.name = "overwrite", .help = "Replace files that are there. Without it they are refused."},
     set_flag<&RecordOptions::overwrite>},
    {{.letter = 'M',
      .takes = Takes::Value,
      .value_name = "SECONDS",
      .help = "Stop after so many seconds."},
     set_duration},
    {{.letter = 'n',
      .name = "numevents",
      .takes = Takes::Value,
      .value_name = "COUNT",
      .help = "Stop after so many events that fit the filter."},
     set_number<&RecordOptions::limit, 1, UINT64_MAX>},
    {{.letter = 's',
      .name = "snaplen",
      .takes = Takes::Value,
      .value_name = "BYTES",
      .help = "Keep so many bytes of what is read and written: 80 unless set, at most 16000."},
     set_snaplen},
    {{.letter = 'C',
      .name = "file-size",
      .takes = Takes::Value,
      .value_name = "MB",
      .help = "Begin another file when one has more than so many millions of bytes. Files are "
              "named FILE0, "
              "FILE1 and so on."},
     set_number<&RecordOptions::file_megabytes, 1, kMany>},
    {{.letter = 'G',
      .name = "seconds",
      .takes = Takes::Value,
      .value_name = "SECONDS",
      .help =
          "Begin another file after so many seconds. A strftime format in the name, as in %H%M, is "
          "filled in instead of a number."},
     set_number<&RecordOptions::file_seconds, 1, kLongestSeconds>},
    {{.letter = 'e',
      .takes = Takes::Value,
      .value_name = "COUNT",
      .help = "Begin another file after so many events that fit the filter."},
     set_number<&RecordOptions::file_events, 1, UINT64_MAX>},
    {{.letter = 'W',
      .name = "limit",
      .takes = Takes::Value,
      .value_name = "COUNT",
      .help = "With -C, -G or -e: keep the newest so many files; numbers begin again at 0."},
     set_number<&RecordOptions::files, 1, 1'000'000>},
    {{.name = "disk-limit",
      .takes = Takes::Value,
      .value_name = "MB",
      .help = "All files together take at most so many millions of bytes: with -W the oldest are "
              "deleted, "
              "else the recording ends."},
     set_number<&RecordOptions::disk_megabytes, 1, kMany>},
    {{.name = "keep-free",
      .takes = Takes::Value,
      .value_name = "PERCENT",
      .help = "The same when less than this of the file system is free: 5 unless set."},
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

std::vector<OptionLine> read_lines() { return lines_of<ReadOptions>(kReadOptions); }
std::vector<OptionLine> record_lines() { return lines_of<RecordOptions>(kRecordOptions); }

}  // namespace gyr::app
