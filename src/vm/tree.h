// SPDX-License-Identifier: Apache-2.0
// A checked condition: atoms under and, or, not, as they were written. Depth and size are bounded
// by whoever parses (lang: kMaxDepth).
#pragma once

#include <memory>
#include <vector>

#include "vm/atom.h"

namespace gyr {

struct Tree;
using TreePtr = std::shared_ptr<const Tree>;

struct Tree {
  enum class Kind : uint8_t { False, True, Atom, Not, And, Or };
  Kind kind = Kind::False;
  AtomPtr atom;                   // Atom
  std::vector<TreePtr> children;  // Not: one; And, Or: any number
};

}  // namespace gyr
