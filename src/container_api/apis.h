// SPDX-License-Identifier: Apache-2.0
// What is asked over each protocol, and what the answers mean. Each asks over one socket and takes
// at most a few times the place's timeout. Internal to container_api/.
#pragma once

#include <string_view>

#include "container/question.h"
#include "container_api/connection.h"

namespace gyr {

ContainerReply ask_docker(const ApiPlace& place, const ContainerQuestion& question);
ContainerReply ask_podman(const ApiPlace& place, const ContainerQuestion& question);
ContainerReply ask_containerd(const ApiPlace& place, const ContainerQuestion& question);
ContainerReply ask_cri(const ApiPlace& place, const ContainerQuestion& question);

// Answers as they come; false when they are not what the API says. For tests and fuzzers too.
bool parse_docker_container(std::string_view json, ContainerMetadata* metadata);
bool parse_docker_image(std::string_view json, ContainerMetadata* metadata);
bool parse_cri_container(std::string_view message, ContainerMetadata* metadata);
bool parse_cri_sandbox(std::string_view message, ContainerMetadata* metadata);
bool parse_cri_image(std::string_view message, ContainerMetadata* metadata);
bool parse_containerd_container(std::string_view message, ContainerMetadata* metadata);
bool parse_containerd_image(std::string_view message, ContainerMetadata* metadata);

// The digest among "repository@digest" texts that belongs to the repository, else the first.
std::string digest_of(const std::vector<std::string>& names, std::string_view repository);

// "" when there is none.
std::string text_of_label(const ContainerLabels& labels, std::string_view name);

// A reply that tells only about these fields.
ContainerReply reply_about(const ContainerQuestion& question,
                           std::initializer_list<ContainerField> fields);

}  // namespace gyr
