// SPDX-License-Identifier: Apache-2.0
// The reader of the kernel's lists: records that arrive in pieces, lengths that lie, and what a
// descriptor is called.
#include "source/iter_records.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstring>
#include <string>
#include <vector>

#include "iter_shared.h"

namespace gyr::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Buffer = std::vector<uint8_t>;
using namespace std::string_view_literals;

template <class Record>
void append(Buffer* to, const Record& record, std::string_view name = "") {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&record);
  to->insert(to->end(), bytes, bytes + sizeof record);
  to->insert(to->end(), name.begin(), name.end());
}

gyr_task_record task(int32_t tid) {
  gyr_task_record record{};
  record.size = sizeof record;
  record.tid = tid;
  return record;
}

gyr_file_record file(uint32_t fd, std::string_view name) {
  gyr_file_record record{};
  record.size = static_cast<uint32_t>(sizeof record + name.size());
  record.name_size = static_cast<uint32_t>(name.size());
  record.pid = 7;
  record.fd = fd;
  record.mode = S_IFREG | 0600;
  record.magic = 0xef53;
  record.has_name = 1;
  return record;
}

Buffer files(std::initializer_list<std::pair<uint32_t, std::string_view>> all) {
  Buffer bytes;
  for (const auto& [fd, name] : all) append(&bytes, file(fd, name), name);
  return bytes;
}

std::vector<std::string> names_in(std::span<const uint8_t> bytes, size_t* used) {
  std::vector<std::string> names;
  const auto parsed = parse_files(bytes, [&](const gyr_file_record& record, std::string_view name) {
    names.push_back(std::to_string(record.fd) + std::string(name));
  });
  EXPECT_TRUE(parsed) << parsed.error().message;
  *used = parsed.value_or(0);
  return names;
}

// Whatever the bytes say, nothing is taken from a list that is refused at its first record.
std::string refusal_of_files(const Buffer& bytes) {
  const auto parsed =
      parse_files(bytes, [](const auto&, auto) { ADD_FAILURE() << "a damaged record was taken"; });
  return parsed ? "" : parsed.error().message;
}

TEST(IterRecords, whole_records_are_taken_and_a_rest_is_left) {
  const Buffer bytes = files({{3, "/a"}, {4, ""}, {5, "/some/where"}});
  size_t used = 0;
  EXPECT_THAT(names_in(bytes, &used), ElementsAre("3/a", "4", "5/some/where"));
  EXPECT_EQ(used, bytes.size());
  const size_t two = sizeof(gyr_file_record) * 2 + 2;
  for (size_t size = 0; size < bytes.size(); ++size) {
    const size_t whole = size >= two ? 2 : size >= sizeof(gyr_file_record) + 2 ? 1 : 0;
    EXPECT_EQ(names_in(std::span(bytes).first(size), &used).size(), whole) << size;
    EXPECT_LE(used, size);
  }
}

TEST(IterRecords, threads_have_one_size) {
  Buffer bytes;
  append(&bytes, task(1));
  append(&bytes, task(2));
  bytes.resize(bytes.size() + 5, 0);
  std::memcpy(bytes.data() + bytes.size() - 5, bytes.data(), 5);
  std::vector<int> tids;
  const auto used =
      parse_tasks(bytes, [&](const gyr_task_record& one) { tids.push_back(one.tid); });
  ASSERT_TRUE(used);
  EXPECT_EQ(*used, 2 * sizeof(gyr_task_record));
  EXPECT_THAT(tids, ElementsAre(1, 2));
  for (const uint32_t size : {0u, 1u, uint32_t{sizeof(gyr_task_record)} - 1,
                              uint32_t{sizeof(gyr_task_record)} + 1, 0xffffffffu}) {
    std::memcpy(bytes.data(), &size, sizeof size);
    const auto refused =
        parse_tasks(bytes, [](const auto&) { ADD_FAILURE() << "a damaged record was taken"; });
    ASSERT_FALSE(refused) << size;
    EXPECT_THAT(refused.error().message, HasSubstr("damaged"));
  }
}

