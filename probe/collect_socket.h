/* SPDX-License-Identifier: Apache-2.0
 * Group `socket` of src/schema/collect.def. Addresses: a byte with the family, then for IPv4 and
 * IPv6 address (network order) and port (host order), for unix sockets a text. Tuples: both ends,
 * the source first.
 */
#pragma once

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define UNIX_PATH_MAX 108
#define EINPROGRESS 115

static __always_inline __u16 host_order(__u16 port) { return __builtin_bswap16(port); }

#ifdef __bpf__ /* what only the kernel knows; src/source/ptrace_collect.c answers elsewhere */
/* The socket of a descriptor of the current task, null if it is none. */
static __always_inline struct sock* socket_of(const struct scratch* s, __s64 fd) {
  const int known = s->file && fd == (__s32)s->args[0];
  struct file* file = known ? (struct file*)s->file : open_file(fd);
  if (!file) return 0;
  struct inode* inode = PEEK(file, file, f_inode);
  if ((PEEK(inode, inode, i_mode) & S_IFMT) != S_IFSOCK) return 0;
  struct socket* socket = PEEK(file, file, private_data);
  return BPF_CORE_READ(socket, sk); /* a copy is a number, which some hand on */
}
#endif

/* A unix address without its family: `length` bytes of path or name at `from`. An abstract name
 * loses its leading NUL. */
static __always_inline void put_unix_name(struct scratch* s, const void* from, __u32 length,
                                          int user) {
  __u32 off;
  __u8* at = room(s, &off);
  if (!at) return;
  char first = 0;
  if (length == 0) {
    put(s, 0, 1);
    return;
  }
  if (user)
    fetch(s, &first, 1, (__u64)from);
  else
    bpf_probe_read_kernel(&first, 1, from);
  if (!first) {
    from++;
    length--;
  }
  const __u32 most = bounded((__u64)length + 1, UNIX_PATH_MAX + 1);
  long size =
      user ? fetch_text(s, at, most, (__u64)from) : bpf_probe_read_kernel_str(at, most, from);
  if (size <= 0) {
    at[0] = 0;
    size = 1;
  }
  s->off = off + (__u32)size;
}

struct address { /* the start of every sockaddr the probe knows */
  __u16 family;
  __u16 port;
  __u32 v4;
  __u8 v6[16];
};

static __always_inline void put_bytes16(struct scratch* s, const __u8* from) {
  const __u64* words = (const void*)from;
  put(s, words[0], 8);
  put(s, words[1], 8);
}

__noinline int put_sockaddr(__u32 slot, __u64 at, __u32 length) {
  struct scratch* s = scratch_of(slot);
  struct address address = {};
  if (!s || !at || length < 2) return 0;
  if (fetch(s, &address, 2, at)) {
    s->unreadable++;
    return 0;
  }
  if (address.family == AF_UNIX) {
    put(s, AF_UNIX, 1);
    put_unix_name(s, (const void*)at + 2, length - 2, 1);
  } else if (address.family == AF_INET && length >= 8) {
    fetch(s, &address, 8, at);
    put(s, AF_INET, 1);
    put(s, address.v4, 4);
    put(s, host_order(address.port), 2);
  } else if (address.family == AF_INET6 && length >= 24) {
    fetch(s, &address, 24, at);
    put(s, AF_INET6, 1);
    put_bytes16(s, address.v6);
    put(s, host_order(address.port), 2);
  }
  return 0;
}

/* Both ends of an internet socket. */
struct ends {
  __u8 local[16], remote[16];
  __u16 local_port, remote_port;
};

static __always_inline void put_end(struct scratch* s, const __u8* address, __u16 port, int v6) {
  if (v6)
    put_bytes16(s, address);
  else
    put(s, *(const __u32*)address, 4);
  put(s, port, 2);
}

static __always_inline void put_ends(struct scratch* s, const struct ends* ends, int v6,
                                     int outbound) {
  put(s, v6 ? AF_INET6 : AF_INET, 1);
  if (outbound) {
    put_end(s, ends->local, ends->local_port, v6);
    put_end(s, ends->remote, ends->remote_port, v6);
  } else {
    put_end(s, ends->remote, ends->remote_port, v6);
    put_end(s, ends->local, ends->local_port, v6);
  }
}

