// SPDX-License-Identifier: Apache-2.0
// Captures on alert: where a file begins and ends, what it knows, how many there are, what becomes
// of those that cannot be written; and that a replay of one shows what was seen.
#include "source/alert_capture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "engine/all_formats.h"
#include "engine/captures.h"
#include "engine/event_stream.h"
#include "engine/fake_source.h"
#include "source/replay.h"

namespace gyr {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr uint64_t kSecond_ns = 1'000'000'000;
constexpr uint64_t kStart_ns = 1'700'000'000 * kSecond_ns;

SnapshotThread thread(int64_t tid, std::string name) {
  SnapshotThread one;
  one.tid = one.pid = one.vtid = one.vpid = tid;
  one.ptid = 1;
  one.comm = one.exe = std::move(name);
  one.cwd = "/home";
  return one;
}

// What a stream shows: process and descriptor of each event.
std::vector<std::string> rest_of(EventStream& stream) {
  std::vector<std::string> lines;
  for (;;) {
    const StreamStatus status = stream.next();
    if (status == StreamStatus::End) return lines;
    if (status == StreamStatus::Failed) return lines.push_back(stream.error().message), lines;
    if (status != StreamStatus::Event) continue;
    const EvalContext& context = stream.context();
    const Thread* known = context.thread();
    const FdInfo* fd = context.event_state.fd;
    lines.push_back(std::string(known != nullptr ? known->comm.view() : "?") + " " +
                    std::string(fd != nullptr ? fd->name.view() : "-"));
  }
}

std::vector<std::string> replayed(const std::string& path) {
  auto replay = open_replay(path);
  if (!replay) return {replay.error().message};
  EventStream stream(**replay, {});
  if (const auto opened = stream.open(); !opened) return {opened.error().message};
  return rest_of(stream);
}

struct Captured : testing::Test {
  void SetUp() override {
    char name[] = "/tmp/gyr_alert_capture_XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder = name;
    settings.path_prefix = folder + "/c";
    settings.disk.free_percent = 0;
    settings.before = {.bytes = 1 << 20, .period_ns = 10 * kSecond_ns};
    source.snapshot.threads.push_back(thread(7, "cat"));
    source.snapshot.fd_tids.push_back(7);
    logger =
        std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::ostream_sink_st>(log));
  }
  void TearDown() override { fs::remove_all(folder); }

  static uint64_t at(uint64_t second) { return kStart_ns + second * kSecond_ns; }
  // Opens of /0, /1 … in seconds one after the other.
  void add_opens(uint64_t first, uint64_t end, size_t padding = 0) {
    for (uint64_t second = first; second < end; ++second) {
      source.add_open(7, at(second), "/" + std::to_string(second) + std::string(padding, 'x'));
    }
  }
  void add_close(uint64_t second, int64_t fd) {
    EventBuilder builder;
    builder.begin(Ev::CLOSE_X, at(second), 7);
    builder.add_value<int64_t>(0);
    builder.add_value<int64_t>(fd);
    source.add(builder.finish(), 0);
  }
  // An alert at the event of that second, or at each of them.
  void alert_at(uint64_t second, uint64_t seconds) { alerts.push_back({at(second), seconds}); }

