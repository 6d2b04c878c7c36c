// SPDX-License-Identifier: Apache-2.0
// A small made-up world for tests of the language: fields of every kind of type, dependency, domain
// and quantifier, a context that holds their values, and the naive evaluator that is the oracle.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/arena.h"
#include "base/str.h"
#include "lang/checked.h"
#include "lang/compile.h"

namespace gyr {

inline constexpr uint16_t kWorldTypes =
    6;  // open, close, execve, connect, and two without a fixed name

struct EvalContext {
  uint16_t type = 0;
  StrPool* pool = nullptr;
  mutable Arena arena;
  // Texts: nothing = missing. `interned` decides whether paths carry their rep.
  bool interned = true;
  std::optional<std::string> type_name, path, raw_path, name, parent, exe, note, bytes, other;
  std::vector<std::string> ancestors;
  std::optional<int64_t> number, pid;
  std::optional<uint64_t> uid, large;
  std::optional<double> ratio;
  std::optional<bool> flag;
  std::vector<uint64_t> ports;
  std::optional<IpAddress> ip;
  std::vector<IpAddress> ends;
  std::optional<std::vector<std::string>> kinds;
  mutable std::vector<Str> keep;  // handles of what extractors interned
  mutable uint64_t extractions = 0;
};

}  // namespace gyr

namespace gyr::testing_world {

inline constexpr std::array<std::string_view, 4> kTypeNames = {"open", "close", "execve",
                                                               "connect"};

Dialect dialect();
// Null, with the faults printed into the test's failure.
CheckedPtr checked(std::string_view text);
std::vector<TextFault> faults_of(std::string_view text);

// Walks the tree as it was written: no caches, no order but the written one.
bool naive(const Tree& tree, const EvalContext& context);

// Compiles alone, evaluates once.
bool holds(std::string_view text, const EvalContext& context);

IpAddress ip(std::string_view text);

}  // namespace gyr::testing_world
