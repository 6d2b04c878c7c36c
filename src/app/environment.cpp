// SPDX-License-Identifier: Apache-2.0
#include "app/environment.h"

#include <unistd.h>

#include <array>

namespace gyr::app {

std::string alert_hostname() {
  if (std::string name = environment("FALCO_HOSTNAME"); !name.empty()) return name;
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "";
  return name.data();
}

}  // namespace gyr::app
