// SPDX-License-Identifier: Apache-2.0
#include "yaml/document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"

namespace gyr::yaml {
namespace {

// What a node amounts to when its aliases are written out.
struct Extent {
  size_t nodes = 1;
  size_t depth = 1;
};

using Shared = std::shared_ptr<Node>;

// Builds the tree from the parser's events. After a failure it ignores what still comes, because
// the parser can only be stopped by an exception.
class Builder : public YAML::EventHandler {
 public:
  Builder(std::string_view source, std::vector<NodePtr>* roots) : source_(source), roots_(roots) {}

  const std::vector<ParseError>& errors() const { return errors_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    anchors_.clear();
    // The parser makes empty documents without end of a token that can start nothing, such as ','.
    const auto at = static_cast<int64_t>(mark.pos);
    if (!failed() && at <= last_document_) fail(convert(mark), "no value can start here");
    last_document_ = at;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (failed()) return;
    Shared node = make(mark, "?", Kind::Null);
    const std::string_view rest = source_.substr(std::min(node->mark.offset, source_.size()));
    for (const std::string_view word : {"~", "null", "Null", "NULL"}) {
      if (rest.starts_with(word)) node->text = word;
    }
    finish(Open{std::move(node), anchor, {}, {}, {}});
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (failed()) return;
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) return fail(convert(mark), "this alias is part of its own value");
    attach(found->second.node, found->second.extent);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (failed()) return;
    Shared node = make(mark, tag, Kind::Scalar);
    node->text = value;
    const char first = node->mark.offset < source_.size() ? source_[node->mark.offset] : ' ';
    node->quoted = std::string_view("\"'|>").find(first) != std::string_view::npos;
    // A tag alone: there is nothing behind it that could be shown.
    if (value.empty() && !node->quoted) node->mark = convert(mark);
    finish(Open{std::move(node), anchor, {}, {}, {}});
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(make(mark, tag, Kind::Sequence), anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(make(mark, tag, Kind::Map), anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Shared node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    Extent extent;
    NodePtr key;                  // of a map whose value comes next
    std::vector<NodePtr> merged;  // maps named by '<<'
  };
  struct Anchored {
    NodePtr node;
    Extent extent;
  };

  bool failed() const { return !errors_.empty(); }
  void fail(const Mark& mark, std::string message) {
    errors_.push_back({mark, std::move(message)});
    stack_.clear();
  }

  static Mark convert(const YAML::Mark& mark) {
    if (mark.is_null()) return {};
    return {static_cast<uint32_t>(mark.line) + 1, static_cast<uint32_t>(mark.column) + 1,
            static_cast<size_t>(mark.pos)};
  }

  // The parser marks a node at its tag or anchor; positions of text need the value behind them.
  Mark skip_properties(Mark mark) const {
    const auto peek = [&] { return mark.offset < source_.size() ? source_[mark.offset] : '\0'; };
    const auto step = [&] {
      const bool line_end = peek() == '\n';
      ++mark.offset;
      mark.line += line_end ? 1 : 0;
      mark.column = line_end ? 1 : mark.column + 1;
    };
    while (peek() == '!' || peek() == '&') {
      while (peek() != '\0' &&
             std::string_view(" \t\r\n,]}").find(peek()) == std::string_view::npos)
        step();
      while (peek() == ' ' || peek() == '\t' || peek() == '\r' || peek() == '\n') step();
    }
    return mark;
  }

  Shared make(const YAML::Mark& mark, const std::string& tag, Kind kind) const {
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->mark = skip_properties(convert(mark));
    if (tag != "?" && tag != "!") node->tag = tag;
    return node;
  }

  void open(Shared node, YAML::anchor_t anchor) {
    if (failed()) return;
    if (stack_.size() >= kMaxDepth) return fail(node->mark, "nested too deeply");
    stack_.push_back({std::move(node), anchor, {}, {}, {}});
  }

  void close() {
    if (failed()) return;
    Open top = std::move(stack_.back());
    stack_.pop_back();
    if (!top.merged.empty()) merge(top);
    finish(std::move(top));
  }

  void finish(Open done) {
    if (done.anchor != YAML::NullAnchor) anchors_[done.anchor] = {done.node, done.extent};
    attach(done.node, done.extent);
  }

  void attach(NodePtr node, const Extent& extent) {
    total_ += extent.nodes;
    if (total_ > kMaxNodes) return fail(node->mark, "the text expands to too many values");
    if (stack_.empty()) {
      roots_->push_back(std::move(node));
      return;
    }
    Open& parent = stack_.back();
    parent.extent.nodes += extent.nodes;
    parent.extent.depth = std::max(parent.extent.depth, extent.depth + 1);
    if (parent.extent.depth > kMaxDepth) return fail(node->mark, "nested too deeply");
    if (parent.node->kind == Kind::Sequence) {
      parent.node->items.push_back(std::move(node));
    } else if (!parent.key) {
      parent.key = std::move(node);
    } else {
      const NodePtr key = std::exchange(parent.key, nullptr);
      add_entry(parent, key, std::move(node));
    }
  }

  void add_entry(Open& map, NodePtr key, NodePtr value) {
    const bool merges = key->is_scalar() && !key->quoted && key->text == "<<";
    if (!merges) {
      map.node->entries.push_back({std::move(key), std::move(value)});
    } else if (value->is_map()) {
      map.merged.push_back(std::move(value));
    } else {
      const bool maps =
          value->is_sequence() && std::all_of(value->items.begin(), value->items.end(),
                                              [](const NodePtr& item) { return item->is_map(); });
      if (!maps) return fail(key->mark, "'<<' needs a map or a sequence of maps");
      map.merged.insert(map.merged.end(), value->items.begin(), value->items.end());
    }
  }

  // Keys of the map itself win over merged ones wherever they stand, so merging waits for its end.
  static void merge(Open& map) {
    std::unordered_set<std::string_view> known;
    for (const Node::Entry& entry : map.node->entries) known.insert(entry.key->text);
    for (const NodePtr& from : map.merged) {
      for (const Node::Entry& entry : from->entries) {
        if (known.insert(entry.key->text).second) map.node->entries.push_back(entry);
      }
    }
  }

  std::string_view source_;
  std::vector<NodePtr>* roots_;
  std::vector<Open> stack_;
  std::unordered_map<YAML::anchor_t, Anchored> anchors_;
  std::vector<ParseError> errors_;
  size_t total_ = 0;
  int64_t last_document_ = -1;  // where it started
};

// The parser takes byte 4 for the end of the text, and no control character but these three may
// stand in YAML: refused here, where the position is known.
size_t find_control(std::string_view text) {
  const auto bad = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r';
  };
  return static_cast<size_t>(std::find_if(text.begin(), text.end(), bad) - text.begin());
}

std::vector<size_t> find_lines(std::string_view text) {
  std::vector<size_t> starts = {0};
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') starts.push_back(i + 1);
  }
  return starts;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

struct Parser {
  static ParseResult parse(std::string text) {
    auto document = std::make_shared<Document>();
    if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
    document->source_ = std::move(text);
    document->line_starts_ = find_lines(document->source_);
    const std::string& source = document->source_;
    if (source.size() > kMaxBytes) return {document, {{{}, "the text is larger than 64 MiB"}}};
    const size_t control = find_control(source);
    if (control < source.size()) {
      return {document,
              {{document->mark_at(control), "control characters are not allowed in YAML"}}};
    }
    Builder builder(source, &document->roots_);
    std::vector<ParseError> errors = run(source, builder);
    if (!builder.errors().empty()) errors = builder.errors();
    if (!errors.empty()) document->roots_.clear();
    return {document, std::move(errors)};
  }

