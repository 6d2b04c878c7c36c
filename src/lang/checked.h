// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/container/flat_hash_map.h>

#include "lang/condition.h"
#include "vm/tree.h"

namespace gyr {

struct Checked {
  TreePtr root;  // never null
};

// evt.type by either of its names.
inline bool is_event_type(const FieldInfo& field) {
  return field.name == "evt.type" || field.name == "syscall.type";
}

// Event types for which a part of a condition may be true, and for which it may be false.
struct PossibleTypes {
  EventTypeSet yes;
  EventTypeSet no;
};

struct ConditionCache {
  // Bodies of macros that were checked without a fault. Only those whose atoms may be shared:
  // stateful ones may not.
  absl::flat_hash_map<const Expr*, TreePtr> trees;
  // Of the atoms that ask for the event's type.
  absl::flat_hash_map<AtomPtr, PossibleTypes> types;
};

}  // namespace gyr
