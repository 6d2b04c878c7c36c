// SPDX-License-Identifier: Apache-2.0
// First: the headers below define macros with names of the schema.
#include "row_model.h"
//
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "live_fixture.h"

namespace gyr::test {
namespace {

using std::string_literals::operator""s;

constexpr size_t kMemory = 16384;
constexpr uint64_t kUpper = 0xdeadbeef'00000000;  // what an argument of 32 bits must not show

// Places in the memory.
constexpr size_t kTexts = 0, kText = 64;  // one for each argument
constexpr size_t kWords = 512;            // sixteen words
constexpr size_t kData = 640;
constexpr size_t kVector = 768;
constexpr size_t kMessage = 896;
constexpr size_t kPolls = 1024;
constexpr size_t kAddress = 1088;
constexpr size_t kHow = 1152;
constexpr size_t kTime = 1216;
constexpr size_t kLimits = 1280;
constexpr size_t kSemaphores = 1344;
constexpr size_t kClone = 1408;
constexpr size_t kList = 1536;
constexpr size_t kLength = 1664;

// 32-bit calls with a layout of their own.
constexpr int kSendfile = 187, kGetresuid = 165, kGetresgid = 171, kPpollTime64 = 414;
bool is_narrow(const RowCall& call, int number) { return call.compat && call.number == number; }

constexpr std::string_view kFirst = "first part, ", kSecond = "and the second";

std::string little_endian(uint64_t value, size_t size) {
  return std::string(reinterpret_cast<const char*>(&value), size);
}

uint64_t creation_only(uint64_t portable) { return portable & (4096 | 64 | 512); }

std::string list_of(const char* path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

std::string status_line(std::string_view name) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name)) return line.substr(name.size());
  }
  return "";
}

// As the probe lists them: the path of each controller that the kernel has.
std::string control_groups() {
  std::map<std::string, std::string> paths;
  std::string unified;
  std::ifstream in("/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    std::stringstream controllers(line.substr(first + 1, second - first - 1));
    const std::string path = line.substr(second + 1);
    if (second == first + 1) unified = path;
    for (std::string one; std::getline(controllers, one, ',');) paths[one] = path;
  }
  std::string all;
  for (const char* name : {"cpuset", "cpu", "cpuacct", "io", "memory"}) {
    const auto found = paths.find(name == "io"s ? "blkio" : name);
    all += name + "="s + (found != paths.end() ? found->second : unified) + '\0';
  }
  return all;
}

int64_t process_number(size_t field) {  // of /proc/self/stat, from 1
  const std::string all = list_of("/proc/self/stat");
  std::stringstream rest(all.substr(all.rfind(')') + 2));
  std::string word;
  for (size_t at = 3; at <= field; ++at) rest >> word;
  return std::stoll(word);
}

}  // namespace

RowMemory::RowMemory()
    : base_(static_cast<unsigned char*>(mmap(nullptr, kMemory, PROT_READ | PROT_WRITE,
                                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0))) {
  EXPECT_NE(static_cast<void*>(base_), MAP_FAILED);
}
RowMemory::~RowMemory() { munmap(base_, kMemory); }

uint64_t RowMemory::address(size_t offset) const {
  return reinterpret_cast<uint64_t>(base_ + offset);
}

uint64_t RowMemory::load(uint64_t address, size_t size) const {
  uint64_t value = 0;
  std::memcpy(&value, base_ + (address - this->address(0)), size);
  return value;
}

std::string RowMemory::text_at(uint64_t address) const {
  const auto* text = reinterpret_cast<const char*>(base_ + (address - this->address(0)));
  return std::string(text) + '\0';
}

