// SPDX-License-Identifier: Apache-2.0
// Configuration: every key, overrides, includes and merging, variables, and what bad input is
// answered with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/text.h"
#include "config/interval.h"
#include "config/loader.h"
#include "config/options.h"
#include "config/sample.h"

namespace gyr {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Files in memory; a path that others begin with is a directory.
class MemoryFiles : public Files {
 public:
  std::map<std::string, std::string> content;

  Result<std::string> read(std::string_view path, size_t limit) const override {
    const auto found = content.find(std::string(path));
    if (found == content.end()) return Error{"cannot read " + std::string(path)};
    return found->second.substr(0, limit);
  }
  Result<std::vector<std::string>> list(std::string_view path) const override {
    std::vector<std::string> names;
    const std::string prefix = std::string(path) + "/";
    for (const auto& [name, text] : content) {
      if (name.starts_with(prefix)) names.push_back(name.substr(prefix.size()));
    }
    return names;
  }
  Result<std::string> read_link(std::string_view) const override { return Error{"no link"}; }
  Result<FileStat> stat(std::string_view path, bool) const override {
    if (content.contains(std::string(path))) return FileStat{.mode = 0100644};
    if (!list(path)->empty()) return FileStat{.mode = 0040755};
    return Error{"cannot stat " + std::string(path)};
  }
};

ConfigResult load(const MemoryFiles& files, std::vector<std::string> overrides = {},
                  std::string path = "/c.yaml") {
  ConfigRequest request;
  request.path = std::move(path);
  request.overrides = std::move(overrides);
  request.environment = [](std::string_view name) -> std::optional<std::string> {
    if (name == "HOME") return "/root";
    if (name == "YES") return "true";
    return std::nullopt;
  };
  return load_config(files, request);
}

ConfigResult load_text(const std::string& text, std::vector<std::string> overrides = {}) {
  MemoryFiles files;
  files.content["/c.yaml"] = text;
  return load(files, std::move(overrides));
}

std::string problems_of(const ConfigResult& result) {
  std::string text;
  for (const ConfigProblem& problem : result.problems)
    text += (problem.error ? "error " : "warning ") + problem.text() + "\n";
  return text;
}

TEST(Config, WithoutAFileTheDefaultsHold) {
  const ConfigResult result = load(MemoryFiles(), {}, "");
  EXPECT_TRUE(result.ok());
  EXPECT_TRUE(result.files.empty());
  EXPECT_TRUE(result.settings.stdout_enabled);
  EXPECT_TRUE(result.settings.log_stderr);
  EXPECT_EQ(result.settings.log_level, "info");
  EXPECT_EQ(result.settings.engine.kind, EngineKind::ModernEbpf);
}

TEST(Config, TheFileIsLookedForInTwoPlaces) {
  MemoryFiles files;
  files.content["/etc/falco/falco.yaml"] = "priority: error";
  EXPECT_EQ(load(files, {}, "").settings.priority, Priority::Error);
  files.content["/etc/gyr/gyr.yaml"] = "priority: alert";
  const ConfigResult result = load(files, {}, "");
  EXPECT_EQ(result.settings.priority, Priority::Alert);
  EXPECT_THAT(result.files, ElementsAre("/etc/gyr/gyr.yaml"));
  EXPECT_FALSE(result.settings.stdout_enabled) << "a file that does not name it leaves it off";
}

// A value for every row that differs from the default must arrive and be printed again.
TEST(Config, EveryScalarKeyCanBeSet) {
  size_t tried = 0;
  for (const config::OptionRow& row : config::option_rows()) {
    const std::string before = row.print(Settings());
    std::string value;
    using config::ValueKind;
    if (row.kind == ValueKind::Boolean) value = before == "true" ? "false" : "true";
    if (row.kind == ValueKind::Number) value = "0.5";
    if (row.kind == ValueKind::WholeNumber) value = before == "3" ? "2" : "3";
    if (row.kind == ValueKind::Text) value = "notice";
    if (row.path == "webserver.listen_address") value = "127.0.0.1";
    if (row.path == "metrics.interval") value = "1m30s";
    if (row.kind == ValueKind::TextList) value = "[alert]";
    if (row.kind == ValueKind::WordList) value = "[alert]";
    if (row.kind == ValueKind::Word) value = split(row.words, ' ').back();
    if (value == before) value = split(row.words, ' ').front();
    if (value.empty()) continue;
    ++tried;
    const ConfigResult result = load(MemoryFiles(), {std::string(row.path) + "=" + value}, "");
    EXPECT_EQ(problems_of(result), "") << row.path;
    EXPECT_EQ(row.print(result.settings), value) << row.path;
  }
  EXPECT_GT(tried, 90u);
}

struct OverrideCase {
  const char* name;
  std::vector<std::string> options;
  void (*check)(const Settings& settings);
};
void PrintTo(const OverrideCase& c, std::ostream* out) { *out << c.name; }

class Overrides : public testing::TestWithParam<OverrideCase> {};

TEST_P(Overrides, Apply) {
  const ConfigResult result = load_text(
      "append_output:\n  - suggested_output: true\nrules_files: [a, b]\nstatic_fields: {k: v}\n",
      GetParam().options);
  EXPECT_EQ(problems_of(result), "");
  GetParam().check(result.settings);
}

INSTANTIATE_TEST_SUITE_P(
    Config, Overrides,
    testing::Values(
        OverrideCase{"selection",
                     {"rules[].disable.rule=*", "rules[].enable.tag=a", "rules[].enable.tag=b"},
                     [](const Settings& s) {
                       ASSERT_EQ(s.rules.size(), 3u);
                       EXPECT_FALSE(s.rules[0].enable);
                       EXPECT_EQ(s.rules[0].rule, "*");
                       EXPECT_TRUE(s.rules[2].enable);
                       EXPECT_EQ(s.rules[2].tag, "b");
                     }},
        OverrideCase{"replay",
                     {"engine.kind=replay", "engine.replay.capture_file=x.scap"},
                     [](const Settings& s) {
                       EXPECT_EQ(s.engine.kind, EngineKind::Replay);
                       EXPECT_EQ(s.engine.replay_capture_file, "x.scap");
                     }},
        OverrideCase{"key_of_a_list",
                     {"append_output.suggested_output=false"},
                     [](const Settings& s) {
                       ASSERT_EQ(s.append_output.size(), 1u);
                       EXPECT_FALSE(s.append_output[0].suggested_output);
                     }},
        OverrideCase{
            "object",
            {"append_output[]={match: {source: syscall, tags: [x]}, extra_output: \"a b\", "
             "extra_fields: [proc.name, {up: \"%evt.num\"}]}"},
            [](const Settings& s) {
              ASSERT_EQ(s.append_output.size(), 2u);
              const AppendOutput& added = s.append_output[1];
              EXPECT_EQ(added.source, "syscall");
              EXPECT_THAT(added.tags, ElementsAre("x"));
              EXPECT_EQ(added.extra_output, "a b");
              ASSERT_EQ(added.extra_fields.size(), 2u);
              EXPECT_EQ(added.extra_fields[0].name, "proc.name");
              EXPECT_EQ(added.extra_fields[1].format, "%evt.num");
            }},
        OverrideCase{
            "index",
            {"rules_files[1]=c", "rules_files[]=d"},
            [](const Settings& s) { EXPECT_THAT(s.rules_files, ElementsAre("a", "c", "d")); }},
        OverrideCase{"escapes",
                     {"static_fields.a\\.b=x=y,z"},
                     [](const Settings& s) { EXPECT_EQ(s.static_fields.at("a.b"), "x=y,z"); }},
        OverrideCase{"variables",
                     {"json_output=${YES}", "file_output.filename=${HOME}/${NONE}$${HOME}"},
                     [](const Settings& s) {
                       EXPECT_TRUE(s.json_output);
                       EXPECT_EQ(s.file_output.filename, "/root/${HOME}");
                     }},
        OverrideCase{"empty",
                     {"static_fields.k="},
                     [](const Settings& s) { EXPECT_EQ(s.static_fields.at("k"), ""); }}),
    [](const auto& param) { return param.param.name; });

TEST(Config, AListKeyWithoutAListIsMadeFromAnOverride) {
  const ConfigResult result = load(MemoryFiles(), {"append_output.suggested_output=false"}, "");
  EXPECT_EQ(problems_of(result), "");
  ASSERT_EQ(result.settings.append_output.size(), 1u);
}

struct BadCase {
  const char* name;
  const char* text;
  std::vector<std::string> options;
  const char* problems;
};
void PrintTo(const BadCase& c, std::ostream* out) { *out << c.name; }

class BadConfigs : public testing::TestWithParam<BadCase> {};

TEST_P(BadConfigs, SayWhatIsWrongAndWhere) {
  EXPECT_EQ(problems_of(load_text(GetParam().text, GetParam().options)), GetParam().problems);
}

INSTANTIATE_TEST_SUITE_P(
    Config, BadConfigs,
    testing::Values(
        BadCase{"misspelt",
                "json_ouput: true\n",
                {},
                "warning /c.yaml:1:1: unknown key 'json_ouput'; did you mean 'json_output'?\n"},
        BadCase{"misspelt_inside",
                "a: 1\nengine:\n  knd: replay\n",
                {},
                "warning /c.yaml:1:1: unknown key 'a'\n"
                "warning /c.yaml:3:3: unknown key 'engine.knd'; did you mean 'kind'?\n"},
        BadCase{"static_names",
                "static_fields:\n  good_1: a\n  not-good: b\n  9: c\n",
                {"static_fields.a\\[0\\]=x", "static_fields.a\\.b=y"},
                "warning /c.yaml:3:3: static_fields: rules cannot read 'not-good'; a name is "
                "letters, digits and underscores, beginning with a letter, or several joined by "
                "dots\n"
                "warning /c.yaml:4:3: static_fields: rules cannot read '9'; a name is letters, "
                "digits and underscores, beginning with a letter, or several joined by dots\n"
                "warning -o static_fields.a\\[0\\]=x:1:1: static_fields: rules cannot read 'a[0]'; "
                "a name is letters, digits and underscores, beginning with a letter, or several "
                "joined by dots\n"},
        BadCase{"type",
                "json_output: perhaps\n",
                {},
                "error /c.yaml:1:14: json_output: must be true or false, but is 'perhaps'\n"},
        BadCase{"number",
                "output_timeout: -1\nwebserver: {listen_port: 70000}\n",
                {},
                "error /c.yaml:1:17: output_timeout: must be a whole number that is not negative, "
                "but is '-1'\n"
                "error /c.yaml:2:26: webserver.listen_port: must be from 1 to 65535, but is "
                "'70000'\n"},
        BadCase{
            "preset",
            "engine: {kmod: {buf_size_preset: 0}}\n",
            {},
            "error /c.yaml:1:34: engine.kmod.buf_size_preset: must be from 1 to 10, but is '0'\n"},
        BadCase{"kind",
                "engine: {kind: gvisor}\n",
                {},
                "error /c.yaml:1:16: engine.kind: 'gvisor' was removed from Falco in 0.44 and "
                "nothing takes its place: the probe does not see into gVisor's sandboxes; "
                "modern_ebpf watches the host\n"},
        BadCase{"kind_misspelt",
                "engine: {kind: modern-ebpf}\n",
                {},
                "error /c.yaml:1:16: engine.kind: must be one of modern_ebpf, kmod, ebpf, ptrace, "
                "replay, nodriver, but is 'modern-ebpf'\n"},
        BadCase{"kind_of_the_past",
                "engine: {kind: ebpf}\n",
                {},
                "warning /c.yaml:1:16: engine.kind: 'ebpf' was removed from Falco in 0.44; the "
                "probe takes its place: write modern_ebpf\n"},
        BadCase{"twice",
                "priority: error\nengine:\n  kind: replay\n  kind: nodriver\npriority: alert\n",
                {},
                "warning /c.yaml:4:3: the key 'kind' is there twice, first in line 3; the first "
                "one counts\n"
                "warning /c.yaml:5:1: the key 'priority' is there twice, first in line 1; the "
                "first one counts\n"},
        BadCase{"octal",
                "output_timeout: 010\n",
                {},
                "error /c.yaml:1:17: output_timeout: '010' has a leading zero, which some read as "
                "octal: write 10\n"},
        BadCase{"hexadecimal", "output_timeout: 0x10\n", {}, ""},
        BadCase{"thousands",
                "output_timeout: 2_000\n",
                {},
                "error /c.yaml:1:17: output_timeout: must be a whole number that is not negative, "
                "but is '2_000'\n"},
        BadCase{"endless",
                "syscall_event_drops: {rate: .inf}\n",
                {},
                "error /c.yaml:1:29: syscall_event_drops.rate: must be a number that is not "
                "negative, but is '.inf'\n"},
        BadCase{"list_for_a_number",
                "output_timeout: [1]\n",
                {},
                "error /c.yaml:1:17: output_timeout: must be a whole number that is not negative, "
                "but is a sequence\n"},
        BadCase{"tag_before_text",
                "base_syscalls: {custom_set: [!read write]}\n",
                {},
                "error /c.yaml:1:36: base_syscalls.custom_set: '!read' without quotes is a YAML "
                "tag, not text: write \"!read write\"\n"},
        BadCase{"inside_plugins",
                "plugins:\n  - name: container\n    libary_path: x\n    init_config: "
                "{label_max_length: 1, "
                "engines: {dockr: {enabled: true}, cri: {socket: [/x]}}}\n",
                {},
                "warning /c.yaml:3:5: plugins: unknown key 'libary_path'; did you mean "
                "'library_path'?\n"
                "warning /c.yaml:4:19: plugins: unknown key 'label_max_length'; did you mean "
                "'label_max_len'?\n"
                "warning /c.yaml:4:50: plugins: unknown key 'dockr'; did you mean 'docker'?\n"
                "warning /c.yaml:4:80: plugins: unknown key 'socket'; did you mean 'sockets'?\n"},
        BadCase{"types_inside_plugins",
                "plugins: [{name: container, init_config: {label_max_len: long}}]\n",
                {},
                "error /c.yaml:1:58: plugins.label_max_len: must be a whole number that is not "
                "negative, but is 'long'\n"},
        BadCase{"hooks",
                "plugins: [{name: container, init_config: {hooks: [create, stop]}}]\n",
                {},
                "error /c.yaml:1:50: plugins.hooks: 'stop' is none of create, start\n"},
        BadCase{"inside_append_output",
                "append_output: [{match: {tag: [a]}, extra_feilds: [a]}]\n",
                {},
                "warning /c.yaml:1:26: append_output: unknown key 'tag'; did you mean 'tags'?\n"
                "warning /c.yaml:1:37: append_output: unknown key 'extra_feilds'; did you mean "
                "'extra_fields'?\n"},
        BadCase{"inside_rules",
                "rules: [{disabel: {tag: a}}, {enable: {tags: a}}]\n",
                {},
                "warning /c.yaml:1:10: rules: unknown key 'disabel'; did you mean 'disable'?\n"
                "error /c.yaml:1:9: rules: an entry has either 'enable' or 'disable'\n"},
        BadCase{"inside_includes",
                "config_files: [{path: /x, stratgy: append}]\n",
                {},
                "warning /c.yaml:1:27: config_files: unknown key 'stratgy'; did you mean "
                "'strategy'?\n"},
        BadCase{"strategy",
                "config_files: [{path: /x, strategy: merge}]\n",
                {},
                "error /c.yaml:1:37: config_files: must be one of append, override, add-only, but "
                "is 'merge'\n"},
        BadCase{"empty_part",
                "",
                {"engine..kind=replay"},
                "error -o engine..kind=replay:1:1: a part of the key is empty\n"},
        BadCase{"empty_end",
                "",
                {"engine.=replay"},
                "error -o engine.=replay:1:1: a part of the key is empty\n"},
        BadCase{"far_index",
                "",
                {"rules_files[99999999999999999999]=x"},
                "error -o rules_files[99999999999999999999]=x:1:1: '99999999999999999999' is no "
                "index\n"},
        BadCase{"place_in_an_option",
                "",
                {"append_output[]={extra_ouput: x}"},
                "warning -o append_output[]={extra_ouput: x}:1:18: append_output: unknown key "
                "'extra_ouput'; did you mean 'extra_output'?\n"},
        BadCase{"tab_indent",
                "engine:\n\tkind: replay\n",
                {},
                "error /c.yaml:2:6: illegal map value; the line is indented with a tab, and YAML "
                "wants blanks\n"},
        BadCase{"map_key",
                "? [a]\n: b\n",
                {},
                "error /c.yaml:1:3: a key is text, but this is a sequence\n"},
        BadCase{
            "tag_trap",
            "base_syscalls: {custom_set: [read, !recvfrom]}\n",
            {},
            "error /c.yaml:1:36: base_syscalls.custom_set: '!recvfrom' without quotes is a YAML "
            "tag, not text: write \"!recvfrom\"\n"},
        BadCase{"section", "engine: replay\n", {}, "error /c.yaml:1:9: engine: must be a map\n"},
        BadCase{"removed",
                "grpc: {enabled: false}\n",
                {},
                "warning /c.yaml:1:1: 'grpc' was removed and has no effect: http_output takes its "
                "place\n"},
        BadCase{"yaml", "a: [1\n", {}, "error /c.yaml:2:1: end of sequence flow not found\n"},
        BadCase{"no_map",
                "- a\n",
                {},
                "error /c.yaml:1:1: a configuration file is one map of keys to values, but this is "
                "a sequence\n"},
        BadCase{"drops",
                "syscall_event_drops: {threshold: -1, actions: [shout]}\n",
                {},
                "error /c.yaml:1:34: syscall_event_drops.threshold: must be a number that is not "
                "negative, but is '-1' (syscall event drops threshold must be a double in the "
                "range [0, 1])\n"
                "error /c.yaml:1:48: syscall_event_drops.actions: 'shout' is none of ignore, log, "
                "alert, exit (available actions for syscall event drops are \"ignore\", \"log\", "
                "\"alert\", and \"exit\")\n"},
        BadCase{"too_high",
                "replay: {capture_file: x}\n",
                {"rules_files="},
                "warning /c.yaml:1:1: unknown key 'replay'; did you mean 'engine.replay'?\n"
                "error -o rules_files=:1:1: rules_files: an entry is empty; each is the path of a "
                "file or directory\n"},
        BadCase{"another_document",
                "json_output: true\n---\npriority: info\n",
                {},
                "warning /c.yaml:3:1: only the first document of a configuration file counts; this "
                "one, behind '---', has no effect\n"},
        BadCase{"empty_document", "json_output: true\n---\n", {}, ""},
        BadCase{"variable_that_is_not_set",
                "json_output: ${NONE}\noutput_timeout: ${NONE}${NONE}\n",
                {"file_output.filename=${NONE}", "log_level=${NONE}"},
                "warning /c.yaml:1:14: json_output: the variable in its value is empty or not set, "
                "so the default counts\n"
                "warning /c.yaml:2:17: output_timeout: the variable in its value is empty or not "
                "set, so the default counts\n"
                "warning -o log_level=${NONE}:1:1: log_level: the variable in its value is empty "
                "or not set, so the default counts\n"},
        BadCase{
            "level",
            "log_level: loud\n",
            {},
            "error /c.yaml:1:12: log_level: 'loud' is none of emergency, alert, critical, error, "
            "warning, notice, info, debug\n"},
        BadCase{"both",
                "rules_file: a\nrules_files: [b]\n",
                {},
                "error /c.yaml:1:13: rules_file and rules_files exclude each other\n"
                "warning /c.yaml:1:1: 'rules_file' is now called 'rules_files'\n"},
        BadCase{"no_value", "", {"json_output"}, "error -o json_output:1:1: write KEY=VALUE\n"},
        BadCase{"bad_index",
                "",
                {"rules[5].enable.tag=x"},
                "error -o rules[5].enable.tag=x:1:1: index 5 is beyond the end of the list\n"},
        BadCase{"bad_bracket", "", {"rules[=x"}, "error -o rules[=x:1:1: ']' is missing\n"},
        BadCase{"bad_object",
                "",
                {"static_fields={a"},
                "error -o static_fields={a:1:17: end of map flow not found\n"},
        BadCase{
            "through_scalar",
            "json_output: true\n",
            {"json_output.x=1"},
            "error -o json_output.x=1:1:1: the configuration has a scalar where the option needs "
            "a map\n"},
        BadCase{"interval",
                "metrics: {enabled: true, interval: 5000}\n",
                {},
                "error /c.yaml:1:36: metrics.interval: '5000' is no interval of at least 100ms; "
                "write numbers with units, the larger first: y, w, d, h, m, s, ms, for example 1h "
                "or 1m30s\n"},
        BadCase{"interval_nobody_waits_for",
                "metrics: {interval: 99ms}\n",
                {},
                "warning /c.yaml:1:21: metrics.interval: '99ms' is no interval of at least 100ms; "
                "write numbers with units, the larger first: y, w, d, h, m, s, ms, for example 1h "
                "or 1m30s\n"},
        BadCase{"interval_good", "metrics: {enabled: true, interval: 1h30m100ms}\n", {}, ""},
        BadCase{"address",
                "webserver: {listen_address: localhost}\n",
                {},
                "error /c.yaml:1:29: webserver.listen_address: 'localhost' is no IP address; names "
                "are not looked up\n"},
        BadCase{"address_v6", "webserver: {listen_address: \"::\"}\n", {}, ""},
        BadCase{
            "ignore_and_log",
            "syscall_event_drops: {actions: [ignore, log]}\n",
            {},
            "error /c.yaml:1:32: syscall_event_drops.actions: syscall event drop action \"log\" "
            "does not make sense with the \"ignore\" action\n"},
        BadCase{"option_misspelt",
                "",
                {"json_ouput=true"},
                "warning -o json_ouput=true:1:1: unknown key 'json_ouput'; did you mean "
                "'json_output'?\n"},
        BadCase{
            "selector",
            "rules: [{enable: {rule: a, tag: b}}]\n",
            {},
            "error /c.yaml:1:18: rules: has both 'rule' and 'tag': write one entry for each\n"}),
    [](const auto& param) { return param.param.name; });

TEST(Config, RenamedKeysStillSetTheirSuccessor) {
  const ConfigResult result = load_text(
      "rules_file: /r.yaml\nsyscall_buf_size_preset: 6\n"
      "modern_bpf: {cpus_for_each_syscall_buffer: 4}\n");
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.problems.size(), 3u);
  EXPECT_THAT(result.settings.rules_files, ElementsAre("/r.yaml"));
  EXPECT_EQ(result.settings.engine.probe().buf_size_preset, 6u);
  EXPECT_EQ(result.settings.engine.probe().cpus_for_each_buffer, 4u);
}

