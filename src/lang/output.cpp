// SPDX-License-Identifier: Apache-2.0
#include "lang/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "lang/check.h"
#include "lang/lexer.h"
#include "vm/atom.h"

namespace gyr {
namespace {

constexpr size_t kMaxWidth = 4096;

// One piece of a template: literal text, then perhaps a token.
struct Piece {
  std::string literal;
  OperandPtr operand;  // null: literal only
  size_t width = 0;    // 0: as long as it is
};

}  // namespace

struct OutputTemplate::Impl {
  std::vector<Piece> pieces;
  std::vector<OutputField> fields;
};

OutputTemplate::OutputTemplate() : impl_(std::make_unique<Impl>()) {}
OutputTemplate::~OutputTemplate() = default;

std::span<const OutputField> OutputTemplate::fields() const { return impl_->fields; }

namespace {

bool is_field_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.';
}

class TemplateParser {
 public:
  TemplateParser(std::string_view text, const Dialect& dialect, std::vector<TextFault>* faults)
      : text_(text), dialect_(dialect), faults_(faults) {}

  bool parse(std::vector<Piece>* pieces, std::vector<OutputField>* fields) {
    pieces_ = pieces;
    fields_ = fields;
    bool good = true;
    while (at_ < text_.size()) {
      const size_t percent = std::min(text_.find('%', at_), text_.size());
      pieces_->push_back({std::string(text_.substr(at_, percent - at_)), nullptr, 0});
      at_ = percent;
      if (at_ < text_.size()) good = parse_token() && good;
    }
    return good;
  }

 private:
  bool fail(size_t offset, size_t size, std::string message, Code code = Code::CompileOutput) {
    faults_->push_back(fault_at({offset, size}, std::move(message), code));
    return false;
  }
  std::string_view rest() const { return text_.substr(at_); }

  // At '%'.
  bool parse_token() {
    const size_t start = at_++;
    if (rest().starts_with('%')) {
      ++at_;
      return fail(start, 2, "'%%' is not a token; a percent sign cannot be written");
    }
    size_t width = 0;
    const auto [end, error] =
        std::from_chars(text_.data() + at_, text_.data() + text_.size(), width);
    if (error == std::errc()) {
      at_ = static_cast<size_t>(end - text_.data());
      if (width == 0 || width > kMaxWidth) {
        return fail(start, at_ - start, fmt::format("a width is 1 to {}", kMaxWidth));
      }
    }
    const size_t field_start = at_;
    OperandPtr operand = parse_operand(0);
    if (!operand) {
      at_ = std::max(at_, field_start);
      return false;
    }
    pieces_->back().operand = std::move(operand);
    pieces_->back().width = width;
    return true;
  }

  OperandPtr refuse(size_t offset, size_t size, std::string message,
                    Code code = Code::CompileOutput) {
    fail(offset, size, std::move(message), code);
    return nullptr;
  }

  OperandPtr parse_operand(size_t depth) {
    if (depth > kMaxDepth) return refuse(at_, 1, "transformers are nested too deep");
    const size_t start = at_;
    size_t end = at_;
    while (end < text_.size() && is_field_byte(text_[end])) ++end;
    const std::string_view word = text_.substr(start, end - start);
    if (end < text_.size() && text_[end] == '(') {
      for (const Function function : {Function::ToUpper, Function::ToLower, Function::Base64,
                                      Function::Basename, Function::Len}) {
        if (word != text_of(function)) continue;
        at_ = end + 1;
        return parse_call(function, start, depth);
      }
    }
    if (word.empty()) {
      return refuse(start - 1, 1, "a field is expected behind '%'");
    }
    const bool call = end < text_.size() && text_[end] == '(';
    if (call && find_field(dialect_.fields, word).info == nullptr) {
      at_ = end + 1;
      return refuse(start, word.size(),
                    fmt::format("'{}' cannot stand in an output; transformers there are toupper, "
                                "tolower, b64, basename and len, of one field each",
                                word));
    }
    return parse_field(word, start);
  }

  OperandPtr parse_call(Function function, size_t start, size_t depth) {
    OperandPtr argument = parse_operand(depth + 1);
    if (!argument) return nullptr;
    if (!rest().starts_with(')')) return refuse(start, at_ - start, "the closing ')' is missing");
    ++at_;
    const bool field = argument->kind == Operand::Kind::Field;
    const bool refused = field && (argument->field.info->flags & kNoTransformer) != 0;
    const Family family = family_of(argument->type);
    const bool fits =
        function == Function::Len
            ? argument->is_list || family == Family::Text || family == Family::Blob
            : family == Family::Text || (function == Function::Base64 && family == Family::Blob);
    if (refused || !fits) {
      return refuse(start, at_ - start,
                    fmt::format("'{}' cannot transform this field", text_of(function)));
    }
    return make_call(function, {std::move(argument)}, {});
  }

