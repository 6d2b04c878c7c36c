// SPDX-License-Identifier: Apache-2.0
#include "app/support.h"

#include <re2/re2.h>
#include <sys/utsname.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "app/listings.h"
#include "app/terminal.h"
#include "base/system.h"
#include "base/text.h"
#include "rules/files.h"
#include "yaml/document.h"

namespace gyr::app {
namespace {

using Json = nlohmann::json;

constexpr size_t kLongestFile = 64u << 20;
constexpr const char* kMask = "<masked>";
#define GYR_SECRET_WORDS \
  "(?:passw(?:or)?d|passphrase|token|secret|api[-_]?key|access[-_]?key|credential|authorization)"

bool names_a_secret(const std::string& key) {
  static const RE2 kPattern("(?i)" GYR_SECRET_WORDS);
  return RE2::PartialMatch(key, kPattern);
}

// Bytes of the source that stand for a scalar's text.
struct Range {
  size_t begin;
  size_t end;
};

// The scalars below a node whose keys, or those above, name a secret. The document's nesting is
// bounded.
void collect_secrets(const yaml::Document& document, const yaml::Node& node, bool secret,
                     std::vector<Range>* found) {
  if (node.is_scalar() && secret && !node.text.empty()) {
    found->push_back(
        {document.locate(node, 0).offset, document.locate(node, node.text.size()).offset});
  }
  for (const yaml::NodePtr& item : node.items) collect_secrets(document, *item, secret, found);
  for (const yaml::Node::Entry& entry : node.entries) {
    const bool named = entry.key->is_scalar() && names_a_secret(entry.key->text);
    collect_secrets(document, *entry.value, secret || named, found);
  }
}

std::string content_of(const std::string& path) {
  const Result<std::string> text = system_files("")->read(path, kLongestFile);
  return text ? *text : text.error().message;
}

std::string command_line() {
  std::string text = content_of("/proc/self/cmdline");
  std::replace(text.begin(), text.end(), '\0', ' ');
  return without_secrets(trim(text));
}

Json system_info() {
  utsname names{};
  uname(&names);
  return {{"sysname", names.sysname},
          {"nodename", names.nodename},
          {"release", names.release},
          {"version", names.version},
          {"machine", names.machine}};
}

}  // namespace

std::string without_secrets(std::string_view text) {
  static const RE2 kUrl(R"re((://)[^/\s@'"]+@)re");
  static const RE2 kScheme(R"re((?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+)re");
  static const RE2 kNamed("(?i)(" GYR_SECRET_WORDS
                          R"re([\w.-]*['"]?[ \t]*[=:][ \t]*)("[^"]*"|'[^']*'|[^\s&"',;]+))re");
  static const RE2 kUser(R"re((\s-u|--user|--proxy-user)[ \t=]+[^\s'"]+)re");
  std::string masked(text);
  RE2::GlobalReplace(&masked, kUrl, std::string("\\1") + kMask + "@");
  RE2::GlobalReplace(&masked, kScheme, std::string("\\1 ") + kMask);
  RE2::GlobalReplace(&masked, kNamed, std::string("\\1") + kMask);
  RE2::GlobalReplace(&masked, kUser, std::string("\\1 ") + kMask);
  return masked;
}

std::string yaml_without_secrets(const std::string& text) {
  const yaml::ParseResult parsed = yaml::parse(text);
  std::vector<Range> secrets;
  for (const yaml::NodePtr& root : parsed.document->roots()) {
    collect_secrets(*parsed.document, *root, false, &secrets);
  }
  // From the end, so that offsets stay right; aliases name a range twice.
  std::sort(secrets.begin(), secrets.end(),
            [](const Range& a, const Range& b) { return a.begin > b.begin; });
  std::string masked = text;
  size_t before = masked.size() + 1;
  for (const Range& range : secrets) {
    if (range.begin >= before || range.end < range.begin) continue;
    masked.replace(range.begin, range.end - range.begin, kMask);
    before = range.begin;
  }
  return without_secrets(masked);
}

int print_support(const ConfigResult& config, const Options& options, const RulesRequest& request) {
  Json files = Json::array();
  const std::vector<std::string>& paths =
      options.rules.empty() ? request.settings.rules_files : options.rules;
  for (const RuleSource& source : read_rule_files(paths)) {
    files.push_back(
        {{"name", source.name}, {"variants", Json::array({Json{{"content", source.text}}})}});
  }
  Json included = Json::array();
  for (size_t i = 1; i < config.files.size(); ++i) {
    included.push_back({{"name", config.files[i]},
                        {"content", yaml_without_secrets(content_of(config.files[i]))}});
  }
  const Json versions = Json::parse(version_json());
  const Json bundle = {
      {"version", kFalcoVersion},
      {"gyr_version", GYR_VERSION},
      {"system_info", system_info()},
      {"engine_info",
       {{"engine_version", versions["engine_version"]},
        {"engine_version_semver", versions["engine_version_semver"]}}},
      {"cmdline", command_line()},
      {"config", config.files.empty() ? "" : yaml_without_secrets(content_of(config.files[0]))},
      {"config_files", std::move(included)},
      {"rules_files", std::move(files)}};
  return print_result(bundle.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace gyr::app
