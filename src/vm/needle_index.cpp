// SPDX-License-Identifier: Apache-2.0
#include "vm/needle_index.h"

#include <algorithm>

#include "vm/pattern.h"

namespace gyr {
namespace {

constexpr size_t kPairs = 65536;

// How common a byte is in paths and command lines, with capitals as small letters; what is not
// listed is rarest.
size_t commonness(char c) {
  constexpr std::string_view kRarestFirst =
      "#%&!$^?@\"'(){}[],;*+qzjx=:987654_3wykvg2f1b0hm-pudclnorsit ae./";
  const size_t place = kRarestFirst.find(c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c);
  return place == std::string_view::npos ? 0 : place + 1;
}

size_t rarest_pair(std::string_view needle) {
  size_t best = 0;
  size_t least = SIZE_MAX;
  for (size_t i = 0; i + 1 < needle.size(); ++i) {
    const size_t common = commonness(needle[i]) * commonness(needle[i + 1]);
    if (common < least) best = i;
    least = std::min(least, common);
  }
  return best;
}

}  // namespace

void NeedleIndex::add(std::string_view needle, Case match_case, uint32_t id) {
  pairs_.resize(kPairs / 64);
  const size_t at = rarest_pair(needle);
  const uint16_t pair = pair_at(needle, at);
  pairs_[pair / 64] |= uint64_t{1} << (pair % 64);
  by_pair_[pair].push_back({std::string(needle), at, match_case, id});
}

bool NeedleIndex::is_at(const Needle& needle, std::string_view text, size_t pair) {
  if (pair < needle.pair || text.size() - (pair - needle.pair) < needle.text.size()) return false;
  const std::string_view part = text.substr(pair - needle.pair, needle.text.size());
  return needle.match_case == Case::Same ? part == needle.text
                                         : equal_ignoring_case(part, needle.text);
}

}  // namespace gyr
