// SPDX-License-Identifier: Apache-2.0
// Listings are complete and well formed; docs/fields.md is what the rows say. After a change of
// rows: GYR_UPDATE_GOLDENS=1 gyr_field_test --gtest_filter=Listing.*
#include "field/listing.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "field/fields.h"
#include "schema/schema.h"

namespace gyr {
namespace {

size_t count(std::string_view text, std::string_view part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string list(ListFormat format, bool names_only = false, std::string_view source = "") {
  return list_fields(all_fields(), format, names_only, source);
}

TEST(Listing, FieldsAsText) {
  const std::string text = list(ListFormat::Text);
  EXPECT_TRUE(contains(text, "\nproc.aname  "));
  EXPECT_TRUE(contains(text, "(Type: CHARBUF) Name of an ancestor"));
  EXPECT_TRUE(contains(text, "argument optional"));
  EXPECT_FALSE(contains(text, "util.cnt")) << "its class is hidden";
  EXPECT_FALSE(contains(text, "evt.buflen.in")) << "for tables only";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
}

TEST(Listing, NamesAlone) {
  const std::string names = list(ListFormat::Text, true);
  EXPECT_TRUE(names.starts_with("evt.num\n"));
  EXPECT_TRUE(contains(names, "\nfd.sip\n"));
  EXPECT_FALSE(contains(names, "evt.latency")) << "deprecated";
  const std::string json = list(ListFormat::Json, true);
  EXPECT_TRUE(json.starts_with("{\"fieldnames\":[\"evt.num\","));
}

TEST(Listing, FieldsOfOneSource) {
  const std::string names = list(ListFormat::Text, true, "k8s_audit");
  EXPECT_TRUE(contains(names, "evt.num\n")) << "every source has these";
  EXPECT_FALSE(contains(names, "proc.name"));
}

TEST(Listing, FieldsAsJson) {
  const std::string json = list(ListFormat::Json);
  EXPECT_TRUE(json.starts_with("{\"fieldclasses\":[{\"name\":\"evt\",\"desc\":"));
  EXPECT_TRUE(contains(json, "{\"name\":\"evt.arg\",\"type\":\"CHARBUF\",\"desc\":"));
  EXPECT_TRUE(contains(json, "\"arg\":\"required\",\"flags\":[\"EPF_ARG_REQUIRED\"]"));
  EXPECT_EQ(count(json, "{"), count(json, "}"));
  EXPECT_EQ(count(json, "["), count(json, "]") + count(json, "\"[") - count(json, "]\""));
}

TEST(Listing, Events) {
  const std::string json = list_events(ListFormat::Json);
  EXPECT_TRUE(json.starts_with("{\"schema_version\":\"4.5.1\",\"Syscall events\":["));
  for (const char* group : {"Tracepoint events", "Plugin events", "Metaevents"}) {
    EXPECT_TRUE(contains(json, std::string("\"") + group + "\":[{")) << group;
  }
  EXPECT_TRUE(
      contains(json,
               "{\"name\":\"close\",\"dir\":\"<\",\"available\":true,\"params\":["
               "{\"type\":\"ERRNO\",\"name\":\"res\"},{\"type\":\"FD\",\"name\":\"fd\"}]}"));
  EXPECT_TRUE(contains(json, "\"name\":\"flags\",\"flags\":[\"O_LARGEFILE\""));
  const std::string text = list_events(ListFormat::Text);
  EXPECT_TRUE(contains(text, "  < close(ERRNO res, FD fd)\n"));
  const std::string markdown = list_events(ListFormat::Markdown);
  EXPECT_TRUE(contains(markdown, "`<` | **close** | (ERRNO res, FD fd)\n"));
}

TEST(Listing, PageOfFieldsIsCurrent) {
  const std::string path = std::string(GYR_SOURCE_DIR) + "/docs/fields.md";
  const std::string page =
      "# Fields\n\nWhat conditions and outputs can ask about an event. "
      "`gyr --list` prints the same; this page is made from the rows in\n"
      "`src/field/` by `GYR_UPDATE_GOLDENS=1 build/dev/tests/gyr_field_test "
      "--gtest_filter=Listing.*`. Where `container.*` and `k8s.*` come from, and why one\n"
      "has no value, is in [containers](containers.md).\n\n" +
      list(ListFormat::Markdown);
  if (std::getenv("GYR_UPDATE_GOLDENS") != nullptr) {
    std::ofstream(path) << page;
    return;
  }
  std::ifstream file(path);
  std::ostringstream have;
  have << file.rdbuf();
  EXPECT_EQ(have.str(), page) << "docs/fields.md is out of date; see the top of this file";
}

}  // namespace
}  // namespace gyr
