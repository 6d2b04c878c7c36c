// SPDX-License-Identifier: Apache-2.0
#include "rules/macros.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace gyr::rules {
namespace {

constexpr const char* kUsesSkipped =
    "this macro is skipped because of an error, and so is what uses it";

std::string unknown_macro(std::string_view name, const std::vector<CompiledMacro>& macros) {
  std::vector<std::string_view> names;
  names.reserve(macros.size());
  for (const CompiledMacro& macro : macros) names.push_back(macro.definition->name);
  const std::string_view guess = closest(name, names);
  return guess.empty() ? fmt::format("there is no macro '{}'", name)
                       : fmt::format("there is no macro '{}'; did you mean '{}'?", name, guess);
}

// The chain again, but told as part of the file the fault is in.
Chain rooted_at(const Chain& item, uint32_t file) {
  Chain chain(item.files(), file);
  const auto& steps = item.locations();
  for (size_t i = 1; i < steps.size(); ++i)
    chain = chain.with(steps[i].item_type, steps[i].item_name, steps[i].position);
  return chain;
}

Chain through_owner(const Chain& chain, const Segment* segment) {
  if (segment == nullptr || segment->owner == nullptr) return chain;
  const Owner& owner = *segment->owner;
  return chain.with(owner.type, owner.name, owner.place);
}

// The file whose loading brings the fault about, though the text may come from an earlier one: a
// list or an exception gets its meaning where it is used.
uint32_t file_of(const SourceText& text, size_t offset, const Chain& item) {
  const Segment* segment = text.segment_at(offset);
  if (segment == nullptr) return item.file();
  uint32_t file = segment->place.file;
  while (segment->owner != nullptr && segment->begin > 0) {
    segment = text.segment_at(segment->begin - 1);
  }
  return std::max(file, segment->owner == nullptr ? segment->place.file : item.file());
}

}  // namespace

SourceText join_scalars(const std::vector<Place>& scalars) {
  SourceText text;
  for (const Place& scalar : scalars) {
    if (!text.empty()) text.add_separator(" ");
    text.add_scalar(scalar);
  }
  return text;
}

void report_fault(const TextFault& fault, Code code, const ItemText& where, ReportSink* sink) {
  const auto& [part, text, item, macros] = where;
  const Segment* segment = text.segment_at(fault.offset);
  SourceRange range = locate(item.files(), text, fault.offset, fault.size);
  uint32_t file = file_of(text, fault.offset, item);
  const CompiledMacro* macro =
      fault.macro.empty() || macros == nullptr ? nullptr : macros->find(fault.macro);
  const Segment* inner = macro != nullptr ? macro->text.segment_at(fault.macro_offset) : nullptr;
  if (inner != nullptr) file = std::max(file, file_of(macro->text, fault.macro_offset, item));
  Chain chain = through_owner(rooted_at(item, file), segment).with(part, "", range.position);
  if (inner != nullptr) {
    const MacroDefinition& definition = *macro->definition;
    range = locate(item.files(), macro->text, fault.macro_offset, fault.macro_size);
    chain = through_owner(chain.with("macro", definition.name, definition.place), inner)
                .with(kConditionPart, "", range.position);
  }
  if (fault.severity == Severity::Error) {
    sink->error(code, fault.message, chain, range);
  } else {
    sink->warning(code, fault.message, chain, range);
  }
}

void warn_of_na(const SourceText& text, const Chain& item, ReportSink* sink) {
  const std::string& all = text.text();
  for (size_t at = all.find("<NA>"); at != std::string::npos; at = all.find("<NA>", at + 1)) {
    // The field of the comparison is the last one before the constant.
    const size_t field = std::max(all.rfind("ka.", at) + 1, all.rfind("jevt.", at) + 1);
    if (field == 0) continue;
    const std::string_view between = std::string_view(all).substr(field - 1, at - field + 1);
    if (between.find(" and ") != std::string_view::npos) continue;
    if (between.find(" or ") != std::string_view::npos) continue;
    TextFault fault;
    fault.message = "comparing with <NA> does not test for a missing value; use 'exists'";
    fault.offset = at;
    fault.size = 4;
    fault.severity = Severity::Warning;
    report_fault(fault, Code::UnsafeNaCheck, {kConditionPart, text, item}, sink);
  }
}

