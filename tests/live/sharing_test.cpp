// SPDX-License-Identifier: Apache-2.0
// Processes and threads that share descriptors or their working directory in unusual ways, and
// processes with very many descriptors: what the state makes of their events is what the kernel
// did. Nothing heals here: the state may not look at /proc.
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <thread>
#include <vector>

#include "live_fixture.h"
#include "state/state.h"

namespace gyr::test {
namespace {

// --- what happens, in processes of their own; nothing here may use gtest

int make_file(const char* name) { return open(name, O_CREAT | O_RDWR, 0600); }

// The test asks what the state calls the descriptor at this event.
void show(int fd) { fchmod(fd, 0600); }

struct Work {
  int fd = -1;
  void (*body)(Work& work) = nullptr;
};

int run_work(void* argument) {
  auto* work = static_cast<Work*>(argument);
  work->body(*work);
  return 0;
}

// In a process that shares what the flags say, and all memory.
void in_process(int flags, Work& work) {
  static std::array<char, 1 << 16> stack;
  const pid_t child =
      clone(run_work, stack.data() + stack.size(), flags | CLONE_VM | SIGCHLD, &work);
  waitpid(child, nullptr, 0);
}

void in_thread(Work& work) {
  std::thread([&work] { work.body(work); }).join();
}

void put_another(Work& work) {
  close(work.fd);
  make_file("secret");  // under the same number
}

void a_process_puts_another() {
  Work work{make_file("innocent"), put_another};
  in_process(CLONE_FILES, work);
  show(work.fd);
}

void a_process_with_its_own_does_not() {
  Work work{make_file("innocent"), put_another};
  in_process(0, work);
  show(work.fd);
}

void a_process_that_unshares_does_not() {
  Work work{make_file("innocent"), [](Work& own) {
              unshare(CLONE_FILES);
              put_another(own);
              show(own.fd);
            }};
  in_process(CLONE_FILES, work);
  show(work.fd);
}

void close_range_may_unshare() {
  Work work{make_file("innocent"), [](Work& own) {
              syscall(SYS_close_range, own.fd, own.fd, CLOSE_RANGE_UNSHARE);
              make_file("secret");
              show(own.fd);
            }};
  in_process(CLONE_FILES, work);
  show(work.fd);
}

void a_thread_that_unshares() {
  Work work{make_file("innocent"), [](Work& own) {
              unshare(CLONE_FILES);
              put_another(own);
              show(own.fd);
            }};
  in_thread(work);
  show(work.fd);
}

void a_leader_that_unshares() {
  Work work{make_file("innocent"), nullptr};
  std::array<int, 2> ready{};
  if (pipe(ready.data()) != 0) return;
  char byte = 0;
  std::thread other([&] {
    if (read(ready[0], &byte, 1) == 1) show(work.fd);
  });
  unshare(CLONE_FILES);
  put_another(work);
  show(work.fd);
  if (write(ready[1], &byte, 1) == 1) other.join();
}

void a_directory_that_is_shared() {
  Work work{-1, [](Work&) {
              mkdir("below", 0700);
              if (chdir("below") != 0) _exit(1);
            }};
  in_process(CLONE_FS, work);
  show(make_file("there"));
}

void a_thread_goes_elsewhere_alone() {
  Work work{-1, [](Work&) {
              unshare(CLONE_FS);
              mkdir("below", 0700);
              if (chdir("below") != 0) _exit(1);
              show(make_file("there"));
            }};
  in_thread(work);
  show(make_file("here"));
}

void a_thread_goes_with_all() {
  Work work{-1, [](Work&) {
              mkdir("below", 0700);
              if (chdir("below") != 0) _exit(1);
            }};
  in_thread(work);
  show(make_file("there"));
}

// What is not sent yet holds the close up for a second; the number is free from its beginning.
void a_close_ends_after_its_number_was_reused() {
  const int listening = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* name = reinterpret_cast<sockaddr*>(&address);
  const int slow = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listening, name, size) != 0 || listen(listening, 1) != 0) return;
  if (getsockname(listening, name, &size) != 0 || connect(slow, name, size) != 0) return;
  const linger lingers{.l_onoff = 1, .l_linger = 1};
  setsockopt(slow, SOL_SOCKET, SO_LINGER, &lingers, sizeof lingers);
  fcntl(slow, F_SETFL, O_NONBLOCK);
  const std::vector<char> bytes(1 << 16);
  while (send(slow, bytes.data(), bytes.size(), 0) > 0) continue;
  fcntl(slow, F_SETFL, 0);
  std::thread closes([slow] { close(slow); });
  usleep(300'000);
  show(make_file("secret"));
  closes.join();
  show(slow);
}

constexpr rlim_t kMany = 5000;

void behind_many_others() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const int first = make_file("innocent");
  for (rlim_t i = 0; i < kMany; ++i) {
    if (dup(first) < 0) return;
  }
  const int last = make_file("secret");
  show(last);
  dup2(last, first);
  show(first);
}

