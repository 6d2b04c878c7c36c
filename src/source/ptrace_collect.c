// SPDX-License-Identifier: Apache-2.0
// See ptrace_collect.h. The probe's headers are included as they are; what the kernel offers them
// (helpers, the current task) is defined here on top of the tracer's answers.
#include "source/ptrace_collect.h"

#include <linux/types.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

// Code for eBPF relies on the compiler's extensions and on narrowing.
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wpointer-arith"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-parameter"

#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define __noinline static __attribute__((noinline, unused))

struct mm_struct {
  __u64 arg_start, arg_end, env_start, env_end;
};
struct task_struct {
  struct mm_struct* mm;
  char comm[16];
};
struct scratch;

// What "current" is to the kernel: whom this thread builds a record about. Set by gyr_build_record.
static _Thread_local struct {
  struct scratch* scratch;
  struct gyr_tracee* tracee;
  struct task_struct* task;
  __u32 most; /* bytes of a buffer */
  const struct gyr_calls* calls;
  uint64_t* unmapped;
} current;
#define snaplen current.most

static inline struct scratch* scratch_of(__u32 slot) { return slot == 0 ? current.scratch : 0; }
static inline struct task_struct* task_of(const struct scratch* s) { return s ? current.task : 0; }
#define READ(from, field) ((from)->field)
#define OPAQUE(value) (void)(value)
static __always_inline __u32 bounded(__u64 size, __u32 most) {
  return size > most ? most : (__u32)size;
}

static long bpf_probe_read_user(void* to, __u32 size, const void* from) {
  if (gyr_read_memory(current.tracee, to, size, (uintptr_t)from) == 0) return 0;
  memset(to, 0, size);
  return -1;
}
static long bpf_probe_read_user_str(void* to, __u32 size, const void* from) {
  return gyr_read_text(current.tracee, to, size, (uintptr_t)from);
}
// "Kernel" memory is ours.
static inline long bpf_probe_read_kernel(void* to, __u32 size, const void* from) {
  memcpy(to, from, size);
  return 0;
}
static inline long bpf_probe_read_kernel_str(void* to, __u32 size, const void* from) {
  if (size == 0) return 0;
  const size_t length = strnlen(from, size - 1);
  memcpy(to, from, length);
  ((char*)to)[length] = 0;
  return (long)length + 1;
}

#include "shared.h"
//
#if defined(__aarch64__)
#include "machine_arm64.h"
#else
#include "machine_x86.h"
#endif
//
#include "tables.h"
//
#include "scratch.h"
//
#include "flags.h"
//

static __u64 task_number(__u32 slot, __u32 token);
static __u64 exit_number(__u32 token) { return gyr_answer(current.tracee, token, -1); }

#include "collect_scalar.h"
//
#include "collect_memory.h"
//
#include "collect_text.h"
//

// The caller sees the pid namespace of its children, a child its own (`ret` is 0 there).
static __u64 task_number(__u32 slot, __u32 token) {
  const struct scratch* s = scratch_of(slot);
  if (!s || (token == COLLECT_pidns_start && s->ret != 0)) return 0;
  const __u64 answer = gyr_answer(current.tracee, token, s->ret);
  return token == COLLECT_clone3_flags ? clone_flags(answer) : answer;
}

static void put_answer_text(struct scratch* s, __u32 token, __s64 fd) {
  __u32 off;
  __u8* at = room(s, &off);
  if (!at) return;
  s->off = off + gyr_answer_text(current.tracee, token, fd, (char*)at, STRING_MAX);
}

static int load_file(__u32 slot);

static int collect_fd_path(__u32 slot) {
  struct scratch* s = scratch_of(slot);
  if (s && s->ret >= 0) put_answer_text(s, COLLECT_fd_path, s->ret);
  return 0;
}

static int collect_exe_path(__u32 slot) {
  struct scratch* s = scratch_of(slot);
  if (s) put_answer_text(s, COLLECT_exe_path, -1);
  return 0;
}

static __u64 exe_number(__u32 slot, __u32 token) {
  return scratch_of(slot) ? gyr_answer(current.tracee, token, -1) : 0;
}

