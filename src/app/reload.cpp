// SPDX-License-Identifier: Apache-2.0
#include "app/reload.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <utility>

#include "app/privileges.h"
#include "app/rule_use.h"
#include "app/rules_command.h"
#include "base/sandbox.h"
#include "base/system.h"
#include "base/text.h"
#include "base/thread.h"
#include "config/changes.h"
#include "field/static_fields.h"

namespace gyr::app {
namespace {

// A change is told after two looks, so within a second.
constexpr auto kLookPause = std::chrono::milliseconds(500);

// Rules with what they refer to.
struct Generation {
  ConfigResult config;
  FieldSet fields;
  std::shared_ptr<const Ruleset> ruleset{};
};

ConfigResult load(const Options& options) {
  return load_config(*system_files(""), {.path = options.config_file.value_or(""),
                                         .overrides = options.overrides,
                                         .environment = {}});
}

}  // namespace

Reloader::Reloader(const Options& options, const ConfigResult& config, Logger logger)
    : options_(options), started_with_(config), logger_(std::move(logger)) {
  files_.reset(paths_of(config));
}

Reloader::~Reloader() { stop(); }

void Reloader::start(Engine* engine) {
  engine_ = engine;
  auto thread = start_thread([this] { run(); });
  if (!thread) {
    logger_->error("there will be no reload: {}", thread.error().message);
    return;
  }
  thread_ = *std::move(thread);
}

void Reloader::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Reloader::ask() {
  {
    const std::lock_guard lock(mutex_);
    asked_ = true;
  }
  changed_.notify_all();
}

void Reloader::run() {
  // Any file may be named by a configuration that is to come; none is written.
  if (auto confined = confine_thread("gyr:reload",
                                     {.capabilities = capabilities_to_read_files(), .read = {"/"}});
      !confined) {
    logger_->warn("reload: {}", confined.error().message);
  }
  const bool watches = started_with_.settings.watch_config_files;
  if (watches && is_outdated()) ask();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto woken = [this] { return asked_ || stopping_; };
    if (watches) {
      changed_.wait_for(lock, kLookPause, woken);
    } else {
      changed_.wait(lock, woken);
    }
    if (stopping_) return;
    const bool asked = std::exchange(asked_, false);
    lock.unlock();
    if (asked || files_.look()) reload();
    lock.lock();
  }
}

void Reloader::reload() {
  const std::string fault = load_and_offer();
  if (fault.empty()) return;
  logger_->error("reload: {}; the old configuration and rules stay in force", fault);
  if (engine_ != nullptr) return engine_->report_failed_reload(fault);
  const std::lock_guard lock(mutex_);
  fault_ = fault;
}

std::string Reloader::take_fault() {
  const std::lock_guard lock(mutex_);
  return std::exchange(fault_, {});
}

std::string Reloader::load_and_offer() {
  ConfigResult config;
  files_.while_read([&] {
    config = load(options_);
    return paths_of(config);
  });
  for (const ConfigProblem& problem : config.problems) {
    if (problem.error) return problem.text();
    logger_->warn("{}", problem.text());
  }
  warn_of_restarts(config);
  FieldSet fields(config.settings.static_fields);
  auto next = std::make_shared<Generation>(Generation{std::move(config), std::move(fields)});
  const RulesRequest request{
      .settings = next->config.settings, .options = options_, .fields = next->fields};
  RulesToUse rules = load_rules_to_use(request, !next->config.files.empty(), logger_);
  if (!rules.ruleset) return join(rules.faults, "\n");
  next->ruleset = rules.ruleset;
  const SyscallPlan plan = plan_calls(next->config.settings, *next->ruleset);
  log_plan(plan, logger_);
  RuleUse use = rule_use(next->config.settings, rules, plan);
  if (engine_ != nullptr) {
    engine_->offer(prepare_rules({next, next->ruleset.get()}, std::move(use)));
  }
  if (loaded_) loaded_(next->config, rules);
  return {};
}

// The configuration was read before its files could be watched: a change in between shows in what
// they say now. A pipe says nothing twice.
bool Reloader::is_outdated() const {
  const bool can_be_read_again =
      std::ranges::all_of(started_with_.files, [](const std::string& file) {
        std::error_code gone;
        return std::filesystem::status(file, gone).type() != std::filesystem::file_type::fifo;
      });
  if (!can_be_read_again) return false;
  const ConfigResult now = load(options_);
  return !now.ok() || now.files != started_with_.files ||
         !config::changed_keys(started_with_, now).empty();
}

void Reloader::warn_of_restarts(const ConfigResult& config) const {
  for (const config::Change& change : config::changed_keys(started_with_, config)) {
    if (config::applies_live(change.path)) continue;
    logger_->warn("{}: this key takes effect at the next start; until then it is {}, not {}",
                  config.place_of(change.path), one_line(change.before), one_line(change.after));
  }
}

// Folders that are named are looked into too.
std::vector<std::string> Reloader::paths_of(const ConfigResult& config) const {
  std::vector<std::string> paths = config.files;
  if (paths.empty() && options_.config_file) paths.push_back(*options_.config_file);
  for (const ConfigInclude& include : config.settings.config_files) paths.push_back(include.path);
  const auto& rules = options_.rules.empty() ? config.settings.rules_files : options_.rules;
  paths.insert(paths.end(), rules.begin(), rules.end());
  return paths;
}

}  // namespace gyr::app
