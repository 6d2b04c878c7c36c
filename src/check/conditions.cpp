// SPDX-License-Identifier: Apache-2.0
// Findings in conditions. They are looked at for each way the type of an event decides their parts:
// a part of a rule may be impossible for one type and not for another.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/text.h"
#include "check/parts.h"
#include "check/solver.h"
#include "lang/checked.h"
#include "schema/schema.h"
#include "vm/specialise.h"

namespace gyr::check {
namespace {

constexpr uint32_t kStepsOfPair = 1'500;

// Such events bear any name, so that a check of evt.type may be true for them; only rules that ask
// for them are about them.
bool asks_for_async(const Rule& rule) {
  return reads_field(*rule.condition, "evt.asynctype") ||
         reads_field(*rule.condition, "evt.is_async");
}

// The exceptions of a rule that have values, as the last parts of its condition.
struct ExceptionPart {
  size_t root;  // of the condition together with the exception
  std::string name;
};

class ConditionChecker {
 public:
  ConditionChecker(const Ruleset& ruleset, const CheckSettings& settings, const Sources& sources,
                   std::vector<Finding>* found)
      : ruleset_(ruleset), settings_(settings), sources_(sources), found_(*found) {}

  void run() {
    for (const Rule& rule : ruleset_.rules) roots_.push_back(graph_.add(*rule.condition->root));
    exceptions_.resize(ruleset_.rules.size());
    for (size_t i = 0; i < ruleset_.rules.size(); ++i) add_exceptions(i);
    group_types();
    for (size_t i = 0; i < ruleset_.rules.size(); ++i) {
      if (ruleset_.rules[i].source != "syscall") continue;
      const bool possible = check_possible(i);
      check_outputs(i);
      if (!possible) continue;
      check_exceptions(i);
      if (settings_.first_match) check_shadow(i);
    }
    if (solver_.is_exhausted()) {
      found_.push_back(sources_.at(Kind::Unfinished, "the conditions are too large to compare all",
                                   "", ruleset_.rules.front().position));
    }
  }

 private:
  using Ways = std::vector<NodeId>;  // by group of types: what is left of each root

  static std::string item_of(const Rule& rule) { return fmt::format("rule '{}'", rule.name); }

  // "(condition) and not (exception) and not …": the loader wrote it, the shape is known.
  void add_exceptions(size_t rule_number) {
    const Rule& rule = ruleset_.rules[rule_number];
    const Tree& root = *rule.condition->root;
    std::vector<const RuleException*> written;
    for (const RuleException& exception : rule.exceptions) {
      if (exception.value_count > 0) written.push_back(&exception);
    }
    if (written.empty() || root.kind != Tree::Kind::And) return;
    if (root.children.size() <= written.size()) return;
    const size_t first = root.children.size() - written.size();
    std::vector<NodeId> condition;
    for (size_t i = 0; i < first; ++i) condition.push_back(graph_.add(*root.children[i]));
    for (size_t i = 0; i < written.size(); ++i) {
      const Tree& part = *root.children[first + i];
      if (part.kind != Tree::Kind::Not) return;
      std::vector<NodeId> both = condition;
      both.push_back(graph_.add(*part.children.front()));
      exceptions_[rule_number].push_back({roots_.size(), written[i]->name});
      roots_.push_back(graph_.combine(Node::Kind::And, both));
    }
  }

  // Types for which all conditions come down to the same are one group.
  void group_types() {
    const Specialised special = specialise(graph_, roots_, settings_.dialect.event_types);
    std::map<std::pair<uint32_t, bool>, std::vector<uint16_t>> groups;  // apart: asynchronous
    for (uint16_t type = 0; type < settings_.dialect.event_types; ++type) {
      const auto ev = static_cast<Ev>(type);
      if (!arrives(event_info(ev))) continue;
      groups[{special.by_type[type], ev == Ev::ASYNCEVENT_E}].push_back(type);
    }
    for (auto& [key, types] : groups) {
      const auto [residue, async] = key;
      Ways ways(roots_.size(), kFalseNode);
      for (const RuleResidue& left : special.residues[residue]) ways[left.rule] = left.root;
      ways_.push_back(std::move(ways));
      types_.push_back(std::move(types));
      is_async_.push_back(async);
    }
  }

  // Remembers what the solver said of a condition alone.
  bool is_possible(NodeId root) {
    if (root == kFalseNode) return false;
    const auto [known, fresh] = impossible_.try_emplace(root);
    if (fresh && !graph_.node(root).stateful) {
      if (solver_.exclude_each_other({{root, true}})) known->second = solver_.field();
    }
    if (known->second && !known->second->empty()) field_ = *known->second;
    return !known->second;
  }

  // Whether rule `number` is about the events of a group.
  bool is_about(size_t number, size_t group) const {
    return !is_async_[group] || asks_for_async(ruleset_.rules[number]);
  }

  // Whether a root of rule `number` is.
  bool is_possible_at_all(size_t number, size_t root) {
    for (size_t group = 0; group < ways_.size(); ++group) {
      if (is_about(number, group) && is_possible(ways_[group][root])) return true;
    }
    return false;
  }

