// SPDX-License-Identifier: Apache-2.0
#include "field/static_fields.h"

#include <utility>

#include "field/fields.h"

namespace gyr {
namespace {

Value constant(const EvalContext&, const FieldUse& use) {
  return Value::of_text(use.info->constant);
}

// Known before any event: checks of constants vanish when rules are compiled.
bool fold(uint16_t, const FieldUse& use, Value* value) {
  *value = Value::of_text(use.info->constant);
  return true;
}

}  // namespace

FieldSet::FieldSet(std::map<std::string, std::string> constants)
    : constants_(std::move(constants)) {
  const std::span<const FieldClass> built_in = all_fields();
  classes_.assign(built_in.begin(), built_in.end());
  if (constants_.empty()) return;
  names_.reserve(constants_.size());
  for (const auto& [name, text] : constants_) {
    FieldInfo row;
    row.name = names_.emplace_back("static." + name);
    row.type = Type::CharBuf;
    row.format = Format::Dec;
    row.flags = kSuggestedOutput;
    row.dependency = Dependency::Constant;
    row.doc = "A constant of the configuration.";
    row.extract = constant;
    row.fold = fold;
    row.constant = text;
    rows_.push_back(row);
  }
  classes_.push_back(
      {"static", "Constants that static_fields of the configuration defines", "", false, rows_});
}

}  // namespace gyr
