// SPDX-License-Identifier: Apache-2.0
// The one table of how runtimes name containers in control group paths (shared reference
// "state-engine" section 14): one matcher per runtime, asked in a fixed order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gyr {

// Whose pattern fits. A path that ends in a bare id fits docker's, whoever made it: only what the
// runtimes keep on disk tells which of them it was.
enum class CgroupPattern : uint8_t { Podman, Docker, Cri, Containerd, Lxc, LibvirtLxc, Bpm };

// Views of the path that was looked at.
struct ContainerPath {
  CgroupPattern pattern;
  std::string_view full_id;
  std::string_view id;     // as container.id shows it: of most runtimes the first 12 characters
  std::string_view space;  // Containerd: the namespace in front of the id
};

// Of one path; empty when it is not a container's.
std::optional<ContainerPath> container_path(std::string_view path);
// Of the first entry that is a container's in a list ("subsystem=path" entries that each end in
// NUL).
std::optional<ContainerPath> container_path_in(std::string_view cgroups);
// The id alone; "" = host.
std::string container_id_of(std::string_view cgroups);

}  // namespace gyr
