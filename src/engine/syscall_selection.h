// SPDX-License-Identifier: Apache-2.0
// Which system calls and tracepoints are collected: what the rules and the state need, less the
// input and output calls that are ignored by default, as base_syscalls of the configuration says.
#pragma once

#include <bitset>
#include <string>
#include <vector>

#include "lang/condition.h"
#include "rules/ruleset.h"
#include "schema/schema.h"

namespace gyr {

using SyscallSet = std::bitset<kScLimit>;

struct SyscallRequest {
  std::vector<std::string> custom{};  // base_syscalls.custom_set: names, "!name" takes one out
  bool repair = false;                // base_syscalls.repair
  bool all = false;                   // base_syscalls.all: ignored calls too
};

struct SyscallPlan {
  SyscallSet collected;
  SyscallSet unheard;                      // rules ask for them, but they are not collected
  std::vector<std::string> unknown_names;  // of the request
  // How it came about.
  SyscallSet rules;
  SyscallSet base;              // collected whatever the rules say
  bool base_is_custom = false;  // the names of the request, else what the state needs
  SyscallSet ignored;           // wanted, but left out as there are too many of them
  SyscallSet repaired;          // added by repair
  SyscallSet removed;           // left out because the request says "!name"
};

// What the state needs to be right.
SyscallSet state_syscalls();
// Reads and writes that the state does not need: too many to collect unless asked for.
SyscallSet ignored_syscalls();
// The rows a name means: the call's own name, or that of its event ("pread" for pread64).
SyscallSet syscalls_named(std::string_view name);
// What the active rules of source "syscall" can match.
SyscallSet syscalls_of_rules(const Ruleset& ruleset);
// What the active rules of source "syscall" that read the field, in condition or output, can match.
SyscallSet syscalls_reading(const Ruleset& ruleset, std::string_view field);
// What a condition with these needs can match.
SyscallSet syscalls_of_needs(const EventNeeds& needs);

SyscallPlan plan_syscalls(const SyscallSet& rules, const SyscallRequest& request);

// In the order of their numbers.
std::vector<Sc> syscall_list(const SyscallSet& set);
// Names in alphabetical order, each once.
std::vector<std::string> syscall_names(const SyscallSet& set);

}  // namespace gyr
