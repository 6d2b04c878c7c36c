// SPDX-License-Identifier: Apache-2.0
#include "vm/operand.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace gyr {
namespace {

constexpr size_t kMaxArguments = 64;  // refused by lang beyond this

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

Dependency weaker(Dependency a, Dependency b) { return std::max(a, b); }

bool is_text(const Value& value) {
  return value.kind == Value::Kind::Text || value.kind == Value::Kind::Blob;
}

Value text_like(const Value& from, std::string_view text) {
  Value result = Value::of_text(text);
  result.kind = from.kind;
  return result;
}

template <class Change>
Value change_bytes(const Value& value, Arena& arena, Change change) {
  if (!is_text(value)) return Value::null();
  const std::string_view text = value.as_text();
  char* out = arena.array<char>(text.size());
  std::transform(text.begin(), text.end(), out, change);
  return text_like(value, {out, text.size()});
}

constexpr auto kBase64 = [] {
  std::array<int8_t, 256> table{};
  table.fill(-1);
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < kDigits.size(); ++i) {
    table[static_cast<uint8_t>(kDigits[i])] = static_cast<int8_t>(i);
  }
  return table;
}();

// Padding may be missing, bits beyond the last byte must be zero. Null when the text is not base64.
Value decode_base64(const Value& value, Arena& arena) {
  if (!is_text(value)) return Value::null();
  std::string_view text = value.as_text();
  for (int pad = 0; pad < 2 && text.ends_with('='); ++pad) text.remove_suffix(1);
  if (text.size() % 4 == 1) return Value::null();
  char* out = arena.array<char>(text.size() / 4 * 3 + 3);
  size_t size = 0;
  uint32_t bits = 0;
  int have = 0;
  for (const char c : text) {
    const int8_t digit = kBase64[static_cast<uint8_t>(c)];
    if (digit < 0) return Value::null();
    bits = bits << 6 | static_cast<uint32_t>(digit);
    have += 6;
    if (have >= 8) {
      have -= 8;
      out[size++] = static_cast<char>(bits >> have & 0xff);
    }
  }
  if ((bits & ((1u << have) - 1)) != 0) return Value::null();
  return text_like(value, {out, size});
}

// Text as concat and join see it; numbers in decimal.
std::string_view as_joinable(const Value& value, Arena& arena) {
  std::array<char, 32> buffer{};
  std::to_chars_result end{buffer.data(), {}};
  char* const last = buffer.data() + buffer.size();
  switch (value.kind) {
    case Value::Kind::Text:
    case Value::Kind::Blob:
      return value.as_text();
    case Value::Kind::Int:
      end = std::to_chars(buffer.data(), last, value.i);
      break;
    case Value::Kind::Uint:
      end = std::to_chars(buffer.data(), last, value.u);
      break;
    case Value::Kind::Double:
      end = std::to_chars(buffer.data(), last, value.d);
      break;
    case Value::Kind::Bool:
      return value.b ? "true" : "false";
    case Value::Kind::Null:
    case Value::Kind::Ip:
    case Value::Kind::List:
      return {};
  }
  return arena.copy({buffer.data(), static_cast<size_t>(end.ptr - buffer.data())});
}

// All parts, lists opened one level, with `separator` between them.
Value join_parts(std::span<const Value> values, std::string_view separator, Arena& arena) {
  std::string joined;
  bool first = true;
  const auto add = [&](const Value& part) {
    if (!first) joined += separator;
    first = false;
    joined += as_joinable(part, arena);
  };
  for (const Value& value : values) {
    if (value.kind != Value::Kind::List) {
      add(value);
      continue;
    }
    for (const Value& part : value.as_list()) add(part);
  }
  return Value::of_text(arena.copy(joined));
}

struct OptionScan {
  std::string_view spec;    // as getopt(3) has it: "ab:c"
  std::string_view wanted;  // one letter, or the whole name of a long option
  bool takes_argument = false;
};

// The argument of the wanted option in one word, or nothing. `next` is the word behind it.
const std::string_view* option_in(const OptionScan& scan, const std::string_view& word,
                                  const std::string_view* next, std::string_view* storage) {
  if (word.size() < 2 || word[0] != '-' || word[1] == '-') return nullptr;
  for (size_t i = 1; i < word.size(); ++i) {
    const size_t place = word[i] == ':' ? std::string_view::npos : scan.spec.find(word[i]);
    if (place == std::string_view::npos) continue;
    const bool argument = place + 1 < scan.spec.size() && scan.spec[place + 1] == ':';
    const bool wanted = scan.wanted.size() == 1 && word[i] == scan.wanted[0];
    if (!argument) {
      *storage = {};
      if (wanted) return storage;
      continue;
    }
    if (!wanted) return nullptr;  // the rest of the word is this other option's argument
    if (i + 1 < word.size()) {
      *storage = word.substr(i + 1);
      return storage;
    }
    return next;
  }
  return nullptr;
}

// Words of a list, or of one text cut at blanks.
std::vector<std::string_view> words_of(const Value& value) {
  std::vector<std::string_view> words;
  if (value.kind == Value::Kind::List) {
    for (const Value& item : value.as_list()) {
      if (is_text(item)) words.push_back(item.as_text());
    }
    return words;
  }
  std::string_view rest = is_text(value) ? value.as_text() : std::string_view();
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(' '), rest.size());
    if (end > 0) words.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return words;
}

