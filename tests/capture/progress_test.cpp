// SPDX-License-Identifier: Apache-2.0
// The record that completes the state of a file which begins in the middle of things.
#include "capture/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/findings.h"

namespace gyr::capture {
namespace {

SnapshotProgress full() {
  SnapshotProgress progress;
  SnapshotThread& fake = progress.half_known.emplace_back();
  fake.tid = 99;
  fake.comm = "<NA>";
  fake.cwd = "./";
  fake.clone_ts_ns = 1;
  fake.as_of_ns = 2;
  fake.exe_ino = 3;
  ThreadProgress& thread = progress.threads.emplace_back();
  thread.tid = 7;
  thread.reaper_tid = 8;
  thread.reaps = true;
  thread.ctime_duration_clone_ns = 9;
  thread.ctime_duration_pidns_ns = 10;
  thread.last_fd = 11;
  thread.last_type = Ev::OPENAT_2_E;
  thread.last_type_valid = true;
  thread.cwd = std::string(5000, 'd');  // longer than the lists can hold
  thread.enter_event = {1, 2, 3};
  FdProgress& fd = progress.fds.emplace_back();
  fd.fd.tid = 7;
  fd.fd.fd = 3;
  fd.fd.kind = FdKind::Ipv6;
  fd.fd.l4 = 2;
  fd.fd.open_flags = 12;
  fd.fd.dev = 13;
  fd.fd.mount_id = 14;
  fd.fd.ino = 15;
  fd.fd.source_ip = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  fd.fd.dest_ip = {16};
  fd.fd.source_port = 17;
  fd.fd.dest_port = 18;
  fd.fd.unix_source = 19;
  fd.fd.unix_dest = 20;
  fd.fd.name = "name";
  fd.role = 2;
  fd.connected = fd.lower_layer = true;
  fd.pid = 21;
  fd.name_raw = "../name";
  fd.real_path = "/real/name";
  progress.containers.push_back(R"({"container":{"id":"x"}})");
  progress.exits.push_back({23, 24, 25});
  progress.shared_tables = {{26, 27, false}, {28, 29, true}};
  return progress;
}

TEST(Progress, ComesBackAsItWas) {
  EventBuilder builder;
  const Record record = progress_record(full(), 77, builder);
  ASSERT_TRUE(is_finding(record));
  const auto kind = read_finding(record);
  ASSERT_TRUE(kind);
  EXPECT_TRUE(std::holds_alternative<Progress>(*kind));
  EXPECT_EQ(load<uint64_t>(record.bytes.data()), 77u);
  const auto read = read_progress(record);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->half_known.size(), 1u);
  EXPECT_EQ(read->half_known[0].tid, 99);
  EXPECT_EQ(read->half_known[0].comm, "<NA>");
  EXPECT_EQ(read->half_known[0].exe_ino, 3u);
  ASSERT_EQ(read->threads.size(), 1u);
  EXPECT_EQ(read->threads[0].cwd.size(), 5000u);
  EXPECT_EQ(read->threads[0].last_type, Ev::OPENAT_2_E);
  ASSERT_EQ(read->fds.size(), 1u);
  EXPECT_EQ(read->fds[0].fd.source_ip[15], 16);
  EXPECT_EQ(read->fds[0].name_raw, "../name");
  EXPECT_EQ(read->fds[0].real_path, "/real/name");
  ASSERT_EQ(read->containers.size(), 1u);
  EXPECT_EQ(read->containers[0], R"({"container":{"id":"x"}})");
  ASSERT_EQ(read->shared_tables.size(), 2u);
  EXPECT_EQ(read->shared_tables[1].tid, 28);
  EXPECT_TRUE(read->shared_tables[1].is_directory);
  // And so does everything else: written again, it is the same record.
  EventBuilder other;
  const Record again = progress_record(*read, 77, other);
  EXPECT_EQ(as_text(again.bytes), as_text(record.bytes));
}

TEST(Progress, EveryCutIsTold) {
  EventBuilder builder;
  const Record whole = progress_record(full(), 77, builder);
  EventView event;
  ASSERT_TRUE(event.decode(whole));
  const Bytes data = event.param(2);
  for (size_t size = 0; size < data.size(); ++size) {
    EntryWriter cut;
    cut.put_bytes(data.first(size));
    EventBuilder other;
    const auto read = read_progress(own_record("gyr.state", cut, 77, other));
    ASSERT_FALSE(read) << size;
    EXPECT_THAT(read.error().message, testing::HasSubstr("the state is damaged"));
  }
}

TEST(Progress, UnknownKindsAreHarmless) {
  SnapshotProgress strange = full();
  strange.threads[0].last_type = static_cast<Ev>(60000);
  strange.fds[0].fd.kind = static_cast<FdKind>(200);
  EventBuilder builder;
  const auto read = read_progress(progress_record(strange, 77, builder));
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->threads[0].last_type_valid);
  EXPECT_EQ(read->fds[0].fd.kind, FdKind::Unsupported);
}

}  // namespace
}  // namespace gyr::capture
