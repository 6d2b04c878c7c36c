// SPDX-License-Identifier: Apache-2.0
// The constants of the capture format that reader and writer share. A capture is a sequence of
// blocks: type u32, length u32 (of the whole block, a multiple of 4), body, zero padding, length
// again. Everything is little-endian and packed; the whole may be compressed with gzip. See
// docs/captures.md.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gyr::capture {

inline constexpr uint32_t kSectionHeader = 0x0A0D0D0A;
inline constexpr uint32_t kMagic = 0x1A2B3C4D;
inline constexpr uint16_t kVersionMajor = 1;
inline constexpr uint16_t kVersionMinor = 2;

// Blocks the writer makes. What else the reader takes is listed in block_info().
inline constexpr uint32_t kMachineInfo = 0x201;
inline constexpr uint32_t kProcessListV9 = 0x215;
inline constexpr uint32_t kFdListV2 = 0x218;
inline constexpr uint32_t kInterfaceListV2 = 0x219;
inline constexpr uint32_t kUserListV2 = 0x220;
inline constexpr uint32_t kEventV2 = 0x216;
inline constexpr uint32_t kEventFlagsV2 = 0x217;
inline constexpr uint32_t kEventLargeV2 = 0x221;
inline constexpr uint32_t kEventFlagsLargeV2 = 0x222;

enum class BlockKind : uint8_t {
  Unknown,
  Section,
  Machine,
  Processes,
  Fds,
  Interfaces,
  Users,
  Event,
};

// What a block number means.
struct BlockInfo {
  BlockKind kind = BlockKind::Unknown;
  uint8_t version = 1;
  bool flags = false;  // of an event: dump flags stand before the record
  bool large = false;  // of an event: not limited to kMaxEventBody
};
BlockInfo block_info(uint32_t number);

inline constexpr uint32_t kBlockHeader = 8;
inline constexpr uint32_t kBlockTrailer = 4;
inline constexpr uint32_t kBlockFrame = kBlockHeader + kBlockTrailer;
inline constexpr uint32_t kSectionHeaderMin = 28;
inline constexpr uint32_t kMachineInfoBody = 180;
inline constexpr size_t kHostnameSize = 128;

// Limits of the format.
inline constexpr uint32_t kMaxEventBody = 65536;  // body and trailer of a block that is not large
inline constexpr size_t kMaxPath = 1024;          // comm, exe, exepath, cwd, root
inline constexpr size_t kMaxList = 4096;          // args, env, cgroups
inline constexpr size_t kMaxFdName = 1023;
inline constexpr size_t kMaxUserText = 255;
inline constexpr size_t kMaxConverted = 65536;  // bytes of an upgraded event
inline constexpr size_t kEventHeaderV1 = 22;    // without the number of parameters

// Limits of ours, so that a hostile file cannot ask for all memory.
inline constexpr uint32_t kMaxLargeBlock = 256u << 20;
inline constexpr size_t kMaxEntry = 65536;       // known fields of one list entry end before it
inline constexpr size_t kMaxThreads = 1u << 22;  // the kernel's own limit of thread ids
inline constexpr size_t kMaxFds = 1u << 23;
inline constexpr size_t kMaxUsers = 1u << 20;
inline constexpr size_t kMaxInterfaces = 1u << 16;

}  // namespace gyr::capture
