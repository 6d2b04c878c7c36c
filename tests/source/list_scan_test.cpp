// SPDX-License-Identifier: Apache-2.0
// The snapshot from the kernel's lists when the host changes while it is made. The lists and /proc
// are made up here; that they are true of a running host tests/live/list_scan_test.cpp shows.
#include "source/list_scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "iter_shared.h"

namespace gyr::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
namespace fs = std::filesystem;

gyr_task_record task(int32_t pid, int32_t tid, uint64_t start_ns, uint64_t cgroups = 1) {
  gyr_task_record record{};
  record.pid = pid;
  record.tid = tid;
  record.start_ns = start_ns;
  record.cgroups = cgroups;
  record.has_memory = 1;
  record.has_root_of_reader = 1;
  record.descriptor_limit = ~uint64_t{0};
  std::strcpy(record.comm, "\tname ");
  return record;
}

gyr_file_record file(int32_t pid, uint32_t fd, bool has_name = true) {
  gyr_file_record record{};
  record.pid = pid;
  record.fd = fd;
  record.mode = S_IFREG;
  record.has_name = has_name ? 1 : 0;
  record.ino = 99;
  record.device = 1;
  return record;
}

// Tells each list of threads in turn, the last one again and again.
struct FakeLists : HostLists {
  std::vector<std::vector<gyr_task_record>> tasks;
  std::vector<std::pair<gyr_file_record, std::string>> files;
  size_t asked = 0;
  size_t fails_at = 1000;

  Result<void> each_task(const TakeTask& take) override {
    if (asked == fails_at) return Error{"refused"};
    const size_t index = asked++ < tasks.size() ? asked - 1 : tasks.size() - 1;
    for (const gyr_task_record& one : tasks[index]) take(one);
    return {};
  }
  Result<void> each_file(const TakeFile& take) override {
    if (fails_at == 500) return Error{"refused"};
    for (const auto& [record, name] : files) take(record, name);
    return {};
  }
};

struct Lists : testing::Test {
  Lists() {
    std::string place = "/tmp/gyr_lists_XXXXXX";
    root = mkdtemp(place.data());
    files = system_files(root);
    users = system_users(root);
  }
  ~Lists() override {
    std::error_code ignored;
    fs::remove_all(root, ignored);
  }

  void write(const std::string& path, std::string_view text) const {
    fs::create_directories(fs::path(root + path).parent_path());
    std::ofstream(root + path, std::ios::binary) << text;
  }
  void add_process(int pid, const std::string& command, const std::string& group) const {
    const std::string dir = "/proc/" + std::to_string(pid);
    write(dir + "/cmdline", command + '\0');
    write(dir + "/cgroup", "3:memory:/" + group + "\n");
    fs::create_symlink("/bin/" + command, root + dir + "/exe");
    fs::create_symlink("/", root + dir + "/cwd");
    fs::create_symlink("/", root + dir + "/root");
  }
  Snapshot take() {
    auto snapshot = scan_lists(lists, *files, *users, &counters);
    EXPECT_TRUE(snapshot) << snapshot.error().message;
    return snapshot ? *std::move(snapshot) : Snapshot();
  }
  static std::vector<int64_t> tids(const Snapshot& snapshot) {
    std::vector<int64_t> all;
    for (const SnapshotThread& thread : snapshot.threads) all.push_back(thread.tid);
    return all;
  }
  static std::map<int64_t, std::string> groups(const Snapshot& snapshot) {
    std::map<int64_t, std::string> all;
    for (const SnapshotThread& thread : snapshot.threads) all[thread.tid] = thread.cgroups.c_str();
    return all;
  }

  std::string root;
  std::unique_ptr<Files> files;
  std::unique_ptr<Users> users;
  FakeLists lists;
  LookCounters counters;
};

TEST_F(Lists, threads_follow_their_leaders) {
  add_process(20, "one", "a");
  add_process(3, "two", "a");
  lists.tasks = {{task(20, 5, 1), task(20, 20, 1), task(3, 3, 1), task(20, 21, 1)}};
  const Snapshot snapshot = take();
  EXPECT_THAT(tids(snapshot), ElementsAre(3, 20, 5, 21));
  EXPECT_THAT(snapshot.fd_tids, ElementsAre(3, 20));
  EXPECT_EQ(snapshot.threads[2].exe, "one");
  EXPECT_EQ(snapshot.threads[2].flags, 8193u);
  EXPECT_EQ(snapshot.threads[2].comm, "name");
  EXPECT_EQ(snapshot.threads[2].fdlimit, -1);
  EXPECT_EQ(counters.tasks, 4u);
  EXPECT_EQ(counters.tasks_lost, 0u);
}

