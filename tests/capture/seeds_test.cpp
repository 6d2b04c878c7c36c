// SPDX-License-Identifier: Apache-2.0
// Makes the captures that capture_fuzz starts from, in the folder that GYR_FUZZ_SEEDS names or else
// a temporary one, and sees that each is read to its end.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "capture/conversions.h"
#include "capture/findings.h"
#include "capture/progress.h"
#include "capture/read_all.h"
#include "capture/sample.h"
#include "capture/writer.h"

namespace gyr::test {
namespace {

// Every event that has an upgrade rule, with parameters of their least size.
std::string old_events(size_t first, size_t step) {
  std::string capture = section(1, 0);
  size_t at = 0;
  for (const EventInfo& info : all_events()) {
    for (uint32_t count = 0; count <= kMaxParams; ++count) {
      if (find_conversion(info.type, count) == nullptr || at++ % step != first) continue;
      Event event{static_cast<uint16_t>(info.type), {}};
      for (uint32_t i = 0; i < count; ++i) {
        event.params.emplace_back(type_info(info.params()[i].type).size_min, '\1');
      }
      capture += block(0x204, Raw().u16(0).raw(old_record(event)).bytes);
    }
  }
  return capture;
}

SnapshotThread thread_of(int64_t tid) {
  SnapshotThread thread;
  thread.tid = thread.pid = thread.vtid = thread.vpid = tid;
  thread.ptid = 1;
  thread.comm = "cat";
  return thread;
}

SnapshotFd fd_of(int64_t tid) {
  SnapshotFd fd;
  fd.tid = tid;
  fd.fd = 3;
  fd.kind = FdKind::Ipv4;
  return fd;
}

// A file that begins in the middle of a recording, with each of our own records.
std::string recorded(const std::filesystem::path& path) {
  Snapshot snapshot;
  snapshot.threads = {thread_of(1), thread_of(2)};
  snapshot.fds = {fd_of(2)};
  SnapshotProgress progress;
  progress.half_known = {thread_of(9)};
  progress.threads.push_back({.tid = 2, .cwd = "/", .enter_event = {1, 2}});
  progress.fds.push_back({.fd = fd_of(9), .role = 1, .name_raw = "x", .real_path = "y"});
  progress.containers = {R"({"container":{"id":"0123456789ab","type":0}})"};
  progress.exits = {{1, 7, 5}};
  progress.shared_tables = {{7, 1, false}};
  auto writer = CaptureWriter::create(path, Compression::None, snapshot);
  EXPECT_TRUE(writer);
  if (!writer) return {};
  EventBuilder builder;
  snapshot.of_our_own = true;
  EXPECT_TRUE((*writer)->write(capture::supplement_record(snapshot, 5, builder)));
  EXPECT_TRUE((*writer)->write(capture::progress_record(progress, 5, builder)));
  const Finding findings[] = {FoundThread{thread_of(3), {fd_of(3)}},
                              FoundFds{2, {fd_of(2)}},
                              FoundUser{"0123456789ab", {5, 5, "five", "/", "/bin/sh"}},
                              FoundGroup{"", {5, "five"}},
                              GoneThread{3},
                              LostEvents{2}};
  for (const Finding& finding : findings) {
    EXPECT_TRUE((*writer)->write(capture::finding_record(finding, 5, builder)));
  }
  const std::string event = record({static_cast<uint16_t>(Ev::CLOSE_X), {std::string(8, '\0')}});
  EXPECT_TRUE((*writer)->write({.bytes = as_bytes(event), .note = as_bytes("\1/real")}));
  EXPECT_TRUE((*writer)->close());
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(FuzzSeeds, AreMade) {
  std::map<std::string, std::string> seeds{
      {"sample", sample_capture()},
      {"sample_gzip", gzip(sample_capture())},
      {"twice", sample_capture() + sample_capture()},
      {"twice_gzip", gzip(sample_capture()) + gzip(sample_capture())},
  };
  const std::filesystem::path made = testing::TempDir() + "gyr_recorded_seed.scap";
  seeds["recorded"] = recorded(made);
  std::filesystem::remove(made);
  constexpr size_t kParts = 8;
  for (size_t i = 0; i < kParts; ++i) {
    seeds["old_events_" + std::to_string(i)] = old_events(i, kParts);
  }
  const char* named = std::getenv("GYR_FUZZ_SEEDS");
  const std::filesystem::path folder =
      named != nullptr ? named : testing::TempDir() + "gyr_capture_seeds";
  std::filesystem::create_directories(folder);
  for (const auto& [name, bytes] : seeds) {
    std::ofstream(folder / (name + ".scap"), std::ios::binary) << bytes;
    const Outcome outcome = drain(CaptureReader::open(folder / (name + ".scap")));
    EXPECT_EQ(outcome.error, "") << name;
    EXPECT_FALSE(outcome.events.empty()) << name;
  }
  if (named == nullptr) std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace gyr::test