TEST(Config, IncludesMergeAsTheirStrategySays) {
  MemoryFiles files;
  files.content["/c.yaml"] =
      "config_files: [/d, {path: /add.yaml, strategy: add-only}, {path: /over.yaml, strategy: "
      "override}, /missing.yaml]\nrules_files: [main]\npriority: error\n";
  files.content["/d/2.yaml"] = "rules_files: [two]\n";
  files.content["/d/1.yml"] = "rules_files: [one]\nlog_level: debug\n";
  files.content["/d/ignored.txt"] = "]";
  files.content["/add.yaml"] = "rules_files: [no]\njson_output: true\n";
  files.content["/over.yaml"] = "load_plugins: [x]\npriority: alert\n";
  const ConfigResult result = load(files);
  EXPECT_EQ(problems_of(result), "");
  EXPECT_THAT(result.files,
              ElementsAre("/c.yaml", "/d/1.yml", "/d/2.yaml", "/add.yaml", "/over.yaml"));
  EXPECT_THAT(result.settings.rules_files, ElementsAre("main", "one", "two"));
  EXPECT_TRUE(result.settings.json_output);
  EXPECT_EQ(result.settings.priority, Priority::Alert);
  EXPECT_EQ(result.settings.log_level, "debug");
  files.content["/add.yaml"] = "config_files: [/x]\n";
  EXPECT_THAT(problems_of(load(files)), HasSubstr("an included file cannot include others"));
}