  static std::vector<ParseError> run(const std::string& source, Builder& builder) {
    try {
      std::istringstream stream(source);
      YAML::Parser parser(stream);
      while (builder.errors().empty() && parser.HandleNextDocument(builder)) {
      }
    } catch (const YAML::Exception& e) {
      Mark mark;
      if (!e.mark.is_null()) {
        mark = {static_cast<uint32_t>(e.mark.line) + 1, static_cast<uint32_t>(e.mark.column) + 1,
                static_cast<size_t>(e.mark.pos)};
      }
      return {{mark, e.msg}};
    } catch (const std::exception& e) {
      return {{{}, e.what()}};
    }
    return {};
  }
};

ParseResult parse(std::string text) { return Parser::parse(std::move(text)); }

const Node::Entry* Node::find_entry(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key->is_scalar() && entry.key->text == key) return &entry;
  }
  return nullptr;
}

const Node* Node::find(std::string_view key) const {
  const Entry* entry = find_entry(key);
  return entry ? entry->value.get() : nullptr;
}

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::Null:
      return "nothing";
    case Kind::Scalar:
      return "a scalar";
    case Kind::Sequence:
      return "a sequence";
    case Kind::Map:
      return "a map";
  }
  return "";
}

Truth truth(const Node& node) {
  if (!node.is_scalar() || node.quoted) return Truth::Neither;
  const std::string lower = to_lower(node.text);
  for (const std::string_view word : {"true", "yes", "on", "y"}) {
    if (lower == word) return Truth::True;
  }
  for (const std::string_view word : {"false", "no", "off", "n"}) {
    if (lower == word) return Truth::False;
  }
  return Truth::Neither;
}