MacroTable::MacroTable(const SourceFiles& files, const Collected& collected, ListTable* lists,
                       ReportSink* sink)
    : collected_(collected), files_(files), sink_(*sink) {
  const std::vector<MacroDefinition>& definitions = collected.macros.all();
  macros_.resize(definitions.size());
  for (size_t i = 0; i < definitions.size(); ++i) {
    macros_[i].definition = &definitions[i];
    by_name_[definitions[i].name] = &macros_[i];
  }
  for (CompiledMacro& macro : macros_) parse(macro, lists);
  for (CompiledMacro& macro : macros_) resolve(macro);
}

Chain MacroTable::chain_of(const CompiledMacro& macro) const {
  const MacroDefinition& definition = *macro.definition;
  return Chain(files_, definition.place.file).with("macro", definition.name, definition.place);
}

const CompiledMacro* MacroTable::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

void MacroTable::parse(CompiledMacro& macro, ListTable* lists) {
  macro.raw = join_scalars(macro.definition->condition);
  if (lists->names_skipped(macro.raw, chain_of(macro))) return;
  if (!lists->substitute(macro.raw, chain_of(macro), &macro.text, &macro.lists)) {
    sink_.error(Code::CompileCondition, "with its lists put in, the condition is too long",
                chain_of(macro), macro.definition->place);
    return;
  }
  std::vector<TextFault> faults;
  macro.expr = parse_condition(macro.text.text(), &faults);
  for (const TextFault& fault : faults) {
    report_fault(fault, fault.code, {kConditionPart, macro.text, chain_of(macro), this}, &sink_);
  }
  if (macro.expr) warn_of_na(macro.text, chain_of(macro), &sink_);
}

// Depth-first without recursion: macros may be nested as deep as their author likes.
void MacroTable::resolve(CompiledMacro& start) {
  struct Frame {
    CompiledMacro* macro;
    std::vector<MacroUse> uses;
    size_t next = 0;
  };
  std::vector<Frame> stack;
  std::vector<CompiledMacro*> path;
  const auto enter = [&](CompiledMacro& macro) {
    macro.state = CompiledMacro::State::Open;
    stack.push_back({&macro, macro.expr ? macros_used(*macro.expr) : std::vector<MacroUse>{}, 0});
    path.push_back(&macro);
  };
  if (start.state == CompiledMacro::State::New) enter(start);
  while (!stack.empty()) {
    Frame& frame = stack.back();
    if (frame.next < frame.uses.size()) {
      const auto found = by_name_.find(frame.uses[frame.next++].name);
      if (found == by_name_.end()) continue;
      CompiledMacro& used = *found->second;
      if (used.state == CompiledMacro::State::New) {
        enter(used);
      } else if (used.state == CompiledMacro::State::Open) {
        report_cycle(path, used);
      }
      continue;
    }
    CompiledMacro& macro = *frame.macro;
    stack.pop_back();
    path.pop_back();
    macro.state = CompiledMacro::State::Done;
    if (macro.expr)
      macro.expanded = expand(macro.expr, macro.text, chain_of(macro), macro.definition);
  }
}

void MacroTable::report_cycle(const std::vector<CompiledMacro*>& path, const CompiledMacro& again) {
  constexpr ptrdiff_t kShown = 8;
  const auto from = std::find(path.begin(), path.end(), &again);
  std::string way;
  for (auto at = from; at != path.end() && at - from < kShown; ++at)
    way += (*at)->definition->name + " → ";
  if (path.end() - from > kShown) way += "… → ";
  // The part that was loaded last has closed the circle.
  const auto last = std::max_element(from, path.end(), [](const auto* a, const auto* b) {
    return a->definition->condition.back().file < b->definition->condition.back().file;
  });
  const Place& part = (*last)->definition->condition.back();
  const bool later = part.file > again.definition->place.file;
  sink_.error(Code::Validate,
              fmt::format("the macro refers to itself: {}{}", way, again.definition->name),
              later ? rooted_at(chain_of(**last), part.file) : chain_of(again),
              later ? part : again.definition->place);
}

