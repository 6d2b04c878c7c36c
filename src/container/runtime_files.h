// SPDX-License-Identifier: Apache-2.0
// The files of runtimes, one function per way to keep them. Each adds what it finds to the metadata
// and notes why a field stays empty. Internal to container/ and container_api/.
#pragma once

#include <string>
#include <string_view>

#include "base/system.h"
#include "container/json.h"
#include "container/metadata.h"

namespace gyr {

// A root folder to read below: the host's, or that of a process that has mounts of its own (a node
// in a container). Remembers what went wrong.
class RuntimeFiles {
 public:
  RuntimeFiles(const Files& files, std::string folder)
      : files_(files), folder_(std::move(folder)) {}

  // Empty when it is not there, cannot be read, is larger than `limit` or no JSON.
  std::optional<Json> json(const std::string& path, size_t limit);
  bool is_there(const std::string& path) const {
    return files_.stat(folder_ + path, false).has_value();
  }
  std::vector<std::string> list(const std::string& path) const;
  // Of the last file that was there but of no use; NoFiles when there was none.
  WhyMissing fault() const { return fault_; }

 private:
  const Files& files_;
  const std::string folder_;
  WhyMissing fault_ = WhyMissing::NoFiles;
};

// /var/lib/docker. False when docker does not know the id.
bool read_docker(RuntimeFiles& files, std::string_view full_id, ContainerMetadata* metadata);
// What docker's API answers about a container, in podman's form too.
void read_docker_answer(const Json& answer, ContainerMetadata* metadata);
// A bundle of the Open Container Initiative: podman's, CRI-O's, containerd's or a bare runtime's,
// as its annotations tell. False when there is no config.json.
bool read_bundle(RuntimeFiles& files, const std::string& bundle, ContainerMetadata* metadata);
// The folder of the bundle of a container whose runtime keeps it at a fixed place, "" if none does.
// `space`: of containerd, tried first; "" unknown.
std::string find_bundle(RuntimeFiles& files, std::string_view full_id, std::string_view space);
// Adds what the plugins for networks noted about the sandbox: address and result.
void read_cni_result(RuntimeFiles& files, ContainerMetadata* metadata);

// "repository[:tag][@digest]" into its parts. A bare id has none.
void set_image(std::string_view text, ContainerMetadata* metadata);
// Seconds since the epoch of "2026-01-02T03:04:05…Z"; 0 for anything else.
int64_t time_of(std::string_view text);
}  // namespace gyr
