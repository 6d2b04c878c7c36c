// SPDX-License-Identifier: Apache-2.0
// Arguments that change while a call is under way: what the kernel really opened and connected to
// is told all the same.
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <string>
#include <thread>

#include "live_fixture.h"
#include "uring.h"

namespace gyr::test {
namespace {

class SwapLive : public LiveTest {
 protected:
  void SetUp() override {
    LiveTest::SetUp();
    if (IsSkipped()) return;
    if (by_ptrace()) GTEST_SKIP() << kOfTheProbe;
    real_dir_ = std::filesystem::canonical(dir());
  }
  // The directory without links.
  const std::string& real_dir() const { return real_dir_; }
  std::string make(const std::string& name) const {
    const std::string path = dir() + "/" + name;
    close(open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    return path;
  }
  static std::string opened(const Seen& seen) { return std::string(seen.view().opened_path()); }
  // Of the events of that type that succeeded, in order.
  static std::vector<std::string> all_opened(const std::vector<Seen>& events, Ev type) {
    std::vector<std::string> paths;
    for (const Seen& seen : of(events, type)) {
      if (seen.view().succeeded()) paths.push_back(opened(seen));
    }
    return paths;
  }
  // In a child; 0 if it worked. out(0): the thread that connects, out(1): what connect() returned.
  int change_address_during_connect();

 private:
  std::string real_dir_;
};

// Nobody may see it half written: both names have the same length.
void write_name(char* to, const std::string& name) {
  std::memcpy(to, name.c_str(), name.size() + 1);
}

// Waits until that thread of ours sleeps in a call.
void wait_until_blocked(pid_t tid) {
  const std::string stat = "/proc/self/task/" + std::to_string(tid) + "/stat";
  for (int i = 0; i < 5000; ++i) {
    char text[256] = {};
    const int fd = open(stat.c_str(), O_RDONLY | O_CLOEXEC);
    const ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    const char* state = size > 0 ? std::strrchr(text, ')') : nullptr;
    if (state != nullptr && state[2] == 'S') return;
    usleep(1000);
  }
}

TEST_F(SwapLive, what_was_opened_is_told_by_every_call_that_opens) {
  const std::string target = make("target");
  ASSERT_EQ(symlink("target", (dir() + "/link").c_str()), 0);
  const std::string link = dir() + "/link";
  const std::string real = real_dir() + "/target";
  const auto events = run([&] {
    close(static_cast<int>(syscall(SYS_open, link.c_str(), O_RDONLY)));
    close(static_cast<int>(syscall(SYS_openat, AT_FDCWD, link.c_str(), O_RDONLY)));
    open_how how{};
    close(static_cast<int>(syscall(SYS_openat2, AT_FDCWD, link.c_str(), &how, sizeof how)));
    close(static_cast<int>(syscall(SYS_creat, link.c_str(), 0600)));
    alignas(file_handle) std::array<char, sizeof(file_handle) + 128> room{};
    auto* handle = reinterpret_cast<file_handle*>(room.data());
    handle->handle_bytes = 128;
    int mount = 0;
    out(0) = name_to_handle_at(AT_FDCWD, target.c_str(), handle, &mount, 0);
    const int place = open(dir().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    out(1) = syscall(SYS_open_by_handle_at, place, handle, O_RDONLY);
  });
  EXPECT_EQ(opened(only(events, Ev::OPEN_X)), real);
  EXPECT_EQ(opened(only(events, Ev::OPENAT2_X)), real);
  EXPECT_EQ(opened(only(events, Ev::CREAT_X)), real);
  const auto paths = all_opened(events, Ev::OPENAT_2_X);
  ASSERT_EQ(paths.size(), 2u);
  EXPECT_EQ(paths[0], real);
  EXPECT_EQ(paths[1], real_dir());  // a directory has a path as well
  if (out(0) == 0 && out(1) >= 0) {
    EXPECT_EQ(opened(only(events, Ev::OPEN_BY_HANDLE_AT_X)), real);
  }
}

TEST_F(SwapLive, relative_names_and_other_mounts_are_resolved) {
  const std::string place = dir() + "/mount";
  ASSERT_EQ(mkdir(place.c_str(), 0700), 0);
  const auto events = run([&] {
    if (unshare(CLONE_NEWNS) != 0 || mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("gyr", place.c_str(), "tmpfs", 0, nullptr) != 0 || chdir(place.c_str()) != 0) {
      out(0) = 1;
      return 0;
    }
    mkdir("a", 0700);
    close(open("./a/../a//file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    close(open(".", O_RDONLY | O_CLOEXEC));
    return 0;
  });
  if (out(0) == 1) GTEST_SKIP() << "cannot mount";
  const std::vector<std::string> expected = {real_dir() + "/mount/a/file", real_dir() + "/mount"};
  EXPECT_EQ(all_opened(events, Ev::OPENAT_2_X), expected);
}

TEST_F(SwapLive, what_has_no_path_has_none) {
  const auto events = run([&] {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) return 1;
    const std::string pipe = "/proc/self/fd/" + std::to_string(ends[0]);
    close(open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    close(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    close(open("/no/such/file", O_RDONLY | O_CLOEXEC));
    const int memory = static_cast<int>(syscall(SYS_memfd_create, "gyr", 0));
    const std::string again = "/proc/self/fd/" + std::to_string(memory);
    close(open(again.c_str(), O_RDONLY | O_CLOEXEC));
    return 0;
  });
  const auto all = of(events, Ev::OPENAT_2_X);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(opened(all[0]), "");
  EXPECT_EQ(opened(all[1]), "");
  EXPECT_EQ(opened(all[2]), "");
  EXPECT_EQ(opened(all[3]), "/memfd:gyr");
}

// A part of the path would name another file.
TEST_F(SwapLive, a_path_too_deep_to_be_followed_is_not_told) {
  const auto events = run([&] {
    if (chdir(dir().c_str()) != 0) return 1;
    for (int i = 0; i < 60; ++i) {
      if (mkdir("d", 0700) != 0 || chdir("d") != 0) return 1;
    }
    close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    return 0;
  });
  const Seen seen = only(events, Ev::OPENAT_2_X);
  EXPECT_EQ(seen.text("name"), "file");
  EXPECT_EQ(opened(seen), "");
  EXPECT_NE(source().counters().lost_detail.find("whose path could not be told"),
            std::string::npos);
}

TEST_F(SwapLive, an_open_through_io_uring_tells_it_too) {
  if (*no_uring()) GTEST_SKIP() << no_uring();
  for (const std::string& warning : source().warnings()) {
    if (warning.find("io_uring") != std::string::npos) GTEST_SKIP() << warning;
  }
  make("target");
  ASSERT_EQ(symlink("target", (dir() + "/link").c_str()), 0);
  const std::string link = dir() + "/link";
  for (const uint8_t flags : {uint8_t{0}, uint8_t{IOSQE_ASYNC}}) {  // here, and by a worker
    const auto events = run([&] {
      Uring ring;
      io_uring_sqe& open = ring.request(IORING_OP_OPENAT, AT_FDCWD);
      open.addr = address_of(link.c_str());
      open.flags = flags;
      out(0) = ring.now(open);
    });
    ASSERT_GE(out(0), 0);
    EXPECT_EQ(opened(only(events, Ev::OPENAT_2_X)), real_dir() + "/target");
  }
}

// The open of a FIFO waits for a writer: the name changes surely while the call is under way.
TEST_F(SwapLive, a_name_that_changes_during_the_open_hides_nothing) {
  ASSERT_EQ(mkfifo((dir() + "/pipe1").c_str(), 0600), 0);
  const auto events = run_all([&] {
    char name[512];
    write_name(name, dir() + "/pipe1");
    std::atomic<pid_t> opener = 0;
    std::thread opens([&] {
      out(0) = syscall(SYS_gettid);
      opener = static_cast<pid_t>(out(0));
      close(static_cast<int>(syscall(SYS_open, name, O_RDONLY)));
    });
    while (opener == 0) usleep(100);
    wait_until_blocked(opener);
    write_name(name, dir() + "/other");
    close(static_cast<int>(syscall(SYS_openat, AT_FDCWD, (dir() + "/pipe1").c_str(), O_WRONLY)));
    opens.join();
  });
  const Seen seen = only(events, Ev::OPEN_X);
  EXPECT_EQ(seen.tid(), out(0));
  EXPECT_TRUE(seen.view().succeeded());
  EXPECT_EQ(seen.text("name"), dir() + "/other");  // what the caller's memory says
  EXPECT_EQ(opened(seen), real_dir() + "/pipe1");  // what was opened
  EXPECT_TRUE(seen.view().arguments_changed());
  for (const Seen& other : of(events, Ev::OPENAT_2_X)) {
    EXPECT_FALSE(other.view().arguments_changed()) << other.text("name");
  }
}

// One thread changes the name as fast as it can while another opens it: whatever the race gives,
// the path is that of the file that fstat shows.
TEST_F(SwapLive, the_path_is_that_of_the_opened_file_however_the_name_races) {
  constexpr size_t kOpens = 400;
  const std::array<std::string, 2> names = {make("one"), make("two")};
  const auto events = run_all([&] {
    std::array<ino_t, 2> nodes{};
    for (size_t i = 0; i < 2; ++i) {
      struct stat file {};
      stat(names[i].c_str(), &file);
      nodes[i] = file.st_ino;
    }
    char name[512];
    write_name(name, names[0]);
    std::atomic<bool> stop = false;
    const size_t end = names[0].size() - 3;
    std::thread swaps([&] {
      volatile char* last = name + end;
      for (size_t i = 0; !stop; ++i) {
        for (size_t at = 0; at < 3; ++at) last[at] = names[i & 1][end + at];
      }
    });
    for (size_t i = 0; i < kOpens; ++i) {
      const int fd = static_cast<int>(syscall(SYS_open, name, O_RDONLY));
      struct stat file {};
      const bool works = fd >= 0 && fstat(fd, &file) == 0;
      out(i) = !works ? 0 : file.st_ino == nodes[0] ? 1 : file.st_ino == nodes[1] ? 2 : 3;
      close(fd);
      // Whoever swaps may wait for a processor in the middle of a name.
      if (!works) std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    stop = true;
    swaps.join();
  });
  const auto all = of(events, Ev::OPEN_X);
  ASSERT_EQ(all.size(), kOpens) << source().counters().lost_detail;
  size_t lies = 0, successes = 0;
  for (size_t i = 0; i < kOpens; ++i) {
    if (out(i) == 0) continue;
    ++successes;
    ASSERT_LT(out(i), 3);
    const std::string& name = names[static_cast<size_t>(out(i)) - 1];
    EXPECT_EQ(opened(all[i]), real_dir() + name.substr(dir().size())) << "open " << i;
    lies += all[i].text("name") != name ? 1 : 0;
  }
  EXPECT_GT(successes, 0u);
  RecordProperty("names_that_lied", std::to_string(lies));
  std::cout << lies << " of " << successes << " names were not those of the opened file\n";
}

// The page of the new name is not there until it is asked for: whoever is asked changes the old
// name.
TEST_F(SwapLive, a_name_that_changes_during_a_rename_marks_it) {
  make("name1");
  const auto events = run_all([&] {
    const int faults = static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC));
    uffdio_api api{};
    api.api = UFFD_API;
    if (faults < 0 || ioctl(faults, UFFDIO_API, &api) != 0) return 1;
    constexpr size_t kPage = 4096;
    void* missing =
        mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uffdio_register whole{};
    whole.range = {address_of(missing), kPage};
    whole.mode = UFFDIO_REGISTER_MODE_MISSING;
    if (ioctl(faults, UFFDIO_REGISTER, &whole) != 0) return 1;
    char old_name[512];
    write_name(old_name, dir() + "/name1");
    std::thread answers([&] {
      uffd_msg message{};
      if (read(faults, &message, sizeof message) != sizeof message) return;
      write_name(old_name, dir() + "/name2");
      alignas(kPage) std::array<char, kPage> page{};
      write_name(page.data(), dir() + "/name3");
      uffdio_copy copy{};
      copy.dst = address_of(missing);
      copy.src = address_of(page.data());
      copy.len = kPage;
      ioctl(faults, UFFDIO_COPY, &copy);
    });
    syscall(SYS_rename, old_name, missing);
    answers.join();
    syscall(SYS_rename, missing, old_name);  // nothing changes
    return 0;
  });
  if (status() != 0) GTEST_SKIP() << "userfaultfd does not work here";
  const auto renames = of(events, Ev::RENAME_X);
  ASSERT_EQ(renames.size(), 2u);
  EXPECT_EQ(renames[0].text("oldpath"), dir() + "/name2");
  EXPECT_TRUE(renames[0].view().arguments_changed());
  EXPECT_EQ(renames[0].view().opened_path(), "");
  EXPECT_FALSE(renames[1].view().arguments_changed());
  EXPECT_NE(source().counters().lost_detail.find("arguments changed meanwhile"), std::string::npos);
}

// The race itself; how often it is won is chance, that it is won some time is not.
TEST_F(SwapLive, names_that_race_with_unlink_are_marked) {
  std::vector<Seen> unlinks;
  size_t marked = 0;
  for (int attempt = 0; attempt < 20 && marked == 0; ++attempt) {
    const auto events = run_all([&] {
      char name[512];
      write_name(name, dir() + "/none1");
      char* last = std::strrchr(name, '1');
      std::atomic<bool> stop = false;
      std::thread swaps([&] {
        while (!stop) {
          *static_cast<volatile char*>(last) = '2';
          *static_cast<volatile char*>(last) = '1';
        }
      });
      for (int i = 0; i < 2000; ++i) syscall(SYS_unlink, name);
      stop = true;
      swaps.join();
      for (int i = 0; i < 100; ++i) syscall(SYS_rmdir, name);
    });
    unlinks = of(events, Ev::UNLINK_2_X);
    for (const Seen& seen : unlinks) marked += seen.view().arguments_changed() ? 1 : 0;
    for (const Seen& seen : of(events, Ev::RMDIR_2_X)) {
      EXPECT_FALSE(seen.view().arguments_changed()) << "nobody changes it any more";
    }
  }
  EXPECT_GT(marked, 0u);
  std::cout << marked << " of " << unlinks.size() << " unlinks were marked\n";
}

// A listener whose queue is full lets the next one wait: the address changes meanwhile.
int SwapLive::change_address_during_connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  write_name(address.sun_path, dir() + "/sock1");
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  const int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(server, plain, sizeof address) != 0 || listen(server, 0) != 0) return 1;
  const int first = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int second = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(first, plain, sizeof address) != 0) return 1;
  std::atomic<pid_t> connecter = 0;
  std::thread connects([&] {
    out(0) = syscall(SYS_gettid);
    connecter = static_cast<pid_t>(out(0));
    out(1) = connect(second, plain, sizeof address);
  });
  while (connecter == 0) usleep(100);
  wait_until_blocked(connecter);
  write_name(address.sun_path, dir() + "/sock2");
  close(accept(server, nullptr, nullptr));
  connects.join();
  return 0;
}

TEST_F(SwapLive, an_address_that_changes_during_connect_is_marked) {
  const auto events = run_all([&] { return change_address_during_connect(); });
  const auto connects = of(events, Ev::CONNECT_X);
  ASSERT_EQ(connects.size(), 2u);
  EXPECT_EQ(out(1), 0);
  for (const Seen& seen : connects) {
    EXPECT_EQ(seen.view().arguments_changed(), seen.tid() == out(0));
  }
  EXPECT_FALSE(only(events, Ev::BIND_X).view().arguments_changed());
}

// As after a reload whose rules ask for it no more: it would cost every call of the machine.
TEST_F(SwapLive, nothing_is_compared_when_nobody_asks_for_it_any_more) {
  source().collect({.syscalls = every_call(), .real_paths = true});
  const auto events = run_all([&] { return change_address_during_connect(); });
  source().collect(collection_of(every_call()));
  const auto connects = of(events, Ev::CONNECT_X);
  ASSERT_EQ(connects.size(), 2u);
  EXPECT_EQ(out(1), 0);
  for (const Seen& seen : connects) EXPECT_FALSE(seen.view().arguments_changed());
}

// The same with the internet: there the socket tells where it is connected to. The kernel tries
// again after a second.
TEST_F(SwapLive, the_socket_tells_whom_it_is_connected_to) {
  const auto events = run_all([&] {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server, plain, size) != 0 || listen(server, 0) != 0) return 1;
    getsockname(server, plain, &size);
    out(1) = ntohs(address.sin_port);
    const int first = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int second = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(first, plain, size) != 0) return 1;
    std::atomic<pid_t> connecter = 0;
    std::thread connects([&] {
      out(0) = syscall(SYS_gettid);
      connecter = static_cast<pid_t>(out(0));
      out(2) = connect(second, plain, size);
    });
    while (connecter == 0) usleep(100);
    wait_until_blocked(connecter);
    address.sin_port = htons(9);
    address.sin_addr.s_addr = htonl(0x7f000009);
    close(accept(server, nullptr, nullptr));
    connects.join();
    return 0;
  });
  EXPECT_EQ(out(2), 0);
  size_t found = 0;
  for (const Seen& seen : of(events, Ev::CONNECT_X)) {
    if (seen.tid() != out(0)) continue;
    ++found;
    const std::string tuple = seen.bytes_of("tuple");  // family, then address and port of both ends
    ASSERT_EQ(tuple.size(), 13u);
    EXPECT_EQ(tuple.substr(7, 4), std::string("\x7f\0\0\1", 4));
    uint16_t port = 0;
    std::memcpy(&port, tuple.data() + 11, 2);
    EXPECT_EQ(port, out(1));
    EXPECT_TRUE(seen.view().arguments_changed());
  }
  EXPECT_EQ(found, 1u);
}

}  // namespace
}  // namespace gyr::test
