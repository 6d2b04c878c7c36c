// SPDX-License-Identifier: Apache-2.0
// From the configuration to the outputs: which are on, each with its sink and the settings of its
// lane.
#pragma once

#include <string>

#include "alert/outputs.h"
#include "base/result.h"
#include "config/settings.h"

namespace gyr::app {

// The part of the settings that is about outputs.
struct SinkChoice {
  bool stdout_enabled = true;
  bool syslog_enabled = false;
  FileOutputSettings file{};
  ProgramOutputSettings program{};
  HttpOutputSettings http{};
  GyrOutputSettings ours{};
  bool json = false;
  std::string hostname{};
};
SinkChoice sink_choice(const Settings& settings);

// An error names the key and what to do: alerts would vanish unnoticed.
Result<void> add_sinks(const SinkChoice& choice, Outputs* outputs);
// For a dry run: what add_sinks() would find wrong, as far as that can be told without any effect.
// Nothing is opened, made, locked, sent or started.
Result<void> check_sinks(const SinkChoice& choice);

}  // namespace gyr::app
