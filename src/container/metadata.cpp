// SPDX-License-Identifier: Apache-2.0
#include "container/metadata.h"

#include "container/json.h"

namespace gyr {
namespace {

constexpr std::array<std::string_view, static_cast<size_t>(ContainerField::Count)> kFieldNames = {
    "name",   "type",   "image", "image_id", "image_digest", "privileged", "namespaces",
    "mounts", "labels", "ip",    "pod",      "pod_labels",   "cni_json"};
constexpr std::array<std::string_view, static_cast<size_t>(WhyMissing::Count)> kWhyNames = {
    "known",         "no_files",    "unreadable",  "damaged",    "not_on_disk", "not_yet",
    "no_such_thing", "api_off",     "api_pending", "api_busy",   "api_absent",  "api_refused",
    "api_timeout",   "api_damaged", "api_failed",  "api_unknown"};

// Texts of the event and where they are kept.
struct Text {
  const char* key;
  std::string ContainerMetadata::*value;
};
constexpr auto kTexts = std::to_array<Text>({
    {"id", &ContainerMetadata::id},
    {"full_id", &ContainerMetadata::full_id},
    {"name", &ContainerMetadata::name},
    {"image", &ContainerMetadata::image},
    {"imageid", &ContainerMetadata::image_id},
    {"imagerepo", &ContainerMetadata::image_repository},
    {"imagetag", &ContainerMetadata::image_tag},
    {"imagedigest", &ContainerMetadata::image_digest},
    {"User", &ContainerMetadata::user},
    {"ip", &ContainerMetadata::ip},
    {"cni_json", &ContainerMetadata::cni_json},
    {"pod_sandbox_id", &ContainerMetadata::pod_sandbox_id},
});

struct Flag {
  const char* key;
  std::optional<bool> ContainerMetadata::*value;
};
constexpr auto kFlags = std::to_array<Flag>({
    {"privileged", &ContainerMetadata::privileged},
    {"host_pid", &ContainerMetadata::host_pid},
    {"host_network", &ContainerMetadata::host_network},
    {"host_ipc", &ContainerMetadata::host_ipc},
});

Json to_json(const ContainerMount& mount) {
  return {{"Source", mount.source},
          {"Destination", mount.destination},
          {"Mode", mount.mode},
          {"RW", mount.writable},
          {"Propagation", mount.propagation}};
}

ContainerMount mount_of(const Json& from) {
  return {.source = text_of(from, "Source"),
          .destination = text_of(from, "Destination"),
          .mode = text_of(from, "Mode"),
          .propagation = text_of(from, "Propagation"),
          .writable = bool_of(from, "RW").value_or(false)};
}

Json to_json(const ContainerLabels& labels) {
  Json object = Json::object();
  for (const auto& [key, value] : labels) object[key] = value;
  return object;
}

}  // namespace

std::string_view container_type_name(int64_t type) {
  switch (static_cast<ContainerType>(type)) {
    case ContainerType::Docker:
      return "docker";
    case ContainerType::Lxc:
      return "lxc";
    case ContainerType::LibvirtLxc:
      return "libvirt-lxc";
    case ContainerType::Mesos:
      return "mesos";
    case ContainerType::Rkt:
      return "rkt";
    case ContainerType::Cri:
      return "cri";
    case ContainerType::Containerd:
      return "containerd";
    case ContainerType::CriO:
      return "cri-o";
    case ContainerType::Bpm:
      return "bpm";
    case ContainerType::Podman:
      return "podman";
    case ContainerType::Custom:
    case ContainerType::Static:
    case ContainerType::Unknown:
      return {};
  }
  return {};
}

std::string_view container_field_name(ContainerField field) {
  return kFieldNames.at(static_cast<size_t>(field));
}

std::string_view why_missing_name(WhyMissing why) { return kWhyNames.at(static_cast<size_t>(why)); }

std::string container_json(const ContainerMetadata& metadata) {
  Json object = Json::object();
  for (const Text& text : kTexts) {
    if (!(metadata.*text.value).empty()) object[text.key] = metadata.*text.value;
  }
  for (const Flag& flag : kFlags) {
    if ((metadata.*flag.value).has_value()) object[flag.key] = *(metadata.*flag.value);
  }
  object["type"] = metadata.type;
  object["is_pod_sandbox"] = metadata.is_pod_sandbox;
  if (metadata.created_time != 0) object["created_time"] = metadata.created_time;
  object["labels"] = to_json(metadata.labels);
  object["pod_sandbox_labels"] = to_json(metadata.pod_sandbox_labels);
  Json mounts = Json::array();
  for (const ContainerMount& mount : metadata.mounts) mounts.push_back(to_json(mount));
  object["Mounts"] = std::move(mounts);
  Json root = Json::object();
  root["container"] = std::move(object);
  return to_text(root);
}

std::optional<ContainerMetadata> parse_container_json(std::string_view text) {
  while (!text.empty() && text.back() == '\0') text.remove_suffix(1);
  const std::optional<Json> root = parse_json(text);
  if (!root) return std::nullopt;
  const Json& object = root->contains("container") ? member(*root, "container") : *root;
  ContainerMetadata metadata;
  for (const Text& one : kTexts) metadata.*one.value = text_of(object, one.key);
  if (metadata.id.empty()) return std::nullopt;
  for (const Flag& flag : kFlags) metadata.*flag.value = bool_of(object, flag.key);
  metadata.type = integer_of(object, "type").value_or(metadata.type);
  metadata.is_pod_sandbox = bool_of(object, "is_pod_sandbox").value_or(false);
  metadata.created_time = integer_of(object, "created_time").value_or(0);
  metadata.labels = labels_of(member(object, "labels"));
  metadata.pod_sandbox_labels = labels_of(member(object, "pod_sandbox_labels"));
  for (const Json& mount : member(object, "Mounts")) {
    if (mount.is_object()) metadata.mounts.push_back(mount_of(mount));
  }
  return metadata;
}

}  // namespace gyr
