// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "app/environment.h"
#include "app/listings.h"
#include "app/observer.h"
#include "base/text.h"
#include "config/interval.h"
#include "metrics/digest.h"

namespace gyr::app {
namespace {

// As the reference calls them.
std::string engine_name(EngineKind kind) {
  switch (kind) {
    case EngineKind::ModernEbpf:
    case EngineKind::Kmod:
    case EngineKind::Ebpf:
      return "modern_bpf";
    case EngineKind::Ptrace:
      return "ptrace";
    case EngineKind::Replay:
      return "savefile";
    case EngineKind::NoDriver:
      return "nodriver";
  }
  return "";
}

MetricsIdentity identity_of(const ConfigResult& config, std::vector<FileDigest> rules_files) {
  const Settings& settings = config.settings;
  MetricsIdentity identity;
  identity.version = kFalcoVersion;
  identity.gyr_version = GYR_VERSION;
  identity.hostname = alert_hostname();
  utsname host{};
  uname(&host);
  identity.kernel_release = host.release;
  identity.engine = engine_name(settings.engine.kind);
  identity.start_ns = identity.reload_ns = clock_ns(CLOCK_REALTIME);
  identity.boot_ns = host_boot_ns(*system_files(environment("HOST_ROOT")));
  identity.cpus = static_cast<uint64_t>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
  identity.rules_files = std::move(rules_files);
  if (settings.metrics.enabled) identity.config_files = config_digests(config);
  return identity;
}

Result<void> check_path(const ConfigResult& config) {
  const std::string& path = config.settings.webserver.k8s_healthz_endpoint;
  constexpr std::array<std::string_view, 3> kOurs = {"/readyz", "/versions", "/metrics"};
  const char* wrong = nullptr;
  if (!path.starts_with('/')) wrong = "a path begins with '/'";
  if (std::find(kOurs.begin(), kOurs.end(), path) != kOurs.end()) wrong = "that is another page";
  if (wrong == nullptr) return {};
  return Error{fmt::format("{}: '{}': {}", config.place_of("webserver.k8s_healthz_endpoint"),
                           one_line(path), wrong)};
}

}  // namespace

std::vector<FileDigest> config_digests(const ConfigResult& config) {
  constexpr size_t kLimit = 4u << 20;  // of a configuration file
  const std::unique_ptr<Files> files = system_files("");
  std::vector<FileDigest> digests;
  for (const std::string& path : config.files) {
    const auto text = files->read(path, kLimit);
    if (!text) continue;
    digests.push_back(
        {.name = std::filesystem::path(path).filename().string(), .sha256 = sha256(*text)});
  }
  return digests;
}

// There is no server in a replay, as with the reference.
Result<ObserverSettings> observer_settings(const ConfigResult& config,
                                           std::vector<FileDigest> rules_files) {
  const Settings& settings = config.settings;
  const WebserverSettings& web = settings.webserver;
  const MetricsSettings& metrics = settings.metrics;
  ObserverSettings to;
  to.metrics = metrics;
  to.host_root = environment("HOST_ROOT");
  to.group_file = environment("FALCO_CGROUP_MEM_PATH");
  to.health_path = web.k8s_healthz_endpoint;
  to.stall_ns = uint64_t{settings.gyr.web_stall_seconds} * 1'000'000'000;
  to.identity = identity_of(config, std::move(rules_files));
  if (web.enabled && settings.engine.kind != EngineKind::Replay) {
    if (const Result<void> good = check_path(config); !good) return good.error();
    to.web = WebSettings{.address = web.listen_address,
                         .port = web.listen_port,
                         .threads = web.threadiness,
                         .certificate = web.ssl_enabled ? web.ssl_certificate : ""};
    to.metrics_page = metrics.enabled && web.prometheus_metrics_enabled;
  }
  if (!metrics.enabled) return to;
  const bool has_page = web.enabled && web.prometheus_metrics_enabled;
  if (!metrics.output_rule && metrics.output_file.empty() && !has_page) {
    return Error{fmt::format(
        "{}: metrics are on and go nowhere; set metrics.output_rule, metrics.output_file, or "
        "webserver.enabled with webserver.prometheus_metrics_enabled",
        config.place_of("metrics.enabled"))};
  }
  if (metrics.output_rule || !metrics.output_file.empty()) {
    to.interval_ns = parse_interval_ms(metrics.interval).value_or(0) * 1'000'000;
  }
  return to;
}

}  // namespace gyr::app
