// SPDX-License-Identifier: Apache-2.0
#include "config/value.h"

#include <fmt/format.h>

#include <charconv>
#include <unordered_map>

#include "base/text.h"

namespace gyr::config {
namespace {

constexpr size_t kMaxIndex = 10'000;
constexpr size_t kMaxSteps = 32;  // of an option's path

struct Step {
  enum class Kind : uint8_t { Key, Index, Append };
  Kind kind = Kind::Key;
  std::string key;
  size_t index = 0;
};

struct Path {
  std::vector<Step> steps;
  size_t size = 0;      // bytes up to the '='
  std::string problem;  // empty: fine
};

// "a.b[1][].c\.d=": a backslash takes the next of . [ ] \ = as text.
class PathParser {
 public:
  explicit PathParser(std::string_view text) : text_(text) {}

  Path parse() {
    while (path_.problem.empty() && at_ < text_.size() && text_[at_] != '=') step();
    flush();
    path_.size = at_;
    if (path_.problem.empty() && at_ == text_.size()) path_.problem = "write KEY=VALUE";
    if (path_.steps.size() > kMaxSteps) path_.problem = "the key has too many parts";
    if (path_.problem.empty() && path_.steps.empty()) path_.problem = "the key is missing";
    return std::move(path_);
  }

 private:
  void step() {
    const char c = text_[at_];
    if (c == '\\' && at_ + 1 < text_.size()) {
      key_ += text_[at_ + 1];
      at_ += 2;
    } else if (c == '.') {
      const bool after_index = at_ > 0 && text_[at_ - 1] == ']' && key_.empty();
      if (key_.empty() && !after_index) path_.problem = "a part of the key is empty";
      flush();
      ++at_;
      if (at_ == text_.size() || text_[at_] == '=') path_.problem = "a part of the key is empty";
    } else if (c == '[') {
      flush();
      bracket();
    } else {
      key_ += c;
      ++at_;
    }
  }

  void flush() {
    if (!key_.empty()) path_.steps.push_back({Step::Kind::Key, std::move(key_), 0});
    key_.clear();
  }