TEST(Config, AnOverrideChoosesTheIncludes) {
  MemoryFiles files;
  files.content["/c.yaml"] = "config_files: [/a.yaml]\n";
  files.content["/a.yaml"] = "log_level: debug\n";
  files.content["/b.yaml"] = "log_level: notice\n";
  EXPECT_EQ(load(files, {"config_files=[/b.yaml]", "priority=alert"}).settings.log_level, "notice");
}

TEST(Config, PluginInitConfigMapsBecomeJson) {
  const ConfigResult result = load_text(
      "plugins:\n  - name: container\n    library_path: libcontainer.so\n    init_config:\n"
      "      label_max_len: 100\n      with_size: false\n      name: 'a \"b\"'\n");
  ASSERT_EQ(result.settings.plugins.size(), 1u);
  EXPECT_EQ(result.settings.plugins[0].init_config,
            R"({"label_max_len":100,"with_size":false,"name":"a \"b\""})");
}

TEST(Config, EachFileIsJudgedAloneAsASchemaWould) {
  MemoryFiles files;
  files.content["/c.yaml"] =
      "config_files: [/bad.yaml, /empty.yaml, /good.yaml]\nrules_file: [a]\n";
  files.content["/bad.yaml"] = "json_output: perhaps\nprioriti: debug\n";
  files.content["/empty.yaml"] = "# nothing\n";
  files.content["/good.yaml"] = "json_output: true\n";
  const ConfigResult result = load(files);
  EXPECT_THAT(result.verdicts,
              ElementsAre("ok",
                          "failed for /bad.yaml:1:14: json_output: must be true or false, but is "
                          "'perhaps' (and 1 more)",
                          "none", "ok"));
  // What a later file replaced is no error any more, but is told.
  EXPECT_TRUE(result.ok());
  EXPECT_TRUE(result.settings.json_output);
  EXPECT_THAT(problems_of(result),
              HasSubstr("warning /bad.yaml:1:14: json_output: must be true or false, but is "
                        "'perhaps' (without effect: another file or option replaces it)"));
}

