// SPDX-License-Identifier: Apache-2.0
// Bundles: config.json says how the container runs, its annotations whose it is.
#include <algorithm>
#include <array>

#include "container/runtime_files.h"

namespace gyr {
namespace {

constexpr size_t kConfigLimit = 1 << 20;
constexpr size_t kListLimit = 4 << 20;  // of all containers or all images
constexpr std::string_view kUserdata = "/userdata";

// --- What every bundle tells.

bool has_namespace(const Json& config, std::string_view type) {
  const Json& namespaces = member(member(config, "linux"), "namespaces");
  return std::any_of(namespaces.begin(), namespaces.end(),
                     [&](const Json& one) { return text_of(one, "type") == type; });
}

bool contains(const Json& texts, std::string_view text) {
  return std::any_of(texts.begin(), texts.end(), [&](const Json& one) {
    return one.is_string() && one.get_ref<const std::string&>() == text;
  });
}

// No bundle says "privileged": it is what the flag of the runtimes comes to.
bool is_privileged(const Json& config) {
  const Json& bounding = member(member(member(config, "process"), "capabilities"), "bounding");
  if (!contains(bounding, "CAP_SYS_ADMIN") || !contains(bounding, "CAP_SYS_MODULE")) return false;
  const Json& linux_part = member(config, "linux");
  if (!member(linux_part, "maskedPaths").empty()) return false;
  const Json& devices = member(member(linux_part, "resources"), "devices");
  return std::any_of(devices.begin(), devices.end(), [](const Json& rule) {
    const std::string type = text_of(rule, "type");
    return bool_of(rule, "allow").value_or(false) && (type.empty() || type == "a") &&
           text_of(rule, "access") == "rwm" && member(rule, "major").is_null();
  });
}

std::vector<ContainerMount> bind_mounts(const Json& config) {
  constexpr std::array kPropagations = {"private", "rprivate", "shared",
                                        "rshared", "slave",    "rslave"};
  std::vector<ContainerMount> mounts;
  for (const Json& one : member(config, "mounts")) {
    const Json& options = member(one, "options");
    const bool bound = contains(options, "bind") || contains(options, "rbind");
    if (!bound && text_of(one, "type") != "bind") continue;
    ContainerMount& mount = mounts.emplace_back();
    mount.source = text_of(one, "source");
    mount.destination = text_of(one, "destination");
    mount.writable = !contains(options, "ro");
    for (const char* propagation : kPropagations) {
      if (contains(options, propagation)) mount.propagation = propagation;
    }
  }
  return mounts;
}

void add_config(const Json& config, ContainerMetadata* metadata) {
  metadata->mounts = bind_mounts(config);
  metadata->privileged = is_privileged(config);
  metadata->host_pid = !has_namespace(config, "pid");
  metadata->host_network = !has_namespace(config, "network");
  metadata->host_ipc = !has_namespace(config, "ipc");
  const auto uid = integer_of(member(member(config, "process"), "user"), "uid");
  metadata->user = uid ? std::to_string(*uid) : "";
}

void set_label(ContainerMetadata* metadata, const std::string& key, const std::string& value) {
  if (value.empty()) return;
  auto& labels = metadata->labels;
  const auto at = std::find_if(labels.begin(), labels.end(),
                               [&](const auto& label) { return label.first >= key; });
  if (at == labels.end() || at->first != key) labels.insert(at, {key, value});
}

// --- The image store that podman and CRI-O share.

void add_stored_image(RuntimeFiles& files, const std::string& storage,
                      ContainerMetadata* metadata) {
  if (metadata->image_id.empty() || storage.empty()) return;
  const auto images = files.json(storage + "/overlay-images/images.json", kListLimit);
  if (!images) return;
  for (const Json& image : *images) {
    if (text_of(image, "id") != metadata->image_id) continue;
    if (metadata->image_digest.empty()) metadata->image_digest = text_of(image, "digest");
    const Json& names = member(image, "names");
    if (metadata->image_repository.empty() && names.is_array() && !names.empty() &&
        names[0].is_string()) {
      set_image(names[0].get<std::string>(), metadata);
      metadata->image_id = text_of(image, "id");
    }
    return;
  }
}

// "" unless the bundle is in a store.
std::string storage_of(const std::string& bundle) {
  const size_t at = bundle.find("/overlay-containers/");
  return at == std::string::npos ? "" : bundle.substr(0, at);
}

// --- podman

const Json* find_stored(const std::optional<Json>& containers, const std::string& id) {
  if (!containers || !containers->is_array()) return nullptr;
  for (const Json& one : *containers) {
    if (text_of(one, "id") == id) return &one;
  }
  return nullptr;
}

void add_podman(RuntimeFiles& files, const std::string& bundle, ContainerMetadata* metadata) {
  ContainerMetadata& to = *metadata;
  to.type = static_cast<int64_t>(ContainerType::Podman);
  const std::string storage = storage_of(bundle);
  std::optional<Json> list;
  const Json* stored = nullptr;
  for (const char* name : {"/containers.json", "/volatile-containers.json"}) {
    list = files.json(storage + "/overlay-containers" + name, kListLimit);
    stored = find_stored(list, to.full_id);
    if (stored != nullptr) break;
  }
  if (stored != nullptr) {
    const auto more = parse_json(text_of(*stored, "metadata"));  // a JSON text in JSON
    const Json& names = member(*stored, "names");
    if (names.is_array() && !names.empty() && names[0].is_string()) {
      to.name = names[0].get<std::string>();
    }
    if (more) {
      set_image(text_of(*more, "image-name"), &to);
      if (to.name.empty()) to.name = text_of(*more, "name");
    }
    to.image_id = text_of(*stored, "image");
    to.created_time = time_of(text_of(*stored, "created"));
    add_stored_image(files, storage, &to);
  } else {
    to[ContainerField::Name] = to[ContainerField::Image] = files.fault();
  }
  to[ContainerField::Labels] = WhyMissing::NotOnDisk;  // its database has them
  to[ContainerField::CniJson] = WhyMissing::NoSuchThing;
}

// --- CRI-O

void add_crio(RuntimeFiles& files, const Json& notes, ContainerMetadata* metadata) {
  const auto note = [&](const char* key) {
    return text_of(notes, "io.kubernetes.cri-o." + std::string(key));
  };
  ContainerMetadata& to = *metadata;
  to.type = static_cast<int64_t>(ContainerType::CriO);
  to.is_pod_sandbox = note("ContainerType") == "sandbox";
  if (const auto labels = parse_json(note("Labels"))) to.labels = labels_of(*labels);
  for (const char* key : {"io.kubernetes.pod.name", "io.kubernetes.pod.namespace",
                          "io.kubernetes.pod.uid", "io.kubernetes.container.name"}) {
    set_label(&to, key, text_of(notes, key));
  }
  to.name =
      text_of(notes, to.is_pod_sandbox ? "io.kubernetes.pod.name" : "io.kubernetes.container.name");
  if (to.name.empty()) to.name = note("Name");
  set_image(note("ImageName"), &to);
  const std::string image = note("ImageRef").empty() ? note("Image") : note("ImageRef");
  if (const std::string name = to.image; !image.empty()) {
    ContainerMetadata by_id;
    set_image(image, &by_id);
    if (!by_id.image_id.empty()) to.image_id = by_id.image_id;
    if (to.image_digest.empty()) to.image_digest = by_id.image_digest;
    if (name.empty() && by_id.image_id.empty()) set_image(image, &to);
  }
  add_stored_image(files, "/var/lib/containers/storage", &to);
  to.created_time = time_of(note("Created"));
  to.pod_sandbox_id = to.is_pod_sandbox ? to.full_id : note("SandboxID");
  if (!to.is_pod_sandbox) return;
  to.cni_json = note("CNIResult");
  to.ip = note("IP.0");
}

// --- containerd, by its interface for Kubernetes or by ctr

void add_containerd(RuntimeFiles& files, const Json& notes, ContainerMetadata* metadata) {
  const auto note = [&](const char* key) {
    return text_of(notes, "io.kubernetes.cri." + std::string(key));
  };
  ContainerMetadata& to = *metadata;
  to.type = static_cast<int64_t>(ContainerType::Containerd);
  const std::string kind = note("container-type");
  to[ContainerField::ImageId] = to[ContainerField::ImageDigest] = WhyMissing::NotOnDisk;
  if (kind.empty()) {
    to.name = text_of(notes, "nerdctl/name");
    if (to.name.empty()) to.name = to.full_id;
    to[ContainerField::Image] = to[ContainerField::Labels] = WhyMissing::NotOnDisk;
    to[ContainerField::CniJson] = WhyMissing::NoSuchThing;
    return;
  }
  to.is_pod_sandbox = kind == "sandbox";
  to.pod_sandbox_id = note("sandbox-id");
  to.name = note(to.is_pod_sandbox ? "sandbox-name" : "container-name");
  set_label(&to, "io.kubernetes.container.name", note("container-name"));
  set_label(&to, "io.kubernetes.pod.name", note("sandbox-name"));
  set_label(&to, "io.kubernetes.pod.namespace", note("sandbox-namespace"));
  set_label(&to, "io.kubernetes.pod.uid", note("sandbox-uid"));
  if (const std::string image = note("image-name"); !image.empty()) set_image(image, &to);
  to[ContainerField::PodLabels] = WhyMissing::NotOnDisk;  // the database has them
  if (to.is_pod_sandbox) read_cni_result(files, &to);
}

// --- docker, whose own files are not where they usually are: it keeps its bundles with containerd

void add_docker(ContainerMetadata* metadata) {
  ContainerMetadata& to = *metadata;
  to.type = static_cast<int64_t>(ContainerType::Docker);
  for (const ContainerField field :
       {ContainerField::Name, ContainerField::Image, ContainerField::ImageId,
        ContainerField::ImageDigest, ContainerField::Labels}) {
    to[field] = WhyMissing::NotOnDisk;
  }
  to[ContainerField::CniJson] = WhyMissing::NoSuchThing;
}

// --- a runtime that was started by hand

void add_bare(ContainerMetadata* metadata) {
  ContainerMetadata& to = *metadata;
  if (to.name.empty()) to.name = to.full_id;
  for (const ContainerField field :
       {ContainerField::Image, ContainerField::ImageId, ContainerField::ImageDigest,
        ContainerField::Type, ContainerField::CniJson}) {
    to[field] = WhyMissing::NoSuchThing;
  }
}

// The bundle that a runtime's own note about a container names.
std::string bundle_of_state(RuntimeFiles& files, std::string_view full_id) {
  const std::string id(full_id);
  if (const auto state = files.json("/run/runc/" + id + "/state.json", kConfigLimit)) {
    constexpr std::string_view kKey = "bundle=";
    for (const Json& label : member(member(*state, "config"), "labels")) {
      const std::string text = label.is_string() ? label.get<std::string>() : "";
      if (text.starts_with(kKey)) return text.substr(kKey.size());
    }
  }
  if (const auto status = files.json("/run/crun/" + id + "/status", kConfigLimit)) {
    return text_of(*status, "bundle");
  }
  return "";
}

}  // namespace

bool read_bundle(RuntimeFiles& files, const std::string& bundle, ContainerMetadata* metadata) {
  const auto config = files.json(bundle + "/config.json", kConfigLimit);
  if (!config || !config->is_object()) return false;
  add_config(*config, metadata);
  const Json& notes = member(*config, "annotations");
  const std::string manager = text_of(notes, "io.container.manager");
  const bool crio = manager == "cri-o" || !text_of(notes, "io.kubernetes.cri-o.SandboxID").empty();
  if (crio && manager != "libpod") {
    add_crio(files, notes, metadata);
  } else if (manager == "libpod" || bundle.ends_with(kUserdata)) {
    add_podman(files, bundle, metadata);
  } else if (bundle.find("/moby/" + metadata->full_id) != std::string::npos) {
    add_docker(metadata);
  } else if (bundle.find("/io.containerd.") != std::string::npos) {
    add_containerd(files, notes, metadata);
  } else {
    add_bare(metadata);
  }
  return true;
}

std::string find_bundle(RuntimeFiles& files, std::string_view full_id, std::string_view space) {
  const std::string id(full_id);
  std::vector<std::string> places;
  for (const char* store : {"/run/containers/storage", "/var/lib/containers/storage"}) {
    places.push_back(store + ("/overlay-containers/" + id) + std::string(kUserdata));
  }
  for (const std::string_view one :
       {space, std::string_view("k8s.io"), std::string_view("default"), std::string_view("moby")}) {
    if (one.empty()) continue;
    places.push_back("/run/containerd/io.containerd.runtime.v2.task/" + std::string(one) + "/" +
                     id);
  }
  for (const std::string& place : places) {
    if (files.is_there(place + "/config.json")) return place;
  }
  return bundle_of_state(files, full_id);
}

}  // namespace gyr
