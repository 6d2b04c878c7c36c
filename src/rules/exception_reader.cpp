// SPDX-License-Identifier: Apache-2.0
#include "rules/exception_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "rules/keys.h"

namespace gyr::rules {
namespace {

constexpr auto kKeys = select_keys<[](const RuleKey& key) { return key.item == "exception"; }>();
constexpr std::array<std::string_view, 3> kListOperators = {"in", "intersects", "pmatch"};
constexpr std::array<std::string_view, 17> kOperators = {
    "=",        "==",       "!=",        "<",         "<=",         ">",
    ">=",       "contains", "icontains", "bcontains", "startswith", "bstartswith",
    "endswith", "glob",     "iglob",     "regex",     "exists"};
constexpr std::array<std::string_view, 3> kModifiers = {"oneof", "anyof", "allof"};

bool among(std::span<const std::string_view> words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// "startswith anyof" and the like: the right side is a list.
bool takes_list(std::string_view op) {
  const size_t blank = op.find_last_of(' ');
  if (blank == std::string_view::npos) return among(kListOperators, op);
  return among(kModifiers, op.substr(blank + 1)) && among(kOperators, trim(op.substr(0, blank)));
}

bool is_operator(std::string_view op) {
  return takes_list(op) || (op != "exists" && among(kOperators, op));
}

Item exception_item(const Item& parent, const yaml::Node& node) {
  const yaml::Node* name = node.is_map() ? node.find("name") : nullptr;
  const Place place = parent.at(node);
  const std::string text = name != nullptr && name->is_scalar() ? name->text : "";
  return {parent.chain().with("exception", text, place), place, &parent.sink()};
}

// Scalar or sequence of scalars; false and a complaint for anything else.
bool read_words(const Item& item, std::string_view key, bool* single,
                std::vector<std::string>* words) {
  const yaml::Node& node = *item.node().find(key);
  *single = node.is_scalar();
  if (*single) {
    const auto word = item.scalar(key);
    if (word) words->emplace_back(trim(word->node->text));
    return word.has_value();
  }
  const auto places = item.scalars(key);
  if (!places) return false;
  for (const Place& place : *places) words->emplace_back(trim(place.node->text));
  if (!words->empty()) return true;
  item.fail(Code::Validate, fmt::format("'{}' must not be empty", key), node);
  return false;
}

bool read_operators(const Item& item, ExceptionDefinition* exception) {
  bool single = exception->single;
  if (item.has("comps")) {
    if (!read_words(item, "comps", &single, &exception->operators)) return false;
  } else {
    exception->operators.assign(exception->fields.size(), exception->single ? "in" : "=");
  }
  const yaml::Node& node = item.has("comps") ? *item.node().find("comps") : item.node();
  std::string problem;
  if (single != exception->single) {
    problem = "'fields' and 'comps' must both be lists or both be single";
  } else if (exception->operators.size() != exception->fields.size()) {
    problem = fmt::format("there are {} fields but {} operators in 'comps'",
                          exception->fields.size(), exception->operators.size());
  }
  for (const std::string& op : exception->operators) {
    if (!is_operator(op)) problem = fmt::format("'{}' is no operator", op);
    if (single && is_operator(op) && !takes_list(op)) {
      problem = fmt::format(
          "an exception on a single field compares with a list: 'in', 'pmatch', "
          "'intersects' or '{} anyof', not '{}'",
          op, op);
    }
  }
  if (problem.empty()) return true;
  item.fail(Code::Validate, std::move(problem), node);
  return false;
}

bool read_values(const Item& item, ExceptionDefinition* exception) {
  if (!item.has("values")) return true;
  if (item.node().find("values")->is_null()) return true;
  const auto values = item.sequence("values");
  if (!values) return false;
  for (const yaml::NodePtr& value : values->node->items)
    exception->values.push_back(item.at(*value));
  return true;
}

// `partial`: an appended item, which may give only the values of an exception that exists.
bool read_exception(const Item& item, bool partial, ExceptionDefinition* exception) {
  if (!item.node().is_map()) {
    item.fail(Code::YamlValidate, "an exception is a map with 'name' and 'fields'");
    return false;
  }
  const auto name = item.scalar("name");
  if (!name) return false;
  item.check_keys(kKeys);
  exception->name = name->node->text;
  exception->place = item.place();
  if (!item.has("fields")) {
    if (partial) return read_values(item, exception);
    item.fail(Code::YamlValidate, "the key 'fields' is missing");
    return false;
  }
  return read_words(item, "fields", &exception->single, &exception->fields) &&
         read_operators(item, exception) && read_values(item, exception);
}

ExceptionDefinition* find_exception(RuleDefinition* rule, std::string_view name) {
  for (ExceptionDefinition& exception : rule->exceptions) {
    if (exception.name == name) return &exception;
  }
  return nullptr;
}

bool has_field(const Dialect& dialect, const std::string& text, const std::string& source) {
  // What is more than a field name (a transformer) is judged when the condition is compiled.
  if (text.find('(') != std::string::npos) return true;
  for (const FieldClass& fields : dialect.fields) {
    if (!fields.source.empty() && fields.source != source) continue;
    const FieldMatch match = find_field({&fields, 1}, text);
    if (match.info == nullptr) continue;
    if (match.rest.empty() || match.rest[0] == '[' || match.has_dotted_argument()) return true;
  }
  return false;
}

bool check_fields(const Item& item, const Dialect& dialect, const RuleDefinition& rule,
                  const ExceptionDefinition& exception) {
  if (rule.skip_if_unknown_filter) return true;
  for (const std::string& field : exception.fields) {
    if (has_field(dialect, field, rule.source)) continue;
    const Chain chain = item.chain().with("exception", exception.name, exception.place);
    const yaml::Node* node = exception.place.node->find("fields");
    item.sink().error(Code::Validate, fmt::format("there is no field '{}'", field), chain,
                      {exception.place.file, node != nullptr ? node : exception.place.node});
    return false;
  }
  return true;
}

}  // namespace

namespace {

// "exceptions:" with nothing below it, as templates and comments leave it: there are none.
bool is_empty(const Item& item) { return item.node().find("exceptions")->is_null(); }

}  // namespace

bool replace_exceptions(const Item& item, RuleDefinition* rule) {
  if (is_empty(item)) {
    rule->exceptions.clear();
    return true;
  }
  const auto list = item.sequence("exceptions");
  if (!list) return false;
  rule->exceptions.clear();
  for (const yaml::NodePtr& node : list->node->items) {
    const Item part = exception_item(item, *node);
    ExceptionDefinition exception;
    if (!read_exception(part, false, &exception)) return false;
    if (find_exception(rule, exception.name) != nullptr) {
      part.warn(Code::ExceptionNameNotUnique,
                fmt::format("the rule has two exceptions called '{}'", exception.name), *node);
    }
    rule->exceptions.push_back(std::move(exception));
  }
  return true;
}

bool append_exceptions(const Item& item, const LoadSettings& settings, RuleDefinition* rule) {
  if (is_empty(item)) return true;
  const auto list = item.sequence("exceptions");
  if (!list) return false;
  for (const yaml::NodePtr& node : list->node->items) {
    const Item part = exception_item(item, *node);
    ExceptionDefinition exception;
    if (!read_exception(part, true, &exception)) return false;
    ExceptionDefinition* old = find_exception(rule, exception.name);
    if (old != nullptr) {
      if (exception.values.empty())
        part.warn(Code::AppendNoValues, "the appended exception has no values", *node);
      old->values.insert(old->values.end(), exception.values.begin(), exception.values.end());
      continue;
    }
    const char* lacks = exception.fields.empty() ? "fields" : "values";
    if (exception.fields.empty() || exception.values.empty()) {
      part.fail(Code::Validate,
                fmt::format("the rule has no exception of this name, so '{}' is needed", lacks));
      return false;
    }
    if (!check_fields(item, settings.dialect, *rule, exception)) return false;
    rule->exceptions.push_back(std::move(exception));
  }
  return true;
}

bool check_exception_fields(const Item& item, const LoadSettings& settings,
                            const RuleDefinition& rule) {
  return std::all_of(rule.exceptions.begin(), rule.exceptions.end(),
                     [&](const ExceptionDefinition& exception) {
                       return check_fields(item, settings.dialect, rule, exception);
                     });
}

std::string quote_item(std::string_view item) {
  const bool quoted = !item.empty() && (item[0] == '"' || item[0] == '\'');
  if (quoted) return std::string(item);
  const bool needs = item.empty() || item.find_first_of(" \t\r\n='\"") != std::string_view::npos;
  if (!needs) return std::string(item);
  std::string text = "\"";
  for (const char c : item) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + '"';
}

namespace {

// Writes the exceptions of one rule.
class ExceptionWriter {
 public:
  ExceptionWriter(const Chain& chain, ReportSink* sink, SourceText* text)
      : chain_(chain), sink_(*sink), text_(*text) {}