  // The longest field name that begins the word wins; what follows is literal text again.
  OperandPtr parse_field(std::string_view word, size_t start) {
    const FieldMatch match = find_field(dialect_.fields, word);
    if (match.info == nullptr) {
      at_ = start + word.size();
      ResolvedField unknown = resolve_field(dialect_, word, false, {});
      return refuse(start, word.size(), std::move(unknown.message), Code::UnknownField);
    }
    size_t size = match.info->name.size();
    const bool dotted = match.has_dotted_argument();
    if (dotted) {
      size = word.size();
      while (word[size - 1] == '.') --size;  // a full stop that ends the sentence
    }
    at_ = start + size;
    bool has_argument = false;
    std::string_view argument;
    if (!dotted && rest().starts_with('[') && takes_argument(*match.info)) {
      const size_t close = rest().find(']');
      if (close == std::string_view::npos) {
        at_ = text_.size();
        return refuse(start, text_.size() - start, "the closing ']' is missing");
      }
      has_argument = true;
      argument = rest().substr(1, close - 1);
      if (argument.size() > 1 && (argument[0] == '"' || argument[0] == '\'') &&
          argument.back() == argument[0]) {
        argument = argument.substr(1, argument.size() - 2);
      }
      at_ += close + 1;
    }
    ResolvedField resolved = resolve_field(dialect_, word.substr(0, size), has_argument, argument);
    if (dotted && !resolved.operand) {
      resolved = shortened(word, match.info->name.size(), &size, std::move(resolved));
      at_ = start + size;
    }
    if (!resolved.operand) {
      return refuse(start, at_ - start, std::move(resolved.message),
                    resolved.unknown ? Code::UnknownField : Code::CompileOutput);
    }
    if ((match.info->flags & kFilterOnly) != 0) {
      return refuse(start, at_ - start,
                    fmt::format("field '{}' is for conditions only", match.info->name));
    }
    remember(text_.substr(start, at_ - start), resolved.operand);
    return std::move(resolved.operand);
  }

  // Of a dotted argument the longest beginning that is one wins too: evt.arg.resx is evt.arg.res
  // and an x. What was `refused` stays so if none is.
  ResolvedField shortened(std::string_view word, size_t name_size, size_t* size,
                          ResolvedField refused) {
    for (size_t shorter = *size - 1; shorter > name_size + 1; --shorter) {
      ResolvedField resolved = resolve_field(dialect_, word.substr(0, shorter), false, {});
      if (!resolved.operand) continue;
      *size = shorter;
      return resolved;
    }
    return refused;
  }

  static bool takes_argument(const FieldInfo& info) {
    return (info.flags & (kArgumentRequired | kArgumentAllowed | kArgumentIndex | kArgumentKey)) !=
           0;
  }

  void remember(std::string_view name, const OperandPtr& operand) {
    for (const OutputField& known : *fields_) {
      if (known.name == name) return;
    }
    fields_->push_back({std::string(name), &operand->field, true});
  }

  std::string_view text_;
  const Dialect& dialect_;
  std::vector<TextFault>* faults_;
  std::vector<Piece>* pieces_ = nullptr;
  std::vector<OutputField>* fields_ = nullptr;
  size_t at_ = 0;
};

}  // namespace

std::shared_ptr<const OutputTemplate> OutputTemplate::parse(std::string_view text,
                                                            const Dialect& dialect,
                                                            std::vector<TextFault>* faults) {
  std::shared_ptr<OutputTemplate> result(new OutputTemplate());
  Impl& impl = *result->impl_;
  TemplateParser parser(text, dialect, faults);
  if (!parser.parse(&impl.pieces, &impl.fields)) return nullptr;
  return result;
}

namespace {

void append_hex(char c, std::string* out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto byte = static_cast<uint8_t>(c);
  *out += "\\x";
  *out += kDigits[byte >> 4];
  *out += kDigits[byte & 15];
}

// Bytes at the start of `text` that a terminal could obey: control characters but tabs, and a byte
// of no UTF-8 sequence that is one for terminals of 8-bit characters.
size_t escaped_length(std::string_view text, size_t utf8) {
  if (utf8 > 0) return text[0] == '\t' ? 0 : control_length(text);
  return static_cast<uint8_t>(text[0]) < 0xa0 ? 1 : 0;
}

void append_escaped(std::string_view text, std::string* out) {
  size_t plain = 0;
  size_t at = 0;
  while (at < text.size()) {
    if (text[at] >= ' ' && text[at] < 0x7f) {  // most of what there is
      ++at;
      continue;
    }
    const std::string_view rest = text.substr(at);
    const size_t utf8 = utf8_length(rest);
    const size_t escaped = escaped_length(rest, utf8);
    if (escaped == 0) {
      at += std::max<size_t>(utf8, 1);
      continue;
    }
    out->append(text, plain, at - plain);
    if (rest[0] == '\n') {
      *out += "\\n";
    } else {
      for (const char c : rest.substr(0, escaped)) append_hex(c, out);
    }
    at += escaped;
    plain = at;
  }
  out->append(text, plain);
}

}  // namespace

std::string OutputTemplate::render(const EvalContext& context) const {
  std::string out;
  render_to(context, ControlBytes::Keep, &out);
  return out;
}

void OutputTemplate::render_to(const EvalContext& context, ControlBytes control,
                               std::string* out) const {
  Arena arena;
  const auto append = [&](std::string_view text) {
    if (control == ControlBytes::Escape) {
      append_escaped(text, out);
    } else {
      *out += text;
    }
  };
  for (const Piece& piece : impl_->pieces) {
    *out += piece.literal;
    if (!piece.operand) continue;
    const Operand& operand = *piece.operand;
    const bool field = operand.kind == Operand::Kind::Field;
    const Value value =
        field ? printed_value(context, operand.field) : evaluate(operand, context, arena);
    // Most values are text that is already there.
    if (value.kind == Value::Kind::Text && piece.width == 0) {
      append(value.as_text());
      continue;
    }
    const Format format = field ? operand.field.info->format : Format::Na;
    std::string text = render_value(value, operand.type, format);
    if (piece.width != 0) text.resize(piece.width, ' ');
    append(text);
  }
}

}  // namespace gyr