// A wrong value must not cost more than itself.
TEST(Config, LimitsAreTold) {
  std::string keys;
  for (size_t i = 0; i <= config::kMaxKeys; ++i) keys += "k" + std::to_string(i) + ": 1\n";
  EXPECT_THAT(problems_of(load_text("static_fields: {}\n" + keys)), HasSubstr("more than"));
  std::string bomb = "a0: &a0 [x]\n";
  for (int i = 1; i < 12; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 8; ++j) bomb += "*a" + std::to_string(i - 1) + ", ";
    bomb += "x]\n";
  }
  EXPECT_FALSE(load_text(bomb).ok());
  EXPECT_THAT(problems_of(load_text("rules_files: " + std::string(200, '[') + "\n")),
              HasSubstr("nested too deeply"));
  EXPECT_THAT(problems_of(load_text(std::string(5u << 20, '#'))), HasSubstr("more than 4 MiB"));
}

TEST(Config, AnchorsAndMergeKeysWork) {
  const ConfigResult result = load_text(
      "file_output: &o {enabled: yes, keep_alive: ON, filename: /a}\n"
      "program_output: {<<: {enabled: true, program: b}, program: cat}\n"
      "static_fields: {a: &x one, b: *x}\n");
  EXPECT_EQ(problems_of(result), "");
  EXPECT_TRUE(result.settings.file_output.keep_alive);
  EXPECT_TRUE(result.settings.program_output.enabled);
  EXPECT_EQ(result.settings.program_output.program, "cat");
  EXPECT_EQ(result.settings.static_fields.at("b"), "one");
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream stream(path);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

TEST(Config, ShippedFilesOfFiveReleasesLoad) {
  const char* env = std::getenv("GYR_CONFORMANCE");
  const std::filesystem::path folder =
      std::filesystem::path(env != nullptr ? env : GYR_SOURCE_DIR "/../shared/conformance") /
      "configs/shipped";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no conformance data at " << folder;
  size_t loaded = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const ConfigResult result = load_text(read_text(entry.path()));
    EXPECT_TRUE(result.ok()) << entry.path() << problems_of(result);
    EXPECT_THAT(problems_of(result), testing::Not(HasSubstr("unknown key"))) << entry.path();
    EXPECT_EQ(result.settings.rules_files.size(), 3u) << entry.path();
    EXPECT_TRUE(result.settings.stdout_enabled);
    ++loaded;
  }
  EXPECT_EQ(loaded, 5u);
}