  bool check_possible(size_t number) {
    field_.clear();
    const Rule& rule = ruleset_.rules[number];
    if (is_possible_at_all(number, number)) return true;
    if (!rule.enabled) return false;
    const std::string why = field_.empty()
                                ? "no type of event fits all that it asks for"
                                : fmt::format("no value of {} fits all that it asks for", field_);
    found_.push_back(sources_.at(Kind::NeverMatches, "this rule can never match: " + why,
                                 item_of(rule), rule.position));
    return false;
  }

  void check_exceptions(size_t number) {
    const Rule& rule = ruleset_.rules[number];
    for (const ExceptionPart& part : exceptions_[number]) {
      if (is_possible_at_all(number, part.root)) continue;
      found_.push_back(
          sources_.at(Kind::ExceptionWithoutEffect,
                      fmt::format("the exception '{}' fits nothing that the condition fits",
                                  one_line(part.name)),
                      item_of(rule), rule.position));
    }
  }

  // Whether each event that fits rule `later` fits `earlier` too.
  bool is_shadowed(size_t later, size_t earlier) {
    for (size_t group = 0; group < ways_.size(); ++group) {
      const NodeId narrow = ways_[group][later];
      const NodeId wide = ways_[group][earlier];
      if (!is_about(later, group)) continue;
      if (narrow == wide || !is_possible(narrow)) continue;
      if (wide == kFalseNode || graph_.node(wide).stateful || graph_.node(narrow).stateful) {
        return false;
      }
      const auto [known, fresh] = implied_.try_emplace({narrow, wide}, false);
      if (fresh) {
        known->second = solver_.exclude_each_other({{narrow, true}, {wide, false}}, kStepsOfPair);
      }
      if (!known->second) return false;
    }
    return true;
  }

  void check_shadow(size_t number) {
    const Rule& rule = ruleset_.rules[number];
    // Switched off by evt.num=0, which is meant.
    if (rule.needs.types.none()) return;
    if (!rule.active() || graph_.node(roots_[number]).stateful) return;
    for (size_t i = 0; i < number; ++i) {
      const Rule& earlier = ruleset_.rules[i];
      if (!earlier.active() || earlier.source != rule.source || !is_shadowed(number, i)) continue;
      Finding finding = sources_.at(
          Kind::ShadowedRule,
          fmt::format("this rule is never reached: rule '{}' comes first and matches whenever it "
                      "does",
                      one_line(earlier.name)),
          item_of(rule), rule.position);
      finding.other_message = "the rule that comes first";
      finding.other = earlier.position;
      found_.push_back(std::move(finding));
      return;
    }
  }

  // Whether the field has no value for any event the rule fits, as far as types tell.
  bool is_never_there(const FieldUse& use, size_t number) {
    if (use.info->fold == nullptr) return false;
    bool met = false;
    for (size_t group = 0; group < ways_.size(); ++group) {
      if (!is_about(number, group) || !is_possible(ways_[group][number])) continue;
      for (const uint16_t type : types_[group]) {
        Value value;
        if (!use.info->fold(type, use, &value) || !value.is_null()) return false;
        met = true;
      }
    }
    return met;
  }

  void check_outputs(size_t number) {
    const Rule& rule = ruleset_.rules[number];
    std::vector<TextFault> faults;
    // Without what the configuration appends.
    const auto output = OutputTemplate::parse(rule.output_text, settings_.dialect, &faults);
    if (!output) return;
    for (const OutputField& field : output->fields()) {
      const bool told = (field.use->info->flags & kDeprecated) != 0;  // when it was loaded
      if (told || !is_never_there(*field.use, number)) continue;
      found_.push_back(
          sources_.at(Kind::OutputWithoutValue,
                      fmt::format("the output shows %{}, which no event this rule fits has",
                                  one_line(field.name)),
                      item_of(rule), rule.position));
    }
  }

  const Ruleset& ruleset_;
  const CheckSettings& settings_;
  const Sources& sources_;
  std::vector<Finding>& found_;
  Graph graph_;
  Solver solver_{graph_};
  std::vector<NodeId> roots_;  // of the rules, then of their exceptions
  std::vector<std::vector<ExceptionPart>> exceptions_;
  std::vector<Ways> ways_;
  std::vector<std::vector<uint16_t>> types_;  // of each group
  std::vector<bool> is_async_;                // the same
  // Of what the solver was asked about: the field that excludes it ("": something else).
  std::map<NodeId, std::optional<std::string>> impossible_;
  std::map<std::pair<NodeId, NodeId>, bool> implied_;
  std::string field_;  // whose values the last impossible condition was about
};

}  // namespace

bool arrives(const EventInfo& event) {
  if (event.has(EF_OLD_VERSION | EF_UNUSED) || event.source == EventSource::Plugin) return false;
  return event.source != EventSource::Syscall || event.is_exit();
}

void check_conditions(const Ruleset& ruleset, const CheckSettings& settings, const Sources& sources,
                      std::vector<Finding>* found) {
  if (!ruleset.rules.empty()) ConditionChecker(ruleset, settings, sources, found).run();
}

}  // namespace gyr::check
