// SPDX-License-Identifier: Apache-2.0
// Calls on paths and on the attributes of files, live.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "live_fixture.h"

namespace gyr::test {
namespace {

using PathLive = LiveTest;
constexpr int64_t kCwd = AT_FDCWD;

TEST_F(PathLive, chdir_fchdir_getcwd_chroot) {
  const auto events = run([&] {
    out(0) = syscall(SYS_open, dir().c_str(), O_RDONLY | O_DIRECTORY);
    syscall(SYS_chdir, dir().c_str());
    syscall(SYS_chdir, "no-such");
    std::array<char, 4096> name{};
    out(1) = syscall(SYS_getcwd, name.data(), name.size());
    syscall(SYS_getcwd, name.data(), 1ul);
    syscall(SYS_fchdir, out(0));
    syscall(SYS_fchdir, 900);
    syscall(SYS_chroot, "/no/such");
    syscall(SYS_chroot, dir().c_str());
  });
  const auto chdir = both(events, Ev::CHDIR_X);
  expect(chdir.good, {{"res", 0}, {"path", dir()}});
  expect(chdir.bad, {{"res", -ENOENT}, {"path", "no-such"}});
  const auto getcwd = both(events, Ev::GETCWD_X);
  expect(getcwd.good, {{"res", out(1)}, {"path", dir()}});
  expect(getcwd.bad, {{"res", -ERANGE}, {"path", kEmpty}});
  const auto fchdir = both(events, Ev::FCHDIR_X);
  expect(fchdir.good, {{"res", 0}, {"fd", out(0)}});
  expect(fchdir.bad, {{"res", -EBADF}, {"fd", 900}});
  const auto chroot = both(events, Ev::CHROOT_X);
  expect(chroot.good, {{"res", 0}, {"path", dir()}});
  expect(chroot.bad, {{"res", -ENOENT}, {"path", "/no/such"}});
}

TEST_F(PathLive, directories) {
  const auto events = run([&] {
    chdir(dir().c_str());
    syscall(SYS_mkdir, "d1", 0750);
    syscall(SYS_mkdir, "no/d", 0700);
    syscall(SYS_mkdirat, AT_FDCWD, "d2", 0711);
    syscall(SYS_mkdirat, 900, "d3", 0711);
    syscall(SYS_rmdir, "d1");
    syscall(SYS_rmdir, "d1");
    syscall(SYS_unlinkat, AT_FDCWD, "d2", AT_REMOVEDIR);
    syscall(SYS_unlinkat, AT_FDCWD, "d2", 0);
  });
  const auto mkdir = both(events, Ev::MKDIR_2_X);
  expect(mkdir.good, {{"res", 0}, {"path", "d1"}, {"mode", 0750}});
  expect(mkdir.bad, {{"res", -ENOENT}, {"path", "no/d"}, {"mode", 0700}});
  const auto mkdirat = both(events, Ev::MKDIRAT_X);
  expect(mkdirat.good, {{"res", 0}, {"dirfd", kCwd}, {"path", "d2"}, {"mode", 0711}});
  expect(mkdirat.bad, {{"res", -EBADF}, {"dirfd", 900}, {"path", "d3"}, {"mode", 0711}});
  const auto rmdir = both(events, Ev::RMDIR_2_X);
  expect(rmdir.good, {{"res", 0}, {"path", "d1"}});
  expect(rmdir.bad, {{"res", -ENOENT}, {"path", "d1"}});
  const auto unlinkat = both(events, Ev::UNLINKAT_2_X);
  expect(unlinkat.good, {{"res", 0}, {"dirfd", kCwd}, {"name", "d2"}, {"flags", 512}});
  expect(unlinkat.bad, {{"res", -ENOENT}, {"dirfd", kCwd}, {"name", "d2"}, {"flags", 0}});
}

TEST_F(PathLive, links) {
  const auto events = run([&] {
    chdir(dir().c_str());
    close(creat("f", 0600));
    syscall(SYS_link, "f", "hard");
    syscall(SYS_link, "gone", "x");
    syscall(SYS_linkat, AT_FDCWD, "f", AT_FDCWD, "hard2", AT_SYMLINK_FOLLOW);
    syscall(SYS_linkat, 900, "f", 901, "x", 0);
    syscall(SYS_symlink, "f", "soft");
    syscall(SYS_symlink, "f", "no/soft");
    syscall(SYS_symlinkat, "/etc/shadow", AT_FDCWD, "soft2");
    syscall(SYS_symlinkat, "t", 900, "s");
    syscall(SYS_unlink, "hard");
    syscall(SYS_unlink, "hard");
  });
  const auto link = both(events, Ev::LINK_2_X);
  expect(link.good, {{"res", 0}, {"oldpath", "f"}, {"newpath", "hard"}});
  expect(link.bad, {{"res", -ENOENT}, {"oldpath", "gone"}, {"newpath", "x"}});
  const auto linkat = both(events, Ev::LINKAT_2_X);
  expect(linkat.good, {{"res", 0},
                       {"olddir", kCwd},
                       {"oldpath", "f"},
                       {"newdir", kCwd},
                       {"newpath", "hard2"},
                       {"flags", 1024}});
  expect(linkat.bad, {{"res", -EBADF},
                      {"olddir", 900},
                      {"oldpath", "f"},
                      {"newdir", 901},
                      {"newpath", "x"},
                      {"flags", 0}});
  const auto symlink = both(events, Ev::SYMLINK_X);
  expect(symlink.good, {{"res", 0}, {"target", "f"}, {"linkpath", "soft"}});
  expect(symlink.bad, {{"res", -ENOENT}, {"target", "f"}, {"linkpath", "no/soft"}});
  const auto symlinkat = both(events, Ev::SYMLINKAT_X);
  expect(symlinkat.good,
         {{"res", 0}, {"target", "/etc/shadow"}, {"linkdirfd", kCwd}, {"linkpath", "soft2"}});
  expect(symlinkat.bad, {{"res", -EBADF}, {"target", "t"}, {"linkdirfd", 900}, {"linkpath", "s"}});
  const auto unlink = both(events, Ev::UNLINK_2_X);
  expect(unlink.good, {{"res", 0}, {"path", "hard"}});
  expect(unlink.bad, {{"res", -ENOENT}, {"path", "hard"}});
}

TEST_F(PathLive, renames) {
  const auto events = run([&] {
    chdir(dir().c_str());
    close(creat("a", 0600));
    syscall(SYS_rename, "a", "b");
    syscall(SYS_rename, "a", "b");
    syscall(SYS_renameat, AT_FDCWD, "b", AT_FDCWD, "c");
    syscall(SYS_renameat, 900, "b", 901, "c");
    syscall(SYS_renameat2, AT_FDCWD, "c", AT_FDCWD, "d", 1u);
    syscall(SYS_renameat2, AT_FDCWD, "c", AT_FDCWD, "d", 2u);
  });
  const auto rename = both(events, Ev::RENAME_X);
  expect(rename.good, {{"res", 0}, {"oldpath", "a"}, {"newpath", "b"}});
  expect(rename.bad, {{"res", -ENOENT}, {"oldpath", "a"}, {"newpath", "b"}});
  const auto renameat = both(events, Ev::RENAMEAT_X);
  expect(renameat.good,
         {{"res", 0}, {"olddirfd", kCwd}, {"oldpath", "b"}, {"newdirfd", kCwd}, {"newpath", "c"}});
  expect(
      renameat.bad,
      {{"res", -EBADF}, {"olddirfd", 900}, {"oldpath", "b"}, {"newdirfd", 901}, {"newpath", "c"}});
  const auto renameat2 = both(events, Ev::RENAMEAT2_X);
  expect(renameat2.good, {{"res", 0},
                          {"olddirfd", kCwd},
                          {"oldpath", "c"},
                          {"newdirfd", kCwd},
                          {"newpath", "d"},
                          {"flags", 1}});
  expect(renameat2.bad, {{"res", -ENOENT},
                         {"olddirfd", kCwd},
                         {"oldpath", "c"},
                         {"newdirfd", kCwd},
                         {"newpath", "d"},
                         {"flags", 2}});
}

TEST_F(PathLive, modes_and_owners) {
  const auto events = run([&] {
    chdir(dir().c_str());
    out(0) = creat("f", 0600);
    syscall(SYS_chmod, "f", 04755);
    syscall(SYS_chmod, "gone", 0644);
    syscall(SYS_fchmod, out(0), 0640);
    syscall(SYS_fchmod, 900, 0640);
    syscall(SYS_fchmodat, AT_FDCWD, "f", 01777);
    syscall(SYS_fchmodat, 900, "f", 0600);
    syscall(SYS_chown, "f", 12, 34);
    syscall(SYS_chown, "gone", -1, -1);
    syscall(SYS_lchown, "f", 5, 6);
    syscall(SYS_lchown, "gone", 5, 6);
    syscall(SYS_fchown, out(0), 7, -1);
    syscall(SYS_fchown, 900, 7, 8);
    syscall(SYS_fchownat, AT_FDCWD, "f", 1, 2, AT_SYMLINK_NOFOLLOW);
    syscall(SYS_fchownat, 900, "", 1, 2, AT_EMPTY_PATH);
  });
  const auto chmod = both(events, Ev::CHMOD_X);
  expect(chmod.good, {{"res", 0}, {"filename", "f"}, {"mode", 04755}});
  expect(chmod.bad, {{"res", -ENOENT}, {"filename", "gone"}, {"mode", 0644}});
  const auto fchmod = both(events, Ev::FCHMOD_X);
  expect(fchmod.good, {{"res", 0}, {"fd", out(0)}, {"mode", 0640}});
  expect(fchmod.bad, {{"res", -EBADF}, {"fd", 900}, {"mode", 0640}});
  const auto fchmodat = both(events, Ev::FCHMODAT_X);
  expect(fchmodat.good, {{"res", 0}, {"dirfd", kCwd}, {"filename", "f"}, {"mode", 01777}});
  expect(fchmodat.bad, {{"res", -EBADF}, {"dirfd", 900}, {"filename", "f"}, {"mode", 0600}});
  const auto chown = both(events, Ev::CHOWN_X);
  expect(chown.good, {{"res", 0}, {"path", "f"}, {"uid", 12}, {"gid", 34}});
  expect(chown.bad, {{"res", -ENOENT}, {"path", "gone"}, {"uid", 0xffffffff}, {"gid", 0xffffffff}});
  const auto lchown = both(events, Ev::LCHOWN_X);
  expect(lchown.good, {{"res", 0}, {"path", "f"}, {"uid", 5}, {"gid", 6}});
  expect(lchown.bad, {{"res", -ENOENT}, {"path", "gone"}, {"uid", 5}, {"gid", 6}});
  const auto fchown = both(events, Ev::FCHOWN_X);
  expect(fchown.good, {{"res", 0}, {"fd", out(0)}, {"uid", 7}, {"gid", 0xffffffff}});
  expect(fchown.bad, {{"res", -EBADF}, {"fd", 900}, {"uid", 7}, {"gid", 8}});
  const auto fchownat = both(events, Ev::FCHOWNAT_X);
  expect(fchownat.good,
         {{"res", 0}, {"dirfd", kCwd}, {"pathname", "f"}, {"uid", 1}, {"gid", 2}, {"flags", 1024}});
  expect(
      fchownat.bad,
      {{"res", -EBADF}, {"dirfd", 900}, {"pathname", ""}, {"uid", 1}, {"gid", 2}, {"flags", 4096}});
}

TEST_F(PathLive, nodes) {
  const auto events = run([&] {
    chdir(dir().c_str());
    syscall(SYS_mknod, "fifo", S_IFIFO | 0600, 0);
    syscall(SYS_mknod, "no/fifo", S_IFIFO | 0600, 0);
    syscall(SYS_mknodat, AT_FDCWD, "fifo2", S_IFIFO | 0644, 0);
    syscall(SYS_mknodat, 900, "dev", S_IFCHR | 0644, 0x105);
  });
  const auto mknod = both(events, Ev::MKNOD_X);
  expect(mknod.good, {{"res", 0}, {"path", "fifo"}, {"mode", S_IFIFO | 0600}, {"dev", 0}});
  expect(mknod.bad, {{"res", -ENOENT}, {"path", "no/fifo"}, {"mode", S_IFIFO | 0600}, {"dev", 0}});
  const auto mknodat = both(events, Ev::MKNODAT_X);
  expect(mknodat.good,
         {{"res", 0}, {"dirfd", kCwd}, {"path", "fifo2"}, {"mode", S_IFIFO | 0644}, {"dev", 0}});
  expect(
      mknodat.bad,
      {{"res", -EBADF}, {"dirfd", 900}, {"path", "dev"}, {"mode", S_IFCHR | 0644}, {"dev", 0x105}});
}

TEST_F(PathLive, stats_and_access) {
  const auto events = run([&] {
    struct stat st {};
    syscall(SYS_stat, "/etc/passwd", &st);
    syscall(SYS_stat, "/no/such", &st);
    syscall(SYS_lstat, "/etc/passwd", &st);
    syscall(SYS_lstat, "/no/such", &st);
    syscall(SYS_fstat, 2, &st);
    syscall(SYS_fstat, 900, &st);
    syscall(SYS_newfstatat, AT_FDCWD, "/etc", &st, AT_SYMLINK_NOFOLLOW);
    syscall(SYS_newfstatat, 900, "", &st, AT_EMPTY_PATH);
    syscall(SYS_access, "/etc/passwd", R_OK);
    syscall(SYS_access, "/no/such", F_OK);
  });
  const auto stat = both(events, Ev::STAT_X);
  expect(stat.good, {{"res", 0}, {"path", "/etc/passwd"}});
  expect(stat.bad, {{"res", -ENOENT}, {"path", "/no/such"}});
  const auto lstat = both(events, Ev::LSTAT_X);
  expect(lstat.good, {{"res", 0}, {"path", "/etc/passwd"}});
  expect(lstat.bad, {{"res", -ENOENT}, {"path", "/no/such"}});
  const auto fstat = both(events, Ev::FSTAT_X);
  expect(fstat.good, {{"res", 0}, {"fd", 2}});
  expect(fstat.bad, {{"res", -EBADF}, {"fd", 900}});
  const auto newfstatat = both(events, Ev::NEWFSTATAT_X);
  expect(newfstatat.good, {{"res", 0}, {"dirfd", kCwd}, {"path", "/etc"}, {"flags", 256}});
  expect(newfstatat.bad, {{"res", -EBADF}, {"dirfd", 900}, {"path", ""}, {"flags", 4096}});
  const auto access = both(events, Ev::ACCESS_X);
  expect(access.good, {{"res", 0}, {"name", "/etc/passwd"}, {"mode", 4}});
  expect(access.bad, {{"res", -ENOENT}, {"name", "/no/such"}, {"mode", 0}});
}

TEST_F(PathLive, mounts) {
  const auto events = run([&] {
    syscall(SYS_unshare, CLONE_NEWNS);
    syscall(SYS_mount, "none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    syscall(SYS_mount, "tmp", dir().c_str(), "tmpfs", MS_NOSUID | MS_NOEXEC, nullptr);
    syscall(SYS_mount, "/no/such", dir().c_str(), "ext4", MS_RDONLY, nullptr);
    syscall(SYS_umount2, dir().c_str(), MNT_DETACH);
    syscall(SYS_umount2, "/no/such", UMOUNT_NOFOLLOW);
    syscall(SYS_unshare, 0x7);
    out(0) = syscall(SYS_open, "/proc/self/ns/net", O_RDONLY);
    syscall(SYS_setns, out(0), CLONE_NEWNET);
    syscall(SYS_setns, 900, 0);
  });
  const auto mounts = of(events, Ev::MOUNT_X);
  ASSERT_EQ(mounts.size(), 3u);
  expect(mounts[0], {{"res", 0},
                     {"dev", "none"},
                     {"dir", "/"},
                     {"type", kEmpty},
                     {"flags", MS_REC | MS_PRIVATE}});
  expect(mounts[1], {{"res", 0},
                     {"dev", "tmp"},
                     {"dir", dir()},
                     {"type", "tmpfs"},
                     {"flags", MS_NOSUID | MS_NOEXEC}});
  EXPECT_LT(mounts[2].number("res"), 0);
  EXPECT_EQ(mounts[2].text("dev"), "/no/such");
  EXPECT_EQ(mounts[2].bits("flags"), 1u);
  const auto umount = both(events, Ev::UMOUNT2_X);
  expect(umount.good, {{"res", 0}, {"name", dir()}, {"flags", 2}});
  expect(umount.bad, {{"res", -ENOENT}, {"name", "/no/such"}, {"flags", 8}});
  const auto unshare = both(events, Ev::UNSHARE_X);
  expect(unshare.good, {{"res", 0}, {"flags", 32}});
  expect(unshare.bad, {{"res", -EINVAL}, {"flags", 0}});
  const auto setns = both(events, Ev::SETNS_X);
  expect(setns.good, {{"res", 0}, {"fd", out(0)}, {"nstype", 16}});
  expect(setns.bad, {{"res", -EBADF}, {"fd", 900}, {"nstype", 0}});
}

}  // namespace
}  // namespace gyr::test
