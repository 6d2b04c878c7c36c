// SPDX-License-Identifier: Apache-2.0
// What is known about a container, whoever tells it: an event of a capture, a recording of ours, or
// what its runtime keeps on disk (finder.h). The text form is the JSON of Falco's `container` event
// (shared reference "state-engine" section 14), so all three take the same way into the state.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gyr {

// Numbers of the format.
enum class ContainerType : int64_t {
  Docker = 0,
  Lxc = 1,
  LibvirtLxc = 2,
  Mesos = 3,
  Rkt = 4,
  Custom = 5,
  Cri = 6,
  Containerd = 7,
  CriO = 8,
  Bpm = 9,
  Static = 10,
  Podman = 11,
  Unknown = 0xffff,
};
// "" for those without a name.
std::string_view container_type_name(int64_t type);

// What can be missing, as metrics and docs/containers.md name it.
enum class ContainerField : uint8_t {
  Name,
  Type,
  Image,
  ImageId,
  ImageDigest,
  Privileged,
  Namespaces,  // host_pid, host_network, host_ipc
  Mounts,
  Labels,
  Ip,
  Pod,  // name, namespace and uid
  PodLabels,
  CniJson,
  Count,
};
std::string_view container_field_name(ContainerField field);

// Why a field has no value.
enum class WhyMissing : uint8_t {
  Known,        // it has one
  NoFiles,      // no runtime's files about the container were there
  Unreadable,   // they are there, but may not be read
  Damaged,      // or too large, or not what the runtime writes
  NotOnDisk,    // the runtime does not keep it in files that can be read: it needs its API
  NotYet,       // it will be known when the container runs; looked for again
  NoSuchThing,  // the container has none: no pod, no network of its own …
  // Of fields that only the runtime's API tells (question.h):
  ApiOff,      // it is not to be asked
  ApiPending,  // it has been asked
  ApiBusy,     // too many questions wait; asked again at the container's next process
  ApiAbsent,   // no socket is there
  ApiRefused,  // nobody listens at the socket, or we may not connect
  ApiTimeout,  // no whole answer in time
  ApiDamaged,  // the answer is too large, or not what the runtime says
  ApiFailed,   // the answer is an error
  ApiUnknown,  // it does not know the container
  Count,
};
std::string_view why_missing_name(WhyMissing why);
// Whether the reason is one of the API's.
constexpr bool is_of_api(WhyMissing why) {
  return why >= WhyMissing::ApiOff && why < WhyMissing::Count;
}

using ContainerLabels = std::vector<std::pair<std::string, std::string>>;

struct ContainerMount {
  std::string source, destination, mode, propagation;
  bool writable = false;
};

// Of each field, by its number.
using Reasons = std::array<WhyMissing, static_cast<size_t>(ContainerField::Count)>;

struct ContainerMetadata {
  std::string id;  // as container.id shows it
  std::string full_id, name, image, image_id, image_repository, image_tag, image_digest;
  std::string user, ip, cni_json;
  std::string pod_sandbox_id;  // the whole id
  int64_t type = static_cast<int64_t>(ContainerType::Unknown);
  int64_t created_time = 0;  // seconds since the epoch; 0 unknown
  bool is_pod_sandbox = false;
  // Empty: not known.
  std::optional<bool> privileged, host_pid, host_network, host_ipc;
  std::vector<ContainerMount> mounts;
  // In the order of their names.
  ContainerLabels labels, pod_sandbox_labels;
  Reasons why{};

  WhyMissing& operator[](ContainerField field) { return why[static_cast<size_t>(field)]; }
};

// {"container":{…}}: unknown values are left out. Bytes that are no UTF-8 become U+FFFD.
std::string container_json(const ContainerMetadata& metadata);
// The text of an event: as above, or the inner object alone. Keys of wrong types count as missing.
// Empty when it is no such JSON or names no id.
std::optional<ContainerMetadata> parse_container_json(std::string_view text);

// A finder's answer about a container of the running host (StateSettings::find_container).
struct ContainerAnswer {
  static constexpr uint64_t kNever = UINT64_MAX;
  std::string json;                // "" when nothing new is known
  uint64_t ask_again_ns = kNever;  // not before this time, at the container's next process
};

}  // namespace gyr