static __u64 pair_inode(__u32 slot, __u64 at) {
  struct scratch* s = scratch_of(slot);
  const __s64 fd = s ? pair(s, at, 0) : -1;
  return fd < 0 ? 0 : gyr_answer(current.tracee, COLLECT_fd_ino, fd);
}

#include "collect_file.h"

static int load_file(__u32 slot) {
  struct scratch* s = scratch_of(slot);
  if (!s || s->file_known) return 0;
  s->file_known = 1;
  s->file_dev = (__u32)gyr_answer(current.tracee, COLLECT_fd_dev, s->ret);
  s->file_ino = gyr_answer(current.tracee, COLLECT_fd_ino, s->ret);
  const __u64 marks = gyr_answer(current.tracee, COLLECT_open_flags, s->ret);
  s->file_marks = (__u32)marks & (UPPER_LAYER | LOWER_LAYER);
  s->file_created = (__u32)marks & FILE_CREATED;
  return 0;
}

static int put_tuple(__u32 slot, __s64 fd, __u32 outbound);
static __u64 socket_number(__u32 slot, __u32 token, __u64 arg);

#include "collect_socket.h"

// Of a socket that is not connected the caller's sockaddr tells the other end.
static void add_user_address(const struct scratch* s, struct gyr_ends* ends) {
  const int v6 = ends->family == AF_INET6;
  if (ends->remote_port != 0 || !s->user_address) return;
  if (s->user_address_length < (v6 ? 24u : 8u)) return;
  struct address other = {0};
  bpf_probe_read_user(&other, v6 ? 24 : 8, (const void*)(uintptr_t)s->user_address);
  if (v6)
    memcpy(ends->remote, other.v6, 16);
  else
    memcpy(ends->remote, &other.v4, 4);
  ends->remote_port = host_order(other.port);
}

// The kernel's addresses of the two sockets are its secret; the path is the receiving end's, or the
// sending end's if only that has one.
static void put_unix(struct scratch* s, const struct gyr_ends* ends, int outbound) {
  put(s, AF_UNIX, 1);
  put(s, 0, 8);
  put(s, 0, 8);
  if (outbound && s->user_address && s->user_address_length > 2) {
    put_unix_name(s, (const void*)(uintptr_t)(s->user_address + 2), s->user_address_length - 2, 1);
    return;
  }
  const int remote_first = outbound ? ends->remote_name_size != 0 : ends->local_name_size == 0;
  if (remote_first)
    put_unix_name(s, ends->remote_name, ends->remote_name_size, 0);
  else
    put_unix_name(s, ends->local_name, ends->local_name_size, 0);
}

static int put_tuple(__u32 slot, __s64 fd, __u32 outbound) {
  struct scratch* s = scratch_of(slot);
  struct gyr_ends ends;
  memset(&ends, 0, sizeof(ends));
  gyr_socket_ends(current.tracee, fd, &ends);
  if (!s || ends.family == 0) return 0;
  if (ends.family == AF_UNIX) {
    put_unix(s, &ends, (int)outbound);
    return 0;
  }
  add_user_address(s, &ends);
  const int v6 = ends.family == AF_INET6;
  struct ends both = {.local_port = ends.local_port, .remote_port = ends.remote_port};
  memcpy(both.local, ends.local, 16);
  memcpy(both.remote, ends.remote, 16);
  put_ends(s, &both, v6, (int)outbound);
  return 0;
}

static __u64 socket_number(__u32 slot, __u32 token, __u64 arg) {
  const struct scratch* s = scratch_of(slot);
  if (!s || s->ret < 0 || token == COLLECT_pair_source || token == COLLECT_pair_peer) return 0;
  return gyr_answer(current.tracee, token, (__s32)arg);
}

static int collect_cgroups(__u32 slot) {
  struct scratch* s = scratch_of(slot);
  if (s) put_answer_text(s, COLLECT_cgroups, -1);
  return 0;
}

#include "collect_task.h"

struct gyr_workshop {
  struct scratch scratch;
  struct task_struct task;
  struct mm_struct mm;
};

