// SPDX-License-Identifier: Apache-2.0
#include "container/runtime_files.h"

#include <ctime>

namespace gyr {
namespace {

constexpr size_t kResultLimit = 256ul * 1024;
constexpr size_t kResultsLimit = 4096;  // files that are looked at by name

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::optional<Json> RuntimeFiles::json(const std::string& path, size_t limit) {
  const Result<std::string> text = files_.read_inside(folder_, path, limit + 1);
  if (!text) {
    if (files_.stat(folder_ + path, false)) fault_ = WhyMissing::Unreadable;
    return std::nullopt;
  }
  std::optional<Json> value;
  if (text->size() <= limit) value = parse_json(*text);
  if (!value) fault_ = WhyMissing::Damaged;
  return value;
}

std::vector<std::string> RuntimeFiles::list(const std::string& path) const {
  return files_.list(folder_ + path).value_or({});
}

void set_image(std::string_view text, ContainerMetadata* metadata) {
  metadata->image = text;
  constexpr std::string_view kHash = "sha256:";
  if (text.starts_with(kHash)) text.remove_prefix(kHash.size());
  if (text.size() == 64 && is_hex(text)) {  // an image that was named by its id alone
    metadata->image_id = text;
    return;
  }
  const size_t at = text.find('@');
  if (at != std::string_view::npos) {
    metadata->image_digest = text.substr(at + 1);
    text = text.substr(0, at);
  }
  const size_t colon = text.rfind(':');
  const size_t slash = text.rfind('/');
  const bool has_tag =
      colon != std::string_view::npos && (slash == std::string_view::npos || slash < colon);
  metadata->image_repository = text.substr(0, has_tag ? colon : text.size());
  if (has_tag) {
    metadata->image_tag = text.substr(colon + 1);
  } else if (at == std::string_view::npos && !text.empty()) {
    metadata->image_tag = "latest";
  }
}

int64_t time_of(std::string_view text) {
  std::tm parts{};
  const char* end = strptime(std::string(text.substr(0, 19)).c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (end == nullptr) return 0;
  const int64_t seconds = timegm(&parts);
  return seconds > 0 ? seconds : 0;  // runtimes write the year 1 for "not yet"
}

// The cache of libcni: <network>-<sandbox>-<interface>.
void read_cni_result(RuntimeFiles& files, ContainerMetadata* metadata) {
  const std::string& id =
      metadata->pod_sandbox_id.empty() ? metadata->full_id : metadata->pod_sandbox_id;
  constexpr const char* kFolder = "/var/lib/cni/results";
  size_t seen = 0;
  for (const std::string& name : files.list(kFolder)) {
    if (++seen > kResultsLimit) return;
    if (name.find("-" + id + "-") == std::string::npos) continue;
    const auto cached = files.json(std::string(kFolder) + "/" + name, kResultLimit);
    if (!cached) continue;
    const Json& inner = member(*cached, "result");
    const Json& result = inner.is_object() ? inner : *cached;
    metadata->cni_json = to_text(result);
    const Json& addresses = member(result, "ips");
    if (addresses.is_array() && !addresses.empty()) {
      const std::string address = text_of(addresses[0], "address");
      metadata->ip = address.substr(0, address.find('/'));
    }
    return;
  }
}

}  // namespace gyr
