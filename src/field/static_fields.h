// SPDX-License-Identifier: Apache-2.0
// static.NAME: constants of one configuration, readable in conditions and outputs.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "value/field_info.h"

namespace gyr {

// all_fields() and the constants of one configuration. Must outlive every ruleset that was loaded
// with its classes; may be moved, as rows stay where they are.
class FieldSet {
 public:
  // Names without the "static." in front.
  explicit FieldSet(std::map<std::string, std::string> constants);
  FieldSet(FieldSet&&) noexcept = default;
  FieldSet& operator=(FieldSet&&) noexcept = default;

  std::span<const FieldClass> classes() const { return classes_; }

 private:
  std::map<std::string, std::string> constants_;
  std::vector<std::string> names_;
  std::vector<FieldInfo> rows_;
  std::vector<FieldClass> classes_;
};

}  // namespace gyr
