// SPDX-License-Identifier: Apache-2.0
// The lists at the start of a capture, made by hand in every version.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "capture/capture_builder.h"
#include "capture/read_all.h"

namespace gyr::test {
namespace {

using testing::HasSubstr;

std::string with_event(std::string_view blocks) {
  return section().append(blocks) +
         event_block({static_cast<uint16_t>(Ev::CLOSE_X), {le<int64_t>(0), le<int64_t>(3)}});
}

Snapshot snapshot_of(std::string_view blocks) {
  const Outcome outcome = read_all(with_event(blocks));
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.events.size(), 1u);
  return outcome.sections.empty() ? Snapshot() : outcome.sections[0];
}

std::string error_of(std::string_view blocks) { return read_all(with_event(blocks)).error; }

// A process as list version `version` stores it, up to the optional tail.
std::string process(int version, int64_t tid = 100, std::string_view comm = "comm",
                    std::string_view args = std::string_view("-a\0-b\0", 6)) {
  Raw raw;
  raw.i64(tid).i64(50).i64(1);
  if (version >= 6) raw.i64(60);
  if (version >= 8) raw.i64(70);
  raw.text(comm).text("exe");
  if (version >= 7) raw.text("/bin/exe");
  raw.text(args).text("/cwd").i64(1024).u32(0x10).u32(1000).u32(1001);
  if (version >= 2) raw.u32(11).u32(12).u32(13).u64(14).u64(15);
  if (version >= 3) raw.text("A=1");
  if (version >= 4) raw.i64(5).i64(6).text("cpu=/x");
  if (version >= 5) raw.text("/root");
  return raw.bytes;
}

TEST(CaptureLists, ProcessesOfEveryVersion) {
  const struct {
    uint32_t number;
    int version;
  } cases[] = {{0x202, 1}, {0x8000ABCD, 1}, {0x207, 2}, {0x8013ABCD, 2},
               {0x209, 3}, {0x8014ABCD, 3}, {0x210, 4}, {0x211, 5},
               {0x212, 6}, {0x213, 7},      {0x214, 8}, {0x215, 9}};
  for (const auto& [number, version] : cases) {
    SCOPED_TRACE(version);
    std::string first = process(version);
    std::string second = process(version, 101);
    if (version >= 9) {
      first = sized(first);
      second = sized(second);
    }
    const Snapshot snapshot = snapshot_of(block(number, first + second));
    ASSERT_EQ(snapshot.threads.size(), 2u);
    EXPECT_EQ(snapshot.threads[1].tid, 101);
    const SnapshotThread& thread = snapshot.threads[0];
    EXPECT_EQ(thread.tid, 100);
    EXPECT_EQ(thread.pid, 50);
    EXPECT_EQ(thread.ptid, 1);
    EXPECT_EQ(thread.sid, version >= 6 ? 60 : -1);
    EXPECT_EQ(thread.vpgid, version >= 8 ? 70 : -1);
    EXPECT_EQ(thread.comm, "comm");
    EXPECT_EQ(thread.exe, "exe");
    EXPECT_EQ(thread.exepath, version >= 7 ? "/bin/exe" : "");
    EXPECT_EQ(thread.args, std::string("-a\0-b\0", 6));
    EXPECT_EQ(thread.cwd, "/cwd");
    EXPECT_EQ(thread.fdlimit, 1024);
    EXPECT_EQ(thread.flags, 0x10u);
    EXPECT_EQ(thread.uid, 1000u);
    EXPECT_EQ(thread.gid, 1001u);
    EXPECT_EQ(thread.vmsize_kb, version >= 2 ? 11u : 0u);
    EXPECT_EQ(thread.pfminor, version >= 2 ? 15u : 0u);
    EXPECT_EQ(thread.env, version >= 3 ? std::string("A=1\0", 4) : "");
    EXPECT_EQ(thread.vtid, version >= 4 ? 5 : -1);
    EXPECT_EQ(thread.cgroups, version >= 4 ? std::string("cpu=/x\0", 7) : "");
    EXPECT_EQ(thread.root, version >= 5 ? "/root" : "");
    EXPECT_EQ(thread.loginuid, kNoId);
    EXPECT_EQ(thread.pgid, -1);
  }
}

TEST(CaptureLists, TheTailOfAProcessEndsAnywhere) {
  const std::string tail = Raw()
                               .u64(1)
                               .u32(2)
                               .u32(3)
                               .u8(1)
                               .u64(4)
                               .u64(5)
                               .u64(6)
                               .u8(1)
                               .u64(7)
                               .u64(8)
                               .u64(9)
                               .u8(1)
                               .u8(1)
                               .i64(10)
                               .bytes;
  const auto thread_of = [](std::string_view bytes) {
    const std::string entry = process(9).append(bytes);
    // A second entry proves that the first one's end was found.
    const Snapshot snapshot = snapshot_of(block(0x215, sized(entry) + sized(process(9, 101))));
    EXPECT_EQ(snapshot.threads.size(), 2u);
    return snapshot.threads.at(0);
  };
  for (size_t size = 30; size <= tail.size(); ++size) {
    const SnapshotThread thread = thread_of(std::string_view(tail).substr(0, size));
    EXPECT_EQ(thread.pidns_init_start_ts_ns, 1u);
    EXPECT_EQ(thread.tty, 2u);
    EXPECT_EQ(thread.loginuid, 3u);
    EXPECT_EQ(thread.exe_writable, true);
    EXPECT_EQ(thread.cap_inheritable, size >= 25 ? 4u : 0u);
    EXPECT_EQ(thread.cap_effective, size >= 41 ? 6u : 0u);
    EXPECT_EQ(thread.exe_upper_layer, size >= 42);
    EXPECT_EQ(thread.exe_ino_mtime_ns, size >= 66 ? 9u : 0u);
    EXPECT_EQ(thread.exe_lower_layer, size >= 68);
    EXPECT_EQ(thread.pgid, size >= 76 ? 10 : -1);
  }
  EXPECT_EQ(thread_of(tail + "what a newer writer appends").pgid, 10);
  // Before pidns_init_start_ts and tty were put in front, at most 29 bytes were there.
  const std::string old = Raw().u32(3).u8(1).u64(4).u64(5).u64(6).bytes;
  ASSERT_EQ(old.size(), 29u);
  for (size_t size = 0; size <= old.size(); ++size) {
    const SnapshotThread thread = thread_of(std::string_view(old).substr(0, size));
    EXPECT_EQ(thread.tty, 0u);
    EXPECT_EQ(thread.loginuid, size >= 4 ? 3u : kNoId);
    EXPECT_EQ(thread.exe_writable, size >= 5);
    EXPECT_EQ(thread.cap_effective, size >= 29 ? 6u : 0u);
  }
}

TEST(CaptureLists, ATailLargerThanTheWindowIsPassedOver) {
  const std::string entry = process(9) + std::string(400'000, 't');
  EXPECT_EQ(snapshot_of(block(0x215, sized(entry) + sized(process(9, 101)))).threads.size(), 2u);
}

TEST(CaptureLists, ManyProcessesPassThroughTheWindow) {
  std::string list;
  for (int64_t tid = 0; tid < 20'000; ++tid) list += process(6, tid);
  const Snapshot snapshot = snapshot_of(block(0x212, list));
  ASSERT_EQ(snapshot.threads.size(), 20'000u);
  for (int64_t tid = 0; tid < 20'000; ++tid) {
    ASSERT_EQ(snapshot.threads[static_cast<size_t>(tid)].tid, tid);
  }
}

std::string fd_entry(uint8_t kind, std::string_view data, int64_t fd = 3) {
  return Raw().i64(fd).u64(77).u8(kind).raw(data).bytes;
}

std::string fd_block(int version, std::initializer_list<std::string> entries, int64_t tid = 9) {
  Raw body;
  body.i64(tid);
  for (const std::string& entry : entries) body.raw(version == 2 ? sized(entry) : entry);
  return block(version == 2 ? 0x218 : 0x203, body.bytes);
}

TEST(CaptureLists, DescriptorsOfEveryKind) {
  const std::string ip4("\x01\x02\x03\x04", 4);
  const std::string ip6(16, '\x06');
  for (const int version : {1, 2}) {
    SCOPED_TRACE(version);
    Raw file;
    file.u32(4097).text("/etc/x");
    if (version == 2) file.u32(0x801);
    const Snapshot snapshot = snapshot_of(fd_block(
        version, {fd_entry(3, Raw().raw(ip4).raw("\x05\x06\x07\x08").u16(1000).u16(80).u8(2).bytes),
                  fd_entry(4, Raw().raw(ip6).raw(ip6).u16(1).u16(2).u8(3).bytes),
                  fd_entry(5, Raw().raw(ip4).u16(53).u8(3).bytes),
                  fd_entry(6, Raw().raw(ip6).u16(54).u8(3).bytes),
                  fd_entry(8, Raw().u64(0xabc).u64(0xdef).text("/run/s").bytes),
                  fd_entry(16, file.bytes), fd_entry(7, Raw().text("pipe:[1]").bytes, -7)}));
    ASSERT_EQ(snapshot.fds.size(), 7u);
    EXPECT_EQ(snapshot.fd_tids, std::vector<int64_t>{9});
    const auto& fds = snapshot.fds;
    for (const SnapshotFd& fd : fds) EXPECT_EQ(fd.tid, 9);
    EXPECT_EQ(fds[0].kind, FdKind::Ipv4);
    EXPECT_EQ(fds[0].source_ip[3], 4);
    EXPECT_EQ(fds[0].dest_ip[0], 5);
    EXPECT_EQ(fds[0].source_port, 1000);
    EXPECT_EQ(fds[0].dest_port, 80);
    EXPECT_EQ(fds[0].l4, 2);
    EXPECT_EQ(fds[0].ino, 77u);
    EXPECT_EQ(fds[1].dest_ip[15], 6);
    EXPECT_EQ(fds[1].dest_port, 2);
    EXPECT_EQ(fds[2].kind, FdKind::Ipv4Server);
    EXPECT_EQ(fds[2].source_port, 53);
    EXPECT_EQ(fds[3].source_port, 54);
    EXPECT_EQ(fds[4].unix_dest, 0xdefu);
    EXPECT_EQ(fds[4].name, "/run/s");
    EXPECT_EQ(fds[5].open_flags, 4097u);
    EXPECT_EQ(fds[5].name, "/etc/x");
    EXPECT_EQ(fds[5].dev, version == 2 ? 0x801u : 0u);
    EXPECT_EQ(fds[6].fd, -7);
    EXPECT_EQ(fds[6].name, "pipe:[1]");
  }
}

TEST(CaptureLists, DescriptorsOfKindsToCome) {
  const std::string entry = fd_entry(200, "whatever it is");
  const Snapshot snapshot = snapshot_of(fd_block(2, {entry, fd_entry(7, Raw().text("p").bytes)}));
  ASSERT_EQ(snapshot.fds.size(), 2u);
  EXPECT_EQ(snapshot.fds[0].kind, FdKind::Unsupported);
  EXPECT_EQ(snapshot.fds[0].name, "unknown-type:[200]");
  EXPECT_THAT(error_of(fd_block(1, {entry})), HasSubstr("unknown kind 200"));
}

TEST(CaptureLists, AnEmptyDescriptorListIsRemembered) {
  const Snapshot snapshot = snapshot_of(fd_block(2, {}, 5) + fd_block(1, {}, 6));
  EXPECT_EQ(snapshot.fd_tids, (std::vector<int64_t>{5, 6}));
  EXPECT_TRUE(snapshot.fds.empty());
}

TEST(CaptureLists, MachineInterfacesAndUsers) {
  const std::string machine = Raw()
                                  .u32(8)
                                  .u64(1 << 30)
                                  .u64(32768)
                                  .raw("host")
                                  .zeros(124)
                                  .u64(123)
                                  .u64(4)
                                  .u64(0)
                                  .u64(0)
                                  .bytes;
  const std::string ip6(16, '\x06');
  const std::string v4 = Raw().u16(1).u16(4).raw("abcdefghijkl").u64(1000).raw("eth0").bytes;
  const std::string v6 = Raw().u16(2).u16(2).raw(ip6 + ip6 + ip6).u64(5).raw("v6").bytes;
  const std::string slow4 = Raw().u16(3).u16(2).raw("abcdefghijkl").raw("lo").bytes;
  const std::string slow6 = Raw().u16(4).u16(3).raw(ip6 + ip6 + ip6).raw("lo6").bytes;
  const std::string user = Raw().u8(0).u32(7).u32(8).text("bob").text("/home/bob").text("sh").bytes;
  const std::string group = Raw().u8(1).u32(9).text("wheel").bytes;
  for (const int version : {1, 2}) {
    SCOPED_TRACE(version);
    const bool v2 = version == 2;
    Raw interfaces;
    for (const auto& entry : {v4, v6, slow4, slow6}) {
      interfaces.raw(v2 ? sized(entry, false) : entry);
    }
    if (v2) interfaces.raw(sized(Raw().u16(9).raw("to come").bytes, false));
    Raw users;
    for (const auto& entry : {user, group}) users.raw(v2 ? sized(entry) : entry);
    if (v2) users.raw(sized(Raw().u8(9).raw("to come").bytes));
    const Snapshot snapshot = snapshot_of(block(v2 ? 0x201 : 0x8002ABCD, machine) +
                                          block(v2 ? 0x219 : 0x205, interfaces.bytes) +
                                          block(v2 ? 0x220 : 0x206, users.bytes));
    EXPECT_EQ(snapshot.machine.num_cpus, 8u);
    EXPECT_EQ(snapshot.machine.hostname, "host");
    EXPECT_EQ(snapshot.machine.boot_ts_ns, 123u);
    EXPECT_EQ(snapshot.machine.flags, 4u);
    ASSERT_EQ(snapshot.interfaces.size(), 4u);
    EXPECT_EQ(snapshot.interfaces[0].name, "eth0");
    EXPECT_EQ(snapshot.interfaces[0].linkspeed, 1000u);
    EXPECT_EQ(snapshot.interfaces[0].netmask[0], 'e');
    EXPECT_TRUE(snapshot.interfaces[1].v6);
    EXPECT_EQ(snapshot.interfaces[1].name, "v6");
    EXPECT_FALSE(snapshot.interfaces[2].has_linkspeed);
    EXPECT_EQ(snapshot.interfaces[3].name, "lo6");
    EXPECT_TRUE(snapshot.has_users);
    ASSERT_EQ(snapshot.users.size(), 1u);
    EXPECT_EQ(snapshot.users[0].home, "/home/bob");
    ASSERT_EQ(snapshot.groups.size(), 1u);
    EXPECT_EQ(snapshot.groups[0].name, "wheel");
  }
  EXPECT_FALSE(snapshot_of("").has_users);
}

TEST(CaptureLists, WhatIsTooLongOrCutOffIsRefused) {
  const std::string comm(1025, 'c');
  const std::string args(4097, 'a');
  const auto user = [](size_t size) {
    return Raw().u8(1).u32(1).text(std::string(size, 'g')).bytes;
  };
  const auto pipe = [](size_t size) {
    return fd_entry(7, Raw().text(std::string(size, 'p')).bytes);
  };
  const struct {
    std::string blocks, reason;
  } cases[] = {
      {block(0x212, process(6, 1, comm)), "the process name has 1025 bytes, more than 1024"},
      {block(0x212, process(6, 1, "c", args)), "the argument list has 4097 bytes, more than 4096"},
      {block(0x212, process(6).substr(0, 80)),
       "an entry of the process list is damaged: it is cut off"},
      {block(0x215, sized(process(9).substr(0, 80))), "it is cut off"},
      {block(0x215, Raw().u32(4000).raw(process(9)).bytes), "claims 4000 bytes where"},
      {block(0x215, Raw().u32(0).raw(process(9)).bytes), "claims 0 bytes where"},
      {block(0x215, Raw().u32(4).raw(process(9)).bytes), "claims 4 bytes where"},
      {fd_block(2, {pipe(1024)}), "the descriptor's name has 1024 bytes, more than 1023"},
      {block(0x218, "abcd"), "names no thread"},
      {block(0x220, sized(user(256))), "the group's name has 256 bytes, more than 255"},
      {block(0x206, Raw().u8(5).zeros(20).bytes), "unknown kind 5"},
      {block(0x205, Raw().u16(5).zeros(20).bytes), "unknown kind 5"},
      {block(0x219, Raw().u32(0xffffffff).zeros(20).bytes), "claims 4294967299 bytes"},
      {block(0x201, std::string(176, 'm')), "176 bytes of content instead of 180"},
  };
  for (const auto& c : cases) EXPECT_THAT(error_of(c.blocks), HasSubstr(c.reason));
  // The longest that is allowed.
  const std::string longest =
      block(0x212, process(6, 1, std::string(1024, 'c'), std::string(4096, 0))) +
      fd_block(2, {pipe(1023)}) + block(0x220, sized(user(255)));
  EXPECT_EQ(error_of(longest), "");
}

}  // namespace
}  // namespace gyr::test