bool MacroTable::check_use(const MacroUse& use, const SourceText& text, const Chain& item,
                           const MacroDefinition* self) {
  TextFault fault;
  fault.code = Code::Validate;
  fault.offset = use.offset;
  fault.size = use.name.size();
  const auto found = by_name_.find(use.name);
  if (found == by_name_.end()) {
    fault.message = collected_.is_gone("macro", use.name) ? kUsesSkipped
                    : sink_.shows_error(item.file())
                        ? unknown_macro(use.name, macros_)
                        : fmt::format("there is no macro '{}'", use.name);
    report_fault(fault, fault.code, {kConditionPart, text, item, this}, &sink_);
    return false;
  }
  CompiledMacro& macro = *found->second;
  macro.used = true;
  const Segment* segment = text.segment_at(use.offset);
  const uint32_t file = segment != nullptr ? segment->place.file : item.file();
  if (macro.definition->first_file > file) {
    fault.severity = Severity::Warning;
    fault.message = fmt::format("macro '{}' is defined in a later file, {}", use.name,
                                files_[macro.definition->first_file].name);
    report_fault(fault, Code::CompileConditionWarning, {kConditionPart, text, item, this}, &sink_);
  } else if (self != nullptr && macro.definition != self && macro.definition->first >= self->last) {
    fault.message =
        fmt::format("macro '{}' is defined below; define it before it is used here", use.name);
    report_fault(fault, fault.code, {kConditionPart, text, item, this}, &sink_);
    return false;
  }
  if (macro.expanded != nullptr) return true;
  if (sink_.skips()) {
    fault.message = kUsesSkipped;
    report_fault(fault, fault.code, {kConditionPart, text, item, this}, &sink_);
  }
  return false;
}

ExprPtr MacroTable::expand(const ExprPtr& expr, const SourceText& text, const Chain& item,
                           const MacroDefinition* self) {
  bool good = true;
  for (const MacroUse& use : macros_used(*expr)) good = check_use(use, text, item, self) && good;
  if (!good) return nullptr;
  std::vector<TextFault> faults;
  const auto find_expanded = [&](std::string_view name) { return find(name)->expanded; };
  ExprPtr expanded = expand_macros(expr, find_expanded, &faults);
  for (const TextFault& fault : faults)
    report_fault(fault, fault.code, {kConditionPart, text, item, this}, &sink_);
  return expanded;
}

void MacroTable::check_superseded(const MacroDefinition& definition, ListTable* lists) const {
  const Chain chain =
      Chain(files_, definition.place.file).with("macro", definition.name, definition.place);
  SourceText text;
  std::vector<std::string> used;
  if (!lists->substitute(join_scalars(definition.condition), chain, &text, &used)) return;
  std::vector<TextFault> faults;
  parse_condition(text.text(), &faults);
  for (const TextFault& fault : faults) {
    report_fault(fault, fault.code, {kConditionPart, text, chain, this}, &sink_);
  }
}

void MacroTable::warn_of_unused() const {
  for (const CompiledMacro& macro : macros_) {
    if (macro.used) continue;
    sink_.warning(Code::UnusedMacro, "no rule or macro uses this macro", chain_of(macro),
                  macro.definition->place);
  }
}

std::vector<Macro> MacroTable::take() {
  std::vector<Macro> macros;
  for (CompiledMacro& compiled : macros_) {
    Macro macro;
    macro.name = compiled.definition->name;
    macro.condition_text = std::string(trim(compiled.raw.text()));
    macro.compiled_text = compiled.text.text();
    macro.lists = std::move(compiled.lists);
    macro.expr = std::move(compiled.expr);
    macro.expanded = std::move(compiled.expanded);
    macro.used = compiled.used;
    macro.position = locate(files_, compiled.definition->place).position;
    macros.push_back(std::move(macro));
  }
  return macros;
}

}  // namespace gyr::rules
