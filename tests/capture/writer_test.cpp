// SPDX-License-Identifier: Apache-2.0
// What the writer stores, the reader gives back; and every write that fails is told.
#include "capture/writer.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "capture/capture_builder.h"
#include "capture/read_all.h"

namespace gyr::test {
namespace {

using testing::HasSubstr;

class CaptureWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/gyr_writer_XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path() const { return folder_ + "/out.scap"; }

  std::string folder_;
};

Snapshot full_snapshot() {
  Snapshot snapshot;
  snapshot.machine = {.num_cpus = 4,
                      .memory_bytes = 5,
                      .max_pid = 6,
                      .hostname = "host",
                      .boot_ts_ns = 7,
                      .flags = 8};
  SnapshotThread thread;
  thread.tid = 1, thread.pid = 2, thread.ptid = 3, thread.sid = 4, thread.vpgid = 5;
  thread.pgid = 6, thread.vtid = 7, thread.vpid = 8;
  thread.comm = "comm", thread.exe = "exe", thread.exepath = "/exe", thread.cwd = "/cwd";
  thread.root = "/r", thread.args = std::string("a\0b\0", 4), thread.env = std::string("E=1\0", 4);
  thread.cgroups = std::string("cpu=/\0", 6);
  thread.fdlimit = 9, thread.flags = 10, thread.uid = 11, thread.gid = 12;
  thread.vmsize_kb = 13, thread.vmrss_kb = 14, thread.vmswap_kb = 15;
  thread.pfmajor = 16, thread.pfminor = 17, thread.pidns_init_start_ts_ns = 18, thread.tty = 19;
  thread.loginuid = 20;
  thread.exe_writable = thread.exe_upper_layer = thread.exe_lower_layer = true;
  thread.exe_from_memfd = true;
  thread.cap_inheritable = 21, thread.cap_permitted = 22, thread.cap_effective = 23;
  thread.exe_ino = 24, thread.exe_ino_ctime_ns = 25, thread.exe_ino_mtime_ns = 26;
  snapshot.threads = {thread, SnapshotThread{}};
  snapshot.threads[1].tid = 2;
  snapshot.fd_tids = {2, 1};
  for (const FdKindInfo& kind : all_fd_kinds()) {
    if (kind.kind == FdKind::Unknown) continue;
    SnapshotFd fd;
    fd.tid = 1;
    fd.fd = static_cast<int64_t>(kind.kind);
    fd.kind = kind.kind;
    fd.ino = 77;
    snapshot.fds.push_back(fd);
  }
  for (SnapshotFd& fd : snapshot.fds) {
    const Category io = fd_kind_info(fd.kind).category;
    if (io == Category::Net) {
      fd.source_ip[0] = 1, fd.source_port = 3, fd.l4 = 2;
      const bool listens = fd.kind == FdKind::Ipv4Server || fd.kind == FdKind::Ipv6Server;
      if (!listens) fd.dest_ip[3] = 2, fd.dest_port = 4;
    } else {
      fd.name = "name";
    }
    if (fd.kind == FdKind::Unix) fd.unix_source = 5, fd.unix_dest = 6;
    if (fd.kind == FdKind::FileV2) fd.open_flags = 7, fd.dev = 8;
  }
  snapshot.interfaces.resize(4);
  for (size_t i = 0; i < 4; ++i) {
    SnapshotInterface& interface = snapshot.interfaces[i];
    interface.name = "if" + std::to_string(i);
    interface.v6 = i % 2 == 1;
    interface.address[0] = 10;
    interface.netmask[3] = interface.broadcast[2] = 255;
    interface.has_linkspeed = i < 2;
    interface.linkspeed = i < 2 ? 1000 : 0;
  }
  snapshot.users = {{1, 2, "bob", "/home/bob", "/bin/sh"}};
  snapshot.groups = {{3, "wheel"}};
  snapshot.has_users = true;
  return snapshot;
}

// Everything a snapshot says, as text, so that two can be compared and a difference read.
std::string describe(const Snapshot& s) {
  std::string text;
  const auto add = [&](const auto&... values) {
    ((text += testing::PrintToString(values) + " "), ...);
  };
  const MachineInfo& m = s.machine;
  add(m.num_cpus, m.memory_bytes, m.max_pid, m.hostname, m.boot_ts_ns, m.flags, s.has_users,
      s.fd_tids);
  for (const SnapshotThread& t : s.threads) {
    text += "\nthread ";
    add(t.tid, t.pid, t.ptid, t.sid, t.vpgid, t.pgid, t.vtid, t.vpid, t.comm, t.exe, t.exepath,
        t.cwd);
    add(t.root, t.args, t.env, t.cgroups, t.fdlimit, t.flags, t.uid, t.gid, t.vmsize_kb,
        t.vmrss_kb);
    add(t.vmswap_kb, t.pfmajor, t.pfminor, t.pidns_init_start_ts_ns, t.tty, t.loginuid);
    add(t.exe_writable, t.exe_upper_layer, t.exe_lower_layer, t.exe_from_memfd, t.cap_inheritable);
    add(t.cap_permitted, t.cap_effective, t.exe_ino, t.exe_ino_ctime_ns, t.exe_ino_mtime_ns);
  }
  for (const SnapshotFd& f : s.fds) {
    text += "\nfd ";
    add(f.tid, f.fd, static_cast<int>(f.kind), f.ino, f.name, f.open_flags, f.dev, f.source_ip,
        f.dest_ip);
    add(f.source_port, f.dest_port, f.l4, f.unix_source, f.unix_dest);
  }
  for (const SnapshotInterface& i : s.interfaces) {
    text += "\ninterface ";
    add(i.name, i.v6, i.address, i.netmask, i.broadcast, i.linkspeed, i.has_linkspeed);
  }
  for (const SnapshotUser& u : s.users) add("\nuser", u.uid, u.gid, u.name, u.home, u.shell);
  for (const SnapshotGroup& g : s.groups) add("\ngroup", g.gid, g.name);
  return text;
}

Record as_record(const std::string& bytes, uint16_t cpu = 0, uint32_t flags = 0) {
  return {as_bytes(bytes), cpu, flags};
}

const Event kClose{static_cast<uint16_t>(Ev::CLOSE_X), {le<int64_t>(0), le<int64_t>(3)}};

TEST_F(CaptureWriterTest, StateAndEventsComeBack) {
  const std::string small = record(kClose);
  const std::string large = record(
      {static_cast<uint16_t>(Ev::PLUGINEVENT_E), {le<uint32_t>(1), std::string(300'000, 'x')}, -1},
      4);
  std::string odd_size = record({static_cast<uint16_t>(Ev::CLOSE_X), {"abc", "d"}});
  for (const Compression compression : {Compression::None, Compression::Gzip}) {
    auto writer = CaptureWriter::create(path(), compression, full_snapshot());
    ASSERT_TRUE(writer) << writer.error().message;
    ASSERT_TRUE((*writer)->write(as_record(small, 3)));
    ASSERT_TRUE((*writer)->write(as_record(large, 4)));
    ASSERT_TRUE((*writer)->write(as_record(odd_size, 5, kStateOnly)));
    ASSERT_TRUE((*writer)->begin_section(Snapshot()));
    ASSERT_TRUE((*writer)->write(as_record(large, 6, kStateOnly)));
    ASSERT_TRUE((*writer)->close());
    EXPECT_EQ((*writer)->events(), 4u);
    EXPECT_EQ((*writer)->texts_cut(), 0u);
    EXPECT_EQ((*writer)->file_bytes(), std::filesystem::file_size(path()));

    const Outcome outcome = drain(CaptureReader::open(path()));
    EXPECT_EQ(outcome.error, "");
    const std::vector<Seen> expected{{small, 3, 0}, {large, 4, 0}, {odd_size, 5, 1}, {large, 6, 1}};
    EXPECT_TRUE(outcome.events == expected);
    ASSERT_EQ(outcome.sections.size(), 2u);
    Snapshot snapshot = full_snapshot();
    snapshot.threads[1].cwd = "/";  // stands for none
    EXPECT_EQ(describe(outcome.sections[0]), describe(snapshot));
    EXPECT_FALSE(outcome.sections[1].has_users);
  }
}

TEST_F(CaptureWriterTest, OnlyTheOwnerMayReadIt) {
  auto writer = CaptureWriter::create(path(), Compression::None, Snapshot());
  ASSERT_TRUE(writer);
  struct stat st {};
  ASSERT_EQ(stat(path().c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777u, 0600u);
}

TEST_F(CaptureWriterTest, FlushedEventsCanBeReadBeforeTheEnd) {
  const std::string small = record(kClose);
  for (const Compression compression : {Compression::None, Compression::Gzip}) {
    auto writer = CaptureWriter::create(path(), compression, Snapshot());
    ASSERT_TRUE(writer);
    ASSERT_TRUE((*writer)->write(as_record(small)));
    ASSERT_TRUE((*writer)->flush());
    EXPECT_EQ(drain(CaptureReader::open(path())).events.size(), 1u);
  }
}

TEST_F(CaptureWriterTest, TooLongTextsAreCutAndCounted) {
  Snapshot snapshot;
  snapshot.threads.resize(1);
  snapshot.threads[0].comm = std::string(2000, 'c');
  snapshot.threads[0].args = std::string(5000, 'a');
  auto writer = CaptureWriter::create(path(), Compression::None, snapshot);
  ASSERT_TRUE(writer);
  EXPECT_EQ((*writer)->texts_cut(), 2u);
  ASSERT_TRUE((*writer)->write(as_record(record(kClose))));
  ASSERT_TRUE((*writer)->close());
  const Outcome outcome = drain(CaptureReader::open(path()));
  EXPECT_EQ(outcome.error, "");
  ASSERT_EQ(outcome.sections.size(), 1u);
  EXPECT_EQ(outcome.sections[0].threads[0].comm, std::string(1024, 'c'));
}

TEST_F(CaptureWriterTest, AnEventTooLargeForABlockIsRefusedAlone) {
  auto writer = CaptureWriter::create(path(), Compression::None, Snapshot());
  ASSERT_TRUE(writer);
  const auto with_data = [](size_t size) {
    return record(
        {static_cast<uint16_t>(Ev::WRITE_X),
         {le<int64_t>(0), std::string(size, 'w'), std::string(8, 'f'), std::string(4, 's')}});
  };
  // Block body and trailer: cpu, header, four lengths, twenty bytes, data, trailer.
  const size_t most = 65536 - 2 - 26 - 8 - 20 - 4;
  EXPECT_TRUE((*writer)->write(as_record(with_data(most))));
  const auto refused = (*writer)->write(as_record(with_data(most + 1)));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("event WRITE_X of 65531 bytes is too large"));
  EXPECT_TRUE((*writer)->write(as_record(record(kClose))));
  ASSERT_TRUE((*writer)->close());
  const Outcome outcome = drain(CaptureReader::open(path()));
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.events.size(), 2u);
}

TEST_F(CaptureWriterTest, WhereNoFileCanBe) {
  const auto writer = CaptureWriter::create("/nonexistent/x.scap", Compression::None, Snapshot());
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().message,
            "cannot create capture file /nonexistent/x.scap: No such file or directory");
}

// Writes until the writer says no; gives up after a gigabyte.
std::string error_of_writing(CaptureWriter& writer) {
  std::string noise(30'000, '\0');
  uint32_t state = 1;
  for (char& c : noise) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  const std::string bytes = record({static_cast<uint16_t>(Ev::CLOSE_X), {noise, noise}});
  for (int i = 0; i < 20'000; ++i) {
    if (const auto done = writer.write(as_record(bytes)); !done) return done.error().message;
  }
  return "";
}

TEST_F(CaptureWriterTest, AFullDiskIsTold) {
  for (const Compression compression : {Compression::None, Compression::Gzip}) {
    auto writer = CaptureWriter::create("/dev/full", compression, Snapshot());
    ASSERT_TRUE(writer);
    const std::string expected = "cannot write capture file /dev/full: No space left on device";
    EXPECT_EQ(error_of_writing(**writer), expected);
    const auto flushed = (*writer)->flush();
    ASSERT_FALSE(flushed);
    EXPECT_EQ(flushed.error().message, expected);
    const auto closed = (*writer)->close();
    ASSERT_FALSE(closed);
    EXPECT_EQ(closed.error().message, expected);
  }
}

TEST_F(CaptureWriterTest, AFullDiskIsToldAtTheEndToo) {
  for (const Compression compression : {Compression::None, Compression::Gzip}) {
    auto writer = CaptureWriter::create("/dev/full", compression, Snapshot());
    ASSERT_TRUE(writer);
    ASSERT_TRUE((*writer)->write(as_record(record(kClose))));
    EXPECT_FALSE((*writer)->close());
  }
}

TEST_F(CaptureWriterTest, AReaderThatWentAwayIsTold) {
  const auto old_handler = std::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  auto writer =
      CaptureWriter::create("/dev/fd/" + std::to_string(ends[1]), Compression::None, Snapshot());
  ASSERT_TRUE(writer);
  close(ends[0]);
  EXPECT_THAT(error_of_writing(**writer), HasSubstr("Broken pipe"));
  close(ends[1]);
  std::signal(SIGPIPE, old_handler);
}

}  // namespace
}  // namespace gyr::test
