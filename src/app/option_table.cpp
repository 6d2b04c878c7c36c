// SPDX-License-Identifier: Apache-2.0
#include "app/option_table.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "app/wrap.h"
#include "base/text.h"

namespace gyr::app {
namespace {

constexpr size_t kHelpColumn = 26;
constexpr size_t kWidth = 96;

std::string left_column(const OptionLine& option) {
  return (option.letter != 0 ? "  " : "      ") + spelled_fully(option);
}

}  // namespace

std::string wrapped(std::string_view words, size_t column) {
  std::string text;
  size_t at = column;
  for (const std::string_view word : split(words, ' ')) {
    if (at + word.size() + 1 > kWidth) {
      text += '\n' + std::string(column, ' ');
      at = column;
    } else if (at > column) {
      text += ' ';
      ++at;
    }
    text += word;
    at += word.size();
  }
  return text;
}

std::string spelled(const OptionLine& option) {
  if (option.letter != 0) return std::string("-") + option.letter;
  return "--" + std::string(option.name);
}

std::string spelled_fully(const OptionLine& option) {
  std::string text;
  if (option.letter != 0) text = std::string("-") + option.letter;
  if (!option.name.empty()) text += (text.empty() ? "--" : ", --") + std::string(option.name);
  if (takes_value(option.takes)) text += " " + std::string(option.value_name);
  if (option.takes == Takes::OptionalValue) text += "[=" + std::string(option.value_name) + "]";
  return text;
}

std::string retirement_text(const OptionLine& option) {
  const Retirement& retired = option.retired;
  std::string text = "gone since Falco " + std::string(retired.since) + ": ";
  if (!retired.successor.empty()) text += "works as " + std::string(retired.successor);
  if (!retired.successor.empty() && !retired.remark.empty()) text += "; ";
  return text + std::string(retired.remark);
}

std::string retirement_note(const OptionLine& option) {
  const std::string spelling = option.letter != 0 && !option.name.empty()
                                   ? spelled(option) + " (--" + std::string(option.name) + ")"
                                   : spelled(option);
  return spelling + " is " + retirement_text(option);
}

std::string option_lines(std::span<const OptionLine> options) {
  std::string text;
  for (const OptionLine& option : options) {
    if (!option.section.empty()) text += '\n' + std::string(option.section) + ":\n";
    std::string left = left_column(option);
    if (left.size() + 2 > kHelpColumn) {
      left += '\n' + std::string(kHelpColumn, ' ');
    } else {
      left.resize(kHelpColumn, ' ');
    }
    const std::string help =
        option.retired.is() ? retirement_text(option) + "." : std::string(option.help);
    text += left + wrapped(help, kHelpColumn) + '\n';
  }
  return text;
}

Error unknown_option(std::string_view text, std::span<const OptionLine> options) {
  std::vector<std::string> spellings;
  for (const OptionLine& option : options) {
    if (!option.name.empty()) spellings.push_back("--" + std::string(option.name));
  }
  const std::vector<std::string_view> candidates(spellings.begin(), spellings.end());
  std::string message = "unknown option '" + std::string(text) + "'";
  const std::string_view near =
      closest(text.starts_with("--") ? text : "-" + std::string(text), candidates);
  if (near.empty()) return {message + "; see --help"};
  return {message + "; did you mean '" + std::string(near) + "'? See --help"};
}

Result<uint64_t> parse_count(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return Error{"'" + std::string(text) + "' is not a whole number"};
  }
  return value;
}

Result<uint64_t> parse_count(std::string_view text, uint64_t least, uint64_t most) {
  Result<uint64_t> value = parse_count(text);
  if (!value) return value;
  if (*value < least) return Error{"at least " + std::to_string(least)};
  if (*value > most) return Error{"at most " + std::to_string(most)};
  return value;
}

Result<uint64_t> parse_seconds(std::string_view text) {
  constexpr uint64_t kLongest = 10'000'000'000;
  Result<uint64_t> seconds = parse_count(text, 0, UINT64_MAX);
  if (seconds && *seconds > kLongest) return Error{"at most 10000000000 seconds"};
  return seconds;
}

}  // namespace gyr::app