  void run() {
    auto made = AlertCapture::create(source, settings, logger);
    ASSERT_TRUE(made) << made.error().message;
    AlertCapture& capture = **made;
    StateSettings state;
    state.on_finding = [&](const Finding& finding) { capture.found(finding); };
    {
      EventStream stream(capture, {.state = state, .fields = {}});
      capture.watch_with(state, stream.state().pool(), [&] { return stream.dump_state(); });
      capture.on_size_limit([&](uint64_t bytes) { limits.push_back(bytes); });
      ASSERT_TRUE(stream.open());
      for (StreamStatus status{}; status != StreamStatus::End;) {
        status = stream.next();
        ASSERT_NE(status, StreamStatus::Failed);
        if (status == StreamStatus::Idle && ++idle == 3) break;
        if (status != StreamStatus::Event) continue;
        ++shown;
        if (before_event) before_event(capture, stream);
        for (const auto& [ts_ns, seconds] : alerts) {
          if (stream.event().ts_ns() != ts_ns) continue;
          capture.alert({"r", ts_ns, stream.number(), seconds * kSecond_ns});
        }
      }
      if (before_end) before_end(capture);
      capture.finish();
      counts = capture.counts();
    }
  }
  std::vector<std::string> files() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder)) found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
  }
  std::vector<std::string> shown_in(size_t number) const {
    const auto all = files();
    return number < all.size() ? replayed(all[number]) : std::vector<std::string>{"no file"};
  }
  std::string name_of(uint64_t second, uint64_t number) const {
    return folder + "/c_" + digits(at(second)) + "_" + digits(number) + ".scap";
  }
  static std::string digits(uint64_t number) {
    const std::string text = std::to_string(number);
    return std::string(20 - text.size(), '0') + text;
  }

  FakeSource source;
  AlertCaptureSettings settings;
  std::vector<std::pair<uint64_t, uint64_t>> alerts;
  std::function<void(AlertCapture&, EventStream&)> before_event;
  std::function<void(AlertCapture&)> before_end;
  AlertCaptureCounters counts;
  std::vector<uint64_t> limits;
  std::ostringstream log;
  Logger logger;
  std::string folder;
  uint64_t shown = 0;
  int idle = 0;
};

TEST_F(Captured, BeginsBeforeTheAlertAndEndsAfterItsTime) {
  add_opens(0, 40);
  alert_at(20, 5);
  run();
  ASSERT_THAT(files(), ElementsAre(name_of(20, 21)));
  const auto lines = shown_in(0);
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines.front(), "cat /9") << "the last event that came is 10 s younger";
  EXPECT_EQ(lines.back(), "cat /25");
  EXPECT_THAT(lines, SizeIs(17));
  struct stat st {};
  ASSERT_EQ(stat(files()[0].c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600u) << "captures hold what programs said";
  EXPECT_EQ(counts.written.files, 1u);
  EXPECT_EQ(counts.written.file_bytes, static_cast<uint64_t>(st.st_size));
  EXPECT_EQ(counts.written.lost, 0u);
  EXPECT_EQ(counts.failed, 0u);
  EXPECT_THAT(log.str(), HasSubstr("rule 'r': captured in " + name_of(20, 21)));
}

TEST_F(Captured, AFurtherAlertProlongsTheFile) {
  add_opens(0, 40);
  alert_at(20, 5);
  alert_at(21, 1);  // does not shorten it
  alert_at(24, 6);
  alert_at(30, 1);  // still in it
  run();
  ASSERT_THAT(files(), SizeIs(1));
  EXPECT_EQ(shown_in(0).back(), "cat /31");
  EXPECT_EQ(counts.prolonged, 3u);
}

TEST_F(Captured, TheNextFileHasItsOwnTimeBefore) {
  add_opens(0, 60);
  alert_at(20, 5);
  alert_at(27, 2);
  run();
  ASSERT_THAT(files(), SizeIs(2));
  EXPECT_EQ(shown_in(1).front(), "cat /16") << "also in the first file: each replays by itself";
  EXPECT_EQ(shown_in(1).back(), "cat /29");
}

TEST_F(Captured, ATimeThatNeverEndsIsTheWholeRest) {
  add_opens(0, 40);
  alerts.emplace_back(at(20), UINT64_MAX / kSecond_ns);
  run();
  EXPECT_EQ(shown_in(0).back(), "cat /39");
}

TEST_F(Captured, TheFileIsCompleteWhenTheProgramEnds) {
  add_opens(0, 3);
  alert_at(2, 100);
  run();
  EXPECT_THAT(shown_in(0), ElementsAre("cat /0", "cat /1", "cat /2"));
}

TEST_F(Captured, WithoutAlertsThereIsNoFile) {
  add_opens(0, 30);
  run();
  EXPECT_THAT(files(), IsEmpty());
  EXPECT_EQ(counts.history.records, 30u);
}

