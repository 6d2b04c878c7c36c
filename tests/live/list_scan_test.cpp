// SPDX-License-Identifier: Apache-2.0
// The snapshot by the kernel's iterators equals that of /proc, field by field, of processes that
// have descriptors of every kind. What may differ is in docs/live.md#start and here said at each
// place.
#include "source/list_scan.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <mqueue.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "source/host_look.h"
#include "source/proc_scan.h"

namespace gyr {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

// --- what a process can have open

// What was opened under which name; what this machine refuses is left out and told.
class Opened {
 public:
  Opened() {
    std::string place = "/tmp/gyr_list_scan_XXXXXX";
    dir_ = mkdtemp(place.data());
  }
  ~Opened() {
    for (const auto& [name, fd] : fds_) close(fd);
    std::error_code ignored;
    fs::remove_all(dir_, ignored);
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;

  int add(const std::string& name, int fd) {
    if (fd < 0) {
      std::cout << "not possible here: " << name << ": " << std::strerror(errno) << "\n";
    } else {
      fds_[name] = fd;
    }
    return fd;
  }
  template <class... Arguments>
  int call(const std::string& name, long number, Arguments... arguments) {
    return add(name, static_cast<int>(syscall(number, arguments...)));
  }
  std::string path(const std::string& name) const { return dir_ + "/" + name; }
  const std::map<std::string, int>& fds() const { return fds_; }
  int operator[](const std::string& name) const {
    const auto found = fds_.find(name);
    return found == fds_.end() ? -1 : found->second;
  }

 private:
  std::string dir_;
  std::map<std::string, int> fds_;
};

void open_files(Opened& all) {
  const auto file = [&](const std::string& name, const std::string& path, int flags) {
    all.add(name, open(path.c_str(), flags, 0600));
  };
  file("file", all.path("plain"), O_CREAT | O_RDWR);
  file("file to append to", all.path("plain"), O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK);
  file("file for synchronous writes", all.path("plain"), O_RDWR | O_SYNC);
  file("file with blanks in its name", all.path(" a name\nwith blanks "), O_CREAT | O_RDONLY);
  file("deleted file", all.path("deleted"), O_CREAT | O_RDWR);
  unlink(all.path("deleted").c_str());
  file("file without a name", all.path(""), O_TMPFILE | O_RDWR);
  file("path of a file", all.path("plain"), O_PATH);
  file("directory", all.path(""), O_RDONLY | O_DIRECTORY);
  file("the root", "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  mkdir(all.path("gone").c_str(), 0700);
  file("deleted directory", all.path("gone"), O_RDONLY | O_DIRECTORY);
  rmdir(all.path("gone").c_str());
  std::string deep = all.path("");
  for (int i = 0; i < 12; ++i) {
    deep += std::string(200, 'd') + "/";
    mkdir(deep.c_str(), 0700);
  }
  file("file far below", deep + "file", O_CREAT | O_RDWR);
  file("file of /proc", "/proc/self/status", O_RDONLY);
  file("file of /sys", "/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY);
  file("file of a control group", "/sys/fs/cgroup/cgroup.procs", O_RDONLY);
  file("namespace", "/proc/self/ns/net", O_RDONLY);
  file("device", "/dev/null", O_RDWR);
  file("block device", fs::exists("/dev/vda") ? "/dev/vda" : "/dev/loop0", O_RDONLY | O_NONBLOCK);
  file("terminal", "/dev/ptmx", O_RDWR | O_NOCTTY);
  file("file in memory", "/dev/shm/gyr_list_scan", O_CREAT | O_RDWR | O_CLOEXEC);
  unlink("/dev/shm/gyr_list_scan");
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_NONBLOCK) == 0) {
    all.add("pipe to read", ends[0]);
    all.add("pipe to write", ends[1]);
  }
  mkfifo(all.path("fifo").c_str(), 0600);
  file("fifo", all.path("fifo"), O_RDWR);
  file("path of a fifo", all.path("fifo"), O_PATH);
}

void open_special(Opened& all) {
  sigset_t mask;
  sigemptyset(&mask);
  all.add("memory file", memfd_create("shy name", MFD_CLOEXEC));
  all.add("memory file to share", memfd_create("", 0));
  all.add("epoll", epoll_create1(EPOLL_CLOEXEC));
  all.add("eventfd", eventfd(0, EFD_NONBLOCK));
  all.add("timerfd", timerfd_create(CLOCK_MONOTONIC, 0));
  all.add("signalfd", signalfd(-1, &mask, SFD_CLOEXEC));
  all.add("inotify", inotify_init1(0));
  all.add("fanotify", fanotify_init(FAN_CLASS_NOTIF, O_RDONLY));
  io_uring_params uring{};
  all.call("io_uring", SYS_io_uring_setup, 2, &uring);
  bpf_attr map{};
  map.map_type = BPF_MAP_TYPE_ARRAY;
  map.key_size = 4;
  map.value_size = 4;
  map.max_entries = 1;
  all.call("bpf map", SYS_bpf, BPF_MAP_CREATE, &map, sizeof map);
  perf_event_attr perf{};
  perf.type = PERF_TYPE_SOFTWARE;
  perf.size = sizeof perf;
  perf.config = PERF_COUNT_SW_DUMMY;
  all.call("perf event", SYS_perf_event_open, &perf, 0, -1, -1, 0);
  all.call("pidfd", SYS_pidfd_open, getpid(), 0);
  all.call("userfaultfd", SYS_userfaultfd, O_CLOEXEC);
  all.call("secret memory", SYS_memfd_secret, 0);
  const std::string queue = "/gyr_list_scan";
  all.add("message queue", mq_open(queue.c_str(), O_CREAT | O_RDWR, 0600, nullptr));
  mq_unlink(queue.c_str());
}

sockaddr_storage loopback(int family) {
  sockaddr_storage address{};
  address.ss_family = static_cast<sa_family_t>(family);
  if (family == AF_INET) {
    reinterpret_cast<sockaddr_in&>(address).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  } else {
    reinterpret_cast<sockaddr_in6&>(address).sin6_addr = in6addr_loopback;
  }
  return address;
}

// A socket that has an address of its own, which is put into *address.
int bound(int family, int type, sockaddr_storage* address) {
  const int fd = socket(family, type | SOCK_CLOEXEC, 0);
  *address = loopback(family);
  socklen_t size = sizeof *address;
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(address), size) != 0) return -1;
  getsockname(fd, reinterpret_cast<sockaddr*>(address), &size);
  return fd;
}

