// SPDX-License-Identifier: Apache-2.0
#include "app/observer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "alert/format.h"
#include "app/listings.h"
#include "metrics/file_sink.h"

namespace gyr::app {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
// Whoever asks for metrics gets values of the last second.
constexpr uint64_t kSampleAgeNs = kSecond / 2;
constexpr auto kSamplePatience = std::chrono::milliseconds(1500);
constexpr size_t kFileQueue = 256;

OutputSettings file_settings() {
  OutputSettings settings;
  settings.queue_capacity = kFileQueue;
  return settings;
}

std::vector<RuleSample> rule_samples(const Engine& engine) {
  std::vector<RuleSample> samples;
  for (const Engine::RuleCount& count : engine.rule_counts()) {
    samples.push_back({.name = count.rule.name,
                       .source = count.rule.source,
                       .priority = static_cast<int>(count.rule.priority),
                       .tags = count.rule.tags,
                       .evaluated = count.counters.evaluated,
                       .matched = count.counters.matched,
                       .time_ns = count.counters.time_ns});
  }
  return samples;
}

void add_state(const State& state, MetricsSample* sample) {
  sample->state = state.counters();
  sample->threads = state.thread_count();
  state.for_each_thread([&](const Thread& thread) {
    if (thread.tid == thread.pid) sample->fds += state.fds(thread).size();
  });
  for (const InterfaceInfo& interface : state.interfaces()) {
    IpAddress address;
    address.v6 = interface.v6;
    address.bytes = interface.address;
    sample->interfaces.push_back(
        {.name = interface.name, .v6 = interface.v6, .address = ip_text(address)});
  }
}

void add_engine(const Engine& engine, MetricsSample* sample) {
  sample->events = engine.events();
  sample->rules = rule_samples(engine);
  for (const auto& [rule, sum] : engine.suppressed()) {
    sample->suppressed.push_back(
        {.rule = rule, .repeated = sum.repeated, .above_limit = sum.above_limit});
  }
  sample->drop_reports = engine.drops().occurrences();
  sample->drop_actions = engine.drops().actions();
  add_state(engine.state(), sample);
  if (!engine.governor()) return;
  const Governor& governor = *engine.governor();
  sample->governor = {.step = static_cast<uint64_t>(governor.step()),
                      .reductions = governor.reductions(),
                      .restorations = governor.restorations(),
                      .rules = governor.reduced_rules()};
}

std::string output_json(const OutputCounters& output) {
  return fmt::format(
      "{{\"name\":{},\"healthy\":{},\"sent\":{},\"lost\":{},\"waiting\":{},\"waiting_bytes\":{},"
      "\"in_spool\":{}}}",
      json_string(output.name), output.healthy, output.sent, output.lost_total(), output.queued,
      output.queued_bytes, output.in_spool);
}

}  // namespace

Observer::Observer(ObserverSettings settings, Outputs& outputs, const Logger& logger)
    : settings_(std::move(settings)),
      outputs_(outputs),
      own_files_(system_files("")),
      host_files_(system_files(settings_.host_root)),
      resources_(*own_files_, *host_files_, settings_.group_file),
      lines_(file_settings(), logger),
      identity_(std::make_shared<MetricsIdentity>(settings_.identity)) {}

Observer::~Observer() {
  server_.reset();
  lines_.finish([] { return true; });
}

Result<std::unique_ptr<Observer>> Observer::start(ObserverSettings settings, Outputs& outputs,
                                                  const Logger& logger) {
  std::unique_ptr<Observer> observer(new Observer(std::move(settings), outputs, logger));
  if (Result<void> opened = observer->open(logger); !opened) return opened.error();
  return observer;
}

Result<void> Observer::open(const Logger& logger) {
  const std::string& file = settings_.metrics.output_file;
  if (settings_.interval_ns > 0 && !file.empty()) {
    if (Result<void> added = lines_.add(make_metrics_file_sink(file)); !added) return added;
  }
  if (!settings_.web) return {};
  WebSettings web = *settings_.web;
  // Own memory and CPUs, those of the host and of the control group.
  web.files = {"/proc", settings_.host_root + "/proc", "/sys/fs/cgroup"};
  auto started = WebServer::start(web, pages(), logger);
  if (!started) return started.error();
  server_ = *std::move(started);
  logger->info("webserver: listens at {} port {}{}", settings_.web->address, server_->port(),
               settings_.web->certificate.empty() ? "" : ", with TLS");
  return {};
}

void Observer::begin() {
  const uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
  rules_ = subject_.rules;
  next_ns_ = now_ns + settings_.interval_ns;
  hub_.beat(now_ns);
  hub_.set_trouble("");
}

void Observer::detach() {
  hub_.set_trouble("ending");
  subject_ = {};
}

void Observer::between_events() {
  const uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
  hub_.beat(now_ns);
  if (subject_.engine != nullptr) rules_ = subject_.engine->rule_count();  // may be new ones
  const bool is_due = settings_.interval_ns > 0 && now_ns >= next_ns_;
  if (!is_due && !hub_.is_wanted()) return;
  auto sample = take_sample(now_ns);
  hub_.publish(sample);
  if (!is_due) return;
  // Snapshots that a pause has made us miss are not made up for.
  next_ns_ += settings_.interval_ns * ((now_ns - next_ns_) / settings_.interval_ns + 1);
  tell(std::move(sample));
}

