// SPDX-License-Identifier: Apache-2.0
// Alerts to the standard input of a shell command, one line each: to one process (keep_alive), or
// to a new one for each alert. An alert counts as sent when the program has read it. The program
// runs in a process group of its own with no descriptor but the standard ones.
#pragma once

#include <memory>
#include <string>

#include "alert/sink.h"

namespace gyr {

struct ProgramSinkSettings {
  std::string command{};
  bool keep_alive = false;
  bool keep_privileges = false;  // it runs with those that gyr was started with, else with none
};
std::unique_ptr<Sink> make_program_sink(ProgramSinkSettings settings);

}  // namespace gyr
