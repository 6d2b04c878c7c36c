// SPDX-License-Identifier: Apache-2.0
// The thread of an output opens what its sink names and nothing else, also after that was replaced.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "alert/outputs.h"
#include "alert_fixtures.h"
#include "base/sandbox.h"

namespace gyr {
namespace {

bool opens(const std::string& path, int flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC, 0644);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

// What a sink's thread could do at each alert.
struct Seen {
  std::atomic<int> alerts{0}, own{0}, foreign{0}, shadow{0}, reopened{0};
  std::atomic<uint64_t> capabilities{0};
};

class OpeningSink final : public Sink {
 public:
  OpeningSink(std::string own, std::string foreign, std::shared_ptr<Seen> seen)
      : own_(std::move(own)), foreign_(std::move(foreign)), seen_(std::move(seen)) {}
  std::string_view name() const override { return "opening"; }
  std::optional<Allowed> allowed() const override { return Allowed{.read = {own_}}; }
  Result<void> open(SinkPort&) override { return {}; }
  void reopen() override { ++seen_->reopened; }
  SinkResult send(std::span<const Outgoing>) override {
    seen_->own += opens(own_, O_RDONLY) ? 1 : 0;
    seen_->foreign += opens(foreign_, O_RDONLY) || opens(foreign_, O_WRONLY) ? 1 : 0;
    seen_->shadow += opens("/etc/shadow", O_RDONLY) ? 1 : 0;
    seen_->capabilities = permitted_capabilities().bits();
    ++seen_->alerts;
    return {};
  }

 private:
  const std::string own_, foreign_;
  const std::shared_ptr<Seen> seen_;
};

TEST(LaneSandbox, OpensWhatTheSinkNamesAndNothingElse) {
  if (landlock_version() == 0) GTEST_SKIP() << "this kernel has no Landlock";
  TempFolder folder;
  for (const char* name : {"own", "foreign"}) std::ofstream(folder / name) << name;
  auto seen = std::make_shared<Seen>();
  Outputs outputs({}, null_logger());
  ASSERT_TRUE(outputs.add(std::make_unique<OpeningSink>(folder / "own", folder / "foreign", seen)));
  outputs.send(test_alert(0), kNeverGiveUp);
  wait_until([&] { return seen->alerts == 1; });
  EXPECT_EQ(seen->own, 1);
  // As certificates are renewed. The next alert is sent by a thread that may open the new one.
  std::ofstream(folder / "new") << "new";
  ASSERT_EQ(rename((folder / "new").c_str(), (folder / "own").c_str()), 0);
  usleep(60'000);  // the lane looks twenty times a second
  outputs.send(test_alert(1), kNeverGiveUp);
  wait_until([&] { return seen->alerts == 2; });
  outputs.finish();
  EXPECT_EQ(seen->own, 2);
  EXPECT_EQ(seen->reopened, 1);
  EXPECT_EQ(seen->foreign, 0);
  EXPECT_EQ(seen->shadow, 0);
  EXPECT_EQ(seen->capabilities, 0u);
  EXPECT_EQ(outputs.counters().at(0).sent, 2u);
  EXPECT_EQ(outputs.counters().at(0).lost_total(), 0u);
  if (geteuid() == 0) {
    EXPECT_TRUE(opens("/etc/shadow", O_RDONLY)) << "the thread that detects is not limited";
  }
}

}  // namespace
}  // namespace gyr
