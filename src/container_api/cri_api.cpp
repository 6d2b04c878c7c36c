// SPDX-License-Identifier: Apache-2.0
// CRI (runtime.v1), which containerd and CRI-O speak to the kubelet, and containerd's own API for
// what runs without Kubernetes. The numbers are those of the fields in their definitions.
#include <algorithm>
#include <utility>

#include "container/runtime_files.h"
#include "container_api/apis.h"
#include "container_api/grpc.h"
#include "container_api/protobuf.h"

namespace gyr {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

std::string text(std::string_view message, uint64_t field) {
  return std::string(proto_bytes(message, field));
}

// All of a repeated field of texts.
std::vector<std::string> texts(std::string_view message, uint64_t field) {
  std::vector<std::string> list;
  for (ProtoReader reader(message); reader.next();) {
    if (reader.field() == field) list.emplace_back(reader.bytes());
  }
  return list;
}

// A map of texts: entries with key and value.
ContainerLabels labels_in(std::string_view message, uint64_t field) {
  ContainerLabels labels;
  for (const std::string& entry : texts(message, field)) {
    labels.emplace_back(text(entry, 1), text(entry, 2));
  }
  std::sort(labels.begin(), labels.end());
  const auto same_name = [](const auto& a, const auto& b) { return a.first == b.first; };
  labels.erase(std::unique(labels.begin(), labels.end(), same_name), labels.end());
  return labels;
}

void add_label(const char* name, std::string_view value, ContainerLabels* labels) {
  if (value.empty()) return;
  const auto at =
      std::lower_bound(labels->begin(), labels->end(), name,
                       [](const auto& label, const char* key) { return label.first < key; });
  if (at == labels->end() || at->first != name) labels->insert(at, {name, std::string(value)});
}

bool is_whole(std::string_view message) {
  ProtoReader reader(message);
  while (reader.next()) {
  }
  return reader.ok();
}

std::string hex_of(std::string id) {
  if (id.starts_with("sha256:")) id.erase(0, 7);
  return id;
}

ApiAnswer call_cri(const ApiPlace& place, const char* method, std::string message) {
  return grpc_call(place,
                   {.path = std::string("/runtime.v1.") + method, .message = std::move(message)});
}

void tell(ContainerReply* reply, std::initializer_list<ContainerField> fields) {
  for (const ContainerField field : fields) reply->metadata[field] = WhyMissing::Known;
}

// What a pod's sandbox tells about its containers, and about itself.
void ask_sandbox(const ApiPlace& place, const std::string& id, ContainerReply* reply) {
  const ApiAnswer answer = call_cri(place, "RuntimeService/PodSandboxStatus", proto_field(1, id));
  if (answer.why != WhyMissing::Known) {
    reply->why = reply->why == WhyMissing::Known ? reply->why : answer.why;
    return;
  }
  if (!parse_cri_sandbox(answer.body, &reply->metadata)) {
    if (reply->why != WhyMissing::Known) reply->why = WhyMissing::ApiDamaged;
    return;
  }
  reply->metadata.pod_sandbox_id = id;
  tell(reply, {ContainerField::PodLabels, ContainerField::Ip, ContainerField::Pod});
}

// Of a container whose files do not tell it.
std::string find_sandbox(const ApiPlace& place, const std::string& container) {
  const ApiAnswer answer =
      call_cri(place, "RuntimeService/ListContainers", proto_field(1, proto_field(1, container)));
  if (answer.why != WhyMissing::Known) return "";
  for (const std::string& one : texts(answer.body, 1)) {
    if (text(one, 1) == container) return text(one, 2);
  }
  return "";
}

void ask_image(const ApiPlace& place, const std::string& name, ContainerReply* reply) {
  if (name.empty()) return;
  const ApiAnswer answer =
      call_cri(place, "ImageService/ImageStatus", proto_field(1, proto_field(1, name)));
  if (answer.why != WhyMissing::Known || !parse_cri_image(answer.body, &reply->metadata)) return;
  tell(reply, {ContainerField::ImageId, ContainerField::ImageDigest});
}

ContainerReply ask_about_sandbox(const ApiPlace& place, const ContainerQuestion& question) {
  ContainerReply reply = reply_about(question, {});
  reply.why = WhyMissing::ApiUnknown;
  ask_sandbox(place, question.full_id, &reply);
  ContainerMetadata& to = reply.metadata;
  if (to.pod_sandbox_id.empty()) return reply;
  reply.why = WhyMissing::Known;
  to.is_pod_sandbox = true;
  to.type = static_cast<int64_t>(ContainerType::Cri);
  to.name = text_of_label(to.labels, "io.kubernetes.pod.name");
  for (const auto& [name, value] : to.pod_sandbox_labels) {
    add_label(name.c_str(), value, &to.labels);
  }
  // A sandbox need not have an image.
  tell(&reply, {ContainerField::Name, ContainerField::Type, ContainerField::Labels,
                ContainerField::Image, ContainerField::ImageId, ContainerField::ImageDigest});
  return reply;
}

}  // namespace

std::string text_of_label(const ContainerLabels& labels, std::string_view name) {
  for (const auto& [key, value] : labels) {
    if (key == name) return value;
  }
  return "";
}

