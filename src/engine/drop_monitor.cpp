// SPDX-License-Identifier: Apache-2.0
#include "engine/drop_monitor.h"

#include <fmt/format.h>

namespace gyr {
namespace {

LossSummary difference(const LossSummary& now, const LossSummary& before) {
  LossSummary more;
  more.events = now.events - before.events;
  more.total = now.total - before.total;
  more.buffer = now.buffer - before.buffer;
  more.too_big = now.too_big - before.too_big;
  more.bug = now.bug - before.bug;
  for (size_t i = 0; i < kLossKinds; ++i) more.by_kind[i] = now.by_kind[i] - before.by_kind[i];
  return more;
}

}  // namespace

std::optional<LossSummary> DropMonitor::look(uint64_t now_ns, const SourceCounters& counters) {
  const LossSummary now = summarise_losses(counters);
  LossSummary lost = difference(now, known_);
  known_ = now;
  if (settings_.simulate) ++lost.total;
  if (lost.total == 0) return std::nullopt;
  const double share =
      lost.events == 0 ? 1 : static_cast<double>(lost.total) / static_cast<double>(lost.events);
  if (!settings_.simulate && share <= settings_.threshold) return std::nullopt;
  ++occurrences_;
  if (!bucket_.take(now_ns)) return std::nullopt;
  ++actions_;
  return lost;
}

std::string DropMonitor::text() const {
  if (occurrences_ == 0) return {};
  return fmt::format("event drop detected: {} occurrences; num times actions taken: {}",
                     occurrences_, actions_);
}

// All values are texts there.
Alert drop_alert(const LossSummary& lost, bool by_probe) {
  Alert alert;
  alert.rule = "Falco internal: syscall event drop";
  alert.priority = Priority::Debug;
  alert.message =
      fmt::format("{}: {} of {} events were lost in a second", alert.rule, lost.total, lost.events);
  const auto add = [&](const std::string& name, uint64_t count) {
    alert.fields[name] = {std::to_string(count)};
  };
  add("n_evts", lost.events);
  add("n_drops", lost.total);
  add("n_drops_buffer_total", lost.buffer);
  for (size_t i = 0; i < kLossKinds; ++i) {
    const std::string_view kind = loss_kind_name(static_cast<LossKind>(i));
    if (kind.empty()) continue;
    add(fmt::format("n_drops_buffer_{}_exit", kind), lost.by_kind[i]);
  }
  add("n_drops_scratch_map", lost.too_big);
  add("n_drops_page_faults", 0);  // a parameter that cannot be read costs no event here
  add("n_drops_bug", lost.bug);
  add("ebpf_enabled", by_probe ? 1 : 0);
  return alert;
}

}  // namespace gyr
