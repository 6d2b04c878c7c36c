/* SPDX-License-Identifier: Apache-2.0
 * Where a record is built: one piece of memory per CPU, since a record is far larger than the stack
 * and the ring takes only sizes known in advance. Programs run with preemption off, so a CPU builds
 * one record at a time.
 */
#pragma once

#include "shared.h"

#define HEADER 26
#define EVENT_MAX 32768 /* a record that grows past this is lost, and counted */
#define STRING_MAX 4096 /* bytes of one text, its NUL included */
#define ADDRESS_MAX 128 /* bytes of a socket address: struct sockaddr_storage */
#define WALK_MAX 48     /* components of a path */
#define SUMS_MAX 4      /* parameters of an event that are compared; none has more */

struct message { /* struct user_msghdr, of 32-bit callers too */
  __u64 name, iov, iovlen, control, controllen;
  __u32 namelen;
  __u32 length; /* what a call on several messages moved of this one */
};

struct scratch {
  __u64 args[8]; /* of the call; 6 and 7 are zero */
  __s64 ret;
  __u64 ts;                  /* since the epoch */
  const void* task;          /* whom the event is about, where reads are probed */
  const void* exec_filename; /* kernel memory, while a successful exec is reported */
  struct message message;
  __u64 user_address; /* the sockaddr a caller passed, 0: none */
  __u32 user_address_length;
  __u32 nr;
  __u16 sc;
  __u8 compat; /* a 32-bit caller: pointers and longs in memory are 4 bytes */
  __u8 file_known;
  __u8 talks;         /* its process is one of the talkers */
  __u8 kernel_memory; /* texts, addresses and open_how are in the kernel's memory */
  __u32 tid;          /* whose event it is, 0: the current thread's */
  const void* file;   /* of the descriptor in argument 0, where it is known */
  __u32 off;          /* where the next byte goes, in data */
  __u32 left;
  __u32 file_dev;
  __u64 file_ino;
  __u32 file_marks; /* PPM_FD_* layer bits */
  __u32 file_created;
  const void* names[WALK_MAX]; /* components of a path, the last one first */
  void* walk_node;             /* where the walk upwards is: dentry or kernfs_node */
  void* walk_mount;
  __u32 walk_count;
  __u64 sums[SUMS_MAX]; /* of what the arguments pointed to at the call's entry */
  __u32 next_sum;
  __u8 compared;     /* there are such sums */
  __u8 marks;        /* GYR_MARK_*: of the event */
  __u8 walk_cut;     /* not all of the path was written */
  __u8 walk_nowhere; /* it ends at what is in no directory */
  __u32 overflow;
  __u32 unreadable;
  __u8 data[EVENT_MAX + GYR_SNAPLEN_MAX + 4096];
};

#ifdef __bpf__
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1); /* CPUs: set before load */
  __type(key, __u32);
  __type(value, struct scratch);
} scratches SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1); /* CPUs: set before load */
  __type(key, __u32);
  __type(value, struct gyr_cpu);
} cpus SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1); /* CPUs: set before load */
  __type(key, __u32);
  __type(value, struct gyr_losses);
} losses SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, GYR_LOSERS);
  __type(key, __u32);
  __type(value, struct gyr_loser);
} losers SEC(".maps");

/* By process id: those that talk so much that the calls in `shed_calls` are given up for them. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, GYR_TALKERS);
  __type(key, __u32);
  __type(value, __u8);
} talkers SEC(".maps");

struct ring {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 16);
};
/* Filled by user space; `rings` of struct gyr_cpu tells which are a CPU's. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, 1); /* set before load */
  __type(key, __u32);
  __array(values, struct ring);
} rings SEC(".maps");

static __always_inline struct scratch* scratch_of(__u32 slot) {
  return bpf_map_lookup_elem(&scratches, &slot);
}

/* Whom the event is about: the current task, or, where reads are probed, any. */
static __always_inline struct task_struct* task_of(const struct scratch* s) {
#if GYR_TYPED
  return current_task();
#else
  return (struct task_struct*)s->task;
#endif
}