struct gyr_workshop* gyr_workshop_new(void) {
  return calloc(1, sizeof(struct gyr_workshop));
}
void gyr_workshop_delete(struct gyr_workshop* workshop) { free(workshop); }

static void begin(struct gyr_workshop* workshop, struct gyr_tracee* tracee,
                  const struct gyr_call_end* end) {
  struct scratch* s = &workshop->scratch;
  memset(s, 0, offsetof(struct scratch, data));
  memcpy(s->args, end->args, sizeof(end->args));
  s->ret = end->ret;
  s->ts = end->ts_ns;
  s->exec_filename = end->exec_filename;
  s->nr = end->nr;
  s->sc = end->sc;
  s->compat = end->compat;
  workshop->task.mm = 0;
  workshop->task.comm[0] = 0;
  current.scratch = s;
  current.tracee = tracee;
  current.task = &workshop->task;
  current.most = end->snap;
}

#define packed_calls current.calls->packed
static void count_unmapped(void) { ++*current.unmapped; }

#include "calls_32bit.h"

struct gyr_call gyr_unpack_32bit(struct gyr_workshop* workshop, struct gyr_tracee* tracee,
                                 const struct gyr_calls* calls, struct gyr_call_end* end,
                                 uint64_t* unmapped) {
  struct scratch* s = &workshop->scratch;
  begin(workshop, tracee, end);
  current.calls = calls;
  current.unmapped = unmapped;
  const struct gyr_call call = unpack_32bit(s, calls->calls[1][end->nr % GYR_CALLS], end->nr);
  memcpy(end->args, s->args, sizeof(end->args));
  return call;
}

static void collect_param(const struct param_row* row) {
  switch (row->group) {
    case GROUP_scalar:
      collect_scalar(0, row->spec);
      break;
    case GROUP_memory:
      collect_memory(0, row->spec);
      break;
    case GROUP_text:
      collect_text(0, row->spec);
      break;
    case GROUP_file:
      collect_file(0, row->spec);
      break;
    case GROUP_socket:
      collect_socket(0, row->spec);
      break;
    case GROUP_task:
      collect_task(0, row->spec);
      break;
    default:
      break;
  }
}

static int needs_task(__u32 first, __u32 count) {
  for (__u32 i = 0; i < count; ++i) {
    if (param_rows[first + i].group == GROUP_task) return 1;
  }
  return 0;
}

static void load_task(struct gyr_workshop* workshop, struct gyr_tracee* tracee) {
  uint64_t areas[4] = {0, 0, 0, 0};
  gyr_program_areas(tracee, areas);
  workshop->mm = (struct mm_struct){areas[0], areas[1], areas[2], areas[3]};
  workshop->task.mm = &workshop->mm;
  gyr_answer_text(tracee, COLLECT_comm, -1, workshop->task.comm, sizeof(workshop->task.comm));
}

uint32_t gyr_build_record(struct gyr_workshop* workshop, struct gyr_tracee* tracee,
                          const struct gyr_call_end* end, const uint8_t** record,
                          uint64_t* unreadable) {
  struct scratch* s = &workshop->scratch;
  if (end->event >= EV_LIMIT) return 0;
  const __u32 first = event_rows[end->event];
  const __u32 count = event_rows[end->event + 1] - first;
  begin(workshop, tracee, end);
  if (needs_task(first, count)) load_task(workshop, tracee);
  s->off = HEADER + 2 * count;
  for (__u32 i = 0; i < count; ++i) {
    const __u32 before = s->off;
    collect_param(&param_rows[first + i]);
    const __u16 size = (__u16)(s->off - before);
    memcpy(s->data + HEADER + 2 * i, &size, 2);
  }
  *unreadable += s->unreadable;
  if (s->overflow || s->off >= EVENT_MAX) return 0;
  const __u32 length = s->off;
  memcpy(s->data, &end->ts_ns, 8);
  memcpy(s->data + 8, &end->tid, 8);
  memcpy(s->data + 16, &length, 4);
  memcpy(s->data + 20, &end->event, 2);
  memcpy(s->data + 22, &count, 4);
  *record = s->data;
  return length;
}
