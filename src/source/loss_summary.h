// SPDX-License-Identifier: Apache-2.0
// Lost events in the few categories by which the reference tells them: alerts about lost events and
// dashboards count on its names.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "source/source.h"

namespace gyr {

// Of events lost because a ring was full: what their call does.
enum class LossKind : uint8_t {
  CloneFork,
  Execve,
  Connect,
  Open,
  DirFile,        // names, links, modes and owners of files, directories, copies of descriptors
  OtherInterest,  // other calls with an event of their own that are not about data
  Close,
  Proc,   // the end of a process
  Other,  // none of these
};
inline constexpr size_t kLossKinds = 9;
// As part of the reference's names, "clone_fork" …; "" for Other, which has none there.
std::string_view loss_kind_name(LossKind kind);

struct LossSummary {
  uint64_t events = 0;  // that were wanted, lost ones included
  uint64_t total = 0;
  uint64_t buffer = 0;  // a ring was full, or half full and the process one of those that talk most
  std::array<uint64_t, kLossKinds> by_kind{};  // of these
  uint64_t too_big = 0;                        // the reference: scratch_map
  uint64_t bug = 0;  // the probe was skipped, or in the middle of another event, or lost its thread
  uint64_t of(LossKind kind) const { return by_kind[static_cast<size_t>(kind)]; }
};
LossSummary summarise_losses(const SourceCounters& counters);

}  // namespace gyr
