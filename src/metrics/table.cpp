// SPDX-License-Identifier: Apache-2.0
#include "metrics/table.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "schema/schema.h"
#include "source/loss_summary.h"

namespace gyr::metrics {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

AlertValue value_of(uint64_t number) { return {number}; }
AlertValue value_of(double number) { return {number}; }

// Letters, digits and ':' stay; each run of others is one '_', none at the end.
std::string key_part(std::string_view text) {
  std::string part;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == ':';
    if (plain) {
      part += c;
    } else if (part.empty() || part.back() != '_') {
      part += '_';
    }
  }
  if (!part.empty() && part.back() == '_') part.pop_back();
  return part;
}

std::string label_part(std::string_view text) {
  std::string part;
  for (const char c : text) {
    part += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  }
  return part;
}

std::string_view reason_name(LossReason reason) {
  switch (reason) {
    case LossReason::RingFull:
      return "ring_full";
    case LossReason::TooBig:
      return "too_big";
    case LossReason::Nested:
      return "nested";
    case LossReason::Yielded:
      return "yielded";
    case LossReason::NotFollowed:
      return "not_followed";
  }
  return "";
}

std::string call_name(Sc call) {
  const ScInfo* info = sc_info(static_cast<uint16_t>(call));
  return std::string(info != nullptr ? info->name : "unknown");
}

void info(std::string_view label, const std::string& text, const Emit& emit) {
  emit("", {{label, text}}, {text});
}

void hostname(const MetricsView& v, const Emit& emit) {
  info("hostname", v.identity.hostname, emit);
}
void event_source(const MetricsView& v, const Emit& emit) {
  info("evt_source", v.identity.source, emit);
}
void falco_version(const MetricsView& v, const Emit& emit) {
  info("version", v.identity.version, emit);
}
void gyr_version(const MetricsView& v, const Emit& emit) {
  info("version", v.identity.gyr_version, emit);
}
void kernel_release(const MetricsView& v, const Emit& emit) {
  info("kernel_release", v.identity.kernel_release, emit);
}
void engine_name(const MetricsView& v, const Emit& emit) {
  emit("", {{"engine_name", v.identity.engine}, {"evt_source", v.identity.source}},
       {v.identity.engine});
}

void digests(const std::vector<FileDigest>& files, const Emit& emit) {
  for (const FileDigest& file : files) {
    emit(key_part(file.name), {{"file_name", file.name}, {"sha256", file.sha256}}, {file.sha256});
  }
}
void rules_files(const MetricsView& v, const Emit& emit) { digests(v.identity.rules_files, emit); }
void config_files(const MetricsView& v, const Emit& emit) {
  digests(v.identity.config_files, emit);
}

void interfaces(const MetricsView& v, const Emit& emit) {
  std::map<std::string, std::string> addresses;
  for (const InterfaceSample& interface : v.now.interfaces) {
    std::string& list =
        addresses[interface.name + (interface.v6 ? ".protocols.ipv6" : ".protocols.ipv4")];
    if (!list.empty()) list += ',';
    list += interface.address;
  }
  for (const auto& [name, list] : addresses) emit(name, {}, {list});
}

// A second, since the snapshot before.
double rate(const MetricsView& v, uint64_t now, uint64_t before) {
  if (v.before == nullptr || v.now.monotonic_ns <= v.before->monotonic_ns || now < before) return 0;
  const auto passed = static_cast<double>(v.now.monotonic_ns - v.before->monotonic_ns);
  return static_cast<double>(now - before) * static_cast<double>(kSecond) / passed;
}

uint64_t matches(const MetricsView& v) {
  uint64_t sum = 0;
  for (const RuleSample& rule : v.now.rules) sum += rule.matched;
  return sum;
}

void rule_matches(const MetricsView& v, const Emit& emit) {
  for (const RuleSample& rule : v.now.rules) {
    std::vector<std::string> tags;
    for (const std::string& tag : rule.tags) tags.push_back("tag_" + label_part(tag));
    std::sort(tags.begin(), tags.end());
    tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
    Labels labels = {{"priority", std::to_string(rule.priority)},
                     {"rule_name", rule.name},
                     {"source", rule.source}};
    for (const std::string& tag : tags) labels.emplace_back(tag, "true");
    emit(key_part(rule.name), labels, {rule.matched});
  }
}
void rule_evaluated(const MetricsView& v, const Emit& emit) {
  for (const RuleSample& r : v.now.rules) emit("", {{"rule_name", r.name}}, {r.evaluated});
}
void rule_matched(const MetricsView& v, const Emit& emit) {
  for (const RuleSample& r : v.now.rules) emit("", {{"rule_name", r.name}}, {r.matched});
}
void rule_time(const MetricsView& v, const Emit& emit) {
  for (const RuleSample& r : v.now.rules) {
    emit("", {{"rule_name", r.name}}, {static_cast<double>(r.time_ns) / 1e9});
  }
}

