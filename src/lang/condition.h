// SPDX-License-Identifier: Apache-2.0
// The language of conditions: text → syntax tree → checked condition. A checked condition holds no
// text of the rule any more; vm/ turns a set of them into one program (lang/compile.h).
#pragma once

#include <bitset>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lang/diagnostic.h"
#include "value/field_info.h"

namespace gyr {

inline constexpr size_t kMaxEventTypes = 512;
using EventTypeSet = std::bitset<kMaxEventTypes>;

// What the language needs to know about the world it is used in.
struct Dialect {
  std::span<const FieldClass> fields;
  uint16_t event_types = 0;  // number of event types; FieldInfo::fold is asked for each of them
  std::span<const std::string_view> list_names{};  // lists are put in before; for suggestions
  // Whether conditions are those of rules, which are sorted by the event types they name: these may
  // compare the event's type with names only. Filters may do more.
  bool for_rules = false;
};

// Syntax tree of one condition, with offsets into its text. Defined in lang/ast.h.
struct Expr;
using ExprPtr = std::shared_ptr<const Expr>;

// A condition whose fields are resolved, types checked and constants converted. Defined in
// lang/checked.h. Immutable; may be shared by programs.
struct Checked;
using CheckedPtr = std::shared_ptr<const Checked>;

// What conditions of one dialect share: macros that were checked, event types that were asked for.
// The conditions' syntax trees must outlive it. Defined in lang/checked.h.
struct ConditionCache;

inline constexpr size_t kMaxDepth = 1000;  // of nesting; deeper text is refused

// Null with a fault when the text is not a condition.
ExprPtr parse_condition(std::string_view text, std::vector<TextFault>* faults);

// Names of macros the condition uses directly, with their offsets.
struct MacroUse {
  std::string name;
  size_t offset;
};
std::vector<MacroUse> macros_used(const Expr& expr);

// The condition with each macro replaced by what `find` gives for its name; a name it does not know
// gives a fault. `find` returns null for unknown names. Cycles are the caller's to refuse
// beforehand.
ExprPtr expand_macros(const ExprPtr& expr, const std::function<ExprPtr(std::string_view)>& find,
                      std::vector<TextFault>* faults);

// Resolves fields, checks operators against types, converts constants. Null with faults when it
// fails; faults may also be warnings beside a result. An unknown field or event name gives
// Code::UnknownField in `faults` (the loader decides whether that is an error:
// skip-if-unknown-filter). `cache` may be null.
CheckedPtr check_condition(const ExprPtr& expr, const Dialect& dialect,
                           std::vector<TextFault>* faults, ConditionCache* cache = nullptr);

// For listings: everything a condition mentions, each once, in order of first use.
struct Mentions {
  std::vector<std::string> fields;
  std::vector<std::string> operators;
  std::vector<std::string> macros;
};
Mentions mentions(const Expr& expr);
// The condition printed from its tree, fully parenthesised the way `-L` shows it.
std::string to_text(const Expr& expr);

// Event types for which the condition can be true, as far as its evt.type checks (and nothing else)
// tell; and the names asked for that have no event of their own (they arrive as the generic event).
struct EventNeeds {
  EventTypeSet types;
  std::vector<std::string> names;  // every evt.type name mentioned positively
  bool all = false;                // nothing restricts the type
  // How many types are left when only '=', '==', '!=' and 'in' on the event's type count, as for
  // the reference.
  size_t indexed = 0;
};
EventNeeds event_needs(const Checked& condition, const Dialect& dialect,
                       ConditionCache* cache = nullptr);
// Whether a value of the field is part of the answer.
bool reads_field(const Checked& condition, std::string_view field);

}  // namespace gyr