void open_internet(Opened& all, int family, const std::string& v) {
  sockaddr_storage server{}, other{};
  const auto to = [](sockaddr_storage& address) { return reinterpret_cast<sockaddr*>(&address); };
  const int listener = all.add("tcp listener" + v, bound(family, SOCK_STREAM, &server));
  listen(listener, 3);
  const int client = all.add("tcp client" + v, socket(family, SOCK_STREAM, 0));
  if (connect(client, to(server), sizeof server) == 0) {
    all.add("tcp server" + v, accept4(listener, nullptr, nullptr, SOCK_NONBLOCK));
  }
  const int closed = all.add("tcp, ended by its peer" + v, socket(family, SOCK_STREAM, 0));
  if (connect(closed, to(server), sizeof server) == 0) close(accept(listener, nullptr, nullptr));
  all.add("tcp, new" + v, socket(family, SOCK_STREAM, 0));
  all.add("tcp, bound" + v, bound(family, SOCK_STREAM, &other));
  const int service = all.add("udp, bound" + v, bound(family, SOCK_DGRAM, &server));
  const int sender = all.add("udp, connected" + v, socket(family, SOCK_DGRAM, 0));
  connect(sender, to(server), sizeof server);
  connect(service, to(server), 0);
  all.add("udp, new" + v, socket(family, SOCK_DGRAM, 0));
  const int was = all.add("udp, disconnected" + v, socket(family, SOCK_DGRAM, 0));
  connect(was, to(server), sizeof server);
  sockaddr nobody{};
  connect(was, &nobody, sizeof nobody);
  all.add("raw" + v, socket(family, SOCK_RAW, IPPROTO_UDP));
  const int raw = all.add("raw, connected" + v, socket(family, SOCK_RAW, 253));
  connect(raw, to(server), sizeof server);
  all.add("ping" + v, socket(family, SOCK_DGRAM, family == AF_INET ? 1 : 58));
  all.add("multipath tcp" + v, socket(family, SOCK_STREAM, 262));
}

