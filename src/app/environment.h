// SPDX-License-Identifier: Apache-2.0
// Variables of the environment that are settings: HOST_ROOT, FALCO_HOSTNAME,
// FALCO_CGROUP_MEM_PATH.
#pragma once

#include <cstdlib>
#include <string>

namespace gyr::app {

// Empty when it is not set.
inline std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT: nobody changes the environment
  return value == nullptr ? "" : value;
}

// FALCO_HOSTNAME, else the host's own name; "" if it has none.
std::string alert_hostname();

}  // namespace gyr::app
