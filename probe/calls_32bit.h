/* SPDX-License-Identifier: Apache-2.0
 * Calls of 32-bit x86 programs that hold several calls or whose arguments are arranged otherwise.
 */
#pragma once

#define NR32_LLSEEK 140
#define NR32_SOCKETCALL 102
#define NR32_IPC 117
#define NR32_UMOUNT 22
#define NR32_MMAP 90     /* its arguments are in memory */
#define NR32_MMAP2 192   /* its offset counts pages */
#define NR32_PREAD64 180 /* positions of 64 bits take two registers */
#define NR32_PWRITE64 181
#define NR32_PREADV 333
#define NR32_PWRITEV 334

static __always_inline void arguments_at(struct scratch* s, __u64 at) {
  s->args[0] = user_word(at, 0);
  s->args[1] = user_word(at, 1);
  s->args[2] = user_word(at, 2);
  s->args[3] = user_word(at, 3);
  s->args[4] = user_word(at, 4);
  s->args[5] = user_word(at, 5);
}

// ipc(call, first, second, third, pointer): only the semaphores have events of their own. The
// fourth argument of semctl is where the pointer points to.
#define IPC_SEMOP 1
#define IPC_SEMCTL 3
static __always_inline void unpack_ipc(struct scratch* s, __u32 what) {
  const __u64 first = s->args[1], second = s->args[2], third = s->args[3], pointer = s->args[4];
  s->args[0] = first;
  s->args[1] = what == IPC_SEMOP ? pointer : second; /* semop(id, operations, count) */
  s->args[2] = what == IPC_SEMOP ? second : third;
  s->args[3] = what == IPC_SEMCTL ? user_word(pointer, 0) : pointer;
}

// The call that a 32-bit program really makes, with its arguments in place.
static __always_inline struct gyr_call unpack_32bit(struct scratch* s, struct gyr_call call,
                                                    __u32 nr) {
  /* The upper half of ipc's first argument is a version. */
  const __u32 what = nr == NR32_IPC ? (__u16)s->args[0] : (__u32)s->args[0];
  if (nr == NR32_SOCKETCALL || nr == NR32_IPC) {
    const __u32 kind = nr == NR32_IPC;
    const struct gyr_call none = {};
    __u32 index = what;
    OPAQUE(index);
    call = index < GYR_PACKED ? packed_calls[kind][index] : none;
    if (!call.sc) count_unmapped();
    if (kind)
      unpack_ipc(s, what);
    else
      arguments_at(s, s->args[1]);
  } else if (nr == NR32_LLSEEK) {
    s->args[1] = s->args[1] << 32 | (__u32)s->args[2];
    s->args[2] = s->args[4];
  } else if (nr == NR32_MMAP) {
    arguments_at(s, s->args[0]);
  } else if (nr == NR32_MMAP2) {
    s->args[5] <<= 12;
  } else if (nr == NR32_PREAD64 || nr == NR32_PWRITE64 || nr == NR32_PREADV || nr == NR32_PWRITEV) {
    s->args[3] |= s->args[4] << 32;
  } else if (nr == NR32_UMOUNT) {
    s->args[1] = 0; /* it has no flags */
  }
  return call;
}
