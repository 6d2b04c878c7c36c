// SPDX-License-Identifier: Apache-2.0
// What is left of each rule once the event's type is known.
#pragma once

#include <cstdint>
#include <vector>

#include "vm/graph.h"

namespace gyr {

struct RuleResidue {
  uint32_t rule;
  NodeId root;
  friend bool operator==(const RuleResidue&, const RuleResidue&) = default;
};

// Rules that can still match (or must be evaluated for what they count), in rule order.
using Residue = std::vector<RuleResidue>;

struct Specialised {
  std::vector<Residue> residues;  // different ones only
  std::vector<uint32_t> by_type;  // event type → index into residues
  uint32_t otherwise = 0;         // for types that no fold knows
};

Specialised specialise(Graph& graph, const std::vector<NodeId>& roots, uint16_t event_types);

}  // namespace gyr
