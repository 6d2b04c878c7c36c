// SPDX-License-Identifier: Apache-2.0
#include "rules/source_text.h"

#include <algorithm>

namespace gyr::rules {

void SourceText::add_scalar(Place scalar) {
  segments_.push_back({text_.size(), scalar, 0, true, nullptr});
  text_ += scalar.node->text;
}

void SourceText::add_generated(std::string_view text, Place place, OwnerPtr owner) {
  segments_.push_back({text_.size(), place, 0, false, std::move(owner)});
  text_ += text;
}

void SourceText::add_slice(const SourceText& from, size_t begin, size_t size) {
  const size_t end = begin + size;
  for (size_t at = begin; at < end;) {
    const Segment* segment = from.segment_at(at);
    const size_t index = static_cast<size_t>(segment - from.segments_.data());
    const bool last = index + 1 == from.segments_.size();
    const size_t next = last ? end : std::min(end, from.segments_[index + 1].begin);
    Segment copy = *segment;
    copy.begin = text_.size();
    if (copy.exact) copy.node_offset += at - segment->begin;
    segments_.push_back(std::move(copy));
    text_.append(from.text_, at, next - at);
    at = next;
  }
}

void SourceText::add_separator(std::string_view text) { text_ += text; }

const Segment* SourceText::segment_at(size_t offset) const {
  const auto after =
      std::upper_bound(segments_.begin(), segments_.end(), offset,
                       [](size_t at, const Segment& segment) { return at < segment.begin; });
  return after == segments_.begin() ? nullptr : &*(after - 1);
}

SourceRange locate_bytes(const SourceFiles& files, uint32_t file, size_t begin, size_t end) {
  const yaml::Document& document = *files[file].document;
  const yaml::Mark mark = document.mark_at(begin);
  SourceRange range;
  range.file = file;
  range.position = {files[file].name, mark.line, mark.column, mark.offset};
  range.line_text = document.line_of(mark);
  const size_t length = range.line_text.size();
  range.underline_from = static_cast<uint32_t>(std::min<size_t>(mark.column - 1, length));
  const size_t room = std::max<size_t>(length - range.underline_from, 1);
  range.underline_size = static_cast<uint32_t>(std::clamp<size_t>(end - begin, 1, room));
  return range;
}

SourceRange locate(const SourceFiles& files, Place place) {
  const yaml::Document& document = *files[place.file].document;
  const size_t begin = place.node->mark.offset;
  size_t end = begin + 1;
  if (place.node->is_scalar() && !place.node->text.empty()) {
    end = document.locate(*place.node, place.node->text.size() - 1).offset + 1;
    if (place.node->quoted) ++end;  // the closing quote
  }
  return locate_bytes(files, place.file, begin, end);
}

SourceRange locate(const SourceFiles& files, const SourceText& text, size_t offset, size_t size) {
  // A fault at the end of the text is shown behind its last word, not on an empty line below.
  const size_t last_word = text.text().find_last_not_of(" \t\r\n");
  if (last_word != std::string::npos && offset > last_word) {
    SourceRange range = locate(files, text, last_word, 1);
    ++range.position.column;
    ++range.position.offset;
    ++range.underline_from;
    return range;
  }
  const Segment* segment = text.segment_at(offset);
  if (segment == nullptr) return {};
  const Place place = segment->place;
  if (!segment->exact || !place.node->is_scalar()) return locate(files, place);
  const yaml::Document& document = *files[place.file].document;
  const size_t from = segment->node_offset + (offset - segment->begin);
  const size_t begin = document.locate(*place.node, from).offset;
  const size_t last = from + std::max<size_t>(size, 1) - 1;
  const size_t end = document.locate(*place.node, last).offset + 1;
  return locate_bytes(files, place.file, begin, std::max(end, begin + 1));
}

}  // namespace gyr::rules
