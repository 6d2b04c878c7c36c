// SPDX-License-Identifier: Apache-2.0
// Docker's HTTP API, which podman has too: a container as `inspect` shows it, and its image.
#include <fmt/format.h>

#include <initializer_list>

#include "container/json.h"
#include "container/runtime_files.h"
#include "container_api/apis.h"
#include "container_api/http.h"

namespace gyr {
namespace {

ContainerReply ask(const ApiPlace& place, const ContainerQuestion& question, ContainerType type) {
  ContainerReply reply =
      reply_about(question, {ContainerField::Name, ContainerField::Type, ContainerField::Image,
                             ContainerField::ImageId, ContainerField::Privileged,
                             ContainerField::Namespaces, ContainerField::Mounts,
                             ContainerField::Labels, ContainerField::Ip, ContainerField::Pod});
  const ApiAnswer answer = http_get(place, "/containers/" + question.full_id + "/json");
  reply.why = answer.why;
  if (answer.why != WhyMissing::Known) return reply;
  if (!parse_docker_container(answer.body, &reply.metadata)) {
    reply.why = WhyMissing::ApiDamaged;
    return reply;
  }
  reply.metadata.type = static_cast<int64_t>(type);
  const std::string& image = reply.metadata.image_id;
  if (image.find_first_not_of("0123456789abcdef") != std::string::npos) return reply;
  const ApiAnswer about_image = http_get(place, "/images/" + image + "/json");
  if (about_image.why == WhyMissing::Known &&
      parse_docker_image(about_image.body, &reply.metadata)) {
    reply.metadata[ContainerField::ImageDigest] = WhyMissing::Known;
  }
  return reply;
}

}  // namespace

ContainerReply reply_about(const ContainerQuestion& question,
                           std::initializer_list<ContainerField> fields) {
  ContainerReply reply{.full_id = question.full_id};
  reply.metadata.why.fill(WhyMissing::NotOnDisk);
  for (const ContainerField field : fields) reply.metadata[field] = WhyMissing::Known;
  return reply;
}

std::string digest_of(const std::vector<std::string>& names, std::string_view repository) {
  std::string first;
  for (const std::string& name : names) {
    const size_t at = name.find('@');
    if (at == std::string::npos) continue;
    if (name.substr(0, at) == repository) return name.substr(at + 1);
    if (first.empty()) first = name.substr(at + 1);
  }
  return first;
}

bool parse_docker_container(std::string_view json, ContainerMetadata* metadata) {
  const auto answer = parse_json(json);
  if (!answer || text_of(*answer, "Id").empty()) return false;
  read_docker_answer(*answer, metadata);
  return true;
}

bool parse_docker_image(std::string_view json, ContainerMetadata* metadata) {
  const auto answer = parse_json(json);
  if (!answer || text_of(*answer, "Id").empty()) return false;
  const auto texts = [&](const char* key) {
    std::vector<std::string> list;
    for (const Json& one : member(*answer, key)) {
      if (one.is_string()) list.push_back(one.get<std::string>());
    }
    return list;
  };
  // A container that was made by the image's id has the name from here.
  if (const auto tags = texts("RepoTags"); metadata->image_repository.empty() && !tags.empty()) {
    ContainerMetadata named;
    set_image(tags.front(), &named);
    metadata->image_repository = named.image_repository;
    metadata->image_tag = named.image_tag;
  }
  metadata->image_digest = digest_of(texts("RepoDigests"), metadata->image_repository);
  return true;
}

ContainerReply ask_docker(const ApiPlace& place, const ContainerQuestion& question) {
  return ask(place, question, ContainerType::Docker);
}

ContainerReply ask_podman(const ApiPlace& place, const ContainerQuestion& question) {
  return ask(place, question, ContainerType::Podman);
}

}  // namespace gyr
