// SPDX-License-Identifier: Apache-2.0
// Lists: their items with included lists written out, and their substitution into conditions.
//
// Substitution works on words of the text: what stands between blanks, parentheses, commas and '=',
// outside quotes. A list without items takes the comma beside its name with it.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rules/definitions.h"
#include "rules/report_sink.h"

namespace gyr::rules {

inline constexpr size_t kMaxListItems = 200'000;           // of one list, expanded
inline constexpr size_t kMaxListDepth = 64;                // of lists in lists
inline constexpr size_t kMaxConditionBytes = 4u << 20;     // of one condition, expanded
inline constexpr size_t kMaxConditionsBytes = 128u << 20;  // of all conditions, expanded

class ListTable {
 public:
  // Expands every list; a list that grows past a limit is reported and stays empty. A list that is
  // part of itself is no reference there but a plain word, as lists are often called like their
  // first item.
  ListTable(const SourceFiles& files, const Collected& collected, ReportSink* sink);

  // The text, which is a condition of `item`, with list names replaced by items; marks the lists as
  // used and adds their names to `used`, each once. False when a limit is reached.
  bool substitute(const SourceText& text, const Chain& item, SourceText* result,
                  std::vector<std::string>* used);

  // Whether the text names a list that was left out for its errors, which is reported: its name
  // must not become a plain word.
  bool names_skipped(const SourceText& text, const Chain& item) const;

  // Valid as long as the definitions.
  std::vector<std::string_view> names() const;
  std::vector<List> take();

 private:
  struct Value {
    std::string text;  // quoted where needed
    Place place;
    OwnerPtr owner;
  };
  struct Expanded {
    const ListDefinition* definition = nullptr;
    OwnerPtr owner;
    std::vector<Value> values;
    std::vector<std::string> includes;
    bool used = false;
    bool done = false;
    bool open = false;
  };
  struct Token {
    size_t begin;
    size_t end;
    Expanded* list;
  };

  void expand(Expanded& list, size_t depth);
  void refuse(const Expanded& list, std::string message);
  void refuse(const Expanded& list, std::string message, const Place& place);
  void warn_of_order(const Expanded& list, const Expanded& included, const Place& item);
  void warn_of_later_file(const Token& token, const SourceText& text, const Chain& item);
  std::vector<Token> find_tokens(std::string_view text) const;

  const Collected& collected_;
  const SourceFiles& files_;
  ReportSink& sink_;
  std::vector<Expanded> lists_;
  std::unordered_map<std::string_view, Expanded*> by_name_;
  size_t total_ = 0;
};

}  // namespace gyr::rules
