// SPDX-License-Identifier: Apache-2.0
// Whether parts of conditions can be true together. The answer "no" is a proof; "maybe" is all that
// can be said otherwise, also when the proof would take too long.
//
// What is understood: and, or, not; the same check asked both ways; checks of one field with one
// value, as far as the values come from "=" and "in" (texts), or are whole numbers; prefixes and
// suffixes that exclude each other; a field that must have a value and must have none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vm/graph.h"

namespace gyr::check {

class Solver {
 public:
  static constexpr uint64_t kStepsMax = 50'000'000;

  // After `steps_max` steps of all proofs together every answer is "maybe".
  explicit Solver(const Graph& graph, uint64_t steps_max = kStepsMax)
      : graph_(graph), steps_max_(steps_max) {}

  struct Claim {
    NodeId node;
    bool holds;
  };
  // True: the claims exclude each other. After so many steps the proof is given up.
  bool exclude_each_other(const std::vector<Claim>& claims, uint32_t steps = 20'000);
  // The field about whose values the last proof was, "" if it was about none.
  const std::string& field() const { return field_; }
  bool is_exhausted() const { return steps_ >= steps_max_; }

 private:
  static constexpr uint32_t kDepthMax = 3;  // of a choice within a choice

  bool is_possible(std::vector<Claim> pending, std::vector<Claim> choices, uint32_t depth);
  bool settle(std::vector<Claim>* pending, std::vector<Claim>* choices);
  bool accept(const Claim& claim);
  bool values_left(uint32_t slot);
  bool ends_agree(const std::vector<const Atom*>& atoms) const;
  bool count_step();

  const Graph& graph_;
  uint64_t steps_max_;
  std::vector<Claim> facts_;  // in the order they were met
  uint64_t steps_ = 0;
  uint32_t left_ = 0;
  std::string field_;
};

}  // namespace gyr::check
