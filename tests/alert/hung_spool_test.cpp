// SPDX-License-Identifier: Apache-2.0
// A disk that hangs while the program ends: the program must not hang with it.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "alert/alert_fixtures.h"

namespace {

std::atomic<bool> disk_hangs{false};

}  // namespace

// In place of the C library's, for the whole of this test program.
extern "C" ssize_t pwrite(int fd, const void* data, size_t bytes, off_t offset) {
  while (disk_hangs) usleep(1000);
  return syscall(SYS_pwrite64, fd, data, bytes, offset);
}

namespace gyr {
namespace {

// Takes its first alert when the end is near, and so leaves the others to the spool.
class SlowSink final : public Sink {
 public:
  explicit SlowSink(std::shared_ptr<std::atomic<bool>> gone) : gone_(std::move(gone)) {}
  ~SlowSink() override { *gone_ = true; }
  std::string_view name() const override { return "slow"; }
  Result<void> open(SinkPort& port) override {
    port_ = &port;
    return {};
  }
  SinkResult send(std::span<const Outgoing>) override {
    while (!port_->ending) usleep(1000);
    return {};
  }

 private:
  SinkPort* port_ = nullptr;
  const std::shared_ptr<std::atomic<bool>> gone_;
};

TEST(HungSpool, DoesNotKeepTheProgramFromEnding) {
  TempFolder folder;
  auto gone = std::make_shared<std::atomic<bool>>(false);
  {
    Outputs outputs({.finish_timeout_ms = 20}, null_logger());
    ASSERT_TRUE(outputs.add(std::make_unique<SlowSink>(gone), {.spool_folder = folder / "s"}));
    outputs.send(test_alert(0), kNeverGiveUp);
    outputs.send(test_alert(1), kNeverGiveUp);
    disk_hangs = true;
    outputs.finish(kHurry);  // comes back
    EXPECT_EQ(outputs.counters().at(0).sent, 1u);
    EXPECT_EQ(outputs.counters().at(0).lost_for(AlertLoss::Unfinished), 1u);
    disk_hangs = false;
    wait_until([&] { return outputs.counters().at(0).in_spool == 1; });
    EXPECT_EQ(outputs.counters().at(0).lost_total(), 1u) << "counted once";
  }
  wait_until([&] { return gone->load(); });  // the thread that was left behind
}

}  // namespace
}  // namespace gyr
