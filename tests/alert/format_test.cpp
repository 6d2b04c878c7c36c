// SPDX-License-Identifier: Apache-2.0
#include "alert/format.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <ctime>

#include "alert/statistics.h"
#include "base/text.h"

namespace gyr {
namespace {

Alert sample() {
  Alert alert;
  alert.time_ns = 1470327477881785348;
  alert.rule = "open_from_cat";
  alert.priority = Priority::Warning;
  alert.source = "syscall";
  alert.tags = {"filesystem", "process"};
  alert.message = "An open was seen (command=cat /dev/null)";
  alert.fields["proc.cmdline"] = {std::string("cat /dev/null")};
  alert.fields["evt.time"] = {int64_t{1470327477881785348}};
  alert.hostname = "box";
  return alert;
}

TEST(AlertText, IsoTimeIsUtc) {
  EXPECT_EQ(format_alert(sample(), {.iso_8601 = true}),
            "2016-08-04T16:17:57.881785348+0000: Warning An open was seen (command=cat /dev/null)");
}

TEST(AlertText, TimeIsLocalWithNineDigits) {
  setenv("TZ", "UTC-3", 1);
  tzset();
  EXPECT_EQ(alert_time_text(1470327477000000005, false), "19:17:57.000000005");
  setenv("TZ", "UTC", 1);
  tzset();
  EXPECT_EQ(alert_time_text(1470327477000000005, false), "16:17:57.000000005");
}

TEST(AlertText, ControlCharactersCannotForgeLines) {
  Alert alert = sample();
  alert.message = "a\nb\tc\x1b[0m\xff\"q\"";
  EXPECT_EQ(format_alert(alert, {.iso_8601 = true}),
            "2016-08-04T16:17:57.881785348+0000: Warning a\\nb\\tc\\u001b[0m\xef\xbf\xbd\"q\"");
}

// U+009B begins a command for some terminals, as ESC [ does; a letter with the byte 9b does not.
TEST(AlertText, NoControlCharacterReachesATerminal) {
  Alert alert = sample();
  alert.message =
      "\xc2\x9b"
      "2J\x7f\x9bÛ\xc2\x85\xc2\xa0";
  EXPECT_EQ(format_alert(alert, {.iso_8601 = true}),
            "2016-08-04T16:17:57.881785348+0000: Warning \\u009b2J\\u007f\xef\xbf\xbdÛ\\u0085"
            "\xc2\xa0");
  for (char code = '\x7f'; static_cast<uint8_t>(code) < 0xa0; ++code) {
    const std::string c1 = {'\xc2', code};
    const std::string text = code == '\x7f' ? "\x7f" : c1;
    EXPECT_EQ(json_string(text), fmt::format("\"\\u00{:02x}\"", static_cast<uint8_t>(code)));
    EXPECT_EQ(one_line(text), fmt::format("\\u00{:02x}", static_cast<uint8_t>(code)));
  }
}

TEST(AlertJson, KeysAreSortedAndTimeIsUtc) {
  EXPECT_EQ(
      format_alert(sample(), {.json = true, .include_message = true, .iso_8601 = true}),
      "{\"hostname\":\"box\",\"message\":\"An open was seen (command=cat /dev/null)\","
      "\"output\":\"2016-08-04T16:17:57.881785348+0000: Warning An open was seen "
      "(command=cat /dev/null)\",\"output_fields\":{\"evt.time\":1470327477881785348,"
      "\"proc.cmdline\":\"cat /dev/null\"},\"priority\":\"Warning\",\"rule\":\"open_from_cat\","
      "\"source\":\"syscall\",\"tags\":[\"filesystem\",\"process\"],"
      "\"time\":\"2016-08-04T16:17:57.881785348Z\"}");
}

TEST(AlertJson, PartsCanBeLeftOut) {
  EXPECT_EQ(format_alert(sample(), {.json = true,
                                    .include_output = false,
                                    .include_output_fields = false,
                                    .include_tags = false}),
            "{\"hostname\":\"box\",\"priority\":\"Warning\",\"rule\":\"open_from_cat\","
            "\"source\":\"syscall\",\"time\":\"2016-08-04T16:17:57.881785348Z\"}");
}

TEST(AlertJson, EveryKindOfValue) {
  EXPECT_EQ(json_value({}), "null");
  EXPECT_EQ(json_value({true}), "true");
  EXPECT_EQ(json_value({int64_t{-1}}), "-1");
  EXPECT_EQ(json_value({~uint64_t{0}}), "18446744073709551615");
  EXPECT_EQ(json_value({2.0}), "2.0");
  EXPECT_EQ(json_value({0.25}), "0.25");
  EXPECT_EQ(json_value({std::nan("")}), "null");
  EXPECT_EQ(json_value({std::string("a\"\\\n\x01\xc3")}), "\"a\\\"\\\\\\n\\u0001\xef\xbf\xbd\"");
  EXPECT_EQ(json_value({AlertValue::List{{std::string("a")}, {int64_t{2}}}}), "[\"a\",2]");
}

TEST(AlertInternal, HasAFormOfItsOwn) {
  Alert alert = sample();
  alert.is_internal = true;
  alert.source = "internal";
  alert.message = "The file is full";
  alert.fields = {{"bytes", {uint64_t{7}}}, {"name", {std::string("a \"b\"")}}};
  setenv("TZ", "UTC", 1);
  tzset();
  EXPECT_EQ(format_alert(alert, {.iso_8601 = true}),
            "16:17:57.881785348: Warning The file is full (bytes=7 name=\"a \\\"b\\\"\")");
  EXPECT_EQ(format_alert(alert, {.json = true,
                                 .include_output = false,
                                 .include_message = true,
                                 .include_output_fields = false}),
            R"({"hostname":"box","output":"The file is full","output_fields":{"bytes":7,)"
            R"("name":"a \"b\""},"priority":"Warning","rule":"open_from_cat","source":"internal",)"
            R"("time":"2016-08-04T16:17:57.881785348Z"})");
}

TEST(Statistics, OnlyWhatOccurredInOrder) {
  AlertStatistics statistics;
  statistics.add_rule("first", Priority::Informational);
  statistics.add_rule("silent", Priority::Error);
  statistics.add_rule("with: colon", Priority::Warning);
  statistics.count(2);
  statistics.count(0);
  statistics.count(2);
  EXPECT_EQ(statistics.to_text(),
            "Events detected: 3\nRule counts by severity:\n   WARNING: 2\n   INFO: 1\n"
            "Triggered rules by rule name:\n   first: 1\n   with: colon: 2\n");
}

}  // namespace
}  // namespace gyr
