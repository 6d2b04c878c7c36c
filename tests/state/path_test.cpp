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

TEST(JoinPath, RefusesWhatIsTooLong) {
  const std::string base(512, 'a');
  EXPECT_EQ(join_path_text(base, std::string(511, 'b')), base + std::string(511, 'b'));
  EXPECT_EQ(join_path_text(base, std::string(512, 'b')), "/DIR_TOO_LONG/FILENAME_TOO_LONG");
  // An absolute path ignores its base except here.
  StrPool pool;
  const State state(StateSettings{}, pool);
  const Str path = pool.intern("/" + std::string(600, 'b'));
  EXPECT_EQ(state.join_path(pool.intern("/x/"), path), path);
  EXPECT_EQ(state.join_path(pool.intern(base), path).view(), "/DIR_TOO_LONG/FILENAME_TOO_LONG");
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
