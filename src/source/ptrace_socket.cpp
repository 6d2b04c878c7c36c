// SPDX-License-Identifier: Apache-2.0
#include "source/ptrace_socket.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "source/ptrace_tracee.h"

namespace gyr {
namespace {

constexpr unsigned kOfThread = O_EXCL;  // PIDFD_THREAD, since Linux 6.9

class Descriptor {
 public:
  explicit Descriptor(long fd) : fd_(static_cast<int>(fd)) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// The thread's own descriptors, or on older kernels its process's, which are nearly always the
// same.
long open_thread(const gyr_tracee& tracee) {
  const long own = syscall(SYS_pidfd_open, tracee.tid, kOfThread);
  return own >= 0 ? own : syscall(SYS_pidfd_open, tracee.pid, 0);
}

// A copy of the socket, -1 if the descriptor is none. Its kind is asked first: closing the copy of
// another file could wait for a file system.
long copy_of(const gyr_tracee& tracee, int64_t fd) {
  if (fd < 0 || fd > INT32_MAX) return -1;
  const auto link =
      tracee.files.read_link("/proc/" + std::to_string(tracee.tid) + "/fd/" + std::to_string(fd));
  if (!link || !link->starts_with("socket:")) return -1;
  const Descriptor thread(open_thread(tracee));
  return syscall(SYS_pidfd_getfd, thread.get(), static_cast<int>(fd), 0);
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
};

template <class T>
T as(const Address& address) {
  T value{};
  std::memcpy(&value, &address.storage, sizeof(value));
  return value;
}

void put_end(const Address& from, uint16_t family, uint8_t* address, uint16_t* port) {
  if (family == AF_INET && from.size >= sizeof(sockaddr_in)) {
    const auto v4 = as<sockaddr_in>(from);
    std::memcpy(address, &v4.sin_addr, 4);
    *port = ntohs(v4.sin_port);
  } else if (family == AF_INET6 && from.size >= sizeof(sockaddr_in6)) {
    const auto v6 = as<sockaddr_in6>(from);
    std::memcpy(address, &v6.sin6_addr, 16);
    *port = ntohs(v6.sin6_port);
  }
}

uint32_t put_name(const Address& from, char* name, size_t most) {
  constexpr size_t kPath = offsetof(sockaddr_un, sun_path);
  if (from.size <= kPath) return 0;
  const size_t size = std::min<size_t>(from.size - kPath, most);
  std::memcpy(name, as<sockaddr_un>(from).sun_path, size);
  return static_cast<uint32_t>(size);
}

struct Queue {
  uint64_t length = 0;
  uint64_t most = 0;
};

Queue tcp_queue(int socket) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  if (info.tcpi_state != TCP_LISTEN) return {};
  return {info.tcpi_unacked, info.tcpi_sacked};  // which means these two of a listening socket
}

struct UnixRequest {
  nlmsghdr header;
  unix_diag_req what;
};

// As ss(8) asks for it.
Queue unix_queue(int socket) {
  struct stat found {};
  const Descriptor diag(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (diag.get() < 0 || fstat(socket, &found) != 0) return {};
  UnixRequest request{};
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.what.sdiag_family = AF_UNIX;
  request.what.udiag_ino = static_cast<uint32_t>(found.st_ino);
  request.what.udiag_show = UDIAG_SHOW_RQLEN;
  request.what.udiag_cookie[0] = request.what.udiag_cookie[1] = ~0u;  // any
  if (send(diag.get(), &request, sizeof(request), 0) < 0) return {};
  alignas(nlmsghdr) std::array<char, 512> answer{};
  const ssize_t size = recv(diag.get(), answer.data(), answer.size(), MSG_DONTWAIT);
  constexpr size_t kHead = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(unix_diag_msg));
  for (size_t at = kHead; size > 0 && at + sizeof(nlattr) <= static_cast<size_t>(size);) {
    nlattr attribute{};
    std::memcpy(&attribute, answer.data() + at, sizeof(attribute));
    unix_diag_rqlen queue{};
    if (attribute.nla_type == UNIX_DIAG_RQLEN && attribute.nla_len >= NLA_HDRLEN + sizeof(queue)) {
      std::memcpy(&queue, answer.data() + at + NLA_HDRLEN, sizeof(queue));
      return {queue.udiag_rqueue, queue.udiag_wqueue};
    }
    at += NLA_ALIGN(std::max<size_t>(attribute.nla_len, sizeof(attribute)));
  }
  return {};
}

Queue queue_of(int socket) {
  int listens = 0, family = 0;
  socklen_t size = sizeof(int);
  if (getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0)
    return {};
  if (getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0) return {};
  return family == AF_UNIX ? unix_queue(socket) : tcp_queue(socket);
}

}  // namespace

uint64_t queue_number(const gyr_tracee& tracee, Collect token, int64_t fd) {
  const Descriptor socket(copy_of(tracee, fd));
  if (socket.get() < 0) return 0;
  const Queue queue = queue_of(socket.get());
  if (token == Collect::queue_len) return queue.length;
  if (token == Collect::queue_max) return queue.most;
  return queue.most != 0 ? queue.length * 100 / queue.most : 0;
}

}  // namespace gyr

extern "C" void gyr_socket_ends(struct gyr_tracee* tracee, int64_t fd, struct gyr_ends* ends) {
  using gyr::Address;
  const gyr::Descriptor socket(gyr::copy_of(*tracee, fd));
  if (socket.get() < 0) return;
  Address local, remote;
  if (getsockname(socket.get(), reinterpret_cast<sockaddr*>(&local.storage), &local.size) != 0) {
    return;
  }
  const int family = local.storage.ss_family;
  if (family != AF_UNIX && family != AF_INET && family != AF_INET6) return;
  ends->family = static_cast<uint16_t>(family);
  // A socket without a peer leaves that end empty.
  if (getpeername(socket.get(), reinterpret_cast<sockaddr*>(&remote.storage), &remote.size) != 0) {
    remote.size = 0;
  }
  gyr::put_end(local, ends->family, ends->local, &ends->local_port);
  gyr::put_end(remote, ends->family, ends->remote, &ends->remote_port);
  if (family != AF_UNIX) return;
  ends->local_name_size = gyr::put_name(local, ends->local_name, sizeof(ends->local_name));
  ends->remote_name_size = gyr::put_name(remote, ends->remote_name, sizeof(ends->remote_name));
}