  bool write(const ExceptionDefinition& exception) {
    if (exception.values.empty()) return true;
    owner_ = std::make_shared<Owner>(Owner{"exception", exception.name, exception.place});
    add(" and not (", exception.place);
    const bool good = exception.single ? write_single(exception) : write_tuples(exception);
    add(")", exception.place);
    return good;
  }

 private:
  void add(std::string_view text, Place place) { text_.add_generated(text, place, owner_); }

  bool fail(const std::string& message, Place place) {
    sink_.error(Code::Validate, message, chain_.with(owner_->type, owner_->name, owner_->place),
                place);
    return false;
  }

  bool write_single(const ExceptionDefinition& exception) {
    add(fmt::format("{} {} (", exception.fields[0], exception.operators[0]), exception.place);
    bool first = true;
    for (const Place& value : exception.values) {
      if (!value.node->is_scalar())
        return fail("the values of an exception on a single field are a flat list", value);
      add((first ? "" : ", ") + quote_item(value.node->text), value);
      first = false;
    }
    add(")", exception.place);
    return true;
  }

  bool write_tuples(const ExceptionDefinition& exception) {
    bool first = true;
    for (const Place& tuple : exception.values) {
      const size_t columns = exception.fields.size();
      if (!tuple.node->is_sequence() || tuple.node->items.size() != columns) {
        return fail(
            fmt::format("each of the values must be a list of {} items, one per field", columns),
            tuple);
      }
      add(first ? "(" : " or (", tuple);
      first = false;
      for (size_t i = 0; i < columns; ++i) {
        const Place cell{tuple.file, tuple.node->items[i].get()};
        add(fmt::format("{}{} {} ", i == 0 ? "" : " and ", exception.fields[i],
                        exception.operators[i]),
            cell);
        if (!write_cell(exception.operators[i], cell)) return false;
      }
      add(")", tuple);
    }
    return true;
  }

