// SPDX-License-Identifier: Apache-2.0
// YAML with source positions: text → documents of immutable nodes. A library reads (readers.h), our
// builder.h makes the tree.
//
// Guarantees: any bytes give documents or one error with a position; nesting, the number of nodes
// and what aliases expand to are bounded; every byte of a scalar's text can be traced to its place
// in the source, also in folded, literal and quoted scalars.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gyr::yaml {

inline constexpr size_t kMaxBytes = 64u << 20;  // of one text
inline constexpr size_t kMaxNodes = 2'000'000;  // of one text, aliases expanded
inline constexpr size_t kMaxDepth = 100;        // of nesting, aliases expanded

// A place in the text. Line and column count from 1 (bytes), offset from 0.
struct Mark {
  uint32_t line = 1;
  uint32_t column = 1;
  size_t offset = 0;
};

enum class Kind : uint8_t { Null, Scalar, Sequence, Map };

class Node;
using NodePtr = std::shared_ptr<const Node>;

// One value. Aliases share the node they name; merge keys ("<<") are resolved already.
class Node {
 public:
  struct Entry {
    NodePtr key;
    NodePtr value;
  };

  Kind kind = Kind::Null;
  bool quoted = false;  // scalar written in quotes or as a block: never a null, number or boolean
  Mark mark;            // first character of the value itself, behind tag and anchor
  std::string tag;      // as written, "" if none: "!recvfrom" in [!recvfrom] is a tag, not text
  std::string text;     // of a scalar; of a null: the word it was written as, or ""
  std::vector<NodePtr> items;  // of a sequence
  std::vector<Entry> entries;  // of a map, in order

  bool is_null() const { return kind == Kind::Null; }
  bool is_scalar() const { return kind == Kind::Scalar; }
  bool is_sequence() const { return kind == Kind::Sequence; }
  bool is_map() const { return kind == Kind::Map; }

  // The first entry with this key, null if there is none.
  const Node* find(std::string_view key) const;
  const Entry* find_entry(std::string_view key) const;
};

// Whether a file in a folder of configuration or rules is one.
inline bool has_yaml_extension(std::string_view file_name) {
  return file_name.ends_with(".yaml") || file_name.ends_with(".yml");
}

// The words for a kind in messages: "a sequence", "a map" …
std::string_view kind_name(Kind kind);

struct ParseError {
  Mark mark;
  std::string message;
};

// The documents of one text. Nodes may outlive it; source positions need it.
class Document {
 public:
  const std::vector<NodePtr>& roots() const { return roots_; }
  std::string_view source() const { return source_; }

  // The place in the source of byte `text_offset` of a scalar's text; its end for larger offsets.
  Mark locate(const Node& scalar, size_t text_offset) const;
  // Whether the scalar begins with a quote that nothing closes: then it holds the rest of the text.
  bool is_unclosed(const Node& scalar) const;
  // The line around `mark`, without its end.
  std::string_view line_of(const Mark& mark) const;
  Mark mark_at(size_t offset) const;

 private:
  friend struct Loader;
  std::string source_;
  std::vector<size_t> line_starts_;
  std::vector<NodePtr> roots_;
};

struct ParseResult {
  std::shared_ptr<const Document> document;  // always set
  std::vector<ParseError> errors;            // none or one
};
// What is left of a text with a fault: nothing, or the documents that end before it.
enum class AfterFault : uint8_t { KeepNothing, KeepDocuments };
ParseResult parse(std::string text, AfterFault after = AfterFault::KeepNothing);

// The booleans of YAML 1.1: true yes on y, false no off n, in any case; nothing for other text.
enum class Truth : uint8_t { False, True, Neither };
Truth truth(std::string_view text);
Truth truth(const Node& node);  // a quoted text is none

// What a check against a schema says, for logs: "ok", or "failed for <the first fault>" and how
// many there are.
std::string schema_verdict(const std::vector<std::string>& faults);

}  // namespace gyr::yaml
