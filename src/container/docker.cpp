// SPDX-License-Identifier: Apache-2.0
// Docker: config.v2.json and hostconfig.json of a container, repositories.json of the images.
#include "container/runtime_files.h"

namespace gyr {
namespace {

constexpr size_t kConfigLimit = 1 << 20;
constexpr size_t kRepositoriesLimit = 4 << 20;

ContainerLabels docker_labels(const Json& config) { return labels_of(member(config, "Labels")); }

std::vector<ContainerMount> docker_mounts(const Json& points) {
  std::vector<ContainerMount> mounts;
  if (!points.is_object()) return mounts;
  for (const auto& [destination, point] : points.items()) {
    mounts.push_back({.source = text_of(point, "Source"),
                      .destination = text_of(point, "Destination"),
                      .mode = text_of(point, "Relabel"),  // so the file calls the mode
                      .propagation = text_of(point, "Propagation"),
                      .writable = bool_of(point, "RW").value_or(false)});
    if (mounts.back().destination.empty()) mounts.back().destination = destination;
  }
  return mounts;
}

// The address in the network that comes first.
std::string docker_address(const Json& settings) {
  for (const Json& network : member(settings, "Networks")) {
    if (std::string address = text_of(network, "IPAddress"); !address.empty()) return address;
  }
  return text_of(settings, "IPAddress");
}

// Names and digests of the image: {"Repositories":{"repo":{"repo:tag":id,"repo@digest":id}}}.
void add_repository(const Json& file, ContainerMetadata* metadata) {
  const Json& repositories = member(file, "Repositories");
  if (!repositories.is_object()) return;
  for (const auto& [repository, names] : repositories.items()) {
    if (!metadata->image_repository.empty() && metadata->image_repository != repository) continue;
    for (const auto& [name, id] : labels_of(names)) {
      if (id != "sha256:" + metadata->image_id) continue;
      const size_t digest = name.find('@');
      if (digest != std::string::npos) {
        if (metadata->image_digest.empty()) metadata->image_digest = name.substr(digest + 1);
      } else if (metadata->image_tag.empty() && name.size() > repository.size()) {
        metadata->image_tag = name.substr(repository.size() + 1);
      }
      metadata->image_repository = repository;
    }
    if (!metadata->image_repository.empty()) return;
  }
}

void add_host_config(const Json& config, ContainerMetadata* metadata) {
  metadata->privileged = bool_of(config, "Privileged");
  const std::string network = text_of(config, "NetworkMode");
  metadata->host_network = network == "host";
  if (network == "none") (*metadata)[ContainerField::Ip] = WhyMissing::NoSuchThing;
  metadata->host_pid = text_of(config, "PidMode") == "host";
  metadata->host_ipc = text_of(config, "IpcMode") == "host";
}

// What kubelets that used docker wrote into labels.
void add_pod(ContainerMetadata* metadata) {
  for (const auto& [key, value] : metadata->labels) {
    if (key == "io.kubernetes.docker.type") metadata->is_pod_sandbox = value == "podsandbox";
    if (key == "io.kubernetes.sandbox.id") metadata->pod_sandbox_id = value;
  }
}

std::string hex_of(const std::string& hash) {
  return hash.substr(hash.starts_with("sha256:") ? 7 : 0);
}

// What the file of a container and the API's answer tell alike.
void add_container(const Json& from, ContainerMetadata* metadata) {
  ContainerMetadata& to = *metadata;
  to.name = text_of(from, "Name");
  if (to.name.starts_with('/')) to.name.erase(0, 1);
  to.created_time = time_of(text_of(from, "Created"));
  const Json& wanted = member(from, "Config");
  set_image(text_of(wanted, "Image"), &to);
  to.image_id = hex_of(text_of(from, "Image"));
  to.user = text_of(wanted, "User");
  to.labels = docker_labels(wanted);
  add_pod(&to);
  to.ip = docker_address(member(from, "NetworkSettings"));
}

}  // namespace

void read_docker_answer(const Json& answer, ContainerMetadata* metadata) {
  ContainerMetadata& to = *metadata;
  add_container(answer, &to);
  for (const Json& one : member(answer, "Mounts")) {
    to.mounts.push_back({.source = text_of(one, "Source"),
                         .destination = text_of(one, "Destination"),
                         .mode = text_of(one, "Mode"),
                         .propagation = text_of(one, "Propagation"),
                         .writable = bool_of(one, "RW").value_or(false)});
  }
  add_host_config(member(answer, "HostConfig"), &to);
}

bool read_docker(RuntimeFiles& files, std::string_view full_id, ContainerMetadata* metadata) {
  const std::string folder = "/var/lib/docker/containers/" + std::string(full_id);
  const auto config = files.json(folder + "/config.v2.json", kConfigLimit);
  if (!config) return false;
  ContainerMetadata& to = *metadata;
  to.type = static_cast<int64_t>(ContainerType::Docker);
  add_container(*config, &to);
  to.mounts = docker_mounts(member(*config, "MountPoints"));
  const auto host = files.json(folder + "/hostconfig.json", kConfigLimit);
  if (host) {
    add_host_config(*host, &to);
  } else {
    to[ContainerField::Privileged] = to[ContainerField::Namespaces] = files.fault();
  }
  std::string driver = text_of(*config, "Driver");
  if (driver.empty() || driver.find('/') != std::string::npos) driver = "overlay2";
  if (const auto repositories = files.json("/var/lib/docker/image/" + driver + "/repositories.json",
                                           kRepositoriesLimit)) {
    add_repository(*repositories, &to);
  }
  // An image that was built here has none.
  if (to.image_digest.empty()) to[ContainerField::ImageDigest] = WhyMissing::NoSuchThing;
  to[ContainerField::CniJson] = WhyMissing::NoSuchThing;
  return true;
}

}  // namespace gyr
