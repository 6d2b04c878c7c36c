// SPDX-License-Identifier: Apache-2.0
// What shows this program to others while it runs: snapshots of its metrics (alert, file) and the
// web server's pages about health, readiness, versions and metrics. docs/metrics.md,
// docs/web-server.md.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "alert/outputs.h"
#include "app/live.h"
#include "base/log.h"
#include "base/result.h"
#include "base/system.h"
#include "config/loader.h"
#include "engine/engine.h"
#include "metrics/hub.h"
#include "metrics/resources.h"
#include "metrics/table.h"
#include "web/server.h"

namespace gyr::app {

struct ObserverSettings {
  MetricsSettings metrics{};
  uint64_t interval_ns = 0;  // between snapshots, 0: none
  MetricsIdentity identity{};
  std::string host_root{};
  std::string group_file{};  // FALCO_CGROUP_MEM_PATH
  std::optional<WebSettings> web{};
  std::string health_path = "/healthz";
  bool metrics_page = false;
  uint64_t stall_ns = 15'000'000'000;  // a loop that has not moved for so long has stopped
};
// An error names the setting. `rules_files`: what was loaded; empty while metrics are off.
Result<ObserverSettings> observer_settings(const ConfigResult& config,
                                           std::vector<FileDigest> rules_files);
// Of the files of the configuration, as they are now.
std::vector<FileDigest> config_digests(const ConfigResult& config);

class Observer {
 public:
  // Listens, where the web server is on; opens the metrics' file. The outputs must outlive it.
  static Result<std::unique_ptr<Observer>> start(ObserverSettings settings, Outputs& outputs,
                                                 const Logger& logger);
  ~Observer();
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  // All of these on the engine's thread.
  // What samples are taken from; parts may be null. They must live until detach().
  struct Subject {
    Engine* engine = nullptr;
    const Source* source = nullptr;
    const LiveHost* host = nullptr;
    size_t rules = 0;  // that are evaluated
  };
  void attach(const Subject& subject) { subject_ = subject; }
  // Events are taken from now on: healthy as long as between_events() is called.
  void begin();
  void between_events();
  void detach();

  // Any thread: the configuration and rules were loaded anew.
  void reloaded(std::vector<FileDigest> config_files, std::vector<FileDigest> rules_files);

  // For tests. 0: no server.
  uint16_t port() const { return server_ ? server_->port() : 0; }

 private:
  Observer(ObserverSettings settings, Outputs& outputs, const Logger& logger);
  Result<void> open(const Logger& logger);
  std::shared_ptr<const MetricsSample> take_sample(uint64_t now_ns) const;
  void tell(std::shared_ptr<const MetricsSample> sample);
  // What a view refers to.
  struct Shown {
    std::shared_ptr<const MetricsIdentity> identity;
    std::shared_ptr<const MetricsSample> now;
    std::shared_ptr<const MetricsSample> before;
    Resources resources;
  };
  Shown show(std::shared_ptr<const MetricsSample> now,
             std::shared_ptr<const MetricsSample> before) const;
  MetricsView view(const Shown& shown) const;
  uint64_t silent_ns() const;
  std::string trouble() const;
  WebPages pages();
  WebReply health() const;
  WebReply readiness() const;
  WebReply metrics_text();

  const ObserverSettings settings_;
  Outputs& outputs_;
  std::unique_ptr<Files> own_files_;
  std::unique_ptr<Files> host_files_;
  ResourceReader resources_;
  Outputs lines_;  // metrics.output_file
  SampleHub hub_;
  Subject subject_;
  std::atomic<size_t> rules_{0};
  mutable std::mutex identity_mutex_;
  std::shared_ptr<const MetricsIdentity> identity_;
  uint64_t next_ns_ = 0;  // snapshot
  std::shared_ptr<const MetricsSample> before_;
  std::unique_ptr<WebServer> server_;  // last: its threads use the others
};

}  // namespace gyr::app
