// SPDX-License-Identifier: Apache-2.0
// Finds what the runtimes of a host keep on disk about a container, at the moment one of its
// processes is first seen: docs/containers.md has what comes from where.
//
// Guarantees: never fails loudly (what is missing has a reason, counted), never waits for a pipe or
// a network, follows no symbolic link out of the root; all files and tables are bounded. Relies on
// the caller to ask again when the answer says so: a runtime notes a container in steps.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/str.h"
#include "base/system.h"
#include "container/cgroup_path.h"
#include "container/metadata.h"
#include "container/question.h"

namespace gyr {

// How many containers lack a field for a reason, as far as last looked.
class MissingCounts {
 public:
  uint64_t of(ContainerField field, WhyMissing why) const { return at(field, why); }
  void add(const Reasons& reasons, int64_t by);
  // What is missing, by field, then reason; nothing that is known. Things that a container does not
  // have are no loss and do not count.
  struct Row {
    ContainerField field;
    WhyMissing why;
    uint64_t containers;
  };
  std::vector<Row> table() const;
  // "image: 3 not_on_disk, 1 no_files; …", "" when all is known.
  std::string text() const;

 private:
  static constexpr size_t kFields = static_cast<size_t>(ContainerField::Count);
  static constexpr size_t kWhys = static_cast<size_t>(WhyMissing::Count);
  uint64_t at(ContainerField field, WhyMissing why) const {
    return counts_[static_cast<size_t>(field)][static_cast<size_t>(why)];
  }
  std::array<std::array<uint64_t, kWhys>, kFields> counts_{};
};

// The folders in which runtimes keep what is read about their containers.
std::span<const std::string_view> runtime_folders();

inline constexpr size_t kLabelLimit = 100;  // as the reference's default has it

class ContainerFinder {
 public:
  // The files must outlive it. `ask`: for what files do not tell; unset: nobody is asked.
  // Longer values of labels than `label_limit` bytes are not told.
  explicit ContainerFinder(const Files& files, AskContainerApi ask = nullptr,
                           size_t label_limit = kLabelLimit)
      : files_(files), ask_(std::move(ask)), label_limit_(label_limit) {}

  // `id` and `cgroups` of a live thread, as container_id_of() relates them, and its process.
  ContainerAnswer find(std::string_view id, std::string_view cgroups, int64_t pid, uint64_t now_ns);
  // The answer to a question of ours: the JSON as of now, "" when it tells nothing new.
  std::string take(ContainerReply reply);
  // The container whose threads have this id is gone.
  void forget(std::string_view id);
  // Of one container from its files, without memory.
  ContainerMetadata look(const ContainerPath& path, int64_t pid) const;

  // The same of one container, by the id that its threads have: "image no_files, ip not_yet"; ""
  // when all is known or it was not looked for.
  std::string missing_of(std::string_view id) const;
  const MissingCounts& missing() const { return missing_; }
  // Containers that were looked for and not forgotten, and how often in all.
  uint64_t containers() const { return memory_.size(); }
  uint64_t attempts() const { return attempts_; }

 private:
  struct Memory {
    int attempts = 0;
    std::string told;  // the JSON of the last answer
    Reasons reasons{};
    // While an API is asked: what is known without it.
    std::unique_ptr<ContainerMetadata> asked_with;
    std::unique_ptr<ContainerReply> reply;  // what it answered, for when files say more
  };
  static constexpr size_t kLimit = 16384;  // containers; then all memory starts afresh
  // A runtime makes a container in a dozen steps: so many processes ask in vain at once.
  static constexpr int kAtOnce = 12;
  static constexpr int kAttempts = 24;               // in all
  static constexpr uint64_t kPauseNs = 100'000'000;  // after those at once; doubles each time
  // Files that are not there yet may come with the container's next process: so often they are
  // looked for before an API is asked.
  static constexpr int kLooksForFiles = 3;

  void find_files(const ContainerPath& path, int64_t pid, ContainerMetadata* metadata) const;
  void ask_api(const ContainerPath& path, Memory* memory, ContainerMetadata* metadata) const;
  void leave_out_long(ContainerLabels* labels) const;
  // The JSON if it is not what was told last.
  std::string news(const ContainerMetadata& metadata, Memory* memory);

  const Files& files_;
  const AskContainerApi ask_;
  const size_t label_limit_;
  using Memories = absl::flat_hash_map<std::string, Memory, TextHash, std::equal_to<>>;
  Memories::const_iterator memory_of(std::string_view id) const;

  Memories memory_;  // by full id
  MissingCounts missing_;
  uint64_t attempts_ = 0;
};

}  // namespace gyr
