// SPDX-License-Identifier: Apache-2.0
#include "rules/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/fake_fields.h"

namespace gyr {
namespace {
TEST(Smoke, Loads) {
  LoadSettings settings;
  settings.dialect = fake::dialect();
  const RuleSource source{"a.yaml",
                          "- rule: x\n  desc: d\n  condition: evt.type=open and proc.name=cat\n  "
                          "output: hi %proc.name\n  priority: INFO\n"};
  const LoadResult result = load_rules({&source, 1}, settings);
  ASSERT_TRUE(result.ok()) << result.files[0].errors[0].message;
}
}  // namespace
}  // namespace gyr
