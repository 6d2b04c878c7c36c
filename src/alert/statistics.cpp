// SPDX-License-Identifier: Apache-2.0
#include "alert/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace gyr {
namespace {

constexpr size_t kPriorities = 8;

std::string severity_text(size_t priority) {
  if (priority == static_cast<size_t>(Priority::Informational)) return "INFO";
  std::string text(priority_name(static_cast<Priority>(priority)));
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

}  // namespace

size_t AlertStatistics::add_rule(const std::string& name, Priority priority) {
  if (rules_.size() >= kRulesMax && !numbers_.contains({name, priority})) {
    const auto [entry, fresh] = numbers_.try_emplace({"(further rules)", priority}, rules_.size());
    if (fresh) rules_.push_back({entry->first.first, priority});
    return entry->second;
  }
  const auto [entry, fresh] = numbers_.try_emplace({name, priority}, rules_.size());
  if (fresh) rules_.push_back({name, priority});
  return entry->second;
}

void AlertStatistics::count(size_t rule) {
  GYR_CHECK(rule < rules_.size());
  ++rules_[rule].count;
  ++total_;
}

std::string AlertStatistics::to_text() const {
  std::array<uint64_t, kPriorities> by_priority{};
  for (const Rule& rule : rules_) by_priority[static_cast<size_t>(rule.priority)] += rule.count;
  std::string out = fmt::format("Events detected: {}\nRule counts by severity:\n", total_);
  for (size_t i = 0; i < kPriorities; ++i) {
    if (by_priority[i] > 0) out += fmt::format("   {}: {}\n", severity_text(i), by_priority[i]);
  }
  out += "Triggered rules by rule name:\n";
  for (const Rule& rule : rules_) {
    if (rule.count > 0) out += fmt::format("   {}: {}\n", one_line(rule.name), rule.count);
  }
  return out;
}

}  // namespace gyr