TEST(IterRecords, lengths_that_lie_are_refused) {
  const Buffer good = files({{3, "/a/path"}});
  const auto with = [&](size_t at, uint32_t value) {
    Buffer bytes = good;
    std::memcpy(bytes.data() + at, &value, sizeof value);
    return bytes;
  };
  const auto size = static_cast<uint32_t>(good.size());
  constexpr auto kHeader = uint32_t{sizeof(gyr_file_record)};
  for (const uint32_t wrong :
       {0u, 3u, kHeader - 1, kHeader + GYR_NAME_MAX + 1, 0x80000000u, 0xffffffffu}) {
    EXPECT_THAT(refusal_of_files(with(offsetof(gyr_file_record, size), wrong)),
                HasSubstr("damaged"))
        << wrong;
  }
  EXPECT_THAT(refusal_of_files(with(offsetof(gyr_file_record, size), size - 1)),
              HasSubstr("damaged"));
  for (const uint32_t wrong : {0u, size - kHeader - 1, size - kHeader + 1, 0xffffffffu}) {
    EXPECT_THAT(refusal_of_files(with(offsetof(gyr_file_record, name_size), wrong)),
                HasSubstr("damaged"))
        << wrong;
  }
  // What follows a good record is told apart from it.
  Buffer two = good;
  two.insert(two.end(), 8, 0xff);
  size_t taken = 0;
  const auto parsed = parse_files(two, [&](const auto&, auto) { ++taken; });
  EXPECT_FALSE(parsed);
  EXPECT_EQ(taken, 1u);
}

TEST(IterRecords, files_are_described_as_proc_shows_them) {
  struct Case {
    uint32_t mode;
    std::string_view link;
    FdKind kind;
    std::string_view name;
    bool has_device;
  };
  const Case cases[] = {
      {S_IFREG, "/etc/passwd", FdKind::FileV2, "/etc/passwd", true},
      {S_IFREG, "/tmp/x (deleted)", FdKind::FileV2, "/tmp/x (deleted)", true},
      {S_IFDIR, "/", FdKind::Directory, "/", true},
      {S_IFCHR, "/dev/null", FdKind::FileV2, "/dev/null", true},
      {S_IFREG, "/memfd:x (deleted)", FdKind::MemFd, "/memfd:x (deleted)", true},
      {S_IFIFO, "pipe:[9]", FdKind::Fifo, "pipe:[9]", false},
      {S_IFIFO, "/run/fifo", FdKind::Fifo, "/run/fifo", false},
      {0, "anon_inode:[eventfd]", FdKind::Event, "", false},
      {S_IFREG, "anon_inode:inotify", FdKind::Inotify, "", false},
      {0, "anon_inode:[nobody knows]", FdKind::Unsupported, "", false},
  };
  for (const Case& one : cases) {
    gyr_file_record record = file(3, one.link);
    record.mode = one.mode;
    record.ino = 9;
    record.device = (259u << 20) | 300;
    record.flags = O_RDWR | O_CLOEXEC;
    record.mount_id = 41;
    const ListedFd listed = describe(record, one.link);
    ASSERT_TRUE(listed.fd) << one.link;
    EXPECT_EQ(listed.fd->kind, one.kind) << one.link;
    EXPECT_EQ(listed.fd->name, one.name);
    EXPECT_EQ(listed.fd->dev, one.has_device ? 0x11032cu : 0u) << one.link;
    EXPECT_EQ(listed.fd->open_flags, one.kind == FdKind::MemFd ? 4096u : 4099u) << one.link;
    EXPECT_EQ(listed.fd->ino, 9u);
    EXPECT_EQ(listed.fd->mount_id, 41u);
    EXPECT_FALSE(listed.lacks_name || listed.lacks_numbers);
  }
}

TEST(IterRecords, what_the_kernel_cannot_tell_is_asked_for) {
  gyr_file_record record = file(3, "");
  record.has_name = 0;
  EXPECT_TRUE(describe(record, "").lacks_name);
  record.mode = S_IFIFO;
  record.magic = 0x50495045;
  record.ino = 12;
  EXPECT_FALSE(describe(record, "").lacks_name);
  EXPECT_EQ(describe(record, "").fd->name, "pipe:[12]");
  gyr_file_record overlay = file(3, "/x");
  overlay.magic = 0x794c7630;
  EXPECT_FALSE(describe(overlay, "/x").lacks_numbers);
  overlay.has_getattr = 1;
  EXPECT_TRUE(describe(overlay, "/x").lacks_numbers);
  overlay.magic = 0xef53;
  EXPECT_FALSE(describe(overlay, "/x").lacks_numbers);
}