// --- what is told of it

class SharingLive : public LiveTest {
 protected:
  // The names, below the test's directory, that shown descriptors have.
  std::vector<std::string> names_of(void (*scene)()) {
    const std::vector<Seen> events = run_all([&] {
      if (chdir(dir().c_str()) != 0) return 1;
      scene();
      return 0;
    });
    EXPECT_EQ(status(), 0);
    Snapshot before;
    before.of_our_own = true;
    for (const int64_t pid : {static_cast<int64_t>(getpid()), child()}) {
      SnapshotThread thread;
      thread.tid = thread.pid = thread.vtid = thread.vpid = pid;
      thread.ptid = 1;
      thread.cwd = "/";
      before.threads.push_back(thread);
    }
    StrPool pool;
    State state(StateSettings{}, pool);
    state.load(before);
    std::vector<std::string> names;
    for (const Seen& seen : events) {
      const EventState& now = state.apply(seen.view());
      if (seen.type() != Ev::FCHMOD_X) continue;
      const std::string name(now.fd != nullptr ? now.fd->name.view() : "no name");
      names.push_back(name.starts_with(dir() + "/") ? name.substr(dir().size() + 1) : name);
    }
    return names;
  }
};

TEST_F(SharingLive, names_are_those_of_what_is_open) {
  const struct {
    const char* what;
    void (*scene)();
    std::vector<std::string> names;
  } rows[] = {
      {"a process puts another", a_process_puts_another, {"secret"}},
      {"a process with its own", a_process_with_its_own_does_not, {"innocent"}},
      {"a process that unshares", a_process_that_unshares_does_not, {"secret", "innocent"}},
      {"close_range may unshare", close_range_may_unshare, {"secret", "innocent"}},
      {"a thread that unshares", a_thread_that_unshares, {"secret", "innocent"}},
      {"a leader that unshares", a_leader_that_unshares, {"secret", "innocent"}},
      {"a directory that is shared", a_directory_that_is_shared, {"below/there"}},
      {"a thread elsewhere", a_thread_goes_elsewhere_alone, {"below/there", "here"}},
      {"a thread goes with all", a_thread_goes_with_all, {"below/there"}},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    std::filesystem::remove_all(dir() + "/below");
    EXPECT_EQ(names_of(row.scene), row.names);
  }
}

TEST_F(SharingLive, a_close_that_ends_after_its_number_was_reused_does_not_end_the_new_file) {
  if (by_ptrace()) GTEST_SKIP() << kOfTheProbe;
  EXPECT_EQ(names_of(a_close_ends_after_its_number_was_reused),
            (std::vector<std::string>{"secret", "secret"}));
}

TEST_F(SharingLive, a_descriptor_behind_many_others_is_known) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < kMany + 100) GTEST_SKIP() << "a process may have few descriptors here";
  EXPECT_EQ(names_of(behind_many_others), (std::vector<std::string>{"secret", "secret"}));
}

}  // namespace
}  // namespace gyr::test
