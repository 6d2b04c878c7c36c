// SPDX-License-Identifier: Apache-2.0
// The two ways from text to a tree, for document.cpp and for the test that compares them. What the
// reference loads is decided by yaml-cpp, which is its parser; libyaml needs a sixth of the
// instructions and gives the same tree for nearly every text that is in use.
#pragma once

#include <optional>
#include <vector>

#include "yaml/document.h"

namespace gyr::yaml {

// With libyaml. Nothing if it refuses the text, or reads something there that yaml-cpp is known to
// read differently; that says nothing about the text.
std::optional<std::vector<NodePtr>> read_fast(const Document& document);

// With yaml-cpp: decides whether a text is valid, and words and places the fault if not.
struct Reading {
  std::vector<NodePtr> roots;      // after an error those that end before it
  std::vector<ParseError> errors;  // none or one
};
Reading read_as_reference(const Document& document);

}  // namespace gyr::yaml
