// SPDX-License-Identifier: Apache-2.0
#include "check/finding.h"

namespace gyr::check {

const std::vector<CodeInfo>& all_codes() {
  static const std::vector<CodeInfo> kAll = {
#define GYR_DIAGNOSTIC(name, code, text, help) \
  {code, text, help, std::string_view(code).starts_with("LOAD_ERR_")},
#include "lang/diagnostics.def"
#undef GYR_DIAGNOSTIC
#define GYR_FINDING(name, code, text, help) {code, text, help, false},
#include "check/findings.def"
#undef GYR_FINDING
  };
  return kAll;
}

const CodeInfo& info_of(Kind kind) {
  static const size_t kOwn = [] {
    size_t own = 0;
    while (!all_codes()[own].code.starts_with("CHECK_")) ++own;
    return own;
  }();
  return all_codes()[kOwn + static_cast<size_t>(kind)];
}

}  // namespace gyr::check
