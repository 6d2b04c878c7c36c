// SPDX-License-Identifier: Apache-2.0
#include "capture/format.h"

#include <algorithm>
#include <array>

namespace gyr::capture {
namespace {

struct Row {
  uint32_t number;
  BlockInfo info;
};

// The numbers above 0x80000000 come from collectors older than the first release.
constexpr auto kRows = std::to_array<Row>({
    {kSectionHeader, {BlockKind::Section}},
    {kMachineInfo, {BlockKind::Machine}},
    {0x8002ABCD, {BlockKind::Machine}},
    {0x202, {BlockKind::Processes, 1}},
    {0x8000ABCD, {BlockKind::Processes, 1}},
    {0x207, {BlockKind::Processes, 2}},
    {0x8013ABCD, {BlockKind::Processes, 2}},
    {0x209, {BlockKind::Processes, 3}},
    {0x8014ABCD, {BlockKind::Processes, 3}},
    {0x210, {BlockKind::Processes, 4}},
    {0x211, {BlockKind::Processes, 5}},
    {0x212, {BlockKind::Processes, 6}},
    {0x213, {BlockKind::Processes, 7}},
    {0x214, {BlockKind::Processes, 8}},
    {kProcessListV9, {BlockKind::Processes, 9}},
    {0x203, {BlockKind::Fds, 1}},
    {0x8001ABCD, {BlockKind::Fds, 1}},
    {kFdListV2, {BlockKind::Fds, 2}},
    {0x205, {BlockKind::Interfaces, 1}},
    {0x8011ABCD, {BlockKind::Interfaces, 1}},
    {kInterfaceListV2, {BlockKind::Interfaces, 2}},
    {0x206, {BlockKind::Users, 1}},
    {0x8012ABCD, {BlockKind::Users, 1}},
    {kUserListV2, {BlockKind::Users, 2}},
    {0x204, {BlockKind::Event, 1}},
    {0x8010ABCD, {BlockKind::Event, 1}},
    {kEventV2, {BlockKind::Event, 2}},
    {kEventLargeV2, {BlockKind::Event, 2, false, true}},
    {0x208, {BlockKind::Event, 1, true}},
    {kEventFlagsV2, {BlockKind::Event, 2, true}},
    {kEventFlagsLargeV2, {BlockKind::Event, 2, true, true}},
});

}  // namespace

BlockInfo block_info(uint32_t number) {
  const auto* row = std::ranges::find(kRows, number, &Row::number);
  return row == kRows.end() ? BlockInfo{} : row->info;
}

}  // namespace gyr::capture