uint64_t missing_images(const MetricsView& v) {
  uint64_t sum = 0;
  for (const MissingCounts::Row& row : v.now.missing) {
    if (row.field == ContainerField::Image) sum += row.containers;
  }
  return sum;
}
void missing_fields(const MetricsView& v, const Emit& emit) {
  for (const MissingCounts::Row& row : v.now.missing) {
    emit("",
         {{"field", std::string(container_field_name(row.field))},
          {"reason", std::string(why_missing_name(row.why))}},
         {row.containers});
  }
}

LossSummary losses(const MetricsView& v) { return summarise_losses(v.now.source); }
LossSummary losses_before(const MetricsView& v) {
  return v.before == nullptr ? LossSummary() : summarise_losses(v.before->source);
}

double drops_percent(const MetricsView& v) {
  const LossSummary now = losses(v);
  const LossSummary before = losses_before(v);
  if (now.events <= before.events || now.total <= before.total) return 0;
  return 100 * static_cast<double>(now.total - before.total) /
         static_cast<double>(now.events - before.events);
}

void buffer_drops(const MetricsView& v, const Emit& emit) {
  const LossSummary sum = losses(v);
  for (size_t i = 0; i < kLossKinds; ++i) {
    const auto kind = static_cast<LossKind>(i);
    const std::string name(loss_kind_name(kind));
    if (name.empty()) continue;
    // The end of a call that nothing enters.
    const bool has_enter = kind != LossKind::Close && kind != LossKind::Proc;
    if (has_enter) emit(name + "_enter", {{"dir", "enter"}, {"drop", name}}, {uint64_t{0}});
    emit(name + "_exit", {{"dir", "exit"}, {"drop", name}}, {sum.of(kind)});
  }
}

void by_cpu(const MetricsView& v, uint64_t CpuCounters::*count, const Emit& emit) {
  for (size_t cpu = 0; cpu < v.now.source.cpus.size(); ++cpu) {
    const std::string number = std::to_string(cpu);
    emit(number, {{"cpu", number}}, {v.now.source.cpus[cpu].*count});
  }
}
void events_by_cpu(const MetricsView& v, const Emit& emit) { by_cpu(v, &CpuCounters::seen, emit); }
void drops_by_cpu(const MetricsView& v, const Emit& emit) { by_cpu(v, &CpuCounters::lost, emit); }

void program_runs(const MetricsView& v, const Emit& emit) {
  for (const ProgramRuns& program : v.now.source.programs) emit(program.name, {}, {program.runs});
}
void program_time(const MetricsView& v, const Emit& emit) {
  for (const ProgramRuns& p : v.now.source.programs) emit(p.name, {}, {p.time_ns});
}
void program_mean(const MetricsView& v, const Emit& emit) {
  for (const ProgramRuns& p : v.now.source.programs) {
    emit(p.name, {}, {p.runs == 0 ? uint64_t{0} : p.time_ns / p.runs});
  }
}

void source_events(const MetricsView& v, const Emit& emit) {
  const SourceCounters& source = v.now.source;
  const std::pair<std::string, uint64_t> fates[] = {
      {"seen", source.seen},        {"sent", source.sent},
      {"delivered", source.events}, {"filtered", source.filtered},
      {"shed", source.shed},        {"unknown_type", source.unknown_types},
      {"missed", source.missed},    {"unmapped_32bit", source.unmapped_32bit}};
  for (const auto& [fate, count] : fates) emit(fate, {{"fate", fate}}, {count});
}

void lost_events(const MetricsView& v, const Emit& emit) {
  for (const LossRow& row : v.now.source.losses) {
    emit("", {{"reason", std::string(reason_name(row.reason))}, {"syscall", call_name(row.call)}},
         {row.count});
  }
}
void lost_by_cpu(const MetricsView& v, const Emit& emit) {
  for (const LossRow& row : v.now.source.losses) {
    emit("", {{"cpu", std::to_string(row.cpu)}, {"reason", std::string(reason_name(row.reason))}},
         {row.count});
  }
}
void lost_by_class(const MetricsView& v, const Emit& emit) {
  const SourceCounters& source = v.now.source;
  const uint64_t all = source.lost_ring_full + source.lost_other;
  const uint64_t critical = std::min(source.lost_critical, all);
  emit("critical", {{"class", "critical"}}, {critical});
  emit("bulk", {{"class", "bulk"}}, {all - critical});
}

void governor_decisions(const MetricsView& v, const Emit& emit) {
  emit("reduced", {{"decision", "reduced"}}, {v.now.governor.reductions});
  emit("restored", {{"decision", "restored"}}, {v.now.governor.restorations});
}
void governor_rules(const MetricsView& v, const Emit& emit) {
  for (const std::string& rule : v.now.governor.rules) {
    emit("", {{"rule_name", rule}}, {uint64_t{1}});
  }
}

uint64_t queue_drops(const MetricsView& v) {
  uint64_t sum = 0;
  for (const OutputCounters& output : v.now.outputs) sum += output.lost_for(AlertLoss::QueueFull);
  return sum;
}