std::shared_ptr<const MetricsSample> Observer::take_sample(uint64_t now_ns) const {
  auto sample = std::make_shared<MetricsSample>();
  sample->time_ns = clock_ns(CLOCK_REALTIME);
  sample->monotonic_ns = now_ns;
  sample->outputs = outputs_.counters();
  if (subject_.source != nullptr) sample->source = subject_.source->counters();
  if (subject_.engine != nullptr) add_engine(*subject_.engine, sample.get());
  if (subject_.host != nullptr) {
    const ContainerFinder& finder = subject_.host->containers();
    sample->missing = finder.missing().table();
    sample->containers = finder.containers();
    sample->container_attempts = finder.attempts();
  }
  return sample;
}

// On the engine's thread, which alone may send alerts: a snapshot is rare.
void Observer::tell(std::shared_ptr<const MetricsSample> sample) {
  const Shown shown = show(sample, before_);
  auto alert = std::make_shared<Alert>();
  alert->time_ns = sample->time_ns;
  alert->rule = "Falco internal: metrics snapshot";
  alert->priority = Priority::Informational;
  alert->message = "Falco metrics snapshot";
  alert->fields = snapshot_fields(view(shown), settings_.metrics);
  before_ = std::move(sample);
  // A copy: the one below is marked, when the lines' thread may be reading already.
  if (!lines_.empty()) lines_.send(std::make_shared<Alert>(*alert), [] { return true; });
  if (!settings_.metrics.output_rule) return;
  if (subject_.engine != nullptr) return subject_.engine->send_internal(std::move(alert));
  // Without a source there is no engine, and this thread is the one that sends.
  mark_internal(settings_.identity.hostname, alert.get());
  outputs_.send(std::move(alert), [] { return true; });
}

void Observer::reloaded(std::vector<FileDigest> config_files, std::vector<FileDigest> rules_files) {
  const std::lock_guard lock(identity_mutex_);
  auto identity = std::make_shared<MetricsIdentity>(*identity_);
  identity->reload_ns = clock_ns(CLOCK_REALTIME);
  identity->config_files = std::move(config_files);
  identity->rules_files = std::move(rules_files);
  identity_ = std::move(identity);
}

Observer::Shown Observer::show(std::shared_ptr<const MetricsSample> now,
                               std::shared_ptr<const MetricsSample> before) const {
  Shown shown{.identity = nullptr,
              .now = std::move(now),
              .before = std::move(before),
              .resources = resources_.read()};
  const std::lock_guard lock(identity_mutex_);
  shown.identity = identity_;
  return shown;
}

MetricsView Observer::view(const Shown& shown) const {
  return {.identity = *shown.identity,
          .now = *shown.now,
          .before = shown.before.get(),
          .resources = shown.resources,
          .loop_silent_ns = silent_ns(),
          .shown_at_ns = std::max(clock_ns(CLOCK_MONOTONIC), shown.now->monotonic_ns)};
}

uint64_t Observer::silent_ns() const {
  const uint64_t beat_ns = hub_.beat_ns();
  const uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
  return beat_ns == 0 || now_ns < beat_ns ? 0 : now_ns - beat_ns;
}

std::string Observer::trouble() const {
  if (std::string why = hub_.trouble(); !why.empty()) return why;
  const uint64_t silent = silent_ns();
  if (silent <= settings_.stall_ns) return {};
  return fmt::format("the event loop has not moved for {} s", silent / kSecond);
}

WebPages Observer::pages() {
  WebPages pages;
  pages.urgent = settings_.health_path;
  pages.by_path[settings_.health_path] = [this] { return health(); };
  pages.by_path["/readyz"] = [this] { return readiness(); };
  pages.by_path["/versions"] = [] { return WebReply{.body = version_json()}; };
  if (settings_.metrics_page) pages.by_path["/metrics"] = [this] { return metrics_text(); };
  return pages;
}

// Whether a restart would help: whatever an output suffers from, it would not.
WebReply Observer::health() const {
  const std::string why = trouble();
  if (why.empty()) return {.body = "{\"status\": \"ok\"}"};
  return {.status = 503,
          .body = fmt::format("{{\"status\": \"failing\", \"reason\": {}}}", json_string(why))};
}

WebReply Observer::readiness() const {
  std::string why = trouble();
  if (why.empty() && rules_ == 0) why = "no rule is enabled";
  std::string outputs;
  for (const OutputCounters& output : outputs_.counters()) {
    outputs += fmt::format("{}{}", outputs.empty() ? "" : ",", output_json(output));
  }
  return {.status = why.empty() ? 200 : 503,
          .body = fmt::format("{{\"status\":\"{}\",\"reason\":{},\"engine\":{},\"rules\":{},"
                              "\"event_loop_silent_seconds\":{:.3f},\"outputs\":[{}]}}\n",
                              why.empty() ? "ready" : "not ready", json_string(why),
                              json_string(settings_.identity.engine), rules_.load(),
                              static_cast<double>(silent_ns()) / 1e9, outputs)};
}

WebReply Observer::metrics_text() {
  const auto sample = hub_.get(clock_ns(CLOCK_MONOTONIC), kSampleAgeNs, kSamplePatience);
  if (sample == nullptr) {
    return {.status = 503, .body = "{\"error\": \"there are no metrics yet: starting\"}\n"};
  }
  const Shown shown = show(sample, nullptr);
  return {.type = "text/plain; version=0.0.4",
          .body = prometheus_text(view(shown), settings_.metrics)};
}

}  // namespace gyr::app
