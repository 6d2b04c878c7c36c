// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <syslog.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"

template void fmt::detail::vformat_to(fmt::detail::buffer<char>&, fmt::string_view,
                                      fmt::format_args, fmt::detail::locale_ref);

namespace gyr {
namespace {

spdlog::level::level_enum to_level(const std::string& word) {
  const std::string level = to_lower(word);
  if (level == "debug") return spdlog::level::debug;
  if (level == "info" || level == "informational" || level == "notice") return spdlog::level::info;
  if (level == "warning") return spdlog::level::warn;
  if (level == "error") return spdlog::level::err;
  return spdlog::level::critical;
}

}  // namespace

Logger make_logger(const LogSettings& settings) {
  std::vector<spdlog::sink_ptr> sinks;
  if (settings.to_stderr) sinks.push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
  if (settings.to_syslog) {
    // Under the name the program was started by, as alerts of syslog_output.
    sinks.push_back(std::make_shared<spdlog::sinks::syslog_sink_mt>(program_invocation_short_name,
                                                                    0, LOG_USER, false));
  }
  auto logger = std::make_shared<spdlog::logger>("gyr", sinks.begin(), sinks.end());
  logger->set_level(to_level(settings.level));
  if (settings.iso_8601) {
    logger->set_pattern("%Y-%m-%dT%H:%M:%S+0000: %v", spdlog::pattern_time_type::utc);
  } else {
    logger->set_pattern("%c: %v");
  }
  return logger;
}

Logger library_logger(const Logger& logger, const std::string& severity) {
  Logger library = logger->clone("library");
  const auto own = severity == "trace" ? spdlog::level::trace : to_level(severity);
  library->set_level(std::max(own, logger->level()));
  return library;
}

Logger null_logger() {
  return std::make_shared<spdlog::logger>("null", std::make_shared<spdlog::sinks::null_sink_mt>());
}

}  // namespace gyr
