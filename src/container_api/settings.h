// SPDX-License-Identifier: Apache-2.0
// Which runtimes may be asked, and where: what the reference's container plugin takes as
// `init_config` (shared reference "falco-interface" section 4.9), with its defaults.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "container/question.h"

namespace gyr {

struct ContainerApiSettings {
  struct Engine {
    bool enabled = true;
    std::vector<std::string> sockets{};  // absolute, below the host's root; asked in this order
  };
  static constexpr size_t kApis = static_cast<size_t>(ContainerApi::Count);
  // By ContainerApi. Sockets of users' own daemons are not among the defaults: whoever owns one
  // could tell what he likes.
  std::array<Engine, kApis> engines = {
      Engine{.sockets = {"/var/run/docker.sock"}}, Engine{.sockets = {"/run/podman/podman.sock"}},
      Engine{
          .sockets = {"/run/containerd/containerd.sock", "/run/host-containerd/containerd.sock"}},
      Engine{.sockets = {"/run/containerd/containerd.sock", "/run/crio/crio.sock",
                         "/run/k3s/containerd/containerd.sock",
                         "/run/host-containerd/containerd.sock"}}};

  // Longer values of labels are left out, in bytes.
  uint32_t label_max_len = 100;
  // Keys that are set and change nothing here, each with the reason.
  std::vector<std::string> without_effect{};

  Engine& operator[](ContainerApi api) { return engines[static_cast<size_t>(api)]; }
  const Engine& operator[](ContainerApi api) const { return engines[static_cast<size_t>(api)]; }
};

// Of the JSON text of `init_config`, "" for the defaults. Engines of which files tell all, and keys
// of other parts of the plugin, are passed over. The error is about the text.
Result<ContainerApiSettings> parse_container_api_settings(std::string_view init_config);

}  // namespace gyr
