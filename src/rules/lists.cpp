// SPDX-License-Identifier: Apache-2.0
#include "rules/lists.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "rules/exception_reader.h"
#include "rules/macros.h"

namespace gyr::rules {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool ends_word(char c) { return is_blank(c) || c == '(' || c == ')' || c == ',' || c == '='; }

// The end of the quoted text that begins at `at`; nothing when the quote is never closed.
std::optional<size_t> end_of_quote(std::string_view text, size_t at) {
  for (size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == text[at]) {
      return i + 1;
    }
  }
  return std::nullopt;
}

// Calls `visit` with begin and end of every word outside quotes.
template <class Visit>
void for_each_word(std::string_view text, const Visit& visit) {
  size_t at = 0;
  while (at < text.size()) {
    if (ends_word(text[at])) {
      ++at;
      continue;
    }
    if (text[at] == '"' || text[at] == '\'') {
      at = end_of_quote(text, at).value_or(text.size());
      continue;
    }
    size_t end = at;
    while (end < text.size() && !ends_word(text[end])) ++end;
    visit(at, end);
    at = end;
  }
}

constexpr const char* kUsesSkipped =
    "this list is skipped because of an error, and so is what uses it";

// The comma to delete with an empty list at [begin, end): the one before it, else the one behind.
std::optional<size_t> comma_beside(std::string_view text, size_t begin, size_t end,
                                   const std::set<size_t>& deleted) {
  size_t left = begin;
  while (left > 0 && is_blank(text[left - 1])) --left;
  if (left > 0 && text[left - 1] == ',' && !deleted.contains(left - 1)) return left - 1;
  while (end < text.size() && is_blank(text[end])) ++end;
  if (end < text.size() && text[end] == ',') return end;
  return std::nullopt;
}

}  // namespace

ListTable::ListTable(const SourceFiles& files, const Collected& collected, ReportSink* sink)
    : collected_(collected), files_(files), sink_(*sink) {
  const std::vector<ListDefinition>& definitions = collected.lists.all();
  lists_.resize(definitions.size());
  for (size_t i = 0; i < definitions.size(); ++i) {
    const ListDefinition& definition = definitions[i];
    lists_[i].definition = &definition;
    lists_[i].owner = std::make_shared<Owner>(Owner{"list", definition.name, definition.place});
    by_name_[definition.name] = &lists_[i];
  }
  for (Expanded& list : lists_) expand(list, 1);
}

void ListTable::refuse(const Expanded& list, std::string message) {
  refuse(list, std::move(message), list.definition->place);
}

void ListTable::refuse(const Expanded& list, std::string message, const Place& place) {
  const ListDefinition& definition = *list.definition;
  sink_.error(Code::Validate, std::move(message),
              Chain(files_, definition.place.file).with("list", definition.name, definition.place),
              place);
}

// The reference takes the name of a list that is not defined yet for a text.
void ListTable::warn_of_order(const Expanded& list, const Expanded& included, const Place& item) {
  const ListDefinition& self = *list.definition;
  if (included.definition->first < self.last) return;
  sink_.warning(
      Code::CompileConditionWarning,
      fmt::format("list '{0}' is defined below: here are its items, where Falco sees the text "
                  "'{0}'; define it before '{1}'",
                  included.definition->name, self.name),
      Chain(files_, item.file).with("list", self.name, self.place), item);
}

void ListTable::warn_of_later_file(const Token& token, const SourceText& text, const Chain& item) {
  const ListDefinition& definition = *token.list->definition;
  const Segment* segment = text.segment_at(token.begin);
  const uint32_t file = segment != nullptr ? segment->place.file : item.file();
  if (definition.first_file <= file) return;
  TextFault fault;
  fault.message = fmt::format("list '{}' is defined in a later file, {}", definition.name,
                              files_[definition.first_file].name);
  fault.offset = token.begin;
  fault.size = token.end - token.begin;
  fault.severity = Severity::Warning;
  report_fault(fault, Code::CompileConditionWarning, {kConditionPart, text, item}, &sink_);
}

