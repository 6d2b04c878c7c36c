// SPDX-License-Identifier: Apache-2.0
// The program: from its arguments to its exit status. 0: done; 1: the user, the configuration, the
// rules or the world were wrong, said on stderr. What else a command may give stands in its row
// (commands.cpp).
#pragma once

#include <string_view>

#include "app/options.h"

namespace gyr::app {

// How a command was started.
struct Invocation {
  Arguments arguments;    // those behind the command's name
  bool as_falco = false;  // under that name: its defaults where they differ
};

// `program` is what the program was started as, perhaps a path; `arguments` those behind it.
int run(std::string_view program, Arguments arguments);

int run_detection(const Invocation& call);
int run_check(const Invocation& call);
int run_list(const Invocation& call);
int run_describe(const Invocation& call);
int run_read(const Invocation& call);
int run_record(const Invocation& call);
int run_syscalls(const Invocation& call);
int run_doctor(const Invocation& call);
int run_completion(const Invocation& call);
int run_man(const Invocation& call);
int run_version(const Invocation& call);
int run_help(const Invocation& call);

}  // namespace gyr::app
