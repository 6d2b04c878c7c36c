// SPDX-License-Identifier: Apache-2.0
// After a storm of processes, threads and descriptors on two CPUs the tables of the state equal
// /proc. Nothing heals here: the state may not look at /proc by itself.
//
// Differences with a reason, which docs/state.md names: which cgroups are told, the process group
// after setsid and setpgid, a name given by prctl, and names that /proc spells otherwise (pipes,
// memory files, pidfds).
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <set>
#include <sstream>
#include <thread>

#include "live_fixture.h"
#include "source/proc_scan.h"
#include "state/state.h"

namespace gyr::test {
namespace {

using std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr int kWorkers = 2;    // one per CPU
constexpr int kRounds = 40;    // of each
constexpr int kLifetime = 90;  // seconds after which what a failed test left behind ends

// --- what the storm does, in its own processes; nothing here may use gtest

char** environment() { return environ; }

void become_sleep() {
  char name[] = "sleep", time[] = "600", last[] = "0.5";
  std::array<char*, 4> arguments{name, time, last, nullptr};
  execve("/bin/sleep", arguments.data(), environment());
  _exit(1);
}

// Descriptors of every kind, some of which go at an exec, some copied, some closed again.
void open_many(const std::string& dir) {
  const std::string file = dir + "/file";
  const int kept = open(file.c_str(), O_RDWR | O_CREAT, 0600);
  const int closing = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  open("..", O_RDONLY | O_DIRECTORY);
  open("/etc/../etc/passwd", O_RDONLY);
  std::array<int, 2> ends{};
  pipe2(ends.data(), O_CLOEXEC);
  pipe(ends.data());
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data());
  socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends.data());
  eventfd(0, 0);
  eventfd(0, EFD_CLOEXEC);
  epoll_create1(EPOLL_CLOEXEC);
  epoll_create1(0);
  inotify_init1(0);
  timerfd_create(CLOCK_MONOTONIC, 0);
  sigset_t mask;
  sigemptyset(&mask);
  signalfd(-1, &mask, 0);
  memfd_create("kept", 0);
  memfd_create("closing", MFD_CLOEXEC);
  syscall(SYS_pidfd_open, getpid(), 0);
  const int server = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // A port of our choice: the event tells what was asked for, /proc what the kernel chose.
  const auto first = static_cast<uint16_t>(20000 + getpid() % 10000);
  for (uint16_t port = first; port < first + 2000; port = static_cast<uint16_t>(port + 37)) {
    address.sin_port = htons(port);
    if (bind(server, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) break;
  }
  listen(server, 4);
  socklen_t size = sizeof address;
  getsockname(server, reinterpret_cast<sockaddr*>(&address), &size);
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  connect(client, reinterpret_cast<sockaddr*>(&address), size);
  accept4(server, nullptr, nullptr, 0);
  dup(kept);
  dup2(closing, 60);  // the copy stays at an exec
  dup3(kept, 61, O_CLOEXEC);
  dup2(client, 62);
  dup2(client, client);  // which changes nothing
  fcntl(kept, F_DUPFD, 70);
  fcntl(kept, F_DUPFD_CLOEXEC, 71);
  dup2(kept, 300);
  for (int fd = 80; fd < 90; ++fd) dup2(kept, fd);
  syscall(SYS_close_range, 83, 85, 0);
  syscall(SYS_close_range, 86, 87, 4);  // CLOSE_RANGE_CLOEXEC
  close(80);
}

struct Work {
  std::string dir;
  int report;
  void ready() const {
    const pid_t pid = getpid();
    if (write(report, &pid, sizeof pid) < 0) _exit(1);
  }
};

void* parked(void*) {
  for (;;) pause();
}

void start_thread(void* (*body)(void*), const Work* work) {
  pthread_t thread{};
  pthread_create(&thread, nullptr, body, const_cast<Work*>(work));
}

void* thread_that_opens(void* given) {
  const auto* work = static_cast<const Work*>(given);
  if (chdir("/usr/lib") != 0) return nullptr;
  open_many(work->dir);
  work->ready();
  return parked(nullptr);
}

void* thread_that_execs(void* given) {
  const auto* work = static_cast<const Work*>(given);
  open_many(work->dir);
  work->ready();
  become_sleep();
  return nullptr;
}

// Each becomes a process that stays. They run in a child of their own.
void stays_as_it_was_forked(const Work& work) {
  if (chdir("/usr") != 0 || chdir("share") != 0 || chdir("../lib") != 0) _exit(1);
  open_many(work.dir);
  work.ready();
}
void becomes_another_program(const Work& work) {
  const int folder = open("/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fchdir(folder) != 0) _exit(1);
  open_many(work.dir);
  work.ready();
  become_sleep();
}
void has_threads(const Work& work) {
  start_thread(parked, &work);
  start_thread(thread_that_opens, &work);
  start_thread(parked, &work);
  for (;;) pause();
}
void gives_up_its_privileges(const Work& work) {
  open_many(work.dir);
  setsid();
  if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0) _exit(1);
  work.ready();
}
void loses_its_parent(const Work& work) {
  if (fork() != 0) _exit(0);
  open_many(work.dir);
  work.ready();
}
void becomes_another_program_in_a_thread(const Work& work) {
  start_thread(parked, &work);
  start_thread(thread_that_execs, &work);
  for (;;) pause();
}
void spawns(const Work& work) {
  open_many(work.dir);
  char name[] = "sleep", time[] = "601";
  std::array<char*, 3> arguments{name, time, nullptr};
  pid_t child = 0;
  posix_spawn(&child, "/bin/sleep", nullptr, nullptr, arguments.data(), environment());
  if (write(work.report, &child, sizeof child) < 0) _exit(1);
  work.ready();
}
constexpr std::array kSurvivors{stays_as_it_was_forked,
                                becomes_another_program,
                                has_threads,
                                gives_up_its_privileges,
                                loses_its_parent,
                                becomes_another_program_in_a_thread,
                                spawns};
constexpr size_t kReports = kSurvivors.size() + 1;  // spawns() makes two

// What leaves nothing behind.
void noise(const Work& work) {
  std::array<pid_t, 3> children{};
  for (int i = 0; i < 3; ++i) {
    children[static_cast<size_t>(i)] = fork();
    if (children[static_cast<size_t>(i)] == 0) {
      open_many(work.dir);
      if (i == 0) _exit(0);
      execl("/bin/true", "true", nullptr);
      _exit(1);
    }
  }
  const pid_t child = vfork();
  if (child == 0) {
    execl("/bin/true", "true", "vfork", nullptr);
    _exit(1);
  }
  std::thread([&] { close(open((work.dir + "/file").c_str(), O_RDONLY)); }).join();
  for (const pid_t one : children) waitpid(one, nullptr, 0);
  waitpid(child, nullptr, 0);
}

void storm(const Work& work) {
  for (int worker = 0; worker < kWorkers; ++worker) {
    if (fork() != 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(static_cast<size_t>(worker), &cpus);
    sched_setaffinity(0, sizeof cpus, &cpus);  // on a machine with one CPU this fails, no harm
    for (int round = 0; round < kRounds; ++round) {
      noise(work);
      const size_t turn = static_cast<size_t>(round) / 4;
      if (round % 4 != 0 || turn >= kSurvivors.size()) continue;
      if (fork() == 0) {
        alarm(kLifetime);
        kSurvivors[turn](work);
        for (;;) pause();
      }
    }
    alarm(kLifetime);
    for (;;) pause();  // the survivors keep their parent
  }
}

// --- the comparison

std::set<int64_t> numbers_in(const std::string& dir) {
  std::set<int64_t> found;
  std::error_code gone;
  for (fs::directory_iterator at(dir, gone), end; !gone && at != end; at.increment(gone)) {
    const std::string name = at->path().filename();
    if (name.find_first_not_of("0123456789") == std::string::npos) found.insert(std::stoll(name));
  }
  return found;
}

class Differences {
 public:
  template <class A, class B>
  void expect(std::string_view what, const A& in_state, const B& in_proc) {
    if (in_state == in_proc) return;
    std::ostringstream line;
    line << where << ": " << what << " is '" << in_state << "' in the state, '" << in_proc
         << "' in /proc";
    lines.push_back(line.str());
  }
  std::string where;
  std::vector<std::string> lines;
};

std::string printable(std::string_view list) {
  std::string text(list);
  std::replace(text.begin(), text.end(), '\0', ' ');
  return text;
}

bool is_connection(FdKind kind) { return kind == FdKind::Ipv4 || kind == FdKind::Ipv6; }

// The names of both ends, whichever stands first.
std::set<std::string> ends_of(std::string name) {
  const size_t arrow = name.find("->");
  if (arrow == std::string::npos) return {name};
  return {name.substr(0, arrow), name.substr(arrow + 2)};
}

std::string joined(const std::set<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += part + " ";
  return text;
}

void compare_fd(const FdInfo& state, const FdInfo& proc, Differences* out) {
  out->expect("kind", fd_kind_info(state.kind).text, fd_kind_info(proc.kind).text);
  const uint32_t own_bit = state.kind == FdKind::MemFd ? 1 : 0;  // MFD_CLOEXEC
  out->expect("close-on-exec", (state.open_flags & (kOpenCloexec | own_bit)) != 0,
              (proc.open_flags & kOpenCloexec) != 0);
  switch (proc.kind) {
    case FdKind::FileV2:
      out->expect("inode", state.ino, proc.ino);
      out->expect("device", state.dev, proc.dev);
      [[fallthrough]];
    case FdKind::Directory:
      out->expect("name", state.name.view(), proc.name.view());
      break;
    case FdKind::Fifo:
      out->expect("inode", state.ino, proc.ino);
      break;
    default:
      break;
  }
  if (is_connection(proc.kind) || proc.is_server_socket()) {
    out->expect("ends", joined(ends_of(std::string(state.name.view()))),
                joined(ends_of(std::string(proc.name.view()))));
  }
}

void compare_thread(const State& state, const Thread& in_state, const State& scanned,
                    const Thread& in_proc, Differences* out) {
  out->expect("pid", in_state.pid, in_proc.pid);
  out->expect("parent", in_state.ptid, in_proc.ptid);
  out->expect("comm", in_state.comm.view(), in_proc.comm.view());
  out->expect("exe", in_state.exe.view(), in_proc.exe.view());
  out->expect("exepath", in_state.exepath.view(), in_proc.exepath.view());
  out->expect("args", printable(in_state.args.view()), printable(in_proc.args.view()));
  out->expect("cwd", state.cwd(in_state).view(), scanned.cwd(in_proc).view());
  out->expect("uid", in_state.uid, in_proc.uid);
  out->expect("gid", in_state.gid, in_proc.gid);
  out->expect("loginuid", in_state.loginuid, in_proc.loginuid);
  out->expect("sid", in_state.sid, in_proc.sid);
  const bool regrouped = in_proc.sid == in_proc.pid;  // setsid() makes a group, too
  if (!regrouped) out->expect("pgid", in_state.pgid, in_proc.pgid);
  out->expect("vtid", in_state.vtid, in_proc.vtid);
  out->expect("vpid", in_state.vpid, in_proc.vpid);
  out->expect("exe_ino", in_state.exe_ino, in_proc.exe_ino);
  const bool same_user = in_proc.uid == 0;  // giving up root clears capabilities without an event
  if (same_user) out->expect("cap_effective", in_state.cap_effective, in_proc.cap_effective);
}

struct TablesLive : LiveTest {
  void SetUp() override {
    LiveTest::SetUp();
    if (IsSkipped()) return;
    LiveSettings settings;
    for (const Sc sc : every_call()) {
      const ScInfo& call = *sc_info(static_cast<uint16_t>(sc));
      if (event_info(call.event).has(EF_MODIFIES_STATE)) settings.syscalls.push_back(sc);
    }
    settings.ring_bytes = 64u << 20;
    settings.iterators = iterators();
    auto opened = open_live(settings);
    ASSERT_TRUE(opened) << opened.error().message;
    own = std::move(*opened);
    StateSettings of_state;
    of_state.live = true;
    of_state.own_pid = getpid();
    // Before the snapshot: our own calls are not collected, and children inherit it.
    ASSERT_EQ(pipe2(reports.data(), O_CLOEXEC | O_NONBLOCK), 0);
    state = std::make_unique<State>(of_state, pool);
    const auto snapshot = own->take_snapshot();
    ASSERT_TRUE(snapshot) << snapshot.error().message;
    const LookCounters looks = own->counters().looks;
    EXPECT_EQ(looks.looks_by_iterators + looks.looks_by_proc, 1u);
    const uint64_t chosen = iterators() == IteratorUse::Always  ? looks.looks_by_iterators
                            : iterators() == IteratorUse::Never ? looks.looks_by_proc
                                                                : 1;
    EXPECT_EQ(chosen, 1u) << looks.why_proc;
    state->load(*snapshot);
  }

  void TearDown() override {
    for (const int end : reports) {
      if (end > 0) close(end);
    }
    for (const int64_t pid : pids) kill(static_cast<pid_t>(pid), SIGKILL);
    if (workers > 0) {
      kill(workers, SIGKILL);  // and those that watch it
      waitpid(workers, nullptr, 0);
    }
    LiveTest::TearDown();
  }

  // Applies what comes, until nothing has come for `quiet` looks.
  void pump(int quiet) {
    const auto end = steady_clock::now() + std::chrono::seconds(30);
    for (int idle = 0; idle < quiet && steady_clock::now() < end;) {
      Record record;
      EventView event;
      const SourceStatus status = own->next(&record);
      if (status == SourceStatus::Event && event.decode(record)) state->apply(event);
      if (status == SourceStatus::Idle) ++idle;
    }
  }

  std::vector<std::string> compare_process(int64_t pid) const {
    Differences out;
    Snapshot proc;
    proc.from_capture = false;
    const std::string dir = "/proc/" + std::to_string(pid);
    for (const int64_t tid : numbers_in(dir + "/task")) {
      auto found = scan_thread(*files, tid);
      if (!found) return {"process " + std::to_string(pid) + " cannot be read"};
      proc.threads.push_back(std::move(found->thread));
      if (tid == pid) proc.fds = std::move(found->fds);
    }
    if (proc.threads.empty()) return {"process " + std::to_string(pid) + " has ended"};
    // Its parent, so that the number stays.
    SnapshotThread parent;
    parent.tid = parent.pid = proc.threads.front().ptid;
    parent.ptid = 0;
    if (parent.tid != pid) proc.threads.push_back(parent);
    StrPool strings;
    State scanned({}, strings);
    scanned.load(proc);
    std::set<int64_t> tids;
    state->for_each_thread([&](const Thread& thread) {
      if (thread.pid == pid && !thread.is_dead()) tids.insert(thread.tid);
    });
    out.where = "process " + std::to_string(pid);
    if (tids != numbers_in(dir + "/task")) out.lines.push_back(out.where + ": other threads");
    for (const int64_t tid : tids) {
      const Thread* in_state = state->find(tid);
      const Thread* in_proc = scanned.find(tid);
      if (in_state == nullptr || in_proc == nullptr) continue;
      out.where = "thread " + std::to_string(tid) + " of " + std::to_string(pid) + " (" +
                  std::string(in_proc->comm.view()) + ")";
      compare_thread(*state, *in_state, scanned, *in_proc, &out);
    }
    compare_fds(pid, scanned, &out);
    return out.lines;
  }

  void compare_fds(int64_t pid, const State& scanned, Differences* out) const {
    const Thread* leader = state->find(pid);
    const Thread* in_proc = scanned.find(pid);
    if (leader == nullptr || in_proc == nullptr) return;
    const std::set<int64_t> expected = numbers_in("/proc/" + std::to_string(pid) + "/fd");
    std::set<int64_t> known;
    state->fds(*leader).for_each([&](int64_t fd, const FdInfo& info) {
      known.insert(fd);
      const FdInfo* other = scanned.fds(*in_proc).find(fd);
      if (other == nullptr) return;
      out->where = "process " + std::to_string(pid) + " (" + std::string(in_proc->comm.view()) +
                   "), descriptor " + std::to_string(fd);
      compare_fd(info, *other, out);
    });
    for (const int64_t fd : expected) {
      if (!known.contains(fd)) {
        out->lines.push_back("process " + std::to_string(pid) + ": descriptor " +
                             std::to_string(fd) + " is missing");
      }
    }
    for (const int64_t fd : known) {
      if (!expected.contains(fd)) {
        out->lines.push_back("process " + std::to_string(pid) + ": descriptor " +
                             std::to_string(fd) + " is not open");
      }
    }
  }

  // Threads on one side only: of all the machine, so others may come and go while we look.
  std::set<int64_t> one_sided() const {
    std::set<int64_t> in_proc, in_state, both;
    for (const int64_t pid : numbers_in("/proc")) {
      std::error_code none;
      const std::string dir = "/proc/" + std::to_string(pid);
      // Kernel threads and zombies have no program and no command; some programs are hidden.
      const bool has_program = !fs::read_symlink(dir + "/exe", none).empty();
      const auto command = files->read(dir + "/cmdline", 1);
      if ((!has_program && (!command || command->empty())) || pid == getpid()) continue;
      in_proc.merge(numbers_in(dir + "/task"));
    }
    state->for_each_thread([&](const Thread& thread) {
      if (thread.pid != getpid() && !thread.is_dead() && !thread.is_invalid()) {
        in_state.insert(thread.tid);
      }
    });
    std::set_symmetric_difference(in_proc.begin(), in_proc.end(), in_state.begin(), in_state.end(),
                                  std::inserter(both, both.end()));
    return both;
  }

  std::unique_ptr<LiveSource> own;
  std::unique_ptr<Files> files = system_files("");
  StrPool pool;
  std::unique_ptr<State> state;
  std::set<int64_t> pids;
  std::array<int, 2> reports{};
  pid_t workers = 0;
};

TEST_F(TablesLive, after_a_storm_they_equal_proc) {
  if (kThreadSanitizer) GTEST_SKIP() << kSeesThreadSanitizer;
  std::cout.flush();
  workers = fork();
  if (workers == 0) {
    alarm(kLifetime);
    storm({dir(), reports[1]});
    for (;;) pause();
  }
  const auto end = steady_clock::now() + std::chrono::seconds(kLifetime / 2);
  while (pids.size() < kReports * kWorkers && steady_clock::now() < end) {
    pump(1);
    pid_t pid = 0;
    while (read(reports[0], &pid, sizeof pid) == sizeof pid) pids.insert(pid);
  }
  ASSERT_EQ(pids.size(), kReports * kWorkers) << "not all survivors came to be";
  // Some are on their way to another program still: what does not settle is a difference.
  std::vector<std::string> different;
  for (int attempt = 0; attempt < 20; ++attempt) {
    pump(5);
    different.clear();
    for (const int64_t pid : pids) {
      for (std::string& line : compare_process(pid)) different.push_back(std::move(line));
    }
    if (different.empty()) break;
  }
  for (const std::string& line : different) ADD_FAILURE() << line;

  std::set<int64_t> persistent = one_sided();
  for (int attempt = 0; attempt < 20 && !persistent.empty(); ++attempt) {
    pump(5);
    const std::set<int64_t> now = one_sided();
    std::erase_if(persistent, [&](int64_t tid) { return !now.contains(tid); });
  }
  for (const int64_t tid : persistent) {
    ADD_FAILURE() << "thread " << tid << " is only "
                  << (state->find(tid) != nullptr ? "in the state" : "in /proc");
  }
  // The last survivors are there before the last rounds are through.
  constexpr uint64_t kEnded = uint64_t{4} * kWorkers * kRounds;
  while (state->counters().threads_removed <= kEnded && steady_clock::now() < end) pump(5);
  EXPECT_GT(state->counters().threads_removed, kEnded);
  const SourceCounters counters = own->counters();
  EXPECT_EQ(counters.lost_ring_full, 0u);
  EXPECT_EQ(counters.lost_other, 0u);
}

}  // namespace
}  // namespace gyr::test
