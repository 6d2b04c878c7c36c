// SPDX-License-Identifier: Apache-2.0
// Output templates: literal text with %field tokens (falco-interface 3.6). Parsed once, rendered
// per alert.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lang/condition.h"

namespace gyr {

// One value of a rendered alert.
struct OutputField {
  std::string name;     // raw token text, with [argument]
  const FieldUse* use;  // never null
  bool in_json = true;  // false for fields that only appear transformed under another name
};

// What happens to control characters inside values. Literal text of the template always stays.
enum class ControlBytes : uint8_t {
  Keep,
  Escape,  // a newline becomes \n, others except tab \xhh
};

class OutputTemplate {
 public:
  // Null with faults when the text is not a template over these fields.
  static std::shared_ptr<const OutputTemplate> parse(std::string_view text, const Dialect& dialect,
                                                     std::vector<TextFault>* faults);
  ~OutputTemplate();

  // The text for one event; a missing value renders as <NA>. Bytes that are not UTF-8 stay as they
  // are.
  std::string render(const EvalContext& context) const;
  // The same, appended to `out`.
  void render_to(const EvalContext& context, ControlBytes control, std::string* out) const;
  // Every field the template reads, each once, in order of first use (alert's output_fields).
  std::span<const OutputField> fields() const;

 private:
  OutputTemplate();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Values as text, the way templates and string comparison of listings show them; value/ has no
// context, so this never resolves anything. Lists: "(a,b)".
std::string render_value(const Value& value, Type type, Format format);

}  // namespace gyr
