// SPDX-License-Identifier: Apache-2.0
// Real captures, where they are at hand: each is read to its end, and what is written from it is
// the same capture again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <string>

#include "capture/read_all.h"
#include "capture/upgrade.h"
#include "capture/writer.h"

namespace gyr::test {
namespace {

// Walks the records of a capture, upgraded, one at a time.
class Walk {
 public:
  explicit Walk(const std::string& path) {
    auto opened = CaptureReader::open(path);
    EXPECT_TRUE(opened) << opened.error().message;
    if (opened) reader_ = *std::move(opened);
  }
  Snapshot snapshot() { return reader_->take_snapshot(); }
  // False at the end.
  bool next(Record* record) {
    while (true) {
      const ReadStatus status = reader_->next(record);
      if (status == ReadStatus::Failed) ADD_FAILURE() << reader_->error().message;
      if (status != ReadStatus::Event) return false;
      const Upgrade upgrade = upgrader_.upgrade(record);
      if (upgrade == Upgrade::Failed) ADD_FAILURE() << upgrader_.reason();
      if (upgrade == Upgrade::Keep) return true;
    }
  }
  const CaptureReader& reader() const { return *reader_; }
  const UpgradeCounters& upgrades() const { return upgrader_.counters(); }

 private:
  std::unique_ptr<CaptureReader> reader_;
  Upgrader upgrader_;
};

class ConformanceCaptures : public testing::Test {
 protected:
  void SetUp() override {
    if (conformance().empty()) GTEST_SKIP() << "no conformance data (see GYR_CONFORMANCE)";
    char name[] = "/tmp/gyr_captures_XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }
  std::string folder_;
};

TEST_F(ConformanceCaptures, AreReadToTheEnd) {
  // Event blocks that each file holds.
  const std::map<std::string, uint64_t> blocks{{"cat_write", 345},
                                               {"curl_google", 1536},
                                               {"curl_google_comments", 1536},
                                               {"empty", 143},
                                               {"net", 36024},
                                               {"open-multiple-files", 1272},
                                               {"ping_sendto", 1526},
                                               {"run_as_user_0_container", 4143},
                                               {"sample", 572},
                                               {"single_ipv6_conn", 1728},
                                               {"workload", 1496362}};
  for (const std::string& path : conformance_captures()) {
    SCOPED_TRACE(path);
    Walk walk(path);
    const Snapshot snapshot = walk.snapshot();
    EXPECT_FALSE(snapshot.threads.empty());
    EXPECT_FALSE(snapshot.fds.empty());
    EXPECT_TRUE(snapshot.has_users);
    EXPECT_FALSE(snapshot.machine.hostname.empty());
    Record record;
    uint64_t kept = 0;
    while (walk.next(&record)) ++kept;
    EXPECT_EQ(kept + walk.upgrades().dropped, walk.reader().events());
    const auto known = blocks.find(std::filesystem::path(path).stem());
    if (known == blocks.end()) continue;
    EXPECT_EQ(walk.reader().events(), known->second);
  }
}

// The event blocks of a plain capture, as they lie in the file.
std::string event_blocks(const std::string& capture) {
  size_t at = 0;
  const Bytes bytes = as_bytes(capture);
  while (at + 8 <= capture.size() &&
         capture::block_info(load<uint32_t>(bytes.data() + at)).kind != capture::BlockKind::Event) {
    at += load<uint32_t>(bytes.data() + at + 4);
  }
  return capture.substr(at);
}

void copy_capture(const std::string& from, const std::string& to, Compression compression) {
  Walk walk(from);
  auto writer = CaptureWriter::create(to, compression, walk.snapshot());
  ASSERT_TRUE(writer) << writer.error().message;
  Record record;
  while (walk.next(&record)) ASSERT_TRUE((*writer)->write(record));
  ASSERT_TRUE((*writer)->close());
  EXPECT_EQ((*writer)->texts_cut(), 0u);
}

TEST_F(ConformanceCaptures, WrittenAgainTheyAreTheSame) {
  for (const std::string& path : conformance_captures()) {
    SCOPED_TRACE(path);
    const bool large = std::filesystem::file_size(path) > 5'000'000;
    const std::string once = folder_ + "/once.scap";
    const std::string twice = folder_ + "/twice.scap";
    copy_capture(path, once, large ? Compression::None : Compression::Gzip);
    copy_capture(once, twice, Compression::None);
    Walk first(path);
    Walk last(twice);
    const Snapshot before = first.snapshot();
    const Snapshot after = last.snapshot();
    EXPECT_EQ(before.threads.size(), after.threads.size());
    EXPECT_EQ(before.fds.size(), after.fds.size());
    EXPECT_EQ(before.fd_tids, after.fd_tids);
    EXPECT_EQ(before.users.size(), after.users.size());
    EXPECT_EQ(before.interfaces.size(), after.interfaces.size());
    // An upgraded capture holds current events only: none is converted the second time.
    Record a;
    Record b;
    uint64_t different = 0;
    while (first.next(&a)) {
      ASSERT_TRUE(last.next(&b));
      if (as_text(a.bytes) != as_text(b.bytes) || a.cpu != b.cpu || a.flags != b.flags) ++different;
    }
    EXPECT_FALSE(last.next(&b));
    EXPECT_EQ(different, 0u);
    EXPECT_EQ(last.upgrades().converted, 0u);
  }
}

TEST_F(ConformanceCaptures, CurrentEventBlocksKeepEveryByte) {
  const std::string net = conformance() + "/captures/net.scap";
  if (!std::filesystem::exists(net)) GTEST_SKIP() << "net.scap is not among the conformance data";
  const std::string copy = folder_ + "/net.scap";
  copy_capture(net, copy, Compression::None);
  const std::string again = folder_ + "/net.scap.gz";
  copy_capture(copy, again, Compression::Gzip);
  gzFile file = gzopen(net.c_str(), "rb");
  ASSERT_NE(file, nullptr);
  std::string original(16 << 20, '\0');
  original.resize(
      static_cast<size_t>(gzread(file, original.data(), static_cast<unsigned>(original.size()))));
  gzclose(file);
  EXPECT_TRUE(event_blocks(original) == event_blocks(file_bytes(copy)));
  std::string unpacked(16 << 20, '\0');
  file = gzopen(again.c_str(), "rb");
  unpacked.resize(
      static_cast<size_t>(gzread(file, unpacked.data(), static_cast<unsigned>(unpacked.size()))));
  gzclose(file);
  EXPECT_TRUE(event_blocks(original) == event_blocks(unpacked));
}

}  // namespace
}  // namespace gyr::test
