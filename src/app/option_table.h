// SPDX-License-Identifier: Apache-2.0
// Rows of options and the parser that walks them; knows no single option.
#pragma once

#include <algorithm>
#include <charconv>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/options.h"
#include "base/add_once.h"
#include "base/result.h"

namespace gyr::app {

enum class Takes : uint8_t {
  Nothing,
  Value,          // "-c X", "-cX", "--print X", "--print=X"; once, as only one could count
  Values,         // the same, may be repeated
  OptionalValue,  // only "--list=X"
};

inline bool takes_value(Takes takes) { return takes == Takes::Value || takes == Takes::Values; }

// What a value or an argument is, for completion in shells.
enum class Hint : uint8_t {
  None,     // free text
  File,     // or folder
  Words,    // one of `words`
  Key,      // KEY=VALUE of the configuration
  Rule,     // name of a rule
  Field,    // name of a field
  Filter,   // a file, then fields
  Syscall,  // name of a system call
};

// An option that the reference gave up. Whoever uses it is told so in one line.
struct Retirement {
  std::string_view since{};      // release of the reference that has it no more; "" = it is current
  std::string_view successor{};  // what does the same, as one would type it; "" = nothing does
  std::string_view remark{};     // what else there is to say; required without successor
  bool told = true;              // false: only under a condition, which `store` judges
  bool is() const { return !since.empty(); }
};

// What is said of an option: everything that is printed about it comes from here.
struct OptionLine {
  char letter = 0;          // 0: none
  std::string_view name{};  // without dashes, "" = none
  Takes takes = Takes::Nothing;
  std::string_view value_name{};
  std::string_view help{};  // one or more sentences
  Hint hint = Hint::None;
  std::string_view words{};  // Hint::Words: parted by blanks
  Retirement retired{};
  std::string_view section{};  // heading in the help; that of the line before it if ""
};

// One option. `store` puts it into the target and refuses values that make no sense.
template <class Target>
struct Option : OptionLine {
  Result<void> (*store)(Target& target, std::string_view value);
};

// The options as the help shows them, under the headings of their sections; retired ones last.
std::string option_lines(std::span<const OptionLine> options);
// "unknown option '--lst'; did you mean '--list'? …"
Error unknown_option(std::string_view text, std::span<const OptionLine> options);
// By its letter, if it has one.
std::string spelled(const OptionLine& option);
// "-r, --rules PATH": each spelling, then the value.
std::string spelled_fully(const OptionLine& option);
// The one line about the use of a retired option.
std::string retirement_note(const OptionLine& option);
// Its last part, for lists: "gone since Falco 0.41: works as -A".
std::string retirement_text(const OptionLine& option);

template <class Target>
std::vector<OptionLine> lines_of(std::span<const Option<Target>> table) {
  std::vector<OptionLine> lines;
  for (const Option<Target>& o : table) lines.push_back(o);
  return lines;
}

// Walks the arguments. Positional ones (a lone "-", everything behind "--") go to `positional`.
template <class Target>
class OptionParser {
 public:
  OptionParser(std::span<const Option<Target>> table, Target& target)
      : table_(table), target_(target) {}

  Result<void> parse(Arguments arguments) {
    arguments_ = arguments;
    for (at_ = 0; at_ < arguments_.size(); ++at_) {
      const std::string_view text = arguments_[at_];
      Result<void> result;
      if (text == "--") {
        met_separator = true;
        for (++at_; at_ < arguments_.size(); ++at_) positional.emplace_back(arguments_[at_]);
      } else if (text.starts_with("--")) {
        result = parse_long(text.substr(2));
      } else if (text.size() > 1 && text[0] == '-') {
        result = parse_letters(text.substr(1));
      } else {
        positional.emplace_back(text);
      }
      if (!result) return result;
    }
    return {};
  }

  std::vector<std::string> positional;
  bool met_separator = false;  // "--"

  // One line for each retired option that was used.
  std::vector<std::string> notes() const {
    std::vector<std::string> lines;
    for (const Option<Target>* option : seen_) {
      if (option->retired.is() && option->retired.told) add_once(&lines, retirement_note(*option));
    }
    return lines;
  }

 private:
  Result<void> store(const Option<Target>& option, std::string_view value) {
    if (takes_value(option.takes) && value.empty()) {
      return Error{spelling(option) + ": the value is empty; it needs " +
                   std::string(option.value_name)};
    }
    const bool again = std::find(seen_.begin(), seen_.end(), &option) != seen_.end();
    if (again && option.takes == Takes::Value) {
      return Error{spelling(option) + " is given twice; only one can count"};
    }
    seen_.push_back(&option);
    Result<void> stored = option.store(target_, value);
    if (stored) return stored;
    return Error{spelling(option) + ": " + stored.error().message};
  }

  Result<void> store_next(const Option<Target>& option) {
    if (at_ + 1 >= arguments_.size()) {
      return Error{spelling(option) + " needs a value: " + std::string(option.value_name)};
    }
    return store(option, arguments_[++at_]);
  }

  static std::string spelling(const Option<Target>& option) { return spelled(option); }

  Result<void> parse_long(std::string_view text) {
    const size_t equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    const bool has_value = equals != std::string_view::npos;
    for (const Option<Target>& option : table_) {
      if (option.name.empty() || option.name != name) continue;
      if (has_value && option.takes == Takes::Nothing) {
        return Error{"--" + std::string(name) + " takes no value"};
      }
      if (has_value) return store(option, text.substr(equals + 1));
      return takes_value(option.takes) ? store_next(option) : store(option, {});
    }
    return unknown_option("--" + std::string(name), lines_of(table_));
  }

  // Letters without a value may stand together; the first that takes one takes the rest.
  Result<void> parse_letters(std::string_view letters) {
    for (const Option<Target>& option : table_) {
      if (letters.size() > 1 && option.name == letters) {
        return unknown_option("-" + std::string(letters), lines_of(table_));
      }
    }
    for (size_t i = 0; i < letters.size(); ++i) {
      const Option<Target>* option = nullptr;
      for (const Option<Target>& candidate : table_) {
        if (candidate.letter != 0 && candidate.letter == letters[i]) option = &candidate;
      }
      if (option == nullptr) {
        return unknown_option("-" + std::string(letters), lines_of(table_));
      }
      if (takes_value(option->takes)) {
        return i + 1 < letters.size() ? store(*option, letters.substr(i + 1)) : store_next(*option);
      }
      if (Result<void> stored = store(*option, {}); !stored) return stored;
    }
    return {};
  }

  std::span<const Option<Target>> table_;
  Target& target_;
  Arguments arguments_;
  size_t at_ = 0;
  std::vector<const Option<Target>*> seen_;
};

// Stores for rows.
template <auto member, class Target>
Result<void> set_flag(Target& o, std::string_view) {
  o.*member = true;
  return {};
}
template <auto member, class Target>
Result<void> set_text(Target& o, std::string_view value) {
  o.*member = std::string(value);
  return {};
}
template <auto member, class Target>
Result<void> add_text(Target& o, std::string_view value) {
  (o.*member).emplace_back(value);
  return {};
}

Result<uint64_t> parse_count(std::string_view text);
// The same from `least` to `most`.
Result<uint64_t> parse_count(std::string_view text, uint64_t least, uint64_t most);
Result<uint64_t> parse_seconds(
    std::string_view text);  // in nanoseconds it still is a 64-bit number

}  // namespace gyr::app
