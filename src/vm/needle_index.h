// SPDX-License-Identifier: Apache-2.0
// Which of many short texts (needles) a text contains, in one pass over the text.
//
// Each needle is looked for by two neighbouring bytes of it, the pair that is rarest in paths and
// command lines. A bit for each possible pair says whether any needle has chosen it; only then
// bytes are compared.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace gyr {

class NeedleIndex {
 public:
  static constexpr size_t kShortest = 2;
  enum class Case : uint8_t { Same, Any };  // Any: ASCII letters equal their capitals

  // The needle must have kShortest bytes or more.
  void add(std::string_view needle, Case match_case, uint32_t id);

  // Calls found(id) for each place where a needle is; so perhaps several times for an id.
  template <class Found>
  void find(std::string_view text, Found found) const {
    if (by_pair_.empty()) return;
    for (size_t i = 0; i + 1 < text.size(); ++i) {
      const uint16_t pair = pair_at(text, i);
      if ((pairs_[pair / 64] >> (pair % 64) & 1) == 0) continue;
      for (const Needle& needle : by_pair_.find(pair)->second) {
        if (is_at(needle, text, i)) found(needle.id);
      }
    }
  }

 private:
  struct Needle {
    std::string text;
    size_t pair;  // where its pair is
    Case match_case;
    uint32_t id;
  };
  // Capitals are taken as small letters; so are other bytes that differ by the same bit.
  static uint16_t pair_at(std::string_view text, size_t i) {
    uint16_t pair = 0;
    std::memcpy(&pair, text.data() + i, sizeof pair);
    return pair | 0x2020;
  }
  static bool is_at(const Needle& needle, std::string_view text, size_t pair);

  absl::flat_hash_map<uint16_t, std::vector<Needle>> by_pair_;
  std::vector<uint64_t> pairs_;  // 65,536 bits once there is a needle
};

}  // namespace gyr
