// SPDX-License-Identifier: Apache-2.0
// All that rules ask about strings of one domain, answered at once for a string: one bit an atom or
// combination of atoms. Fields of one domain share the bits: "proc.name = sh" and "proc.pname = sh"
// are one.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/str.h"
#include "vm/affix_index.h"
#include "vm/graph.h"
#include "vm/needle_index.h"

namespace gyr {

class Vocabulary {
 public:
  // A domain about which rules ask more is not answered together.
  static constexpr size_t kMaxNodes = 16384;
  static constexpr size_t kMaxGateBits = 65536;
  // With more bits all combinations are looked at for a text in which something was found.
  static constexpr size_t kMaxTracked = 32768;
  // When so many atoms are asked because something was found, needles lead to no further ones:
  // those are asked about every text.
  static constexpr size_t kMaxAskedByNeedle = 1024;

  // The bit of a node all of whose atoms ask one string slot of this domain.
  uint32_t bit_of(const Graph& graph, NodeId node);
  // A gate: bits that repeat those of `nodes` (at most 64) side by side in one word.
  // Nothing when there are too many already.
  std::optional<uint32_t> gate_of(const Graph& graph, std::span<const NodeId> nodes);
  uint32_t gate_bit(uint32_t gate) const { return gates_[gate].first; }  // after finish()
  // Call once, after the last bit was asked for.
  void finish();

  uint16_t words() const { return words_; }
  // Fills `words()` words.
  void answer(std::string_view text, uint64_t* words) const;
  const uint64_t* null_words() const { return null_.data(); }    // the field has no value
  const uint64_t* empty_words() const { return empty_.data(); }  // ""
  // One bit for a string whose answers are not kept anywhere.
  bool answer_one(std::string_view text, uint32_t bit) const;

 private:
  struct Entry {
    Node::Kind kind;
    const Atom* atom = nullptr;
    std::vector<uint32_t> parts;  // bits
  };
  struct Gate {
    std::vector<uint32_t> bits;
    uint32_t first = 0;
  };
  // A list of numbers for each bit.
  class Lists {
   public:
    explicit Lists(const std::vector<std::vector<uint32_t>>& lists);
    Lists() = default;
    std::span<const uint32_t> of(uint32_t bit) const {
      return std::span(numbers_).subspan(begins_[bit], begins_[bit + 1] - begins_[bit]);
    }

   private:
    std::vector<uint32_t> begins_;
    std::vector<uint32_t> numbers_;
  };
  class Answering;

  uint32_t intern(const std::string& key, Entry entry);
  void place_gates();
  void index_atoms();
  void index_equality(uint32_t bit, bool opposite);
  bool index_affixes(uint32_t bit);
  bool index_needles(uint32_t bit);
  bool index_paths(uint32_t bit);
  uint32_t asking(uint32_t bit);
  void link_parts();
  bool holds(const Entry& entry, const uint64_t* words) const;
  void combine(uint64_t* words) const;

  std::vector<Entry> entries_;
  absl::flat_hash_map<std::string, uint32_t> known_;
  absl::flat_hash_map<NodeId, uint32_t> of_node_;
  std::vector<Gate> gates_;
  size_t gate_bits_ = 0;
  std::vector<uint64_t> null_;
  std::vector<uint64_t> empty_;
  // What holds for a text in which nothing is found: "!=" and what follows from it.
  std::vector<uint64_t> nothing_found_;
  uint16_t words_ = 0;
  // Equalities, their opposites (~bit) and sets: one look-up answers all of them.
  absl::flat_hash_map<std::string, std::vector<uint32_t>, TextHash, std::equal_to<>> equal_;
  // Atoms that need a certain beginning or end, certain bytes, or certain path components in front.
  // What is found is true (its bit) or worth asking (~ its number in asked_).
  AffixIndex prefixes_{AffixIndex::End::Front};
  AffixIndex suffixes_{AffixIndex::End::Back};
  AffixIndex paths_{AffixIndex::End::Front};  // of PathBytes
  NeedleIndex needles_;
  bool has_paths_ = false;
  std::vector<uint32_t> asked_;     // bits
  std::vector<uint32_t> searched_;  // the others look at every text
  std::vector<uint32_t> combined_;  // and, or, not
  Lists users_;                     // of a bit: the combined bits it is a part of
  Lists copies_;                    // of a bit: its places in gates
};

}  // namespace gyr
