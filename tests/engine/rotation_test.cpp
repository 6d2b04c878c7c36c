// SPDX-License-Identifier: Apache-2.0
// Recordings in several files: where each begins and how it is named, what becomes of old ones, the
// limits of the disk; and that each is a capture of its own, which shows what the whole one shows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "engine/all_formats.h"
#include "engine/captures.h"
#include "engine/event_stream.h"
#include "engine/fake_source.h"
#include "field/fields.h"
#include "lang/output.h"
#include "source/recording.h"
#include "source/replay.h"

namespace gyr {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uint64_t kSecond_ns = 1'000'000'000;

struct Rotated : testing::Test {
  void SetUp() override {
    char name[] = "/tmp/gyr_rotation_XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder = name;
    settings.path = folder + "/r";
    settings.disk.free_percent = 0;
    SnapshotThread cat;
    cat.tid = cat.pid = cat.vtid = cat.vpid = 7;
    cat.ptid = 1;
    cat.comm = cat.exe = "cat";
    cat.cwd = "/home";
    source.snapshot.threads.push_back(cat);
    source.snapshot.fd_tids.push_back(7);
  }
  void TearDown() override { fs::remove_all(folder); }

  void add_opens(int count, uint64_t pause_ns = 1, size_t name_size = 2) {
    for (int i = 0; i < count; ++i, ++opens) {
      const std::string name = "/" + std::to_string(opens) + std::string(name_size, 'x');
      source.add_open(7, 100 + static_cast<uint64_t>(opens) * pause_ns, name);
    }
  }
  // Records all that the source has. The error that ended it, "" if none did.
  std::string record() {
    auto recording = Recording::start(source, settings, null_logger());
    if (!recording) return recording.error().message;
    EventStream stream(**recording, {});
    (*recording)->on_next_file([&] { return stream.dump_state(); });
    EXPECT_TRUE(stream.open());
    while (stream.next() != StreamStatus::End) {
    }
    const auto done = (*recording)->finish();
    counts = (*recording)->counts();
    last = (*recording)->path();
    return done ? "" : done.error().message;
  }
  std::vector<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder)) found.insert(entry.path().filename());
    return {found.begin(), found.end()};
  }
  // What the events of one file show.
  std::vector<std::string> shown(const std::string& name) const {
    auto replay = open_replay(folder + "/" + name);
    EXPECT_TRUE(replay) << replay.error().message;
    if (!replay) return {};
    EventStream stream(**replay, {});
    EXPECT_TRUE(stream.open()) << stream.error().message;
    std::vector<std::string> lines;
    for (;;) {
      const StreamStatus status = stream.next();
      if (status == StreamStatus::End) return lines;
      if (status == StreamStatus::Failed) return lines.push_back(stream.error().message), lines;
      if (status == StreamStatus::Event) lines.emplace_back(stream.event().text(1));
    }
  }
  size_t size_of(const std::string& name) const { return fs::file_size(folder + "/" + name); }

  FakeSource source;
  RecordingSettings settings;
  RecordingCounters counts;
  std::string folder, last;
  int opens = 0;
};

