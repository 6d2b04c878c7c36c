// SPDX-License-Identifier: Apache-2.0
#include "source/proc_fds.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"
#include "source/fd_facts.h"
#include "state/fd.h"

namespace gyr {
namespace {

constexpr size_t kTableLimit = 64 << 20;  // bytes of one table of sockets
constexpr size_t kInfoLimit = 64ul * 1024;
constexpr size_t kTablesMax = 4096;  // network namespaces remembered

template <class T>
T number(std::string_view text, int base = 10) {
  T value{};
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

// Words of a line of a table, at most as many as the longest table has.
struct Words {
  std::array<std::string_view, 12> word;
  size_t count = 0;
  explicit Words(std::string_view line) {
    size_t at = 0;
    while (count < word.size()) {
      at = line.find_first_not_of(' ', at);
      if (at == std::string_view::npos) return;
      const size_t end = std::min(line.find(' ', at), line.size());
      word[count++] = line.substr(at, end - at);
      at = end;
    }
  }
};

// "0100007F:1F90": the address as words of this machine, the port in hexadecimal.
bool read_address(std::string_view text, std::array<uint8_t, 16>* address, uint16_t* port) {
  const size_t colon = text.find(':');
  if (colon != 8 && colon != 32) return false;
  for (size_t i = 0; i * 8 < colon; ++i) {
    const auto word = number<uint32_t>(text.substr(i * 8, 8), 16);
    std::memcpy(address->data() + i * 4, &word, 4);
  }
  *port = number<uint16_t>(text.substr(colon + 1), 16);
  return true;
}

template <class Use>
void each_row(const Files& files, const std::string& path, const Use& use) {
  const auto text = files.read(path, kTableLimit);
  if (!text) return;
  bool heading = true;
  for (const std::string_view line : split(*text, '\n')) {
    if (!heading && !line.empty()) use(line);
    heading = false;
  }
}

}  // namespace

SocketTables::Table SocketTables::read(int64_t pid) const {
  Table table;
  const std::string dir = fmt::format("/proc/{}/net/", pid);
  const auto internet = [&](const char* name, bool v6, L4 l4) {
    each_row(files_, dir + name, [&](std::string_view line) {
      const Words row(line);
      SnapshotFd fd;
      if (row.count < 10 || !read_address(row.word[1], &fd.source_ip, &fd.source_port) ||
          !read_address(row.word[2], &fd.dest_ip, &fd.dest_port)) {
        return;
      }
      set_internet_kind(v6, &fd);
      fd.l4 = static_cast<uint8_t>(l4);
      fd.ino = number<uint64_t>(row.word[9]);
      table.emplace(fd.ino, fd);
    });
  };
  internet("tcp", false, L4::Tcp);
  internet("udp", false, L4::Udp);
  internet("raw", false, L4::Raw);
  internet("tcp6", true, L4::Tcp);
  internet("udp6", true, L4::Udp);
  internet("raw6", true, L4::Raw);
  each_row(files_, dir + "unix", [&](std::string_view line) {
    const Words row(line);
    if (row.count < 7) return;
    SnapshotFd fd;
    fd.kind = FdKind::Unix;
    fd.unix_source = number<uint64_t>(row.word[0].substr(0, row.word[0].find(':')), 16);
    fd.ino = number<uint64_t>(row.word[6]);
    // A path may hold blanks: it is the rest of the line.
    if (row.count > 7) fd.name = line.substr(static_cast<size_t>(row.word[7].data() - line.data()));
    table.emplace(fd.ino, fd);
  });
  each_row(files_, dir + "netlink", [&](std::string_view line) {
    const Words row(line);
    if (row.count < 10) return;
    SnapshotFd fd;
    fd.kind = FdKind::Netlink;
    fd.ino = number<uint64_t>(row.word[9]);
    table.emplace(fd.ino, fd);
  });
  return table;
}

const SnapshotFd* SocketTables::find(int64_t pid, uint64_t inode) {
  if (pid != last_pid_) {
    const auto ns = files_.read_link(fmt::format("/proc/{}/ns/net", pid));
    if (!ns) return nullptr;
    if (namespaces_.size() >= kTablesMax) namespaces_.clear();
    const auto [entry, fresh] = namespaces_.try_emplace(*ns);
    if (fresh) entry->second = read(pid);
    last_ = &entry->second;
    last_pid_ = pid;
  }
  const auto found = last_->find(inode);
  return found == last_->end() ? nullptr : &found->second;
}

namespace {

void read_info(const Files& files, int64_t pid, SnapshotFd* fd) {
  const auto text = files.read(fmt::format("/proc/{}/fdinfo/{}", pid, fd->fd), kInfoLimit);
  if (!text) return;
  for (const std::string_view line : split(*text, '\n')) {
    if (line.starts_with("flags:")) {
      fd->open_flags = portable_flags(number<uint32_t>(trim(line.substr(6)), 8));
    } else if (line.starts_with("mnt_id:")) {
      fd->mount_id = number<uint32_t>(trim(line.substr(7)));
    }
  }
}

uint64_t inode_in_brackets(std::string_view link) {  // "pipe:[123]"
  const size_t open = link.find('[');
  return open == std::string_view::npos ? 0 : number<uint64_t>(link.substr(open + 1));
}

bool read_fd(const Files& files, SocketTables& sockets, int64_t pid, SnapshotFd* fd) {
  const std::string path = fmt::format("/proc/{}/fd/{}", pid, fd->fd);
  const auto link = files.read_link(path);
  const auto stat = files.stat(path, true);
  if (!link || !stat) return false;
  fd->ino = stat->inode;
  fd->name = *link;
  const uint32_t type = stat->mode & S_IFMT;
  if (link->starts_with(kAnonymous)) {
    fd->kind = kind_of_anonymous(*link);
    fd->name.clear();
  } else if (type == S_IFIFO) {
    fd->kind = FdKind::Fifo;
    if (link->starts_with("pipe:")) fd->ino = inode_in_brackets(*link);
  } else if (type == S_IFSOCK) {
    // The place of a unix socket, opened for its path alone, is none; tables have sockets without
    // an inode, too.
    if (!link->starts_with("socket:[")) return false;
    const SnapshotFd* known = sockets.find(pid, inode_in_brackets(*link));
    if (!known) return false;
    const SnapshotFd own = *fd;
    *fd = *known;
    fd->tid = own.tid;
    fd->fd = own.fd;
    fd->open_flags = 0;
  } else {
    fd->kind = type == S_IFDIR ? FdKind::Directory : FdKind::FileV2;
    if (link->starts_with(kMemoryFile)) fd->kind = FdKind::MemFd;
    fd->dev = portable_device(stat->device);
  }
  read_info(files, pid, fd);
  keep_common_flags(fd);
  return true;
}

}  // namespace

std::vector<SnapshotFd> read_fds(const Files& files, SocketTables& sockets, int64_t pid,
                                 size_t limit) {
  std::vector<SnapshotFd> fds;
  const auto names = files.list(fmt::format("/proc/{}/fd", pid));
  if (!names) return fds;
  std::vector<int64_t> numbers;
  for (const std::string& name : *names) numbers.push_back(number<int64_t>(name));
  std::sort(numbers.begin(), numbers.end());
  numbers.resize(std::min(numbers.size(), limit));
  for (const int64_t each : numbers) {
    SnapshotFd fd;
    fd.tid = pid;
    fd.fd = each;
    if (read_fd(files, sockets, pid, &fd)) fds.push_back(std::move(fd));
  }
  return fds;
}

namespace {
constexpr uint64_t kPauseFactor = 20;       // 5 % of the time at most,
constexpr uint64_t kCreditNs = 20'000'000;  // but so much at once after a quiet while
}  // namespace

bool LookupTime::is_left(uint64_t now_ns) {
  free_at_ns_ = std::max(free_at_ns_, now_ns - std::min(now_ns, kCreditNs * kPauseFactor));
  return free_at_ns_ <= now_ns;
}

void LookupTime::took(uint64_t begin_ns, uint64_t end_ns) {
  free_at_ns_ += (end_ns - begin_ns) * kPauseFactor;
}

std::optional<SnapshotFd> FdLookup::find(int64_t pid, int64_t fd) {
  const uint64_t begin = system_clock().monotonic_ns();
  constexpr uint64_t kMissedNs = 10'000'000'000;  // so long a miss is remembered, at most
  constexpr size_t kMissedMax = 4096;
  if (begin - missed_since_ns_ > kMissedNs || missed_.size() >= kMissedMax) {
    missed_.clear();
    missed_since_ns_ = begin;
  }
  if (missed_.contains({pid, fd})) return std::nullopt;
  if (!time_.is_left(begin)) return std::nullopt;
  SocketTables sockets(files_);
  SnapshotFd found;
  found.tid = pid;
  found.fd = fd;
  const bool is_open = read_fd(files_, sockets, pid, &found);
  time_.took(begin, system_clock().monotonic_ns());
  if (is_open) return found;
  missed_.emplace(pid, fd);
  return std::nullopt;
}

}  // namespace gyr