// /proc may have told of the one or of the other: its beginning is among the events.
TEST_F(Lists, a_number_that_another_process_has_now_is_left_out) {
  add_process(3, "old", "a");
  add_process(4, "stays", "a");
  lists.tasks = {{task(3, 3, 1), task(3, 6, 1), task(4, 4, 1), task(4, 7, 1)},
                 {task(3, 3, 2), task(3, 6, 1), task(4, 4, 1), task(4, 7, 5)}};
  lists.files = {{file(3, 0), "/of/old"}, {file(4, 0), "/of/new"}};
  const Snapshot snapshot = take();
  EXPECT_THAT(tids(snapshot), ElementsAre(4));
  EXPECT_THAT(snapshot.fd_tids, ElementsAre(4));
  ASSERT_EQ(snapshot.fds.size(), 1u);
  EXPECT_EQ(snapshot.fds[0].name, "/of/new");
  EXPECT_EQ(counters.tasks_lost, 3u);
  EXPECT_EQ(counters.files_lost[static_cast<size_t>(FileClass::Regular)], 1u);
}

TEST_F(Lists, one_that_has_ended_meanwhile_is_told) {
  add_process(3, "short", "a");
  lists.tasks = {{task(3, 3, 1)}, {}};
  EXPECT_THAT(tids(take()), ElementsAre(3));
}

TEST_F(Lists, what_proc_does_not_know_is_left_out) {
  add_process(4, "stays", "a");
  auto kernel_thread = task(2, 2, 1);
  kernel_thread.has_memory = 0;
  lists.tasks = {{kernel_thread, task(3, 3, 1), task(4, 4, 1)}};
  lists.files = {{file(3, 0), "/x"}};
  const Snapshot snapshot = take();
  EXPECT_THAT(tids(snapshot), ElementsAre(4));
  EXPECT_THAT(snapshot.fds, IsEmpty());
  EXPECT_EQ(counters.tasks_lost, 1u) << "a kernel thread is nobody";
}

// A runtime moves a process into its container while we look: the others have not moved.
TEST_F(Lists, groups_of_a_thread_that_moved_are_not_those_of_others) {
  add_process(3, "mover", "container");  // read after it has moved
  add_process(4, "stays", "host");
  add_process(5, "stays", "host");
  lists.tasks = {{task(3, 3, 1, 77), task(4, 4, 1, 77), task(5, 5, 1, 77)},
                 {task(3, 3, 1, 78), task(4, 4, 1, 77), task(5, 5, 1, 77)}};
  const auto told = groups(take());
  EXPECT_EQ(told.at(3), "memory=/container");
  EXPECT_EQ(told.at(4), "memory=/host");
  EXPECT_EQ(told.at(5), "memory=/host");
}

TEST_F(Lists, groups_are_read_once_for_those_that_share_them) {
  add_process(3, "reads", "shared");
  add_process(4, "shares", "not looked at");
  lists.tasks = {{task(3, 3, 1, 77), task(4, 4, 1, 77)}};
  EXPECT_EQ(groups(take()).at(4), "memory=/shared");
}

TEST_F(Lists, processes_that_the_kernel_does_not_list_are_read_from_proc) {
  add_process(3, "one", "a");
  add_process(9, "hidden", "b");
  write("/proc/9/status", "Tgid:\t9\nPPid:\t3\n");
  write("/proc/9/stat",
        "9 (hidden) S 3 9 9" + std::string(20, ' ') + "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0");
  write("/proc/9/comm", "hidden\n");
  lists.tasks = {{task(3, 3, 1)}};
  const Snapshot snapshot = take();
  EXPECT_THAT(tids(snapshot), ElementsAre(3, 9));
  EXPECT_THAT(snapshot.fd_tids, ElementsAre(3, 9));
  EXPECT_EQ(snapshot.threads[1].exepath, "/bin/hidden");
  EXPECT_EQ(counters.tasks, 1u);
  EXPECT_EQ(counters.tasks_unlisted, 1u);
}

TEST_F(Lists, paths_that_the_kernel_does_not_tell_are_read) {
  add_process(3, "one", "a");
  fs::create_directories(root + "/proc/3/fd");
  fs::create_symlink(root + "/proc/3/cmdline", root + "/proc/3/fd/1");
  lists.tasks = {{task(3, 3, 1)}};
  lists.files = {{file(3, 1, false), ""}, {file(3, 2, false), ""}};
  const Snapshot snapshot = take();
  ASSERT_EQ(snapshot.fds.size(), 1u);
  EXPECT_EQ(snapshot.fds[0].fd, 1);
  EXPECT_EQ(snapshot.fds[0].name, root + "/proc/3/cmdline");
  EXPECT_NE(snapshot.fds[0].ino, 99u);
  EXPECT_EQ(counters.files_asked, 2u);
  EXPECT_EQ(counters.files_lost[static_cast<size_t>(FileClass::Regular)], 1u);
}

TEST_F(Lists, a_list_that_fails_is_an_error) {
  add_process(3, "one", "a");
  lists.tasks = {{task(3, 3, 1)}};
  for (const size_t at : {size_t{0}, size_t{1}, size_t{500}}) {
    lists.asked = 0;
    lists.fails_at = at;
    const auto snapshot = scan_lists(lists, *files, *users, &counters);
    ASSERT_FALSE(snapshot) << at;
    EXPECT_EQ(snapshot.error().message, "refused");
  }
}

}  // namespace
}  // namespace gyr::test
