// SPDX-License-Identifier: Apache-2.0
#include "lang/diagnostic.h"

#include <array>

namespace gyr {
namespace {

struct Row {
  std::string_view code;
  std::string_view text;
  std::string_view help;
};
constexpr auto kRows = std::to_array<Row>({
#define GYR_DIAGNOSTIC(name, code, text, help) {code, text, help},
#include "lang/diagnostics.def"
#undef GYR_DIAGNOSTIC
});

}  // namespace

std::string_view code_text(Code code) { return kRows[static_cast<size_t>(code)].code; }
std::string_view code_short_text(Code code) { return kRows[static_cast<size_t>(code)].text; }
std::string_view code_help(Code code) { return kRows[static_cast<size_t>(code)].help; }

}  // namespace gyr
