// SPDX-License-Identifier: Apache-2.0
#include "app/configured.h"

#include <algorithm>
#include <memory>
#include <string>

#include "app/terminal.h"
#include "base/system.h"
#include "base/text.h"
#include "source/live.h"

namespace gyr::app {
namespace {

// What the reference reads, and needs.
constexpr std::string_view kFalcoConfig = "/etc/falco/falco.yaml";
constexpr std::string_view kNoFalcoConfig =
    "there is no configuration file /etc/falco/falco.yaml; under the name falco it must exist, or "
    "-c FILE name "
    "another (under its own name gyr works without)";

// False after an error, which is told.
bool report_problems(const ConfigResult& config, const Logger& logger) {
  constexpr size_t kShown = 200;
  size_t shown = 0;
  for (const ConfigProblem& problem : config.problems) {
    if (!problem.error && ++shown > kShown) continue;  // errors are never left out
    const std::string text = one_line(problem.text());
    if (problem.error) {
      print_error(text);
    } else {
      logger->warn("{}", text);
    }
  }
  if (shown > kShown) logger->warn("{} more warnings about the configuration", shown - kShown);
  return config.ok();
}

Logger logger_of(const ConfigResult& config, bool as_falco) {
  const Settings& settings = config.settings;
  const bool silent = as_falco && config.values.find("log_stderr") == nullptr;
  return make_logger({.to_stderr = settings.log_stderr && !silent,
                      .to_syslog = settings.log_syslog,
                      .iso_8601 = settings.time_format_iso_8601,
                      .level = settings.log_level});
}

}  // namespace

void log_notes(const Options& options, const Logger& logger) {
  for (const std::string& note : options.notes) logger->warn("{}", note);
}

void warn_about_selection(const SyscallPlan& plan, const Logger& logger) {
  for (const std::string& name : plan.unknown_names) {
    logger->warn("base_syscalls.custom_set: there is no system call '{}'", name);
  }
  if (plan.unheard.any()) {
    logger->warn(
        "rules ask for system calls that are not collected: {}; base_syscalls.all=true "
        "collects them",
        join(syscall_names(plan.unheard), ", "));
  }
}

int with_configuration(Options& options, const ConfiguredCommand& command) {
  const std::unique_ptr<Files> files = system_files("");
  if (options.as_falco && !options.config_file) {
    const bool is_there = files->stat(kFalcoConfig, true).has_value();
    if (is_there) options.config_file = kFalcoConfig;
    if (!is_there && !prints_only(options)) return print_error(kNoFalcoConfig);
  }
  const ConfigResult config = load_config(*files, {.path = options.config_file.value_or(""),
                                                   .overrides = options.overrides,
                                                   .environment = {}});
  const Logger logger = logger_of(config, options.as_falco);
  if (!report_problems(config, logger)) return 1;
  log_notes(options, logger);
  for (size_t i = 0; i < config.files.size(); ++i) {
    logger->info("configuration: {} | schema validation: {}", one_line(config.files[i]),
                 config.verdicts[i]);
  }
  return command(config, logger);
}

uint64_t ring_bytes(const ProbeSettings& probe) {
  constexpr uint64_t kSmallest = 1u << 20;
  return kSmallest << (probe.buf_size_preset > 0 ? probe.buf_size_preset - 1 : 0);
}

uint32_t snaplen(const Settings& settings) {
  constexpr uint32_t kUsual = 80;
  const uint32_t wanted = settings.falco_libs.snaplen;
  return wanted == 0 ? kUsual : std::min(wanted, kSnaplenMax);
}

SyscallRequest syscall_request(const Settings& settings) {
  return {.custom = settings.base_syscalls.custom_set,
          .repair = settings.base_syscalls.repair,
          .all = settings.base_syscalls.all};
}

}  // namespace gyr::app
