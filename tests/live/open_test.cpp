// SPDX-License-Identifier: Apache-2.0
// Opening and closing of files, live.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "live_fixture.h"

namespace gyr::test {
namespace {

using OpenLive = LiveTest;

TEST_F(OpenLive, openat_of_an_existing_file) {
  struct stat expected {};
  ASSERT_EQ(stat("/etc/passwd", &expected), 0);
  const auto events = run([] {
    const long fd = syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY | O_CLOEXEC, 0);
    return fd >= 0 && syscall(SYS_close, fd) == 0 ? static_cast<int>(fd) : 255;
  });
  const Seen open = only(events, Ev::OPENAT_2_X);
  EXPECT_EQ(open.number("fd"), WEXITSTATUS(status()));
  EXPECT_EQ(open.number("dirfd"), AT_FDCWD);
  EXPECT_EQ(open.text("name"), "/etc/passwd");
  EXPECT_EQ(open.bits("flags") & 0xffff, 4097u);  // O_CLOEXEC | O_RDONLY
  EXPECT_EQ(open.bits("mode"), 0u);
  EXPECT_EQ(open.bits("ino"), expected.st_ino);
  EXPECT_NE(open.bits("dev"), 0u);
  const Seen close = only(events, Ev::CLOSE_X);
  EXPECT_EQ(close.number("res"), 0);
  EXPECT_EQ(close.number("fd"), WEXITSTATUS(status()));
}

}  // namespace
}  // namespace gyr::test
