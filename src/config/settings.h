// SPDX-License-Identifier: Apache-2.0
// Everything a configuration can say, as plain structs. The member initialisers are the defaults;
// each member that stands for a key has its row in options.def.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/attach_mode.h"
#include "base/priority.h"
#include "base/rules_on_error.h"

namespace gyr {

enum class EngineKind : uint8_t { ModernEbpf, Kmod, Ebpf, Ptrace, Replay, NoDriver };
enum class RuleMatching : uint8_t { First, All };
enum class CaptureMode : uint8_t { Rules, AllRules };
enum class MergeStrategy : uint8_t { Append, Override, AddOnly };

// Our one probe serves every live kind; these are the settings it honours.
struct ProbeSettings {
  uint32_t buf_size_preset = 4;       // 1 to 10: 1 MB doubled, per buffer
  uint32_t cpus_for_each_buffer = 2;  // 0: one buffer for all CPUs
  bool drop_failed_exit = false;
  bool disable_iterators = false;
};

struct EngineSettings {
  EngineKind kind = EngineKind::ModernEbpf;
  ProbeSettings kmod;
  ProbeSettings modern_ebpf;
  std::string replay_capture_file;

  bool is_live() const { return kind != EngineKind::Replay && kind != EngineKind::NoDriver; }
  const ProbeSettings& probe() const { return kind == EngineKind::Kmod ? kmod : modern_ebpf; }
};

// One entry of `rules`: the last one that fits a rule decides.
struct RuleSelection {
  bool enable = false;
  std::string rule;  // pattern, or empty
  std::string tag;   // or empty
};

// One entry of `append_output`.
struct AppendOutput {
  struct Field {
    std::string name;
    std::string format;  // empty: the field of this name
  };
  std::string rule;
  std::string source;
  std::vector<std::string> tags;
  std::string extra_output;
  std::vector<Field> extra_fields;
  bool suggested_output = false;
};

struct PluginSettings {
  std::string name;
  std::string library_path;
  std::string init_config;  // text, or the map as JSON-compatible YAML
  std::string open_params;
};

struct ConfigInclude {
  std::string path;
  MergeStrategy strategy = MergeStrategy::Append;
};

struct CaptureSettings {
  bool enabled = false;
  std::string path_prefix = "/tmp/falco";
  CaptureMode mode = CaptureMode::Rules;
  uint64_t default_duration_ms = 5000;
  uint64_t max_file_size_mb = 0;  // 0: no limit
};

struct FileOutputSettings {
  bool enabled = false;
  bool keep_alive = false;
  std::string filename = "./events.txt";
};

struct ProgramOutputSettings {
  bool enabled = false;
  bool keep_alive = false;
  std::string program;
};

struct HttpOutputSettings {
  bool enabled = false;
  std::string url;
  std::string user_agent = "falcosecurity/falco";
  bool insecure = false;
  std::string ca_cert;
  std::string ca_bundle;
  std::string ca_path = "/etc/ssl/certs";
  bool mtls = false;
  std::string client_cert = "/etc/ssl/certs/client.crt";
  std::string client_key = "/etc/ssl/certs/client.key";
  bool echo = false;
  bool compress_uploads = false;
  bool keep_alive = false;
  uint32_t max_consecutive_timeouts = 5;
};

struct WebserverSettings {
  bool enabled = false;
  uint32_t threadiness = 0;  // 0: number of cores
  uint16_t listen_port = 8765;
  std::string listen_address = "0.0.0.0";
  std::string k8s_healthz_endpoint = "/healthz";
  bool prometheus_metrics_enabled = false;
  bool ssl_enabled = false;
  std::string ssl_certificate = "/etc/falco/falco.pem";
};

struct MetricsSettings {
  bool enabled = false;
  std::string interval = "1h";
  bool output_rule = false;
  std::string output_file;
  bool rules_counters_enabled = true;
  bool resource_utilization_enabled = true;
  bool state_counters_enabled = true;
  bool kernel_event_counters_enabled = true;
  bool kernel_event_counters_per_cpu_enabled = true;
  bool libbpf_stats_enabled = true;
  bool plugins_metrics_enabled = true;
  bool kernel_iter_event_counters_enabled = true;
  bool jemalloc_stats_enabled = true;
  bool convert_memory_to_mb = true;
  bool include_empty_values = false;
};

struct EventDropSettings {
  double threshold = 0.1;
  std::vector<std::string> actions = {"ignore"};
  double rate = 0.03333;
  uint32_t max_burst = 1;
  bool simulate_drops = false;
};

struct BaseSyscallSettings {
  std::vector<std::string> custom_set;  // "!name" leaves a call out
  bool repair = false;
  bool all = false;
};

struct LibsSettings {
  uint32_t thread_table_size = 262144;
  uint32_t thread_table_auto_purging_interval_s = 300;
  uint32_t thread_table_auto_purging_thread_timeout_s = 300;
  uint32_t snaplen = 80;
};

// What every output has below gyr.outputs.NAME (outputs.def).
struct OutputDelivery {
  Priority priority = Priority::Debug;
  uint32_t queue_mb = 64;
  uint32_t retry_seconds = 300;  // 0: a failure loses the alert
  uint32_t retry_max_ms = 30'000;
  std::string spool;  // folder, empty: none
  uint32_t spool_mb = 256;
  bool id_in_json = false;
};

enum class BatchForm : uint8_t { Array, Lines };

// What outputs over HTTP have in common.
struct HttpDelivery {
  std::map<std::string, std::string> headers;
  uint32_t timeout_ms = 10'000;
  uint32_t batch_alerts = 1;
  uint32_t batch_wait_ms = 0;
};

struct FileRotation {
  uint64_t rotate_mb = 0;  // 0: never
  uint64_t rotate_seconds = 0;
  uint32_t rotate_files = 10;
};

struct UnixOutputSettings {
  bool enabled = false;
  std::string path = "/run/gyr/alerts.sock";
  std::string mode = "0600";
  std::string owner;  // USER, USER:GROUP or :GROUP
  uint32_t readers = 64;
  uint32_t reader_kb = 1024;
};

struct OtlpOutputSettings {
  bool enabled = false;
  std::string url;
  bool insecure = false;
  std::string ca_cert;
  std::string client_cert;
  std::string client_key;
  bool compress = false;
};

struct NatsOutputSettings {
  bool enabled = false;
  std::string url = "nats://127.0.0.1:4222";
  std::string subject = "gyr.alerts";
  std::string credentials;
  std::string ca_cert;
  std::string client_cert;
  std::string client_key;
  uint32_t timeout_ms = 5'000;
};

struct KafkaOutputSettings {
  bool enabled = false;
  std::string brokers;
  std::string topic = "gyr-alerts";
  std::map<std::string, std::string> properties;
  uint32_t timeout_ms = 10'000;
};

struct GyrOutputSettings {
  OutputDelivery to_stdout, to_syslog, to_file, to_program, to_http, to_unix, to_otlp, to_nats,
      to_kafka;
  FileRotation file;
  bool program_keep_privileges = false;
  HttpDelivery http;
  BatchForm http_batch_form = BatchForm::Array;
  UnixOutputSettings unix_socket;
  OtlpOutputSettings otlp;
  HttpDelivery otlp_http = {.headers = {}, .batch_alerts = 64};
  NatsOutputSettings nats;
  KafkaOutputSettings kafka;
};

// One entry of `gyr.storms.limits`: the first that fits a rule counts.
struct StormLimit {
  std::string rule;  // pattern, or empty
  std::string tag;   // or empty; both empty: every rule
  std::string key;   // output text that makes alerts equal; empty: their message
  uint64_t window_seconds = 0;
  double max_per_second = 0;
  uint64_t burst = 1;
};

// Keys that the reference does not have.
struct GyrSettings {
  GyrOutputSettings outputs;
  AttachMode attach_mode = AttachMode::Auto;
  bool rule_caches = true;
  RulesOnError rules_on_error = RulesOnError::Stop;
  std::string record_file;  // where detection records what it sees, empty: nowhere
  bool record_overwrite = false;
  uint64_t record_rotate_mb = 0;  // 0: one file
  uint64_t record_rotate_seconds = 0;
  uint32_t record_rotate_files = 0;  // 0: all
  uint64_t record_total_mb = 0;      // 0: no limit
  uint32_t record_keep_free = 5;     // percent of its file system
  bool governor_enabled = true;
  uint32_t governor_max_cpu_percent = 100;  // of one CPU, 0: no limit
  uint32_t governor_max_ring_fill_percent = 75;
  uint64_t governor_max_lost_per_second = 0;
  uint32_t governor_hold_seconds = 10;
  Priority governor_protect = Priority::Warning;
  double storms_max_per_second = 0;  // 0: no limit
  uint64_t storms_burst = 100;
  Priority storms_protect = Priority::Critical;
  std::vector<StormLimit> storms_limits;
  uint32_t capture_before_seconds = 10;
  uint32_t capture_before_mb = 16;
  bool capture_compress = false;
  bool capture_overwrite = false;
  uint32_t capture_keep_files = 0;  // 0: all
  uint64_t capture_total_mb = 0;    // 0: no limit
  uint32_t capture_keep_free = 5;   // percent of their file system
  bool live_real_paths = false;
  bool live_compare_arguments = false;
  uint32_t web_stall_seconds = 15;
};

struct Settings {
  std::vector<ConfigInclude> config_files;
  bool watch_config_files = true;
  std::vector<std::string> rules_files;
  std::vector<RuleSelection> rules;
  EngineSettings engine;
  CaptureSettings capture;
  std::vector<std::string> load_plugins;
  std::vector<PluginSettings> plugins;
  bool plugins_hostinfo = true;
  bool time_format_iso_8601 = false;
  bool buffer_format_base64 = false;
  Priority priority = Priority::Debug;
  bool json_output = false;
  bool json_include_output_property = true;
  bool json_include_message_property = false;
  bool json_include_output_fields_property = true;
  bool json_include_tags_property = true;
  bool buffered_outputs = false;
  RuleMatching rule_matching = RuleMatching::First;
  uint64_t outputs_queue_capacity = 0;  // 0: no limit but memory
  std::vector<AppendOutput> append_output;
  std::map<std::string, std::string> static_fields;
  // On without a configuration file; a file that does not name it switches it off, as it always
  // did.
  bool stdout_enabled = true;
  bool syslog_enabled = false;
  FileOutputSettings file_output;
  ProgramOutputSettings program_output;
  HttpOutputSettings http_output;
  WebserverSettings webserver;
  bool log_stderr = true;
  bool log_syslog = false;
  std::string log_level = "info";
  bool libs_logger_enabled = true;
  std::string libs_logger_severity = "info";
  uint32_t output_timeout_ms = 2000;
  uint32_t event_timeouts_max_consecutives = 1000;
  EventDropSettings event_drops;
  MetricsSettings metrics;
  BaseSyscallSettings base_syscalls;
  LibsSettings falco_libs;
  GyrSettings gyr;
};

}  // namespace gyr