static __always_inline struct gyr_cpu* cpu_of(__u32 slot) {
  return bpf_map_lookup_elem(&cpus, &slot);
}

#endif

/* Place for up to EVENT_MAX bytes more; null when the record is too big already. */
static __always_inline __u8* room(struct scratch* s, __u32* off) {
  const __u32 at = s->off;
  if (at >= EVENT_MAX) {
    s->overflow = 1;
    return 0;
  }
  *off = at;
  return s->data + at;
}

static __always_inline int put(struct scratch* s, __u64 value, __u32 width) {
  __u32 off;
  __u8* at = room(s, &off);
  if (!at) return 0;
  if (width == 8)
    *(__u64*)at = value;
  else if (width == 4)
    *(__u32*)at = (__u32)value;
  else if (width == 2)
    *(__u16*)at = (__u16)value;
  else
    *at = (__u8)value;
  s->off = off + width;
  return 0;
}

static __always_inline void put_user_bytes(struct scratch* s, __u64 from, __u64 size) {
  __u32 off;
  __u8* at = room(s, &off);
  if (!at || size == 0) return;
  const __u32 count = bounded(size, GYR_SNAPLEN_MAX);
  if (bpf_probe_read_user(at, count, (const void*)from)) {
    s->unreadable++;
    return;
  }
  s->off = off + count;
}

/* What copying a text with its NUL gave, as bytes written: before Linux 6.13 copying an empty one
 * from a program gives 0. Negative: it could not be read. */
static __always_inline long text_size(__u8* at, long copied) {
  if (copied != 0) return copied;
  *at = 0;
  return 1;
}

/* Copies what a caller has passed: from its memory, or from where the kernel keeps a copy. */
static __always_inline long fetch(const struct scratch* s, void* to, __u32 size, __u64 from) {
  return s->kernel_memory ? bpf_probe_read_kernel(to, size, (const void*)from)
                          : bpf_probe_read_user(to, size, (const void*)from);
}

static __always_inline long fetch_text(const struct scratch* s, void* to, __u32 size, __u64 from) {
  return s->kernel_memory ? bpf_probe_read_kernel_str(to, size, (const void*)from)
                          : bpf_probe_read_user_str(to, size, (const void*)from);
}

static __always_inline void put_user_text(struct scratch* s, __u64 from) {
  __u32 off;
  __u8* at = room(s, &off);
  if (!at || !from) return;
  const long size = text_size(at, fetch_text(s, at, STRING_MAX, from));
  if (size <= 0)
    s->unreadable++;
  else
    s->off = off + (__u32)size;
}

static __always_inline void put_kernel_text(struct scratch* s, const void* from, __u32 most) {
  __u32 off;
  __u8* at = room(s, &off);
  if (!at) return;
  const long size = bpf_probe_read_kernel_str(at, most, from);
  if (size > 0) s->off = off + (__u32)size;
}

/* An unsigned long or pointer in the caller's memory. */
static __always_inline __u64 user_long(const struct scratch* s, __u64 from, __u32 index) {
  if (s->compat) {
    __u32 word = 0;
    bpf_probe_read_user(&word, 4, (const void*)(from + index * 4));
    return word;
  }
  __u64 value = 0;
  bpf_probe_read_user(&value, 8, (const void*)(from + index * 8));
  return value;
}
/* A number of 64 bits there, whoever the caller is. */
static __always_inline __u64 user_wide(__u64 from, __u32 index) {
  __u64 value = 0;
  bpf_probe_read_user(&value, 8, (const void*)(from + index * 8));
  return value;
}
/* The same of what a caller has passed. */
static __always_inline __u64 passed_wide(const struct scratch* s, __u64 from, __u32 index) {
  __u64 value = 0;
  fetch(s, &value, 8, from + index * 8);
  return value;
}
static __always_inline __u32 user_word(__u64 from, __u32 index) {
  __u32 word = 0;
  bpf_probe_read_user(&word, 4, (const void*)(from + index * 4));
  return word;
}
