// SPDX-License-Identifier: Apache-2.0
#include "source/fd_facts.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "source/machine.h"

namespace gyr {

uint32_t portable_flags(uint32_t flags) {
  struct Pair {
    uint32_t from, to;
  };
  static constexpr std::array kPairs{
      Pair{O_CREAT, 4},       Pair{O_APPEND, 8},    Pair{O_DSYNC, 16},   Pair{O_EXCL, 32},
      Pair{O_NONBLOCK, 64},   Pair{O_TRUNC, 256},   Pair{O_DIRECT, 512}, Pair{O_DIRECTORY, 1024},
      Pair{kLargefile, 2048}, Pair{O_CLOEXEC, 4096}};
  constexpr uint32_t kSync = O_SYNC, kTmpfile = O_TMPFILE;
  const uint32_t access = flags & O_ACCMODE;
  uint32_t out = access == O_RDONLY ? 1 : access == O_WRONLY ? 2 : 3;
  for (const Pair& pair : kPairs) {
    if (flags & pair.from) out |= pair.to;
  }
  if ((flags & kSync) == kSync) out |= 128;
  if ((flags & kTmpfile) == kTmpfile) out |= 8192;
  return out;
}

FdKind kind_of_anonymous(std::string_view link) {
  struct Known {
    std::string_view link;
    FdKind kind;
  };
  static constexpr std::array kKnown{
#define GYR_FD_KIND(number, name, letter, text, category, stored, link) Known{link, FdKind::name},
#include "schema/fd_kinds.def"
#undef GYR_FD_KIND
  };
  for (const Known& known : kKnown) {
    // Some kernels write the names without the brackets and the other way round.
    if (!known.link.empty() && link.starts_with(known.link)) return known.kind;
  }
  return FdKind::Unsupported;
}

uint32_t portable_device(uint64_t device) { return encode_device(major(device), minor(device)); }

void set_internet_kind(bool v6, SnapshotFd* fd) {
  const bool server =
      std::all_of(fd->dest_ip.begin(), fd->dest_ip.end(), [](uint8_t byte) { return byte == 0; });
  fd->kind = v6       ? server ? FdKind::Ipv6Server : FdKind::Ipv6
             : server ? FdKind::Ipv4Server
                      : FdKind::Ipv4;
}

void keep_common_flags(SnapshotFd* fd) {
  if (fd->kind == FdKind::EventPoll || fd->kind == FdKind::MemFd) fd->open_flags &= kOpenCloexec;
}

}  // namespace gyr
