// SPDX-License-Identifier: Apache-2.0
// Files by what is in effect, which for a service is not what its real user may.
#include "base/capabilities.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace gyr {
namespace {

constexpr uid_t kNobody = 65534;

TEST(MayUse, SaysWhyNot) {
  EXPECT_TRUE(may_use("/", R_OK | X_OK));
  EXPECT_FALSE(may_use("/nonexistent", R_OK));
  EXPECT_EQ(errno, ENOENT);
}

// As systemd starts a unit with User= and AmbientCapabilities=.
TEST(MayUse, CountsTheCapabilitiesOfAServiceUser) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to become another user";
  std::string path = testing::TempDir() + "gyr_may_use_XXXXXX";
  const int made = mkstemp(path.data());  // 0600
  ASSERT_GE(made, 0);
  close(made);
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    if (setresuid(kNobody, kNobody, kNobody) != 0) _exit(2);
    if (!keep_only({Capability::DacReadSearch})) _exit(3);
    if (open(path.c_str(), O_RDONLY | O_CLOEXEC) < 0) _exit(4);
    if (!may_use(path, R_OK)) _exit(5);
    _exit(may_use(path, W_OK) ? 6 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  unlink(path.c_str());
}

}  // namespace
}  // namespace gyr
