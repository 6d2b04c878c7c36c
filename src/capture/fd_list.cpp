// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "capture/format.h"
#include "capture/lists.h"

namespace gyr::capture {
namespace {

// How a kind is stored; the names are those of schema/fd_kinds.def.
enum class Layout : uint8_t { Never, Name, Ipv4, Ipv6, Ipv4Server, Ipv6Server, Unix, File };
constexpr auto kLayouts = std::to_array<Layout>({
#define GYR_LAYOUT_never Layout::Never
#define GYR_LAYOUT_name Layout::Name
#define GYR_LAYOUT_ipv4 Layout::Ipv4
#define GYR_LAYOUT_ipv6 Layout::Ipv6
#define GYR_LAYOUT_ipv4_server Layout::Ipv4Server
#define GYR_LAYOUT_ipv6_server Layout::Ipv6Server
#define GYR_LAYOUT_unix Layout::Unix
#define GYR_LAYOUT_file Layout::File
#define GYR_FD_KIND(number, kind, letter, text, category, stored, link) GYR_LAYOUT_##stored,
#include "schema/fd_kinds.def"
#undef GYR_FD_KIND
});

Layout layout_of(size_t kind) { return kind < kLayouts.size() ? kLayouts[kind] : Layout::Never; }

void read_ip(EntryReader& in, std::array<uint8_t, 16>& ip, size_t size) {
  const Bytes bytes = in.take(size);
  std::copy(bytes.begin(), bytes.end(), ip.begin());
}

void read_connection(EntryReader& in, SnapshotFd& fd, size_t ip_size) {
  read_ip(in, fd.source_ip, ip_size);
  read_ip(in, fd.dest_ip, ip_size);
  fd.source_port = in.read<uint16_t>();
  fd.dest_port = in.read<uint16_t>();
  fd.l4 = in.read<uint8_t>();
}

void read_listener(EntryReader& in, SnapshotFd& fd, size_t ip_size) {
  read_ip(in, fd.source_ip, ip_size);
  fd.source_port = in.read<uint16_t>();
  fd.l4 = in.read<uint8_t>();
}

void put_ip(EntryWriter& out, const std::array<uint8_t, 16>& ip, size_t size) {
  out.put_bytes(Bytes(ip).first(size));
}

void write_connection(EntryWriter& out, const SnapshotFd& fd, size_t ip_size) {
  put_ip(out, fd.source_ip, ip_size);
  put_ip(out, fd.dest_ip, ip_size);
  out.put(fd.source_port);
  out.put(fd.dest_port);
  out.put(fd.l4);
}

void write_listener(EntryWriter& out, const SnapshotFd& fd, size_t ip_size) {
  put_ip(out, fd.source_ip, ip_size);
  out.put(fd.source_port);
  out.put(fd.l4);
}

std::string read_name(EntryReader& in) { return in.text(kMaxFdName, "the descriptor's name"); }

void read_unknown(EntryReader& in, SnapshotFd& fd, uint8_t number, uint8_t version) {
  if (version < 2) in.fail(fmt::format("its descriptor is of the unknown kind {}", number));
  fd.kind = FdKind::Unsupported;
  fd.name = fmt::format("unknown-type:[{}]", number);
}

}  // namespace

SnapshotFd read_fd(EntryReader& in, uint8_t version) {
  SnapshotFd fd;
  fd.fd = in.read<int64_t>();
  fd.ino = in.read<uint64_t>();
  const auto number = in.read<uint8_t>();
  if (!in.ok()) return fd;
  fd.kind = layout_of(number) == Layout::Never ? FdKind::Unknown : static_cast<FdKind>(number);
  switch (layout_of(number)) {
    case Layout::Never:
      read_unknown(in, fd, number, version);
      break;
    case Layout::Name:
      fd.name = read_name(in);
      break;
    case Layout::Ipv4:
      read_connection(in, fd, 4);
      break;
    case Layout::Ipv6:
      read_connection(in, fd, 16);
      break;
    case Layout::Ipv4Server:
      read_listener(in, fd, 4);
      break;
    case Layout::Ipv6Server:
      read_listener(in, fd, 16);
      break;
    case Layout::Unix:
      fd.unix_source = in.read<uint64_t>();
      fd.unix_dest = in.read<uint64_t>();
      fd.name = read_name(in);
      break;
    case Layout::File:
      fd.open_flags = in.read<uint32_t>();
      fd.name = read_name(in);
      if (version >= 2) fd.dev = in.read_if_there<uint32_t>(0);
      break;
  }
  return fd;
}

bool has_layout(FdKind kind) { return layout_of(static_cast<size_t>(kind)) != Layout::Never; }

void write_fd(EntryWriter& out, const SnapshotFd& fd) {
  out.put(fd.fd);
  out.put(fd.ino);
  out.put(static_cast<uint8_t>(fd.kind));
  switch (layout_of(static_cast<size_t>(fd.kind))) {
    case Layout::Never:
      break;
    case Layout::Name:
      out.text(fd.name, kMaxFdName);
      break;
    case Layout::Ipv4:
      write_connection(out, fd, 4);
      break;
    case Layout::Ipv6:
      write_connection(out, fd, 16);
      break;
    case Layout::Ipv4Server:
      write_listener(out, fd, 4);
      break;
    case Layout::Ipv6Server:
      write_listener(out, fd, 16);
      break;
    case Layout::Unix:
      out.put(fd.unix_source);
      out.put(fd.unix_dest);
      out.text(fd.name, kMaxFdName);
      break;
    case Layout::File:
      out.put(fd.open_flags);
      out.text(fd.name, kMaxFdName);
      out.put(fd.dev);
      break;
  }
}

}  // namespace gyr::capture