void output_alerts(const MetricsView& v, const Emit& emit) {
  for (const OutputCounters& output : v.now.outputs) {
    const std::pair<const char*, uint64_t> fates[] = {
        {"sent", output.sent}, {"retried", output.retried}, {"spooled", output.spooled}};
    for (const auto& [fate, count] : fates) {
      emit("", {{"fate", fate}, {"output", output.name}}, {count});
    }
  }
}
void output_lost(const MetricsView& v, const Emit& emit) {
  for (const OutputCounters& output : v.now.outputs) {
    for (size_t i = 0; i < kAlertLosses; ++i) {
      emit("", {{"output", output.name}, {"reason", std::string(kAlertLossNames[i])}},
           {output.lost[i]});
    }
  }
}
void output_waiting(const MetricsView& v, const Emit& emit) {
  for (const OutputCounters& output : v.now.outputs) {
    emit("", {{"output", output.name}, {"where", "memory"}}, {output.queued});
    emit("", {{"output", output.name}, {"where", "spool"}}, {output.in_spool});
  }
}
void output_bytes(const MetricsView& v, const Emit& emit) {
  for (const OutputCounters& output : v.now.outputs) {
    emit("", {{"output", output.name}, {"where", "memory"}}, {output.queued_bytes});
    emit("", {{"output", output.name}, {"where", "spool"}}, {output.spool_bytes});
  }
}
void output_healthy(const MetricsView& v, const Emit& emit) {
  for (const OutputCounters& output : v.now.outputs) {
    emit("", {{"output", output.name}}, {uint64_t{output.healthy ? 1u : 0u}});
  }
}
void output_success(const MetricsView& v, const Emit& emit) {
  for (const OutputCounters& output : v.now.outputs) {
    emit("", {{"output", output.name}}, {output.last_success_ns});
  }
}

void rule_suppressed(const MetricsView& v, const Emit& emit) {
  for (const SuppressedSample& rule : v.now.suppressed) {
    emit("", {{"rule_name", rule.rule}, {"why", "repeated"}}, {rule.repeated});
    emit("", {{"rule_name", rule.rule}, {"why", "too_many"}}, {rule.above_limit});
  }
}

// As the reference names classes of descriptors.
constexpr std::array<std::string_view, kFileClasses> kFileClassNames = {
    "regular",    "directory",   "pipe",        "memfd",
    "anon_inode", "socket_inet", "socket_unix", "socket_netlink"};
void listed_files(const MetricsView& v, const Emit& emit) {
  for (size_t i = 0; i < kFileClasses; ++i) {
    emit(kFileClassNames[i], {}, {v.now.source.looks.files[i]});
  }
}
void lost_files(const MetricsView& v, const Emit& emit) {
  for (size_t i = 0; i < kFileClasses; ++i) {
    emit(kFileClassNames[i], {}, {v.now.source.looks.files_lost[i]});
  }
}
void looks(const MetricsView& v, const Emit& emit) {
  const LookCounters& looks = v.now.source.looks;
  emit("iterators", {{"means", "iterators"}}, {looks.looks_by_iterators});
  emit("proc", {{"means", "proc"}}, {looks.looks_by_proc});
}

#define GYR_METRIC(key, name, type, unit, group, doc, value) \
  Row{key,                                                   \
      name,                                                  \
      Type::type,                                            \
      Unit::unit,                                            \
      Group::group,                                          \
      doc,                                                   \
      [](const MetricsView& v, const Emit& emit) {           \
        static_cast<void>(v);                                \
        emit("", {}, value_of(value));                       \
      }},
#define GYR_METRICS(key, name, type, unit, group, doc, function) \
  Row{key, name, Type::type, Unit::unit, Group::group, doc, function},
constexpr Row kRows[] = {
#include "metrics/metrics.def"
};
#undef GYR_METRIC
#undef GYR_METRICS

struct GroupRow {
  std::string_view setting;
  bool MetricsSettings::*on;
};
constexpr GroupRow kGroups[] = {
    {"", nullptr},
    {"rules_counters_enabled", &MetricsSettings::rules_counters_enabled},
    {"resource_utilization_enabled", &MetricsSettings::resource_utilization_enabled},
    {"state_counters_enabled", &MetricsSettings::state_counters_enabled},
    {"kernel_event_counters_enabled", &MetricsSettings::kernel_event_counters_enabled},
    {"kernel_event_counters_per_cpu_enabled",
     &MetricsSettings::kernel_event_counters_per_cpu_enabled},
    {"libbpf_stats_enabled", &MetricsSettings::libbpf_stats_enabled},
    {"plugins_metrics_enabled", &MetricsSettings::plugins_metrics_enabled},
    {"kernel_iter_event_counters_enabled", &MetricsSettings::kernel_iter_event_counters_enabled}};

}  // namespace

std::span<const Row> rows() { return kRows; }

std::string_view group_setting(Group group) { return kGroups[static_cast<size_t>(group)].setting; }

// Counters per CPU imply those of the kernel.
bool is_on(Group group, const MetricsSettings& settings) {
  const auto on = kGroups[static_cast<size_t>(group)].on;
  if (on == nullptr || settings.*on) return true;
  return group == Group::Kernel && settings.kernel_event_counters_per_cpu_enabled;
}

}  // namespace gyr::metrics