// ContainerStatusResponse: status 1 {metadata 2 {name 1}, created_at 4, image 8 {image 1},
// image_ref 9, labels 12}.
bool parse_cri_container(std::string_view message, ContainerMetadata* metadata) {
  const std::string_view status = proto_bytes(message, 1);
  if (status.empty() || !is_whole(message) || !is_whole(status)) return false;
  ContainerMetadata& to = *metadata;
  to.name = text(proto_bytes(status, 2), 1);
  to.created_time = static_cast<int64_t>(proto_number(status, 4) / kSecond);
  set_image(proto_bytes(proto_bytes(status, 8), 1), &to);
  // By name and digest, or the id alone.
  ContainerMetadata by_ref;
  set_image(proto_bytes(status, 9), &by_ref);
  if (to.image_id.empty()) to.image_id = by_ref.image_id;
  if (to.image_digest.empty()) to.image_digest = by_ref.image_digest;
  to.labels = labels_in(status, 12);
  return true;
}

// PodSandboxStatusResponse: status 1 {metadata 2 {name 1, uid 2, namespace 3}, network 5 {ip 1},
// labels 7}.
bool parse_cri_sandbox(std::string_view message, ContainerMetadata* metadata) {
  const std::string_view status = proto_bytes(message, 1);
  if (status.empty() || !is_whole(message) || !is_whole(status)) return false;
  metadata->ip = text(proto_bytes(status, 5), 1);
  metadata->pod_sandbox_labels = labels_in(status, 7);
  // The fields of the pod read these labels of the container, which kubelets set.
  const std::string_view pod = proto_bytes(status, 2);
  add_label("io.kubernetes.pod.name", proto_bytes(pod, 1), &metadata->labels);
  add_label("io.kubernetes.pod.namespace", proto_bytes(pod, 3), &metadata->labels);
  add_label("io.kubernetes.pod.uid", proto_bytes(pod, 2), &metadata->labels);
  return true;
}

// ImageStatusResponse: image 1 {id 1, repo_tags 2, repo_digests 3}.
bool parse_cri_image(std::string_view message, ContainerMetadata* metadata) {
  const std::string_view image = proto_bytes(message, 1);
  if (image.empty() || !is_whole(message) || !is_whole(image)) return false;
  metadata->image_id = hex_of(text(image, 1));
  const std::string digest = digest_of(texts(image, 3), metadata->image_repository);
  if (!digest.empty()) metadata->image_digest = digest;
  return true;
}

// GetContainerResponse: container 1 {labels 2, image 3}.
bool parse_containerd_container(std::string_view message, ContainerMetadata* metadata) {
  const std::string_view container = proto_bytes(message, 1);
  if (container.empty() || !is_whole(message) || !is_whole(container)) return false;
  metadata->labels = labels_in(container, 2);
  if (const std::string_view image = proto_bytes(container, 3); !image.empty()) {
    set_image(image, metadata);
  }
  return true;
}

// GetImageResponse: image 1 {target 3 {digest 2}}.
bool parse_containerd_image(std::string_view message, ContainerMetadata* metadata) {
  const std::string_view image = proto_bytes(message, 1);
  if (image.empty() || !is_whole(message) || !is_whole(image)) return false;
  metadata->image_digest = text(proto_bytes(image, 3), 2);
  return true;
}

ContainerReply ask_cri(const ApiPlace& place, const ContainerQuestion& question) {
  if (question.pod_sandbox_id == question.full_id) return ask_about_sandbox(place, question);
  ContainerReply reply =
      reply_about(question, {ContainerField::Name, ContainerField::Type, ContainerField::Image,
                             ContainerField::Labels, ContainerField::Pod});
  const ApiAnswer answer =
      call_cri(place, "RuntimeService/ContainerStatus", proto_field(1, question.full_id));
  reply.why = answer.why;
  if (answer.why == WhyMissing::ApiUnknown && question.pod_sandbox_id.empty()) {
    return ask_about_sandbox(place, question);
  }
  if (answer.why != WhyMissing::Known) return reply;
  if (!parse_cri_container(answer.body, &reply.metadata)) {
    reply.why = WhyMissing::ApiDamaged;
    return reply;
  }
  reply.metadata.type = static_cast<int64_t>(ContainerType::Cri);
  const std::string& sandbox = question.pod_sandbox_id.empty()
                                   ? find_sandbox(place, question.full_id)
                                   : question.pod_sandbox_id;
  if (!sandbox.empty()) ask_sandbox(place, sandbox, &reply);
  ask_image(place, reply.metadata.image, &reply);
  return reply;
}

ContainerReply ask_containerd(const ApiPlace& place, const ContainerQuestion& question) {
  ContainerReply reply =
      reply_about(question, {ContainerField::Type, ContainerField::Image, ContainerField::Labels});
  const std::string space = question.space.empty() ? "default" : question.space;
  const ApiAnswer answer =
      grpc_call(place, {.path = "/containerd.services.containers.v1.Containers/Get",
                        .message = proto_field(1, question.full_id),
                        .space = space});
  reply.why = answer.why;
  if (answer.why != WhyMissing::Known) return reply;
  if (!parse_containerd_container(answer.body, &reply.metadata)) {
    reply.why = WhyMissing::ApiDamaged;
    return reply;
  }
  reply.metadata.type = static_cast<int64_t>(ContainerType::Containerd);
  if (reply.metadata.image.empty()) return reply;
  const ApiAnswer image = grpc_call(place, {.path = "/containerd.services.images.v1.Images/Get",
                                            .message = proto_field(1, reply.metadata.image),
                                            .space = space});
  if (image.why == WhyMissing::Known && parse_containerd_image(image.body, &reply.metadata)) {
    tell(&reply, {ContainerField::ImageDigest});
  }
  return reply;
}

}  // namespace gyr