TEST_F(Rotated, OneFileHasTheNameItWasGiven) {
  settings.path = folder + "/%H";
  add_opens(3);
  EXPECT_EQ(record(), "");
  EXPECT_THAT(names(), ElementsAre("%H"));
  struct stat st {};
  ASSERT_EQ(stat(last.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600u);
}

TEST_F(Rotated, ByNumberOfEvents) {
  settings.rotation.events = 2;
  add_opens(5);
  EXPECT_EQ(record(), "");
  EXPECT_THAT(names(), ElementsAre("r0", "r1", "r2"));
  EXPECT_THAT(shown("r0"), ElementsAre("/0xx", "/1xx"));
  EXPECT_THAT(shown("r1"), ElementsAre("/2xx", "/3xx"));
  EXPECT_THAT(shown("r2"), ElementsAre("/4xx"));
  EXPECT_EQ(counts.files, 3u);
  EXPECT_EQ(counts.files_deleted, 0u);
  EXPECT_EQ(counts.file_bytes, size_of("r0") + size_of("r1") + size_of("r2"));
}

TEST_F(Rotated, ByTimeOfEvents) {
  settings.rotation.period_ns = 10 * kSecond_ns;
  add_opens(8, 4 * kSecond_ns);  // at 0, 4, 8 | 12, 16, 20 | 24, 28
  EXPECT_EQ(record(), "");
  EXPECT_EQ(shown("r0").size(), 3u);
  EXPECT_EQ(shown("r1").size(), 3u);
  EXPECT_EQ(shown("r2").size(), 2u);
}

TEST_F(Rotated, BySize) {
  settings.rotation.bytes = 20'000;
  add_opens(200, 1, 500);
  EXPECT_EQ(record(), "");
  ASSERT_GT(names().size(), 3u);
  size_t events = 0;
  for (const std::string& name : names()) {
    events += shown(name).size();
    EXPECT_LT(size_of(name), 21'500u) << "not more than an event over the limit";
  }
  EXPECT_GT(size_of("r0"), 20'000u);
  EXPECT_EQ(events, 200u);
}

TEST_F(Rotated, AFileHasNoLessOfEventsThanOfState) {
  for (int64_t tid = 100; tid < 300; ++tid) {
    SnapshotThread& thread = source.snapshot.threads.emplace_back(source.snapshot.threads[0]);
    thread.tid = thread.pid = tid;
    thread.env = std::string(1000, 'e');
  }
  settings.rotation.bytes = 1;
  add_opens(2000, 1, 500);
  EXPECT_EQ(record(), "");
  EXPECT_GT(names().size(), 2u);
  EXPECT_LT(names().size(), 8u);
}

TEST_F(Rotated, TheNewestAreKept) {
  settings.rotation = {.events = 1, .files = 10};
  add_opens(24);
  EXPECT_EQ(record(), "");
  EXPECT_THAT(names(),
              ElementsAre("r00", "r01", "r02", "r03", "r04", "r05", "r06", "r07", "r08", "r09"));
  EXPECT_EQ(last, folder + "/r03");
  EXPECT_THAT(shown("r03"), ElementsAre("/23xx"));
  EXPECT_THAT(shown("r04"), ElementsAre("/14xx"));
  EXPECT_EQ(counts.files, 24u);
  EXPECT_EQ(counts.files_deleted, 14u);
}

TEST_F(Rotated, TimeInTheName) {
  settings.path = folder + "/at-%s.scap";
  settings.rotation.period_ns = 10 * kSecond_ns;
  opens = 1;
  add_opens(4, 10 * kSecond_ns);
  EXPECT_EQ(record(), "");
  const auto found = names();
  ASSERT_EQ(found.size(), 4u);  // the first has the time when the recording began
  for (const char* name : {"at-20.scap", "at-30.scap", "at-40.scap"}) {
    EXPECT_THAT(found, testing::Contains(name));
  }
}

TEST_F(Rotated, WhatIsThereIsNotOverwritten) {
  std::ofstream(folder + "/r1") << "precious";
  settings.rotation.events = 2;
  add_opens(5);
  EXPECT_EQ(record(), "cannot create capture file " + folder +
                          "/r1: it is there already, and is not overwritten");
  EXPECT_THAT(shown("r0"), ElementsAre("/0xx", "/1xx"));
  EXPECT_EQ(size_of("r1"), 8u);
  EXPECT_EQ(counts.events, 3u);  // with the supplement
  EXPECT_EQ(counts.lost, 3u);
  fs::remove(folder + "/r0");
  settings.if_there = capture::IfThere::Replace;
  add_opens(5);
  EXPECT_EQ(record(), "");
  EXPECT_THAT(shown("r1"), ElementsAre("/7xx", "/8xx"));
}

TEST_F(Rotated, LinksAreNotFollowed) {
  std::ofstream(folder + "/precious") << "precious";
  fs::create_symlink(folder + "/precious", folder + "/r");
  for (const auto if_there : {capture::IfThere::Refuse, capture::IfThere::Replace}) {
    settings.if_there = if_there;
    EXPECT_THAT(record(), HasSubstr("symbolic link"));
  }
  fs::remove(folder + "/precious");
  EXPECT_THAT(record(), HasSubstr("symbolic link"));
  EXPECT_THAT(names(), ElementsAre("r")) << "nothing was made at its end";
}

TEST_F(Rotated, TheLimitOfAllFilesEndsTheRecording) {
  settings.disk.total_bytes = 50'000;
  add_opens(200, 1, 500);
  EXPECT_EQ(record(), "the limit of 50000 bytes for all files of " + folder + "/r is reached");
  EXPECT_LE(size_of("r"), 50'000u);
  EXPECT_GT(size_of("r"), 49'000u);
  const auto lines = shown("r");
  EXPECT_EQ(lines.size() + 1, counts.events) << "the file is complete";
  EXPECT_EQ(lines.size() + counts.lost, 200u);
}

TEST_F(Rotated, TheLimitOfAllFilesDeletesTheOldest) {
  for (const Compression compression : {Compression::None, Compression::Gzip}) {
    settings.compression = compression;
    settings.if_there = capture::IfThere::Replace;
    settings.rotation = {.bytes = 10'000, .files = 100};
    settings.disk.total_bytes = compression == Compression::Gzip ? 400'000 : 45'000;
    source = FakeSource();
    opens = 0;
    add_opens(compression == Compression::Gzip ? 4'000 : 400, 1, 500);
    EXPECT_EQ(record(), "");
    size_t total = 0;
    for (const std::string& name : names()) total += size_of(name);
    EXPECT_LE(total, settings.disk.total_bytes);
    if (compression == Compression::None) {
      EXPECT_GT(counts.files_deleted, 10u);
    }
    const auto lines = shown(fs::path(last).filename());
    ASSERT_FALSE(lines.empty());
    EXPECT_THAT(lines.back(), HasSubstr("/" + std::to_string(opens - 1) + "x"));
  }
}

TEST_F(Rotated, TheFileSystemIsNotFilled) {
  settings.disk.free_percent = 101;  // never free
  EXPECT_THAT(record(), HasSubstr("of its file system is free"));
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(Rotated, ACaptureIsNotRecordedOntoItself) {
  add_opens(3);
  ASSERT_EQ(record(), "");
  settings.source_path = last;
  settings.if_there = capture::IfThere::Replace;
  EXPECT_EQ(record(), last + " cannot be recorded onto itself");
  fs::rename(last, last + "0");
  settings.source_path = last + "0";
  settings.rotation.events = 1;
  EXPECT_EQ(record(), last + "0 cannot be recorded onto itself");
}

TEST_F(Rotated, MetaEventsBeginNoFile) {
  settings.rotation.events = 1;
  add_opens(2);
  source.add_user_added(200);
  add_opens(1);
  EXPECT_EQ(record(), "");
  EXPECT_EQ(names().size(), 3u);
  EXPECT_EQ(shown("r1").size(), 2u) << "a replay would take it for a part of the state";
}

struct RotatedConformance : testing::TestWithParam<const char*> {
  void SetUp() override {
    const char* given = std::getenv("GYR_CONFORMANCE");
    const std::string data = given != nullptr ? given : GYR_SOURCE_DIR "/../shared/conformance";
    path = data + "/captures/" + GetParam() + ".scap";
    if (!fs::exists(path)) GTEST_SKIP() << "no " << path << "; set GYR_CONFORMANCE";
    char name[] = "/tmp/gyr_rotation_XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder = name;
  }
  void TearDown() override {
    if (!folder.empty()) fs::remove_all(folder);
  }
  std::string path, folder;
};

// One after the other, the events of the files r0, r1, …
class Files {
 public:
  explicit Files(std::string stem) : stem_(std::move(stem)) {}
  // Null at the end.
  EventStream* next() {
    for (;;) {
      if (stream_) {
        const StreamStatus status = stream_->next();
        if (status == StreamStatus::Event) return &*stream_;
        if (status == StreamStatus::Failed) ADD_FAILURE() << stream_->error().message;
        if (status == StreamStatus::Skipped) continue;
      }
      const std::string path = stem_ + std::to_string(files_);
      if (!fs::exists(path)) return nullptr;
      ++files_;
      auto source = open_replay(path);
      if (!source) ADD_FAILURE() << source.error().message;
      if (!source) return nullptr;
      stream_.reset();
      source_ = *std::move(source);
      stream_.emplace(*source_, StreamSettings{});
      if (!stream_->open()) ADD_FAILURE() << stream_->error().message;
    }
  }
  int files() const { return files_; }

 private:
  std::string stem_;
  int files_ = 0;
  std::unique_ptr<Source> source_;
  std::optional<EventStream> stream_;
};

TEST_P(RotatedConformance, EveryFileShowsWhatTheWholeCaptureShows) {
  constexpr uint64_t kMost = 20'000;  // events of the longest capture
  RecordingSettings settings{.path = folder + "/r", .disk = {.free_percent = 0}};
  auto whole = open_replay(path);
  ASSERT_TRUE(whole) << whole.error().message;
  uint64_t total = 0;
  {
    EventStream stream(**whole, {});
    ASSERT_TRUE(stream.open());
    while (total < kMost && stream.next() != StreamStatus::End) ++total;
  }
  settings.rotation.events = total / 17 + 1;
  {
    auto source = open_replay(path);
    ASSERT_TRUE(source);
    auto recording = Recording::start(**source, settings, null_logger());
    ASSERT_TRUE(recording) << recording.error().message;
    EventStream stream(**recording, {});
    (*recording)->on_next_file([&] { return stream.dump_state(); });
    ASSERT_TRUE(stream.open());
    for (uint64_t i = 0; i < total; ++i) stream.next();
    ASSERT_TRUE((*recording)->finish());
  }
  std::vector<TextFault> faults;
  const auto format = OutputTemplate::parse(
      all_formats(), {.fields = all_fields(), .event_types = kEventCount}, &faults);
  ASSERT_TRUE(format);
  whole = open_replay(path);
  EventStream all(**whole, {});
  ASSERT_TRUE(all.open());
  Files files(settings.path);
  uint64_t compared = 0;
  while (EventStream* part = files.next()) {
    StreamStatus status = StreamStatus::Skipped;
    while (status == StreamStatus::Skipped) status = all.next();
    ASSERT_EQ(status, StreamStatus::Event);
    ASSERT_EQ(format->render(part->context()), format->render(all.context()))
        << "event " << all.number() << ", file " << files.files() - 1;
    ++compared;
  }
  EXPECT_GE(files.files(), 2);
  EXPECT_GT(compared, 0u);
}

INSTANTIATE_TEST_SUITE_P(Captures, RotatedConformance, testing::ValuesIn(kManyEventCaptures),
                         name_of_capture);

}  // namespace
}  // namespace gyr
