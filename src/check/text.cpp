// SPDX-License-Identifier: Apache-2.0
// Findings in the YAML of a file, without its meaning.
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/priority.h"
#include "check/parts.h"
#include "yaml/document.h"

namespace gyr::check {
namespace {

constexpr std::array<std::string_view, 9> kPriorities = {"EMERGENCY", "ALERT",         "CRITICAL",
                                                         "ERROR",     "WARNING",       "NOTICE",
                                                         "INFO",      "INFORMATIONAL", "DEBUG"};

class TextChecker {
 public:
  TextChecker(const RuleSource& source, const Sources& sources, std::vector<Finding>* found)
      : name_(source.name), sources_(sources), found_(*found) {}

  void check_item(const yaml::Node& item) {
    for (const std::string_view type : {"rule", "macro", "list"}) {
      const yaml::Node* name = item.find(type);
      if (name == nullptr || !name->is_scalar()) continue;
      item_ = fmt::format("{} '{}'", type, name->text);
      check_definition(item, *name);
      if (const yaml::Node* items = item.find("items")) check_repeats(*items, "item");
      if (const yaml::Node* tags = item.find("tags")) check_repeats(*tags, "tag");
      if (const yaml::Node* priority = item.find("priority")) check_priority(*priority);
      if (const yaml::Node* exceptions = item.find("exceptions")) check_exceptions(*exceptions);
      return;
    }
  }

 private:
  Position at(const yaml::Node& node) const {
    return {name_, node.mark.line, node.mark.column, node.mark.offset};
  }

  void report(Kind kind, std::string message, const yaml::Node& node) {
    Finding finding = sources_.at(kind, std::move(message), item_, at(node));
    if (node.is_scalar()) {
      const auto size = static_cast<uint32_t>(node.text.size() + (node.quoted ? 2 : 0));
      finding.underline_size = std::min(finding.underline_size, std::max(size, 1u));
    }
    found_.push_back(std::move(finding));
  }

  // A full definition of what the file defined in full before.
  void check_definition(const yaml::Node& item, const yaml::Node& name) {
    if (item.find("override") != nullptr || item.find("append") != nullptr) return;
    const bool full = item.find("condition") != nullptr || item.find("items") != nullptr;
    if (!full) return;
    const auto [first, fresh] = defined_.emplace(item_, at(name));
    if (fresh) return;
    report(Kind::Redefined,
           fmt::format("{} is defined in this file already; this replaces it", item_), name);
    found_.back().other_message = "the earlier definition";
    found_.back().other = first->second;
    first->second = at(name);
  }

  void check_repeats(const yaml::Node& list, std::string_view what) {
    std::set<std::string_view> seen;
    for (const yaml::NodePtr& item : list.items) {
      if (!item->is_scalar() || seen.insert(item->text).second) continue;
      report(Kind::DuplicateItem,
             fmt::format("the {} '{}' is listed twice", what, one_line(item->text)), *item);
    }
  }

  void check_priority(const yaml::Node& priority) {
    const bool known =
        std::find(kPriorities.begin(), kPriorities.end(), priority.text) != kPriorities.end();
    const auto meant = parse_priority(priority.text);
    if (!priority.is_scalar() || known || !meant) return;
    std::string upper(priority.text);
    for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    report(Kind::PrioritySpelling,
           fmt::format("priority '{}' should be {}", one_line(priority.text), upper), priority);
  }

  // Exceptions without `values` wait for those of another file; an empty list waits for nothing.
  void check_exceptions(const yaml::Node& exceptions) {
    for (const yaml::NodePtr& exception : exceptions.items) {
      const yaml::Node* values = exception->find("values");
      const yaml::Node* name = exception->find("name");
      if (values == nullptr || !values->is_sequence() || !values->items.empty()) continue;
      report(Kind::ExceptionWithoutEffect,
             fmt::format("the exception '{}' has an empty list of values; without `values` it "
                         "would wait for those that another file appends",
                         name == nullptr ? "" : one_line(name->text)),
             name == nullptr ? *exception : *name);
    }
  }

  std::string name_;
  const Sources& sources_;
  std::vector<Finding>& found_;
  std::string item_;
  std::map<std::string, Position> defined_;
};

}  // namespace

void check_text(const RuleSource& source, const Sources& sources, std::vector<Finding>* found) {
  const yaml::ParseResult parsed = yaml::parse(source.text);
  TextChecker checker(source, sources, found);
  for (const yaml::NodePtr& root : parsed.document->roots()) {
    for (const yaml::NodePtr& item : root->items) {
      if (item->is_map()) checker.check_item(*item);
    }
  }
}

}  // namespace gyr::check