void RowMemory::fill(const RowCall& call) {
  std::memset(base_, 0, kMemory);
  const auto put_text = [&](size_t at, std::string_view text) {
    std::memcpy(base_ + at, text.data(), text.size());
  };
  size_t at = 0;
  const auto put = [&](uint64_t value, size_t size) {
    std::memcpy(base_ + at, &value, size);
    at += size;
  };
  const size_t word = call.compat ? 4 : 8;
  for (size_t i = 0; i < 6; ++i) put_text(kTexts + i * kText, "/no/such/" + std::to_string(i));
  at = kWords;
  for (uint32_t i = 0; i < 16; ++i) put(0x01010101u * (i + 1), 4);
  put_text(kData, "thirteen or more bytes");
  put_text(kData + 32, kFirst);
  put_text(kData + 64, kSecond);
  at = kVector;
  put(address(kData + 32), word);
  put(kFirst.size(), word);
  put(address(kData + 64), word);
  put(kSecond.size(), word);
  at = kMessage;  // without a name; the length of one is an int, padded where pointers are wide
  put(0, word);
  put(0, word);
  put(address(kVector), word);
  put(2, word);
  put(0, word);
  put(0, word);
  at = kPolls;
  for (const uint64_t revents : {uint64_t{POLLIN | POLLHUP}, uint64_t{POLLOUT | POLLWRNORM}}) {
    put(revents == (POLLIN | POLLHUP) ? 7 : 0xffffffff, 4);
    put(POLLIN, 2);
    put(revents, 2);
  }
  at = kAddress;  // AF_INET, 192.0.2.1, port 8080
  put(2, 2);
  put(0x901f, 2);
  put(0x010200c0, 4);
  at = kHow;
  put(O_RDWR | O_CREAT | O_CLOEXEC, 8);
  put(0640, 8);
  put(RESOLVE_BENEATH | RESOLVE_CACHED, 8);
  at = kTime;
  const size_t time = is_narrow(call, kPpollTime64) ? 8 : word;
  put(5, time);
  put(123456789, time);
  at = kLimits;
  put(0x1000, 8);  // wide, or one limit and the other of a narrow struct rlimit
  put(0x2000, 8);
  at = kSemaphores;
  for (const int value : {1, -2, IPC_NOWAIT, 3, 4, SEM_UNDO}) put(static_cast<uint16_t>(value), 2);
  at = kClone;
  put(CLONE_FS | CLONE_NEWUTS, 8);
  at = kList;
  put(address(kTexts), word);
  put(address(kTexts + kText), word);
  put(address(kTexts + 2 * kText), word);
  put(0, word);
  at = kLength;
  put(4, 4);
}

void RowMemory::choose(const ParamInfo& param, RowCall* call) const {
  if (param.argument < 0) return;
  const auto k = static_cast<size_t>(param.argument);
  uint64_t& arg = call->args[k];
  uint64_t unused = 0;
  uint64_t& next = k + 1 < call->args.size() ? call->args[k + 1] : unused;
  switch (param.collect) {
    case Collect::i32:
      arg = kUpper | static_cast<uint32_t>(-1000 - static_cast<int>(k));
      break;
    case Collect::u32:
      if (arg == 0) arg = kUpper | (0x89abcd00 + k);
      break;
    case Collect::u64:
      if (arg == 0) arg = 0x1122334455667700 + k;
      break;
    case Collect::prctl_int:
    case Collect::keyctl:
    case Collect::ptrace_addr:
    case Collect::ptrace_data:
      arg = 0x1122334455667700 + k;
      break;
    case Collect::quota_id:
    case Collect::semctl_val:
      arg = kUpper | 4711;
      break;
    case Collect::mode:
      arg = kUpper | 0106755;
      break;
    case Collect::flags:
    case Collect::fd_flags:
    case Collect::open_flags:
    case Collect::clone_flags:
    case Collect::quota_cmd:
      arg = kUpper;
      break;
    case Collect::open_mode:
      next = kUpper | 0640;
      break;
    case Collect::str:
    case Collect::str_ok:
    case Collect::exec_filename:
    case Collect::quota_special:
      arg = address(kTexts + k * kText);
      break;
    case Collect::data_in:
    case Collect::data_out:
      arg = address(kData);
      next = 13;
      break;
    case Collect::iov_in:
    case Collect::iov_out:
    case Collect::iov_in_size:
    case Collect::iov_out_size:
      arg = address(kVector);
      next = 2;
      break;
    case Collect::msg_in:
    case Collect::msg_out:
      arg = address(kMessage);
      break;
    case Collect::fd_list:
      arg = address(kPolls);
      next = 2;
      break;
    case Collect::sockaddr:
      arg = address(kAddress);
      next = 16;
      break;
    case Collect::sockopt_level:
      arg = kUpper | 1;  // SOL_SOCKET
      break;
    case Collect::sockopt_name:
      arg = kUpper | 2;  // SO_REUSEADDR
      break;
    case Collect::sockopt_set:
      arg = address(kWords);
      next = 4;
      break;
    case Collect::sockopt_get:
      arg = address(kWords);
      next = address(kLength);
      break;
    case Collect::how_flags:
      arg = address(kHow);
      break;
    case Collect::timespec:
      arg = address(kTime);
      break;
    case Collect::rlimit_cur:
    case Collect::rlimit_got_cur:
      arg = address(kLimits);
      break;
    case Collect::sem_num_0:
      arg = address(kSemaphores);
      call->args[2] = kUpper | 2;
      break;
    case Collect::clone3_flags:
      arg = address(kClone);
      break;
    case Collect::exec_exe:
    case Collect::exec_env:
      arg = address(kList);
      break;
    case Collect::u32_at:
    case Collect::u64_at:
      arg = address(kWords);
      break;
    default:
      break;
  }
}

