// SPDX-License-Identifier: Apache-2.0
// What a reload does with keys: which ones take effect in a running program, and which keys of two
// configurations differ.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/loader.h"

namespace gyr::config {

// Whether a reload applies the key; every other one needs a restart. `path` as in options.def.
bool applies_live(std::string_view path);
// Those keys or their common beginnings ("base_syscalls"), for people.
std::vector<std::string> live_keys();

struct Change {
  std::string path;
  std::string before, after;  // as YAML in one line
};
// Keys of options.def whose values differ, in their order. Lists of objects are compared as they
// were written.
std::vector<Change> changed_keys(const ConfigResult& before, const ConfigResult& after);

}  // namespace gyr::config
