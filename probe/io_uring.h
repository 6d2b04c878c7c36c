/* SPDX-License-Identifier: Apache-2.0
 * Calls that a program does not make but hands to the kernel through io_uring. A request is noted
 * when the kernel has taken it in (names and addresses have been copied from the program's memory
 * by then and cannot change any more) and becomes the event of the equal call when it completes,
 * whichever thread completes it. Needs the kernel's request in the tracepoint (Linux 6.0).
 */
#pragma once

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct io_cqe {
  __u64 user_data;
  __s32 res;
  int fd;
};
struct io_kiocb {
  struct file* file;
  __u8 opcode;
  __u32 flags; /* wider in newer kernels: the lower half */
  struct io_cqe cqe;
  struct io_ring_ctx* ctx;
  void* async_data;
};
struct filename {
  const char* name;
};
struct delayed_filename { /* since 7.0 */
  struct filename* __incomplete_filename;
};
struct open_how {
  __u64 flags;
};
struct io_open {
  int dfd;
  __u32 file_slot;
  struct filename* filename;
  struct open_how how;
};
struct io_open___delayed {
  struct delayed_filename filename;
};
struct io_close {
  int fd;
  __u32 file_slot;
};
struct io_rename {
  int old_dfd, new_dfd, flags;
  struct filename *oldpath, *newpath;
};
struct io_rename___delayed {
  struct delayed_filename oldpath, newpath;
};
struct io_unlink {
  int dfd, flags;
  struct filename* filename;
};
struct io_unlink___delayed {
  struct delayed_filename filename;
};
struct io_mkdir {
  int dfd;
  umode_t mode;
  struct filename* filename;
};
struct io_mkdir___delayed {
  struct delayed_filename filename;
};
struct io_link {
  int old_dfd, new_dfd, flags;
  struct filename *oldpath, *newpath;
};
struct io_link___delayed {
  struct delayed_filename oldpath, newpath;
};
struct io_accept {
  int flags;
  __u32 file_slot;
};
struct io_connect {
  void* addr;
  int addr_len;
};
struct io_bind {
  int addr_len;
};
struct io_listen {
  int backlog;
};
struct io_shutdown {
  int how;
};
struct io_socket {
  int domain, type, protocol, flags;
  __u32 file_slot;
};
struct io_sr_msg {
  void* buf;
  int len;
};
struct kiocb {
  __s64 ki_pos;
};
struct io_rw {
  struct kiocb kiocb;
  __u64 addr;
  __u32 len;
};
struct __kernel_sockaddr_storage {
  __u16 ss_family;
};
struct msghdr {
  int msg_namelen;
};
struct io_async_msghdr {
  struct msghdr msg;
  struct __kernel_sockaddr_storage addr;
};
struct io_issue_def {
  unsigned short async_size;
};
struct io_uring_cqe {
  __u64 user_data;
  __s32 res;
};

#pragma clang attribute pop

/* Operations, by their numbers in <linux/io_uring.h>. */
enum operation {
  OP_READV = 1,
  OP_WRITEV = 2,
  OP_READ_FIXED = 4,
  OP_WRITE_FIXED = 5,
  OP_SENDMSG = 9,
  OP_RECVMSG = 10,
  OP_ACCEPT = 13,
  OP_CONNECT = 16,
  OP_OPENAT = 18,
  OP_CLOSE = 19,
  OP_READ = 22,
  OP_WRITE = 23,
  OP_SEND = 26,
  OP_RECV = 27,
  OP_OPENAT2 = 28,
  OP_SHUTDOWN = 34,
  OP_RENAMEAT = 35,
  OP_UNLINKAT = 36,
  OP_MKDIRAT = 37,
  OP_SYMLINKAT = 38,
  OP_LINKAT = 39,
  OP_SOCKET = 45,
  OP_SEND_ZC = 47,
  OP_SENDMSG_ZC = 48,
  OP_BIND = 56,
  OP_LISTEN = 57,
};