TEST_F(Captured, MemoryIsBoundedAndTheStateGoesOn) {
  settings.before.bytes = 4096;
  source.add_open(7, at(0), "/long/ago");
  add_opens(1, 2);
  // 200 events in the same second, which do not fit; the descriptor 3 is that of the last of them.
  for (int i = 0; i < 200; ++i) source.add_open(7, at(1), "/" + std::to_string(i));
  for (int i = 0; i < 80; ++i) add_close(1, 100);
  add_close(2, 3);
  alert_at(2, 5);
  run();
  const auto lines = shown_in(0);
  ASSERT_FALSE(lines.empty());
  EXPECT_LE(lines.size(), 65u) << "4096 bytes are 64 closes and what stands around them";
  EXPECT_GT(lines.size(), 60u);
  EXPECT_EQ(lines.front(), "cat -");
  EXPECT_EQ(lines.back(), "cat /199") << "opened before the file begins";
  EXPECT_GT(counts.history.no_room, 200u);
  EXPECT_THAT(log.str(), HasSubstr("before_mb has room for no more"));
}

TEST_F(Captured, ARecordLargerThanTheMemoryIsPassedOver) {
  settings.before.bytes = 256;
  add_opens(0, 3);
  source.add_open(7, at(3), "/" + std::string(300, 'y'));
  add_close(4, 3);
  alert_at(4, 1);
  add_opens(5, 8);
  run();
  const auto lines = shown_in(0);
  ASSERT_THAT(lines, SizeIs(2)) << "the alert's and one of the same second as its end";
  EXPECT_EQ(lines[0], "cat /" + std::string(300, 'y'));
  EXPECT_EQ(counts.history.too_large, 1u);
}

TEST_F(Captured, WithoutATimeBeforeItBeginsBehindTheAlert) {
  settings.before.period_ns = 0;
  add_opens(0, 10);
  add_close(10, 3);
  add_opens(11, 30);
  alert_at(9, 3);
  run();
  ASSERT_THAT(files(), ElementsAre(name_of(9, 10)));
  EXPECT_THAT(shown_in(0), ElementsAre("cat /9", "cat /11", "cat /12")) << "knows descriptor 3";
  EXPECT_EQ(counts.history.records, 0u);
}

TEST_F(Captured, WithoutATimeBeforeAndWithoutEventsBehindThereIsNoFile) {
  settings.before.bytes = 0;
  add_opens(0, 10);
  alert_at(9, 3);
  run();
  EXPECT_THAT(files(), IsEmpty());
  EXPECT_EQ(counts.failed, 0u);
}