// All settings as they are printed, and the sizes of lists, which are printed without their
// entries.
std::string printed(const Settings& settings) {
  std::string text;
  for (const config::OptionRow& row : config::option_rows()) text += row.print(settings) + "\n";
  return text + std::to_string(settings.config_files.size() + settings.rules.size() +
                               settings.append_output.size() + settings.plugins.size() +
                               settings.static_fields.size());
}

// The sample says what holds anyway, and is kept beside the docs; GYR_UPDATE_GOLDEN=1 rewrites it.
TEST(Config, TheSampleHasEveryKeyAtItsDefault) {
  const std::string sample = config::sample_yaml();
  const ConfigResult result = load_text(sample);
  EXPECT_EQ(problems_of(result), "");
  EXPECT_EQ(printed(result.settings), printed(Settings()));
  for (const config::OptionRow& row : config::option_rows()) {
    const bool commented = row.path == "load_plugins";
    EXPECT_EQ(result.values.find_path(row.path) == nullptr, commented) << row.path;
  }
  const std::filesystem::path path = GYR_SOURCE_DIR "/examples/gyr.yaml";
  if (std::getenv("GYR_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << sample;
  EXPECT_EQ(read_text(path), sample) << "examples/gyr.yaml is out of date";
}

// docs/configuration.md ends with the page the table generates; GYR_UPDATE_GOLDEN=1 rewrites it.
TEST(Config, TheReferencePageIsCurrent) {
  const std::filesystem::path path = GYR_SOURCE_DIR "/docs/configuration.md";
  const std::string marker = "<!-- generated from src/config/options.def -->\n";
  const std::string page = read_text(path);
  const size_t at = page.find(marker);
  ASSERT_NE(at, std::string::npos) << path << " lacks its marker";
  const std::string wanted = page.substr(0, at) + marker + config::reference_page();
  if (std::getenv("GYR_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << wanted;
  EXPECT_EQ(read_text(path), wanted);
}

// Damage never crashes, and always leaves either settings or an explanation with a position.
TEST(Config, DamagedFilesAreExplained) {
  const std::string good =
      "engine:\n  kind: replay\n  replay: {capture_file: \"x y\"}\nrules:\n  - enable: {tag: a}\n"
      "append_output:\n  - extra_fields: [a, {b: '%c'}]\nplugins: [{name: p, init_config: {a: "
      "[1]}}]\n";
  uint32_t random = 12345;
  const auto next = [&](size_t bound) {
    random = random * 1664525 + 1013904223;
    return static_cast<size_t>(random >> 8) % bound;
  };
  for (int round = 0; round < 300; ++round) {
    std::string text = good;
    for (int i = 0; i < 3; ++i) {
      const size_t at = next(text.size());
      switch (next(3)) {
        case 0:
          text[at] = static_cast<char>(next(256));
          break;
        case 1:
          text.erase(at, next(8) + 1);
          break;
        default:
          text.insert(at, std::string(1, ":-[]{}'\"&*!|>\n "[next(16)]));
      }
    }
    const ConfigResult result = load_text(text);
    for (const ConfigProblem& problem : result.problems) {
      EXPECT_FALSE(problem.message.empty());
      EXPECT_GE(problem.origin.line, 1u);
    }
  }
}

TEST(Interval, WhatIsBeyondAllMeasureIsTheLargest) {
  EXPECT_EQ(parse_interval_ms("1h30m100ms"), 5'400'100u);
  EXPECT_EQ(parse_interval_ms("100y"), kIntervalMaxMs);
  EXPECT_EQ(parse_interval_ms("1000000000y"), kIntervalMaxMs) << "would overflow";
  EXPECT_EQ(parse_interval_ms("100y1000000000w1000000000d"), kIntervalMaxMs);
  EXPECT_EQ(parse_interval_ms("1000000001ms"), std::nullopt);
}

}  // namespace
}  // namespace gyr