RowCall RowMemory::prepare(Sc sc, int number, bool compat) {
  const ScInfo& info = *sc_info(static_cast<uint16_t>(sc));
  RowCall call{.sc = sc, .compat = compat, .number = number, .args = {}};
  fill(call);
  for (const ParamInfo& param : event_info(info.event).params()) choose(param, &call);
  if (compat) {
    for (uint64_t& arg : call.args) arg &= 0xffffffff;
  }
  return call;
}

std::optional<std::string> RowMemory::expected_number(const ParamInfo& param, const RowCall& call,
                                                      int64_t result) const {
  const size_t size = type_info(param.type).size_min;
  const uint64_t arg = param.argument < 0 ? 0 : call.args[static_cast<size_t>(param.argument)];
  const uint64_t low = arg & 0xffffffff;
  const auto number = [&](uint64_t value) { return little_endian(value, size); };
  switch (param.collect) {
    case Collect::ret:
      return number(static_cast<uint64_t>(result));
    case Collect::i32:
      return number(static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(low))));
    case Collect::u32:
      return number(low);
    case Collect::mode:
      return number(06755);
    case Collect::u64:
    case Collect::prctl_int:
      return number(arg);
    case Collect::flags:
    case Collect::clone_flags:
      return number(portable_flags(param.flags, arg));
    case Collect::fd_flags:
      return number(creation_only(portable_flags(FlagTable::file_flags, arg)));
    case Collect::open_flags:
      return number(portable_flags(FlagTable::file_flags, arg));
    case Collect::open_mode: {
      const bool creates = (arg & O_CREAT) != 0 || (arg & O_TMPFILE) == O_TMPFILE;
      return number(creates ? 0640 : 0);
    }
    case Collect::sockopt_level:
      return number(low == 1 ? 1 : low == 6 ? 2 : 0);
    case Collect::sockopt_name:
      return number(2);
    case Collect::quota_type:
    case Collect::quota_fmt:
    case Collect::quota_fmt_out:
      return number(1);
    case Collect::vfork_flags:
      return number(portable_flags(FlagTable::clone_flags, CLONE_VFORK | CLONE_VM));
    case Collect::fd_pair_0:
    case Collect::fd_pair_1:
      return number(result != 0 ? ~0ull : load(arg + (param.collect == Collect::fd_pair_1) * 4, 4));
    case Collect::zero:
    case Collect::quota_id:    // the command has none
    case Collect::semctl_val:  // the same
    case Collect::fork_flags:
    case Collect::pidns_start:
    case Collect::pair_ino:
    case Collect::pair_source:
    case Collect::pair_peer:
    case Collect::queue_pct:
    case Collect::queue_len:
    case Collect::queue_max:
    case Collect::iov_in_size:
    case Collect::msg_in_size:
    case Collect::fd_dev:
    case Collect::fd_ino:
    case Collect::creat_flags:
    case Collect::quota_cmd:
    case Collect::quota_bhardlimit:
    case Collect::quota_bsoftlimit:
    case Collect::quota_curspace:
    case Collect::quota_ihardlimit:
    case Collect::quota_isoftlimit:
    case Collect::quota_btime:
    case Collect::quota_itime:
    case Collect::quota_bgrace:
    case Collect::quota_igrace:
    case Collect::quota_flags:
      return number(0);
    default:
      return std::nullopt;
  }
}