Value get_option(const Value& value, std::string_view spec, std::string_view wanted, Arena& arena) {
  const std::vector<std::string_view> words = words_of(value);
  const OptionScan scan{spec, wanted};
  std::string_view storage;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--") return Value::null();
    const std::string_view* next = i + 1 < words.size() ? &words[i + 1] : nullptr;
    if (const std::string_view* found = option_in(scan, words[i], next, &storage)) {
      return Value::of_text(arena.copy(*found));
    }
  }
  return Value::null();
}

Value length_of(const Value& value) {
  if (value.kind != Value::Kind::List && !is_text(value)) return Value::null();
  return Value::of_uint(value.size);
}

Value basename_of(const Value& value) {
  if (!is_text(value)) return Value::null();
  const std::string_view text = value.as_text();
  return text_like(value, text.substr(text.rfind('/') + 1));  // npos + 1 is 0
}

Value apply_to_one(Function function, const Value& value, Arena& arena) {
  switch (function) {
    case Function::ToUpper:
      return change_bytes(value, arena, upper);
    case Function::ToLower:
      return change_bytes(value, arena, lower);
    case Function::Base64:
      return decode_base64(value, arena);
    case Function::Basename:
      return basename_of(value);
    case Function::Len:
      return length_of(value);
    case Function::Join:
    case Function::Concat:
    case Function::GetOpt:
      return Value::null();
  }
  return Value::null();
}

Value apply_to_each(Function function, const Value& list, Arena& arena) {
  auto* results = arena.array<Value>(list.size);
  for (size_t i = 0; i < list.size; ++i) {
    results[i] = apply_to_one(function, list.list[i], arena);
  }
  return Value::of_list({results, list.size});
}

}  // namespace

Value apply(Function function, std::span<const Value> arguments, std::string_view option,
            Arena& arena) {
  for (const Value& argument : arguments) {
    if (argument.is_null()) return Value::null();
  }
  switch (function) {
    case Function::Join:
      return join_parts(arguments.subspan(1), as_joinable(arguments[0], arena), arena);
    case Function::Concat:
      return join_parts(arguments, {}, arena);
    case Function::GetOpt:
      return get_option(arguments[0], arguments[1].as_text(), option, arena);
    case Function::ToUpper:
    case Function::ToLower:
    case Function::Base64:
    case Function::Basename:
      if (arguments[0].kind == Value::Kind::List) {
        return apply_to_each(function, arguments[0], arena);
      }
      return apply_to_one(function, arguments[0], arena);
    case Function::Len:
      return apply_to_one(function, arguments[0], arena);
  }
  return Value::null();
}

Value evaluate(const Operand& operand, const EvalContext& context, Arena& arena) {
  switch (operand.kind) {
    case Operand::Kind::Field:
      return operand.field.info->extract(context, operand.field);
    case Operand::Kind::Text:
      return Value::of_text(operand.text);
    case Operand::Kind::List:
    case Operand::Kind::Call:
      break;
  }
  const size_t count = std::min(operand.arguments.size(), kMaxArguments);
  auto* values = arena.array<Value>(count);
  for (size_t i = 0; i < count; ++i) {
    values[i] = evaluate(*operand.arguments[i], context, arena);
    if (values[i].is_null() && !operand.stateful) return Value::null();
  }
  if (operand.kind == Operand::Kind::Call) {
    return apply(operand.function, {values, count}, operand.option, arena);
  }
  for (size_t i = 0; i < count; ++i) {
    if (values[i].is_null()) return Value::null();
  }
  return Value::of_list({values, count});
}

namespace {

std::string quoted(std::string_view text) {
  return std::to_string(text.size()) + ':' + std::string(text);
}

void add_arguments(Operand& operand) {
  operand.key += '(';
  for (const OperandPtr& argument : operand.arguments) {
    operand.dependency = weaker(operand.dependency, argument->dependency);
    operand.stateful = operand.stateful || argument->stateful;
    operand.key += argument->key + ',';
  }
  operand.key += ')';
}

}  // namespace

OperandPtr make_field(FieldUse use) {
  auto result = std::make_shared<Operand>();
  result->kind = Operand::Kind::Field;
  result->type = use.type;
  result->is_list = (use.info->flags & kIsList) != 0;
  result->dependency = use.info->dependency;
  result->stateful = (use.info->flags & kStateful) != 0;
  result->key = std::string(use.info->name);
  if (use.has_argument) {
    result->key += (use.dotted ? '.' : '[') + quoted(use.argument);
  }
  result->field = std::move(use);
  return result;
}

OperandPtr make_text(std::string text) {
  auto result = std::make_shared<Operand>();
  result->key = '"' + quoted(text);
  result->text = std::move(text);
  return result;
}

OperandPtr make_list(std::vector<OperandPtr> items) {
  auto result = std::make_shared<Operand>();
  result->kind = Operand::Kind::List;
  result->is_list = true;
  result->type = items.empty() ? Type::CharBuf : items.front()->type;
  result->arguments = std::move(items);
  add_arguments(*result);
  return result;
}

OperandPtr make_call(Function function, std::vector<OperandPtr> arguments, std::string option) {
  auto result = std::make_shared<Operand>();
  result->kind = Operand::Kind::Call;
  result->function = function;
  result->key = std::string(text_of(function));
  result->arguments = std::move(arguments);
  add_arguments(*result);
  result->option = std::move(option);
  if (function == Function::GetOpt) result->key += '[' + quoted(result->option);
  if (function == Function::Len) {
    result->type = Type::Uint64;
  } else if (function != Function::Join && function != Function::Concat &&
             function != Function::GetOpt) {
    result->type = result->arguments.front()->type;
    result->is_list = result->arguments.front()->is_list;
  }
  return result;
}

}  // namespace gyr