int bound_unix(int type, std::string_view path) {
  const int fd = socket(AF_UNIX, type, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0) return fd;
  close(fd);
  return -1;
}

void open_unix(Opened& all) {
  std::array<int, 2> pair{};
  socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data());
  all.add("unix pair, one", pair[0]);
  all.add("unix pair, other", pair[1]);
  all.add("unix, new", socket(AF_UNIX, SOCK_DGRAM, 0));
  const std::string path = all.path("socket with blanks");
  const int listener = all.add("unix listener", bound_unix(SOCK_STREAM, path));
  listen(listener, 3);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int client = all.add("unix client", socket(AF_UNIX, SOCK_STREAM, 0));
  if (connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    all.add("unix server", accept(listener, nullptr, nullptr));
  }
  all.add("path of a unix socket", open(path.c_str(), O_PATH));
  all.add("unix datagrams", bound_unix(SOCK_DGRAM, all.path("datagrams")));
  all.add("unix packets", bound_unix(SOCK_SEQPACKET, all.path("packets")));
  using std::string_view_literals::operator""sv;
  all.add("abstract unix", bound_unix(SOCK_STREAM, "\0gyr_list_scan"sv));
  all.add("abstract unix with NULs", bound_unix(SOCK_STREAM, "\0gyr\0list\0scan\0"sv));
  std::string longest = all.path("");
  longest.resize(sizeof address.sun_path, 'x');
  all.add("longest unix path", bound_unix(SOCK_DGRAM, longest));
}

