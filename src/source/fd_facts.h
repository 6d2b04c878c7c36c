// SPDX-License-Identifier: Apache-2.0
// What a descriptor's numbers and its name in /proc mean, however they were learnt.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "event/snapshot.h"

namespace gyr {

// From the kernel's O_* bits to those of captures (flags.def, file_flags).
uint32_t portable_flags(uint32_t flags);

// By the text of a link that starts with "anon_inode:".
inline constexpr std::string_view kAnonymous = "anon_inode:";
FdKind kind_of_anonymous(std::string_view link);

inline constexpr std::string_view kMemoryFile = "/memfd:";

// The kernel's encoding of a device number, as in events.
constexpr uint32_t encode_device(uint32_t major_number, uint32_t minor_number) {
  return (minor_number & 0xff) | major_number << 8 | (minor_number & ~0xffu) << 12;
}

uint32_t portable_device(uint64_t device);  // from what stat(2) gives

// Of a socket with addresses: one without a peer counts as a server's.
void set_internet_kind(bool v6, SnapshotFd* fd);

// Some kinds have flags of their own, whose first bit is not "for reading".
void keep_common_flags(SnapshotFd* fd);

}  // namespace gyr