Mark Document::mark_at(size_t offset) const {
  offset = std::min(offset, source_.size());
  const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const auto line = static_cast<size_t>(after - line_starts_.begin());
  return {static_cast<uint32_t>(line), static_cast<uint32_t>(offset - line_starts_[line - 1]) + 1,
          offset};
}

std::string_view Document::line_of(const Mark& mark) const {
  const size_t line = mark_at(mark.offset).line;
  const std::string_view rest = std::string_view(source_).substr(line_starts_[line - 1]);
  std::string_view text = rest.substr(0, rest.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

namespace {

// Walks a scalar's source and its text side by side. Apart from blanks, which folding changes, and
// from escapes in quotes, the bytes of the text are those of the source in the same order.
class Tracer {
 public:
  Tracer(std::string_view source, const Node& scalar)
      : source_(source), text_(scalar.text), at_(std::min(scalar.mark.offset, source.size())) {
    const char style = at_ < source_.size() ? source_[at_] : ' ';
    double_quoted_ = style == '"';
    single_quoted_ = style == '\'';
    if (double_quoted_ || single_quoted_) ++at_;
    if (style == '|' || style == '>') at_ = std::min(source_.find('\n', at_), source_.size());
    if (style == '|' || style == '>') skip_blanks();
  }

  size_t trace(size_t text_offset) {
    const size_t end = std::min(text_offset, text_.size());
    size_t i = 0;
    while (true) {
      align(i);
      if (i >= end || at_ >= source_.size()) return std::min(at_, source_.size());
      i += advance(i, end - i);
    }
  }

 private:
  char peek(size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }
  void skip_blanks() {
    while (at_ < source_.size() && is_blank(source_[at_])) ++at_;
  }

  // Skips what stands in the source only: folded blanks and escaped line ends.
  void align(size_t i) {
    while (double_quoted_ && peek() == '\\' && (peek(1) == '\n' || peek(1) == '\r')) {
      ++at_;
      skip_blanks();
    }
    if (i < text_.size() && !is_blank(text_[i])) skip_blanks();
    while (double_quoted_ && peek() == '\\' && (peek(1) == '\n' || peek(1) == '\r')) {
      ++at_;
      skip_blanks();
    }
  }

  // Moves over what gives text byte i; returns how many text bytes it gave, at most `limit`.
  size_t advance(size_t i, size_t limit) {
    if (double_quoted_ && peek() == '\\') {
      const auto [source_size, text_size] = escape();
      if (text_size > limit) return limit;
      at_ += source_size;
      return text_size;
    }
    if (single_quoted_ && peek() == '\'' && peek(1) == '\'') {
      at_ += 2;
    } else if (!is_blank(text_[i]) || is_blank(peek())) {
      ++at_;
    }
    return 1;
  }

  // Sizes of the escape sequence here and of the UTF-8 text it stands for.
  std::pair<size_t, size_t> escape() const {
    const char kind = peek(1);
    const size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
    if (digits == 0) {
      const bool two = kind == 'N' || kind == '_';
      const bool three = kind == 'L' || kind == 'P';
      return {2, three ? 3 : two ? 2 : 1};
    }
    uint32_t value = 0;
    for (size_t d = 0; d < digits; ++d) {
      const auto c = static_cast<unsigned char>(peek(2 + d) | 0x20);
      value = value * 16 + (c <= '9' ? c - '0' : c - 'a' + 10u);
    }
    return {2 + digits, value < 0x80 ? 1 : value < 0x800 ? 2 : value < 0x10000 ? 3 : 4};
  }

  std::string_view source_;
  std::string_view text_;
  size_t at_;
  bool double_quoted_ = false;
  bool single_quoted_ = false;
};

}  // namespace

Mark Document::locate(const Node& scalar, size_t text_offset) const {
  return mark_at(Tracer(source_, scalar).trace(text_offset));
}

}  // namespace gyr::yaml
