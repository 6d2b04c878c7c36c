// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "host.h"

namespace gyr {
namespace {

struct Vector {
  const char *base, *path, *result;
};

constexpr Vector kVectors[] = {
    {"/a/b/", "../../../c", "/c"},
    {"/a/b/", "./x//y/", "/a/b/x/y"},
    {"/a/b/", "..", "/a"},
    {"/a/b/", "../..", "/"},
    {"/a/b", "c", "/a/bc"},
    {"<UNKNOWN>", "x", "<UNKNOWN>x"},
    {"/a/b/", "", ""},
    {".", "/abs//p/./q/..", "/abs/p"},
    {"", "rel/../x", "x"},
    {"rel/", "../../x/y", "x/y"},
    {"/a//b/", "c", "/a//b/c"},
    {"foo", "../a", "foo../a"},
    {"/", "../x", "/x"},
    {"", "/..", "/"},
    {"/a/b/", "...", "/a/b/..."},
    // A slash that follows a base which was eaten up is dropped; without a base it is the root.
    {"rel/", "..//x", "x"},
    {"", "rel/..//x", "/x"},
    {"", ".", ""},
    {"/a/", ".", "/a"},
    {"/a/", "..b/.c", "/a/..b/.c"},
    {"/a/", "b/./../c/.", "/a/c"},
    {"", "", ""},
};

TEST(JoinPath, FollowsTheVectors) {
  for (const Vector& v : kVectors) {
    EXPECT_EQ(join_path_text(v.base, v.path), v.result) << v.base << " + " << v.path;
  }
}

TEST(JoinPath, CachedAndPlainAgree) {
  StrPool pool;
  const State state(StateSettings{}, pool);
  for (int round = 0; round < 2; ++round) {
    for (const Vector& v : kVectors) {
      EXPECT_EQ(state.join_path(pool.intern(v.base), pool.intern(v.path)).view(), v.result);
    }
  }
}

// Not even the kernel takes a longer one.
TEST(JoinPath, RefusesWhatIsTooLong) {
  constexpr const char* kTooLong = "/DIR_TOO_LONG/FILENAME_TOO_LONG";
  const std::string base = "/" + std::string(2047, 'a');
  EXPECT_EQ(join_path_text(base, std::string(2047, 'b')), base + std::string(2047, 'b'));
  EXPECT_EQ(join_path_text(base, std::string(2048, 'b')), kTooLong);
  EXPECT_EQ(join_path_text("/", "/" + std::string(4095, 'b')), kTooLong);
}

// Names that say little in many bytes hide nothing, wherever they are said.
TEST(JoinPath, LengthOfWhatGoesInDoesNotCount) {
  std::string dots = "/", ups;
  for (int i = 0; i < 1300; ++i) {
    dots += "./";
    ups += "../";
  }
  const std::string deep = "/" + std::string(2000, 'd') + "/";
  const struct {
    std::string base, path, result;
  } rows[] = {
      {"/home/", dots + "etc/shadow", "/etc/shadow"},
      {"/home/", ups + "etc/shadow", "/etc/shadow"},
      {"/etc/", dots.substr(1) + "shadow", "/etc/shadow"},
      {deep, "/etc/shadow", "/etc/shadow"},
      {deep, dots + "etc/shadow", "/etc/shadow"},
      {deep, "../etc/shadow", "/etc/shadow"},
  };
  StrPool pool;
  StateSettings live;
  live.live = true;
  const State state(live, pool);
  const State of_others(StateSettings{}, pool);
  for (const auto& v : rows) {
    EXPECT_EQ(join_path_text(v.base, v.path), v.result);
    EXPECT_EQ(state.join_path(pool.intern(v.base), pool.intern(v.path)).view(), v.result);
    EXPECT_EQ(of_others.join_path(pool.intern(v.base), pool.intern(v.path)).view(),
              "/DIR_TOO_LONG/FILENAME_TOO_LONG")
        << "as in the reference, whose captures tell no more";
  }
}

TEST(DirectoryOf, IsWhatPrecedesTheLastSlash) {
  StrPool pool;
  const State state(StateSettings{}, pool);
  const auto directory = [&](const char* name) {
    return std::string(state.directory_of(pool.intern(name)).view());
  };
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(directory("/etc/passwd"), "/etc");
    EXPECT_EQ(directory("/etc"), "/");
    EXPECT_EQ(directory("name"), "/");
    EXPECT_EQ(directory("/tmp/"), "/tmp/");
    EXPECT_EQ(directory(""), "/");
  }
}

TEST(ResolveDirfd, GivesTheDirectoryAPathIsRelativeTo) {
  test::Host host;
  host.load_shell();
  host.openat(100, 4, "/var/log", kOpenDirectory);
  host.openat(100, 5, "/", kOpenDirectory);
  const Thread* shell = host.state.find(100);
  EXPECT_EQ(host.state.resolve_dirfd(shell, "/abs", 99).view(), ".");
  EXPECT_EQ(host.state.resolve_dirfd(nullptr, "x", 4).view(), "<UNKNOWN>");
  EXPECT_EQ(host.state.resolve_dirfd(shell, "x", kAtFdcwd).view(), "/home/");
  EXPECT_EQ(host.state.resolve_dirfd(shell, "x", 99).view(), "<UNKNOWN>");
  EXPECT_EQ(host.state.resolve_dirfd(shell, "x", 4).view(), "/var/log/");
  EXPECT_EQ(host.state.resolve_dirfd(shell, "x", 5).view(), "/");
}

}  // namespace
}  // namespace gyr
