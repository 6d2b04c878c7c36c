// SPDX-License-Identifier: Apache-2.0
// What every command that obeys the configuration does first.
#pragma once

#include <functional>

#include "app/options.h"
#include "base/log.h"
#include "config/loader.h"
#include "engine/syscall_selection.h"

namespace gyr::app {

using ConfiguredCommand = std::function<int(const ConfigResult& config, const Logger& logger)>;

// Loads the configuration the options ask for, or the one that the name falco stands for (then it
// is put into the options), says what is wrong with it and which options have no
// effect, and runs the command unless that is an error. Exit status.
int with_configuration(Options& options, const ConfiguredCommand& command);

// For commands that read no configuration.
void log_notes(const Options& options, const Logger& logger);

// Of a bulk ring.
uint64_t ring_bytes(const ProbeSettings& probe);
uint32_t snaplen(const Settings& settings);
SyscallRequest syscall_request(const Settings& settings);
// About names that are no system call, and about rules that ask for calls that are not collected.
void warn_about_selection(const SyscallPlan& plan, const Logger& logger);

}  // namespace gyr::app
