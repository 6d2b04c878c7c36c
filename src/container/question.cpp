// SPDX-License-Identifier: Apache-2.0
#include "container/question.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace gyr {
namespace {

// An id goes into a request as it is.
bool is_plain(std::string_view id) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  constexpr size_t kLongest = 128;
  return !id.empty() && id.size() <= kLongest &&
         id.find_first_not_of(kPlain) == std::string_view::npos && id.front() != '.';
}

bool in_pod(const ContainerMetadata& metadata) {
  return metadata.is_pod_sandbox || !metadata.pod_sandbox_id.empty();
}

std::vector<ContainerApi> apis_of_type(const ContainerMetadata& metadata) {
  switch (static_cast<ContainerType>(metadata.type)) {
    case ContainerType::Docker:
      return {ContainerApi::Docker};
    case ContainerType::Podman:
      return {ContainerApi::Podman};
    case ContainerType::CriO:
      return {ContainerApi::Cri};
    case ContainerType::Containerd:
      return {in_pod(metadata) ? ContainerApi::Cri : ContainerApi::Containerd};
    default:
      return {};
  }
}

// When no file says whose container it is.
std::vector<ContainerApi> apis_of_pattern(CgroupPattern pattern) {
  switch (pattern) {
    case CgroupPattern::Podman:
      return {ContainerApi::Podman};
    case CgroupPattern::Docker:
      return {ContainerApi::Docker, ContainerApi::Cri, ContainerApi::Podman};
    case CgroupPattern::Cri:
      return {ContainerApi::Cri};
    case CgroupPattern::Containerd:
      return {ContainerApi::Containerd};
    case CgroupPattern::Lxc:
    case CgroupPattern::LibvirtLxc:
    case CgroupPattern::Bpm:
      return {};
  }
  return {};
}

bool needs_api(WhyMissing why) {
  return why == WhyMissing::NotOnDisk || why == WhyMissing::NoFiles || is_of_api(why);
}

void add_labels(const ContainerLabels& more, ContainerLabels* labels) {
  ContainerLabels all;
  const auto by_name = [](const auto& a, const auto& b) { return a.first < b.first; };
  std::set_union(labels->begin(), labels->end(), more.begin(), more.end(), std::back_inserter(all),
                 by_name);
  *labels = std::move(all);
}

void fill(std::string* to, const std::string& from) {
  if (to->empty()) *to = from;
}

void fill_flag(std::optional<bool>* to, const std::optional<bool>& from) {
  if (!to->has_value()) *to = from;
}

void fill_image(const ContainerMetadata& from, ContainerMetadata* to) {
  if (to->image.empty()) {
    to->image = from.image;
    to->image_repository = from.image_repository;
    to->image_tag = from.image_tag;
  }
  fill(&to->image_repository, from.image_repository);
  fill(&to->image_id, from.image_id);
  fill(&to->image_digest, from.image_digest);
}

bool has_pod_name(const ContainerLabels& labels) {
  return std::any_of(labels.begin(), labels.end(),
                     [](const auto& label) { return label.first == "io.kubernetes.pod.name"; });
}

bool has_value(ContainerField field, const ContainerMetadata& it) {
  switch (field) {
    case ContainerField::Name:
      return !it.name.empty();
    case ContainerField::Type:
      return !container_type_name(it.type).empty();
    case ContainerField::Image:
      return !it.image.empty();
    case ContainerField::ImageId:
      return !it.image_id.empty();
    case ContainerField::ImageDigest:
      return !it.image_digest.empty();
    case ContainerField::Privileged:
      return it.privileged.has_value();
    case ContainerField::Namespaces:
      return it.host_network.has_value();
    case ContainerField::Mounts:
      return !it.mounts.empty();
    case ContainerField::Labels:
      return !it.labels.empty();
    case ContainerField::Ip:
      return !it.ip.empty();
    case ContainerField::Pod:
      return has_pod_name(it.labels);
    case ContainerField::PodLabels:
      return !it.pod_sandbox_labels.empty();
    case ContainerField::CniJson:
      return !it.cni_json.empty();
    case ContainerField::Count:
      break;
  }
  return false;
}

}  // namespace

ContainerQuestion question_about(const ContainerPath& path, const ContainerMetadata& metadata) {
  ContainerQuestion question{.full_id = metadata.full_id,
                             .space = std::string(path.space),
                             .pod_sandbox_id = metadata.pod_sandbox_id,
                             .image = metadata.image};
  const bool missing = std::any_of(metadata.why.begin(), metadata.why.end(), needs_api);
  const bool no_address =
      metadata.why[static_cast<size_t>(ContainerField::Ip)] == WhyMissing::NotYet;
  if (!is_plain(metadata.full_id) || (!missing && !no_address)) return question;
  question.apis = apis_of_type(metadata);
  if (question.apis.empty() && container_type_name(metadata.type).empty() && missing) {
    question.apis = apis_of_pattern(path.pattern);
  }
  if (!is_plain(question.space)) question.space.clear();
  if (!is_plain(question.pod_sandbox_id)) question.pod_sandbox_id.clear();
  return question;
}

void set_api_reason(WhyMissing why, ContainerMetadata* metadata) {
  // That there is no API says less than that there are no files.
  const bool no_news =
      why == WhyMissing::ApiAbsent || why == WhyMissing::ApiOff || why == WhyMissing::ApiUnknown;
  for (WhyMissing& one : metadata->why) {
    if (one == WhyMissing::NotOnDisk || is_of_api(one)) one = why;
    if (one == WhyMissing::NoFiles && !no_news) one = why;
  }
}

void add_reply(const ContainerReply& reply, ContainerMetadata* metadata) {
  if (reply.why != WhyMissing::Known) return set_api_reason(reply.why, metadata);
  ContainerMetadata& to = *metadata;
  const ContainerMetadata& from = reply.metadata;
  fill(&to.name, from.name);
  if (container_type_name(to.type).empty()) to.type = from.type;
  fill_image(from, &to);
  fill(&to.user, from.user);
  fill(&to.ip, from.ip);
  fill(&to.pod_sandbox_id, from.pod_sandbox_id);
  if (to.created_time == 0) to.created_time = from.created_time;
  to.is_pod_sandbox = to.is_pod_sandbox || from.is_pod_sandbox;
  fill_flag(&to.privileged, from.privileged);
  fill_flag(&to.host_pid, from.host_pid);
  fill_flag(&to.host_network, from.host_network);
  fill_flag(&to.host_ipc, from.host_ipc);
  if (to.mounts.empty()) to.mounts = from.mounts;
  add_labels(from.labels, &to.labels);
  add_labels(from.pod_sandbox_labels, &to.pod_sandbox_labels);
  for (size_t i = 0; i < to.why.size(); ++i) {
    const bool has_one = has_value(static_cast<ContainerField>(i), to);
    if (needs_api(to.why[i]) && from.why[i] != WhyMissing::Known) {
      to.why[i] = WhyMissing::NotOnDisk;  // the API does not tell it either
    } else if (has_one) {
      to.why[i] = WhyMissing::Known;
    } else if (needs_api(to.why[i])) {
      to.why[i] = WhyMissing::NoSuchThing;
    }
  }
}

}  // namespace gyr