  bool write_cell(std::string_view op, Place cell) {
    if (cell.node->is_sequence()) {
      std::string list;
      for (const yaml::NodePtr& item : cell.node->items) {
        if (!item->is_scalar()) return fail("a list in a value holds only text", cell);
        list += (list.empty() ? "" : ", ") + quote_item(item->text);
      }
      add("(" + list + ")", cell);
      return true;
    }
    if (!cell.node->is_scalar()) return fail("a value is text or a list of texts", cell);
    const std::string& text = cell.node->text;
    const bool in_parentheses = text.starts_with('(') && text.ends_with(')');
    if (in_parentheses) {
      add(text, cell);
    } else if (takes_list(op)) {
      add("(" + quote_item(text) + ")", cell);
    } else {
      add(quote_item(text), cell);
    }
    return true;
  }

  const Chain& chain_;
  ReportSink& sink_;
  SourceText& text_;
  OwnerPtr owner_;
};

}  // namespace

bool add_exceptions(const RuleDefinition& rule, const Chain& chain, ReportSink* sink,
                    SourceText* text) {
  ExceptionWriter writer(chain, sink, text);
  return std::all_of(rule.exceptions.begin(), rule.exceptions.end(),
                     [&](const ExceptionDefinition& exception) { return writer.write(exception); });
}

}  // namespace gyr::rules