#ifdef __bpf__ /* what only the kernel knows; src/source/ptrace_collect.c answers elsewhere */
/* Of a socket that is not connected the caller's sockaddr tells the other end. */
static __always_inline void put_internet(struct scratch* s, struct sock* sock, int v6,
                                         int outbound) {
  struct ends ends = {};
  ends.local_port = PEEK(sock, sock, __sk_common.skc_num);
  ends.remote_port = host_order(PEEK(sock, sock, __sk_common.skc_dport));
  if (v6) {
    bpf_core_read(&ends.local, 16, &sock->__sk_common.skc_v6_rcv_saddr);
    bpf_core_read(&ends.remote, 16, &sock->__sk_common.skc_v6_daddr);
  } else {
    *(__u32*)ends.local = PEEK(sock, sock, __sk_common.skc_rcv_saddr);
    *(__u32*)ends.remote = PEEK(sock, sock, __sk_common.skc_daddr);
  }
  if (ends.remote_port == 0 && s->user_address && s->user_address_length >= (v6 ? 24 : 8)) {
    struct address other = {};
    fetch(s, &other, v6 ? 24 : 8, s->user_address);
    if (v6)
      __builtin_memcpy(ends.remote, other.v6, 16);
    else
      *(__u32*)ends.remote = other.v4;
    ends.remote_port = host_order(other.port);
  }
  put_ends(s, &ends, v6, outbound);
}

static __always_inline void put_kernel_unix_name(struct scratch* s, struct unix_address* address) {
  const __u32 length = BPF_CORE_READ(address, len);
  put_unix_name(s, (const void*)address + bpf_core_field_offset(struct unix_address, name) + 2,
                length > 2 ? length - 2 : 0, 0);
}

/* Source and destination are the kernel's addresses of the two sockets; the path is the receiving
 * end's, or the sending end's if only that has one. */
static __always_inline void put_unix(struct scratch* s, struct sock* sock, int outbound) {
  struct unix_sock* own = (void*)sock;
  struct unix_sock* peer = (void*)BPF_CORE_READ(own, peer);
  put(s, AF_UNIX, 1);
  put(s, (__u64)(outbound ? own : peer), 8);
  put(s, (__u64)(outbound ? peer : own), 8);
  struct unix_address* mine = BPF_CORE_READ(own, addr);
  struct unix_address* theirs = peer ? BPF_CORE_READ(peer, addr) : 0;
  if (outbound && s->user_address && s->user_address_length > 2) {
    put_unix_name(s, (const void*)s->user_address + 2, s->user_address_length - 2, 1);
    return;
  }
  struct unix_address* first = outbound ? theirs : mine;
  struct unix_address* second = outbound ? mine : theirs;
  struct unix_address* named = first ? first : second;
  if (named)
    put_kernel_unix_name(s, named);
  else
    put(s, 0, 1);
}

/* The tuple of the socket of `fd`; nothing for other families. */
__noinline int put_tuple(__u32 slot, __s64 fd, __u32 outbound) {
  struct scratch* s = scratch_of(slot);
  struct sock* sock = s ? socket_of(s, fd) : 0;
  if (!s || !sock) return 0;
  const __u32 family = PEEK(sock, sock, __sk_common.skc_family);
  if (family == AF_INET)
    put_internet(s, sock, 0, outbound);
  else if (family == AF_INET6)
    put_internet(s, sock, 1, outbound);
  else if (family == AF_UNIX)
    put_unix(s, sock, outbound);
  return 0;
}
#endif

#define SOL_SOCKET 1
#define SO_ATTACH_BPF 50
#define SO_MEMINFO 55
#define SO_COOKIE 57
#define SO_PEERGROUPS 59
#define SO_RCVTIMEO_NEW 66
#define SO_SNDTIMEO_NEW 67
#define SOL_TCP 6

/* The table's number of an option of SOL_SOCKET: the kernel's, but for the later ones. */
static __always_inline __u32 option_name(const struct scratch* s, __u32 name) {
  if ((__u32)s->args[1] != SOL_SOCKET) return 0;
  switch (name) {
    case SO_MEMINFO:
      return 52;
    case SO_COOKIE:
      return 53;
    case SO_PEERGROUPS:
      return 51;
    case SO_RCVTIMEO_NEW:
      return 20;
    case SO_SNDTIMEO_NEW:
      return 21;
    default:
      return name <= SO_ATTACH_BPF ? name : 0;
  }
}

/* struct timeval; the newer options have a wide one for every caller. */
static __always_inline __u64 timeval_ns(const struct scratch* s, __u64 at, __u32 name) {
  const int wide = name == SO_RCVTIMEO_NEW || name == SO_SNDTIMEO_NEW;
  const __u64 seconds = wide ? user_wide(at, 0) : user_long(s, at, 0);
  return seconds * 1000000000ull + (wide ? user_wide(at, 1) : user_long(s, at, 1)) * 1000;
}

