// SPDX-License-Identifier: Apache-2.0
// What is wrong with text a user wrote: collected, located, coded. Codes and their short strings
// are those of the reference (falco-interface 3.8); the wording of messages is ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gyr {

// Rows: GYR_DIAGNOSTIC(Name, "CODE", "Short string", "What it means and what to do"); see
// diagnostics.def.
enum class Code : uint8_t {
#define GYR_DIAGNOSTIC(name, code, text, help) name,
#include "lang/diagnostics.def"
#undef GYR_DIAGNOSTIC
};
std::string_view code_text(Code code);        // "LOAD_ERR_COMPILE_CONDITION"
std::string_view code_short_text(Code code);  // "Error compiling condition"
std::string_view code_help(Code code);

// A place in a file. Line and column count from 1 (bytes), offset from 0. Line 0: the file as a
// whole, or what `file` names is no file.
struct Position {
  std::string file;
  uint32_t line = 1;
  uint32_t column = 1;
  size_t offset = 0;
};

// One step of the way to the fault, outermost first: rules content → rule 'x' → condition
// expression.
struct Location {
  std::string item_type;
  std::string item_name;
  Position position;
};

enum class Severity : uint8_t { Warning, Error };

struct Diagnostic {
  Severity severity = Severity::Error;
  Code code{};
  std::string message;              // one sentence, with the suggestion if there is one
  std::vector<Location> locations;  // empty: about the file as a whole, nothing to underline
  std::string line_text;            // the line of the fault, for the underlined snippet
  uint32_t underline_from = 0;      // byte offset in line_text
  uint32_t underline_size = 1;
};

// A fault inside one expression or template, before the loader knows where in the file it is.
struct TextFault {
  Code code{};
  std::string message;
  size_t offset = 0;  // into the text given to the parser
  size_t size = 1;    // bytes to underline
  Severity severity = Severity::Error;
  // When the fault is in the text of a macro: the macro, and the place in its text. `offset` is
  // then where the condition itself uses the outermost macro.
  std::string macro;
  size_t macro_offset = 0;
  size_t macro_size = 1;
};

}  // namespace gyr
