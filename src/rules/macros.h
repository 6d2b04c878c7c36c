// SPDX-License-Identifier: Apache-2.0
// Macros: parsed once, expanded into each other, with cycles, unknown names and forward references
// found.
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "rules/definitions.h"
#include "rules/lists.h"
#include "rules/report_sink.h"

namespace gyr::rules {

inline constexpr std::string_view kConditionPart = "condition expression";

struct CompiledMacro {
  const MacroDefinition* definition = nullptr;
  SourceText raw;   // as written, appends joined
  SourceText text;  // lists substituted
  std::vector<std::string> lists;
  ExprPtr expr;      // null: does not parse
  ExprPtr expanded;  // null: faulty
  bool used = false;
  enum class State : uint8_t { New, Open, Done } state = State::New;
};

class MacroTable {
 public:
  MacroTable(const SourceFiles& files, const Collected& collected, ListTable* lists,
             ReportSink* sink);

  // `expr` with every macro put in. Null after complaints about unknown or faulty macros; `item` is
  // the chain to what the text belongs to. The text of a macro comes with its definition.
  ExprPtr expand(const ExprPtr& expr, const SourceText& text, const Chain& item,
                 const MacroDefinition* self);

  const CompiledMacro* find(std::string_view name) const;
  // The faults of a text that a later file replaced, as far as it can be judged alone.
  void check_superseded(const MacroDefinition& definition, ListTable* lists) const;
  void warn_of_unused() const;
  std::vector<Macro> take();

 private:
  void parse(CompiledMacro& macro, ListTable* lists);
  void resolve(CompiledMacro& start);
  bool check_use(const MacroUse& use, const SourceText& text, const Chain& item,
                 const MacroDefinition* self);
  Chain chain_of(const CompiledMacro& macro) const;
  void report_cycle(const std::vector<CompiledMacro*>& path, const CompiledMacro& again);

  const Collected& collected_;
  const SourceFiles& files_;
  ReportSink& sink_;
  std::vector<CompiledMacro> macros_;
  std::unordered_map<std::string_view, CompiledMacro*> by_name_;
};

// Scalars joined by blanks.
SourceText join_scalars(const std::vector<Place>& scalars);

// A condition or output as part of the item it is written in; for the length of a call.
struct ItemText {
  std::string_view part;  // what the text is to the item, as diagnostics call it
  const SourceText& text;
  const Chain& item;
  const MacroTable* macros = nullptr;  // those the text may use
};

// A fault of `where` as a diagnostic of its item: the chain goes on through the list, exception or
// macro the faulty bytes come from. `code` replaces the fault's own.
void report_fault(const TextFault& fault, Code code, const ItemText& where, ReportSink* sink);

// Warns of comparisons of ka.* and jevt.* fields with <NA>.
void warn_of_na(const SourceText& text, const Chain& item, ReportSink* sink);

}  // namespace gyr::rules
