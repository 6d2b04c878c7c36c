// SPDX-License-Identifier: Apache-2.0
// Text put together from pieces of rule files, each byte of which remembers where it came from: a
// condition is made of its own scalar, appended scalars, list items and generated exceptions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lang/diagnostic.h"
#include "yaml/document.h"

namespace gyr::rules {

// A file as the loader holds it. `document` is set once the file was read.
struct SourceFile {
  std::string name;
  std::shared_ptr<const yaml::Document> document;
};

// A node of a file. The node lives as long as the file's document.
struct Place {
  uint32_t file = 0;
  const yaml::Node* node = nullptr;
};

// What a text is about when it is not about its own item: the list or exception a piece comes from.
struct Owner {
  std::string type;  // "list", "exception"
  std::string name;
  Place place;
};
using OwnerPtr = std::shared_ptr<const Owner>;

struct Segment {
  size_t begin = 0;  // in the text
  Place place;
  size_t node_offset = 0;
  bool exact = true;  // bytes follow the node's text one by one; else all stand for the whole node
  OwnerPtr owner;     // null: the item the text belongs to
};

class SourceText {
 public:
  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }

  void add_scalar(Place scalar);
  // Text that stands for a node as a whole: a list item with quotes added, generated operators.
  void add_generated(std::string_view text, Place place, OwnerPtr owner);
  void add_slice(const SourceText& from, size_t begin, size_t size);
  void add_separator(std::string_view text);  // belongs to what stands before it

  // The piece byte `offset` is in; null only for an empty text.
  const Segment* segment_at(size_t offset) const;

 private:
  std::string text_;
  std::vector<Segment> segments_;  // by begin
};

// A range of source, one line of it, ready for a Diagnostic.
struct SourceRange {
  uint32_t file = 0;  // the same name may be given twice
  Position position;
  std::string line_text;
  uint32_t underline_from = 0;
  uint32_t underline_size = 1;
};
using SourceFiles = std::vector<SourceFile>;

// Where byte `offset` of a text and the `size` bytes from it stand in the files.
SourceRange locate(const SourceFiles& files, const SourceText& text, size_t offset, size_t size);
SourceRange locate(const SourceFiles& files, Place place);
// A byte range of a file; what goes past the end of the line is cut.
SourceRange locate_bytes(const SourceFiles& files, uint32_t file, size_t begin, size_t end);

}  // namespace gyr::rules
