// SPDX-License-Identifier: Apache-2.0
// Opening, closing and duplicating descriptors, live.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "live_fixture.h"

namespace gyr::test {
namespace {

using OpenLive = LiveTest;

struct Place {
  int64_t dev, ino;
};
Place place_of(const std::string& path) {
  struct stat found {};
  EXPECT_EQ(stat(path.c_str(), &found), 0) << path;
  const uint32_t low = minor(found.st_dev);
  return {static_cast<int64_t>((low & 0xff) | major(found.st_dev) << 8 | (low & ~0xffu) << 12),
          static_cast<int64_t>(found.st_ino)};
}

TEST_F(OpenLive, openat) {
  const Place place = place_of("/etc/passwd");
  out(0) = 0;
  const auto [good, bad] =
      both(run([&] {
             out(0) = syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY | O_CLOEXEC, 0777);
             syscall(SYS_openat, 977, "no/such", O_RDWR | O_APPEND | O_NONBLOCK, 0);
           }),
           Ev::OPENAT_2_X);
  const int64_t layer = good.number("flags") & 0x18000;
  expect(good, {{"fd", out(0)},
                {"dirfd", AT_FDCWD},
                {"name", "/etc/passwd"},
                {"flags", 4097 | layer},
                {"mode", 0},
                {"dev", place.dev},
                {"ino", place.ino}});
  expect(bad, {{"fd", -EBADF},
               {"dirfd", 977},
               {"name", "no/such"},
               {"flags", 3 | 8 | 64},
               {"mode", 0},
               {"dev", 0},
               {"ino", 0}});
}

TEST_F(OpenLive, open_creates) {
  const std::string path = dir() + "/new";
  const auto [good, bad] =
      both(run([&] {
             out(0) = syscall(SYS_open, path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_TRUNC, 0640);
             syscall(SYS_open, path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
           }),
           Ev::OPEN_X);
  const Place place = place_of(path);
  const int64_t layer = good.number("flags") & 0x18000;
  expect(good, {{"fd", out(0)},
                {"name", path},
                {"flags", 2 | 4 | 32 | 256 | 16384 | layer},
                {"mode", 0640},
                {"dev", place.dev},
                {"ino", place.ino}});
  expect(bad, {{"fd", -EEXIST},
               {"name", path},
               {"flags", 2 | 4 | 32},
               {"mode", 0600},
               {"dev", 0},
               {"ino", 0}});
}

TEST_F(OpenLive, an_existing_file_is_not_marked_as_created) {
  const Seen open =
      only(run([] { syscall(SYS_open, "/dev/null", O_WRONLY | O_CREAT, 0600); }), Ev::OPEN_X);
  EXPECT_EQ(open.bits("flags") & 16384, 0u);
}

TEST_F(OpenLive, creat) {
  const std::string path = dir() + "/made";
  const auto [good, bad] = both(run([&] {
                                  out(0) = syscall(SYS_creat, path.c_str(), 0604);
                                  syscall(SYS_creat, "/no/such/dir/x", 0600);
                                }),
                                Ev::CREAT_X);
  const Place place = place_of(path);
  expect(good, {{"fd", out(0)},
                {"name", path},
                {"mode", 0604},
                {"dev", place.dev},
                {"ino", place.ino},
                {"creat_flags", good.number("creat_flags") & 3}});
  expect(bad, {{"fd", -ENOENT},
               {"name", "/no/such/dir/x"},
               {"mode", 0600},
               {"dev", 0},
               {"ino", 0},
               {"creat_flags", 0}});
}

TEST_F(OpenLive, openat2) {
  const Place place = place_of("/etc/group");
  const auto [good, bad] = both(run([&] {
                                  open_how how{};
                                  how.flags = O_RDONLY | O_NOFOLLOW;
                                  how.resolve = RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
                                  out(1) =
                                      syscall(SYS_openat, AT_FDCWD, "/etc", O_DIRECTORY | O_RDONLY);
                                  out(0) = syscall(SYS_openat2, out(1), "group", &how, sizeof how);
                                  how.flags = O_CREAT | O_RDWR;
                                  how.mode = 0600;
                                  how.resolve = RESOLVE_BENEATH;
                                  syscall(SYS_openat2, out(1), "../escape", &how, sizeof how);
                                }),
                                Ev::OPENAT2_X);
  const int64_t layer = good.number("flags") & 0x18000;
  expect(good, {{"fd", out(0)},
                {"dirfd", out(1)},
                {"name", "group"},
                {"flags", 1 | layer},
                {"mode", 0},
                {"resolve", 4 | 16},
                {"dev", place.dev},
                {"ino", place.ino}});
  expect(bad, {{"fd", -EXDEV},
               {"dirfd", out(1)},
               {"name", "../escape"},
               {"flags", 3 | 4},
               {"mode", 0600},
               {"resolve", 1},
               {"dev", 0},
               {"ino", 0}});
}

TEST_F(OpenLive, open_by_handle_at) {
  const std::string path = dir() + "/by_handle";
  const auto events = run([&] {
    alignas(file_handle) std::array<unsigned char, sizeof(file_handle) + 128> room{};
    auto* handle = reinterpret_cast<file_handle*>(room.data());
    handle->handle_bytes = 128;
    int mount_id = 0;
    const long mount = syscall(SYS_open, dir().c_str(), O_RDONLY | O_DIRECTORY);
    syscall(SYS_close, syscall(SYS_creat, path.c_str(), 0600));
    if (syscall(SYS_name_to_handle_at, AT_FDCWD, path.c_str(), handle, &mount_id, 0) != 0) return 1;
    out(1) = mount;
    out(0) = syscall(SYS_open_by_handle_at, mount, handle, O_RDWR);
    if (out(0) < 0) return 1;
    syscall(SYS_open_by_handle_at, 999, handle, O_RDONLY);
    return 0;
  });
  if (WEXITSTATUS(status()) != 0) GTEST_SKIP() << "this file system gives no handles";
  const auto [good, bad] = both(events, Ev::OPEN_BY_HANDLE_AT_X);
  const Place place = place_of(path);
  const int64_t layer = good.number("flags") & 0x18000;
  expect(good, {{"fd", out(0)},
                {"mountfd", out(1)},
                {"flags", 3 | layer},
                {"path", path},
                {"dev", place.dev},
                {"ino", place.ino}});
  expect(
      bad,
      {{"fd", -EBADF}, {"mountfd", 999}, {"flags", 1}, {"path", kEmpty}, {"dev", 0}, {"ino", 0}});
}

TEST_F(OpenLive, close) {
  const auto [good, bad] = both(run([&] {
                                  out(0) = syscall(SYS_dup, 2);
                                  syscall(SYS_close, out(0));
                                  syscall(SYS_close, -1);
                                }),
                                Ev::CLOSE_X);
  expect(good, {{"res", 0}, {"fd", out(0)}});
  expect(bad, {{"res", -EBADF}, {"fd", -1}});
}

TEST_F(OpenLive, close_range) {
  const auto [good, bad] = both(run([&] {
                                  syscall(SYS_close_range, 500u, ~0u, 4u);
                                  syscall(SYS_close_range, 5u, 4u, 0u);
                                }),
                                Ev::CLOSE_RANGE_X);
  expect(good, {{"res", 0}, {"first", 500}, {"last", 0xffffffff}, {"flags", 4}});
  expect(bad, {{"res", -EINVAL}, {"first", 5}, {"last", 4}, {"flags", 0}});
}

TEST_F(OpenLive, dup_dup2_dup3) {
  const auto events = run([&] {
    out(0) = syscall(SYS_dup, 1);
    syscall(SYS_dup, 900);
    syscall(SYS_dup2, 1, 50);
    syscall(SYS_dup2, 900, 51);
    syscall(SYS_dup3, 1, 52, O_CLOEXEC);
    syscall(SYS_dup3, 1, 1, 0);
  });
  const auto dup = both(events, Ev::DUP_1_X);
  expect(dup.good, {{"res", out(0)}, {"oldfd", 1}});
  expect(dup.bad, {{"res", -EBADF}, {"oldfd", 900}});
  const auto dup2 = both(events, Ev::DUP2_X);
  expect(dup2.good, {{"res", 50}, {"oldfd", 1}, {"newfd", 50}});
  expect(dup2.bad, {{"res", -EBADF}, {"oldfd", 900}, {"newfd", 51}});
  const auto dup3 = both(events, Ev::DUP3_X);
  expect(dup3.good, {{"res", 52}, {"oldfd", 1}, {"newfd", 52}, {"flags", 4096}});
  expect(dup3.bad, {{"res", -EINVAL}, {"oldfd", 1}, {"newfd", 1}, {"flags", 0}});
}

TEST_F(OpenLive, fcntl) {
  const auto events = of(run([] {
                           syscall(SYS_fcntl, 1, F_DUPFD_CLOEXEC, 860);
                           syscall(SYS_fcntl, 900, F_SETFD, FD_CLOEXEC);
                           syscall(SYS_fcntl, 1, F_GETFL, 0);
                           syscall(SYS_fcntl, 1, F_DUPFD, 870);
                           syscall(SYS_fcntl, 1, 4242, 7);
                         }),
                         Ev::FCNTL_X);
  ASSERT_EQ(events.size(), 5u);
  expect(events[0], {{"res", 860}, {"fd", 1}, {"cmd", 26}, {"arg", 860}});
  expect(events[1], {{"res", -EBADF}, {"fd", 900}, {"cmd", 3}, {"arg", 1}});
  EXPECT_EQ(events[2].number("cmd"), 4);
  expect(events[3], {{"res", 870}, {"fd", 1}, {"cmd", 1}, {"arg", 870}});
  expect(events[4], {{"res", -EINVAL}, {"fd", 1}, {"cmd", 0}, {"arg", 7}});
}

}  // namespace
}  // namespace gyr::test