void open_other_sockets(Opened& all) {
  const int link = all.add("netlink", socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  bind(link, reinterpret_cast<sockaddr*>(&address), sizeof address);
  all.add("netlink, new", socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
  all.add("packet", socket(AF_PACKET, SOCK_RAW, 0));
  all.add("alg", socket(AF_ALG, SOCK_SEQPACKET, 0));
  all.add("vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
}

// --- a process that has them and waits

// A child that does `prepare` and stays until the object goes; -1: it could not.
class Child {
 public:
  template <class Prepare>
  explicit Child(const Prepare& prepare) {
    std::array<int, 2> ready{};
    if (pipe2(ready.data(), O_CLOEXEC) != 0) return;
    std::cout.flush();
    pid_ = fork();
    if (pid_ == 0) {
      alarm(60);
      const char done = prepare() ? 1 : 0;
      if (write(ready[1], &done, 1) != 1) _exit(1);
      for (;;) pause();
    }
    close(ready[1]);
    char done = 0;
    prepared_ = read(ready[0], &done, 1) == 1 && done == 1;
    close(ready[0]);
  }
  ~Child() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  int64_t pid() const { return pid_; }
  bool prepared() const { return prepared_; }

 private:
  pid_t pid_ = -1;
  bool prepared_ = false;
};

std::string text_of(const SnapshotFd& fd) {
  std::ostringstream text;
  text << "kind " << fd_kind_info(fd.kind).text << ' ' << static_cast<int>(fd.kind) << ", ino "
       << fd.ino << ", flags " << fd.open_flags << ", dev " << fd.dev << ", mount " << fd.mount_id
       << ", l4 " << static_cast<int>(fd.l4) << ", ports " << fd.source_port << ' ' << fd.dest_port
       << ", addresses";
  for (const auto* address : {&fd.source_ip, &fd.dest_ip}) {
    text << ' ';
    for (const uint8_t byte : *address) text << static_cast<int>(byte) << '.';
  }
  text << ", name '" << fd.name << "'";
  return text.str();
}

std::map<int64_t, std::string> texts_of(const std::vector<SnapshotFd>& fds, int64_t pid) {
  std::map<int64_t, std::string> texts;
  for (const SnapshotFd& fd : fds) {
    if (fd.tid == pid) texts[fd.fd] = text_of(fd);
  }
  return texts;
}

std::string printable(std::string list) {
  std::replace(list.begin(), list.end(), '\0', ' ');
  return list;
}

// Without as_of_ns, which is another each time.
std::string text_of(const SnapshotThread& thread) {
  std::ostringstream text;
  text << "tid " << thread.tid << "\npid " << thread.pid << "\nptid " << thread.ptid << "\nsid "
       << thread.sid << "\npgid " << thread.pgid << ' ' << thread.vpgid << "\nin its namespace "
       << thread.vtid << ' ' << thread.vpid << "\ncomm " << thread.comm << "\nexe " << thread.exe
       << "\nexepath " << thread.exepath << "\ncwd " << thread.cwd << "\nroot " << thread.root
       << "\nargs " << printable(thread.args) << "\nenv " << printable(thread.env) << "\ncgroups "
       << printable(thread.cgroups) << "\nfdlimit " << thread.fdlimit << "\nflags " << thread.flags
       << "\nuser " << thread.uid << ' ' << thread.gid << "\nvmsize " << thread.vmsize_kb
       << "\nswap " << thread.vmswap_kb << "\nfaults " << thread.pfmajor << ' ' << thread.pfminor
       << "\npidns " << thread.pidns_init_start_ts_ns << "\ntty " << thread.tty << "\nloginuid "
       << thread.loginuid << "\nprogram " << thread.exe_writable << thread.exe_from_memfd << ' '
       << thread.exe_ino << ' ' << thread.exe_ino_ctime_ns << ' ' << thread.exe_ino_mtime_ns
       << "\ncapabilities " << thread.cap_inheritable << ' ' << thread.cap_permitted << ' '
       << thread.cap_effective;
  return text.str();
}

const SnapshotThread* find(const Snapshot& snapshot, int64_t tid) {
  const auto found = std::find_if(snapshot.threads.begin(), snapshot.threads.end(),
                                  [&](const SnapshotThread& one) { return one.tid == tid; });
  return found == snapshot.threads.end() ? nullptr : &*found;
}

// This process has one of the probe for each call that is attached one by one.
constexpr size_t kAllFds = 65'536;

struct ListScan : testing::Test {
  void SetUp() override {
    auto opened = open_iterators();
    if (!opened) GTEST_SKIP() << "no iterators here: " << opened.error().message;
    lists = *std::move(opened);
  }
  Snapshot by_lists() {
    auto snapshot = scan_lists(*lists, *files, *users, &counters);
    EXPECT_TRUE(snapshot) << snapshot.error().message;
    return snapshot ? *std::move(snapshot) : Snapshot();
  }
  // Of each kind in `all` what `pid` shows both ways.
  void compare_descriptors(const Opened& all, int64_t pid) {
    const auto proc = scan_thread(*files, pid, kAllFds);
    ASSERT_TRUE(proc);
    const auto in_proc = texts_of(proc->fds, pid);
    const auto in_lists = texts_of(by_lists().fds, pid);
    EXPECT_GT(in_proc.size(), all.fds().size() / 2);
    const auto at = [](const auto& texts, int fd) {
      const auto found = texts.find(fd);
      return found == texts.end() ? std::string("not told") : found->second;
    };
    for (const auto& [name, fd] : all.fds()) {
      EXPECT_EQ(at(in_lists, fd), at(in_proc, fd)) << name;
    }
    std::set<int64_t> named;
    for (const auto& [name, fd] : all.fds()) named.insert(fd);
    for (const auto& [fd, text] : in_proc) {
      if (named.contains(fd)) continue;
      EXPECT_EQ(at(in_lists, static_cast<int>(fd)), text) << fd;
    }
  }

  std::unique_ptr<HostLists> lists;
  std::unique_ptr<Files> files = system_files("");
  std::unique_ptr<Users> users = system_users("");
  LookCounters counters;
};

TEST_F(ListScan, tells_every_kind_of_descriptor_as_proc_does) {
  Opened all;
  open_files(all);
  open_special(all);
  open_internet(all, AF_INET, "");
  open_internet(all, AF_INET6, " 6");
  open_unix(all);
  open_other_sockets(all);
  EXPECT_GT(all.fds().size(), 70u);
  const Child child([] { return true; });
  compare_descriptors(all, child.pid());
  for (size_t kind = 0; kind < kFileClasses; ++kind) EXPECT_GT(counters.files[kind], 0u) << kind;
  EXPECT_EQ(counters.looks_by_iterators, 0u) << "whoever chooses counts";
}

// /proc finds sockets in the tables of the process's own network namespace; and it cuts its lines
// at blanks.
TEST_F(ListScan, tells_sockets_that_proc_does_not_find) {
  Opened all;
  all.add("unix with a blank in front", [] {
    const fs::path before = fs::current_path();
    fs::current_path("/tmp");
    unlink(" gyr_list_scan");
    const int fd = bound_unix(SOCK_DGRAM, " gyr_list_scan");
    unlink(" gyr_list_scan");
    fs::current_path(before);
    return fd;
  }());
  std::thread([&] {
    if (unshare(CLONE_NEWNET) != 0) return;
    sockaddr_storage any{};
    any.ss_family = AF_INET;
    const int fd = all.add("tcp listener elsewhere", socket(AF_INET, SOCK_STREAM, 0));
    bind(fd, reinterpret_cast<sockaddr*>(&any), sizeof(sockaddr_in));
    listen(fd, 1);
    all.add("unix elsewhere", socket(AF_UNIX, SOCK_STREAM, 0));
  }).join();
  const Child child([] { return true; });
  const Snapshot snapshot = by_lists();
  std::map<int64_t, const SnapshotFd*> by_number;
  for (const SnapshotFd& fd : snapshot.fds) {
    if (fd.tid == child.pid()) by_number[fd.fd] = &fd;
  }
  const auto of = [&](const char* name) { return by_number[all[name]]; };
  ASSERT_NE(of("unix with a blank in front"), nullptr);
  EXPECT_EQ(of("unix with a blank in front")->name, " gyr_list_scan");
  ASSERT_NE(of("tcp listener elsewhere"), nullptr);
  EXPECT_EQ(of("tcp listener elsewhere")->kind, FdKind::Ipv4Server);
  EXPECT_NE(of("tcp listener elsewhere")->source_port, 0);
  ASSERT_NE(of("unix elsewhere"), nullptr);
  EXPECT_EQ(of("unix elsewhere")->kind, FdKind::Unix);
}

// Events tell unix sockets apart by where they lie.
TEST_F(ListScan, tells_which_unix_sockets_are_connected) {
  Opened all;
  open_unix(all);
  const Child child([] { return true; });
  const Snapshot snapshot = by_lists();
  std::map<int64_t, const SnapshotFd*> by_number;
  for (const SnapshotFd& fd : snapshot.fds) {
    if (fd.tid == child.pid()) by_number[fd.fd] = &fd;
  }
  const SnapshotFd* one = by_number[all["unix pair, one"]];
  const SnapshotFd* other = by_number[all["unix pair, other"]];
  ASSERT_TRUE(one != nullptr && other != nullptr);
  EXPECT_NE(one->unix_source, 0u);
  EXPECT_EQ(one->unix_dest, other->unix_source);
  EXPECT_EQ(other->unix_dest, one->unix_source);
  EXPECT_EQ(by_number[all["unix, new"]]->unix_dest, 0u);
}

// Overlayfs answers stat(2) with numbers of its own; and paths are told as our root sees them.
TEST_F(ListScan, tells_files_of_containers_as_proc_does) {
  Opened all;
  for (const char* name : {"lower", "upper", "work", "merged", "jail"}) {
    mkdir(all.path(name).c_str(), 0700);
  }
  close(open(all.path("lower/below").c_str(), O_CREAT | O_RDWR, 0600));
  std::array<int, 3> numbers{};
  for (int& number : numbers) number = open("/dev/null", O_RDONLY);  // the same in the child
  const Child child([&] {
    const std::string options = "lowerdir=" + all.path("lower") + ",upperdir=" + all.path("upper") +
                                ",workdir=" + all.path("work");
    const std::string merged = all.path("merged");
    if (unshare(CLONE_NEWNS) != 0 || mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("overlay", merged.c_str(), "overlay", 0, options.c_str()) != 0) {
      return false;
    }
    const int below = open((merged + "/below").c_str(), O_RDONLY);
    const int above = open((merged + "/above").c_str(), O_CREAT | O_RDWR, 0600);
    if (chroot(merged.c_str()) != 0 || chdir("/") != 0) return false;
    const int inside = open("/", O_RDONLY | O_DIRECTORY);
    dup2(below, numbers[0]);
    dup2(above, numbers[1]);
    dup2(inside, numbers[2]);
    return true;
  });
  all.add("file of a lower layer", numbers[0]);
  all.add("file of the upper layer", numbers[1]);
  all.add("directory", numbers[2]);
  if (!child.prepared()) GTEST_SKIP() << "overlayfs cannot be mounted here";
  compare_descriptors(all, child.pid());
  EXPECT_GT(counters.files_asked, 0u);
  const auto proc = scan_thread(*files, child.pid(), kAllFds);
  const Snapshot snapshot = by_lists();
  const SnapshotThread* thread = find(snapshot, child.pid());
  ASSERT_TRUE(proc && thread != nullptr);
  EXPECT_EQ(text_of(*thread), text_of(proc->thread));
  EXPECT_THAT(thread->root, HasSubstr("/merged"));
}

TEST_F(ListScan, tells_threads_as_proc_does) {
  const auto in_a_pid_namespace = [] {
    if (unshare(CLONE_NEWPID) != 0) return false;
    const pid_t inner = fork();
    if (inner == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      setpgid(0, 0);
      for (;;) pause();
    }
    return inner > 0;
  };
  const auto with_threads = [] {
    const auto wait = [](void* name) -> void* {
      pthread_setname_np(pthread_self(), static_cast<const char*>(name));
      for (;;) pause();
    };
    static std::array<char, 16> names[] = {{" blanks "}, {"b:c)"}};
    for (auto& name : names) {
      pthread_t thread{};
      if (pthread_create(&thread, nullptr, wait, name.data()) != 0) return false;
    }
    usleep(50'000);
    return true;
  };
  const auto without_rights = [] {
    setsid();
    prctl(PR_SET_KEEPCAPS, 1);
    return setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65533, 65534) == 0;
  };
  const auto another_program = [] {
    const pid_t child = fork();
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      execl("/bin/sleep", "sleep", "60", nullptr);
      _exit(1);
    }
    usleep(100'000);
    return child > 0;
  };
  const Child namespaced(in_a_pid_namespace), threaded(with_threads), plain(without_rights),
      other(another_program);
  for (const Child* child : {&namespaced, &threaded, &plain, &other}) {
    ASSERT_TRUE(child->prepared());
  }
  const Snapshot snapshot = by_lists();
  std::set<int64_t> ours;
  for (const Child* child : {&namespaced, &threaded, &plain, &other}) ours.insert(child->pid());
  std::vector<std::string> compared;
  for (const SnapshotThread& thread : snapshot.threads) {
    if (!ours.contains(thread.pid) && !ours.contains(thread.ptid)) continue;
    const auto proc = scan_thread(*files, thread.tid, kAllFds);
    ASSERT_TRUE(proc) << thread.comm;
    const SnapshotThread& expected = proc->thread;
    EXPECT_EQ(text_of(thread), text_of(expected));
    // A busy machine steps aside between two readings of both clocks; /proc counts in ticks of 10
    // ms.
    EXPECT_NEAR(static_cast<double>(thread.clone_ts_ns), static_cast<double>(expected.clone_ts_ns),
                1e7);
    // The kernel sums the pages that each CPU has counted for /proc since Linux 6.17.
    EXPECT_NEAR(static_cast<double>(thread.vmrss_kb), static_cast<double>(expected.vmrss_kb),
                thread.vmrss_kb / 2.0 + 4096);
    compared.push_back(thread.comm);
  }
  EXPECT_THAT(compared, testing::IsSupersetOf({"gyr_live_test", "sleep", "blanks", "b:c)"}));
  EXPECT_GE(compared.size(), 4u + 1 + 2 + 1);
}

// A namespace of its own would be all that they list.
TEST_F(ListScan, is_refused_in_a_pid_namespace) {
  const Child child([] {
    if (unshare(CLONE_NEWPID) != 0) return false;
    const pid_t inner = fork();
    if (inner == 0) {
      const auto opened = open_iterators();
      const bool said =
          !opened && opened.error().message.find("pid namespace") != std::string::npos;
      _exit(said ? 0 : 1);
    }
    int status = 1;
    return waitpid(inner, &status, 0) == inner && status == 0;
  });
  EXPECT_TRUE(child.prepared());
}

TEST_F(ListScan, is_chosen_as_the_settings_say) {
  struct Case {
    IteratorUse use;
    bool again;
    uint64_t by_iterators;
  };
  for (const Case& one : {Case{IteratorUse::Always, false, 1}, Case{IteratorUse::Auto, true, 1},
                          Case{IteratorUse::Never, true, 0}}) {
    HostLook look(*files, *users, one.use);
    const auto snapshot = look.take(one.again);
    ASSERT_TRUE(snapshot) << snapshot.error().message;
    EXPECT_NE(find(*snapshot, getpid()), nullptr);
    EXPECT_EQ(look.counters().looks_by_iterators, one.by_iterators);
    EXPECT_EQ(look.counters().looks_by_proc, 1 - one.by_iterators);
    EXPECT_EQ(look.counters().why_proc, "");
    EXPECT_THAT(look.counters().text(),
                HasSubstr(one.by_iterators != 0 ? "1 look by iterators: " : "1 look at /proc: "));
  }
}

TEST_F(ListScan, counts_what_it_tells) {
  const Child child([] { return true; });
  const Snapshot snapshot = by_lists();
  EXPECT_EQ(counters.tasks + counters.tasks_unlisted, snapshot.threads.size());
  uint64_t told = 0;
  for (const uint64_t count : counters.files) told += count;
  EXPECT_GT(told, 0u);
  EXPECT_LE(told, snapshot.fds.size()) << "those of processes that are not listed are not counted";
  ASSERT_NE(find(snapshot, child.pid()), nullptr);
  EXPECT_FALSE(snapshot.from_capture);
  EXPECT_TRUE(std::is_sorted(snapshot.fds.begin(), snapshot.fds.end(),
                             [](const SnapshotFd& a, const SnapshotFd& b) {
                               return std::pair(a.tid, a.fd) < std::pair(b.tid, b.fd);
                             }));
  const auto leaders = static_cast<size_t>(
      std::count_if(snapshot.threads.begin(), snapshot.threads.end(),
                    [](const SnapshotThread& thread) { return thread.tid == thread.pid; }));
  EXPECT_EQ(snapshot.fd_tids.size(), leaders);
}

}  // namespace
}  // namespace gyr
