// SPDX-License-Identifier: Apache-2.0
// The operational log: to stderr, never to stdout, which belongs to alerts.
#pragma once

#include <fmt/format.h>
#include <spdlog/logger.h>

#include <memory>
#include <string>

// What a call of the logger formats with: compiled once in log.cpp, not by each source that logs.
extern template void fmt::detail::vformat_to(fmt::detail::buffer<char>&, fmt::string_view,
                                             fmt::format_args, fmt::detail::locale_ref);

namespace gyr {

struct LogSettings {
  bool to_stderr = true;
  bool to_syslog = false;
  bool iso_8601 = false;
  std::string level = "info";  // emergency alert critical error warning notice info debug
};

using Logger = std::shared_ptr<spdlog::logger>;

// A logger that writes where `settings` says; each call makes an independent one.
Logger make_logger(const LogSettings& settings);
// The same outputs, for what libraries say: messages at or above `severity` (fatal critical error
// warning notice info debug trace) that `logger` would log too.
Logger library_logger(const Logger& logger, const std::string& severity);
// Swallows everything: for tests and libraries.
Logger null_logger();

}  // namespace gyr
