// SPDX-License-Identifier: Apache-2.0
#include "source/iter_records.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "iter_shared.h"
//
#include "source/fd_facts.h"
#include "state/fd.h"

namespace gyr {
namespace {

constexpr uint8_t kTcpClose = 7;                                // of the kernel's states of TCP
constexpr uint64_t kSockFs = 0x534f434b, kPipeFs = 0x50495045;  // linux/magic.h

Error damaged(size_t at, uint64_t size) {
  return {fmt::format("the kernel's list is damaged: a record of {} bytes at byte {}", size, at)};
}

// Calls `use` with each whole record, which has at least `header` bytes; false: it is damaged.
template <class Use>
Result<size_t> each_record(std::span<const uint8_t> bytes, size_t header, size_t most,
                           const Use& use) {
  size_t at = 0;
  while (bytes.size() - at >= sizeof(uint32_t)) {
    uint32_t size = 0;
    std::memcpy(&size, bytes.data() + at, sizeof size);
    if (size < header || size > most) return damaged(at, size);
    if (bytes.size() - at < size) break;
    if (!use(bytes.subspan(at, size))) return damaged(at, size);
    at += size;
  }
  return at;
}

// Whether stat(2) tells the inode's own number and the device of its superblock although the file
// system answers it itself.
bool has_plain_numbers(uint64_t magic) {
  static constexpr std::array<uint64_t, 22> kPlain{0xef53,     0x58465342, 0x01021994, 0x858458f6,
                                                   0x9fa0,     0x62656572, 0x27e0eb,   0x63677270,
                                                   0x64626720, 0x74726163, 0xf2f52010, 0x1cd1,
                                                   0x958458f6, 0x09041934, kPipeFs,    kSockFs,
                                                   0x6e736673, 0x50494446, 0x19800202, 0xcafe4a11,
                                                   0x73717368, 0x5345434d};  // linux/magic.h: ext4,
                                                                             // xfs, tmpfs, ramfs,
  // proc, sysfs, cgroup, cgroup2, debugfs, tracefs, f2fs, devpts, hugetlbfs, anonymous inodes,
  // pipes, sockets, namespaces, pidfs, mqueue, bpf, squashfs, secret memory
  return std::find(kPlain.begin(), kPlain.end(), magic) != kPlain.end();
}

std::optional<L4> internet_protocol(const gyr_file_record& record) {
  if (record.type == SOCK_RAW) return record.number != 0 ? std::optional(L4::Raw) : std::nullopt;
  if (record.type == SOCK_STREAM && record.protocol == IPPROTO_TCP) {
    return record.state != kTcpClose ? std::optional(L4::Tcp) : std::nullopt;
  }
  if (record.type == SOCK_DGRAM && record.protocol == IPPROTO_UDP) {
    return record.number != 0 ? std::optional(L4::Udp) : std::nullopt;
  }
  return std::nullopt;
}

bool set_internet(const gyr_file_record& record, SnapshotFd* fd) {
  const auto l4 = internet_protocol(record);
  if (!l4) return false;
  fd->l4 = static_cast<uint8_t>(*l4);
  std::memcpy(fd->source_ip.data(), record.source_ip, sizeof record.source_ip);
  std::memcpy(fd->dest_ip.data(), record.dest_ip, sizeof record.dest_ip);
  fd->source_port = *l4 == L4::Raw ? record.number : record.source_port;
  fd->dest_port = *l4 == L4::Raw ? 0 : record.dest_port;
  set_internet_kind(record.family == AF_INET6, fd);
  return true;
}

// As /proc/net/unix writes it: each NUL of an abstract address is an @; a path's last NUL goes.
std::string unix_name(std::string_view address) {
  if (address.empty()) return "";
  if (address.front() != '\0') {
    if (address.back() == '\0') address.remove_suffix(1);
  }
  std::string name(address);
  std::replace(name.begin(), name.end(), '\0', '@');
  return name;
}

bool set_socket(const gyr_file_record& record, std::string_view name, SnapshotFd* fd) {
  switch (record.family) {
    case AF_INET:
    case AF_INET6:
      return set_internet(record, fd);
    case AF_UNIX:
      fd->kind = FdKind::Unix;
      fd->unix_source = record.socket;
      fd->unix_dest = record.peer;
      fd->name = unix_name(name);
      return true;
    case AF_NETLINK:
      fd->kind = FdKind::Netlink;
      return record.bound != 0;
    default:
      return false;
  }
}

}  // namespace

Result<size_t> parse_tasks(std::span<const uint8_t> bytes, const TakeTask& take) {
  constexpr size_t kSize = sizeof(gyr_task_record);
  return each_record(bytes, kSize, kSize, [&](std::span<const uint8_t> one) {
    gyr_task_record record;
    std::memcpy(&record, one.data(), kSize);
    take(record);
    return true;
  });
}

Result<size_t> parse_files(std::span<const uint8_t> bytes, const TakeFile& take) {
  constexpr size_t kSize = sizeof(gyr_file_record);
  return each_record(bytes, kSize, kSize + GYR_NAME_MAX, [&](std::span<const uint8_t> one) {
    gyr_file_record record;
    std::memcpy(&record, one.data(), kSize);
    if (record.name_size != one.size() - kSize) return false;
    take(record, {reinterpret_cast<const char*>(one.data()) + kSize, record.name_size});
    return true;
  });
}

void set_file_kind(uint32_t mode, std::string_view link, SnapshotFd* fd) {
  fd->name = link;
  if (link.starts_with(kAnonymous)) {
    fd->kind = kind_of_anonymous(link);
    fd->name.clear();
    fd->dev = 0;
  } else if ((mode & S_IFMT) == S_IFIFO) {
    fd->kind = FdKind::Fifo;
    fd->dev = 0;
  } else {
    fd->kind = (mode & S_IFMT) == S_IFDIR ? FdKind::Directory : FdKind::FileV2;
    if (link.starts_with(kMemoryFile)) fd->kind = FdKind::MemFd;
  }
  keep_common_flags(fd);
}

ListedFd describe(const gyr_file_record& record, std::string_view name) {
  SnapshotFd fd;
  fd.tid = record.pid;
  fd.fd = record.fd;
  fd.ino = record.ino;
  fd.mount_id = record.mount_id;
  fd.open_flags = portable_flags(record.flags);
  ListedFd listed;
  if (record.kind == GYR_FILE_SOCKET) {
    if (set_socket(record, name, &fd)) listed.fd = std::move(fd);
    return listed;
  }
  // A unix socket's place in the file system, opened for its path alone: /proc knows no such
  // socket.
  if ((record.mode & S_IFMT) == S_IFSOCK) return listed;
  fd.dev = encode_device(record.device >> 20, record.device & 0xfffff);
  std::string pipe;
  if (record.has_name == 0 && record.magic == kPipeFs)
    name = pipe = fmt::format("pipe:[{}]", fd.ino);
  listed.lacks_name = record.has_name == 0 && pipe.empty();
  listed.lacks_numbers = record.has_getattr != 0 && !has_plain_numbers(record.magic);
  set_file_kind(record.mode, name, &fd);
  listed.fd = std::move(fd);
  return listed;
}

}  // namespace gyr
