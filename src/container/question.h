// SPDX-License-Identifier: Apache-2.0
// What is asked of a runtime's API about a container that the files do not tell, and the answer.
// Plain data: who asks, over which sockets and when is not known here (container_api/).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "container/cgroup_path.h"
#include "container/metadata.h"

namespace gyr {

// Whose protocol is spoken. Docker's is podman's too, over another socket.
enum class ContainerApi : uint8_t { Docker, Podman, Containerd, Cri, Count };

struct ContainerQuestion {
  std::string full_id;
  std::string space{};               // containerd's namespace; "" unknown
  std::string pod_sandbox_id{};      // "" unknown; of a sandbox its own id
  std::string image{};               // "" unknown
  std::vector<ContainerApi> apis{};  // that may know the container, likeliest first
};

// `why` is Known when an API told about the container, else why none did. Of `metadata` the fields
// that the API tells about are marked Known, with a value or without; the others count for nothing.
struct ContainerReply {
  std::string full_id;
  WhyMissing why = WhyMissing::ApiUnknown;
  ContainerMetadata metadata{};
};

// Takes a question; each that is taken (ApiPending) is answered once, later. Never waits.
using AskContainerApi = std::function<WhyMissing(ContainerQuestion)>;

// The question that is left when the files have been read, without APIs when there is none.
ContainerQuestion question_about(const ContainerPath& path, const ContainerMetadata& metadata);
// Fills in what is missing; what the files said stays. Fields that stay empty get the reply's
// reason, or NoSuchThing when the API told that there is none.
void add_reply(const ContainerReply& reply, ContainerMetadata* metadata);
// Gives the fields that only an API could fill the reason.
void set_api_reason(WhyMissing why, ContainerMetadata* metadata);

}  // namespace gyr