void ListTable::expand(Expanded& list, size_t depth) {
  if (list.done || list.open) return;
  if (depth > kMaxListDepth) {
    refuse(list, fmt::format("lists are nested more than {} deep", kMaxListDepth));
    list.done = true;
    return;
  }
  list.open = true;
  for (const Place& item : list.definition->items) {
    const auto found = by_name_.find(item.node->text);
    Expanded* included = found == by_name_.end() ? nullptr : found->second;
    if (included != nullptr) expand(*included, depth + 1);
    if (included == nullptr && collected_.is_gone("list", item.node->text)) {
      refuse(list, kUsesSkipped, item);
      break;
    }
    if (included == nullptr || included->open) {
      list.values.push_back({quote_item(item.node->text), item, list.owner});
    } else {
      included->used = true;
      warn_of_order(list, *included, item);
      list.includes.push_back(included->definition->name);
      list.values.insert(list.values.end(), included->values.begin(), included->values.end());
    }
    if (list.values.size() > kMaxListItems) {
      refuse(list, fmt::format("the list has more than {} items", kMaxListItems));
      list.values.clear();
      break;
    }
  }
  list.open = false;
  list.done = true;
}

std::vector<ListTable::Token> ListTable::find_tokens(std::string_view text) const {
  std::vector<Token> tokens;
  for_each_word(text, [&](size_t begin, size_t end) {
    const auto found = by_name_.find(text.substr(begin, end - begin));
    if (found != by_name_.end()) tokens.push_back({begin, end, found->second});
  });
  return tokens;
}

bool ListTable::names_skipped(const SourceText& text, const Chain& item) const {
  if (collected_.skipped.empty()) return false;
  bool any = false;
  const std::string_view all = text.text();
  for_each_word(all, [&](size_t begin, size_t end) {
    if (!collected_.is_gone("list", all.substr(begin, end - begin))) return;
    TextFault fault;
    fault.message = kUsesSkipped;
    fault.offset = begin;
    fault.size = end - begin;
    report_fault(fault, Code::Validate, {kConditionPart, text, item}, &sink_);
    any = true;
  });
  return any;
}

bool ListTable::substitute(const SourceText& text, const Chain& item, SourceText* result,
                           std::vector<std::string>* used) {
  const std::vector<Token> tokens = find_tokens(text.text());
  std::set<size_t> deleted;
  size_t size = text.text().size();
  for (const Token& token : tokens) {
    token.list->used = true;
    warn_of_later_file(token, text, item);
    const std::string& name = token.list->definition->name;
    if (std::find(used->begin(), used->end(), name) == used->end()) used->push_back(name);
    for (const Value& value : token.list->values) size += value.text.size() + 2;
    if (size > kMaxConditionBytes) return false;
    if (!token.list->values.empty()) continue;
    const auto comma = comma_beside(text.text(), token.begin, token.end, deleted);
    if (comma) deleted.insert(*comma);
  }
  total_ += size;
  if (total_ > kMaxConditionsBytes) return false;
  size_t at = 0;
  const auto copy_until = [&](size_t end) {
    for (auto comma = deleted.lower_bound(at); comma != deleted.end() && *comma < end; ++comma) {
      result->add_slice(text, at, *comma - at);
      at = *comma + 1;
    }
    if (at < end) result->add_slice(text, at, end - at);
    at = std::max(at, end);
  };
  for (const Token& token : tokens) {
    copy_until(token.begin);
    bool first = true;
    for (const Value& value : token.list->values) {
      if (!first) result->add_separator(", ");
      first = false;
      result->add_generated(value.text, value.place, value.owner);
    }
    at = token.end;
  }
  copy_until(text.text().size());
  return true;
}

std::vector<std::string_view> ListTable::names() const {
  std::vector<std::string_view> names;
  names.reserve(lists_.size());
  for (const Expanded& list : lists_) names.push_back(list.definition->name);
  return names;
}

std::vector<List> ListTable::take() {
  std::vector<List> lists;
  for (Expanded& expanded : lists_) {
    const ListDefinition& definition = *expanded.definition;
    List list;
    list.name = definition.name;
    for (const Place& item : definition.items) list.items.push_back(item.node->text);
    for (Value& value : expanded.values) list.expanded.push_back(std::move(value.text));
    list.lists = std::move(expanded.includes);
    list.used = expanded.used;
    list.position = locate(files_, definition.place).position;
    lists.push_back(std::move(list));
  }
  return lists;
}

}  // namespace gyr::rules
