// SPDX-License-Identifier: Apache-2.0
// Captures of the conformance data that are worth being cut into several files.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace gyr {

constexpr const char* kManyEventCaptures[] = {"cat_write",   "curl_google",
                                              "net",         "open-multiple-files",
                                              "ping_sendto", "run_as_user_0_container",
                                              "sample",      "single_ipv6_conn",
                                              "workload"};

inline std::string name_of_capture(const testing::TestParamInfo<const char*>& capture) {
  std::string name = capture.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

}  // namespace gyr
