// SPDX-License-Identifier: Apache-2.0
// Constants of the configuration as fields.
#include "field/static_fields.h"

#include <gtest/gtest.h>

#include "field/fields.h"

namespace gyr {
namespace {

TEST(StaticFields, ConstantsAreFieldsBehindTheBuiltInOnes) {
  const FieldSet fields({{"env", "prod"}, {"env_name", "Prague"}, {"zone.rack", ""}});
  ASSERT_EQ(fields.classes().size(), all_fields().size() + 1);
  EXPECT_EQ(fields.classes().back().name, "static");
  EXPECT_EQ(find_field(fields.classes(), "proc.name").info,
            find_field(all_fields(), "proc.name").info);

  const FieldMatch match = find_field(fields.classes(), "static.env_name");
  ASSERT_NE(match.info, nullptr);
  EXPECT_EQ(match.info->name, "static.env_name") << "the longest name wins";
  FieldUse use;
  use.info = match.info;
  Value value;
  ASSERT_TRUE(match.info->fold(0, use, &value));
  EXPECT_EQ(value.as_text(), "Prague");
  EXPECT_EQ(find_field(fields.classes(), "static.zone.rack").info->constant, "");
  EXPECT_EQ(find_field(fields.classes(), "static.other").info, nullptr);
}

TEST(StaticFields, WithoutConstantsThereIsNoClass) {
  EXPECT_EQ(FieldSet({}).classes().size(), all_fields().size());
}

TEST(StaticFields, RowsStayWhereTheyAreWhenTheSetIsMoved) {
  FieldSet first({{"a", "x"}, {"b", "y"}});
  const FieldInfo* const row = find_field(first.classes(), "static.b").info;
  const FieldSet second = std::move(first);
  EXPECT_EQ(find_field(second.classes(), "static.b").info, row);
  EXPECT_EQ(row->name, "static.b");
  EXPECT_EQ(row->constant, "y");
}

}  // namespace
}  // namespace gyr
