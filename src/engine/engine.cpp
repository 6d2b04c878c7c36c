// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "alert/format.h"
#include "base/text.h"

namespace gyr {
namespace {

constexpr uint64_t kLossReportPause = 10'000'000'000;
constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kLongestCaptureMs = 1'000ull * 3600 * 24 * 365;  // its nanoseconds are a number

uint64_t sum_of_losses(const StateCounters& counters) {
  return counters.threads_dropped_full + counters.fds_dropped_full + counters.enter_events_dropped +
         counters.containers_dropped_full;
}

}  // namespace

Engine::Engine(EngineSetup settings, std::shared_ptr<const PreparedRules> rules, World world)
    : settings_(std::move(settings)),
      rules_(std::move(rules)),
      world_(std::move(world)),
      stream_(world_.source, settings_.stream),
      evaluator_(rules_->program),
      drops_(settings_.drops),
      silence_(world_.source.is_live() ? settings_.silent_rounds : 0) {
  count_rules();
  if (rules_->use.limiter.is_on()) limiter_.emplace(rules_->use.limiter, rules_->active);
  if (world_.source.load_control() != nullptr) {
    governor_.emplace(rules_->use.governor, *rules_->ruleset);
  }
  if (world_.capture == nullptr) return;
  world_.capture->watch_with(settings_.stream.state, stream_.state().pool(),
                             [this] { return stream_.dump_state(); });
}

// The history of captures uses the strings of our state.
Engine::~Engine() {
  if (world_.capture != nullptr) world_.capture->finish();
}

void Engine::count_rules() {
  statistics_of_.clear();
  for (const Rule* rule : rules_->active) {
    statistics_of_.push_back(statistics_.add_rule(rule->name, rule->priority));
  }
}

void Engine::offer(std::shared_ptr<const PreparedRules> rules) {
  const std::lock_guard lock(mail_mutex_);
  mail_.rules = std::move(rules);
  has_mail_ = true;
}

std::shared_ptr<Alert> failed_reload_alert(std::string why, uint64_t now_ns) {
  auto alert = std::make_shared<Alert>();
  alert->time_ns = now_ns;
  alert->rule = "Falco internal: hot restart failure";
  alert->priority = Priority::Critical;
  alert->fields = {{"reason", {std::move(why)}}};
  alert->message = "The new configuration or rules cannot be used; the old ones stay in force";
  return alert;
}

void Engine::report_failed_reload(std::string why) {
  const std::lock_guard lock(mail_mutex_);
  mail_.failed_reload = std::move(why);
  has_mail_ = true;
}

void Engine::take_mail() {
  if (!has_mail_.load(std::memory_order_relaxed)) return;
  Mail mail;
  {
    const std::lock_guard lock(mail_mutex_);
    mail = std::exchange(mail_, {});
    has_mail_ = false;
  }
  if (mail.rules != nullptr) adopt(std::move(mail.rules));
  if (mail.failed_reload.empty()) return;
  send_internal(failed_reload_alert(std::move(mail.failed_reload), told_at_ns()));
}

// Between two events, so each is evaluated by the old rules or by the new ones, never by both.
void Engine::adopt(std::shared_ptr<const PreparedRules> rules) {
  // The old limiter knows the old rules.
  if (limiter_) report_suppressed(limiter_->take_all(limiter_now_ns()));
  limiter_.reset();
  earlier_ = counters_for(*rules);
  rules_ = std::move(rules);
  if (rules_->use.limiter.is_on()) limiter_.emplace(rules_->use.limiter, rules_->active);
  evaluator_ = Evaluator(rules_->program);
  stream_.forget_uses();
  count_rules();
  restart_governor();
  for (const std::string& lack : world_.source.collect(rules_->use.collection)) {
    world_.logger->warn("{}", lack);
  }
  world_.logger->info("new rules are in force: {}", rules_->active.size());
}

// What was counted under the names of these rules so far.
std::vector<RuleCounters> Engine::counters_for(const PreparedRules& rules) const {
  std::map<std::string_view, RuleCounters> by_name;
  for (const RuleCount& count : rule_counts()) by_name[count.rule.name] = count.counters;
  std::vector<RuleCounters> counters;
  counters.reserve(rules.active.size());
  for (const Rule* rule : rules.active) counters.push_back(by_name[rule->name]);
  return counters;
}

// What may be given up depends on the rules, so whatever was given up is taken up again.
void Engine::restart_governor() {
  if (!governor_) return;
  const bool had_shed = governor_->step() != Governor::Step::None;
  governor_.emplace(rules_->use.governor, *rules_->ruleset);
  if (!had_shed) return;
  world_.source.load_control()->shed({});
  report_governor({.reduced = false, .why = "the rules are new", .what = "nothing"});
}

// Null: it is left out, and counted.
AlertPtr Engine::alert_of(uint32_t rule) {
  const Rule& matched = *rules_->active[rule];
  const EvalContext& context = stream_.context();
  if (!limiter_) return build_alert(matched, context, settings_.alert);
  AlertPtr alert;
  std::string key;
  if (limiter_->has_window(rule)) {
    const OutputTemplate* its_key = limiter_->key(rule);
    if (its_key == nullptr) alert = build_alert(matched, context, settings_.alert);
    key = its_key != nullptr ? its_key->render(context) : alert->message;
  }
  if (!limiter_->admit(rule, key, limiter_now_ns())) return nullptr;
  return alert != nullptr ? alert : build_alert(matched, context, settings_.alert);
}

uint64_t Engine::told_at_ns() const {
  if (world_.source.is_live() || stream_.number() == 0) return world_.clock.now_ns();
  return stream_.last_ns();
}

uint64_t Engine::limiter_now_ns() const {
  return world_.source.is_live() ? world_.clock.monotonic_ns() : event_time_ns_;
}

void Engine::report_suppressed(const std::vector<SuppressedAlerts>& suppressed) {
  for (const SuppressedAlerts& each : suppressed) {
    const bool repeated = each.why == SuppressedAlerts::Why::Repeated;
    Suppressed& sum = suppressed_[each.rule];
    (repeated ? sum.repeated : sum.above_limit) += each.count;
    auto alert = std::make_shared<Alert>();
    alert->time_ns = told_at_ns();
    alert->rule = "Gyr internal: alerts suppressed";
    alert->priority = each.priority;
    alert->fields = {{"rule", {each.rule}},
                     {"count", {each.count}},
                     {"seconds", {each.period_ns / 1'000'000'000}},
                     {"why", {std::string(repeated ? "repeated" : "too many")}}};
    if (repeated) alert->fields["key"] = {each.key};
    alert->message = repeated ? "Alerts that repeat one that was told were left out"
                              : "Alerts above a limit were left out";
    send_internal(std::move(alert));
  }
}

void Engine::detect() {
  const auto type = static_cast<uint16_t>(stream_.type());
  if (evaluator_.never_matches(type)) return;
  const EvalContext& context = stream_.context();
  const Thread* thread = context.thread();
  const EvalInput input{
      .context = &context,
      .event_type = type,
      .memo = thread != nullptr ? &thread->memo : nullptr,
      .thread_version = thread != nullptr ? stream_.state().version_of(*thread) : 0};
  const auto matches = evaluator_.evaluate(input, rules_->use.match);
  for (const uint32_t number : matches) {
    statistics_.count(statistics_of_[number]);
    const AlertPtr alert = alert_of(number);
    if (alert == nullptr) continue;
    if (settings_.why_missing) explain(*alert, thread);
    world_.outputs.send(alert, [this] { return is_stopped(); });
  }
  if (world_.capture != nullptr && !matches.empty()) capture(matches);
}

// Whoever reads an alert of last night learns here why its container has no name.
void Engine::explain(const Alert& alert, const Thread* thread) const {
  if (thread == nullptr || thread->container_id.empty()) return;
  if (!world_.logger->should_log(spdlog::level::debug)) return;
  std::vector<std::string> empty;
  for (const auto& [name, value] : alert.fields) {
    const bool of_container = name.starts_with("container.") || name.starts_with("k8s.");
    if (of_container && std::holds_alternative<std::monostate>(value.data)) empty.push_back(name);
  }
  if (empty.empty()) return;
  const std::string_view id = thread->container_id.view();
  const std::string why = settings_.why_missing(id);
  world_.logger->debug("alert '{}': container {} has no {}; not known: {}", one_line(alert.rule),
                       one_line(id), join(empty, ", "), why.empty() ? "nothing" : why);
}

// One capture for all rules that fit the event, as long as the longest wants it.
void Engine::capture(std::span<const uint32_t> matches) {
  const Rule* first = nullptr;
  uint64_t duration_ms = 0;
  for (const uint32_t number : matches) {
    const Rule& rule = *rules_->active[number];
    if (!settings_.capture.all_rules && !rule.capture) continue;
    if (first == nullptr) first = &rule;
    const uint64_t own_ms = rule.capture_duration_ms.value_or(0);  // 0: not set
    const uint64_t wanted_ms = own_ms > 0 ? own_ms : settings_.capture.duration_ms;
    duration_ms = std::max(duration_ms, std::min(wanted_ms, kLongestCaptureMs));
  }
  if (first == nullptr) return;
  world_.capture->alert({.rule = first->name,
                         .ts_ns = stream_.event().ts_ns(),
                         .number = stream_.number(),
                         .duration_ns = duration_ms * kMillisecond});
}

// In the form of the reference's own messages.
void Engine::report_size_limit(uint64_t bytes) {
  const uint64_t most_mb = settings_.capture.max_file_mb;
  auto alert = std::make_shared<Alert>();
  alert->time_ns = told_at_ns();
  alert->rule = "Falco internal: capture size limit reached";
  alert->priority = Priority::Informational;
  alert->fields = {{"max_file_size_mb", {most_mb}}, {"written_bytes", {bytes}}};
  alert->message = "A capture on alert has reached its largest size and ends";
  send_internal(std::move(alert));
}

void Engine::send_internal(std::shared_ptr<Alert> alert) {
  mark_internal(settings_.alert.hostname, alert.get());
  world_.outputs.send(std::move(alert), [this] { return is_stopped(); });
}

void Engine::govern() {
  const uint64_t now = world_.clock.monotonic_ns();
  if (now - governed_at_ns_ < Governor::kLookPauseNs) return;
  governed_at_ns_ = now;
  LoadControl* control = world_.source.load_control();
  const auto decided = governor_->look(now, control->take_load());
  if (!decided) return;
  control->shed(decided->shedding);
  report_governor(*decided);
}

// Whoever relies on the rules must know which of them see less: an alert, whatever the rules say.
void Engine::report_governor(const Governor::Decision& decided) {
  auto alert = std::make_shared<Alert>();
  alert->time_ns = told_at_ns();
  const std::string rules = join(decided.rules, ", ");
  alert->fields = {{"why", {decided.why}}, {"given_up", {decided.what}}, {"rules", {rules}}};
  if (decided.exhausted) {
    alert->rule = "Gyr internal: collection cannot be reduced further";
    alert->priority = Priority::Critical;
    alert->message = fmt::format(
        "Events may be lost: what is still collected is needed by the state or by rules of "
        "priority {} and above",
        priority_name(rules_->use.governor.protect));
  } else if (decided.reduced) {
    alert->rule = "Gyr internal: collection reduced";
    alert->priority = Priority::Critical;
    alert->message = "Collection is reduced because of overload";
  } else {
    alert->rule = "Gyr internal: collection restored";
    alert->priority = Priority::Notice;
    alert->message = "Collection is taken up again";
  }
  world_.logger->warn("{}: {}; given up: {}; rules that see less: {}", alert->message, decided.why,
                      decided.what, rules.empty() ? "none" : rules);
  send_internal(std::move(alert));
}

// What need not be looked at for every event. A value ends the run.
std::optional<RunEnd> Engine::check(bool idle) {
  if (world_.outputs.reader_gone()) return RunEnd::ReaderGone;
  take_mail();
  if (settings_.between_events) settings_.between_events();
  if (world_.source.is_live()) report_losses();
  if (governor_) govern();
  if (limiter_ && limiter_->is_due(limiter_now_ns())) {
    report_suppressed(limiter_->take_due(limiter_now_ns()));
  }
  if (idle && silence_.note(stream_.number())) report_silence();
  if (const std::optional<RunEnd> end = look_at_drops()) return end;
  if (settings_.duration_ns > 0 &&
      world_.clock.monotonic_ns() - started_ns_ >= settings_.duration_ns) {
    return RunEnd::TimedOut;
  }
  return std::nullopt;
}

// In a replay nothing is lost, unless that is to be played: then seconds are those of the events.
std::optional<RunEnd> Engine::look_at_drops() {
  const bool live = world_.source.is_live();
  if (!live && (!settings_.drops.simulate || stream_.number() == 0)) return std::nullopt;
  const uint64_t now_ns = live ? world_.clock.monotonic_ns() : stream_.last_ns();
  if (!drops_.is_due(now_ns)) return std::nullopt;
  const auto lost = drops_.look(now_ns, world_.source.counters());
  if (!lost) return std::nullopt;
  auto alert = std::make_shared<Alert>(drop_alert(*lost, world_.source.load_control() != nullptr));
  alert->time_ns = told_at_ns();
  if (settings_.drops.log) world_.logger->warn("{}", alert->message);
  if (settings_.drops.exit) {
    world_.logger->critical("{}. Exiting.", alert->message);
    if (settings_.drops.alert) send_internal(std::move(alert));
    return RunEnd::TooManyLost;
  }
  if (settings_.drops.alert) send_internal(std::move(alert));
  return std::nullopt;
}

void Engine::report_silence() {
  const uint64_t last_ns = stream_.last_ns();
  const std::string last = last_ns == 0 ? "none" : alert_time_text(last_ns, false);
  auto alert = std::make_shared<Alert>();
  alert->time_ns = told_at_ns();
  alert->rule = "Falco internal: timeouts notification";
  alert->priority = Priority::Debug;
  alert->message =
      fmt::format("{}: {} times in a row there was no event", alert->rule, settings_.silent_rounds);
  alert->fields = {{"last_event_time", {last}}};
  world_.logger->warn("{}; the last one was at {}", alert->message, last);
  send_internal(std::move(alert));
}

void Engine::report_losses() {
  const uint64_t now = world_.clock.monotonic_ns();
  if (reported_at_ns_ != 0 && now - reported_at_ns_ < kLossReportPause) return;
  const SourceCounters counters = world_.source.counters();
  const uint64_t lost = counters.lost();
  reported_at_ns_ = now;
  const uint64_t not_stored = sum_of_losses(stream_.state().counters());
  if (std::exchange(reported_state_losses_, not_stored) < not_stored) {
    world_.logger->warn("{}", state_losses());
  }
  if (lost <= reported_losses_) return;
  world_.logger->warn("{} events were lost, {} in all{}{}", lost - reported_losses_, lost,
                      counters.lost_detail.empty() ? "" : ": ", counters.lost_detail);
  reported_losses_ = lost;
}

std::string Engine::state_losses() const {
  const StateCounters counters = stream_.state().counters();
  if (sum_of_losses(counters) == 0) return {};
  return fmt::format(
      "the state is incomplete: {} times there was no room for a thread "
      "(falco_libs.thread_table_size "
      "is {}), {} times a descriptor took the place of another, {} times there was none for a "
      "container, {} events that begin "
      "a call were too long to be "
      "kept; "
      "their fields are missing",
      counters.threads_dropped_full, settings_.stream.state.thread_limit, counters.fds_dropped_full,
      counters.containers_dropped_full, counters.enter_events_dropped);
}

RunEnd Engine::run(const std::atomic<bool>& stop) {
  started_ns_ = world_.clock.monotonic_ns();
  stop_ = &stop;
  if (world_.capture != nullptr) {
    world_.capture->on_size_limit([this](uint64_t bytes) { report_size_limit(bytes); });
  }
  const RunEnd end = walk();
  if (limiter_) report_suppressed(limiter_->take_all(limiter_now_ns()));
  if (world_.capture != nullptr) world_.capture->finish();
  stop_ = nullptr;
  return end;
}

void Engine::count_talk() {
  const Thread* thread = stream_.context().thread();
  governor_->count(thread != nullptr ? thread->pid : stream_.event().tid());
}

// Seconds of a replay are over at some event.
uint32_t Engine::checks_after() const {
  const bool by_event = settings_.drops.simulate && !world_.source.is_live();
  return by_event ? 1 : kEventsBetweenChecks;
}

RunEnd Engine::walk() {
  const std::atomic<bool>& stop = *stop_;
  const uint32_t between = checks_after();
  uint32_t until_check = between;
  while (!stop.load(std::memory_order_relaxed)) {
    const StreamStatus status = stream_.next();
    switch (status) {
      case StreamStatus::Event:
        if (governor_ && governor_->counts()) count_talk();
        if (limiter_) event_time_ns_ = stream_.event().ts_ns();
        detect();
        break;
      case StreamStatus::Skipped:
        break;
      case StreamStatus::Idle:
        until_check = 1;
        break;
      case StreamStatus::End:  // also of a pipe that was given up
        if (is_stopped()) return RunEnd::Stopped;
        return check(false).value_or(RunEnd::Finished);
      case StreamStatus::Failed:
        return RunEnd::Failed;
    }
    if (--until_check == 0) {
      until_check = between;
      if (const auto end = check(status == StreamStatus::Idle)) return *end;
    }
  }
  return RunEnd::Stopped;
}

std::vector<Engine::RuleCount> Engine::rule_counts() const {
  const std::vector<RuleCounters> counters = evaluator_.counters();
  std::vector<RuleCount> counts;
  for (size_t i = 0; i < rules_->active.size() && i < counters.size(); ++i) {
    RuleCounters sum = i < earlier_.size() ? earlier_[i] : RuleCounters{};
    sum.evaluated += counters[i].evaluated;
    sum.matched += counters[i].matched;
    sum.time_ns += counters[i].time_ns;
    counts.push_back({*rules_->active[i], sum});
  }
  return counts;
}

}  // namespace gyr
