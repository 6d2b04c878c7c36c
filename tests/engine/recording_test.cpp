// SPDX-License-Identifier: Apache-2.0
// What passes through a recording is in its file, and the file's replay is what was recorded: the
// state, what the state found out, and the numbers of the events.
#include "source/recording.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "engine/event_stream.h"
#include "engine/fake_source.h"
#include "source/replay.h"

namespace gyr {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

SnapshotThread thread(int64_t tid) {
  SnapshotThread one;
  one.tid = one.pid = one.vtid = one.vpid = tid;
  one.ptid = 1;
  one.comm = one.exe = "cat";
  one.cwd = "/home";
  return one;
}

SnapshotFd pipe_of(int64_t tid, int64_t fd, uint32_t flags) {
  SnapshotFd one;
  one.tid = tid;
  one.fd = fd;
  one.kind = FdKind::Fifo;
  one.open_flags = flags;
  return one;
}

struct Recorded : testing::Test {
  void SetUp() override {
    path = testing::TempDir() + "gyr_recording_" +
           testing::UnitTest::GetInstance()->current_test_info()->name() + ".scap";
    source.snapshot.threads.push_back(thread(7));
    source.snapshot.threads.back().clone_ts_ns = 11;
    source.snapshot.threads.back().as_of_ns = 12;
    source.snapshot.fd_tids.push_back(7);
    source.snapshot.fds.push_back(pipe_of(7, 4, kOpenCloexec));
  }
  void TearDown() override { std::filesystem::remove(path); }

  static RecordingSettings settings_for(const std::string& to) {
    return {.path = to, .compression = compression_of(to), .disk = {.free_percent = 0}};
  }
  std::unique_ptr<Recording> start(const std::string& to) {
    auto recording = Recording::start(source, settings_for(to), null_logger());
    EXPECT_TRUE(recording) << recording.error().message;
    return *std::move(recording);
  }
  // The numbers and descriptors of the events that a stream shows.
  static std::vector<std::string> shown(Source& from, StateSettings state = {}) {
    EventStream stream(from, {.state = std::move(state), .fields = {}});
    EXPECT_TRUE(stream.open()) << stream.error().message;
    return rest_of(stream);
  }
  static std::vector<std::string> rest_of(EventStream& stream) {
    std::vector<std::string> lines;
    for (;;) {
      const StreamStatus status = stream.next();
      if (status == StreamStatus::End) return lines;
      if (status == StreamStatus::Failed) return lines.push_back(stream.error().message), lines;
      if (status != StreamStatus::Event) continue;
      const EvalContext& context = stream.context();
      const Thread* known = context.thread();
      lines.push_back(std::to_string(context.number) + " " +
                      std::string(known != nullptr ? known->comm.view() : "?") + " " +
                      std::string(context.event.text(1)));
    }
  }
  std::vector<std::string> replayed() {
    auto replay = open_replay(path);
    EXPECT_TRUE(replay) << replay.error().message;
    return replay ? shown(**replay) : std::vector<std::string>{};
  }