#define REQUEST_FIXED_FILE 1 /* bits of io_kiocb.flags, as programs set them */
#define REQUEST_SKIPS_SUCCESS 0x40
#define SLOT_ANY 0xffffffffu /* the kernel chooses, and the result is its choice */
#define NAMED_ARGUMENTS 4
#define UNKNOWN_FD 0x3fffffff /* a number no descriptor has */

/* What a request asks for: the event its call would make, and that call's arguments. */
struct request {
  __u64 args[6];
  __u64 how[3]; /* of openat2 */
  struct io_ring_ctx* ring;
  __u64 user_data;
  __u32 tid;
  __u32 slot; /* of the ring's files, where the new descriptor goes; 0: an ordinary one */
  __u16 event;
  __u16 sc;
  __u8 names;          /* bits: the arguments that are names, kept in request_names */
  __u8 kernel_address; /* argument 1 is `address` */
  __u8 makes_fd;
  __u8 repeats; /* it may complete more than once */
  __u8 acts_on_file;
  __u8 address[ADDRESS_MAX];
};
struct name_key {
  __u64 request;
  __u64 argument;
};
struct name {
  char text[STRING_MAX];
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, GYR_REQUESTS);
  __type(key, __u64);
  __type(value, struct request);
} requests SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, GYR_REQUEST_NAMES);
  __type(key, struct name_key);
  __type(value, struct name);
} request_names SEC(".maps");
/* Requests that complete more than once do so in their submitter's name alone. */
struct stream_key {
  struct io_ring_ctx* ring;
  __u64 user_data;
};
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, GYR_REQUESTS);
  __type(key, struct stream_key);
  __type(value, __u64);
} request_streams SEC(".maps");

/* Where a CPU puts a request together, while its record counts as under construction. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1); /* CPUs: set before load */
  __type(key, __u32);
  __type(value, struct request);
} request_drafts SEC(".maps");

/* The event of an operation, and, from GYR_OPERATIONS on, of one at a position in a file. */
struct gyr_call uring_calls[2 * GYR_OPERATIONS];

static __always_inline struct request* draft_of(__u32 slot) {
  return bpf_map_lookup_elem(&request_drafts, &slot);
}

/* A file that has no descriptor but a slot of the ring is shown as a number no descriptor has. */
static __always_inline __u64 direct_fd(const struct io_ring_ctx* ring, __u32 slot) {
  const __u32 mark = (__u32)(((__u64)ring * 0x9e3779b97f4a7c15ull) >> 55); /* 9 bits */
  return 0x40000000u | mark << 20 | (slot & 0xfffff);
}