TEST_F(Captured, AFileEndsAtItsLargestSize) {
  settings.max_file_bytes = 20'000;
  settings.before.bytes = 8'000;
  add_opens(0, 5, 10);
  add_opens(5, 300, 500);
  alert_at(4, 100);   // 19 or so of the large ones
  alert_at(50, 100);  // refused: the first one would still go on
  alert_at(200, 1);
  run();
  ASSERT_THAT(files(), SizeIs(2));
  EXPECT_LE(fs::file_size(files()[0]), 20'000u);
  EXPECT_GT(fs::file_size(files()[0]), 19'000u);
  const auto lines = shown_in(0);
  EXPECT_EQ(lines.front(), "cat /0xxxxxxxxxx");
  EXPECT_THAT(lines.back(), HasSubstr("xxx")) << "it is complete";
  ASSERT_THAT(limits, ElementsAre(fs::file_size(files()[0])));
  EXPECT_EQ(counts.size_limited, 1u);
  EXPECT_EQ(counts.refused, 1u);
  EXPECT_EQ(counts.failed, 0u);
}

TEST_F(Captured, AStateLargerThanTheLargestSizeEndsItAtOnce) {
  for (int64_t tid = 100; tid < 200; ++tid) {
    source.snapshot.threads.push_back(thread(tid, "other"));
    source.snapshot.threads.back().env = std::string(1000, 'e');
  }
  settings.max_file_bytes = 20'000;
  add_opens(0, 100);
  alert_at(4, 10);
  run();
  EXPECT_THAT(limits, SizeIs(1));
  EXPECT_THAT(shown_in(0), IsEmpty()) << "but can be read";
}

TEST_F(Captured, AFullDiskIsSaidOnceAndDetectionGoesOn) {
  add_opens(0, 100);
  for (const uint64_t second : {20u, 30u, 40u}) {
    // Links to devices are followed.
    fs::create_symlink("/dev/full", name_of(second, second + 1));
    alert_at(second, 5);
  }
  alert_at(22, 5);
  alert_at(60, 5);
  run();
  EXPECT_EQ(shown, 100u);
  EXPECT_EQ(counts.failed, 3u);
  EXPECT_EQ(counts.refused, 0u) << "what the buffer holds shows only at the end";
  EXPECT_GT(counts.written.lost, 40u);
  EXPECT_EQ(replayed(name_of(60, 61)).size(), 17u);
  const std::string said = log.str();
  EXPECT_EQ(said.find("No space left"), said.rfind("No space left"));
  EXPECT_NE(said.find("No space left"), std::string::npos);
}

TEST_F(Captured, AFileThatCannotBeBegunIsSaidOnce) {
  add_opens(0, 100);
  alert_at(20, 5);
  alert_at(22, 5);
  alert_at(40, 5);
  before_event = [&](AlertCapture&, EventStream& stream) {
    if (stream.number() == 10) fs::rename(folder, folder + "_away");
    if (stream.number() == 60) fs::rename(folder + "_away", folder);
  };
  run();
  EXPECT_EQ(shown, 100u);
  EXPECT_EQ(counts.failed, 2u);
  EXPECT_EQ(counts.refused, 1u);
  EXPECT_THAT(files(), IsEmpty());
  const std::string said = log.str();
  EXPECT_NE(said.find("cannot create capture file"), std::string::npos);
  EXPECT_EQ(said.find("cannot create"), said.rfind("cannot create"));
}

TEST_F(Captured, WhatIsThereIsNeitherOverwrittenNorFollowed) {
  add_opens(0, 60);
  alert_at(20, 5);
  alert_at(40, 5);
  std::ofstream(name_of(20, 21)) << "precious";
  std::ofstream(folder + "/precious") << "precious";
  fs::create_symlink(folder + "/precious", name_of(40, 41));
  run();
  EXPECT_EQ(counts.failed, 2u);
  EXPECT_EQ(fs::file_size(name_of(20, 21)), 8u);
  EXPECT_EQ(fs::file_size(folder + "/precious"), 8u);
  settings.if_there = capture::IfThere::Replace;
  add_opens(0, 60);
  run();
  EXPECT_EQ(replayed(name_of(20, 21)).size(), 17u);
  EXPECT_EQ(fs::file_size(folder + "/precious"), 8u);
}

TEST_F(Captured, AFolderThatCannotBeWrittenToIsAnError) {
  for (const std::string bad : {"/no/such/folder/c", "/proc/version/c"}) {
    settings.path_prefix = bad;
    const auto made = AlertCapture::create(source, settings, logger);
    ASSERT_FALSE(made) << bad;
    EXPECT_THAT(made.error().message, HasSubstr(bad));
  }
}

TEST_F(Captured, TheNewestAreKeptThoseOfEarlierRunsToo) {
  settings.keep_files = 2;
  std::ofstream(folder + "/c_00000000000000000001_00000000000000000001.scap") << "old";
  std::ofstream(folder + "/c_1_1.scap") << "another name";
  std::ofstream(folder + "/d_00000000000000000001_00000000000000000001.scap") << "another prefix";
  add_opens(0, 200);
  for (const uint64_t second : {20u, 60u, 100u}) alert_at(second, 5);
  run();
  EXPECT_THAT(files(), ElementsAre(name_of(60, 61), name_of(100, 101), folder + "/c_1_1.scap",
                                   folder + "/d_00000000000000000001_00000000000000000001.scap"));
  EXPECT_EQ(counts.written.files_deleted, 2u);
}

TEST_F(Captured, TheLimitOfAllFilesBeginsNoMore) {
  settings.disk.total_bytes = 25'000;
  settings.before.bytes = 8'000;
  std::ofstream(folder + "/c_00000000000000000001_00000000000000000001.scap")
      << std::string(10'000, 'o');
  add_opens(0, 200, 500);
  alert_at(20, 5);
  alert_at(60, 5);
  alert_at(100, 5);
  run();
  ASSERT_THAT(files(), SizeIs(2));
  EXPECT_EQ(shown_in(1).size(), 17u);
  EXPECT_EQ(counts.failed, 2u);
  EXPECT_THAT(log.str(), HasSubstr("the limit of 25000 bytes for all files of " + folder + "/c"));
}

TEST_F(Captured, TheFileSystemIsNotFilled) {
  settings.disk.free_percent = 101;  // never free
  add_opens(0, 60);
  alert_at(20, 5);
  run();
  EXPECT_THAT(files(), IsEmpty());
  EXPECT_EQ(counts.failed, 1u);
}

TEST_F(Captured, AStormOfAlertsIsOneFile) {
  for (int i = 0; i < 20'000; ++i) source.add_open(7, at(1), "/x");
  alert_at(1, 5);
  run();
  EXPECT_EQ(counts.written.files, 1u);
  EXPECT_EQ(counts.prolonged, 19'999u);
  EXPECT_EQ(shown_in(0).size(), 20'000u);
}

TEST_F(Captured, ItEndsWhenNothingHappens) {
  source.set_live();
  source.repeat_idle();
  add_opens(0, 5);
  alert_at(4, 5);
  before_end = [&](AlertCapture&) { EXPECT_THAT(log.str(), HasSubstr("is complete")); };
  run();
  EXPECT_EQ(shown_in(0).size(), 5u);
}

TEST_F(Captured, WhatTheStateFoundOutIsInTheFile) {
  settings.before.period_ns = 3 * kSecond_ns;
  source.add_open(8, at(0), "/0");
  for (uint64_t second = 1; second < 30; ++second) {
    source.add_open(second < 15 ? 8 : 9, at(second), "/" + std::to_string(second));
  }
  before_event = [&](AlertCapture& capture, EventStream& stream) {
    // Before the events of the file, and among them.
    if (stream.number() == 2) capture.found(FoundThread{thread(8, "found"), {}});
    if (stream.number() == 2) capture.found(FoundContainer{R"({"container":{"id":"a1"}})"});
    if (stream.number() == 19) capture.found(FoundThread{thread(9, "later"), {}});
    if (stream.number() == 19) capture.found(FoundUser{"", {1, 2, "u", "/", "/"}});
    if (stream.number() == 21) capture.found(FoundThread{thread(9, "at last"), {}});
  };
  alert_at(18, 3);
  run();
  // What is found during an event stands before it.
  EXPECT_THAT(shown_in(0), ElementsAre("<NA> /15", "<NA> /16", "<NA> /17", "later /18", "later /19",
                                       "at last /20", "at last /21"));
  auto replay = open_replay(files()[0]);
  ASSERT_TRUE(replay);
  EventStream stream(**replay, {});
  ASSERT_TRUE(stream.open());
  rest_of(stream);
  EXPECT_NE(stream.state().find(8), nullptr);
  EXPECT_EQ(stream.state().find(8)->comm.view(), "found");
  StrPool& pool = stream.state().pool();
  EXPECT_NE(stream.state().container(pool.intern("a1")), nullptr);
  EXPECT_NE(stream.state().user(Str(), 1), nullptr);
}

TEST_F(Captured, AnotherSectionBeginsAnew) {
  add_opens(0, 5);
  source.add(SourceStatus::Restart);
  add_opens(5, 8);
  source.add(SourceStatus::Restart);
  add_opens(8, 10);
  alert_at(6, 100);
  run();
  ASSERT_THAT(files(), SizeIs(1));
  EXPECT_THAT(shown_in(0), ElementsAre("cat /5", "cat /6", "cat /7", "cat /8", "cat /9"));
}

TEST_F(Captured, ASectionThatBeginsAfterTheCapturesEndIsComplete) {
  add_opens(0, 5);
  source.add(SourceStatus::Restart);
  add_opens(15, 18);
  alert_at(3, 1);
  run();
  ASSERT_THAT(files(), SizeIs(1));
  EXPECT_THAT(shown_in(0), ElementsAre("cat /0", "cat /1", "cat /2", "cat /3", "cat /4"));
}

TEST_F(Captured, MetaEventsBeginNoFile) {
  add_opens(0, 2);
  source.add_user_added(at(2));
  add_opens(13, 15);
  settings.before.period_ns = 11 * kSecond_ns;
  alert_at(14, 1);
  run();
  EXPECT_THAT(shown_in(0), ElementsAre("cat /13", "cat /14"));
}

TEST_F(Captured, Compressed) {
  settings.compression = Compression::Gzip;
  add_opens(0, 40);
  alert_at(20, 5);
  run();
  std::ifstream file(files().at(0), std::ios::binary);
  EXPECT_EQ(file.get(), 0x1f);
  EXPECT_EQ(shown_in(0).size(), 17u);
}

struct CapturedConformance : testing::TestWithParam<const char*> {
  void SetUp() override {
    const char* given = std::getenv("GYR_CONFORMANCE");
    const std::string data = given != nullptr ? given : GYR_SOURCE_DIR "/../shared/conformance";
    path = data + "/captures/" + GetParam() + ".scap";
    if (!fs::exists(path)) GTEST_SKIP() << "no " << path << "; set GYR_CONFORMANCE";
    char name[] = "/tmp/gyr_alert_capture_XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder = name;
  }
  void TearDown() override {
    if (!folder.empty()) fs::remove_all(folder);
  }
  // Alerts at every so many events of the first `most`. Number of events that were shown.
  uint64_t capture(uint64_t most, uint64_t between) const {
    auto source = open_replay(path);
    AlertCaptureSettings settings;
    settings.path_prefix = folder + "/c";
    settings.disk.free_percent = 0;
    settings.before = {.bytes = 64 << 10, .period_ns = kSecond_ns};
    auto made = AlertCapture::create(**source, settings, null_logger());
    EventStream stream(**made, {});
    (*made)->watch_with({}, stream.state().pool(), {});
    EXPECT_TRUE(stream.open());
    uint64_t events = 0;
    for (StreamStatus status{}; status != StreamStatus::End && events < most;) {
      status = stream.next();
      if (status != StreamStatus::Event || ++events % between != 0) continue;
      (*made)->alert({"r", stream.event().ts_ns(), stream.number(), kSecond_ns / 10});
    }
    (*made)->finish();
    EXPECT_EQ((*made)->counts().failed, 0u);
    return events;
  }
  std::string path, folder;
};

// The event that a file is named after is the first one that the file must show as the whole
// capture does; where the file begins is found by the time and thread of its first event.
TEST_P(CapturedConformance, EveryFileShowsWhatTheWholeCaptureShows) {
  const uint64_t total = capture(20'000, UINT64_MAX);
  capture(20'000, total / 9 + 1);
  std::vector<TextFault> faults;
  const auto format = OutputTemplate::parse(
      all_formats(), {.fields = all_fields(), .event_types = kEventCount}, &faults);
  ASSERT_TRUE(format);
  uint64_t compared = 0, files = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    auto whole = open_replay(path);
    auto part = open_replay(entry.path());
    ASSERT_TRUE(part) << part.error().message;
    EventStream all(**whole, {});
    EventStream some(**part, {});
    ASSERT_TRUE(all.open());
    ASSERT_TRUE(some.open());
    const auto next_of = [](EventStream& stream) {
      StreamStatus status = StreamStatus::Skipped;
      while (status == StreamStatus::Skipped) status = stream.next();
      return status;
    };
    StreamStatus status = next_of(some);
    ASSERT_EQ(status, StreamStatus::Event);
    const Bytes first = some.event().bytes();
    do {
      ASSERT_EQ(next_of(all), StreamStatus::Event) << "no such event";
    } while (!std::ranges::equal(all.event().bytes(), first));
    for (bool has_trigger = false;; status = next_of(some)) {
      if (status == StreamStatus::End) {
        EXPECT_TRUE(has_trigger);
        break;
      }
      ASSERT_EQ(format->render(some.context()), format->render(all.context()))
          << "event " << all.number() << ", file " << entry.path();
      const std::string number = std::to_string(all.number()) + ".scap";
      has_trigger |= entry.path().string().ends_with("0" + number);
      ++compared;
      next_of(all);
    }
    ++files;
  }
  EXPECT_GE(files, 1u);
  EXPECT_GT(compared, 0u);
}

INSTANTIATE_TEST_SUITE_P(Captures, CapturedConformance, testing::ValuesIn(kManyEventCaptures),
                         name_of_capture);

}  // namespace
}  // namespace gyr
