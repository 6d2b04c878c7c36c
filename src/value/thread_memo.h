// SPDX-License-Identifier: Apache-2.0
// Answers of a rule program about one thread, kept in the thread's record: two bits a predicate
// (known, true). Valid while `version` equals the version the state gives for the thread
// (State::version_of) and `generation` that of the program; the evaluator clears it otherwise.
#pragma once

#include <cstdint>
#include <memory>

namespace gyr {

struct ThreadMemo {
  uint64_t version = 0;
  uint32_t generation = 0;  // 0: nothing stored
  uint32_t words = 0;       // of 64 predicates; known_and_true holds 2 * words
  std::unique_ptr<uint64_t[]> known_and_true;
};

}  // namespace gyr
