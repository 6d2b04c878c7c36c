// SPDX-License-Identifier: Apache-2.0
#include "capture/entry.h"

#include <fmt/format.h>

#include <algorithm>

namespace gyr::capture {

std::string EntryReader::text(size_t limit, std::string_view what) {
  const size_t size = read<uint16_t>();
  if (size > limit) {
    fail(fmt::format("{} has {} bytes, more than {}", what, size, limit));
    return {};
  }
  return std::string(as_text(take(size)));
}

std::string EntryReader::list(size_t limit, std::string_view what) {
  std::string entries = text(limit, what);
  if (!entries.empty() && entries.back() != '\0') entries.push_back('\0');
  return entries;
}

void EntryWriter::text(std::string_view text, size_t limit) {
  if (text.size() > limit) {
    text = text.substr(0, limit);
    ++texts_cut_;
  }
  put(static_cast<uint16_t>(text.size()));
  put_bytes(as_bytes(text));
}

}  // namespace gyr::capture