  void bracket() {
    const size_t end = text_.find(']', at_);
    if (end == std::string_view::npos) {
      path_.problem = "']' is missing";
      return;
    }
    const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    Step step{Step::Kind::Append, "", 0};
    if (!inside.empty()) {
      step.kind = Step::Kind::Index;
      const char* last = inside.data() + inside.size();
      const auto [stop, error] = std::from_chars(inside.data(), last, step.index);
      if (error != std::errc() || stop != last)
        path_.problem = fmt::format("'{}' is no index", inside);
    }
    path_.steps.push_back(std::move(step));
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string key_;
  Path path_;
};

Value empty_value(yaml::Kind kind, const Origin& origin) {
  Value value;
  value.kind = kind;
  value.origin = origin;
  return value;
}

// Sets what the steps from `at` on lead to. Returns what is wrong, or nothing.
std::string set(Value& target, const std::vector<Step>& steps, size_t at, const Value& value) {
  if (at == steps.size()) {
    target = value;
    return "";
  }
  const Step& step = steps[at];
  if (step.kind == Step::Kind::Key && target.is_sequence()) {
    // A key on a list of objects is meant for each of them.
    if (target.items.empty()) target.items.push_back(empty_value(yaml::Kind::Map, value.origin));
    for (Value& item : target.items) {
      std::string problem = set(item, steps, at, value);
      if (!problem.empty()) return problem;
    }
    return "";
  }
  const yaml::Kind wanted = step.kind == Step::Kind::Key ? yaml::Kind::Map : yaml::Kind::Sequence;
  if (target.is_null()) target = empty_value(wanted, value.origin);
  if (target.kind != wanted) {
    return fmt::format("the configuration has {} where the option needs {}", kind_name(target.kind),
                       kind_name(wanted));
  }
  if (step.kind == Step::Kind::Key) {
    Value* next = target.find(step.key);
    if (next == nullptr) {
      target.entries.push_back(
          {step.key, value.origin, empty_value(yaml::Kind::Null, value.origin)});
      next = &target.entries.back().value;
    }
    return set(*next, steps, at + 1, value);
  }
  const size_t index = step.kind == Step::Kind::Append ? target.items.size() : step.index;
  if (index > target.items.size() || index > kMaxIndex) {
    return fmt::format("index {} is beyond the end of the list", index);
  }
  if (index == target.items.size())
    target.items.push_back(empty_value(yaml::Kind::Null, value.origin));
  return set(target.items[index], steps, at + 1, value);
}

void add_json_text(std::string_view text, std::string* out) {
  *out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      *out += '\\';
      *out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      *out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      *out += c;
    }
  }
  *out += '"';
}

bool is_json_word(const Value& value) {
  if (value.quoted) return false;
  if (value.text == "true" || value.text == "false") return true;
  double number = 0;
  const char* end = value.text.data() + value.text.size();
  const auto [stop, error] = std::from_chars(value.text.data(), end, number);
  const bool leading_zero = value.text.size() > 1 && value.text[0] == '0' && value.text[1] != '.';
  const char first = value.text.empty() ? ' ' : value.text[0];
  return error == std::errc() && stop == end && !leading_zero &&
         (first == '-' || (first >= '0' && first <= '9'));
}

void write_json(const Value& value, std::string* out) {
  switch (value.kind) {
    case yaml::Kind::Null:
      *out += "null";
      return;
    case yaml::Kind::Scalar:
      if (is_json_word(value)) {
        *out += value.text;
      } else {
        add_json_text(value.text, out);
      }
      return;
    case yaml::Kind::Sequence:
      *out += '[';
      for (size_t i = 0; i < value.items.size(); ++i) {
        if (i > 0) *out += ',';
        write_json(value.items[i], out);
      }
      *out += ']';
      return;
    case yaml::Kind::Map:
      *out += '{';
      for (size_t i = 0; i < value.entries.size(); ++i) {
        if (i > 0) *out += ',';
        add_json_text(value.entries[i].key, out);
        *out += ':';
        write_json(value.entries[i].value, out);
      }
      *out += '}';
      return;
  }
}

}  // namespace

std::string Problem::text() const {
  if (origin.line == 0) {
    const bool is_named = message.find(origin.file) != std::string::npos;
    return is_named ? message : fmt::format("{}: {}", origin.file, message);
  }
  return fmt::format("{}:{}:{}: {}", origin.file, origin.line, origin.column, message);
}

const Value* Value::find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

Value* Value::find(std::string_view key) {
  return const_cast<Value*>(static_cast<const Value*>(this)->find(key));
}

const Value* Value::find_path(std::string_view path) const {
  const Value* value = this;
  for (const std::string_view key : split(path, '.')) {
    value = value->find(key);
    if (value == nullptr) return nullptr;
  }
  return value;
}

std::string expand_variables(std::string_view text, const Environment& environment) {
  std::string expanded;
  while (true) {
    const size_t at = text.find("${");
    const size_t end = at == std::string_view::npos ? at : text.find('}', at);
    if (end == std::string_view::npos) return expanded + std::string(text);
    const std::string_view name = text.substr(at + 2, end - at - 2);
    if (at > 0 && text[at - 1] == '$') {
      expanded += text.substr(0, at - 1);
      expanded += text.substr(at, end + 1 - at);
    } else {
      expanded += text.substr(0, at);
      expanded += environment(name).value_or("");
    }
    text.remove_prefix(end + 1);
  }
}

namespace {

class FromYaml {
 public:
  FromYaml(const std::string& file, const Environment& environment, Problems* problems,
           uint32_t column)
      : file_(file), environment_(environment), problems_(*problems), column_(column) {}