  FakeSource source;
  std::string path;
};

TEST_F(Recorded, ReplayIsWhatWasSeen) {
  for (int i = 0; i < 5; ++i)
    source.add_open(7, 100 + static_cast<uint64_t>(i), "/f" + std::to_string(i));
  const auto recording = start(path);
  const auto seen = shown(*recording);
  ASSERT_TRUE(recording->finish());
  EXPECT_EQ(seen.size(), 5u);
  EXPECT_EQ(replayed(), seen);
  EXPECT_EQ(recording->counts().events, 6u);  // and the supplement of the snapshot
  EXPECT_EQ(recording->counts().lost, 0u);
  EXPECT_EQ(recording->counts().file_bytes, std::filesystem::file_size(path));
  struct stat st {};
  ASSERT_EQ(stat(path.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600u) << "captures hold what programs said";
}

TEST_F(Recorded, NotesComeBackWithTheirEventsAndNoOthers) {
  source.add_open(7, 100, "/a", "/real/a");
  source.add_open(7, 101, "/b");
  source.add_open(8, 102, "/c", "/real/c");
  source.add_open(7, 103, "/d", "/real/d");
  source.add_open(7, 104, "/e");
  const auto paths = [](Source& from) {
    EventStream stream(from, {.state = {}, .fields = {}});
    EXPECT_TRUE(stream.open());
    std::vector<std::string> lines;
    for (StreamStatus status = stream.next(); status != StreamStatus::End; status = stream.next()) {
      if (status == StreamStatus::Failed) return lines.push_back(stream.error().message), lines;
      if (status != StreamStatus::Event) continue;
      const EvalContext& context = stream.context();
      lines.push_back(std::to_string(context.number) + " " +
                      std::string(context.event_state.fd->name.view()) + " " +
                      std::string(context.event_state.fd->real_path.view()));
    }
    return lines;
  };
  const auto recording = start(path);
  const auto seen = paths(*recording);
  ASSERT_TRUE(recording->finish());
  EXPECT_THAT(seen, ElementsAre("1 /a /real/a", "2 /b ", "3 /c /real/c", "4 /d /real/d", "5 /e "));
  auto replay = open_replay(path);
  ASSERT_TRUE(replay) << replay.error().message;
  EXPECT_EQ(paths(**replay), seen);
  EXPECT_EQ((*replay)->counters().events, 5u);
  EXPECT_EQ((*replay)->counters().unknown_types, 0u);
}

TEST_F(Recorded, SnapshotKeepsWhatTheListsOfTheFormatLose) {
  source.add_open(7, 100, "/f");
  const auto recording = start(path);
  shown(*recording);
  ASSERT_TRUE(recording->finish());
  auto replay = open_replay(path);
  ASSERT_TRUE(replay);
  const auto snapshot = (*replay)->take_snapshot();
  ASSERT_TRUE(snapshot);
  ASSERT_EQ(snapshot->threads.size(), 1u);
  EXPECT_EQ(snapshot->threads[0].clone_ts_ns, 11u);
  EXPECT_EQ(snapshot->threads[0].as_of_ns, 12u);
  ASSERT_EQ(snapshot->fds.size(), 1u);
  EXPECT_EQ(snapshot->fds[0].open_flags, kOpenCloexec);
}

TEST_F(Recorded, WhatTheStateFoundOutStandsBeforeTheEventAndTakesNoNumber) {
  source.set_live();
  source.add_open(7, 100, "/known");
  source.add_open(8, 101, "/unknown");
  source.add_open(9, 102, "/gone");
  const auto recording = start(path);
  StateSettings state;
  state.live = true;
  state.find_thread = [](int64_t tid) -> std::optional<FoundThread> {
    if (tid != 8) return std::nullopt;
    FoundThread found{thread(8), {pipe_of(8, 5, kOpenCloexec)}};
    found.thread.comm = "found";
    return found;
  };
  state.on_finding = [&](const Finding& finding) { recording->found(finding); };
  const auto seen = shown(*recording, state);
  EXPECT_THAT(seen, ElementsAre("1 cat /known", "2 found /unknown", "3 <NA> /gone"));
  // As if the state had asked while it loaded the snapshot, and removed a thread in a purge.
  ASSERT_TRUE(recording->finish());
  EXPECT_EQ(replayed(), seen);
}

TEST_F(Recorded, FindingsOfEveryKindComeBack) {
  source.add_open(7, 100, "/a");
  source.add_open(7, 101, "/b");
  const auto recording = start(path);
  ASSERT_TRUE(recording->take_snapshot());
  recording->found(FoundUser{"", {1000, 1001, "alice", "/home/alice", "/bin/sh"}});
  Record record;
  ASSERT_EQ(recording->next(&record), SourceStatus::Event);
  recording->found(FoundGroup{"0123456789ab", {50, "staff"}});
  ASSERT_EQ(recording->next(&record), SourceStatus::Event);
  recording->found(FoundContainer{R"({"container":{"id":"a","name":"web"}})"});
  recording->found(GoneThread{7});
  recording->found(LostEvents{7, 99});
  recording->found(FoundFds{7, {pipe_of(7, 6, kOpenCloexec)}});
  recording->found(FoundThread{thread(9), {pipe_of(9, 1, kOpenCloexec), pipe_of(9, 2, 0)}});
  ASSERT_TRUE(recording->finish());

  auto replay = open_replay(path);
  ASSERT_TRUE(replay);
  ASSERT_TRUE((*replay)->take_snapshot());
  const auto next = [&] { return (*replay)->next(&record); };
  ASSERT_EQ(next(), SourceStatus::Found);
  const auto user = std::get<FoundUser>((*replay)->take_finding());
  EXPECT_EQ(user.container_id, "");
  EXPECT_EQ(user.user.uid, 1000u);
  EXPECT_EQ(user.user.gid, 1001u);
  EXPECT_EQ(user.user.name, "alice");
  EXPECT_EQ(user.user.home, "/home/alice");
  EXPECT_EQ(user.user.shell, "/bin/sh");
  ASSERT_EQ(next(), SourceStatus::Found);
  const auto group = std::get<FoundGroup>((*replay)->take_finding());
  EXPECT_EQ(group.container_id, "0123456789ab");
  EXPECT_EQ(group.group.gid, 50u);
  EXPECT_EQ(group.group.name, "staff");
  ASSERT_EQ(next(), SourceStatus::Event);
  ASSERT_EQ(next(), SourceStatus::Found);
  EXPECT_EQ(std::get<FoundContainer>((*replay)->take_finding()).json,
            R"({"container":{"id":"a","name":"web"}})");
  ASSERT_EQ(next(), SourceStatus::Found);
  EXPECT_EQ(std::get<GoneThread>((*replay)->take_finding()).tid, 7);
  ASSERT_EQ(next(), SourceStatus::Found);
  const auto lost = std::get<LostEvents>((*replay)->take_finding());
  EXPECT_EQ(lost.pid, 7);
  EXPECT_EQ(lost.until_ns, 99u);
  ASSERT_EQ(next(), SourceStatus::Found);
  const auto given = std::get<FoundFds>((*replay)->take_finding());
  EXPECT_EQ(given.tid, 7);
  ASSERT_EQ(given.fds.size(), 1u);
  EXPECT_EQ(given.fds[0].fd, 6);
  EXPECT_EQ(given.fds[0].open_flags, kOpenCloexec);
  ASSERT_EQ(next(), SourceStatus::Found);
  const auto found = std::get<FoundThread>((*replay)->take_finding());
  EXPECT_EQ(found.thread.tid, 9);
  EXPECT_EQ(found.thread.comm, "cat");
  ASSERT_EQ(found.fds.size(), 2u);
  EXPECT_EQ(found.fds[0].open_flags, kOpenCloexec);
  EXPECT_EQ(found.fds[1].fd, 2);
  ASSERT_EQ(next(), SourceStatus::Event);
  EXPECT_EQ(next(), SourceStatus::End);
  EXPECT_EQ((*replay)->counters().events, 2u);
}

TEST_F(Recorded, ARecordedReplayKeepsItsFindings) {
  source.add_open(8, 100, "/a");
  const std::string first = path + ".first";
  {
    const auto recording = start(first);
    ASSERT_TRUE(recording->take_snapshot());
    Record record;
    ASSERT_EQ(recording->next(&record), SourceStatus::Event);
    recording->found(FoundThread{thread(8), {}});
    ASSERT_TRUE(recording->finish());
  }
  auto replay = open_replay(first);
  ASSERT_TRUE(replay);
  auto again = Recording::start(**replay, settings_for(path), null_logger());
  ASSERT_TRUE(again);
  const auto seen = shown(**again);
  EXPECT_THAT(seen, ElementsAre("1 cat /a"));
  ASSERT_TRUE((*again)->finish());
  EXPECT_EQ(replayed(), seen);
  std::filesystem::remove(first);
}

TEST_F(Recorded, EventsAreKeptAsAsked) {
  for (int i = 0; i < 3; ++i) source.add_open(7, 100, "/f" + std::to_string(i));
  const auto recording = start(path);
  ASSERT_TRUE(recording->take_snapshot());
  Record record;
  ASSERT_EQ(recording->next(&record), SourceStatus::Event);
  recording->keep(Recording::Keep::StateOnly);
  ASSERT_EQ(recording->next(&record), SourceStatus::Event);
  recording->keep(Recording::Keep::Nothing);
  ASSERT_EQ(recording->next(&record), SourceStatus::Event);
  ASSERT_TRUE(recording->finish());
  EXPECT_THAT(replayed(), ElementsAre("2 cat /f2"));  // the first one is hidden and has a number
}

TEST_F(Recorded, AFileWithoutEventsCanBeReplayed) {
  const auto recording = start(path);
  EXPECT_THAT(shown(*recording), ElementsAre());
  ASSERT_TRUE(recording->finish());
  EXPECT_THAT(replayed(), ElementsAre());
}

TEST_F(Recorded, NameDecidesAboutGzip) {
  EXPECT_EQ(compression_of("a.scap"), Compression::None);
  path += ".gz";
  source.add_open(7, 100, "/f");
  const auto recording = start(path);
  const auto seen = shown(*recording);
  ASSERT_TRUE(recording->finish());
  std::ifstream file(path, std::ios::binary);
  EXPECT_EQ(file.get(), 0x1f);
  EXPECT_EQ(file.get(), 0x8b);
  EXPECT_EQ(replayed(), seen);
}

TEST_F(Recorded, AnotherSectionBeginsWhereItDid) {
  source.add_open(7, 100, "/a");
  source.add(SourceStatus::Restart);
  source.add_open(7, 200, "/b");
  const auto recording = start(path);
  const auto seen = shown(*recording);
  EXPECT_THAT(seen, ElementsAre("1 cat /a", "2 cat /b"));
  ASSERT_TRUE(recording->finish());
  EXPECT_EQ(replayed(), seen);
  EXPECT_EQ(source.snapshots, 2);
}

TEST_F(Recorded, IdleSourcesAreFlushed) {
  source.add_open(7, 100, "/a");
  source.add(SourceStatus::Idle);
  source.add(SourceStatus::Idle);
  const auto recording = start(path);
  ASSERT_TRUE(recording->take_snapshot());
  Record record;
  EXPECT_EQ(recording->next(&record), SourceStatus::Event);
  EXPECT_EQ(recording->next(&record), SourceStatus::Idle);
  EXPECT_EQ(replayed(), (std::vector<std::string>{"1 cat /a"}))
      << "before the end of the recording";
  EXPECT_TRUE(recording->finish());
}

TEST_F(Recorded, FullDiskEndsTheRecordingAndNotTheSource) {
  constexpr int kEvents = 4000;  // more than the writer's buffer holds
  for (int i = 0; i < kEvents; ++i) source.add_open(7, 100, "/some/file/with/a/long/name");
  const auto recording = start("/dev/full");
  EXPECT_EQ(shown(*recording).size(), size_t{kEvents});
  EXPECT_TRUE(recording->has_failed());
  const auto done = recording->finish();
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("/dev/full: No space left on device"));
  EXPECT_EQ(recording->counts().events, 0u);
  EXPECT_EQ(recording->counts().lost, size_t{kEvents} + 1);
}

TEST_F(Recorded, FilesThatCannotBeMadeAreNamed) {
  for (const std::string bad : {"/no/such/folder/a.scap", "/tmp", "/proc/a.scap"}) {
    const auto recording = Recording::start(source, settings_for(bad), null_logger());
    ASSERT_FALSE(recording) << bad;
    EXPECT_THAT(recording.error().message, HasSubstr(bad));
  }
}

TEST_F(Recorded, DamagedFindingsAreFaultsWithTheirPlace) {
  source.add_open(8, 100, "/a");
  const auto recording = start(path);
  ASSERT_TRUE(recording->take_snapshot());
  Record record;
  ASSERT_EQ(recording->next(&record), SourceStatus::Event);
  FoundThread found{thread(8), {}};
  found.thread.comm = "damage-me";
  recording->found(found);
  ASSERT_TRUE(recording->finish());
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  const size_t at = bytes.find("damage-me");
  ASSERT_NE(at, std::string::npos);
  file.seekp(static_cast<std::streamoff>(at) - 2);  // the length of the text
  file.write("\xff\x03", 2);
  file.close();
  EXPECT_THAT(replayed(), ElementsAre(testing::AllOf(HasSubstr("offset "), HasSubstr("damaged"))));
}

}  // namespace
}  // namespace gyr
