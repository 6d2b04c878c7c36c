// SPDX-License-Identifier: Apache-2.0
// One result of `gyr check`: a diagnostic of the loader, or one of our own (findings.def).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lang/diagnostic.h"

namespace gyr::check {

enum class Kind : uint8_t {
#define GYR_FINDING(name, code, text, help) name,
#include "check/findings.def"
#undef GYR_FINDING
};

// What the tables say about a code, whichever table it is from.
struct CodeInfo {
  std::string_view code;
  std::string_view text;
  std::string_view help;
  bool error;  // may be one; else always a warning
};
// All codes, the loader's first.
const std::vector<CodeInfo>& all_codes();
const CodeInfo& info_of(Kind kind);

struct Finding {
  std::string_view code;
  Severity severity = Severity::Warning;
  std::string message;  // one sentence
  std::string item;     // "rule 'x'", "" when it is about the file
  Position position;    // line 0: the file as a whole
  std::string line_text{};
  uint32_t underline_from = 0;
  uint32_t underline_size = 1;
  // Another place it is about, with what is there; no file: none.
  std::string other_message{};
  Position other{};
};

}  // namespace gyr::check
