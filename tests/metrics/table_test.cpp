// SPDX-License-Identifier: Apache-2.0
#include "metrics/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "alert/format.h"
#include "metrics/prometheus_parser.h"

namespace gyr {
namespace {

using prometheus::Parser;
using testing::HasSubstr;

constexpr uint64_t kSecond = 1'000'000'000;

std::string read_text(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

MetricsIdentity identity() {
  MetricsIdentity identity;
  identity.version = "0.45.0";
  identity.gyr_version = "0.1.0";
  identity.hostname = "host\"one\\\n";
  identity.kernel_release = "6.1.0";
  identity.engine = "modern_bpf";
  identity.start_ns = 1000 * kSecond;
  identity.reload_ns = 1001 * kSecond;
  identity.boot_ns = 10 * kSecond;
  identity.cpus = 2;
  identity.rules_files = {{"falco_rules.yaml", "aa"}, {"falco_rules.local.yaml", "bb"}};
  identity.config_files = {{"falco.yaml", "cc"}};
  return identity;
}

RuleSample rule(const std::string& name, uint64_t matched) {
  return {.name = name,
          .source = "syscall",
          .priority = 4,
          .tags = {"container", "mitre.exec-x", "T1555"},
          .evaluated = 50,
          .matched = matched,
          .time_ns = 1'500'000};
}

MetricsSample sample() {
  MetricsSample now;
  now.time_ns = 1060 * kSecond;
  now.monotonic_ns = 500 * kSecond;
  now.events = 900;
  now.source.events = 800;
  now.source.seen = 1000;
  now.source.sent = 850;
  now.source.lost_ring_full = 140;
  now.source.lost_other = 10;
  now.source.missed = 3;
  now.source.lost_critical = 5;
  now.source.losses = {{0, Sc::OPENAT, LossReason::RingFull, 100},
                       {1, Sc::OPENAT, LossReason::RingFull, 35},
                       {1, Sc::CLONE, LossReason::RingFull, 5},
                       {1, Sc::WRITE, LossReason::TooBig, 10}};
  now.source.cpus = {{600, 100}, {400, 50}};
  now.source.programs = {{"sys_exit", 10, 2500}, {"process_exit", 0, 0}};
  now.state.threads_added = 7;
  now.threads = 42;
  now.fds = 99;
  now.interfaces = {{"eth0", false, "10.0.0.1"}, {"eth0", false, "10.0.0.2"}, {"lo", true, "::1"}};
  now.rules = {rule("Read sensitive file untrusted", 9), rule("Read sensitive-file untrusted", 2),
               rule("quote \" and \\", 0)};
  OutputCounters output;
  output.name = "file_output";
  output.sent = 11;
  output.lost[static_cast<size_t>(AlertLoss::QueueFull)] = 4;
  now.outputs = {output};
  now.governor = {.step = 1, .reductions = 2, .restorations = 1, .rules = {"noisy"}};
  now.suppressed = {{"Read sensitive file untrusted", 3, 1}};
  now.source.looks.looks_by_iterators = 2;
  now.source.looks.files[static_cast<size_t>(FileClass::Pipe)] = 5;
  now.drop_reports = 6;
  now.drop_actions = 2;
  now.missing = {{ContainerField::Image, WhyMissing::NoFiles, 3}};
  now.containers = 8;
  return now;
}

Resources resources() {
  return {.cpu_percent = 12.5,
          .rss_bytes = 50 << 20,
          .vsz_bytes = 100 << 20,
          .pss_bytes = 51200 * 1024 + 512,
          .container_bytes = 3 << 20,
          .host_cpu_percent = 25,
          .host_memory_bytes = uint64_t{4} << 30,
          .host_running = 2,
          .host_fds = 1234};
}

// Everything a form is made of.
struct World {
  MetricsIdentity who = identity();
  MetricsSample now = sample();
  MetricsSample before = sample();
  Resources used = resources();
  MetricsSettings settings;

  World() {
    before.monotonic_ns = 490 * kSecond;
    before.events = 400;
    before.source.events = 400;
    before.source.seen = 500;
    before.source.lost_ring_full = 40;
    before.source.missed = 0;
  }
  MetricsView view() const {
    return {.identity = who,
            .now = now,
            .before = &before,
            .resources = used,
            .loop_silent_ns = kSecond / 4,
            .shown_at_ns = now.monotonic_ns + kSecond / 2};
  }
  std::map<std::string, AlertValue> fields() const { return snapshot_fields(view(), settings); }
  std::string text() const { return prometheus_text(view(), settings); }
};

// tests/metrics/golden; GYR_UPDATE_GOLDEN=1 writes them anew.
void expect_golden(const std::string& name, const std::string& text) {
  const std::filesystem::path path = GYR_SOURCE_DIR "/tests/metrics/golden/" + name;
  if (std::getenv("GYR_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << text;
  EXPECT_EQ(read_text(path), text);
}

TEST(Metrics, PrometheusTextIsTheGoldenOneAndStrictlyValid) {
  const std::string text = World().text();
  expect_golden("all.prom", text);
  const Parser parsed(text);
  EXPECT_EQ(parsed.fault, "");
  const auto value = [&](const std::string& name,
                         const std::map<std::string, std::string>& labels) {
    const prometheus::Series* series = parsed.find(name, labels);
    return series == nullptr ? -1 : series->value;
  };
  EXPECT_EQ(value("falcosecurity_scap_n_evts_total", {}), 1000);
  EXPECT_EQ(value("falcosecurity_scap_n_drops_total", {}), 153);
  EXPECT_EQ(value("falcosecurity_scap_n_drops_buffer_total", {{"dir", "exit"}, {"drop", "open"}}),
            135);
  EXPECT_EQ(value("falcosecurity_scap_n_drops_buffer_total", {{"dir", "enter"}, {"drop", "open"}}),
            0);
  EXPECT_EQ(value("falcosecurity_scap_n_evts_cpu_total", {{"cpu", "1"}}), 400);
  EXPECT_EQ(value("falcosecurity_scap_sys_exit_run_cnt_total", {}), 10);
  EXPECT_EQ(value("falcosecurity_scap_sys_exit_avg_time_nanoseconds", {}), 250);
  EXPECT_EQ(value("falcosecurity_falco_cpu_usage_ratio", {}), 0.125);
  EXPECT_EQ(value("falcosecurity_falco_memory_rss_bytes", {}), 50 << 20);
  EXPECT_EQ(value("falcosecurity_evt_hostname_info", {{"hostname", "host\"one\\\n"}}), 1);
  EXPECT_EQ(value("falcosecurity_falco_rules_matches_total",
                  {{"priority", "4"},
                   {"rule_name", "Read sensitive file untrusted"},
                   {"source", "syscall"},
                   {"tag_container", "true"},
                   {"tag_mitre_exec_x", "true"},
                   {"tag_T1555", "true"}}),
            9);
  EXPECT_EQ(value("gyr_lost_events_total", {{"reason", "ring_full"}, {"syscall", "openat"}}), 135);
  EXPECT_EQ(value("gyr_lost_events_by_class_total", {{"class", "bulk"}}), 145);
  EXPECT_EQ(value("gyr_container_fields_missing", {{"field", "image"}, {"reason", "no_files"}}), 3);
  EXPECT_EQ(
      value("gyr_output_alerts_lost_total", {{"output", "file_output"}, {"reason", "queue_full"}}),
      4);
  EXPECT_EQ(value("gyr_rule_time_seconds_total", {{"rule_name", "quote \" and \\"}}), 0.0015);
}

TEST(Metrics, SnapshotHasTheReferencesKeys) {
  const World world;
  std::string text;
  for (const auto& [key, value] : world.fields()) text += key + " " + json_value(value) + "\n";
  expect_golden("snapshot.txt", text);
  EXPECT_THAT(text, HasSubstr("falco.evts_rate_sec 50.0\n"));
  EXPECT_THAT(text, HasSubstr("falco.rules.Read_sensitive_file_untrusted 11\n"))
      << "two rules of one key";
  EXPECT_THAT(text, HasSubstr("scap.n_drops_perc 20.6\n"));
  EXPECT_THAT(text, HasSubstr("falco.memory_rss_mb 50.0\n"));
  EXPECT_THAT(text, HasSubstr("falco.host_netinfo.interfaces.eth0.protocols.ipv4.addresses "
                              "\"10.0.0.1,10.0.0.2\"\n"));
  EXPECT_THAT(text, HasSubstr("falco.sha256_rules_file.falco_rules_local_yaml \"bb\"\n"));
}

TEST(Metrics, FirstSnapshotHasNoRates) {
  const World world;
  MetricsView view = world.view();
  view.before = nullptr;
  MetricsSettings settings;
  settings.include_empty_values = true;
  const auto fields = snapshot_fields(view, settings);
  EXPECT_EQ(fields.at("falco.evts_rate_sec"), AlertValue{0.0});
  EXPECT_EQ(fields.at("scap.n_evts_prev"), AlertValue{uint64_t{0}});
}

TEST(Metrics, MemoryKeepsItsUnitWhenAskedTo) {
  World world;
  world.settings.convert_memory_to_mb = false;
  const auto fields = world.fields();
  EXPECT_EQ(fields.at("falco.memory_rss_kb"), AlertValue{uint64_t{51200}});
  EXPECT_EQ(fields.at("falco.memory_pss_kb"), AlertValue{uint64_t{51200}});
  EXPECT_EQ(fields.at("falco.container_memory_used_bytes"), AlertValue{uint64_t{3 << 20}});
  EXPECT_FALSE(fields.contains("falco.memory_rss_mb"));
}

TEST(Metrics, EmptyValuesAreLeftOutOfSnapshotsOnly) {
  World world;
  EXPECT_FALSE(world.fields().contains("falco.n_failed_fd_lookups"));
  EXPECT_THAT(world.text(), HasSubstr("falcosecurity_scap_n_failed_fd_lookups_total 0\n"));
  world.settings.include_empty_values = true;
  EXPECT_EQ(world.fields().at("falco.n_failed_fd_lookups"), AlertValue{uint64_t{0}});
}

struct Switch {
  const char* setting;
  bool MetricsSettings::*on;
  const char* key;
  const char* name;
};

TEST(Metrics, EachSwitchTakesItsGroup) {
  const Switch switches[] = {
      {"rules", &MetricsSettings::rules_counters_enabled, "falco.rules.matches_total",
       "falcosecurity_falco_rules_matches_total{"},
      {"resources", &MetricsSettings::resource_utilization_enabled, "falco.cpu_usage_perc",
       "falcosecurity_falco_cpu_usage_ratio "},
      {"state", &MetricsSettings::state_counters_enabled, "falco.n_threads",
       "falcosecurity_scap_n_threads_total "},
      {"kernel", &MetricsSettings::kernel_event_counters_enabled, "scap.n_evts",
       "falcosecurity_scap_n_evts_total "},
      {"cpus", &MetricsSettings::kernel_event_counters_per_cpu_enabled, "scap.n_evts_cpu_0",
       "falcosecurity_scap_n_evts_cpu_total{"},
      {"libbpf", &MetricsSettings::libbpf_stats_enabled, "scap.sys_exit.run_cnt",
       "falcosecurity_scap_sys_exit_run_cnt_total "},
      {"plugins", &MetricsSettings::plugins_metrics_enabled, "plugins.container.n_containers",
       "falcosecurity_plugins_container_n_containers_total "}};
  for (const Switch& each : switches) {
    World world;
    EXPECT_TRUE(world.fields().contains(each.key)) << each.setting;
    EXPECT_THAT(world.text(), HasSubstr(each.name)) << each.setting;
    world.settings.*each.on = false;
    // Counters per CPU imply the others of the kernel.
    if (each.on == &MetricsSettings::kernel_event_counters_enabled) {
      EXPECT_TRUE(world.fields().contains(each.key));
      world.settings.kernel_event_counters_per_cpu_enabled = false;
    }
    EXPECT_FALSE(world.fields().contains(each.key)) << each.setting;
    EXPECT_THAT(world.text(), testing::Not(HasSubstr(each.name))) << each.setting;
  }
}

// Names that others choose: rules, tags, hosts, outputs.
TEST(Metrics, HostileNamesStayOneValidSeriesEach) {
  World world;
  world.now.rules.clear();
  world.who.hostname = std::string("\xff\x00\"\n}\\", 6);
  const std::string long_name(5000, 'x');
  world.now.rules.push_back(rule(long_name + "1", 1));
  world.now.rules.push_back(rule(long_name + "2", 2));  // equal when cut
  world.now.rules.push_back(rule("", 4));
  world.now.rules.push_back(rule("\xe2\x82", 8));
  world.now.rules.push_back(rule("a\"} 1\nevil 2", 16));
  world.now.rules.back().tags = {"a.b", "a-b", "", "\xc3\xa4", "__name__"};
  const Parser parsed(world.text());
  EXPECT_EQ(parsed.fault, "");
  EXPECT_EQ(
      parsed.find("gyr_rule_matched_total", {{"rule_name", long_name.substr(0, kLabelBytesMax)}})
          ->value,
      3);
  EXPECT_EQ(parsed.find("gyr_rule_matched_total", {{"rule_name", "a\"} 1\nevil 2"}})->value, 16);
  EXPECT_FALSE(parsed.families.contains("evil"));
}

TEST(Metrics, SeriesAreBounded) {
  World world;
  world.now.rules.clear();
  for (size_t i = 0; i < kSeriesMax + 7; ++i) {
    world.now.rules.push_back(rule("rule " + std::to_string(i), 1));
  }
  const Parser parsed(world.text());
  EXPECT_EQ(parsed.fault, "");
  EXPECT_EQ(parsed.families.at("gyr_rule_matched_total").series.size(), kSeriesMax);
  EXPECT_EQ(parsed.find("gyr_metrics_series_left_out")->value, 7 * 4) << "of four metrics";
}

TEST(Metrics, CutTextEndsWithAWholeCharacter) {
  World world;
  world.now.rules = {rule(std::string(kLabelBytesMax - 1, 'x') + "\xe2\x82\xac", 1)};
  const Parser parsed(world.text());
  EXPECT_NE(
      parsed.find("gyr_rule_matched_total", {{"rule_name", std::string(kLabelBytesMax - 1, 'x')}}),
      nullptr);
}

TEST(Metrics, RowsAreSound) {
  std::set<std::string_view> keys;
  std::set<std::string_view> names;
  for (const metrics::Row& row : metrics::rows()) {
    EXPECT_FALSE(row.key.empty() && row.name.empty());
    EXPECT_FALSE(row.doc.empty()) << row.key << row.name;
    EXPECT_EQ(row.doc.find('|'), std::string_view::npos) << row.doc;
    EXPECT_EQ(row.doc.find_first_of("\n\\"), std::string_view::npos) << row.doc;
    EXPECT_TRUE(row.key.empty() || keys.insert(row.key).second) << row.key;
    EXPECT_TRUE(row.name.empty() || names.insert(row.name).second) << row.name;
  }
}

// docs/metrics.md ends with the page the table generates; GYR_UPDATE_GOLDEN=1 rewrites it.
TEST(Metrics, TheReferencePageIsCurrent) {
  const std::filesystem::path path = GYR_SOURCE_DIR "/docs/metrics.md";
  const std::string marker = "<!-- generated from src/metrics/metrics.def -->\n";
  const std::string page = read_text(path);
  const size_t at = page.find(marker);
  ASSERT_NE(at, std::string::npos) << path << " lacks its marker";
  const std::string wanted = page.substr(0, at) + marker + metrics_page();
  if (std::getenv("GYR_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << wanted;
  EXPECT_EQ(read_text(path), wanted);
}

TEST(PrometheusParser, RefusesWhatAServerWould) {
  const std::string head = "# HELP a x\n# TYPE a counter\n";
  EXPECT_EQ(Parser(head + "a 1\n").fault, "");
  for (const char* bad :
       {"a 1", "b 1\n", "a{x=\"1\"} 1\na{x=\"1\"} 2\n", "a{x=\"1\",x=\"2\"} 1\n", "a{x=1} 1\n",
        "a{x=\"\\t\"} 1\n", "a{x=\"} 1\n", "a  1\n", "a one\n", "a -1\n", "a{1x=\"\"} 1\n", "\n",
        "# HELP a y\n", "a{x=\"1\"}1\n", "a{__x=\"1\"} 1\n"}) {
    EXPECT_NE(Parser(head + bad).fault, "") << bad;
  }
}

}  // namespace
}  // namespace gyr
