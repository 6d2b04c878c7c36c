// SPDX-License-Identifier: Apache-2.0
// First: the headers below define macros with names of the schema.
#include "row_model.h"
//
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>

namespace gyr::test {
namespace {

struct KernelFlag {
  FlagTable table;
  std::string_view name;
  uint64_t value;
};
#define IN(table, name) \
  KernelFlag { FlagTable::table, #name, static_cast<uint32_t>(name) }

// Tables whose values differ from the kernel's, by name.
const std::vector<KernelFlag>& different_flags() {
  static const std::vector<KernelFlag> flags = {
      IN(file_flags, O_DIRECTORY),
      IN(file_flags, O_DIRECT),
      IN(file_flags, O_TRUNC),
      IN(file_flags, O_SYNC),
      IN(file_flags, O_NONBLOCK),
      IN(file_flags, O_EXCL),
      IN(file_flags, O_DSYNC),
      IN(file_flags, O_APPEND),
      IN(file_flags, O_CREAT),
      IN(file_flags, O_CLOEXEC),
      IN(file_flags, O_TMPFILE),
      {FlagTable::file_flags, "O_LARGEFILE", 0100000},  // 0 for programs of 64 bits
      IN(clone_flags, CLONE_FILES),
      IN(clone_flags, CLONE_FS),
      IN(clone_flags, CLONE_IO),
      IN(clone_flags, CLONE_NEWIPC),
      IN(clone_flags, CLONE_NEWNET),
      IN(clone_flags, CLONE_NEWNS),
      IN(clone_flags, CLONE_NEWPID),
      IN(clone_flags, CLONE_NEWUTS),
      IN(clone_flags, CLONE_PARENT),
      IN(clone_flags, CLONE_PARENT_SETTID),
      IN(clone_flags, CLONE_PTRACE),
      IN(clone_flags, CLONE_SIGHAND),
      IN(clone_flags, CLONE_SYSVSEM),
      IN(clone_flags, CLONE_THREAD),
      IN(clone_flags, CLONE_UNTRACED),
      IN(clone_flags, CLONE_VM),
      IN(clone_flags, CLONE_NEWUSER),
      IN(clone_flags, CLONE_CHILD_CLEARTID),
      IN(clone_flags, CLONE_CHILD_SETTID),
      IN(clone_flags, CLONE_SETTLS),
      IN(clone_flags, CLONE_VFORK),
      IN(clone_flags, CLONE_NEWCGROUP),
      IN(mmap_flags, MAP_SHARED),
      IN(mmap_flags, MAP_PRIVATE),
      IN(mmap_flags, MAP_FIXED),
      IN(mmap_flags, MAP_ANONYMOUS),
      IN(mmap_flags, MAP_32BIT),
      IN(mmap_flags, MAP_NORESERVE),
      IN(mmap_flags, MAP_POPULATE),
      IN(mmap_flags, MAP_NONBLOCK),
      IN(mmap_flags, MAP_GROWSDOWN),
      IN(mmap_flags, MAP_DENYWRITE),
      IN(mmap_flags, MAP_EXECUTABLE),
      IN(mmap_flags, MAP_LOCKED),
      IN(prot_flags, PROT_READ),
      IN(prot_flags, PROT_WRITE),
      IN(prot_flags, PROT_EXEC),
      IN(prot_flags, PROT_GROWSDOWN),
      IN(prot_flags, PROT_GROWSUP),
      IN(poll_flags, POLLIN),
      IN(poll_flags, POLLPRI),
      IN(poll_flags, POLLOUT),
      IN(poll_flags, POLLRDHUP),
      IN(poll_flags, POLLERR),
      IN(poll_flags, POLLHUP),
      IN(poll_flags, POLLNVAL),
      IN(poll_flags, POLLRDNORM),
      IN(poll_flags, POLLRDBAND),
      IN(poll_flags, POLLWRNORM),
      IN(poll_flags, POLLWRBAND),
      IN(openat2_flags, RESOLVE_BENEATH),
      IN(openat2_flags, RESOLVE_IN_ROOT),
      IN(openat2_flags, RESOLVE_NO_MAGICLINKS),
      IN(openat2_flags, RESOLVE_NO_SYMLINKS),
      IN(openat2_flags, RESOLVE_NO_XDEV),
      IN(openat2_flags, RESOLVE_CACHED),
      IN(semget_flags, IPC_CREAT),
      IN(semget_flags, IPC_EXCL),
      IN(semop_flags, IPC_NOWAIT),
      IN(semop_flags, SEM_UNDO),
      IN(epoll_create1_flags, EPOLL_CLOEXEC),
      {FlagTable::pidfd_open_flags, "PIDFD_NONBLOCK", O_NONBLOCK},
      IN(delete_module_flags, O_NONBLOCK),
      IN(delete_module_flags, O_TRUNC),
      IN(fchownat_flags, AT_SYMLINK_NOFOLLOW),
      IN(fchownat_flags, AT_EMPTY_PATH),
      {FlagTable::io_uring_setup_flags, "IORING_SETUP_IOPOLL", 1},
      {FlagTable::io_uring_setup_flags, "IORING_SETUP_SQPOLL", 2},
      {FlagTable::io_uring_setup_flags, "IORING_SETUP_SQ_AFF", 4},
      {FlagTable::io_uring_setup_flags, "IORING_SETUP_CQSIZE", 8},
      {FlagTable::io_uring_setup_flags, "IORING_SETUP_CLAMP", 16},
      {FlagTable::io_uring_setup_flags, "IORING_SETUP_R_DISABLED", 64},
  };
  return flags;
}

// The same of tables whose values exclude each other.
const std::vector<KernelFlag>& different_choices() {
  static const std::vector<KernelFlag> choices = {
      IN(fcntl_commands, F_DUPFD),
      IN(fcntl_commands, F_GETFD),
      IN(fcntl_commands, F_SETFD),
      IN(fcntl_commands, F_GETFL),
      IN(fcntl_commands, F_SETFL),
      {FlagTable::fcntl_commands, "F_GETLK", 5},
      {FlagTable::fcntl_commands, "F_SETLK", 6},
      {FlagTable::fcntl_commands, "F_SETLKW", 7},
      IN(fcntl_commands, F_SETOWN),
      IN(fcntl_commands, F_GETOWN),
      IN(fcntl_commands, F_SETSIG),
      IN(fcntl_commands, F_GETSIG),
      {FlagTable::fcntl_commands, "F_GETLK64", 12},
      {FlagTable::fcntl_commands, "F_SETLK64", 13},
      {FlagTable::fcntl_commands, "F_SETLKW64", 14},
      IN(fcntl_commands, F_SETOWN_EX),
      IN(fcntl_commands, F_GETOWN_EX),
      IN(fcntl_commands, F_OFD_GETLK),
      IN(fcntl_commands, F_OFD_SETLK),
      IN(fcntl_commands, F_OFD_SETLKW),
      IN(fcntl_commands, F_SETLEASE),
      IN(fcntl_commands, F_GETLEASE),
      IN(fcntl_commands, F_NOTIFY),
      {FlagTable::fcntl_commands, "F_CANCELLK", 1029},
      IN(fcntl_commands, F_DUPFD_CLOEXEC),
      IN(fcntl_commands, F_SETPIPE_SZ),
      IN(fcntl_commands, F_GETPIPE_SZ),
      {FlagTable::fcntl_commands, "UNKNOWN", 17},
      IN(ptrace_requests, PTRACE_TRACEME),
      IN(ptrace_requests, PTRACE_PEEKTEXT),
      IN(ptrace_requests, PTRACE_PEEKDATA),
      {FlagTable::ptrace_requests, "PTRACE_PEEKUSR", 3},
      IN(ptrace_requests, PTRACE_POKETEXT),
      IN(ptrace_requests, PTRACE_POKEDATA),
      {FlagTable::ptrace_requests, "PTRACE_POKEUSR", 6},
      IN(ptrace_requests, PTRACE_CONT),
      IN(ptrace_requests, PTRACE_KILL),
      IN(ptrace_requests, PTRACE_SINGLESTEP),
      IN(ptrace_requests, PTRACE_GETREGS),
      IN(ptrace_requests, PTRACE_SETREGS),
      IN(ptrace_requests, PTRACE_GETFPREGS),
      IN(ptrace_requests, PTRACE_SETFPREGS),
      IN(ptrace_requests, PTRACE_ATTACH),
      IN(ptrace_requests, PTRACE_DETACH),
      IN(ptrace_requests, PTRACE_GETFPXREGS),
      IN(ptrace_requests, PTRACE_SETFPXREGS),
      IN(ptrace_requests, PTRACE_SYSCALL),
      IN(ptrace_requests, PTRACE_GET_THREAD_AREA),
      IN(ptrace_requests, PTRACE_SET_THREAD_AREA),
      IN(ptrace_requests, PTRACE_SYSEMU),
      IN(ptrace_requests, PTRACE_SYSEMU_SINGLESTEP),
      IN(ptrace_requests, PTRACE_SINGLEBLOCK),
      IN(ptrace_requests, PTRACE_SETOPTIONS),
      IN(ptrace_requests, PTRACE_GETEVENTMSG),
      IN(ptrace_requests, PTRACE_GETSIGINFO),
      IN(ptrace_requests, PTRACE_SETSIGINFO),
      IN(ptrace_requests, PTRACE_GETREGSET),
      IN(ptrace_requests, PTRACE_SETREGSET),
      IN(ptrace_requests, PTRACE_SEIZE),
      IN(ptrace_requests, PTRACE_INTERRUPT),
      IN(ptrace_requests, PTRACE_LISTEN),
      IN(ptrace_requests, PTRACE_PEEKSIGINFO),
      IN(ptrace_requests, PTRACE_GETSIGMASK),
      IN(ptrace_requests, PTRACE_SETSIGMASK),
      {FlagTable::ptrace_requests, "PTRACE_OLDSETOPTIONS", 21},
      {FlagTable::ptrace_requests, "PTRACE_ARCH_PRCTL", 30},
      {FlagTable::ptrace_requests, "PTRACE_UNKNOWN", 0x4fff},
      IN(semctl_commands, IPC_STAT),
      IN(semctl_commands, IPC_SET),
      IN(semctl_commands, IPC_RMID),
      IN(semctl_commands, IPC_INFO),
      IN(semctl_commands, SEM_INFO),
      IN(semctl_commands, SEM_STAT),
      IN(semctl_commands, GETALL),
      IN(semctl_commands, GETNCNT),
      IN(semctl_commands, GETPID),
      IN(semctl_commands, GETVAL),
      IN(semctl_commands, GETZCNT),
      IN(semctl_commands, SETALL),
      IN(semctl_commands, SETVAL),
      IN(rlimit_resources, RLIMIT_CPU),
      IN(rlimit_resources, RLIMIT_FSIZE),
      IN(rlimit_resources, RLIMIT_DATA),
      IN(rlimit_resources, RLIMIT_STACK),
      IN(rlimit_resources, RLIMIT_CORE),
      IN(rlimit_resources, RLIMIT_RSS),
      IN(rlimit_resources, RLIMIT_NPROC),
      IN(rlimit_resources, RLIMIT_NOFILE),
      IN(rlimit_resources, RLIMIT_MEMLOCK),
      IN(rlimit_resources, RLIMIT_AS),
      {FlagTable::rlimit_resources, "RLIMIT_LOCKS", 10},
      IN(rlimit_resources, RLIMIT_SIGPENDING),
      IN(rlimit_resources, RLIMIT_MSGQUEUE),
      IN(rlimit_resources, RLIMIT_NICE),
      IN(rlimit_resources, RLIMIT_RTPRIO),
      IN(rlimit_resources, RLIMIT_RTTIME),
      {FlagTable::rlimit_resources, "RLIMIT_UNKNOWN", 16},
  };
  return choices;
}
#undef IN

uint64_t portable_value(const KernelFlag& flag) {
  for (const FlagInfo& info : flag_entries(flag.table)) {
    if (info.name == flag.name) return info.value;
  }
  ADD_FAILURE() << flag_table_name(flag.table) << " has no " << flag.name;
  return 0;
}

bool is_in(const std::vector<KernelFlag>& flags, FlagTable table) {
  return std::any_of(flags.begin(), flags.end(),
                     [&](const KernelFlag& flag) { return flag.table == table; });
}

}  // namespace

uint64_t portable_flags(FlagTable table, uint64_t kernel) {
  kernel &= 0xffffffff;
  if (is_in(different_choices(), table)) {
    for (const KernelFlag& flag : different_choices()) {
      if (flag.table == table && flag.value == kernel) return portable_value(flag);
    }
    return 0;
  }
  if (table == FlagTable::chmod_mode) return kernel & 07777;
  if (table == FlagTable::shutdown_how) return kernel <= SHUT_RDWR ? kernel : 255;
  if (table == FlagTable::mknod_mode) {
    return S_ISREG(kernel) || S_ISCHR(kernel) || S_ISBLK(kernel) || S_ISFIFO(kernel) ||
                   S_ISSOCK(kernel)
               ? kernel & (S_IFMT | 07777)
               : (kernel & 07777) | ((kernel & S_IFMT) == 0 ? S_IFREG : 0);
  }
  if (!is_in(different_flags(), table)) return kernel;
  uint64_t portable = 0;
  for (const KernelFlag& flag : different_flags()) {
    if (flag.table == table && (kernel & flag.value) == flag.value)
      portable |= portable_value(flag);
  }
  if (table == FlagTable::file_flags) {
    const uint64_t access = kernel & O_ACCMODE;
    portable |= access == O_WRONLY ? 2 : access == O_RDWR ? 3 : 1;
  }
  return portable;
}

std::vector<uint64_t> kernel_flags(FlagTable table) {
  std::vector<uint64_t> values;
  for (const auto* flags : {&different_flags(), &different_choices()}) {
    for (const KernelFlag& flag : *flags) {
      if (flag.table == table) values.push_back(flag.value);
    }
  }
  if (table == FlagTable::file_flags) values.insert(values.end(), {O_WRONLY, O_RDWR});
  if (!values.empty()) return values;
  for (const FlagInfo& info : flag_entries(table)) values.push_back(info.value);
  return values;
}

}  // namespace gyr::test