/* Variants: 0 bytes, 1 error, 2 number, 3 wide number, 4 time. */
__noinline int put_option(__u32 slot, __u64 at, __u32 length, __u32 name) {
  struct scratch* s = scratch_of(slot);
  if (!s) return 0;
  switch (option_name(s, name)) {
    case 4: /* SO_ERROR */
      put(s, 1, 1);
      return put(s, -(__s64)(__s32)user_word(at, 0), 8);
    case 20:
    case 21: /* SO_RCVTIMEO, SO_SNDTIMEO: struct timeval */
      put(s, 4, 1);
      return put(s, timeval_ns(s, at, name), 8);
    case 53: /* SO_COOKIE */
      put(s, 3, 1);
      return put(s, user_wide(at, 0), 8);
    case 0:
    case 13:
    case 17:
    case 25:
    case 26:
    case 28:
    case 31:
    case 50:
    case 51:
    case 52:
      put(s, 0, 1); /* structures, texts, unknown */
      put_user_bytes(s, at, at_most(length, snaplen));
      return 0;
    default:
      put(s, 2, 1);
      return put(s, user_word(at, 0), 4);
  }
}

#ifdef __bpf__ /* what only the kernel knows; src/source/ptrace_collect.c answers elsewhere */
__noinline __u64 socket_number(__u32 slot, __u32 token, __u64 arg) {
  struct scratch* s = scratch_of(slot);
  if (!s) return 0;
  if (token == COLLECT_pair_source) {
    struct sock* own = socket_of(s, pair(s, arg, 0));
    return (__u64)own;
  }
  if (token == COLLECT_pair_peer) {
    struct sock* peer = socket_of(s, pair(s, arg, 1));
    return (__u64)peer;
  }
  struct sock* sock = s->ret >= 0 ? socket_of(s, (__s32)arg) : 0;
  if (!sock) return 0;
  const __u32 length = PEEK(sock, sock, sk_ack_backlog);
  const __u32 most = PEEK(sock, sock, sk_max_ack_backlog);
  if (token == COLLECT_queue_len) return length;
  if (token == COLLECT_queue_max) return most;
  return most ? (__u64)length * 100 / most : 0;
}
#endif

static __always_inline int put_message_tuple(__u32 slot, struct scratch* s, __u64 message,
                                             int outbound) {
  if (s->ret < 0) return 0;
  load_message(slot, message);
  s->user_address = s->message.name;
  s->user_address_length = s->message.name ? s->message.namelen : 0;
  return put_tuple(slot, (__s32)s->args[0], outbound);
}

/* recvfrom writes the length where its last argument points to. */
static __always_inline int put_call_tuple(__u32 slot, struct scratch* s, __u32 spec, int outbound) {
  if (s->ret < 0) return 0;
  s->user_address = 0;
  if (SPEC_HAS_ARGUMENT(spec)) {
    const __u64 length = s->args[(SPEC_ARGUMENT(spec) + 1) & 7];
    s->user_address = s->args[SPEC_ARGUMENT(spec)];
    s->user_address_length = outbound ? (__u32)length : length ? user_word(length, 0) : 0;
  }
  return put_tuple(slot, (__s32)s->args[0], outbound);
}

__noinline int collect_socket(__u32 slot, __u32 spec) {
  struct scratch* s = scratch_of(slot);
  if (!s) return 0;
  const __u64 arg = s->args[SPEC_ARGUMENT(spec)];
  const __u64 next = s->args[(SPEC_ARGUMENT(spec) + 1) & 7];
  const __u32 width = SPEC_WIDTH(spec);
  const __u32 token = SPEC_TOKEN(spec);
  switch (token) {
    case COLLECT_sockaddr:
      return put_sockaddr(slot, arg, (__u32)next);
    case COLLECT_tuple_connect:
      if (s->ret != 0 && s->ret != -EINPROGRESS) return 0;
      s->user_address = s->args[1];
      s->user_address_length = (__u32)s->args[2];
      return put_tuple(slot, (__s32)arg, 1);
    case COLLECT_tuple_accept:
      s->user_address = 0;
      return put_tuple(slot, s->ret, 0);
    case COLLECT_tuple_out:
      return put_call_tuple(slot, s, spec, 1);
    case COLLECT_tuple_in:
      return put_call_tuple(slot, s, spec, 0);
    case COLLECT_tuple_msg_out:
      return put_message_tuple(slot, s, arg, 1);
    case COLLECT_tuple_msg_in:
      return put_message_tuple(slot, s, arg, 0);
    case COLLECT_sockopt_level:
      return put(s, (__u32)arg == SOL_SOCKET ? 1 : (__u32)arg == SOL_TCP ? 2 : 0, width);
    case COLLECT_sockopt_name:
      return put(s, option_name(s, (__u32)arg), width);
    case COLLECT_sockopt_set:
      return put_option(slot, arg, (__u32)next, (__u32)s->args[2]);
    case COLLECT_sockopt_get:
      return put_option(slot, arg, next ? user_word(next, 0) : 0, (__u32)s->args[2]);
    case COLLECT_sockopt_len:
      return put(s, arg ? user_word(arg, 0) : 0, width);
    default:
      return put(s, socket_number(slot, token, arg), width);
  }
}