#define NAME_OF(type, command, field)                  \
  (bpf_core_field_exists(((struct type*)0)->field)     \
       ? BPF_CORE_READ((struct type*)(command), field) \
       : BPF_CORE_READ((struct type##___delayed*)(command), field.__incomplete_filename))

/* Copies a name of the request; 0: it cannot be kept. */
static __always_inline int keep_name(struct scratch* s, const void* request, __u32 argument,
                                     struct filename* name) {
  const struct name_key key = {.request = (__u64)request, .argument = argument};
  if (!name) return 0;
  s->data[0] = 0;
  bpf_probe_read_kernel_str(s->data, STRING_MAX, BPF_CORE_READ(name, name));
  return bpf_map_update_elem(&request_names, &key, s->data, BPF_ANY) == 0;
}

static __always_inline int keep_names(struct scratch* s, const void* request, struct request* r,
                                      __u32 first, struct filename* name, __u32 second,
                                      struct filename* other) {
  if (keep_name(s, request, first, name)) r->names |= 1 << first;
  if (other && keep_name(s, request, second, other)) r->names |= 1 << second;
  return 0;
}

/* Calls that name files. Nonzero: it is none. */
__noinline int note_path(__u32 slot, __u64 at, __u32 operation) {
  struct scratch* s = scratch_of(slot);
  struct request* r = draft_of(slot);
  struct io_kiocb* request = (void*)at;
  if (!s || !r) return 1;
  switch (operation) {
    case OP_OPENAT:
    case OP_OPENAT2: {
      struct io_open* open = (void*)request;
      bpf_probe_read_kernel(r->how, sizeof(r->how), (void*)open + bpf_core_field_offset(open->how));
      r->args[0] = BPF_CORE_READ(open, dfd);
      r->args[2] = r->how[0];
      r->args[3] = r->how[1];
      r->slot = BPF_CORE_READ(open, file_slot);
      r->makes_fd = 1;
      return keep_names(s, request, r, 1, NAME_OF(io_open, request, filename), 0, 0);
    }
    case OP_UNLINKAT: {
      struct io_unlink* unlink = (void*)request;
      r->args[0] = BPF_CORE_READ(unlink, dfd);
      r->args[2] = BPF_CORE_READ(unlink, flags);
      return keep_names(s, request, r, 1, NAME_OF(io_unlink, request, filename), 0, 0);
    }
    case OP_MKDIRAT: {
      struct io_mkdir* mkdir = (void*)request;
      r->args[0] = BPF_CORE_READ(mkdir, dfd);
      r->args[2] = BPF_CORE_READ(mkdir, mode);
      return keep_names(s, request, r, 1, NAME_OF(io_mkdir, request, filename), 0, 0);
    }
    case OP_RENAMEAT: {
      struct io_rename* rename = (void*)request;
      r->args[0] = BPF_CORE_READ(rename, old_dfd);
      r->args[2] = BPF_CORE_READ(rename, new_dfd);
      r->args[4] = BPF_CORE_READ(rename, flags);
      return keep_names(s, request, r, 1, NAME_OF(io_rename, request, oldpath), 3,
                        NAME_OF(io_rename, request, newpath));
    }
    case OP_LINKAT: {
      struct io_link* link = (void*)request;
      r->args[0] = BPF_CORE_READ(link, old_dfd);
      r->args[2] = BPF_CORE_READ(link, new_dfd);
      r->args[4] = BPF_CORE_READ(link, flags);
      return keep_names(s, request, r, 1, NAME_OF(io_link, request, oldpath), 3,
                        NAME_OF(io_link, request, newpath));
    }
    case OP_SYMLINKAT: {
      struct io_link* link = (void*)request;
      r->args[1] = BPF_CORE_READ(link, new_dfd);
      return keep_names(s, request, r, 0, NAME_OF(io_link, request, oldpath), 2,
                        NAME_OF(io_link, request, newpath));
    }
    default:
      return 1;
  }
}

/* Set before load: what completed is told as a pointer to it. */
const volatile __u32 completion_by_pointer = 0;
/* What the kernel knows of each operation; 0 where its symbols are hidden from us. */
__u64 issue_defs;

/* Run once after the load. A symbol that the loader finds costs it a walk through all of
 * /proc/kallsyms. */
SEC("syscall")
int find_issue_defs(void* ctx) {
  static const char kName[] = "io_issue_defs";
  return bpf_kallsyms_lookup_name(kName, sizeof(kName), 0, &issue_defs);
}

/* An address of a connect or a bind comes alone (releases since June 2026), or within what a
 * message has. Which one, the size tells, or, where that is hidden, whether it starts with a
 * family: the other starts with a pointer. */
static __always_inline int address_is_alone(const void* data, __u32 operation) {
  __u16 family = 0;
  if (bpf_core_field_exists(struct io_issue_def, async_size) && issue_defs) { /* Linux 6.3 */
    const struct io_issue_def* definition =
        (void*)issue_defs + operation * bpf_core_type_size(struct io_issue_def);
    return BPF_CORE_READ(definition, async_size) <= ADDRESS_MAX;
  }
  bpf_probe_read_kernel(&family, sizeof(family), data);
  return family == AF_UNIX || family == AF_INET || family == AF_INET6;
}

/* Copies the address the kernel has copied already (Linux 6.10). */
static __always_inline int note_address(struct io_kiocb* request, struct request* r,
                                        __u32 operation) {
  const void* data = BPF_CORE_READ(request, async_data);
  const struct io_async_msghdr* message = data;
  if (!data) return 0;
  if (!address_is_alone(data, operation)) data += bpf_core_field_offset(message->addr);
  return bpf_probe_read_kernel(r->address, sizeof(r->address), data) == 0;
}

/* Calls on sockets. Nonzero: it is none. */
__noinline int note_socket(__u32 slot, __u64 at, __u32 operation) {
  struct request* r = draft_of(slot);
  struct io_kiocb* request = (void*)at;
  if (!r) return 1;
  switch (operation) {
    case OP_CONNECT: {
      struct io_connect* connect = (void*)request;
      r->args[1] = (__u64)BPF_CORE_READ(connect, addr);
      r->args[2] = BPF_CORE_READ(connect, addr_len);
      r->kernel_address = (__u8)note_address(request, r, operation);
      return 0;
    }
    case OP_BIND: {
      struct io_bind* bind = (void*)request;
      if (!bpf_core_type_exists(struct io_bind)) return 0;
      r->args[2] = BPF_CORE_READ(bind, addr_len);
      r->kernel_address = (__u8)note_address(request, r, operation);
      return 0;
    }
    case OP_LISTEN: {
      struct io_listen* listen = (void*)request;
      if (!bpf_core_type_exists(struct io_listen)) return 0;
      r->args[1] = BPF_CORE_READ(listen, backlog);
      return 0;
    }
    case OP_SHUTDOWN: {
      struct io_shutdown* shutdown = (void*)request;
      r->args[1] = BPF_CORE_READ(shutdown, how);
      return 0;
    }
    case OP_ACCEPT: {
      struct io_accept* accept = (void*)request;
      r->args[3] = BPF_CORE_READ(accept, flags);
      r->slot = BPF_CORE_READ(accept, file_slot);
      r->makes_fd = 1;
      return 0;
    }
    case OP_SOCKET: {
      struct io_socket* socket = (void*)request;
      r->args[0] = BPF_CORE_READ(socket, domain);
      r->args[1] = BPF_CORE_READ(socket, type) | BPF_CORE_READ(socket, flags);
      r->args[2] = BPF_CORE_READ(socket, protocol);
      r->slot = BPF_CORE_READ(socket, file_slot);
      r->makes_fd = 1;
      return 0;
    }
    case OP_SEND:
    case OP_SEND_ZC:
    case OP_RECV:
    case OP_SENDMSG:
    case OP_SENDMSG_ZC:
    case OP_RECVMSG: {
      struct io_sr_msg* message = (void*)request;
      r->args[1] = (__u64)BPF_CORE_READ(message, buf);
      r->args[2] = BPF_CORE_READ(message, len);
      return 0;
    }
    default:
      return 1;
  }
}

static __always_inline int reads_or_writes(__u32 operation) {
  return operation == OP_READ || operation == OP_WRITE || operation == OP_READV ||
         operation == OP_WRITEV || operation == OP_READ_FIXED || operation == OP_WRITE_FIXED;
}

static __always_inline void note_rest(struct io_kiocb* request, struct request* r,
                                      __u32 operation) {
  if (operation == OP_CLOSE) {
    struct io_close* close = (void*)request;
    const __u32 slot = BPF_CORE_READ(close, file_slot);
    r->args[0] = slot ? direct_fd(r->ring, slot - 1) : (__u64)BPF_CORE_READ(close, fd);
  } else if (reads_or_writes(operation)) {
    struct io_rw* rw = (void*)request;
    r->args[1] = BPF_CORE_READ(rw, addr);
    r->args[2] = BPF_CORE_READ(rw, len);
    r->args[3] = BPF_CORE_READ(rw, kiocb.ki_pos);
  }
}

/* Operations whose first argument is the request's own descriptor. */
static __always_inline int acts_on_file(__u32 operation) {
  return reads_or_writes(operation) ||
         (operation != OP_CLOSE && operation != OP_SOCKET && operation != OP_OPENAT &&
          operation != OP_OPENAT2 && (operation < OP_RENAMEAT || operation > OP_LINKAT));
}

static __always_inline struct gyr_call uring_call(struct io_kiocb* request, __u32 operation) {
  const struct gyr_call none = {};
  __u32 index = operation;
  struct io_rw* rw = (void*)request;
  if (reads_or_writes(operation) && BPF_CORE_READ(rw, kiocb.ki_pos) != -1) index += GYR_OPERATIONS;
  OPAQUE(index);
  return index < 2 * GYR_OPERATIONS ? uring_calls[index] : none;
}

static __always_inline void lose_request(__u32 slot, __u32 event, __u32 sc, __u64 ts) {
  struct gyr_cpu* cpu = cpu_of(slot);
  if (cpu) cpu->seen++;
  lose(slot, event, sc, GYR_NOT_FOLLOWED, ts);
}

static __always_inline __s64 as_descriptor(const struct request* r, __s64 ret) {
  if (!r->makes_fd || !r->slot || ret < 0) return ret;
  return direct_fd(r->ring, r->slot == SLOT_ANY ? (__u32)ret : r->slot - 1);
}

/* Of what the rows of these calls name: see docs/live.md, what the start costs. */
#define URING_GROUPS (ALL_GROUPS & ~GROUP_BIT(GROUP_task))

/* The event of a noted request, as if its call had returned `ret`. */
__noinline int emit_request(__u32 slot, __u64 request, __s64 ret) {
  struct scratch* s = scratch_of(slot);
  struct request* r = bpf_map_lookup_elem(&requests, &request);
  if (!s || !r) return 0;
  __builtin_memcpy(s->args, r->args, sizeof(r->args));
  s->ret = as_descriptor(r, ret);
  s->nr = 0;
  s->sc = r->sc;
  s->tid = r->tid;
  s->talks = is_talker(READ(current_task(), tgid));
  s->kernel_memory = r->names || r->kernel_address || r->event == EV_OPENAT2_X;
  if (r->kernel_address) s->args[1] = (__u64)r->address;
  if (r->event == EV_OPENAT2_X) s->args[2] = (__u64)r->how;
  for (__u32 i = 0; i < NAMED_ARGUMENTS; ++i) {
    const struct name_key key = {.request = request, .argument = i};
    if (r->names >> i & 1) s->args[i] = (__u64)bpf_map_lookup_elem(&request_names, &key);
  }
  const __u32 event = r->event;
  return emit_groups(slot, event, URING_GROUPS);
}

__noinline int forget_request(__u64 request) {
  struct request* r = bpf_map_lookup_elem(&requests, &request);
  if (!r) return 0;
  for (__u32 i = 0; i < NAMED_ARGUMENTS; ++i) {
    const struct name_key key = {.request = request, .argument = i};
    if (r->names >> i & 1) bpf_map_delete_elem(&request_names, &key);
  }
  if (r->repeats) {
    const struct stream_key key = {.ring = r->ring, .user_data = r->user_data};
    bpf_map_delete_elem(&request_streams, &key);
  }
  bpf_map_delete_elem(&requests, &request);
  return 0;
}

/* Fills the draft; 0: the names it has could not be kept. */
static __always_inline int draft_request(__u32 slot, struct request* r, struct io_kiocb* request,
                                         __u32 operation) {
  struct task_struct* task = current_task();
  const __u64 at = (__u64)request;
  __builtin_memset(r, 0, sizeof(*r));
  r->ring = BPF_CORE_READ(request, ctx);
  r->user_data = BPF_CORE_READ(request, cqe.user_data);
  /* A kernel thread that takes requests in for a program is one of the program's threads. */
  r->tid = READ(task, flags) & PF_IO_WORKER ? READ(task, tgid) : READ(task, pid);
  r->acts_on_file = (__u8)acts_on_file(operation);
  if (r->acts_on_file) {
    const __u32 fd = BPF_CORE_READ(request, cqe.fd);
    const int direct = BPF_CORE_READ(request, flags) & REQUEST_FIXED_FILE;
    r->args[0] = direct ? direct_fd(r->ring, fd) : fd;
  }
  if (note_path(slot, at, operation) == 0) return r->names != 0;
  if (note_socket(slot, at, operation)) note_rest(request, r, operation);
  return 1;
}

/* What a request that reports no success is taken to have done when it is handed in. */
static __always_inline __s64 supposed_result(const struct request* r, __u32 operation) {
  if (r->makes_fd) return r->slot ? 0 : UNKNOWN_FD;
  const int sends = operation == OP_SEND || operation == OP_SEND_ZC || operation == OP_WRITE ||
                    operation == OP_WRITE_FIXED;
  return sends ? (__s64)r->args[2] : 0;
}

static __always_inline void note_request(__u32 slot, struct scratch* s, struct io_kiocb* request,
                                         struct gyr_call call, __u32 operation) {
  const __u64 key = (__u64)request;
  struct request* r = draft_of(slot);
  const struct request* old = bpf_map_lookup_elem(&requests, &key);
  if (!r) return;
  if (old) { /* the kernel uses its memory again, and we have not seen it complete */
    lose_request(slot, old->event, old->sc, s->ts);
    forget_request(key);
  }
  const int kept = draft_request(slot, r, request, operation);
  r->event = call.event;
  r->sc = call.sc;
  r->repeats = operation == OP_ACCEPT;
  if (!kept || bpf_map_update_elem(&requests, &key, r, BPF_ANY)) {
    lose_request(slot, call.event, call.sc, s->ts);
    return;
  }
  if (r->repeats) {
    const struct stream_key stream = {.ring = r->ring, .user_data = r->user_data};
    bpf_map_update_elem(&request_streams, &stream, &key, BPF_ANY);
  }
  if (BPF_CORE_READ(request, flags) & REQUEST_SKIPS_SUCCESS) {
    emit_request(slot, key, supposed_result(r, operation));
    forget_request(key);
  }
}

static __always_inline int on_submit(struct io_kiocb* request) {
  const __u32 slot = bpf_get_smp_processor_id();
  const __u32 operation = BPF_CORE_READ(request, opcode);
  const struct gyr_call call = uring_call(request, operation);
  const __u32 tgid = READ(current_task(), tgid);
  if (!call.event || tgid == own_tgid) return 0;
  if (is_talker(tgid) && is_shed(call.sc)) {
    count_shed();
    return 0;
  }
  struct scratch* s = begin(slot, call.event, call.sc);
  if (!s) return 0;
  note_request(slot, s, request, call, operation);
  end(slot);
  return 0;
}

SEC("raw_tp/io_uring_submit_req")
int uring_submit(__u64* ctx) { return on_submit((void*)ctx[0]); }
SEC("raw_tp/io_uring_submit_sqe") /* its name before Linux 6.5 */
int uring_submit_old(__u64* ctx) { return on_submit((void*)ctx[0]); }

/* One of several completions of a request does not name it. */
static __always_inline __u64 completed_request(__u64 ring, __u64 request, __u64 user_data) {
  const struct stream_key key = {.ring = (void*)ring, .user_data = user_data};
  if (request) return request;
  const __u64* found = bpf_map_lookup_elem(&request_streams, &key);
  return found ? *found : 0;
}

SEC("raw_tp/io_uring_complete")
int uring_complete(__u64* ctx) {
  struct io_uring_cqe* completion = (void*)ctx[2];
  const __u64 user_data = completion_by_pointer ? BPF_CORE_READ(completion, user_data) : ctx[2];
  const __s64 ret = completion_by_pointer ? BPF_CORE_READ(completion, res) : (__s32)ctx[3];
  const __u64 request = completed_request(ctx[0], ctx[1], user_data);
  const struct request* r = bpf_map_lookup_elem(&requests, &request);
  const __u32 slot = bpf_get_smp_processor_id();
  if (!r) return 0;
  struct scratch* s = is_dropped(ret) ? 0 : begin(slot, r->event, r->sc);
  if (s) {
    if (r->acts_on_file) s->file = BPF_CORE_READ((struct io_kiocb*)request, file);
    emit_request(slot, request, ret);
    end(slot);
  }
  if (ctx[1]) forget_request(request);
  return 0;
}