std::optional<std::string> RowMemory::expected_memory(const ParamInfo& param, const RowCall& call,
                                                      int64_t result) const {
  const size_t size = type_info(param.type).size_min;
  const uint64_t arg = param.argument < 0 ? 0 : call.args[static_cast<size_t>(param.argument)];
  const auto at = [&](size_t index, size_t width) {
    return little_endian(load(arg + index * width, width), size);
  };
  const auto limit = [&](size_t index) {
    return at(index, call.compat && call.sc != Sc::PRLIMIT64 ? 4 : 8);
  };
  const std::string whole = std::string(kFirst) + std::string(kSecond);
  switch (param.collect) {
    case Collect::str:
    case Collect::exec_filename:
    case Collect::quota_special:
      return text_at(arg);
    case Collect::str_ok:
      return result >= 0 ? text_at(arg) : "";
    case Collect::data_out:
      return "thirteen or m";
    case Collect::iov_out:
    case Collect::msg_out:
      return whole;
    case Collect::iov_out_size:
    case Collect::msg_out_size:
      return little_endian(whole.size(), size);
    case Collect::fd_list:  // count, then a wide descriptor and what was found of each
      return "\2\0"s + little_endian(7, 8) + little_endian(1 | 32, 2) + little_endian(~0ull, 8) +
             little_endian(4 | 512, 2);
    case Collect::sockaddr:
      return "\2\xc0\0\2\1\x90\x1f"s;
    case Collect::sockopt_set:
    case Collect::sockopt_get:
      return "\2\1\1\1\1"s;
    case Collect::sockopt_len:
      return little_endian(4, size);
    case Collect::u32_at:
    case Collect::u32_at_1:
    case Collect::u32_at_3:
    case Collect::u32_at_4: {
      const size_t index = param.collect == Collect::u32_at     ? 0
                           : param.collect == Collect::u32_at_1 ? 1
                           : param.collect == Collect::u32_at_3 ? 3
                                                                : 4;
      const bool ids = is_narrow(call, kGetresuid) || is_narrow(call, kGetresgid);
      return little_endian(load(arg + index * 4, ids ? 2 : 4), size);
    }
    case Collect::flags_at_2:
      return little_endian(portable_flags(param.flags, load(arg + 8, 4)), size);
    case Collect::flags_at_5:
      return at(5, 4);
    case Collect::u64_at:
      return little_endian(load(arg, is_narrow(call, kSendfile) ? 4 : 8), size);
    case Collect::timespec:
      return little_endian(5'123456789, size);
    case Collect::rlimit_cur:
      return limit(0);
    case Collect::rlimit_max:
      return limit(1);
    case Collect::rlimit_got_cur:
      return result < 0 ? little_endian(~0ull, size) : limit(0);
    case Collect::rlimit_got_max:
      return result < 0 ? little_endian(~0ull, size) : limit(1);
    case Collect::how_flags:
      return little_endian(portable_flags(FlagTable::file_flags, load(arg, 8)), size);
    case Collect::how_mode:
      return at(1, 8);
    case Collect::how_resolve:
      return little_endian(portable_flags(FlagTable::openat2_flags, load(arg + 16, 8)), size);
    case Collect::clone3_flags:
      return little_endian(portable_flags(FlagTable::clone_flags, load(arg, 8)), size);
    case Collect::sem_num_0:
      return at(0, 2);
    case Collect::sem_op_0:
      return at(1, 2);
    case Collect::sem_flg_0:
      return little_endian(portable_flags(FlagTable::semop_flags, load(arg + 4, 2)), size);
    case Collect::sem_num_1:
      return at(3, 2);
    case Collect::sem_op_1:
      return at(4, 2);
    case Collect::sem_flg_1:
      return little_endian(portable_flags(FlagTable::semop_flags, load(arg + 10, 2)), size);
    case Collect::keyctl: {
      const auto narrow = static_cast<int64_t>(static_cast<int32_t>(arg));
      return '\0' + little_endian(arg >> 32 ? arg : static_cast<uint64_t>(narrow), 8);
    }
    case Collect::ptrace_addr:
    case Collect::ptrace_data:
      return '\0' + little_endian(result < 0 ? 0 : arg, 8);
    case Collect::exec_exe:
      return text_at(address(kTexts));
    case Collect::exec_args:
      return text_at(address(kTexts + kText)) + text_at(address(kTexts + 2 * kText));
    case Collect::exec_env:
      return text_at(address(kTexts)) + text_at(address(kTexts + kText)) +
             text_at(address(kTexts + 2 * kText));
    case Collect::exe:
    case Collect::args:
      return result < 0 ? std::optional<std::string>("") : std::nullopt;
    case Collect::empty:
    case Collect::data_in:
    case Collect::iov_in:
    case Collect::msg_in:
    case Collect::msg_control:
    case Collect::tuple_connect:
    case Collect::tuple_accept:
    case Collect::tuple_out:
    case Collect::tuple_in:
    case Collect::tuple_msg_out:
    case Collect::tuple_msg_in:
    case Collect::fd_path:
    case Collect::prctl_str:
    case Collect::fsconfig_bytes:
    case Collect::fsconfig_str:
    case Collect::quota_path:
      return "";
    default:
      return std::nullopt;
  }
}

std::string RowMemory::expected(const ParamInfo& param, const RowCall& call, int64_t result,
                                int64_t child) const {
  if (auto number = expected_number(param, call, result)) return *number;
  if (auto bytes = expected_memory(param, call, result)) return *bytes;
  return expected_of_task(param, child);
}

std::string expected_of_task(const ParamInfo& param, int64_t child) {
  const size_t size = type_info(param.type).size_min;
  const auto number = [&](int64_t value) {
    return little_endian(static_cast<uint64_t>(value), size);
  };
  struct stat exe {};
  stat("/proc/self/exe", &exe);
  const auto ns = [](const timespec& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; };
  const auto capabilities = [&](std::string_view name) {
    return number(static_cast<int64_t>(std::stoull(status_line(name), nullptr, 16)));
  };
  switch (param.collect) {
    case Collect::tid:
    case Collect::pid:
    case Collect::vtid:
    case Collect::vpid:
      return number(child);
    case Collect::ptid:
      return number(getpid());
    case Collect::pgid:
    case Collect::vpgid:
      return number(getpgrp());
    case Collect::tty:
      return number(process_number(7));
    case Collect::euid:
      return number(geteuid());
    case Collect::egid:
      return number(getegid());
    case Collect::loginuid:
      return number(static_cast<int64_t>(std::stoul(list_of("/proc/self/loginuid"))));
    case Collect::cap_inheritable:
      return capabilities("CapInh:");
    case Collect::cap_permitted:
      return capabilities("CapPrm:");
    case Collect::cap_effective:
      return capabilities("CapEff:");
    case Collect::comm:
      return status_line("Name:\t") + '\0';
    case Collect::cgroups:
      return control_groups();
    case Collect::exe:
      return list_of("/proc/self/cmdline").c_str() + "\0"s;
    case Collect::args: {
      const std::string all = list_of("/proc/self/cmdline");
      return all.substr(all.find('\0') + 1);
    }
    case Collect::fdlimit: {
      rlimit limit{};
      getrlimit(RLIMIT_NOFILE, &limit);
      return number(static_cast<int64_t>(limit.rlim_cur));
    }
    case Collect::exe_path:
      return std::filesystem::read_symlink("/proc/self/exe").string() + '\0';
    case Collect::exe_ino:
      return number(static_cast<int64_t>(exe.st_ino));
    case Collect::exe_ctime:
      return number(ns(exe.st_ctim));
    case Collect::exe_mtime:
      return number(ns(exe.st_mtim));
    case Collect::vm_size:
    case Collect::vm_rss:
    case Collect::vm_swap:
    case Collect::pgft_maj:
    case Collect::pgft_min:
    case Collect::exe_flags:
      return kAny;
    default:
      ADD_FAILURE() << "the model does not know how " << param.name << " is collected";
      return kAny;
  }
}

bool refuse(const RowCall& call, int answer) {
  const uint32_t machine = call.compat ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
  std::array<sock_filter, 6> code{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, machine, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(call.number), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(answer)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog filter{code.size(), code.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

long make(const RowCall& call) {
  const auto& a = call.args;
  if (!call.compat) {
    const long result = syscall(call.number, a[0], a[1], a[2], a[3], a[4], a[5]);
    return result == -1 ? -errno : result;
  }
  // The 32-bit entry, as a 32-bit program uses it. The last argument is in the frame's register.
  long result = 0;
  register uint64_t last asm("r12") = a[5];
  asm volatile("xchg %%rbp, %[last]; int $0x80; xchg %%rbp, %[last]"
               : "=a"(result), [last] "+r"(last)
               : "0"(call.number), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4])
               : "memory", "cc", "r8", "r9", "r10", "r11");
  return static_cast<int32_t>(result);
}

}  // namespace gyr::test