  Value convert(const yaml::Node& node) {
    Value value;
    if (++values_ > kMaxValues) return value;
    value.kind = node.kind;
    value.tag = node.tag;
    value.quoted = node.quoted;
    value.origin = origin(node.mark);
    if (node.is_scalar()) {
      value.text = expand_variables(node.text, environment_);
      value.is_unset = value.text.empty() && !node.text.empty();
    }
    for (const yaml::NodePtr& item : node.items) value.items.push_back(convert(*item));
    convert_entries(node, &value);
    return value;
  }

  bool is_too_large(const Origin& where) const {
    if (values_ <= kMaxValues) return false;
    problems_.push_back({true, where, fmt::format("more than {} values", kMaxValues)});
    return true;
  }

 private:
  Origin origin(const yaml::Mark& mark) const {
    return {file_, mark.line, mark.column + (mark.line == 1 ? column_ : 0)};
  }

  void convert_entries(const yaml::Node& node, Value* value) {
    std::unordered_map<std::string_view, uint32_t> lines;
    for (const yaml::Node::Entry& entry : node.entries) {
      if (lines.size() > kMaxKeys) values_ = kMaxValues + 1;
      if (values_ > kMaxValues) return;
      const Origin place = origin(entry.key->mark);
      if (!entry.key->is_scalar() && entry.key->text.empty()) {
        problems_.push_back(
            {true, place, fmt::format("a key is text, but this is {}", kind_name(entry.key->kind)),
             true});
        continue;
      }
      const auto [first, fresh] = lines.emplace(entry.key->text, place.line);
      if (!fresh) {
        problems_.push_back(
            {false, place,
             fmt::format("the key '{}' is there twice, first in line {}; the first one counts",
                         entry.key->text, first->second),
             true});
        continue;
      }
      value->entries.push_back({entry.key->text, place, convert(*entry.value)});
    }
  }

  const std::string& file_;
  const Environment& environment_;
  Problems& problems_;
  uint32_t column_;
  size_t values_ = 0;
};

}  // namespace

std::optional<Value> from_yaml(const yaml::Node& node, const std::string& file,
                               const Environment& environment, Problems* problems,
                               uint32_t column) {
  FromYaml converter(file, environment, problems, column);
  Value value = converter.convert(node);
  if (converter.is_too_large(value.origin)) return std::nullopt;
  return value;
}

void apply_override(std::string_view option, const Environment& environment, Value* root,
                    Problems* problems) {
  const std::string name = fmt::format("-o {}", option);
  const Path path = PathParser(option).parse();
  Origin origin{name, 1, 1};
  if (!path.problem.empty()) {
    problems->push_back({true, origin, path.problem});
    return;
  }
  const std::string text(option.substr(path.size + 1));
  Value value;
  if (text.starts_with('{') || text.starts_with('[')) {
    const yaml::ParseResult parsed = yaml::parse(text);
    const uint32_t before = static_cast<uint32_t>(path.size) + 1;  // in front of the value
    if (!parsed.errors.empty() || parsed.document->roots().size() != 1) {
      if (!parsed.errors.empty()) {
        const yaml::Mark& mark = parsed.errors[0].mark;
        origin.line = mark.line;
        origin.column = mark.column + (mark.line == 1 ? before : 0);
      }
      problems->push_back(
          {true, origin,
           parsed.errors.empty() ? "the value must be one YAML value" : parsed.errors[0].message});
      return;
    }
    auto converted = from_yaml(*parsed.document->roots()[0], name, environment, problems, before);
    if (!converted) return;
    value = *std::move(converted);
  } else {
    value.kind = yaml::Kind::Scalar;
    value.text = expand_variables(text, environment);
    value.is_unset = value.text.empty() && !text.empty();
    value.origin = origin;
  }
  Value changed = *root;
  const std::string problem = set(changed, path.steps, 0, value);
  if (problem.empty()) {
    *root = std::move(changed);
  } else {
    problems->push_back({true, origin, problem});
  }
}

std::string to_json(const Value& value) {
  std::string out;
  write_json(value, &out);
  return out;
}

}  // namespace gyr::config