gyr_file_record socket_of(uint16_t family, uint16_t type, uint16_t protocol) {
  gyr_file_record record = file(3, "");
  record.kind = GYR_FILE_SOCKET;
  record.mode = S_IFSOCK | 0777;
  record.family = family;
  record.type = type;
  record.protocol = protocol;
  record.number = 80;
  record.source_port = 80;
  record.dest_port = 4711;
  record.state = 1;
  record.dest_ip[0] = 127;
  return record;
}

TEST(IterRecords, sockets_that_no_table_of_proc_has_are_left_out) {
  struct Case {
    uint16_t family, type, protocol;
    bool told, told_closed, told_unbound;
  };
  const Case cases[] = {
      {AF_INET, SOCK_STREAM, IPPROTO_TCP, true, false, true},
      {AF_INET6, SOCK_STREAM, IPPROTO_TCP, true, false, true},
      {AF_INET, SOCK_DGRAM, IPPROTO_UDP, true, true, false},
      {AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, true, true, false},
      {AF_INET, SOCK_DGRAM, IPPROTO_ICMP, false, false, false},
      {AF_INET, SOCK_STREAM, 262, false, false, false},
      {AF_INET, SOCK_STREAM, IPPROTO_SCTP, false, false, false},
      {AF_PACKET, SOCK_RAW, 0, false, false, false},
      {AF_VSOCK, SOCK_STREAM, 0, false, false, false},
      {AF_UNIX, SOCK_STREAM, 0, true, true, true},
  };
  for (const Case& one : cases) {
    gyr_file_record record = socket_of(one.family, one.type, one.protocol);
    EXPECT_EQ(describe(record, "").fd.has_value(), one.told) << one.family << ' ' << one.protocol;
    record.state = 7;
    EXPECT_EQ(describe(record, "").fd.has_value(), one.told_closed) << one.family;
    record.state = 1;
    record.number = 0;
    EXPECT_EQ(describe(record, "").fd.has_value(), one.told_unbound) << one.family;
  }
  gyr_file_record path = file(3, "/run/socket");
  path.mode = S_IFSOCK;
  EXPECT_FALSE(describe(path, "/run/socket").fd);
  gyr_file_record link = socket_of(AF_NETLINK, SOCK_RAW, 0);
  EXPECT_FALSE(describe(link, "").fd);
  link.bound = 1;
  EXPECT_EQ(describe(link, "").fd->kind, FdKind::Netlink);
}

TEST(IterRecords, internet_sockets_have_kinds_and_ports) {
  gyr_file_record record = socket_of(AF_INET, SOCK_STREAM, IPPROTO_TCP);
  EXPECT_EQ(describe(record, "").fd->kind, FdKind::Ipv4);
  EXPECT_EQ(describe(record, "").fd->l4, 2);
  EXPECT_EQ(describe(record, "").fd->dest_port, 4711);
  record.dest_ip[0] = 0;
  EXPECT_EQ(describe(record, "").fd->kind, FdKind::Ipv4Server);
  record.family = AF_INET6;
  EXPECT_EQ(describe(record, "").fd->kind, FdKind::Ipv6Server);
  record = socket_of(AF_INET, SOCK_RAW, 253);
  record.number = 253;
  EXPECT_EQ(describe(record, "").fd->source_port, 253) << "/proc shows the protocol there";
  EXPECT_EQ(describe(record, "").fd->dest_port, 0);
}

TEST(IterRecords, unix_sockets_are_called_as_proc_calls_them) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {""sv, ""},
      {"/run/a socket\0"sv, "/run/a socket"},
      {"/run/without its NUL"sv, "/run/without its NUL"},
      {"\0abstract"sv, "@abstract"},
      {"\0with\0NULs\0"sv, "@with@NULs@"},
      {"\0"sv, "@"},
  };
  for (const auto& [address, name] : cases) {
    gyr_file_record record = socket_of(AF_UNIX, SOCK_STREAM, 0);
    record.socket = 0xffff888000000040;
    record.peer = 0xffff888000000080;
    const ListedFd listed = describe(record, address);
    ASSERT_TRUE(listed.fd);
    EXPECT_EQ(listed.fd->kind, FdKind::Unix);
    EXPECT_EQ(listed.fd->name, name);
    EXPECT_EQ(listed.fd->unix_source, record.socket);
    EXPECT_EQ(listed.fd->unix_dest, record.peer);
  }
}

}  // namespace
}  // namespace gyr::test
